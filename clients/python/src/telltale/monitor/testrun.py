"""One execution of one test, as the engine is told of it."""
from __future__ import annotations

import os
import time
from collections import Counter

from . import ids

MAX_MESSAGE = 4000  # characters; the engine takes 4 KiB
MAX_NAME = 1000
# Which outcome of several phases stands for the test: the first of these that occurred.
_ORDER = ("crashed", "interrupted", "rerun", "failed", "error", "xpassed", "xfailed", "skipped", "passed")


class TestRun:
    """From its start event to its end. Wall times in ns."""

    __test__ = False  # not a class of tests, whatever its name begins with

    def __init__(self, run: str, worker: str, node_id: str, name: str, attempt: int, stem: str, started_ns: int):
        self.id = ids.test_id(run, node_id, attempt, worker)
        self.run, self.worker, self.node_id, self.name, self.attempt = run, worker, node_id, name, attempt
        self.stem = stem
        self.trace_id = os.urandom(16).hex()
        self.started_ns = started_ns
        self.started_mono = time.perf_counter()
        self.phases: dict = {}
        self.outcomes: set = set()
        self.message = ""
        self.explained = False  # its failure's report has the services' lines

    def start_members(self) -> dict:
        return {"test": self.id, "node_id": ids.plain(self.node_id), "name": ids.plain(self.name)[:MAX_NAME], "attempt": self.attempt,
                "worker": self.worker, "file_stem": self.stem, "trace_id": self.trace_id}

    def end_members(self, outcome: str = "") -> dict:
        took = (time.perf_counter() - self.started_mono) * 1000
        return {"test": self.id, "outcome": outcome or self.outcome(), "duration_ms": round(took, 3), "message": self.message or None,
                "phases": list(self.phases.values()) or None}

    def add_phase(self, name: str, outcome: str, started_s: float, duration_s: float) -> None:
        """Sub-tests report themselves as calls before the call that they are in: the last of a name counts."""
        self.phases[name] = {"name": name, "outcome": outcome, "started": ids.rfc3339(int(started_s * 1e9)),
                             "duration_ms": round(duration_s * 1000, 3)}

    def add_report(self, report) -> None:
        """Any report of this test. Of its sub-tests only failures count: one that was skipped does not skip the test."""
        if not hasattr(report, "context") or report.failed:
            self.outcomes.add(outcome_of(report))
        if (report.failed or report.outcome == "rerun") and not self.message:
            self.message = message_of(report)

    def outcome(self) -> str:
        return next((outcome for outcome in _ORDER if outcome in self.outcomes), "passed")


def outcome_of(report) -> str:
    """The outcome that one phase's report speaks for."""
    if report.outcome == "rerun":  # pytest-rerunfailures
        return "rerun"
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed" if report.passed else "failed"
    if report.failed:
        return "failed" if report.when == "call" else "error"
    return "skipped" if report.skipped else "passed"


def message_of(report) -> str:
    """The line that says why it failed."""
    crash = getattr(getattr(report, "longrepr", None), "reprcrash", None)
    text = getattr(crash, "message", None) or str(getattr(report, "longrepr", "") or "")
    return ids.plain(text.strip())[:MAX_MESSAGE]


class Attempts:
    """Counts the executions of each node id in this process."""

    def __init__(self):
        self._seen: Counter = Counter()

    def next(self, node_id: str) -> int:
        self._seen[node_id] += 1
        return self._seen[node_id]


def plain_node_id(item) -> str:
    """The node id without the `@group` that xdist's loadgroup mode appends."""
    node_id = item.nodeid
    if "@" not in node_id:
        return node_id
    mark = item.get_closest_marker("xdist_group")
    if mark is None:
        return node_id
    group = mark.args[0] if mark.args else mark.kwargs.get("name", "default")
    return node_id.removesuffix(f"@{group}")
