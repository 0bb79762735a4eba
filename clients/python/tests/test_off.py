"""Without --monitor-pods nothing happens, and the plugin's options get in nobody's way."""
import json
import os
import sys

import pytest
from suites import write_metadata

MODULES = """
    import json, sys
    def pytest_unconfigure(config):
        open("modules.json", "w").write(json.dumps(sorted(name for name in sys.modules if name.startswith("telltale"))))
"""
EVERY_FIXTURE = """
    def test_all(pod_monitor, track_test_in_pod_monitor, get_test_pod_logs, assert_no_pod_errors, telltale_headers):
        assert not pod_monitor.active
        assert pod_monitor.start_monitoring_service("api", "app=api") is False
        assert pod_monitor.wait() and pod_monitor.problems() == []
        assert track_test_in_pod_monitor is None
        assert get_test_pod_logs() == [] and get_test_pod_logs(service="x", errors=True) == []
        assert_no_pod_errors(services=["x"], allow="y", possible=True)
        assert telltale_headers == {}
"""


def dedent(text):
    import textwrap

    return textwrap.dedent(text)


def test_without_the_flag_nothing_of_it_is_imported_and_nothing_is_shown(suite):
    suite.write("conftest.py", dedent(MODULES))
    suite.write("test_it.py", "def test_it(): pass\n")
    done = suite.run()
    assert done.code == 0 and "MONITORING" not in done.output and "telltale:" not in done.output
    loaded = json.loads((suite.folder / "modules.json").read_text())
    assert loaded == ["telltale", "telltale.options", "telltale.pytest_plugin"]
    assert not (suite.folder / "logs").exists() and not (suite.folder.parent / "data").exists()


def test_without_the_flag_the_fixtures_are_there_and_do_nothing(suite):
    suite.write("test_it.py", dedent(EVERY_FIXTURE))
    done = suite.run()
    assert done.code == 0, done.output


def test_no_test_gets_a_fixture_that_it_did_not_ask_for(suite):
    suite.write("test_it.py", "def test_it(request): assert 'track_test_in_pod_monitor' not in request.fixturenames\n")
    assert suite.run().code == 0


@pytest.mark.parametrize("words", [("--collect-only",), ("--setup-plan",), ("--fixtures",), ("--markers",), ("--version",), ("--help",)])
def test_sessions_that_run_no_test_start_nothing(suite, words):
    suite.write("test_it.py", "def test_it(): pass\n")
    done = suite.run("--monitor-pods", *words)
    assert done.code == 0 and "REAL-TIME POD MONITORING" not in done.output
    assert not (suite.folder.parent / "data").exists()


def test_the_options_are_explained(suite):
    done = suite.run("--help")
    for text in ("--monitor-pods", "--env=NAME", "--telltale-output=DIR", "TELLTALE_ENV", "monitor_pods (bool)", "telltale_env (string)"):
        assert text in done.output


def test_a_suite_may_have_an_option_of_its_own_called_env(suite):
    """Many have. Theirs stays theirs; its value also chooses our environment."""
    suite.write("conftest.py", "def pytest_addoption(parser): parser.addoption('--env', default='staging', choices=['staging', 'live'])\n")
    suite.write("test_it.py", "def test_it(pytestconfig): assert pytestconfig.getoption('--env') == 'live'\n")
    assert suite.run("--env", "live").code == 0
    assert suite.run("--env", "nowhere").code == 4  # their choices, their error
    assert "invalid choice" in suite.run("--env", "nowhere").output


def test_a_plugin_may_have_an_option_called_monitor_pods(suite):
    suite.write("their_plugin.py", "def pytest_addoption(parser): parser.getgroup('theirs').addoption('--monitor-pods', action='store_true')\n")
    suite.write("test_it.py", "def test_it(): pass\n")
    assert suite.run("-p", "their_plugin", env={"PYTHONPATH": os.pathsep.join([*suite.installation.folders, str(suite.folder)])}).code == 0


def test_the_value_of_env_is_not_taken_for_a_file(suite):
    """Else the folders of `testpaths` would not be looked at for conftest files, and their options would not exist."""
    suite.write("pytest.ini", "[pytest]\ntestpaths = checks\n")
    suite.write("checks/conftest.py", "def pytest_addoption(parser): parser.addoption('--theirs')\n")
    suite.write("checks/test_it.py", "def test_it(pytestconfig): assert pytestconfig.getoption('--env', default=None) in (None, 'live')\n")
    if suite.run("--theirs=x").code != 0:
        pytest.skip(f"pytest {pytest.__version__} does not read the conftest files of testpaths so early")
    done = suite.run("--env", "live", "--theirs=x")
    assert done.code == 0, done.output
    assert "1 passed" in done.output


def test_an_installation_that_is_found_twice_is_one(suite, tmp_path):
    """`pip install` from a clone leaves metadata beside the sources; an editable and a proper installation may be there at once."""
    write_metadata(tmp_path / "other")
    suite.write("test_it.py", "def test_it(pod_monitor): assert pod_monitor.active\n")
    done = suite.run("--monitor-pods", env={"PYTHONPATH": os.pathsep.join([str(tmp_path / "other"), *suite.installation.folders])})
    assert done.code == 0 and done.count("REAL-TIME POD MONITORING: Starting...") == 1, done.output
    assert suite.run("-p", "telltale", "--monitor-pods").code == 0


def test_unknown_words_for_the_variable_are_an_error_that_names_it(suite):
    suite.write("test_it.py", "def test_it(): pass\n")
    done = suite.run(env={"TELLTALE_MONITOR_PODS": "maybe"})
    assert done.code == 4 and "TELLTALE_MONITOR_PODS is 'maybe'; allowed are 1 and 0" in done.output


@pytest.mark.parametrize("words, message", [
    (("--telltale-console=loud",), "--telltale-console is 'loud'; allowed are full, brief, live"),
    (("--telltale-wait=long",), "--telltale-wait is 'long'; allowed are 0 to 60 seconds"),
])
def test_values_that_are_not_allowed_are_an_error_that_names_them(suite, words, message):
    suite.write("test_it.py", "def test_it(): pass\n")
    done = suite.run("--monitor-pods", *words)
    assert done.code == 4 and message in done.output


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
@pytest.mark.parametrize("how", ["option", "variable", "ini"])
def test_monitoring_is_turned_on_in_three_ways_and_the_program_is_found_in_three(suite, how):
    """The 'program' only shows that it was called."""
    program = suite.write("fake-telltale", "#!/bin/sh\necho called >> called.txt\necho 'telltale: scripted trouble' >&2\nexit 1\n")
    program.chmod(0o755)
    suite.write("test_it.py", "def test_it(): pass\n")
    words, env = ["--monitor-pods", f"--telltale-bin={program}"], {"TELLTALE_BIN": None}
    if how == "variable":
        words, env = [], {"TELLTALE_MONITOR_PODS": "1", "TELLTALE_BIN": program}
    if how == "ini":
        words = []
        suite.write("pytest.ini", f"[pytest]\nmonitor_pods = true\ntelltale_bin = {program}\n")
    done = suite.run(*words, env=env)
    assert done.code == 0
    assert (suite.folder / "called.txt").exists()
    assert done.count("telltale: no logs were monitored: scripted trouble") == 1
