"""pytest-xdist in every --dist mode, also when a worker dies and when xdist itself hangs."""
import os
import pathlib
import re
import signal
import time

import pytest
from engine import wait_until

xdist = pytest.importorskip("xdist")
VERSION = tuple(int(part) for part in re.findall(r"\d+", xdist.__version__)[:2])
MODES = ["load", "loadscope", "loadfile", "loadgroup", "each"] + (["worksteal"] if VERSION >= (3, 2) else [])
# An xdist that hangs is ended from outside, as a CI job would be: in the long tests after the full time, else as soon as it is seen that none
# of its processes does anything any more.
PATIENCE_SECONDS = 25.0 if os.environ.get("TELLTALE_FULL") else 3.0

ONE = """
import pytest
@pytest.mark.parametrize("n", range(6))
def test_a(n): pass
@pytest.mark.xdist_group("together")
def test_grouped(): pass
"""
TWO = """
import pytest
@pytest.mark.parametrize("n", range(6))
def test_b(n): pass
def test_bad(): assert 0
"""
CRASHES = """
import os
def test_crash(): os._exit(3)
"""
# What really happened, written by the workers themselves: worker, node id, "started" or the outcome.
WITNESS = """
import os

outcomes = {}

def note(nodeid, what):
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        line = f"{worker} {nodeid.partition('@')[0]} {what}\\n"
        descriptor = os.open(os.environ["WITNESS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, line.encode())
        os.close(descriptor)

def pytest_runtest_logstart(nodeid):
    note(nodeid, "started")

def pytest_runtest_logreport(report):
    if report.when == "call":
        outcomes[report.nodeid] = report.outcome

def pytest_runtest_logfinish(nodeid):
    note(nodeid, outcomes.pop(nodeid, "passed"))
"""


def expected(copies=1):
    names = [f"test_a[{n}]" for n in range(6)] + [f"test_b[{n}]" for n in range(6)] + ["test_grouped"]
    return {**{name: ["passed"] * copies for name in names}, "test_bad": ["failed"] * copies}


def write(suite, crash=False):
    suite.write("test_one.py", ONE)
    suite.write("test_two.py", TWO)
    if crash:
        suite.write("test_zcrash.py", CRASHES)


@pytest.mark.parametrize("mode", MODES)
def test_each_mode(suite, api, mode):
    write(suite)
    done = suite.run("--monitor-pods", "-n", "2", "--dist", mode)
    run = api.run()
    copies = 2 if mode == "each" else 1
    assert api.outcomes(run["run"]) == expected(copies), done.output
    tests = api.tests(run["run"])
    assert run["state"] == "finished" and run["outcome"] == "failed" and done.code == 1
    assert {worker["worker"] for worker in run["workers"]} == {"gw0", "gw1"}
    assert all(worker["outcome"] == "finished" for worker in run["workers"])
    assert not any("@" in test["node_id"] for test in tests)
    assert len({test["file_stem"] for test in tests}) == len(tests) == 14 * copies
    saved = [path.name for path in (suite.folder / "logs/pod_logs/test_logs").iterdir()]
    assert sorted(saved) == sorted(test["file_stem"] + ".log" for test in tests)
    assert "Monitored 14 tests" in done.output or mode == "each"
    assert "telltale: logs of the services" in done.section("test_bad")
    assert "pod_errors" in done.junit()["test_bad"][0][1]


@pytest.mark.parametrize("mode", MODES)
def test_a_worker_that_dies(suite, api, mode):
    """load: the test runs once. loadscope and others run it again on each replacement. loadgroup and others hang, depending on the version: then
    the run is ended from outside, as a CI job would be. Whatever it does: the engine knows all that happened, and nothing is open."""
    write(suite, crash=True)
    suite.write("conftest.py", WITNESS)
    witness = suite.folder / "witness.txt"
    child = suite.begin("--monitor-pods", "-n", "2", "--dist", mode, "--max-worker-restart=3", env={"WITNESS": witness})
    ended = wait_for_end(child, api)
    run = api.wait_closed(api.run()["run"])
    assert told_by_engine(api, run["run"]) == told_by_witness(witness)
    assert all(worker["outcome"] in ("finished", "crashed") for worker in run["workers"])
    wait_until(lambda: api.run()["output"]["final"], "final files", 60)
    saved = {path.name for path in (suite.folder / "logs/pod_logs/test_logs").iterdir()}
    tests = api.tests(run["run"])
    # A worker that is handed the test of a crashed one within the same second cannot know that the name is taken; the engine does.
    claimed = {name for test in tests for name in (f"{test['file_stem']}.log", f"{test['file_stem']}-{test['test'][:8]}.log") if name in saved}
    assert saved == claimed and len(saved) == len(tests)
    if not ended:
        assert run["outcome"] == "interrupted"
        return
    assert run["outcome"] in ("failed", "error", "interrupted") and mode != "each" or run["outcome"]
    output = suite.ended(child).output
    assert "REAL-TIME POD MONITORING: Complete" in output, output
    if mode == "load":
        outcomes = api.outcomes(run["run"])
        assert outcomes.pop("test_crash") == ["crashed"] and outcomes == expected()
        assert "crashed while running" in output and "telltale: logs of the services" in output


