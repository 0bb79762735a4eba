"""Events on their way to an engine: what waits, what was sent and not answered. Pure data; the caller locks."""
from __future__ import annotations

import itertools
import json
import os
import time
from collections import deque

from .ids import rfc3339

MAX_EVENTS = 500  # of a request; the engine takes 1,000
MAX_REQUEST_BYTES = 256 * 1024


class Event:
    __slots__ = ("id", "data", "owner")

    def __init__(self, event_id: str, data: bytes, owner: bool):
        self.id, self.data, self.owner = event_id, data, owner


class EventMaker:
    """Makes events with ids that no other process of the run makes."""

    def __init__(self, name: str, wall=time.time_ns, mono=time.monotonic_ns):
        self._prefix = f"{name[:80]}-{os.urandom(4).hex()}-"
        self._numbers = itertools.count(1)
        self._wall, self._mono = wall, mono

    def make(self, kind: str, owner: bool = False, wall_ns: int | None = None, **members) -> Event:
        """Members that are None are left out."""
        event_id = f"{self._prefix}{next(self._numbers)}"
        body = {"id": event_id, "type": kind, "time": rfc3339(self._wall() if wall_ns is None else wall_ns), "mono_ns": str(self._mono())}
        body.update((name, value) for name, value in members.items() if value is not None)
        return Event(event_id, json.dumps(body, separators=(",", ":")).encode(), owner)


class Request:
    __slots__ = ("events", "sent_wall_ns", "sent_mono")

    def __init__(self, events: list):
        self.events = events
        self.sent_wall_ns, self.sent_mono = 0, 0.0

    def body(self) -> bytes:
        return b'{"events":[' + b",".join(event.data for event in self.events) + b"]}"


class Outbox:
    """Keeps order. An owner event is sent again first on each new connection: that is how the engine knows who a run or worker belongs to."""

    def __init__(self, limit_bytes: int = 8 * 1024 * 1024):
        self._limit = limit_bytes
        self._bytes = 0
        self._owners: list = []
        self._unsent: deque = deque()
        self._inflight: deque = deque()  # requests
        self._postponed: list = []
        self._alone = 0  # so many of the next events get a request each
        self.delivered = 0
        self.refused = 0

    def add(self, event: Event) -> bool:
        """False: it is full, the event was not taken."""
        if self._bytes + len(event.data) > self._limit and self._bytes:
            return False
        self._bytes += len(event.data)
        if event.owner:
            self._owners.append(event)
        self._unsent.append(event)
        return True

    def waiting(self) -> int:
        """Events without a final answer."""
        return len(self._unsent) + len(self._postponed) + sum(len(request.events) for request in self._inflight)

    @property
    def empty(self) -> bool:
        return not (self._unsent or self._inflight or self._postponed)

    @property
    def unsent(self) -> bool:
        return bool(self._unsent or self._postponed)

    @property
    def holds_back(self) -> bool:
        """Whether an earlier event was refused for now, so that the engine may lack what a later one builds on."""
        return bool(self._postponed)

    def oldest_sent(self) -> float | None:
        return self._inflight[0].sent_mono if self._inflight else None

    def next_request(self) -> Request | None:
        """What is to be written next; counts as sent. None: nothing, or refused requests must be answered first."""
        if not self._unsent or self._postponed:
            return None
        events, size = [], 0
        most = 1 if self._alone else MAX_EVENTS
        self._alone = max(0, self._alone - 1)
        while self._unsent and len(events) < most and (not events or size + len(self._unsent[0].data) <= MAX_REQUEST_BYTES):
            events.append(self._unsent.popleft())
            size += len(events[-1].data)
        request = Request(events)
        self._inflight.append(request)
        return request

    def accepted(self) -> Request | None:
        """The oldest request has its answer; None: there was none."""
        request = self._take()
        if request is not None:
            self.delivered += len(request.events)
        return request

    def postpone(self) -> bool:
        """The engine cannot take the oldest request now. It and what follows wait for resume()."""
        if not self._inflight:
            return False
        self._postponed.extend(self._inflight.popleft().events)
        return True

    def resumable(self) -> bool:
        return bool(self._postponed) and not self._inflight

    def resume(self) -> None:
        events = self._postponed
        self._postponed = []
        self._unsent.extendleft(reversed(events))

    def refuse(self) -> bool:
        """The engine will never take the oldest request. Of several events each gets a request of its own, so that only the bad one is
        lost. False: there was none."""
        if not self._inflight:
            return False
        if len(self._inflight[0].events) > 1:
            self._alone += len(self._inflight[0].events)
            self.postpone()
        else:
            self.refused += 1
            self._take()
        return True

    def _take(self) -> Request | None:
        if not self._inflight:
            return None
        request = self._inflight.popleft()
        self._bytes -= sum(len(event.data) for event in request.events)
        return request

    def reconnected(self) -> None:
        """A new connection: owners first, then all that has no answer, in order."""
        events = [event for request in self._inflight for event in request.events] + self._postponed + list(self._unsent)
        self._inflight.clear()
        self._postponed = []
        rest = [event for event in events if not event.owner]
        self._bytes = sum(len(event.data) for event in rest) + sum(len(event.data) for event in self._owners)
        self._unsent = deque(self._owners + rest)

    def renewal(self) -> Request | None:
        """The owner events again, as a sign of life."""
        if not self._owners or not self.empty:
            return None
        request = Request(list(self._owners))
        self._bytes += sum(len(event.data) for event in request.events)
        self._inflight.append(request)
        return request

    def owners(self) -> list:
        return list(self._owners)

    def take_all(self) -> list:
        """Everything without an answer, in order; it is empty then."""
        events = [event for request in self._inflight for event in request.events] + self._postponed + list(self._unsent)
        self.drop()
        return events

    def drop(self) -> int:
        """Gives all up; returns how many events that were."""
        lost = self.waiting()
        self._unsent.clear()
        self._inflight.clear()
        self._postponed = []
        self._bytes = 0
        return lost
