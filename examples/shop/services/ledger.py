#!/usr/bin/env python3
"""The ledger: books what was paid. Python's standard library, a thread a request; plain text with tracebacks, in a file that it rotates.

Environment: LEDGER_PORT, LEDGER_LOG (the file), LEDGER_LOG_BYTES (its size at rotation). POST /entries, GET /accounts/NAME, GET /health.
"""
import contextvars
import http.server
import itertools
import json
import logging
import logging.handlers
import os
import pathlib
import re
import secrets
import signal
import threading
import time

RATES_TO_EUR = {"EUR": 1.0, "USD": 0.92, "GBP": 1.17}
AUDIT_SECONDS = 1.5  # a look at every entry of an account takes its time
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

log = logging.getLogger("ledger")
known = contextvars.ContextVar("known", default={})  # of the request that is being handled


class TakesTime(Exception):
    """The account is not ready yet; asking again helps."""


class Ledger:
    def __init__(self):
        self._lock = threading.Lock()
        self._accounts = {}
        self._numbers = itertools.count(1)

    def book(self, account, cents, currency, order):
        with self._lock:
            if account.startswith("new-") and account not in self._accounts:
                self._accounts[account] = []
                raise TakesTime(f"account {account} is being opened")
        amount = self._in_euros(cents, currency)
        with self._lock:
            number = next(self._numbers)
            self._accounts.setdefault(account, []).append({"id": number, "cents": amount, "order": order})
        log.info("entry %d: %d cents (EUR) to account %s", number, amount, account)
        return {"id": number}

    def audit(self, account):
        with self._lock:
            entries = list(self._accounts.get(account, []))
        log.info("audit of account %s: %d entries", account, len(entries))
        time.sleep(AUDIT_SECONDS)
        total = sum(entry["cents"] for entry in entries)
        log.info("audit of account %s is done: %d cents", account, total)
        return {"account": account, "entries": entries, "total_cents": total}

    @staticmethod
    def _in_euros(cents, currency):
        return round(cents * RATES_TO_EUR[currency])


class Requests(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.handle_with(lambda: self.server.ledger.audit(self.path.rpartition("/")[2]) if self.path.startswith("/accounts/") else None, 200)

    def do_POST(self):
        def book():
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            return self.server.ledger.book(body["account"], body["cents"], body["currency"], body["order"])

        self.handle_with(book if self.path == "/entries" else lambda: None, 201)

    def handle_with(self, work, good):
        if self.path == "/health":
            return self.answer(200, {"status": "ok"})
        parent = TRACEPARENT.fullmatch(self.headers.get("traceparent", ""))
        known.set({"trace_id": parent[1] if parent else secrets.token_hex(16), "test_id": self.headers.get("x-test-id", "-")})
        log.debug("%s %s", self.command, self.path)
        try:
            result = work()
            status, body = (good, result) if result is not None else (404, {"reason": f"nothing at {self.path}"})
        except TakesTime as later:
            log.warning("%s; the caller may ask again", later)
            status, body = 503, {"reason": str(later)}
        except Exception as failure:  # any bad entry is answered, never the end of the service
            log.exception("%s %s could not be handled", self.command, self.path)
            status, body = 500, {"reason": repr(failure)}
        log.info("%s %s -> %d", self.command, self.path, status)
        return self.answer(status, body)

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """The service's own log has it."""


class WithRequest(logging.Filter):
    """Puts the ids of the request into each record, as OpenTelemetry's logging instrumentation does."""

    def filter(self, record):
        ids = known.get()
        record.trace_id, record.test_id = ids.get("trace_id", "-"), ids.get("test_id", "-")
        return True


def log_to(path, size):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=size, backupCount=20, encoding="utf-8")
    handler.addFilter(WithRequest())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(threadName)s] [trace_id=%(trace_id)s test_id=%(test_id)s] %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def main():
    log_to(os.environ.get("LEDGER_LOG", "logs/ledger.log"), int(os.environ.get("LEDGER_LOG_BYTES", 16384)))
    server = Server(("127.0.0.1", int(os.environ.get("LEDGER_PORT", 8603))), Requests)
    server.ledger = Ledger()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    log.info("listening on 127.0.0.1:%d", server.server_address[1])
    server.serve_forever(poll_interval=0.1)
    log.info("closing")


if __name__ == "__main__":
    main()
