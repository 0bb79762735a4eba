"""Requests to an engine, each on a connection of its own and within a time."""
from __future__ import annotations

import json
import time
from urllib.parse import quote, urlencode

from .wire import Answer, AnswerReader, Endpoint, WireError


class Unanswered(Exception):
    """No answer within the time, or none that can be understood; the text says why."""


def request(endpoint: Endpoint, method: str, path: str, timeout: float, parameters: dict | None = None, body=None) -> Answer:
    """Any answer, errors too. Takes `timeout` seconds at most (but for a name's resolution); raises Unanswered."""
    end = time.monotonic() + timeout
    if timeout <= 0:
        raise Unanswered("no time is left for waiting")
    target = path + ("?" + urlencode({k: v for k, v in parameters.items() if v is not None}, quote_via=quote) if parameters else "")
    payload = b"" if body is None else json.dumps(body).encode()
    extra = f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n" if body is not None else ""
    head = endpoint.head(method, target, extra + "Connection: close\r\n") + "\r\n"
    try:
        with endpoint.connect(timeout) as sock:
            sock.settimeout(_left(end))
            sock.sendall(head.encode("latin-1") + payload)
            return _read(sock, end)
    except (OSError, WireError) as error:
        raise Unanswered(explain(error)) from None


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _read(sock, end: float) -> Answer:
    reader = AnswerReader()
    while True:
        sock.settimeout(_left(end))
        data = sock.recv(65536)
        if not data:
            raise WireError("the connection was closed before the answer's end")
        answers = reader.feed(data)
        if answers:
            return answers[0]


def explain(error: Exception) -> str:
    """An operating system's error in a few words."""
    if isinstance(error, TimeoutError) or type(error).__name__ == "timeout":
        return "it does not answer"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there (connection refused)"
    text = getattr(error, "strerror", None) or str(error)
    return text[:1].lower() + text[1:] if text else type(error).__name__
