#!/usr/bin/env python3
"""A small order service: HTTP on loopback, one JSON log line an event, a traceback when an order cannot be priced.

Usage: orders.py LOGFILE PORTFILE. Writes the port it got into PORTFILE. POST /orders {"item": NAME, "count": N}; GET /health.
"""
import http.server
import json
import logging
import pathlib
import sys
import time
import traceback
import uuid

PRICES = {"lamp": 2900, "chair": 8900, "desk": 24900}


class JsonLines(logging.Formatter):
    def format(self, record):
        entry = {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
                 "level": record.levelname, "source": "orders", "message": record.getMessage(), **getattr(record, "fields", {})}
        if record.exc_info:
            entry["stack_trace"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(entry)


class Orders(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, {"status": "ok"})

    def do_POST(self):
        order = str(uuid.uuid4())
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        # Logging what a client sent, token and all, is the kind of mistake that redaction is there for.
        log.info("order received", extra={"fields": {"order_id": order, "item": request.get("item"),
                                                     "authorization": self.headers.get("Authorization", "")}})
        try:
            total = PRICES[request["item"]] * request["count"]
        except Exception:  # any bad order is answered, never the end of the service
            log.exception("order %s could not be priced", order, extra={"fields": {"order_id": order}})
            return self.answer(500, {"order_id": order})
        log.info("order priced", extra={"fields": {"order_id": order, "total_cents": total}})
        return self.answer(201, {"order_id": order, "total_cents": total})

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass  # the service's own log says more


log = logging.getLogger("orders")

if __name__ == "__main__":
    handler = logging.FileHandler(sys.argv[1])
    handler.setFormatter(JsonLines())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Orders)
    pathlib.Path(sys.argv[2]).write_text(str(server.server_port))
    log.info("listening", extra={"fields": {"port": server.server_port}})
    server.serve_forever()
