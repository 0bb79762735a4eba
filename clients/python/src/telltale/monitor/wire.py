"""HTTP/1.1 as far as an engine speaks it: where it is, requests as bytes, answers out of bytes. No I/O but connect()."""
from __future__ import annotations

import json
import socket
from collections import deque
from urllib.parse import urlsplit

MAX_HEADER_BYTES = 64 * 1024
MAX_BODY_BYTES = 256 * 1024 * 1024


class WireError(Exception):
    """What came is no answer of an engine."""


class Endpoint:
    """An engine's address and token. ValueError when the URL is none."""

    def __init__(self, url: str, token: str = ""):
        parts = urlsplit(url if "//" in url else "http://" + url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"'{without_secret(url)}' is no engine's address; write http://HOST:PORT")
        if any(c in token for c in "\r\n\0"):
            raise ValueError("the engine's token holds a line end")
        self.tls = parts.scheme == "https"
        self.host, self.port = parts.hostname, parts.port or (443 if self.tls else 8765)
        self.path = parts.path.rstrip("/")
        self.token = token
        shown = f"[{self.host}]" if ":" in self.host else self.host
        self.authority = f"{shown}:{self.port}"
        self.url = f"{parts.scheme}://{self.authority}{self.path}"
        self.local = self.host == "localhost" or self.host == "::1" or self.host.startswith("127.")

    def __eq__(self, other):
        return isinstance(other, Endpoint) and (self.url, self.token) == (other.url, other.token)

    def __hash__(self):
        return hash((self.url, self.token))

    def head(self, method: str, target: str, extra: str = "") -> str:
        """Request line and the headers that all requests have; without the empty line."""
        token = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        return f"{method} {self.path}{target} HTTP/1.1\r\nHost: {self.authority}\r\n{token}User-Agent: telltale-python\r\n{extra}"

    def connect(self, timeout: float):
        """A connected socket whose operations take `timeout` seconds at most. OSError."""
        sock = socket.create_connection((self.host, self.port), timeout=timeout)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                import ssl  # only remote engines need it

                sock = ssl.create_default_context().wrap_socket(sock, server_hostname=self.host)
            return sock
        except BaseException:
            sock.close()
            raise


def without_secret(url: str) -> str:
    """The address without user and password."""
    scheme, mark, rest = url.rpartition("//")
    return scheme + mark + rest.rpartition("@")[2] if mark else rest.rpartition("@")[2]


class Answer:
    def __init__(self, status: int, headers: dict, body: bytes):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        """The body's object; WireError when it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            raise WireError(f"the answer (status {self.status}) is no JSON") from None
        if not isinstance(value, dict):
            raise WireError(f"the answer (status {self.status}) is no JSON object")
        return value

    def problem(self) -> str:
        """What an error says, for people: detail and remedy of its problem."""
        try:
            value = self.json()
        except WireError:
            return f"status {self.status}"
        detail, remedy = str(value.get("detail") or value.get("title") or f"status {self.status}"), str(value.get("remedy") or "")
        return (f"{detail}. {remedy}" if detail[-1:].isalnum() else f"{detail} {remedy}") if remedy else detail

    def code(self) -> str:
        """The name of the error: `run_not_found`; empty when the answer has none."""
        try:
            return str(self.json().get("type", "")).rpartition(":")[2]
        except WireError:
            return ""


class AnswerReader:
    """Bytes in, answers out, however they are cut. feed() raises WireError; then the connection is of no use."""

    def __init__(self):
        self._buffer = bytearray()
        self._answers: deque = deque()
        self._head = None  # (status, headers) while the body is being read
        self._chunks = None  # bytearray of a chunked body

    def feed(self, data: bytes) -> list:
        self._buffer += data
        while self._step():
            pass
        done = list(self._answers)
        self._answers.clear()
        return done

    def _step(self) -> bool:
        if self._head is None:
            return self._read_head()
        return self._read_chunk() if self._chunks is not None else self._read_body()

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEADER_BYTES:
                raise WireError("the answer's header has no end")
            return False
        status, headers = parse_head(bytes(self._buffer[:end]))
        del self._buffer[:end + 4]
        if 100 <= status < 200 and status != 101:
            return True
        self._head = (status, headers)
        if "chunked" in headers.get("transfer-encoding", "").lower():
            self._chunks = bytearray()
        return True

    def _read_body(self) -> bool:
        status, headers = self._head
        try:
            length = 0 if status in (101, 204, 304) else int(headers.get("content-length", "0"))
        except ValueError:
            raise WireError("the answer's length is no number") from None
        if not 0 <= length <= MAX_BODY_BYTES:
            raise WireError(f"the answer's length is {length}")
        if len(self._buffer) < length:
            return False
        self._finish(bytes(self._buffer[:length]))
        del self._buffer[:length]
        return True

    def _read_chunk(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEADER_BYTES:
                raise WireError("a chunk's length has no end")
            return False
        try:
            length = int(bytes(self._buffer[:end]).split(b";")[0], 16)
        except ValueError:
            raise WireError("a chunk's length is no number") from None
        if not 0 <= length + len(self._chunks) <= MAX_BODY_BYTES:
            raise WireError("the answer is too long")
        if len(self._buffer) < end + 2 + length + 2:
            return False
        self._chunks += self._buffer[end + 2:end + 2 + length]
        del self._buffer[:end + 2 + length + 2]
        if length == 0:  # trailers are not used by engines
            body, self._chunks = bytes(self._chunks), None
            self._finish(body)
        return True

    def _finish(self, body: bytes) -> None:
        self._answers.append(Answer(*self._head, body))
        self._head = None


def parse_head(data: bytes):
    """(status, headers with names in lower case)."""
    lines = data.decode("latin-1").split("\r\n")
    words = lines[0].split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise WireError("what answers there is no HTTP server")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(words[1]), headers
