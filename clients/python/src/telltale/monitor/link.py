"""What a process asks the engine while tests run: bounded by the time that a broken engine may cost."""
from __future__ import annotations

import time

from .budget import Budget
from .events import EventClient
from .outbox import Event
from .rest import Unanswered, request
from .wire import Answer, WireError

START_PATIENCE_SECONDS = 0.25  # for one test's start event to be written
BARRIER_TURN_SECONDS = 0.25
CLOSE_SECONDS = 0.1  # for the end of the events' thread
ANSWER_SECONDS = 3.0  # an engine that was alive a moment ago answers in that time


class BarrierResult:
    """`answered`: the engine said so; otherwise `missing` says why it did not."""

    def __init__(self, complete: bool, missing: list, answered: bool = True):
        self.complete, self.missing, self.answered = complete, missing, answered

    def text(self) -> str:
        """Empty: complete; else what is missing."""
        return "" if self.complete else "; ".join(self.missing) or "the engine does not say what"


class Link:
    """The events connection and questions beside it. Test thread only. Never raises for what an engine does.

    `late_seconds` are added to the budget, once, when the engine takes an event."""

    def __init__(self, client: EventClient, budget: Budget, late_seconds: float = 0.0):
        self.client, self.budget, self.late_seconds = client, budget, late_seconds
        self.trouble = ""  # of the last question that had no answer

    def send(self, event: Event, before_code: bool = False) -> None:
        """`before_code`: the event should be in the kernel's hands before the test's code runs."""
        if self.client.send(event) or not before_code or self.client.fatal:
            return
        self.budget.attempt(lambda seconds: (self.client.wait_written(seconds),) * 2, START_PATIENCE_SECONDS)

    def close(self) -> None:
        """Ends the connection."""
        self.budget.add(CLOSE_SECONDS)
        self.budget.attempt(lambda seconds: (False, self.client.close(seconds)), CLOSE_SECONDS)

    def alive(self, patience: float = 10.0) -> bool:
        """Whether the engine has answered everything so far; waits for it within the budget."""
        if self.late_seconds and self.client.delivered:
            self.budget.add(self.late_seconds)
            self.late_seconds = 0.0
        return self.budget.attempt(lambda seconds: (self.client.wait_answered(seconds),) * 2, patience)

    def ask(self, method: str, path: str, parameters: dict | None = None, body=None, timeout: float = ANSWER_SECONDS,
            slack: float = 0.0) -> Answer | None:
        """The answer, or None when there is none (`trouble` says why). `slack`: seconds that the engine was asked to take, which it may take
        on top of the budget."""
        if not self.alive() or self.client.endpoint is None:
            self.trouble = self.client.trouble() or "the engine does not answer"
            return None
        timeout = min(timeout, slack + self.budget.left())
        begin = time.monotonic()
        try:
            return request(self.client.endpoint, method, path, timeout, parameters, body)
        except Unanswered as why:
            self.budget.spend(time.monotonic() - begin)
            self.trouble = f"the engine at {self.client.endpoint.url}: {why}"
            return None

    def get(self, path: str, timeout: float = ANSWER_SECONDS, **parameters) -> dict | None:
        """The JSON object of a good answer, else None."""
        answer = self.ask("GET", path, parameters, timeout=timeout)
        if answer is None:
            return None
        try:
            if answer.status == 200:
                return answer.json()
            self.trouble = answer.problem()
        except WireError as error:
            self.trouble = str(error)
        return None

    def barrier(self, seconds: float) -> BarrierResult:
        """Until all that was written before is stored, `seconds` at most. Asks in short turns, so that an engine that stops meanwhile costs
        no more than the budget."""
        end = time.monotonic() + seconds
        while True:
            turn = max(0.001, min(BARRIER_TURN_SECONDS, end - time.monotonic()))
            answer = self.ask("POST", "/api/v1/barrier", body={"timeout_ms": max(1, int(turn * 1000))}, slack=turn)
            if answer is None:
                return BarrierResult(False, [self.trouble], False)
            try:
                if answer.status != 200:
                    raise WireError(answer.problem())
                value = answer.json()
            except WireError as error:
                return BarrierResult(False, [str(error)], False)
            if value.get("complete") or time.monotonic() >= end:
                return BarrierResult(bool(value.get("complete")), [str(what) for what in value.get("missing") or []])
