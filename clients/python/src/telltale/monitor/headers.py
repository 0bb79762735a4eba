"""HTTP headers by which a service's log lines can be tied to a test, and HTTP clients that send them by themselves."""
from __future__ import annotations

import fnmatch
import os
from urllib.parse import quote, urlsplit

MAX_NAME_IN_BAGGAGE = 2000  # bytes; the W3C's limit for the whole header is 8192
LIBRARIES = ("urllib", "http.client", "requests", "httpx")


def make_headers(test) -> dict:
    """traceparent (a new span each time), baggage, x-test-id of a TestRun."""
    name = quote(test.node_id, safe="/:._-[]()@", errors="replace")
    members = [f"telltale.test={test.id}", f"telltale.run={quote(test.run, safe='')}"]
    if len(name) <= MAX_NAME_IN_BAGGAGE:
        members.insert(0, f"test.case.name={name}")
    return {"traceparent": f"00-{test.trace_id}-{os.urandom(8).hex()}-01", "baggage": ",".join(members), "x-test-id": test.id}


class Instrumentation:
    """Puts the headers of the running test into requests that do not have them. install() … remove(); `current()` gives the test or None."""

    def __init__(self, current, hosts):
        self._current, self._hosts = current, [host.lower() for host in hosts]
        self._undo: list = []

    def install(self, names) -> list:
        """Returns what is wrong with the names, a text each."""
        wanted = LIBRARIES if "all" in names else names
        problems = []
        for name in wanted:
            method = {"urllib": self._urllib, "http.client": self._http_client, "requests": self._requests, "httpx": self._httpx}.get(name)
            if method is None:
                problems.append(f"--telltale-instrument: '{name}' is not known; allowed are {', '.join(LIBRARIES)} and all")
                continue
            try:
                method()
            except ImportError:
                if "all" not in names:
                    problems.append(f"--telltale-instrument: {name} is not installed")
        return problems

    def remove(self) -> None:
        while self._undo:
            holder, attribute, original = self._undo.pop()
            setattr(holder, attribute, original)

    def headers_for(self, host: str) -> dict:
        test = self._current()
        if test is None or not any(fnmatch.fnmatchcase((host or "").lower(), pattern) for pattern in self._hosts):
            return {}
        return make_headers(test)

    def _wrap(self, holder, attribute: str, make) -> None:
        original = getattr(holder, attribute)
        self._undo.append((holder, attribute, original))
        setattr(holder, attribute, make(original))

    def _urllib(self) -> None:
        import urllib.request

        def make(original):
            def do_open(handler, http_class, req, **options):
                for name, value in self.headers_for(urlsplit(req.full_url).hostname).items():
                    if not req.has_header(name.capitalize()):
                        req.add_unredirected_header(name, value)
                return original(handler, http_class, req, **options)
            return do_open

        self._wrap(urllib.request.AbstractHTTPHandler, "do_open", make)

    def _http_client(self) -> None:
        import http.client

        def make(original):
            def endheaders(connection, *arguments, **options):
                sent = {line.split(b":", 1)[0].strip().lower() for line in getattr(connection, "_buffer", ())[1:]}
                for name, value in self.headers_for(getattr(connection, "host", "")).items():
                    if name.encode() not in sent:
                        connection.putheader(name, value)
                return original(connection, *arguments, **options)
            return endheaders

        self._wrap(http.client.HTTPConnection, "endheaders", make)

    def _requests(self) -> None:
        import requests

        def make(original):
            def send(session, request, **options):
                for name, value in self.headers_for(urlsplit(request.url).hostname).items():
                    request.headers.setdefault(name, value)
                return original(session, request, **options)
            return send

        self._wrap(requests.Session, "send", make)

    def _httpx(self) -> None:
        import httpx

        def add(request):
            for name, value in self.headers_for(request.url.host).items():
                request.headers.setdefault(name, value)

        def make(original):
            def send(client, request, **options):
                add(request)
                return original(client, request, **options)
            return send

        def make_async(original):
            async def send(client, request, **options):
                add(request)
                return await original(client, request, **options)
            return send

        self._wrap(httpx.Client, "send", make)
        self._wrap(httpx.AsyncClient, "send", make_async)
