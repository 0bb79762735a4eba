"""The run as a whole: engine, environment, output folder, services; its begin and its end. One for a session, in the process that the user
started. Knows nothing of pytest."""
from __future__ import annotations

import os
import platform
import shlex
import socket
import time
from pathlib import Path

from . import ids
from .budget import Budget
from .events import EventClient
from .link import Link
from .outbox import Event, EventMaker
from .output import OutputFolder
from .program import (EngineFinder, Environment, MonitoringOff, environment_wanted, environment_words, find_program, read_environment)
from .services import DeclaredServices

# What a broken engine may cost, in seconds; together, and with Link.close(), less than the two that are promised. The rest is for what starts
# and ends anyway.
START_SECONDS = 1.0
END_SECONDS = 0.9  # after an engine that answered at the start
WORKER_SECONDS = 0.4  # each process that runs tests, all at the same time
SILENT_SECONDS = 0.1  # instead of these two when the engine has not answered at the start
LATE_SECONDS = 0.6  # added when it answers after all: it was not broken, the machine is busy
ENVIRONMENT_SECONDS = 20.0  # nothing that is wrong with an engine makes the program slow that reads the environments file
FINAL_SECONDS = 15.0  # an engine that answers may take so long to make the files final
FINAL_TURN_MS = 250
AUDIT_MS = 250  # what is not compared in that time is said


NO_CREDENTIALS = "SSH credentials not configured - pod monitoring disabled"


class Result:
    """What the engine says of the run at its end; `shown` is None when it says nothing, `audit` when there was none."""

    def __init__(self, shown: dict | None, late: str, settled: bool, audit: dict | None = None):
        self.shown, self.late, self.settled, self.audit = shown, late, settled, audit


