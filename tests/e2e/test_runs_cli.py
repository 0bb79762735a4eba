"""telltale runs, tests, logs and test: for people and for programs, with an engine and without one; what is wrong is said."""
import json
import pty
import os
import subprocess

import pytest
from engine import BINARY, SLOWNESS, run_cli, wait_until
from runner import Connection, Run, append, apart, id_of_test, stamp


def tool(engine, *words, **options):
    return run_cli("--data", engine.data, *words, cwd=engine.folder, **options)


def ask(engine, *words):
    done = tool(engine, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def on_a_terminal(engine, *words, env=None):
    """What a person sees: standard output is a terminal."""
    master, slave = pty.openpty()
    child = subprocess.Popen([BINARY, "--data", str(engine.data), *words], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                             env={**os.environ, "TERM": "xterm", **(env or {})}, cwd=engine.folder)
    os.close(slave)
    shown = b""
    try:
        while piece := os.read(master, 65536):
            shown += piece
    except OSError:  # the terminal's other side is closed
        pass
    os.close(master)
    assert child.wait(60) == 0, shown
    return shown.decode()


QUESTIONS = [("runs",), ("runs", "--json"), ("runs", "suite"), ("runs", "suite", "--json"), ("runs", "--state", "finished", "--limit", "1"),
             ("tests",), ("tests", "--json"), ("tests", "--run", "suite", "--outcome", "failed"), ("tests", "--match", "second", "--worker", "gw0"),
             ("logs", "test_second"), ("logs", "test_second", "--json"), ("logs", "test_second", "--format", "text", "--certain"),
             ("logs", "test_third", "--errors"), ("runs", "report", "suite", "--format", "text"), ("runs", "report", "suite", "--format", "junit"),
             ("query", '{test="s.py::test_first", run="suite"}'), ("query", '{run="suite"}', "--count")]


def test_empty_variables_are_not_set(engine):
    empty = {"TELLTALE_URL": "", "TELLTALE_TOKEN": "", "TELLTALE_RUN": "", "TELLTALE_ENV": "", "TELLTALE_ENVIRONMENTS": "", "TELLTALE_CONFIG": ""}
    append(engine, "api.log", "hello")
    engine.barrier()
    assert "hello" in tool(engine, "query", "{}", env=empty).stdout
    status = tool(engine, "engine", "status", "--json", env=empty)
    assert status.returncode == 0 and json.loads(status.stdout)["url"] == engine.url, status.stderr
    assert tool(engine, "test", "start", "t", env=empty).returncode == 2, "no run is named"
    assert tool(engine, "config", "check", env=empty).returncode == 0


def test_the_same_with_an_engine_and_without(suite):
    engine, _, _ = suite
    online = {words: ask(engine, *words) for words in QUESTIONS}
    assert engine.stop() == 0
    offline = {words: ask(engine, *words) for words in QUESTIONS}
    for words in QUESTIONS:
        if words == ("runs", "suite", "--json"):  # nobody knows of the files' state
            shown, kept = json.loads(online[words]), json.loads(offline[words])
            assert kept["output"].pop("final") is None and shown["output"].pop("final") is True
            assert shown == kept
        elif "report" in words:  # it tells when it was made
            assert online[words] and offline[words]
        else:
            assert online[words] == offline[words], words


def test_tables(suite):
    engine, run, _ = suite
    runs = ask(engine, "runs").splitlines()
    assert runs[0].split() == ["RUN", "OUTCOME", "STARTED", "DURATION", "TESTS", "FAILED", "NAME"]
    assert [line.split()[0] for line in runs[1:]] == ["elsewhere", "suite"] and runs[2].split()[1] == "failed"
    tests = ask(engine, "tests", "--run", "suite").splitlines()
    assert [line.split()[-1] for line in tests[1:]] == ["s.py::test_third", "s.py::test_second", "s.py::test_first"]
    one = ask(engine, "runs", "suite")
    assert "outcome      failed" in one and "tests        3, 2 passed, 1 failed" in one and "errors       2, 1 of them" in one
    assert run.id_of("s.py::test_first", "gw0") in one and "shop" in one


def test_colours_are_for_terminals(suite):
    engine, _, _ = suite
    assert "\x1b[" not in ask(engine, "runs")
    assert "\x1b[31mfailed\x1b[0m" in on_a_terminal(engine, "runs")
    assert "\x1b[" not in on_a_terminal(engine, "runs", env={"NO_COLOR": "1"})
    assert "\x1b[" not in on_a_terminal(engine, "runs", env={"TERM": "dumb"})
    assert "\x1b[" not in on_a_terminal(engine, "runs", "--json")


def test_names_cannot_steer_the_terminal(engine):
    run = Run("evil")
    with Connection(engine) as connection:
        connection.send(run.run, run.started(name="\x1b[2Jgone"), run.worker_started(), {**run.test_started("t.py::\x1b]0;title\x07\u202etest"), "file_stem": "stem"})
        for words in (("runs",), ("runs", "evil"), ("tests",)):
            shown = ask(engine, *words)
            assert "\x1b" not in shown and "\u202e" not in shown and "\\x1b" in shown


def test_logs_finds_the_test_that_is_meant(suite):
    engine, run, _ = suite
    first = run.id_of("s.py::test_first", "gw0")
    lines = [line.split("] ", 2)[-1].split(" ", 1)[1] for line in ask(engine, "logs", first).splitlines()]
    assert lines == ["INFO first works", "ERROR first fails"]
    assert ask(engine, "logs", "s.py::test_first", "--run", "suite") == ask(engine, "logs", first)
    assert ask(engine, "logs", "first", "--run", "suite") == ask(engine, "logs", first)
    assert ask(engine, "logs", first, "--errors").count("\n") == 1
    assert ask(engine, "logs", first, "--limit", "1").count("\n") == 1
    shared = ask(engine, "logs", "test_second")
    assert "[shop] [shared] " in shared and ask(engine, "logs", "test_second", "--certain") == ""
    entry = json.loads(ask(engine, "logs", first, "--errors", "--json"))
    assert entry["attribution"] == {"method": "sole", "tests": [first]}
    # The same node id in two runs: the newest, and that is said.
    newest = tool(engine, "logs", "s.py::test_first")
    assert "no money" in newest.stdout and "newest of 2 executions" in newest.stderr


def test_an_ambiguous_name_lists_what_it_fits(suite):
    engine, run, _ = suite
    done = tool(engine, "logs", "s.py", "--run", "suite")
    assert done.returncode == 2 and done.stdout == ""
    assert "fits 3 tests" in done.stderr
    for name, worker in (("test_first", "gw0"), ("test_second", "gw0"), ("test_third", "gw1")):
        assert f"{run.id_of(f's.py::{name}', worker)}  s.py::{name}" in done.stderr


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize("words,code,told", [
    (("runs", "nobody"), 1, "nobody"), (("runs", "report", "nobody"), 1, "nobody"), (("runs", "report", "suite", "--format", "pdf"), 2, "pdf"),
    (("runs", "--state", "open"), 2, "running or finished"), (("tests", "--outcome", "good"), 2, "passed"), (("tests", "--run", "nobody"), 1, "nobody"),
    (("logs", "nothing like it"), 1, "nothing like it"), (("logs", "test_first", "--format", "pdf", "--run", "suite"), 2, "pdf"), (("logs",), 2, "test is required"),
    (("runs", "--cursor", "abc"), 2, "cursor"), (("runs", "--limit", "0"), 2, "limit"),
])
def test_what_is_wrong_is_said(suite, words, code, told, online):
    engine, _, _ = suite
    if not online:
        engine.stop()
    done = tool(engine, *words)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert told in done.stderr


def test_without_engine_or_data(tmp_path):
    for words in (("runs",), ("tests",), ("logs", "x")):
        done = run_cli("--data", tmp_path / "nothing", *words)
        assert done.returncode == 1 and str(tmp_path / "nothing") in done.stderr, done.stderr
    done = run_cli("--data", tmp_path / "nothing", "test", "start", "x", "--run", "r")
    assert done.returncode == 1 and "no engine runs" in done.stderr and "telltale serve" in done.stderr
    done = run_cli("--url", "http://127.0.0.1:1", "runs")
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr


# telltale test.


def test_tests_are_marked_from_a_shell(engine):
    append(engine, "api.log", f"{stamp()} INFO before")
    engine.barrier()
    apart()
    started = ask(engine, "test", "start", "checkout", "--run", "nightly").strip()
    assert started == id_of_test("nightly", "checkout", 1, "shell")
    append(engine, "api.log", f"{stamp()} ERROR no stock")
    engine.barrier()
    shown = engine.get("/api/v1/runs/nightly")
    assert (shown["state"], shown["lifetime"], shown["framework"], shown["tests"]["running"]) == ("running", "lease", "shell", 1)
    ask(engine, "test", "finish", "--outcome", "failed", "--message", "exit 1", "--run", "nightly")
    test = engine.get(f"/api/v1/tests/{started}")
    assert (test["outcome"], test["message"], test["name"], test["worker"], test["attempt"]) == ("failed", "exit 1", "checkout", "shell", 1)
    assert test["duration_ms"] > 0 and test["file_stem"].startswith("checkout_20")
    assert "no stock" in ask(engine, "logs", "checkout") and "before" not in ask(engine, "logs", "checkout")
    # Again: the next attempt; the run is named by the environment.
    env = {"TELLTALE_RUN": "nightly"}
    again = tool(engine, "test", "start", "checkout", env=env).stdout.strip()
    assert engine.get(f"/api/v1/tests/{again}")["attempt"] == 2 and again != started
    assert tool(engine, "test", "finish", again, "--outcome", "passed").returncode == 0
    assert engine.get(f"/api/v1/tests/{again}")["outcome"] == "passed"
    assert engine.get("/api/v1/runs/nightly")["state"] == "running"
    ask(engine, "runs", "finish", "nightly", "--outcome", "failed")
    shown = engine.get("/api/v1/runs/nightly")
    assert (shown["outcome"], shown["ended_by"], shown["tests"]["total"]) == ("failed", None, 2)
    for words, code, told in ((("nobody", "--outcome", "passed"), 1, "nobody"), (("nightly", "--outcome", "good"), 2, "no_tests"), (("nightly",), 2, "outcome")):
        done = tool(engine, "runs", "finish", *words)
        assert done.returncode == code and told in done.stderr, done.stderr


def test_a_shell_within_a_run_that_others_own(engine):
    run = Run("owned")
    with Connection(engine) as connection:
        connection.send(run.run, run.started())
        env = {"TELLTALE_RUN": run.run, "TELLTALE_URL": engine.url, "TELLTALE_TOKEN": engine.token}
        started = run_cli("test", "start", "suite.sh::login", "--worker", "w1", env=env)
        assert started.returncode == 0, started.stderr
        shown = engine.get(f"/api/v1/tests/{started.stdout.strip()}")
        assert (shown["node_id"], shown["name"], shown["worker"], shown["outcome"]) == ("suite.sh::login", "login", "w1", None)
        done = run_cli("test", "finish", "login", "--outcome", "passed", env=env)
        assert done.returncode == 0, done.stderr
        connection.send(run.run, run.finished())
    assert engine.get("/api/v1/runs/owned")["outcome"] == "passed"


@pytest.mark.parametrize("words,code,told", [
    (("start", "x"), 2, "no run is named"), (("start", "x", "--run", "bad run"), 2, "no run id"), (("start",), 2, "name"),
    (("finish", "--run", "shell"), 2, "outcome"), (("finish", "--run", "shell", "--outcome", "good"), 2, "passed"),
    (("finish", "--run", "nobody", "--outcome", "passed"), 1, "nobody"), (("finish", "zzz", "--run", "shell", "--outcome", "passed"), 1, "zzz"),
    (("finish", "--run", "shell", "--outcome", "passed"), 2, "2 tests run"),
    (("finish", "0123456789abcdef", "--outcome", "passed"), 1, "0123456789abcdef"),
])
def test_marking_wrongly_is_said(engine, words, code, told):
    for name in ("one", "two"):
        ask(engine, "test", "start", name, "--run", "shell", "--worker", name)
    done = tool(engine, "test", *words)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert told in done.stderr


def test_many_shells_at_once_begin_one_run(engine):
    children = [subprocess.Popen([BINARY, "--data", str(engine.data), "test", "start", f"t{i}", "--run", "crowd", "--worker", f"w{i}"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for i in range(8)]
    for child in children:
        _, said = child.communicate(timeout=60 * SLOWNESS)
        assert child.returncode == 0, said
    shown = wait_until(lambda: engine.get("/api/v1/runs/crowd"), "run")
    assert shown["tests"]["running"] == 8
