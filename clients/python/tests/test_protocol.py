"""What the engine is told of a session: outcomes, attempts, sub-tests, interruptions, processes that end in a test."""
import os
import signal

import pytest
from engine import wait_until

OUTCOMES = """
import pytest, unittest

def test_passed(): pass
def test_failed(): assert 0, "because"
def test_skipped(): pytest.skip("x")
@pytest.mark.skip
def test_skipped_by_mark(): pass
@pytest.mark.xfail
def test_xfailed(): assert 0
@pytest.mark.xfail
def test_xpassed(): pass
@pytest.mark.xfail(strict=True)
def test_xpassed_strictly(): pass
@pytest.fixture
def broken(): raise RuntimeError("setup broke")
def test_error_in_setup(broken): pass
@pytest.fixture
def broken_end():
    yield
    raise RuntimeError("teardown broke")
def test_error_in_teardown(broken_end): pass
class TestUnit(unittest.TestCase):
    def test_unit(self): self.assertTrue(True)
@pytest.mark.parametrize("x", ["a/b", "ü", "x" * 300, "::"])
def test_parameters(x): pass
"""




def test_each_outcome(suite, api):
    suite.write("test_it.py", OUTCOMES)
    done = suite.run("--monitor-pods")
    run = api.run()
    found = {name: outcomes for name, outcomes in api.outcomes(run["run"]).items() if not name.startswith("test_parameters")}
    assert found == {"test_passed": ["passed"], "test_failed": ["failed"], "test_skipped": ["skipped"], "test_skipped_by_mark": ["skipped"],
                     "test_xfailed": ["xfailed"], "test_xpassed": ["xpassed"], "test_xpassed_strictly": ["failed"],
                     "test_error_in_setup": ["error"], "test_error_in_teardown": ["error"], "test_unit": ["passed"]}
    assert (run["outcome"], run["exit_code"], done.code) == ("failed", 1, 1)
    messages = {test["name"]: test.get("message") or "" for test in api.tests(run["run"])}
    assert "because" in messages["test_failed"] and "setup broke" in messages["test_error_in_setup"]
    stems = [test["file_stem"] for test in api.tests(run["run"])]
    assert len(set(stems)) == len(stems) == 14 and max(map(len, stems)) <= 200


def test_nothing_to_run(suite, api):
    suite.write("test_it.py", "")
    assert suite.run("--monitor-pods").code == 5
    assert api.run()["outcome"] == "no_tests"


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_a_retried_test_has_an_execution_for_each_attempt(suite, api, words):
    pytest.importorskip("pytest_rerunfailures")
    suite.write("test_it.py", """
import pathlib, pytest
@pytest.mark.flaky(reruns=3)
def test_flaky():
    path = pathlib.Path("count")
    count = int(path.read_text()) if path.exists() else 0
    path.write_text(str(count + 1))
    assert count == 2, f"attempt {count}"
""")
    done = suite.run("--monitor-pods", *words)
    assert done.code == 0 and "2 rerun" in done.output
    run = api.run()
    tests = api.tests(run["run"])
    assert [(test["attempt"], test["outcome"]) for test in tests] == [(1, "rerun"), (2, "rerun"), (3, "passed")]
    assert len({test["test"] for test in tests}) == len({test["file_stem"] for test in tests}) == 3
    assert "attempt 0" in tests[0]["message"] and not tests[2].get("message")
    assert "Monitored 1 test\n" in done.output and run["outcome"] == "passed"
    saved = {path.name for path in (suite.folder / "logs/pod_logs/test_logs").iterdir()}
    assert saved == {test["file_stem"] + ".log" for test in tests}


def test_failed_sub_tests_make_their_test_failed_and_skipped_ones_do_not_make_it_skipped(suite, api):
    if int(pytest.__version__.split(".")[0]) < 9:
        pytest.importorskip("pytest_subtests")
    suite.write("test_it.py", """
import pytest, unittest
def test_subs(subtests):
    with subtests.test("good"): pass
    with subtests.test("bad"): assert 0, "sub broke"
    with subtests.test("good again"): pass
def test_skipping(subtests):
    with subtests.test("skipped"): pytest.skip("x")
    with subtests.test("good"): pass
class TestUnit(unittest.TestCase):
    def test_unit(self):
        with self.subTest(i=1): self.assertTrue(False)
""")
    done = suite.run("--monitor-pods")
    assert api.outcomes(api.run()["run"]) == {"test_subs": ["failed"], "test_skipping": ["passed"], "test_unit": ["failed"]}
    assert "Monitored 3 tests" in done.output and "telltale: logs of the services" in done.output


def test_errors_while_collecting(suite, api):
    suite.write("test_it.py", "import nothing_of_that_name\n")
    suite.write("test_good.py", "def test_good(): pass\n")
    done = suite.run("--monitor-pods")
    run = api.run()
    assert (done.code, run["outcome"], run["exit_code"], run["tests"]["total"]) == (2, "error", 2, 0)
    done = suite.run("--monitor-pods", "--continue-on-collection-errors", "--telltale-run-name", "on")
    assert (done.code, api.run(name="on")["outcome"]) == (1, "failed")


def test_a_stop_after_the_first_failure(suite, api):
    suite.write("test_it.py", "def test_1(): assert 0\ndef test_2(): pass\n")
    assert suite.run("--monitor-pods", "-x").code == 1
    run = api.run()
    assert run["outcome"] == "failed" and api.outcomes(run["run"]) == {"test_1": ["failed"]}


LONG = """
import os, pathlib, time
def test_before(): pass
def test_long():
    pathlib.Path("running").write_text(str(os.getpid()))
    while True: time.sleep(0.05)
def test_after(): pass
"""


