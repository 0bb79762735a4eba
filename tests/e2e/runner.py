"""A test runner's side of POST /api/v1/runs/{run}/events: connections that stay open, events with ids, and pipelined raw requests."""
import datetime
import hashlib
import http.client
import itertools
import json
import socket
import struct
import time

from engine import SLOWNESS, wait_until


def now():
    """RFC 3339 with nanoseconds."""
    nanos = time.time_ns()
    seconds = datetime.datetime.fromtimestamp(nanos // 1_000_000_000, datetime.timezone.utc)
    return seconds.strftime("%Y-%m-%dT%H:%M:%S") + f".{nanos % 1_000_000_000:09}Z"


def when(text):
    """Seconds since 1970 of an RFC 3339 time in UTC."""
    seconds, _, fraction = text.rstrip("Z").partition(".")
    base = datetime.datetime.strptime(seconds, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc).timestamp()
    return base + float("0." + (fraction or "0"))


def id_of_test(run, node_id, attempt=1, worker="master"):
    return hashlib.sha256(f"{run}\n{node_id}\n{attempt}\n{worker}".encode()).hexdigest()[:16]


class Connection:
    """One connection that stays open; each call is one request on it."""

    def __init__(self, engine):
        self.headers = {"Authorization": f"Bearer {engine.token}", "Content-Type": "application/json"}
        self.http = http.client.HTTPConnection("127.0.0.1", engine.port, timeout=30 * SLOWNESS)

    def request(self, method, path, body=None):
        self.http.request(method, path, body=body, headers=self.headers)
        answer = self.http.getresponse()
        return answer.status, json.loads(answer.read())

    def send(self, run, *events):
        """Events that must be accepted, or be there already."""
        status, answer = self.request("POST", f"/api/v1/runs/{run}/events", json.dumps({"events": events}))
        assert status == 200, answer
        return answer

    def close(self):
        self.http.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Run:
    """Makes the events of one run; `send` is given to what sends them."""

    def __init__(self, run):
        self.run = run
        self.numbers = itertools.count(1)

    def event(self, kind, **members):
        return {"id": f"{self.run}-{next(self.numbers)}", "type": kind, "time": now(), "mono_ns": str(time.monotonic_ns()), **members}

    def started(self, **members):
        return self.event("run_started", **{"name": self.run, "framework": "pytest", "framework_version": "8.3", **members})

    def finished(self, outcome="passed", **members):
        return self.event("run_finished", outcome=outcome, **members)

    def worker_started(self, worker="master"):
        return self.event("worker_started", worker=worker)

    def worker_finished(self, worker="master", outcome="finished"):
        return self.event("worker_finished", worker=worker, outcome=outcome)

    def id_of(self, node_id, worker="master", attempt=1):
        return id_of_test(self.run, node_id, attempt, worker)

    def test_started(self, node_id, worker="master", attempt=1, **members):
        return self.event("test_started", test=self.id_of(node_id, worker, attempt), node_id=node_id, name=node_id.rsplit("::", 1)[-1], attempt=attempt,
                          worker=worker, file_stem=f"{node_id.rsplit('::', 1)[-1]}_{attempt}_{worker}", **members)

    def test_finished(self, node_id, outcome="passed", worker="master", attempt=1, **members):
        return self.event("test_finished", test=self.id_of(node_id, worker, attempt), outcome=outcome, **{"duration_ms": 1.5, **members})


def raw_request(engine, run, *events):
    """The bytes of one request, for pipelining."""
    body = json.dumps({"events": events}).encode()
    head = (f"POST /api/v1/runs/{run}/events HTTP/1.1\r\nHost: 127.0.0.1:{engine.port}\r\nAuthorization: Bearer {engine.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


class RawConnection:
    """Writes requests without waiting for answers."""

    def __init__(self, engine):
        self.socket = socket.create_connection(("127.0.0.1", engine.port), timeout=30 * SLOWNESS)
        self.reader = self.socket.makefile("rb")

    def write(self, data):
        self.socket.sendall(data)

    def read_answer(self):
        status = int(self.reader.readline().split()[1])
        length = 0
        while (line := self.reader.readline().strip()):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return status, json.loads(self.reader.read(length))

    def crash(self):
        """As when the process is killed with answers unread: the kernel resets the connection."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.reader.close()
        self.socket.close()


def append(engine, name, *lines):
    with open(engine.logs / name, "a") as file:
        file.writelines(line + "\n" for line in lines)


def stamp():
    """A timestamp with milliseconds, as services write it."""
    return now()[:23] + "Z"


def apart():
    """Until what is written next cannot be taken for what was before: timestamps are exact to a millisecond, and there is a grace of one more."""
    end = time.time() + 0.005
    wait_until(lambda: time.time() > end, "later time")


def post(engine, run, body, **options):
    return engine.request(f"/api/v1/runs/{run}/events", "POST", body if isinstance(body, bytes) else json.dumps(body).encode(), **options)


def run_of(engine, run):
    return engine.get(f"/api/v1/runs/{run}")


def shown_test(engine, test):
    return engine.get(f"/api/v1/tests/{test}")


def finished(engine, path):
    return wait_until(lambda: (found := engine.get(path))["finished"] and found, f"end of {path}")
