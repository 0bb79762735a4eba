"""The environment's services that have a command: `telltale services start` starts them and ends them when we close its input."""
from __future__ import annotations

import json
import os
import subprocess
import threading
import time

END_SECONDS = 20.0  # the program ends what does not end by itself long before


class DeclaredServices:
    """start(), wait_ready(), stop(). Ctrl-C of the terminal reaches the program too, which leaves it to us."""

    def __init__(self, program: str, words: list, folder, run: str, url: str = "", token: str = ""):
        env = {**os.environ, "TELLTALE_URL": url, "TELLTALE_TOKEN": token}
        self._command = [program, "services", "start", f"--run={run}", *words]
        self._folder, self._env = folder, env
        self._child: subprocess.Popen | None = None
        self._changed = threading.Condition()
        self._events: list = []
        self._closed = False
        self._trouble: list = []

    def start(self) -> None:
        """OSError."""
        self._child = subprocess.Popen(self._command, cwd=self._folder, env=self._env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE)
        for target, stream in ((self._read_events, self._child.stdout), (self._read_trouble, self._child.stderr)):
            threading.Thread(target=target, args=(stream,), name="telltale-services", daemon=True).start()

    def wait_ready(self, seconds: float) -> list:
        """Until all are ready or one is known not to become so. Returns what went wrong, one text each."""
        with self._changed:
            done = self._changed.wait_for(lambda: self._closed or self._has("ready_all"), seconds)
        if not done:
            return [f"the services were not ready within {seconds:.0f} s"]
        problems = [f"service '{event.get('service')}': {event.get('message', 'failed')}" for event in self._of("failed")]
        if self._closed and not self._has("ready_all"):
            self._child.wait(5)
            problems.append("`telltale services start` ended: " + ("; ".join(self._trouble[-3:]) or f"exit code {self._child.returncode}"))
        return problems

    def warnings(self) -> list:
        """What the program said of their output: without an engine they run all the same."""
        return [f"services: {event.get('message', '')}" for event in self._of("warning")]

    def stop(self) -> list:
        """Ends them and waits. Returns what went wrong, one text each."""
        if self._child is None:
            return []
        try:
            self._child.stdin.close()
        except OSError:
            pass
        end = time.monotonic() + END_SECONDS
        try:
            self._child.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._child.kill()
            return [f"`telltale services start` did not end within {END_SECONDS:.0f} s and was killed"]
        with self._changed:
            self._changed.wait_for(lambda: self._closed, max(0.1, end - time.monotonic()))
        failed = {event.get("service") for event in self._of("failed")}  # that was said
        return [f"service '{event.get('service')}' ended while the tests ran: {how_it_ended(event)}" for event in self._of("ended")
                if not event.get("asked") and event.get("service") not in failed]

    def _has(self, kind: str) -> bool:
        return any(event.get("event") == kind for event in self._events)

    def _of(self, kind: str) -> list:
        with self._changed:
            return [event for event in self._events if event.get("event") == kind]

    def _read_events(self, stream) -> None:
        for line in stream:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                with self._changed:
                    self._events.append(event)
                    self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _read_trouble(self, stream) -> None:
        for line in stream:
            self._trouble.append(line.decode("utf-8", "replace").strip())
            del self._trouble[:-20]


def how_it_ended(event: dict) -> str:
    return f"signal {event['signal']}" if event.get("signal") is not None else f"exit code {event.get('exit_code')}"
