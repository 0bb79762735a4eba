"""`telltale run -- COMMAND` with engines that are missing, stopped, killed or out of disk: the command notices nothing."""
import os
import signal
import time

import pytest
from engine import SLOWNESS, wait_until
from launching import CommandRunner, sh


def test_an_engine_that_is_killed_and_comes_back_has_each_line_once(runner):
    child = runner.begin(*sh("i=0; while [ ! -e stop ]; do echo line $i; i=$((i+1)); sleep 0.0005; done; echo last"))
    known = 0
    for _ in range(3):
        wait_until(lambda: len(runner.output()) > known, "more lines")
        known = len(runner.output())
        runner.engine.kill()
        runner.engine.start()
    runner.file("stop").touch()
    output, trouble = child.communicate(timeout=60 * SLOWNESS)
    assert child.returncode == 0, trouble
    lines = output.decode().splitlines()
    assert lines == [f"line {n}" for n in range(len(lines) - 1)] + ["last"]
    assert runner.output() == lines
    run = runner.last_run()
    assert (run["state"], run["outcome"]) == ("finished", "passed"), "the run went on in the engine that came after"


def quick(runner, *command, **more):
    """(seconds, done)."""
    begin = time.monotonic()
    done = runner.run(*command, **more)
    return time.monotonic() - begin, done


def said(done):
    return [line for line in done.stderr.splitlines() if line.startswith("telltale: ")]


@pytest.mark.parametrize("env", [{"TELLTALE_URL": "http://127.0.0.1:1"}, {"TELLTALE_URL": "", "TELLTALE_DATA": "/proc/nowhere"},
                                 {"TELLTALE_TOKEN": "wrong"}], ids=["no such engine", "no data folder can be made", "wrong token"])
def test_without_an_engine_the_command_runs_and_one_line_says_so(runner, env):
    seconds, done = quick(runner, *sh("echo out; exit 3"), env=env)
    assert (done.returncode, done.stdout) == (3, "out\n") and seconds < 2 * SLOWNESS
    assert len(said(done)) == 1 and "nothing was captured" in done.stderr, done.stderr


def test_a_stopped_engine_costs_two_seconds_at_most(runner):
    os.kill(runner.engine.pid, signal.SIGSTOP)
    try:
        seconds, done = quick(runner, *sh("echo out; exit 3"))
    finally:
        os.kill(runner.engine.pid, signal.SIGCONT)
    assert (done.returncode, done.stdout) == (3, "out\n") and seconds < 2 + 0.3 * SLOWNESS and len(said(done)) == 1, (seconds, done.stderr)


def test_an_engine_that_is_stopped_meanwhile_costs_two_seconds_at_most(runner):
    child = runner.begin(*sh("echo up > up; until [ -e go ]; do sleep 0.02; done; echo out; exit 3"))
    runner.wait_for("up")
    os.kill(runner.engine.pid, signal.SIGSTOP)
    try:
        runner.file("go").touch()
        begin = time.monotonic()
        output, trouble = child.communicate(timeout=30 * SLOWNESS)
        seconds = time.monotonic() - begin
    finally:
        os.kill(runner.engine.pid, signal.SIGCONT)
    assert (child.returncode, output) == (3, b"out\n") and seconds < 2 + 0.3 * SLOWNESS, (seconds, trouble)
    assert trouble.decode().count("telltale: ") == 1, trouble
    wait_until(lambda: runner.output() == ["out"], "what the relay had kept")


def test_a_full_disk_costs_two_seconds_at_most_and_nothing_of_the_command(make_disk, make_engine, tmp_path):
    disk = make_disk(tmp_path / "data", "12m")
    runner = CommandRunner(make_engine().start(), tmp_path / "work")
    disk.fill()
    seconds, done = quick(runner, *sh("echo out; exit 3"))
    assert (done.returncode, done.stdout) == (3, "out\n") and seconds < 2 + 0.3 * SLOWNESS and len(said(done)) == 1, (seconds, done.stderr)
    disk.free()
    wait_until(lambda: runner.output() == ["out"], "what was kept until there was room")
