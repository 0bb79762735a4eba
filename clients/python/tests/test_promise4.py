"""Telltale is never the reason a test run fails, hangs or slows down: whatever is wrong with the engine, the results are those of a run
without the plugin, it takes at most 2 s longer in total, and one line of the summary says what was wrong."""
import json
import os
import re
import select
import signal
import socket
import statistics
import subprocess

import pytest
from engine import BINARY, wait_until

LIMIT_SECONDS = 2.0
FULL = os.environ.get("TELLTALE_FULL") == "1"
PAIRS = 5  # of runs without and with the plugin, alternately, when time is measured

SUITE = """
import pytest

@pytest.mark.parametrize("n", range(20))
def test_passes(n):
    pass

def test_fails(tmp_path):
    assert tmp_path == 1

def test_reads_logs(get_test_pod_logs, assert_no_pod_errors, telltale_headers, pod_monitor):
    get_test_pod_logs()
    assert_no_pod_errors(possible=True)
    pod_monitor.wait()

@pytest.fixture
def broken():
    raise RuntimeError("broken fixture")

@pytest.mark.parametrize("n", range(3))
def test_errors(broken, n):
    pass

@pytest.mark.skip
def test_skipped():
    pass

@pytest.mark.xfail
def test_expected():
    assert 0
"""
WAYS = pytest.mark.parametrize("words", [(), ("-n", "4")], ids=["plain", "xdist"])


def results(outcome):
    return outcome.outcomes(), outcome.code


# What each process waited for the engine in vain, and how long it might have.
LEDGER = """
import json, os

def pytest_unconfigure(config):
    for role in ("controller", "worker"):
        plugin = config.pluginmanager.get_plugin("telltale-" + role)
        if plugin is not None:
            with open(f"waited-{role}-{os.getpid()}.json", "w") as out:
                json.dump({"allowed": plugin.budget.allowed, "spent": plugin.budget.spent}, out)
"""
CLOSE_SECONDS = 0.1  # is granted after that
LATE_SECONDS = 1.0  # a wait may end so much later on a busy machine
plain_results: dict = {}


def check(suite, words, env, line):
    """One run with the plugin: the results are those without it, one line of the summary says what is wrong, and no process may wait longer
    than the promise allows. Returns its seconds and that line."""
    for old in suite.folder.glob("waited-*"):
        old.unlink()
    monitored = suite.run("--monitor-pods", *words, env=env)
    assert results(monitored) == plain_results[words], monitored.output
    said = [one for one in monitored.output.splitlines() if one.startswith("telltale: ")]
    assert len(said) == 1 and re.search(line, said[0]), monitored.output
    waits = {role: [json.loads(path.read_text()) for path in suite.folder.glob(f"waited-{role}-*")] for role in ("controller", "worker")}
    most = [max((wait["allowed"] + CLOSE_SECONDS for wait in waits[role]), default=0.0) for role in waits]  # workers wait at the same time
    assert len(waits["controller"]) == 1 and sum(most) < LIMIT_SECONDS, waits
    assert all(wait["spent"] <= wait["allowed"] + LATE_SECONDS for one in waits.values() for wait in one), waits
    return monitored.seconds, said[0]


def compare(suite, words, prepare, capsys, line, hooks=""):
    """`prepare()` gives the environment of a run with the plugin. Time is measured only in the long tests: other work on the machine would
    decide."""
    suite.write("test_suite.py", SUITE)
    suite.write("conftest.py", LEDGER + hooks)
    if words not in plain_results or FULL:
        plain_results[words] = results(suite.run(*words))
    if not FULL:
        check(suite, words, prepare(), line)
        return
    more = []
    for _ in range(PAIRS):
        plain = suite.run(*words)
        seconds, said = check(suite, words, prepare(), line)
        more.append(seconds - plain.seconds)
    with capsys.disabled():
        print(f"\n  {statistics.median(more):+.2f} s ({min(more):+.2f} to {max(more):+.2f}, {PAIRS} pairs): {said[:110]}")
    assert statistics.median(more) <= LIMIT_SECONDS