def told_by_witness(path):
    """(worker, node id, outcome) of every execution, sorted. One that has no end crashed its worker."""
    found = {}
    for line in path.read_text().splitlines():
        worker, node_id, what = line.split()
        found[worker, node_id] = "crashed" if what == "started" else what
    return sorted((*which, outcome) for which, outcome in found.items())


def told_by_engine(api, run):
    return sorted((test["worker"], test["node_id"], test["outcome"]) for test in api.tests(run))


def wait_for_end(child, api):
    """False: it hung and was killed, all of it."""
    end = time.monotonic() + 120
    quiet, seen = time.monotonic(), None
    while child.poll() is None and time.monotonic() < end:
        now = (state_of(api), busy(child.pid))
        if now != seen or not now[0]:
            quiet, seen = time.monotonic(), now
        if time.monotonic() - quiet > PATIENCE_SECONDS:
            break
        time.sleep(0.1)
    if child.poll() is not None:
        return True
    os.killpg(child.pid, signal.SIGKILL)
    child.wait(30)
    return False


def busy(controller):
    """Changes when a worker uses a processor, waits for one or for a disk, comes or goes. The controller does not count: a hanging one may turn
    round and round."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[2]) == controller != int(path.parent.name):
            found.append((path.parent.name, time.monotonic() if words[0] in "RD" else words[0], int(words[11]) + int(words[12])))
    return sorted(found)


def state_of(api):
    """Changes whenever something happens in the run; nothing before its beginning and after its end."""
    runs = api.runs() if api.running() else []
    if not runs or runs[0]["state"] != "running":
        return None
    return [(test["test"], test["outcome"]) for test in api.tests(runs[0]["run"])]


def test_a_crash_is_explained_by_the_controller(suite, api):
    """The line says when it was written: otherwise it might be of the test before, of the moment before the crashed one began."""
    suite.write("config/environments.yaml", "local:\n  monitoring: {services: [{name: api, file: logs/api.log}]}\n")
    suite.write("test_it.py", """
import datetime, os, pathlib
def test_good(): pass
def test_crash():
    pathlib.Path("logs").mkdir(exist_ok=True)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with open("logs/api.log", "a") as out: out.write(now + " ERROR the request killed me\\n")
    os._exit(1)
""")
    done = suite.run("--monitor-pods", "-n", "1", "--max-worker-restart=0")
    assert "1 error line of services during this test:" in done.output and "ERROR the request killed me" in done.output, done.output
    (outcome, properties), = done.junit()["test_crash"]
    assert (outcome, properties["pod_errors"], properties["pod_errors_possible"]) == ("error", "1", "0"), properties
    test = next(test for test in api.tests(api.run()["run"]) if test["name"] == "test_crash")
    assert properties["telltale_test"] == test["test"] and properties["pod_log"].endswith(f"/test_logs/{test['file_stem']}.log")


def test_two_workers_and_no_plugin_in_them_is_no_difference_to_results(suite):
    write(suite)
    plain, monitored = suite.run("-n", "2"), None
    outcomes = plain.outcomes()
    monitored = suite.run("--monitor-pods", "-n", "2")
    assert (monitored.outcomes(), monitored.code) == (outcomes, plain.code)


def test_workers_say_what_went_wrong_in_the_controllers_summary(suite):
    suite.write("test_it.py", "def test_it(pod_monitor): pod_monitor.start_monitoring_service('x', 'app=x')\n")
    done = suite.run("--monitor-pods", "-n", "2")
    assert done.count("telltale: service 'x' is chosen by a selector") == 1


def test_every_worker_is_known_before_its_first_test(suite, api):
    suite.write("test_it.py", "def test_it(track_test_in_pod_monitor): assert track_test_in_pod_monitor.worker in ('gw0', 'gw1')\n")
    assert suite.run("--monitor-pods", "-n", "2", "--dist", "each").code == 0
    run = api.run()
    started = {worker["worker"]: worker["started"] for worker in run["workers"]}
    assert all(started[test["worker"]] <= test["started"] for test in api.tests(run["run"]))
    wait_until(lambda: api.run()["output"]["final"], "final files")
