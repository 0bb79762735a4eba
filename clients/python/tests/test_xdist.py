"""pytest-xdist in every --dist mode, also when a worker dies and when xdist itself hangs."""
import os
import re
import signal
import time

import pytest
from engine import wait_until

xdist = pytest.importorskip("xdist")
VERSION = tuple(int(part) for part in re.findall(r"\d+", xdist.__version__)[:2])
MODES = ["load", "loadscope", "loadfile", "loadgroup", "each"] + (["worksteal"] if VERSION >= (3, 2) else [])
# How long a hanging xdist is given before it is ended from outside; the full time in the long tests.
PATIENCE_SECONDS = 25.0 if os.environ.get("TELLTALE_FULL") else 8.0

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
    the run is ended from outside, as a CI job would be."""
    write(suite, crash=True)
    child = suite.begin("--monitor-pods", "-n", "2", "--dist", mode, "--max-worker-restart=3")
    ended = wait_for_end(child, api)
    run = api.wait_closed(api.run()["run"])
    outcomes = api.outcomes(run["run"])
    crashed = outcomes.pop("test_crash")
    assert crashed and set(crashed) == {"crashed"}
    assert all(set(one) <= {"passed", "failed"} for one in outcomes.values()), outcomes
    crashes = [test for test in api.tests(run["run"]) if test["name"] == "test_crash"]
    assert len({test["worker"] for test in crashes}) == len(crashes)
    assert all(worker["outcome"] in ("finished", "crashed") for worker in run["workers"])
    if ended:
        assert run["outcome"] in ("failed", "error", "interrupted") and mode != "each" or run["outcome"]
        output = suite.ended(child).output
        assert "REAL-TIME POD MONITORING: Complete" in output, output
        if mode == "load":
            assert outcomes == expected() and len(crashed) == 1
            assert "crashed while running" in output and "telltale: logs of the services" in output
    else:
        assert run["outcome"] == "interrupted"


def wait_for_end(child, api):
    """False: it hung and was killed, all of it."""
    end = time.monotonic() + 90
    quiet, seen = time.monotonic(), None
    while child.poll() is None and time.monotonic() < end:
        now = state_of(api)
        if now != seen:
            quiet, seen = time.monotonic(), now
        if time.monotonic() - quiet > PATIENCE_SECONDS and seen:
            break
        time.sleep(0.1)
    if child.poll() is not None:
        return True
    os.killpg(child.pid, signal.SIGKILL)
    child.wait(30)
    return False


def state_of(api):
    """Changes whenever something happens in the run."""
    if not api.running():
        return None
    runs = api.runs()
    return [(test["test"], test["outcome"]) for test in api.tests(runs[0]["run"])] if runs else None


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