@pytest.fixture
def found_engine(tmp_path, suite, api):
    """An engine as `telltale engine start` leaves it behind; the suite finds it by its data folder."""
    done = subprocess.run([BINARY, "engine", "start", "--json", "--idle-exit", "300s", f"--data={api.folder}"], cwd=tmp_path,
                          env=suite.environment(), check=True, capture_output=True, text=True)
    pid = json.loads(done.stdout)["pid"]
    process = os.pidfd_open(pid)  # readable when it has ended, whoever asks for its exit code when
    yield pid
    try:
        os.kill(pid, signal.SIGKILL)  # whatever it is doing
    except ProcessLookupError:
        pass
    wait_until(lambda: select.select([process], [], [], 0)[0], "end of the engine")
    os.close(process)


@WAYS
def test_the_program_is_missing(suite, words, capsys):
    compare(suite, words, lambda: {"TELLTALE_BIN": "/nowhere/telltale"}, capsys, "the program '/nowhere/telltale' is not there")


@WAYS
def test_the_port_is_closed(suite, words, capsys):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    compare(suite, words, lambda: {"TELLTALE_URL": f"http://127.0.0.1:{port}"}, capsys, "connection refused")


@WAYS
def test_the_port_takes_everything_and_answers_nothing(suite, words, capsys):
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        compare(suite, words, lambda: {"TELLTALE_URL": url}, capsys, "does not answer")


@WAYS
def test_the_port_drops_everything(suite, words, capsys):
    """A full backlog: the kernel drops every further connection attempt without an answer."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    try:
        while True:
            filler = socket.socket()
            fillers.append(filler)
            filler.settimeout(0.3)
            try:
                filler.connect(listener.getsockname())
            except socket.timeout:
                break
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        compare(suite, words, lambda: {"TELLTALE_URL": url}, capsys, "does not answer")
    finally:
        for sock in [listener, *fillers]:
            sock.close()


@WAYS
def test_the_engine_is_stopped(suite, words, capsys, found_engine):
    os.kill(found_engine, signal.SIGSTOP)
    compare(suite, words, lambda: {}, capsys, "monitoring is not complete")


STOPS = """
import os, pathlib, signal

def pytest_runtest_logfinish(nodeid):
    here = "PYTEST_XDIST_WORKER" in os.environ or not os.environ.get("SPREAD")  # once, not in xdist's controller too
    if "test_passes[3]" in nodeid and os.environ.get("VICTIM") and here:
        os.kill(VICTIM, signal.NAME)
"""


@WAYS
def test_the_engine_is_stopped_in_the_middle(suite, words, capsys, found_engine):

    def prepare():
        os.kill(found_engine, signal.SIGCONT)
        return {"VICTIM": found_engine, "SPREAD": "1" if words else None}

    hooks = STOPS.replace("VICTIM,", "int(os.environ['VICTIM']),").replace("NAME", "SIGSTOP")
    compare(suite, words, prepare, capsys, "monitoring is not complete", hooks)


@pytest.fixture
def full_disk(tmp_path):
    """A file system at tmp_path/data that fill() fills to the last byte."""
    place = tmp_path / "data"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "telltale-test", place], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")

    def fill():
        with open(place / "filler", "ab", buffering=0) as out:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        out.write(b"x" * size)
                except OSError:
                    continue

    yield fill
    subprocess.run(["umount", "-l", place], check=True)


@WAYS
def test_the_disk_is_full_before_the_engine_starts(full_disk, suite, api, words, capsys):
    full_disk()
    compare(suite, words, lambda: {}, capsys, "no logs were monitored")


@WAYS
def test_the_disk_of_the_engine_is_full(full_disk, suite, found_engine, words, capsys):
    """An engine keeps a reserve for what must be written on a full disk; the suite's events do not fit."""
    full_disk()
    compare(suite, words, lambda: {}, capsys, "monitoring is not complete")


@WAYS
def test_the_engine_is_killed_in_the_middle(suite, api, words, capsys):
    """It comes back by itself, and nothing is missing when there is time for that (test_life.py); here it costs no more than the promise."""
    running = "__import__('json').load(open(os.environ['TELLTALE_DATA'] + '/engine.json'))['pid'],"
    hooks = STOPS.replace("VICTIM,", running).replace("NAME", "SIGKILL")
    compare(suite, words, lambda: {"VICTIM": "1", "SPREAD": "1" if words else None}, capsys,
            "the engine had died and was replaced|monitoring is not complete", hooks)
