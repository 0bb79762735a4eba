"""Names of runs, tests and their files."""
from __future__ import annotations

import hashlib
import os
import re
import time
from datetime import datetime, timezone

MAX_SAFE_NAME = 100
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_second = (-1, "")


def plain(text: str) -> str:
    """The text without lone surrogates, which JSON cannot carry."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def new_run_id() -> str:
    return datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S") + "-" + os.urandom(3).hex()


def test_id(run: str, node_id: str, attempt: int, worker: str) -> str:
    """16 hex digits, the same wherever they are computed."""
    return hashlib.sha256(f"{run}\n{node_id}\n{attempt}\n{worker}".encode("utf-8", "replace")).hexdigest()[:16]


def safe_name(name: str) -> str:
    """The name as a part of a file name on every system."""
    return _UNSAFE.sub("_", name)[:MAX_SAFE_NAME].lstrip(".") or "test"


def short_hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:8]


def rfc3339(ns: int) -> str:
    """UTC with nanoseconds."""
    global _second
    seconds, rest = divmod(ns, 1_000_000_000)
    last, text = _second
    if last != seconds:  # formatting the second costs more than all the rest
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        _second = (seconds, text)
    return f"{text}.{rest:09d}Z"


class FileStems:
    """Stems of the files of one process's tests: safe name, local time, and a hash where name and time may not be unique.

    `names`: the names of all tests that this and the other workers may run. `shared`: the same test may run in several workers.
    `taken(stem)`: a file of that stem is there already.
    """

    def __init__(self, run: str, worker: str, names, shared: bool = False, taken=lambda stem: False):
        self._run, self._worker, self._shared, self._taken = run, worker, shared, taken
        seen, self._repeated = set(), set()
        for name in names:
            folded = safe_name(name).lower()  # some file systems do not tell case apart
            (self._repeated if folded in seen else seen).add(folded)

    def stem(self, name: str, node_id: str, attempt: int, wall_ns: int) -> str:
        safe = safe_name(name)
        stem = f"{safe}_{time.strftime('%Y%m%d_%H%M%S', time.localtime(wall_ns // 1_000_000_000))}"
        unique = not self._shared and attempt == 1 and safe.lower() not in self._repeated
        if unique and not self._taken(stem):
            return stem
        return f"{stem}_{short_hash(self._run, self._worker, node_id, str(attempt))}"
