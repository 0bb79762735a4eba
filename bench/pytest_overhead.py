"""What the pytest plugin costs: a suite of empty tests with and without it, alternately, so that both see the same machine.

Three figures a pair: all of the run (starting the engine, closing the run and making its files final included) divided by the number of tests;
the tests alone (from the first test's start to the last one's end, as pytest's main process sees it); and the processor time of pytest's
processes, which other work on the machine changes least.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
TESTS = 1000
PAIRS = 2  # of a round
CONFTEST = """
import json, os, time

times = []

def pytest_runtest_logstart():
    times.append(time.perf_counter())

def pytest_runtest_logfinish():
    times.append(time.perf_counter())

def pytest_unconfigure():
    if "PYTEST_XDIST_WORKER" not in os.environ:
        with open(os.environ["TIMES"], "w") as out:
            json.dump(max(times) - min(times), out)
"""


def make_suite(folder):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "clients/python/src/telltale", folder / "installed/telltale", ignore=shutil.ignore_patterns("__pycache__"))
    info = folder / "installed/telltale-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: telltale\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[pytest11]\ntelltale = telltale.pytest_plugin\n")
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_empty.py").write_text(f"import pytest\n\n@pytest.mark.parametrize('n', range({TESTS}))\ndef test_empty(n):\n    pass\n")


def run_suite(build, folder, words):
    """(seconds of all, seconds of the tests, processor seconds of pytest and its workers)."""
    times = folder / "times.json"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("TELLTALE_", "PYTEST_"))}
    env.update(TIMES=str(times), TELLTALE_BIN=str(build / "bin/telltale"), TELLTALE_DATA=str(folder / "data"),
               PYTHONPATH=str(folder / "installed"))
    with tempfile.TemporaryFile() as output:
        begin = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                                 stdout=output, stderr=output)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begin
        output.seek(0)
        text = output.read().decode(errors="replace")
    if child.returncode != 0 or f"{TESTS} passed" not in text or "telltale: " in text:
        raise RuntimeError(text[-6000:])
    return seconds, json.loads(times.read_text()), usage.ru_utime + usage.ru_stime


def bench_pytest(build, folder, pairs=PAIRS):
    """{"tests", "more": {"-n 0" or "-n 4": [the three figures in ms a test, of each pair]}}."""
    folder = folder / "pytest"
    make_suite(folder)
    more = {}
    for name, words in (("-n 0", []), ("-n 4", ["-n", "4"])):
        run_suite(build, folder, words)  # bytecode and caches
        run_suite(build, folder, [*words, "--monitor-pods"])
        rows = []
        for _ in range(pairs):
            plain, monitored = run_suite(build, folder, words), run_suite(build, folder, [*words, "--monitor-pods"])
            rows.append([1000 * (with_it - without) / TESTS for without, with_it in zip(plain, monitored)])
        more[name] = rows
    return {"tests": TESTS, "more": more}
