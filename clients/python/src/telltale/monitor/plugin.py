"""Puts the parts together for the role of this process: the only one, xdist's controller, or an xdist worker."""
from __future__ import annotations

import os
from pathlib import Path

import pytest

from telltale.options import OptionError, Settings

from . import fixtures
from .budget import Budget
from .events import EventClient
from .hooks import TestHooks, worker_name
from .link import Link
from .outbox import EventMaker
from .program import EngineFollower
from .tracker import Tracker


def activate(config) -> None:
    """Called by pytest_configure when this session is monitored. UsageError for an option's value that is not allowed."""
    try:
        settings = Settings(config, Path(config.invocation_params.dir))
    except OptionError as error:
        raise pytest.UsageError(f"telltale: {error}") from None
    if hasattr(config, "workerinput"):
        _activate_worker(config, settings)
    else:
        _activate_controller(config, settings)


def _activate_controller(config, settings) -> None:
    from .console import Console  # workers have no use for these
    from .controller import ControllerHooks
    from .run import RunMonitor

    run = RunMonitor(settings, pytest.__version__, config.invocation_params.args)
    console = Console(config, settings.console)

    def begin_tests(opened) -> Tracker:
        about = opened.about()
        opened.budget.add(opened.worker_seconds)
        tracker = Tracker(opened.link, opened.maker, opened.run, worker_name("master", about["suffix"]), settings.wait, opened.log_path)
        tracker.begin_worker()
        register(config, tracker, settings, about, shared_names=opened.joined)
        return tracker

    config.pluginmanager.register(ControllerHooks(config, run, console, begin_tests, lambda: config.pluginmanager.hasplugin("dsession")),
                                  "telltale-controller")


def _activate_worker(config, settings) -> None:
    about, worker = config.workerinput["telltale"], worker_name(config.workerinput["workerid"], config.workerinput["telltale"]["suffix"])
    maker = EventMaker(f"{worker}-{os.getpid()}")

    def clock_event(sample):
        labels = {"service": "telltale", "source": "lifecycle", "instance": about["run"], "worker": worker}
        return maker.make("clock_offset", labels=labels, offset_ms=round(sample.offset_ns / 1e6, 3),
                          uncertainty_ms=round(sample.uncertainty_ns / 1e6, 3), method="measured")

    client = EventClient(about["run"], EngineFollower(about, settings).locate, on_clock=clock_event)
    link = Link(client, Budget(about["budget"]), about["late"])
    tracker = Tracker(link, maker, about["run"], worker, settings.wait, path_maker(client, about))
    tracker.begin_worker()
    client.start()
    register(config, tracker, settings, about, shared_names=may_repeat(config, about))
    config.pluginmanager.register(WorkerEnd(config, tracker, link), "telltale-worker")


def register(config, tracker: Tracker, settings, about: dict, shared_names: bool) -> None:
    """Hooks and fixtures of a process that runs tests."""
    folder = about["output"]
    logs = os.path.join(folder, "test_logs") if folder else ""
    taken = (lambda stem: os.path.exists(os.path.join(logs, stem + ".log"))) if logs else (lambda stem: False)
    manager = config.pluginmanager
    manager.register(fixtures.Holder(tracker, about), fixtures.TRACKER)
    manager.register(TestHooks(tracker, shared_names, taken), "telltale-tests")
    manager.register(fixtures, "telltale-fixtures")
    if settings.instrument:
        from .headers import Instrumentation

        instrumentation = Instrumentation(lambda: tracker.current, settings.instrument_hosts)
        for problem in instrumentation.install(settings.instrument):
            tracker.note(problem)
        config.add_cleanup(instrumentation.remove)


def path_maker(client: EventClient, about: dict):
    """Where a test's file is; empty as long as the engine has not said that there will be files."""
    def path(stem):
        return os.path.join(about["output"], "test_logs", stem + ".log") if about["output"] and (client.output or about["written"]) else ""
    return path


def may_repeat(config, about: dict) -> bool:
    """Whether the same test can run in another worker too: under --dist each, or because this worker replaces a crashed one."""
    number = "".join(c for c in config.workerinput["workerid"] if c.isdigit())
    replaces = bool(number) and int(number) >= int(config.workerinput.get("workercount") or 1)
    return about["joined"] or about["repeats"] or replaces


class WorkerEnd:
    """Ends a worker's connection properly, and tells the controller what went wrong here."""

    def __init__(self, config, tracker: Tracker, link: Link):
        self._config, self._tracker, self._link = config, tracker, link

    @property
    def budget(self) -> Budget:
        return self._link.budget

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self):
        tracker, client = self._tracker, self._link.client
        tracker.end_worker()
        left = [] if self._link.alive() else client.take_unanswered()  # the controller lives a little longer
        self._config.workeroutput["telltale"] = {
            "problems": list(tracker.problems), "unanswered": tracker.unanswered, "why": client.trouble() or tracker.why,
            "lost": client.lost + client.refused, "events": [event.data.decode() for event in left]}

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self):
        self._link.close()
