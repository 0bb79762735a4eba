"""The connection that carries a process's events to the engine.

The test thread writes; a thread of its own connects, reads answers and writes what the socket did not take. Requests are pipelined. Nothing
here raises into a test: what goes wrong is kept for the summary (`trouble()`, `fatal`).
"""
from __future__ import annotations

import os
import selectors
import socket
import threading
import time
import weakref

from .outbox import Event, Outbox, Request
from .rest import explain
from .wire import AnswerReader, Endpoint, WireError

CONNECT_SECONDS = 2.0
READ_PAUSE_SECONDS = 0.02  # answers are read in groups, so that their thread rarely takes the interpreter from the test
RENEW_SECONDS = 60.0  # a remote engine's lease is 10 minutes
STALLED_SECONDS = 30.0  # a remote engine that has not answered for so long is tried on a new connection
UNKNOWN_RUN_SECONDS = 30.0  # an engine that came back may learn of the run later from the process that owns it
MAX_BACKOFF_SECONDS = 1.0
MAX_LOCAL_BACKOFF_SECONDS = 0.1  # asking again costs next to nothing there

_clients = weakref.WeakSet()


def _after_fork() -> None:
    for client in list(_clients):
        client._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class ClockSample:
    """How far the engine's clock is ahead of ours."""

    def __init__(self, offset_ns: int, uncertainty_ns: int):
        self.offset_ns, self.uncertainty_ns = offset_ns, uncertainty_ns


