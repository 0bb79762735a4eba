"""The hooks of a process that runs tests: the only one, or an xdist worker."""
from __future__ import annotations

import pytest

from .testrun import plain_node_id
from .tracker import Tracker

SECTION = "telltale: logs of the services"


class TestHooks:
    """Follows pytest's own protocol of a test; retries and sub-tests come through the same hooks."""

    __test__ = False

    def __init__(self, tracker: Tracker, shared_names: bool, taken):
        self._tracker, self._shared_names, self._taken = tracker, shared_names, taken
        self._item = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session):
        self._tracker.collected([item.name for item in session.items], self._shared_names, self._taken)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        self._item = item
        yield
        self._item = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid):
        item = self._item
        if item is None or item.nodeid != nodeid:
            test = self._tracker.start_test(nodeid, nodeid.rpartition("::")[2])
            return
        test = self._tracker.start_test(plain_node_id(item), item.name)
        set_property(item.user_properties, "telltale_test", test.id)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        test = self._tracker.current
        if test is not None:
            set_property(item.user_properties, "pod_log", self._tracker.log_path(test))
        outcome = yield
        if test is None or outcome.excinfo is not None:
            return
        report = outcome.get_result()
        test.add_phase(call.when, report.outcome, call.start, call.stop - call.start)
        if report.failed and not test.explained:
            test.explained = True
            self._explain(item, test, report)

    def _explain(self, item, test, report) -> None:
        failure = self._tracker.explain(test)
        report.sections.append((SECTION, failure.text(self._tracker.log_path(test))))
        for properties in (item.user_properties, report.user_properties):
            set_property(properties, "pod_errors", str(len(failure.certain)))
            set_property(properties, "pod_errors_possible", str(len(failure.possible)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        test = self._tracker.current
        if test is not None:
            test.add_report(report)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self):
        self._tracker.finish_test()


def set_property(properties: list, name: str, value: str) -> None:
    """A property has one value, also when a test is executed again."""
    properties[:] = [pair for pair in properties if pair[0] != name]
    if value:
        properties.append((name, value))


def worker_name(worker: str, suffix: str) -> str:
    """In a run that several pytest processes share, workers of the same name are told apart."""
    return f"{worker}-{suffix}" if suffix else worker
