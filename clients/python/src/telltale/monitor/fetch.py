"""The files of a run whose engine is on another machine: read over HTTP at the run's end and written where an engine here would have."""
from __future__ import annotations

import os
import time
from pathlib import Path

from . import ids, lines

FETCH_SECONDS = 60.0  # all of it; an engine that stops answering ends it earlier
PAGE = 10_000


class Fetcher:
    def __init__(self, link, run: str, folder: Path, clock=time.monotonic):
        self._link, self._run, self._folder = link, run, folder
        self._clock, self._end = clock, clock() + FETCH_SECONDS
        self.problem = ""

    def fetch(self, services: list) -> None:
        (self._folder / "test_logs").mkdir(parents=True, exist_ok=True)
        for service in services:
            name = ids.safe_name(str(service))
            query = "{" + f'run="{self._run}",service="{escape(str(service))}"' + "}"
            self._write_records(self._folder / f"{name}_realtime.log", query, only_if_any=False)
            self._write_records(self._folder / f"{name}_errors.log", query[:-1] + ',error="true"}', only_if_any=True)
        for test in self._pages("/api/v1/tests", "tests", run=self._run, limit=1000):
            stem = os.path.basename(str(test.get("file_stem") or test.get("test")))
            path = f"/api/v1/tests/{test['test']}/logs"
            self._write_text(self._folder / "test_logs" / f"{stem}.log", path, only_if_any=False)
            self._write_text(self._folder / "test_logs" / f"{stem}_ERRORS.log", path, only_if_any=True, errors="true")

    def _pages(self, path: str, member: str, **parameters):
        cursor = None
        while self._going():
            answer = self._link.get(path, timeout=10.0, cursor=cursor, **parameters)
            if answer is None:
                self.problem = self._link.trouble
                return
            yield from answer.get(member) or []
            cursor = answer.get("next_cursor")
            if not cursor:
                return

    def _write_records(self, target: Path, query: str, only_if_any: bool) -> None:
        records = self._pages("/api/v1/query", "records", query=query, direction="forward", limit=PAGE)
        self._replace(target, (lines.format_record(record) + "\n" for record in records), only_if_any)

    def _write_text(self, target: Path, path: str, only_if_any: bool, **parameters) -> None:
        self._replace(target, self._texts(path, parameters), only_if_any)

    def _texts(self, path: str, parameters: dict):
        """The test's lines as the engine would have written them; pages follow by the answer's header."""
        cursor = None
        while self._going():
            answer = self._link.ask("GET", path, {**parameters, "format": "file", "limit": PAGE, "cursor": cursor}, timeout=10.0)
            if answer is None or answer.status != 200:
                self.problem = self._link.trouble if answer is None else answer.problem()
                return
            yield answer.body.decode("utf-8", "replace")
            cursor = answer.headers.get("telltale-next-cursor")
            if not cursor:
                return

    def _replace(self, target: Path, texts, only_if_any: bool) -> None:
        temporary = target.with_name(target.name + f".{os.getpid()}")
        with open(temporary, "w", encoding="utf-8", newline="\n") as out:
            for text in texts:
                out.write(text)
            size = out.tell()
        if only_if_any and size == 0:
            temporary.unlink()
        else:
            os.replace(temporary, target)

    def _going(self) -> bool:
        if self.problem:
            return False
        if self._clock() > self._end:
            self.problem = f"not all was fetched within {FETCH_SECONDS:.0f} s"
        return not self.problem


def escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def fetch_files(link, run: str, shown: dict, folder: Path) -> list:
    """What went wrong, a text each. Never raises for what an engine or a disk does."""
    fetcher = Fetcher(link, run, folder)
    try:
        fetcher.fetch([service.get("name") for service in shown.get("services") or [] if service.get("name")])
    except OSError as error:
        return [f"the log files could not be written to {folder}: {error.strerror or error}"]
    return [f"the log files of the remote engine are not complete: {fetcher.problem}"] if fetcher.problem else []