class EventClient:
    """start(), send()…, wait_answered(), close(). `locate(failures)` returns the engine's Endpoint or None and may block; only the client's
    own thread calls it. `on_clock(sample)`: called there too, when a remote engine's clock is known better than before."""

    def __init__(self, run: str, locate, limit_bytes: int = 8 * 1024 * 1024, on_clock=None):
        self._target = f"/api/v1/runs/{run}/events"
        self._locate, self._on_clock = locate, on_clock
        self._outbox = Outbox(limit_bytes)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._sock = None
        self._dead: list = []  # sockets to close; only the thread closes, because it may be waiting on them
        self._endpoint: Endpoint | None = None
        self._head = b""
        self._outgoing = b""
        self._request: Request | None = None
        self._reader = AnswerReader()
        self._closing = False
        self._waiters = 0
        self._failures = 0  # attempts and connections without an answer, in a row
        self._answered_here = False  # on this connection
        self._last_answer = time.monotonic()
        self._resume_at = 0.0
        self._unknown_since = 0.0
        self._clock: ClockSample | None = None
        self._trouble = ""
        self._thread: threading.Thread | None = None
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_out.setblocking(False)
        self._wake_in.setblocking(False)
        self._wake_event = threading.Event()
        self.fatal = ""  # why it gave up for good
        self.lost = 0  # events that were given up
        self.output = ""  # local, remote or none, once the engine said so
        self.warnings: list = []  # of the engine
        self.connections = 0  # made so far
        self.answers = 0
        _clients.add(self)

    # --- the test thread

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="telltale-events", daemon=True)
        self._thread.start()

    def send(self, event: Event) -> bool:
        """Queues it and writes what the socket takes at once. True: it is written. Never blocks."""
        with self._lock:
            if self.fatal or self._closing:
                self.lost += 1
                return False
            if not self._outbox.add(event):
                self._give_up("the engine did not take the events of this run, and no more can be kept")
                self.lost += 1
                return False
            self._pump()
            written = self._written()
        if not written:
            self._wake()
        return written

    def wait_written(self, timeout: float) -> bool:
        return self._wait(self._written, timeout)

    def wait_answered(self, timeout: float) -> bool:
        """Until every event has its answer. False also when it gave up."""
        return self._wait(lambda: self._outbox.empty, timeout) and not self.fatal

    def close(self, timeout: float = 0.1) -> None:
        """Ends the connection. What it left open in the engine is then ended by the engine."""
        with self._lock:
            self._closing = True
            self._changed.notify_all()
        self._wake()
        if self._thread is not None:
            self._thread.join(timeout)
        self.lost += self._outbox.drop()

    def take_unanswered(self) -> list:
        """Ends sending here; what has no answer may be sent by another client of the run, under the same ids."""
        with self._lock:
            self._closing = True
            owners = self._outbox.owners()
            events = self._outbox.take_all()
        self._wake()
        return list(dict.fromkeys(owners + events)) if events else []

    @property
    def endpoint(self) -> Endpoint | None:
        """Where the engine is, when it was reached."""
        return self._endpoint

    @property
    def waiting(self) -> int:
        return self._outbox.waiting()

    @property
    def delivered(self) -> int:
        """Events that the engine took."""
        return self._outbox.delivered

    @property
    def refused(self) -> int:
        return self._outbox.refused

    def trouble(self) -> str:
        """What is wrong now, or the last thing that was; empty: nothing ever was."""
        return self.fatal or self._trouble

    def _written(self) -> bool:
        return not self._outgoing and not self._outbox.unsent

    def _wait(self, condition, timeout: float) -> bool:
        with self._lock:
            self._waiters += 1
            try:
                self._wake()
                self._changed.wait_for(lambda: condition() or self.fatal or self._closing, max(0.0, timeout))
                return bool(condition())
            finally:
                self._waiters -= 1

    def _wake(self) -> None:
        self._wake_event.set()
        try:
            self._wake_out.send(b"x")
        except OSError:  # full: it is awake anyhow; closed: it has ended
            pass

    def _forked(self) -> None:
        """In a forked child: the connection is the parent's and must not be kept open by us."""
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._closing = True
        for sock in (self._sock, self._wake_out, self._wake_in, *self._dead):
            if sock is not None:
                sock.close()
        self._sock, self._dead, self._thread = None, [], None

    # --- both, with the lock held

    def _pump(self) -> None:
        """Writes what the socket takes."""
        while self._sock is not None:
            if not self._outgoing:
                self._request = self._outbox.next_request()
                if self._request is None:
                    return
                self._compose(self._request)
            try:
                sent = self._sock.send(self._outgoing)
            except OSError as error:
                if not would_block(error):
                    self._lose(error)
                return
            self._outgoing = self._outgoing[sent:]
            if not self._outgoing:
                self._request.sent_wall_ns, self._request.sent_mono = time.time_ns(), time.monotonic()
                self._request, self._outgoing = None, b""

    def _compose(self, request: Request) -> None:
        body = request.body()
        self._outgoing = memoryview(b"%sContent-Length: %d\r\n\r\n%s" % (self._head, len(body), body))

    def _lose(self, error: Exception) -> None:
        """The connection is gone; the thread makes another."""
        self._trouble = explain(error)
        if self._sock is not None:
            self._failures += 0 if self._answered_here else 1
            self._dead.append(self._sock)
        self._sock, self._outgoing, self._request = None, b"", None
        self._reader = AnswerReader()
        self._wake()

    def _give_up(self, why: str) -> None:
        self.fatal = why
        self.lost += self._outbox.drop()
        self._lose(WireError(why))
        self._changed.notify_all()

    # --- the client's thread

    def _run(self) -> None:
        selector = selectors.DefaultSelector()
        try:
            selector.register(self._wake_in, selectors.EVENT_READ)
            while self._alive(selector):
                if self._sock is None:
                    self._reconnect(selector)
                else:
                    self._turn(selector)
        except Exception as error:  # a bug here must not become a test's failure
            with self._lock:
                self._give_up(f"the events client failed: {error!r}")
        finally:
            with self._lock:
                self._closing = True
                self._bury(selector)
                self._changed.notify_all()
            selector.close()

    def _alive(self, selector) -> bool:
        with self._lock:
            if (self._closing or self.fatal) and self._sock is not None:
                self._dead.append(self._sock)
                self._sock = None
            self._bury(selector)
            return not self._closing and not self.fatal

    def _bury(self, selector) -> None:
        for sock in self._dead:
            try:
                selector.unregister(sock)
            except (KeyError, ValueError):
                pass
            sock.close()
        self._dead.clear()

    def _reconnect(self, selector) -> None:
        if self._failures:
            local = self._endpoint is None or self._endpoint.local
            self._pause(min(MAX_LOCAL_BACKOFF_SECONDS if local else MAX_BACKOFF_SECONDS, 0.01 * 2 ** min(self._failures, 10)))
        try:
            endpoint = self._locate(self._failures)
            if endpoint is None:
                raise WireError(self._trouble or "the engine was not found")
            sock = endpoint.connect(CONNECT_SECONDS)
            sock.setblocking(False)
        except (OSError, WireError) as error:
            with self._lock:
                self._trouble = explain(error)
            self._failures += 1
            return
        with self._lock:
            self._sock, self._endpoint, self._answered_here = sock, endpoint, False
            self._head = endpoint.head("POST", self._target, "Content-Type: application/json\r\n").encode("latin-1")
            self.connections += 1
            self._outbox.reconnected()
            self._pump()
            if self._sock is not None:
                selector.register(sock, selectors.EVENT_READ)
            self._changed.notify_all()

    def _pause(self, seconds: float) -> None:
        """Waits; wakes early only for the end."""
        end = time.monotonic() + seconds
        while not self._closing and not self.fatal:
            left = end - time.monotonic()
            if left <= 0:
                return
            self._wake_event.clear()
            self._wake_event.wait(left)

    def _turn(self, selector) -> None:
        """One round of waiting, reading and writing."""
        with self._lock:
            sock = self._sock
            if sock is None:
                return
            selector.modify(sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outgoing else 0))
            timeout = self._timeout()
            self._wake_event.clear()
        events = {key.fileobj: mask for key, mask in selector.select(timeout)}
        if self._wake_in in events:
            self._drain()
        with self._lock:
            if self._sock is not sock:
                return
            if events.get(sock, 0) & selectors.EVENT_READ:
                self._receive()
            self._maintain()
            self._pump()
            self._changed.notify_all()
            pause = sock in events and not self._waiters and not self._outgoing and self._endpoint.local
        if pause:
            self._wake_event.wait(READ_PAUSE_SECONDS)

    def _timeout(self) -> float | None:
        if self._outbox.resumable():
            return max(0.0, self._resume_at - time.monotonic())
        return None if self._endpoint.local else 1.0

    def _drain(self) -> None:
        try:
            while self._wake_in.recv(4096):
                pass
        except OSError:
            pass

    def _receive(self) -> None:
        try:
            while self._sock is not None:
                data = self._sock.recv(65536)
                if not data:
                    raise WireError("the engine closed the connection")
                for answer in self._reader.feed(data):
                    self._handle(answer)
        except (OSError, WireError) as error:
            if not would_block(error):
                self._lose(error)

    def _maintain(self) -> None:
        """Goes on after a refusal; shows a remote engine that we are alive."""
        now = time.monotonic()
        if self._outbox.resumable() and now >= self._resume_at:
            self._outbox.reconnected() if self._unknown_since else self._outbox.resume()
        if self._endpoint.local or self._sock is None:
            return
        oldest = self._outbox.oldest_sent()
        if oldest and now - oldest > STALLED_SECONDS:
            self._lose(TimeoutError())
        elif now - self._last_answer > RENEW_SECONDS and not self._outgoing:
            self._last_answer = now
            self._request = self._outbox.renewal()
            if self._request is not None:
                self._compose(self._request)

    # --- answers, with the lock held

    def _handle(self, answer) -> None:
        self.answers += 1
        self._answered_here = True
        self._last_answer = time.monotonic()
        status = answer.status
        if status == 200:
            self._accepted(answer)
        elif status == 404 and answer.code() == "test_not_found" and self._outbox.holds_back:
            self._later(answer.problem(), 0.25)
        elif status in (400, 409, 413, 422) or (status == 404 and answer.code() == "test_not_found"):
            if not self._outbox.refuse():
                raise WireError("an answer came without a request")
            self._trouble = f"the engine refused events: {answer.problem()}"
        elif status == 404 and answer.code() == "run_not_found":
            self._unknown_run(answer)
        elif status == 429 or status >= 500:
            self._later(answer.problem(), 0.25)
        else:
            self._give_up(f"the engine at {self._endpoint.url} does not take the events: {answer.problem()}")
        if answer.headers.get("connection", "").lower() == "close" and not self.fatal:
            raise WireError("the engine closed the connection")

    def _accepted(self, answer) -> None:
        request = self._outbox.accepted()
        if request is None:
            raise WireError("an answer came without a request")
        self._failures, self._unknown_since = 0, 0.0
        if self._endpoint.local and self.output and b'"warnings":[]' in answer.body:
            return  # nothing new in it
        value = answer.json()
        self.output = str(value.get("output") or self.output)
        for warning in value.get("warnings") or []:
            if warning not in self.warnings and len(self.warnings) < 100:
                self.warnings.append(str(warning))
        if not self._endpoint.local and isinstance(value.get("time"), str):
            self._sample(request, value["time"])

    def _later(self, why: str, seconds: float) -> None:
        if not self._outbox.postpone():
            raise WireError("an answer came without a request")
        self._trouble = why
        self._resume_at = time.monotonic() + seconds

    def _unknown_run(self, answer) -> None:
        now = time.monotonic()
        self._unknown_since = self._unknown_since or now
        if now - self._unknown_since > UNKNOWN_RUN_SECONDS:
            self._give_up(f"the engine at {self._endpoint.url} does not know this run: {answer.problem()}")
        else:
            self._later(answer.problem(), 0.1)

    def _sample(self, request: Request, engine_time: str) -> None:
        """The engine's time is taken for the middle between sending and receiving; half of the way there and back is the doubt."""
        ours, there = time.time_ns(), parse_rfc3339(engine_time)
        if there is None or not request.sent_wall_ns:
            return
        trip = max(0, ours - request.sent_wall_ns)
        sample = ClockSample(there - (request.sent_wall_ns + trip // 2), trip // 2)
        if self._clock is None or sample.uncertainty_ns < 0.8 * self._clock.uncertainty_ns:
            self._clock = sample
            if self._on_clock is not None:
                event = self._on_clock(sample)
                if event is not None and self._outbox.add(event):
                    self._pump()

    @property
    def clock(self) -> ClockSample | None:
        return self._clock


def would_block(error: Exception) -> bool:
    """A non-blocking socket's "not now", plain or TLS."""
    return isinstance(error, (BlockingIOError, InterruptedError)) or type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError")


def parse_rfc3339(text: str) -> int | None:
    """Nanoseconds since 1970 of a UTC time as engines write it; None when it is none."""
    import calendar

    whole, _, rest = text.rstrip("Z").partition(".")
    try:
        seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
        return seconds * 1_000_000_000 + int((rest + "000000000")[:9])
    except ValueError:
        return None
