"""The hooks of the process that the user started: it owns the run, shows what happens, and closes what a crashed worker left open."""
from __future__ import annotations

import glob
import os
import time
from pathlib import Path

import pytest

from . import lines
from .audit import audit_faults, audit_line
from .console import Console, count_of
from .hooks import SECTION, set_property, worker_name
from .live import LiveStream
from .run import RunMonitor
from .tracker import Failure

MOST_NAMED = 50  # tests, gaps, files: of more only the number is shown
CRASH_SECONDS = 1.0  # for an engine that answers to know the test whose worker died
CRASH_PAUSE_SECONDS = 0.01
STOP_SECONDS = 0.2  # for the end of the live lines' thread
PREFIX = "REAL-TIME POD MONITORING: "
CRASHED = "???"  # xdist's phase of a test whose worker died


class ControllerHooks:
    """One for a session. `begin_tests(config, run)` is called once the run is open when this process runs tests itself."""

    def __init__(self, config, run: RunMonitor, console: Console, begin_tests, is_distributed):
        self._config, self._run, self._console = config, run, console
        self._begin_tests, self._is_distributed = begin_tests, is_distributed
        self._opened = False
        self._tracker = None
        self._live: LiveStream | None = None
        self._logs: dict = {}  # node id → file, as the tests' reports say
        self._collection_failed = False
        self._interrupted = False
        self._result = None
        self._worker_notes: list = []  # what each worker said at its end

    @property
    def budget(self):
        """What this process waited, and may wait, for an engine that does not answer."""
        return self._run.budget

    # --- begin

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self):
        self.open()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node):
        self.open()
        if not self._run.off:
            repeats = self._config.getoption("dist", "no") == "each"
            node.workerinput["telltale"] = {**self._run.about(), "repeats": repeats}

    def open(self) -> None:
        """Once, whoever comes first: xdist starts its workers in its own session start."""
        if self._opened:
            return
        self._opened = True
        console, quiet = self._console, self._console.verbosity < 0
        if not quiet:
            console.banner(PREFIX + "Starting...")
        self._run.open()
        if self._run.off:
            if not quiet:
                console.line(self._run.off)
                console.line("The tests run without monitoring.")
            return
        if not quiet:
            self._show_services()
        self._run.start_services()
        if not self._is_distributed():
            self._tracker = self._begin_tests(self._run)
        if console.shows_live:
            console.open_live()
            self._live = LiveStream(lambda: self._run.client.endpoint, self._run.run, self._entry, console.drain_late)
            self._live.start()
        if not quiet:
            console.line("Real-time pod monitoring active")
            console.line(f"Log files: {shown_path(self._run.output_folder)}" if self._run.output_folder else "No log files are written")

    def _show_services(self) -> None:
        environment = self._run.environment
        services = environment.services if environment else []
        if not services:
            self._console.line("Starting monitoring for everything that the engine captures...")
        else:
            self._console.line(f"Starting monitoring for {count_of(len(services), 'service')}...")
        for service in services:
            for text in what_is_watched(service):
                self._console.line(text)
        for problem in self._run.problems:
            self._console.line(f"warning: {problem}")

    def _entry(self, entry: dict) -> None:
        if "type" not in entry:
            self._console.live_line(lines.format_record(entry))

    # --- tests

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid):
        if not self._run.off:
            self._console.test_line(f"TEST STARTED: {nodeid}")

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report):
        if self._run.off:
            return
        log = next((value for name, value in report.user_properties if name == "pod_log"), "")
        if log:
            self._logs[report.nodeid] = log
        if report.when == CRASHED:
            self._complete_junit(report)
        if not self._is_distributed():
            self._console.drain()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self, nodeid):
        if self._run.off:
            return
        self._console.test_line(f"TEST FINISHED: {nodeid}")
        log = self._logs.pop(nodeid, "")
        if log and self._console.shows_tests and self._run.client.output == "local":
            self._console.line(f"Saved logs for test: {nodeid} -> {shown_path(log)}")

    def pytest_collectreport(self, report):
        self._collection_failed = self._collection_failed or report.failed

    def pytest_keyboard_interrupt(self, excinfo):
        """Ctrl-C and pytest.exit(); pytest and xdist also stop themselves this way, after errors of collection or enough failures."""
        self._interrupted = type(excinfo.value).__name__ != "Interrupted"

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error):
        if self._run.off:
            return
        notes = (getattr(node, "workeroutput", None) or {}).get("telltale")
        if notes and notes not in self._worker_notes:
            self._worker_notes.append(notes)
            self._run.take_over(notes["events"])
        endpoint = self._run.client.endpoint
        # On this machine the engine sees the end of the worker's connection, after all that the worker had sent; our word could overtake it.
        # After "keyboard-interrupt" the worker has ended its tests itself.
        if error and error != "keyboard-interrupt" and endpoint is not None and not endpoint.local:
            self._run.link.send(self._run.maker.make("worker_finished", worker=self._worker_name(node), outcome="crashed"))

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem, report):
        """The report of a test whose worker died knows nothing but its name; the engine knows the test."""
        if self._run.off:
            return
        node = getattr(report, "node", None)
        test = self._find_crashed(plain_crash_item(crashitem), self._worker_name(node) if node else None)
        if test:
            self._explain_crash(report, test)

    def _find_crashed(self, node_id: str, worker) -> dict | None:
        """The worker told of its test before it died, but on another connection than ours: the engine may hear of it a moment later."""
        end = time.monotonic() + CRASH_SECONDS
        while True:
            answer = self._run.link.get("/api/v1/tests", run=self._run.run, match=node_id, limit=1, worker=worker)
            found = (answer or {}).get("tests") or []
            if found or answer is None or time.monotonic() >= end:
                return found[0] if found else None
            time.sleep(CRASH_PAUSE_SECONDS)

    def _explain_crash(self, report, test: dict) -> None:
        late = self._run.link.barrier(1.0)
        answer = self._run.link.get(f"/api/v1/tests/{test['test']}/logs", format="json", errors="true", limit=200)
        found = (answer or {}).get("records") or []
        certain = [record for record in found if not lines.is_shared(record)]
        possible = [record for record in found if lines.is_shared(record)]
        trouble = self._run.link.trouble if answer is None else "" if late.complete else "; ".join(late.missing)
        log = self._run.log_path(str(test.get("file_stem") or ""))
        report.sections.append((SECTION, Failure(certain, possible, bool(answer and answer.get("next_cursor")), trouble).text(log)))
        for name, value in (("telltale_test", str(test["test"])), ("pod_log", log), ("pod_errors", str(len(certain))),
                            ("pod_errors_possible", str(len(possible)))):
            set_property(report.user_properties, name, value)

    def _complete_junit(self, report) -> None:
        """pytest's JUnit file takes a test's properties from the report of its teardown, which a test whose worker died has not."""
        for plugin in self._config.pluginmanager.get_plugins():
            reporter_of = getattr(plugin, "node_reporter", None)
            if callable(reporter_of):
                for name, value in report.user_properties:
                    reporter_of(report).add_property(name, value)

    def _worker_name(self, node) -> str:
        about = node.workerinput.get("telltale") or {}
        return worker_name(node.gateway.id, about.get("suffix", ""))

    # --- end

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus):
        if not self._opened or self._run.off:
            return
        if self._tracker is not None:
            self._tracker.end_worker()
        if self._live is not None:
            self._run.budget.add(STOP_SECONDS)
            self._run.budget.attempt(lambda seconds: (False, self._live.stop(seconds)), STOP_SECONDS)
        self._console.drain()
        self._result = self._run.close(self._outcome(int(exitstatus)), int(exitstatus))

    def _outcome(self, code: int) -> str:
        if code == 2 and not self._interrupted:
            return "error" if self._collection_failed else "failed"
        return {0: "passed", 1: "failed", 2: "interrupted", 5: "no_tests"}.get(code, "error")

    def pytest_unconfigure(self):
        self._console.close_live()

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self):
        if not self._opened:
            return
        if self._run.off:
            self._console.line(f"telltale: no logs were monitored: {self._run.off}")
            return
        quiet = self._console.verbosity < 0
        if not quiet:
            self._console.banner(PREFIX + "Stopping...")
        self._show_result()
        for problem in self._all_problems():
            self._console.line(f"telltale: {problem}")
        if not quiet:
            self._console.banner(PREFIX + "Complete")

    def _show_result(self) -> None:
        shown = self._result.shown if self._result else None
        if shown is None:
            return
        tests, errors = shown.get("tests") or {}, int(shown.get("errors") or 0)
        self._console.line(f"Monitored {count_of(distinct_tests(tests), 'test')}")
        self._console.line(f"Detected {count_of(errors, 'error')} in pod logs")
        possible = int(shown.get("possible_errors") or 0)
        if possible:
            self._console.line(f"  of them {possible} with several candidate tests [shared]")
        with_errors = shown.get("tests_with_errors") or []
        self._console.line(f"Tests with pod errors: {len(with_errors)}")
        self._list([error_line(test) for test in with_errors])
        gaps = shown.get("gaps") or []
        more = int(shown.get("more_gaps") or 0)
        if gaps:
            self._console.line(f"Gaps: {len(gaps) + more} (lines may be missing)")
            self._list([gap_line(gap) for gap in gaps], more)
        if self._result.audit:
            self._console.line(f"Audit: {audit_line(self._result.audit)}")
            self._list(audit_faults(self._result.audit))

    def _list(self, texts: list, more: int = 0) -> None:
        for text in texts[:MOST_NAMED]:
            self._console.line(f"  - {text}")
        more += max(0, len(texts) - MOST_NAMED)
        if more:
            self._console.line(f"  … and {more} more")

    def _all_problems(self) -> list:
        """Each a line, each once; whatever the engine is to blame for is one line."""
        run, result = self._run, self._result
        notes = [notes["problems"] for notes in self._worker_notes] + ([self._tracker.problems] if self._tracker else [])
        problems = [*run.problems, *run.client.warnings, *(problem for one in notes for problem in one)]
        if result and result.shown is not None and not result.settled:
            problems.append("the log files are not final yet")
        if result and result.late:
            problems.append(f"not every stream had delivered everything at the end: {result.late}")
        engine = self._engine_trouble()
        problems += [] if engine else run.service_warnings()
        return list(dict.fromkeys(([engine] if engine else []) + problems))

    def _engine_trouble(self) -> str:
        run, result = self._run, self._result
        workers = self._worker_notes
        why = next((notes["why"] for notes in workers if notes["why"]), "")
        unanswered = sum(notes["unanswered"] for notes in workers) + (self._tracker.unanswered if self._tracker else 0)
        delivery = run.delivery(sum(notes["lost"] for notes in workers), why)
        if delivery:
            return f"monitoring is not complete: {delivery}"
        if result and result.shown is None:
            return f"the summary could not be had: {run.link.trouble}"
        meanwhile = f"logs could not be read {count_of(unanswered, 'time')}" if unanswered else ""
        if run.finder.restarts:
            return f"the engine had died and was replaced {count_of(run.finder.restarts, 'time')}" + (f"; meanwhile {meanwhile}" if meanwhile else "")
        return meanwhile and f"{meanwhile}: {why or self._tracker.why if self._tracker else why}"


