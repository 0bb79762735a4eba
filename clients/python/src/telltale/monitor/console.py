"""What the user sees. Words and order are the contract (spec of the product, "pytest")."""
from __future__ import annotations

import os
import threading
import time
from collections import deque

RULE = "=" * 80
LIVE_WAIT_SECONDS = 0.3  # live lines wait so long for a moment between two phases of a test, then they are written at once


class Console:
    """Writes through pytest's terminal reporter from the main thread; live lines of a long test through a copy of its file."""

    def __init__(self, config, kind: str):
        self._config, self._kind = config, kind
        self._live: deque = deque()
        self._live_lock = threading.Lock()
        self._oldest = 0.0
        self._raw = -1
        self.live_lines = 0  # that came so far

    @property
    def verbosity(self) -> int:
        return self._config.getoption("verbose", 0) or 0

    @property
    def shows_tests(self) -> bool:
        return self._kind != "brief" and self.verbosity >= 0

    @property
    def shows_live(self) -> bool:
        return self.shows_tests and (self._kind == "live" or self.verbosity >= 1) and self._reporter() is not None

    def banner(self, text: str) -> None:
        for line in (RULE, text, RULE):
            self.line(line)

    def line(self, text: str, **markup) -> None:
        reporter = self._reporter()
        if reporter is not None:
            reporter.write_line(text, **markup)

    def test_line(self, text: str) -> None:
        """TEST STARTED and TEST FINISHED."""
        if not self.shows_tests:
            return
        self.drain()
        self._begin_line()
        if self.shows_live:
            self.banner(text)
        else:
            self.line(text)

    # --- live lines

    def open_live(self) -> None:
        """Called while pytest does not capture: afterwards the terminal is out of reach of a thread."""
        try:
            self._raw = os.dup(self._reporter()._tw._file.fileno())
        except (AttributeError, OSError, ValueError):
            self._raw = -1

    def live_line(self, text: str) -> None:
        """Any thread."""
        with self._live_lock:
            if not self._live:
                self._oldest = time.monotonic()
            self._live.append(text)
            self.live_lines += 1

    def drain(self) -> None:
        """Main thread, not during a test's code."""
        texts = self._take()
        if texts:
            self._begin_line()
            for text in texts:
                self.line(text)

    def drain_late(self) -> None:
        """The live thread: what has waited for the main thread for too long."""
        with self._live_lock:
            late = self._live and time.monotonic() - self._oldest >= LIVE_WAIT_SECONDS
        if late and self._raw >= 0:
            texts = self._take()
            reporter = self._reporter()
            newline = "\n" if getattr(reporter, "currentfspath", None) else ""
            if newline:
                reporter.currentfspath = None  # the reporter begins a line of its own afterwards
            os.write(self._raw, (newline + "\n".join(texts) + "\n").encode("utf-8", "replace"))

    def close_live(self) -> None:
        if self._raw >= 0:
            os.close(self._raw)
            self._raw = -1

    def _begin_line(self) -> None:
        """Ends the line that pytest has begun, if it has."""
        reporter = self._reporter()
        if reporter is None:
            return
        reporter.ensure_newline()
        writer = getattr(reporter, "_tw", None)
        if getattr(writer, "width_of_current_line", 0):
            writer.line()

    def _take(self) -> list:
        with self._live_lock:
            texts = list(self._live)
            self._live.clear()
            return texts

    def _reporter(self):
        return self._config.pluginmanager.get_plugin("terminalreporter")


def count_of(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