class RunMonitor:
    """open() … close(). Whatever goes wrong is in `off` (nothing is monitored at all) or in `problems`."""

    def __init__(self, settings, framework_version: str, arguments, wall=time.time_ns):
        self.settings = settings
        self.joined = bool(settings.joined_run)
        self.run = settings.joined_run or ids.new_run_id()
        self.off = ""
        self.problems: list = []
        self.environment: Environment | None = None
        self.output: OutputFolder | None = None
        self.maker = EventMaker(f"main-{os.getpid()}", wall)
        self.budget = Budget(START_SECONDS)
        self.client: EventClient | None = None
        self.link: Link | None = None
        self.finder: EngineFinder | None = None
        self.program = ""
        self.answered = False  # by the engine, before the first test
        self._framework_version, self._arguments = framework_version, arguments
        self._services: DeclaredServices | None = None
        self.output_folder = ""

    # --- begin

    def open(self) -> None:
        """Takes as long as a healthy engine needs to start, and START_SECONDS at most when it is broken."""
        try:
            self._find_program()
            self.finder = EngineFinder(self.settings, self.program)
            self.finder.begin()
            self._read_environment()
            self._open_output()
            self._connect()
        except MonitoringOff as off:
            self.off = str(off)
            self._abandon()

    def _find_program(self) -> None:
        try:
            self.program = find_program(self.settings.bin, self.settings.folder)
        except MonitoringOff as off:
            if not self.settings.url:
                raise
            if environment_wanted(self.settings):
                self.problems.append(f"the environments file cannot be read, all that the engine captures is watched: {off}")

    def _read_environment(self) -> None:
        if not self.program or not environment_wanted(self.settings):
            return
        self.environment = read_environment(self.program, self.settings, ENVIRONMENT_SECONDS)
        self.problems += self.environment.warnings
        self._check_selectors(self.environment)

    def _check_selectors(self, environment: Environment) -> None:
        """Services that are chosen by a selector cannot be watched yet; without credentials they never could."""
        chosen = environment.with_selector()
        if not chosen:
            return
        why = NO_CREDENTIALS if ssh_credentials_missing(environment) else (
            "services chosen by a selector are not watched, the source for pods is not there yet; name their files or a command: "
            + ", ".join(str(service["name"]) for service in chosen))
        if all(not service.get("files") and not service.get("command") for service in environment.services):
            raise MonitoringOff(why)
        self.problems.append(why)

    def _open_output(self) -> None:
        if self.joined:
            return
        wanted = self.settings.folder / Path(os.path.expanduser(self.settings.output))
        try:
            self.output = OutputFolder(wanted, self.run)
            self.output_folder = str(self.output.path)
        except OSError as error:
            self.problems.append(f"no log files: {wanted} cannot be used: {error.strerror or error}")

    def _connect(self) -> None:
        known = self.budget.attempt(lambda seconds: (self.finder.wait(seconds),) * 2, START_SECONDS)
        self.client = EventClient(self.run, self.finder.locate, on_clock=self.clock_event)
        self.link = Link(self.client, self.budget)
        if not self.joined:
            self.link.send(self.maker.make("run_started", owner=True, **self._run_members()))
        self.client.start()
        self.answered = bool(known) and self.link.alive()
        if self.client.fatal:
            raise MonitoringOff(self.client.fatal)
        self.budget.limit(END_SECONDS if self.answered else SILENT_SECONDS)
        self.link.late_seconds = 0.0 if self.answered else LATE_SECONDS

    def _run_members(self) -> dict:
        settings = self.settings
        return {
            "name": settings.run_name or None, "framework": "pytest", "framework_version": self._framework_version,
            "command": ids.plain(shlex.join(["pytest", *map(str, self._arguments)]))[:4000], "folder": str(settings.folder),
            "host": socket.gethostname() or platform.node(), "environment": self.environment.name if self.environment else None,
            "output": self.output.event_member() if self.output else None, "lifetime": "connection",
            "services": [event_service(service) for service in (self.environment.services if self.environment else [])],
        }

    def log_path(self, stem: str) -> str:
        """Where the file of a test is; empty: no files are written here."""
        written = self.output_folder and stem and self.client.output
        return os.path.join(self.output_folder, "test_logs", stem + ".log") if written else ""

    def clock_event(self, sample):
        return self.maker.make("clock_offset", labels=self.clock_labels("controller"), offset_ms=round(sample.offset_ns / 1e6, 3),
                               uncertainty_ms=round(sample.uncertainty_ns / 1e6, 3), method="measured")

    def clock_labels(self, worker: str) -> dict:
        return {"service": "telltale", "source": "lifecycle", "instance": self.run, "worker": worker}

    def start_services(self) -> None:
        """Those of the environment that have a command; waits until they are ready. Not part of what a broken engine may cost: tests need
        them."""
        declared = self.environment.with_command() if self.environment and not self.joined else []
        if not declared or not self.program:
            return
        endpoint = self.finder.endpoint if self.finder else None
        data = self.finder.data or self.settings.data if self.finder else ""  # where the next engine will be, should this one be killed
        words = environment_words(self.settings) + ([f"--data={data}"] if data else [])
        self._services = DeclaredServices(self.program, words, self.settings.folder, self.run, endpoint.url if endpoint else "",
                                          endpoint.token if endpoint else "")
        try:
            self._services.start()
        except OSError as error:
            self.problems.append(f"the services could not be started: {error.strerror or error}")
            return
        limit = 10.0 + sum(float(service.get("ready_timeout_ms") or 30_000) / 1000 for service in declared)
        self.problems += self._services.wait_ready(limit)

    def service_warnings(self) -> list:
        return self._services.warnings() if self._services else []

    # --- for workers

    @property
    def worker_seconds(self) -> float:
        """What a broken engine may cost a process that runs tests."""
        return WORKER_SECONDS if self.answered else SILENT_SECONDS

    def about(self) -> dict:
        """All that a worker needs; values that execnet can carry."""
        endpoint = self.finder.endpoint if self.finder else None
        environment = self.environment
        return {"run": self.run, "program": self.program, "url": endpoint.url if endpoint else "", "token": endpoint.token if endpoint else "",
                "data": self.finder.data if self.finder else "", "output": self.output_folder, "joined": self.joined, "budget": self.worker_seconds,
                "late": 0.0 if self.answered else WORKER_SECONDS,
                "written": self.client.output if self.client else "",
                "environment": environment.name if environment else "",
                "services": [str(service["name"]) for service in environment.services] if environment else [],
                "suffix": ids.short_hash(self.run, str(os.getpid()))[:6] if self.joined else ""}

    # --- end

    def close(self, outcome: str, exit_code: int) -> Result:
        """Ends services and run; what the engine has of it. Never raises for what an engine does."""
        if self._services is not None:
            self.problems += self._services.stop()
        if self.link is None:
            self._abandon()
            return Result(None, "", True)
        late = self.link.barrier(1.0) if self.link.alive() else None
        if not self.joined:
            self.link.send(self.maker.make("run_finished", outcome=outcome, exit_code=int(exit_code)))
        shown, settled = self._final()
        if shown and not self.joined and self.client.output == "remote" and self.output is not None:
            self._fetch(shown)
        audit = self._audit() if shown and settled else None
        self._abandon()
        missing = late.text() if late is not None and late.answered else ""
        return Result(shown, missing, settled, audit)

    def _final(self):
        """(the run as the engine shows it, whether its files are final)."""
        end, shown = time.monotonic() + FINAL_SECONDS, None
        while time.monotonic() < end:
            answer = self.link.ask("GET", f"/api/v1/runs/{self.run}", {"wait_ms": FINAL_TURN_MS}, slack=FINAL_TURN_MS / 1000)
            if answer is None or answer.status != 200:
                self.link.trouble = answer.problem() if answer is not None else self.link.trouble
                return shown, False
            shown = answer.json()
            output = shown.get("output") or {}
            if self.joined or output.get("final") or output.get("state") in ("none", "remote", "failing", None):
                return shown, output.get("state") != "failing"
        return shown, False

    def _audit(self) -> dict | None:
        """Of a run of its own: what it joined goes on. It may take as long as one look at the run."""
        if not self.settings.audit or self.joined:
            return None
        answer = self.link.ask("GET", f"/api/v1/runs/{self.run}/audit", {"timeout_ms": AUDIT_MS}, slack=AUDIT_MS / 1000)
        if answer is None:
            self.problems.append(f"the audit could not be had: {self.link.trouble}")
            return None
        return answer.json() if answer.status == 200 else None

    def _fetch(self, shown: dict) -> None:
        from .fetch import fetch_files  # only remote engines need it

        self.problems += fetch_files(self.link, self.run, shown, self.output.path)

    def _abandon(self) -> None:
        if self.link is not None:
            self.link.close()
        if self.output is not None:
            self.output.release()

    def take_over(self, events: list) -> None:
        """Events that a worker could not deliver before its end."""
        for text in events:
            data = text.encode()
            self.link.send(Event(text, data, False))

    def delivery(self, lost_elsewhere: int, why: str) -> str:
        """What is wrong with the events' way to the engine, for people; empty: nothing."""
        lost = self.client.lost + self.client.refused + lost_elsewhere
        if not lost and not self.client.fatal:
            return ""
        where = self.client.endpoint or self.finder.endpoint
        trouble = self.client.trouble() or why or "it does not answer"
        return (f"the engine at {where.url}: " if where else "") + trouble + (f"; {lost} event{'' if lost == 1 else 's'} did not reach it" if lost else "")


def event_service(service: dict) -> dict:
    """A service as `run_started` takes it."""
    kept = {name: service[name] for name in ("name", "clock_offset_ms", "error_patterns") if service.get(name) is not None}
    return {**kept, "files": list(service.get("files") or [])}


def ssh_credentials_missing(environment: Environment) -> bool:
    """Whether pods would be read over SSH and nothing is there to log in with."""
    ssh = environment.values.get("ssh")
    if not isinstance(ssh, dict) or ssh.get("enabled") is False or not ssh.get("target_host"):
        return False
    if any(key.startswith("ssh.") for key in environment.missing_keys):
        return True
    target = ssh["target_host"] if isinstance(ssh["target_host"], dict) else {}
    return not (target.get("password") or target.get("key_file") or os.environ.get("SSH_AUTH_SOCK"))