# Of the main process: what it has heard of.
HEARD = """
import os, pathlib, pytest
@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish(nodeid):
    if "PYTEST_XDIST_WORKER" not in os.environ: pathlib.Path("heard-" + nodeid.rpartition("::")[2]).touch()
"""


def begin_long(suite, *words):
    """Returns while the long test runs and pytest's main process is at rest: interrupted in the middle of a report, pytest may fail itself."""
    suite.write("test_it.py", LONG)
    suite.write("conftest.py", HEARD)
    child = suite.begin("--monitor-pods", *words)
    heard = ["heard-test_before"] + (["heard-test_after"] if words else [])
    wait_until(lambda: (suite.folder / "running").exists() and (suite.folder / "running").read_text() and all((suite.folder / name).exists() for name in heard)
               or child.poll() is not None, "the long test", 60)
    assert child.poll() is None, suite.ended(child).output
    return child


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_control_c_interrupts_the_running_test_and_the_run(suite, api, words):
    """A terminal sends it to all processes of the group."""
    child = begin_long(suite, *words)
    os.killpg(child.pid, signal.SIGINT)
    child.wait(60)
    run = api.wait_closed(api.run()["run"])
    output = suite.ended(child).output
    assert child.returncode == 2 and run["outcome"] == "interrupted", output
    outcomes = api.outcomes(run["run"])
    if words:  # the controller ends its workers without waiting for what they would say, and the other tests run beside this one
        assert outcomes["test_long"] in (["interrupted"], ["crashed"]), output
    else:
        assert outcomes == {"test_before": ["passed"], "test_long": ["interrupted"]}
    assert "REAL-TIME POD MONITORING: Complete" in output


def test_a_test_may_end_the_session(suite, api):
    suite.write("test_it.py", "import pytest\ndef test_1(): pass\ndef test_2(): pytest.exit('enough')\ndef test_3(): pass\n")
    done = suite.run("--monitor-pods")
    run = api.run()
    assert (done.code, run["outcome"], run["state"]) == (2, "interrupted", "finished")
    assert api.outcomes(run["run"]) == {"test_1": ["passed"], "test_2": ["interrupted"]}


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_a_killed_session_leaves_nothing_open(suite, api, words):
    child = begin_long(suite, *words)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait(30)
    run = api.wait_closed(api.run()["run"])
    assert run["outcome"] == "interrupted"
    assert api.outcomes(run["run"])["test_long"] == ["crashed"]


@pytest.mark.parametrize("how", ["os._exit(3)", "os.kill(os.getpid(), signal.SIGSEGV)", "os.abort()"])
def test_a_test_that_ends_its_process_is_known_and_crashed(suite, api, how):
    """Its start was sent before its code ran. Nobody is left to say anything: the engine sees the connection's end."""
    suite.write("test_it.py", f"import os, signal\ndef test_before(): pass\ndef test_end(): {how}\ndef test_after(): pass\n")
    assert suite.run("--monitor-pods").code != 0
    run = api.wait_closed(api.run()["run"])
    assert api.outcomes(run["run"]) == {"test_before": ["passed"], "test_end": ["crashed"]}
    assert run["outcome"] == "interrupted"


def test_a_test_that_forks_does_not_hold_the_run_open(suite, api):
    """A daemon that a test left behind has copies of all descriptors."""
    suite.write("test_it.py", """
import os, pathlib, time
def test_daemon():
    if os.fork() == 0:
        os.setsid()
        pathlib.Path("daemon").write_text(str(os.getpid()))
        time.sleep(60)
        os._exit(0)
    while not pathlib.Path("daemon").exists(): time.sleep(0.01)
def test_end():
    os._exit(1)
""")
    suite.begin("--monitor-pods", "-s").wait(60)
    daemon = int((suite.folder / "daemon").read_text())
    try:
        run = api.wait_closed(api.run()["run"])
        assert api.outcomes(run["run"]) == {"test_daemon": ["passed"], "test_end": ["crashed"]}
        os.kill(daemon, 0)  # it was still there
        done = suite.run("--monitor-pods", "-k", "none")
        assert "Log files: logs/pod_logs\n" in done.output  # and does not hold the folder either
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_a_debugger_may_hold_a_test(suite, api):
    """pdb reads its commands from here; all threads but the test's go on. A longer hold is in test_life.py."""
    import subprocess
    suite.write("test_it.py", "def test_held():\n    x = 1\n    breakpoint()\n    assert x == 2\n")
    child = subprocess.Popen(suite.command("--monitor-pods", "-s"), cwd=suite.folder, env=suite.environment(), stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seen = ""
    while "(Pdb)" not in seen:
        piece = child.stdout.read(1)
        assert piece, seen
        seen += piece
    run = api.run()
    assert run["state"] == "running" and api.outcomes(run["run"]) == {"test_held": [None]}
    output, _ = child.communicate("x = 2\nc\n", timeout=60)
    assert child.returncode == 0, seen + output
    assert api.outcomes(run["run"]) == {"test_held": ["passed"]}


def test_no_warning_of_ours_can_become_an_error(suite):
    suite.write("test_it.py", "def test_it(pod_monitor): pod_monitor.start_monitoring_service('x', 'app=x')\n")
    assert suite.run("--monitor-pods", "-W", "error").code == 0


def test_another_pytest_inside_a_test_is_a_run_of_its_own(suite, api):
    suite.write("inner/test_inner.py", "def test_inner(): pass\n")
    suite.write("test_it.py", """
import subprocess, sys
def test_outer():
    subprocess.run([sys.executable, "-m", "pytest", "--monitor-pods", "inner"], check=True)
""")
    assert suite.run("--monitor-pods", "test_it.py").code == 0
    assert sorted(next(iter(api.outcomes(run["run"]))) for run in api.runs()) == ["test_inner", "test_outer"]
