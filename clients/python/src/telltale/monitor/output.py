"""The folder of the run's files on this machine: made, locked by the run, and shown to the engine to be ours by a number used once."""
from __future__ import annotations

import json
import os
import weakref
from pathlib import Path

LOCK_NAME = ".telltale-run.lock"
MARK_NAME = ".telltale-run"

_held = weakref.WeakSet()


def _after_fork() -> None:
    for folder in list(_held):
        folder._close()  # the lock belongs to all copies of the descriptor; a child must not keep it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class OutputFolder:
    """`path` is `wanted`, or `wanted-RUN` while another run holds that one. Nothing is made when even that fails: OSError."""

    def __init__(self, wanted: Path, run: str):
        self._descriptor = -1
        self.path = wanted
        if not self._lock(wanted):
            self.path = wanted.with_name(f"{wanted.name}-{run}")
            if not self._lock(self.path):
                raise OSError(f"{self.path} is locked by another run")
        self.nonce = os.urandom(16).hex()
        self._write_mark(run)
        _held.add(self)

    def _lock(self, folder: Path) -> bool:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        if lock_descriptor(descriptor):
            self._descriptor = descriptor
            return True
        os.close(descriptor)
        return False

    def _write_mark(self, run: str) -> None:
        mark = self.path / MARK_NAME
        temporary = mark.with_name(f"{MARK_NAME}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(json.dumps({"run": run, "nonce": self.nonce}) + "\n")
        os.replace(temporary, mark)

    def event_member(self) -> dict:
        return {"folder": str(self.path.resolve()), "nonce": self.nonce}

    def release(self) -> None:
        self._close()

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def lock_descriptor(descriptor: int) -> bool:
    """An exclusive lock without waiting; False: somebody else has it."""
    try:
        import fcntl
    except ImportError:
        import msvcrt  # Windows

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            return True
        except OSError:
            return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False
