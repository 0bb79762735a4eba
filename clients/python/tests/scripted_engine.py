"""An HTTP server that misbehaves as a test says: for failures that a real engine cannot be made to show. It keeps what it was sent."""
import json
import socket
import threading

GOOD = '{{"accepted":{n},"duplicates":0,"time":"{time}","output":"local","warnings":[]}}'


class ScriptedEngine:
    """`script(number, events)` is asked for each request on /events, counted from 1 over all connections: None answers well, an int is a
    status (a text such as "404 test_not_found" has the error's name too), "drop" never answers, "close" closes without an answer, "cut" sends half an answer and closes."""

    def __init__(self, script=lambda number, events: None, time="2026-11-25T08:00:00.000000000Z"):
        self.script, self.time = script, time
        self.lock = threading.Condition(threading.RLock())
        self.events, self.accepted = [], []  # all, and those that were answered well
        self.requests, self.connections = 0, 0
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        """Stops listening and cuts all connections."""
        self._listener.close()
        self.cut()

    def cut(self):
        with self.lock:
            sockets, self._sockets = self._sockets, []
        for sock in sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def ids(self):
        """Event ids as they first came."""
        with self.lock:
            return list(dict.fromkeys(event["id"] for event in self.events))

    def kinds(self):
        with self.lock:
            first = {event["id"]: event["type"] for event in reversed(self.events)}
            return [first[event_id] for event_id in dict.fromkeys(event["id"] for event in self.events)]

    def wait(self, condition, what, timeout=20):
        with self.lock:
            assert self.lock.wait_for(lambda: condition(self), timeout), f"no {what} within {timeout} s; events: {self.events}"

    def _accept(self):
        while True:
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return
            with self.lock:
                self._sockets.append(sock)
                self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            with sock, sock.makefile("rb") as stream:
                while self._one(sock, stream):
                    pass
        except OSError:
            pass

    def _one(self, sock, stream):
        line = stream.readline()
        if not line:
            return False
        length, header = 0, line
        while header not in (b"\r\n", b""):
            header = stream.readline()
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
        body = json.loads(stream.read(length) or b"{}")
        action = self._note(line, body)
        if action == "drop":
            return True
        if action == "close":
            return False
        status, name = action if isinstance(action, int) else 200, ""
        if isinstance(action, str) and action[0].isdigit():
            status, name = int(action.split()[0]), action.split()[1]
        answer = GOOD.format(n=len(body.get("events", [])), time=self.time) if status == 200 else problem(status, name)
        data = f"HTTP/1.1 {status} X\r\nContent-Length: {len(answer)}\r\n\r\n{answer}".encode()
        sock.sendall(data[: len(data) // 2] if action == "cut" else data)
        return action != "cut"

    def _note(self, line, body):
        with self.lock:
            if b"/events" not in line:
                return 404
            self.requests += 1
            self.events += body["events"]
            action = self.script(self.requests, body["events"])
            self.accepted += body["events"] if action is None else []
            self.lock.notify_all()
            return action


def problem(status, name=""):
    name = name or {404: "run_not_found", 400: "bad_request", 401: "unauthorized"}.get(status, "unavailable")
    return json.dumps({"type": f"urn:telltale:error:{name}", "title": "x", "status": status, "detail": f"scripted {status}", "remedy": "Mend it."})
