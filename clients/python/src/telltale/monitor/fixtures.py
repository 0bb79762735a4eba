"""The fixtures when monitoring is on; pytest_plugin.py has their inert twins. Their names are the contract."""
from __future__ import annotations

import re

import pytest

from . import lines
from .headers import make_headers
from .tracker import MAX_QUOTED, Tracker

TRACKER = "telltale-tracker"  # name of the plugin that holds it


class Holder:
    """Makes the tracker findable from fixtures."""

    def __init__(self, tracker: Tracker, about):
        self.tracker, self.about = tracker, about


def holder_of(config) -> Holder:
    return config.pluginmanager.get_plugin(TRACKER)


class PodMonitor:
    """The monitoring of this session, as tests see it."""

    active = True

    def __init__(self, holder: Holder):
        self._tracker = holder.tracker
        about = holder.about
        self.run, self.url = about["run"], about.get("url") or None
        self.environment = about.get("environment") or None
        self.output_folder = about.get("output") or None
        self.services = tuple(about.get("services") or ())

    def start_monitoring_service(self, service_name, pod_selector=None, *, files=None, own=False):
        """Watches one more service from now on: `files`, a path or glob or a list of them. `own`: its lines belong to the running test
        alone. False: it cannot be watched (the summary says why)."""
        patterns = [files] if isinstance(files, (str, bytes)) or hasattr(files, "__fspath__") else list(files or ())
        if pod_selector is not None:
            self._tracker.note(f"service '{service_name}' is chosen by a selector ({pod_selector}): the source for pods is not there yet; name "
                               "its files instead")
        if not patterns:
            if pod_selector is None:
                self._tracker.note(f"service '{service_name}': start_monitoring_service() was given neither files nor a selector")
            return False
        self._tracker.watch({"name": str(service_name), "files": [absolute(pattern) for pattern in patterns]}, own)
        return True

    def wait(self, seconds=None):
        """Until every stream has delivered what was written before; at most `seconds` (default: --telltale-wait). False: one has not."""
        return not self._tracker.wait(seconds)

    def problems(self):
        """What went wrong with monitoring in this process so far."""
        return list(self._tracker.problems)


def absolute(pattern) -> str:
    import os

    return os.path.abspath(os.path.expanduser(os.fsdecode(pattern)))


@pytest.fixture(scope="session")
def pod_monitor(pytestconfig):
    """The monitoring of this session: start_monitoring_service(), wait(), what is watched."""
    return PodMonitor(holder_of(pytestconfig))


@pytest.fixture(autouse=True)
def track_test_in_pod_monitor(pytestconfig):
    """What is known of the running test: id, node_id, attempt, worker, trace_id. Tracking itself needs no fixture."""
    return holder_of(pytestconfig).tracker.current


@pytest.fixture
def get_test_pod_logs(pytestconfig):
    """Call it: the lines so far of the running test, as texts. `service`: of one only; `errors`: error lines only; `shared=False`: without
    those that may be of another test."""
    tracker = holder_of(pytestconfig).tracker

    def get(service=None, *, errors=False, shared=True):
        records = current_records(tracker, errors, shared)
        return [lines.format_record(record) for record in records if service is None or lines.service_of(record) == service]

    return get


@pytest.fixture
def assert_no_pod_errors(pytestconfig):
    """Call it: fails the test when a watched service logged an error during it, quoting the lines. `services`: look at these only; `allow`:
    patterns (regular expressions) of lines that may be; `possible`: count lines that may be of another test."""
    tracker = holder_of(pytestconfig).tracker

    def check(services=None, allow=(), possible=False):
        __tracebackhide__ = True
        wanted = {services} if isinstance(services, str) else set(services) if services is not None else None
        allowed = [re.compile(pattern) for pattern in ([allow] if isinstance(allow, (str, re.Pattern)) else allow)]
        bad = [record for record in current_records(tracker, True, possible)
               if (wanted is None or lines.service_of(record) in wanted)
               and not any(pattern.search(lines.text_of(record)) for pattern in allowed)]
        if bad:
            pytest.fail(quoted(bad), pytrace=False)

    return check


@pytest.fixture
def telltale_headers(pytestconfig):
    """HTTP headers that tie what a service logs to the running test: traceparent, baggage, x-test-id."""
    test = holder_of(pytestconfig).tracker.current
    return make_headers(test) if test is not None else {}


def current_records(tracker: Tracker, errors: bool, shared: bool) -> list:
    test = tracker.current
    if test is None:
        return []
    tracker.wait()
    return tracker.records(test, errors=errors, shared=shared)[0]


def quoted(records: list) -> str:
    counted = f"{len(records)} error line{'' if len(records) == 1 else 's'} of services during this test:"
    rest = [f"… and {len(records) - MAX_QUOTED} more"] if len(records) > MAX_QUOTED else []
    return "\n".join([counted, *(lines.format_record(record) for record in records[:MAX_QUOTED]), *rest])
