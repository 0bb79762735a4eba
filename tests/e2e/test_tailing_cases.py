"""The published file-tailing cases of Fluent Bit and Vector in which the process matters: restart, kill, an engine that is slow.
Rights that are taken and given back: test_bad_input.py.
docs/reference/file-source.md says which of theirs each test covers."""
import os
import shutil
import signal
import time

import pytest
from engine import SLOWNESS, wait_until

RATE = 250_000  # lines a second
FULL = os.environ.get("TELLTALE_FULL") == "1"


def append(path, text):
    with open(path, "a") as file:
        file.write(text)


@pytest.fixture(params=["stopped", "killed"])
def restart(request):
    """restart(engine, while_away): ends it one way or the other, and starts it again after that was done."""
    def again(engine, while_away=lambda: None):
        if request.param == "killed":
            engine.kill()
        else:
            engine.stop()
        while_away()
        engine.start()
    return again


def test_restart_resumes_where_it_was(engine, restart):
    log = engine.logs / "app.log"
    append(log, "first\n")
    engine.barrier()
    restart(engine, lambda: append(log, "second\n"))
    engine.barrier()
    assert engine.lines() == ["first", "second"]


def test_partial_line_across_a_restart_is_completed_once(engine, restart):
    log = engine.logs / "app.log"
    append(log, "whole\npartial")
    engine.barrier()
    restart(engine, lambda: append(log, " line\n"))
    engine.barrier()
    assert engine.lines() == ["whole", "partial line"]


def test_copytruncate_across_a_restart(engine, restart):
    log = engine.logs / "app.log"
    append(log, "before\n")
    engine.barrier()

    def copy_truncate():
        append(log, "unread\n")
        shutil.copyfile(log, engine.logs / "app.log.1")
        os.truncate(log, 0)
        append(log, "after\n")

    restart(engine, copy_truncate)
    engine.barrier()
    assert engine.lines() == ["before", "unread", "after"]


def test_rotation_across_a_restart(engine, restart):
    log = engine.logs / "app.log"
    append(log, "before\n")
    engine.barrier()

    def rotate():
        append(log, "unread\n")
        log.rename(engine.logs / "app.log.1")
        append(log, "after\n")

    restart(engine, rotate)
    engine.barrier()
    assert engine.lines() == ["before", "unread", "after"]


def anonymous_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:")) / 1024


def test_input_beyond_what_is_drained(make_engine, tmp_path):
    """The engine has the processor for 5 ms after each 160,000 lines that a program has written: what is behind waits in the file, not in
    memory, and all of it arrives. A minute with TELLTALE_FULL=1."""
    engine = make_engine(folder=tmp_path).start()
    seconds, written, most, start = 60 if FULL else 3, 0, 0.0, time.monotonic()
    os.kill(engine.pid, signal.SIGSTOP)
    try:
        with open(engine.logs / "app.log", "a", buffering=1 << 20) as file:
            while written < seconds * RATE:
                file.writelines(f"line {number:09} {'x' * 80}\n" for number in range(written, written + 20_000))
                written += 20_000
                if written % 160_000 == 0:
                    os.kill(engine.pid, signal.SIGCONT)
                    time.sleep(0.005)  # its share, no wait for something; so is the rate below
                    os.kill(engine.pid, signal.SIGSTOP)
                most = max(most, anonymous_mib(engine.pid))
                time.sleep(max(0, start + written / RATE - time.monotonic()))
    finally:
        os.kill(engine.pid, signal.SIGCONT)

    def count():
        return int(engine.get("/api/v1/count", query="{}")["records"])

    behind = written - count()
    wait_until(lambda: count() == written, "all lines", timeout=seconds * 10 + 30)
    most = max(most, anonymous_mib(engine.pid))
    print(f"\n{written} lines in {time.monotonic() - start:.0f} s, {behind} behind when the writer ended, at most {most:.0f} MiB anonymous")
    assert behind > written / 2, "the writer was much faster than the engine"
    assert most < 250 * max(1, SLOWNESS)
