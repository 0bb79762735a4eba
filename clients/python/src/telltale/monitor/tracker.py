"""Tells the engine of this process's tests, and asks it about them."""
from __future__ import annotations

import time

from . import lines
from .ids import FileStems
from .link import Link
from .outbox import EventMaker
from .testrun import Attempts, TestRun

MAX_QUOTED = 50  # error lines in a report
PAGE = 1000
MAX_LINES = 20_000  # get_test_pod_logs gives no more


class Failure:
    """What the services logged during a failed test."""

    def __init__(self, certain: list, possible: list, more: bool, unsure: str):
        self.certain, self.possible, self.more = certain, possible, more
        self.unsure = unsure  # why it may not be all

    def text(self, log: str) -> str:
        records = (self.certain + self.possible)[:MAX_QUOTED]
        counted = f"{len(self.certain)}{'+' if self.more else ''} error line{'' if len(self.certain) == 1 else 's'} of services during this test"
        if self.possible:
            counted += f", {len(self.possible)} more that may be of another test [shared]"
        rest = len(self.certain) + len(self.possible) - len(records)
        out = [counted + (":" if records else "."), *map(lines.format_record, records)]
        out += [f"… and {rest} more"] if rest > 0 else []
        out += [f"Not everything may be here: {self.unsure}"] if self.unsure else []
        return "\n".join(out + ([f"Full log: {log}"] if log else []))


class Tracker:
    """One for a process that runs tests: the only one, or an xdist worker. `log_path(stem)`: where the test's file will be, or ""."""

    def __init__(self, link: Link, maker: EventMaker, run: str, worker: str, wait_seconds: float, log_path):
        self._link, self._maker = link, maker
        self.run, self.worker = run, worker
        self._wait_seconds, self._log_path = wait_seconds, log_path
        self._attempts = Attempts()
        self._stems: FileStems | None = None
        self.current: TestRun | None = None
        self.count = 0
        self.problems: list = []
        self.unanswered, self.why = 0, ""  # questions that the engine did not answer, and why the first was not

    # --- events

    def begin_worker(self) -> None:
        self._link.send(self._maker.make("worker_started", owner=True, worker=self.worker))

    def end_worker(self) -> None:
        self.finish_test("interrupted")
        self._link.send(self._maker.make("worker_finished", worker=self.worker, outcome="finished"))

    def collected(self, names: list, shared: bool, taken) -> None:
        self._stems = FileStems(self.run, self.worker, names, shared, taken)

    def start_test(self, node_id: str, name: str) -> TestRun:
        """Returns when the event is in the kernel's hands (or the engine is known not to take it)."""
        self.finish_test("interrupted")
        now = time.time_ns()
        attempt = self._attempts.next(node_id)
        if self._stems is None:
            self._stems = FileStems(self.run, self.worker, [], shared=True)
        test = TestRun(self.run, self.worker, node_id, name, attempt, self._stems.stem(name, node_id, attempt, now), now)
        self.current = test
        self.count += 1
        self._link.send(self._maker.make("test_started", wall_ns=now, **test.start_members()), before_code=True)
        return test

    def finish_test(self, outcome: str = "") -> None:
        """Ends the running test, if there is one. `outcome` instead of what its reports said."""
        test, self.current = self.current, None
        if test is not None:
            self._link.send(self._maker.make("test_finished", **test.end_members(outcome)))

    def watch(self, service: dict, own: bool) -> None:
        test = self.current.id if own and self.current else None
        self._link.send(self._maker.make("watch", services=[service], test=test))
        # Once it is answered, what is written from then on is read.
        self._link.alive(self._wait_seconds)

    # --- questions

    def log_path(self, test: TestRun) -> str:
        return self._log_path(test.stem)

    def wait(self, seconds: float | None = None) -> str:
        """Until every stream has delivered what was written before. Empty: it has; else what is missing, which the summary says too."""
        result = self._link.barrier(self._wait_seconds if seconds is None else seconds)
        missing = result.text()
        if missing and result.answered:
            self.note(f"not every stream had delivered in time: {missing}")
        elif missing:
            self.trouble(missing)
        return missing

    def records(self, test: TestRun, errors: bool = False, shared: bool = True, most: int = MAX_LINES):
        """(records of the test, oldest first; why they may not be all)."""
        found, cursor = [], None
        while len(found) < most:
            answer = self._link.get(f"/api/v1/tests/{test.id}/logs", format="json", errors="true" if errors else None,
                                    candidates="true" if shared else "false", limit=min(PAGE, most - len(found)), cursor=cursor)
            if answer is None:
                self.trouble(self._link.trouble)
                return found, self._link.trouble
            found += [record for record in answer.get("records") or [] if isinstance(record, dict)]
            cursor = answer.get("next_cursor")
            if not cursor:
                return found, ""
        return found, f"these are the first {most}"

    def explain(self, test: TestRun) -> Failure:
        """For a test that failed: waits for late lines, then its error lines."""
        late = self.wait()
        found, trouble = self.records(test, errors=True, most=PAGE)
        certain = [record for record in found if not lines.is_shared(record)]
        possible = [record for record in found if lines.is_shared(record)]
        return Failure(certain, possible, len(found) >= PAGE, trouble or late)

    # --- for the summary

    def note(self, problem: str) -> None:
        """Something that the user should know of, each once."""
        if problem and problem not in self.problems and len(self.problems) < 50:
            self.problems.append(problem)

    def trouble(self, why: str) -> None:
        """The engine did not answer; the summary has one line for all of it."""
        self.unanswered += 1
        self.why = self.why or why