def plain_crash_item(node_id: str) -> str:
    """A controller has no items: what loadgroup appended is taken off by its form."""
    head, mark, tail = node_id.rpartition("@")
    return head if mark and "/" not in tail and "::" not in tail and "]" not in tail and "::" in head else node_id


def distinct_tests(tests: dict) -> int:
    """Executions that were repeated do not make more tests."""
    by_outcome = tests.get("by_outcome") or {}
    return max(0, int(tests.get("total") or 0) - int(by_outcome.get("rerun") or 0))


def error_line(test: dict) -> str:
    certain, possible = int(test.get("errors") or 0), int(test.get("possible_errors") or 0)
    counted = count_of(certain, "error") + (f", {possible} possible" if possible else "")
    return f"{test.get('node_id')} ({counted})"


def gap_line(gap: dict) -> str:
    where = gap.get("service") or gap.get("stream") or "?"
    tests = [str(test.get("node_id")) for test in gap.get("tests") or []]
    more = int(gap.get("more_tests") or 0)
    hit = f"; tests: {', '.join(tests)}" + (f" and {more} more" if more else "") if tests else ""
    return f"{where}: {gap.get('text') or 'lines are missing'} ({lines.local_time(str(gap.get('from_time') or ''))}){hit}"


def what_is_watched(service: dict) -> list:
    name = service["name"]
    if service.get("selector") and not service.get("files") and not service.get("command"):
        return [f"Not monitoring pods {service['selector']} for service {name}: this source is not there yet"]
    texts = [f"Monitoring process: {command_text(service['command'])} for service {name}"] if service.get("command") else []
    for pattern in service.get("files") or []:
        found = sorted(glob.glob(pattern, recursive=True))
        texts += [f"Monitoring file: {shown_path(path)} for service {name}" for path in found[:MOST_NAMED]]
        if not found:
            texts.append(f"Monitoring file: {shown_path(pattern)} for service {name} (no such file yet)")
    return texts


def command_text(command) -> str:
    """A command of the environments file: a text for the shell, or words."""
    return command if isinstance(command, str) else " ".join(map(str, command))


def shown_path(path: str) -> str:
    """Relative to the working folder where that is shorter."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)
    return relative if len(relative) < len(str(path)) and not relative.startswith("..") else str(Path(path))
