"""Telltale is never the reason a test run fails, hangs or slows down: whatever is wrong with the engine, the results are those of a run
without the plugin, it takes at most 2 s longer in total, and one line of the summary says what was wrong."""
import os
import signal
import socket
import subprocess

import pytest
from engine import BINARY, wait_until

pytestmark = pytest.mark.skipif(os.environ.get("TELLTALE_FULL") != "1", reason="not yet part of every run: TELLTALE_FULL=1")

LIMIT_SECONDS = 2.0
# Runs of each; the fastest are compared, and more are made while they differ too much, so that other work on the machine does not decide.
REPEATS, MOST_REPEATS = 2, 8

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


def compare(suite, words, prepare, capsys, line):
    """Runs the suite without and with the plugin, alternately. `prepare()` gives the environment of a run with it."""
    suite.write("test_suite.py", SUITE)
    suite.run(*words)  # compiles, warms the caches
    without, with_it, seen = [], [], None
    for turn in range(MOST_REPEATS):
        if turn >= REPEATS and min(with_it) - min(without) <= LIMIT_SECONDS:
            break
        plain = suite.run(*words)
        without.append(plain.seconds)
        monitored = suite.run("--monitor-pods", *words, env=prepare())
        with_it.append(monitored.seconds)
        assert results(monitored) == results(plain), monitored.output
        said = [one for one in monitored.output.splitlines() if one.startswith("telltale: ")]
        assert len(said) == 1 and line in said[0], monitored.output
        seen = said[0]
    more = min(with_it) - min(without)
    with capsys.disabled():
        print(f"\n  {more:+.2f} s ({min(without):.2f} -> {min(with_it):.2f} s): {seen[:110]}")
    assert more <= LIMIT_SECONDS


@pytest.fixture
def found_engine(tmp_path, suite, api):
    """An engine as `telltale engine start` leaves it behind; the suite finds it by its data folder."""
    import json

    done = subprocess.run([BINARY, "engine", "start", "--json", "--idle-exit", "300s", f"--data={api.folder}"], cwd=tmp_path,
                          env=suite.environment(), check=True, capture_output=True, text=True)
    pid = json.loads(done.stdout)["pid"]
    yield pid
    try:
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    wait_until(lambda: not alive(pid), "end of the engine")


def alive(pid):
    try:
        os.kill(pid, 0)
        return True
    except ProcessLookupError:
        return False


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
        compare(suite, words, lambda: {"TELLTALE_URL": url}, capsys, "it does not answer")


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
        compare(suite, words, lambda: {"TELLTALE_URL": url}, capsys, "it does not answer")
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
    suite.write("conftest.py", STOPS.replace("VICTIM,", "int(os.environ['VICTIM']),").replace("NAME", "SIGSTOP"))

    def prepare():
        os.kill(found_engine, signal.SIGCONT)
        return {"VICTIM": found_engine, "SPREAD": "1" if words else None}

    compare(suite, words, prepare, capsys, "monitoring is not complete")


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
    """It comes back by itself (test_life.py shows that nothing is missing then); here it costs no more than the promise."""
    running = "__import__('json').load(open(os.environ['TELLTALE_DATA'] + '/engine.json'))['pid'],"
    suite.write("conftest.py", STOPS.replace("VICTIM,", running).replace("NAME", "SIGKILL"))
    compare(suite, words, lambda: {"VICTIM": "1", "SPREAD": "1" if words else None}, capsys, "the engine had died and was replaced")
