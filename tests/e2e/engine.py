"""A real engine in a test: started on free ports with a data folder of its own, asked over HTTP and WebSocket only."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

BINARY = os.environ.get("TELLTALE_BIN", str(pathlib.Path(__file__).resolve().parents[2] / "build/release/bin/telltale"))

SLOWNESS = float(os.environ.get("TELLTALE_SLOWNESS", "1"))  # of a binary under a sanitizer; tools/test/run.py knows it
SANITIZED = SLOWNESS > 1


def wait_until(condition, what, timeout=30.0, interval=0.01):
    """Waits until `condition()` is true and returns its value; fails naming `what`."""
    timeout *= SLOWNESS
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"no {what} within {timeout} s"
        time.sleep(interval)


def run_cli(*words, cwd=None, env=None, timeout=60):
    """One command; its result has returncode, stdout, stderr (bytes replaced where they are no UTF-8)."""
    return subprocess.run([BINARY, *map(str, words)], cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, errors="replace",
                          stdin=subprocess.DEVNULL, timeout=timeout * SLOWNESS)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Engine:
    """start() … stop(); kill() is SIGKILL. `folder` holds logs/ (watched unless `patterns` says else) and data/."""

    def __init__(self, folder, patterns=None, options=(), health_port=0, metrics_port=0):
        self.folder = pathlib.Path(folder)
        self.logs = self.folder / "logs"
        self.data = self.folder / "data"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.patterns = [self.logs / "*.log"] if patterns is None else patterns
        self.options = options
        self.health_port, self.metrics_port = health_port, metrics_port  # 0: none
        self.child = None
        self.binary = BINARY

    def start(self, user=None):
        """Waits until it is ready. `user`: the id that it runs as."""
        files = [word for pattern in self.patterns for word in ("--file", str(pattern))]
        (self.data / "engine.json").unlink(missing_ok=True)
        self.output = open(self.folder / "engine.out", "ab")
        self.child = subprocess.Popen([self.binary, "serve", "--data", str(self.data), "--port", "0", "--health-port", str(self.health_port),
                                       "--metrics-port", str(self.metrics_port), *files, *map(str, self.options)],
                                      cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output, user=user,
                                      env={**os.environ, "HOME": str(self.folder)})
        wait_until(lambda: self.child.poll() is not None or (self.data / "engine.json").exists(), "engine.json")
        assert self.child.poll() is None, f"the engine ended with {self.child.returncode}: {self.log()}"
        about = json.loads((self.data / "engine.json").read_text())
        self.url, self.token = about["url"], about["token"]
        return self

    def log(self):
        return (self.folder / "engine.out").read_text(errors="replace")

    def stop(self, signal_number=signal.SIGTERM, codes=(0,)):
        """Ends it; returns the exit code, which must be one of `codes` (a sanitizer that found something makes another)."""
        if self.child is None:
            return None
        if self.child.poll() is None:
            self.child.send_signal(signal_number)
        code = self.child.wait(60 * SLOWNESS)
        self.output.close()
        self.child = None
        assert code in codes, f"the engine ended with {code}: {self.log()[-20000:]}"
        return code

    def kill(self):
        self.child.kill()
        self.child.wait(30)
        self.output.close()
        self.child = None

    @property
    def port(self):
        return urllib.parse.urlsplit(self.url).port

    @property
    def pid(self):
        return self.child.pid

    def request(self, path, method="GET", body=None, headers=None, token=True, timeout=60):
        """Any request; the answer also when it is an error."""
        sent = dict(headers or {})
        if token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.url + path, data=body, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout * SLOWNESS) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers), error.read())

    def get(self, path, **parameters):
        answer = self.request(path + ("?" + urllib.parse.urlencode(parameters) if parameters else ""))
        assert answer.status == 200, answer.body
        return answer.json()

    def barrier(self, timeout=60):
        """Until all that was written before is committed."""
        wait_until(lambda: self.request("/api/v1/barrier", "POST", b"{}").json()["complete"], "complete barrier", timeout)

    def records(self, query="{}", page=5000, **parameters):
        """All records that match, oldest first, page by page."""
        found, cursor = [], None
        while True:
            more = {"cursor": cursor} if cursor else {}
            answer = self.get("/api/v1/query", query=query, direction="forward", limit=page, **parameters, **more)
            found += answer["records"]
            cursor = answer["next_cursor"]
            if not cursor:
                return found

    def lines(self, query="{}", **parameters):
        return [record.get("line", record["content"]) for record in self.records(query, **parameters)]

    def raw(self, data, timeout=15 * SLOWNESS, close_write=False):
        """Bytes as they are to the main port; the answer until the engine closes or falls silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(data)
            if close_write:
                connection.shutdown(socket.SHUT_WR)
            received = b""
            try:
                while piece := connection.recv(65536):
                    received += piece
            except (socket.timeout, ConnectionResetError):
                pass
            return received
