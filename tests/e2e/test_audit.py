"""`telltale audit`: what a run's files hold against what is stored of them. Nothing wrong is found in what nobody touched, and each planted
fault exactly where it is."""
import gzip
import json
import os
import shutil

import pytest
from engine import SLOWNESS, run_cli, wait_until
from launching import sh, write_environment
from runner import Connection, Run, append, apart, stamp

SECRET = "hunter2-is-a-secret"


def audit(engine, run="suite", code=0, **environment):
    """The answer of `telltale audit --json`, by the engine or without one."""
    ended = run_cli("audit", run, "--json", "--data", engine.data, env=environment)
    assert ended.returncode == code, ended.stdout + ended.stderr
    return json.loads(ended.stdout)


def findings(report, *kinds):
    return [(one["kind"], int(one["from_byte"] or 0), int(one["to_byte"] or 0), one["lines"]) for one in report["findings"] if one["kind"] in kinds]


def faults(report):
    return findings(report, "loss", "repetition", "changed")


class Suite:
    """A run with two tests, one after the other; lines are written by write()."""

    def __init__(self, engine, run="suite"):
        self.engine, self.run, self.connection = engine, Run(run), Connection(engine)
        self.send(self.run.started(), self.run.worker_started())

    def send(self, *events):
        self.connection.send(self.run.run, *events)

    def write(self, count, name="api.log", text="line"):
        append(self.engine, name, *[f"{stamp()} INFO {text} {number}" for number in range(count)])

    def end(self):
        self.engine.barrier()
        self.send(self.run.worker_finished(), self.run.finished())
        self.connection.close()


@pytest.fixture
def suite(engine):
    made = Suite(engine)
    yield made
    made.connection.close()


def overwrite(path, at, data):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)


def test_a_run_that_nobody_touched_is_complete_by_the_engine_and_without_one(suite, engine):
    suite.write(1000)
    engine.barrier()
    os.rename(engine.logs / "api.log", engine.logs / "api.log.1")  # rotated by name
    suite.write(500)
    engine.barrier()
    shutil.copy(engine.logs / "api.log", engine.logs / "api.log.2")  # rotated by copy
    os.truncate(engine.logs / "api.log", 0)
    suite.write(300)
    suite.write(50, "web.log")
    engine.barrier()
    engine.kill()
    suite.write(200, "web.log")
    engine.start()
    suite.connection = Connection(engine)
    suite.end()
    online = audit(engine)
    assert faults(online) == [] and online["verdict"] == "clean", online
    assert online["total"]["lines"] == 2050 and online["total"]["compared_bytes"] == online["total"]["bytes"]
    engine.stop()
    offline = audit(engine)
    for one in (online, offline):
        one.pop("elapsed_ms")
    assert offline == online
    text = run_cli("audit", "suite", "--data", engine.data).stdout
    assert text.endswith("audit of suite: 2 streams, 2,050 lines, complete\n")


def test_a_compressed_rotated_file_is_compared(suite, engine):
    suite.write(1000)
    engine.barrier()
    os.rename(engine.logs / "api.log", engine.logs / "api.log.1")
    suite.write(10)
    engine.barrier()
    plain = (engine.logs / "api.log.1").read_bytes()
    (engine.logs / "api.log.1").unlink()
    (engine.logs / "api.log.1.gz").write_bytes(gzip.compress(plain))
    suite.end()
    report = audit(engine)
    assert report["verdict"] == "clean" and report["total"]["compared_bytes"] == report["total"]["bytes"], report
    changed = plain.replace(b"line 999", b"LINE 999")
    (engine.logs / "api.log.1.gz").write_bytes(gzip.compress(changed))
    assert [one[0] for one in faults(audit(engine, code=3))] == ["changed"]


def test_bytes_that_were_changed_are_found_with_the_test_that_ran_then_and_never_shown(suite, engine):
    node, other = "t.py::test_pay", "t.py::test_later"
    suite.write(100)
    engine.barrier()
    apart()
    suite.send(suite.run.test_started(node))
    apart()
    begin = (engine.logs / "api.log").stat().st_size
    suite.write(10, text=f"password={SECRET}")
    engine.barrier()
    end = (engine.logs / "api.log").stat().st_size
    apart()
    suite.send(suite.run.test_finished(node), suite.run.test_started(other))
    apart()
    suite.write(100)
    suite.end()
    assert audit(engine)["verdict"] == "clean"
    overwrite(engine.logs / "api.log", end - 3, b"#")
    report = audit(engine, code=3)
    found, = [one for one in report["findings"] if one["kind"] == "changed"]
    assert begin == int(found["from_byte"]) and int(found["to_byte"]) == end
    assert [test["node_id"] for test in found["tests"]] == [node]
    shown = run_cli("audit", "suite", "--data", engine.data)
    assert shown.returncode == 3 and f"tests: {node}" in shown.stdout
    assert SECRET not in shown.stdout + json.dumps(report) and "line 1" not in shown.stdout


def test_lines_that_are_not_stored_are_found_and_counted(suite, engine):
    """The engine is killed and does not come back: what was written after that is missing."""
    suite.write(100)
    engine.barrier()
    stored = (engine.logs / "api.log").stat().st_size
    engine.kill()
    suite.write(7)
    append(engine, "api.log")
    with open(engine.logs / "api.log", "a") as file:
        file.write("no line yet")
    size = (engine.logs / "api.log").stat().st_size
    report = audit(engine)  # it still runs, for all that the store says
    assert report["finished"] is False and report["total"]["later_bytes"] == size - stored
    engine.patterns = []  # it comes back and looks at other files
    engine.start()
    suite.connection = Connection(engine)
    suite.send(suite.run.worker_finished(), suite.run.finished())
    report = audit(engine, code=3)
    assert faults(report) == [("loss", stored, size - len("no line yet"), 7)], report
    assert report["total"]["lost_lines"] == 7


def test_what_the_sources_have_no_more_is_said(suite, engine):
    suite.write(100)
    suite.end()
    (engine.logs / "api.log").unlink()
    report = audit(engine)
    assert report["total"]["gone_bytes"] == report["total"]["bytes"] > 0 and [one[0] for one in findings(report, "gone")] == ["gone"]
    text = run_cli("audit", "suite", "--data", engine.data).stdout
    assert "bytes gone from the sources" in text and "complete" not in text


def test_what_came_after_the_run_is_no_loss(make_engine, tmp_path):
    """A watch ends with its run; its service writes on."""
    engine = make_engine(patterns=[]).start()
    with Connection(engine) as connection:
        run = Run("watched")
        append(engine, "api.log", "before the run")
        connection.send("watched", run.started(services=[{"name": "api", "files": [f"{engine.logs}/api.log"]}]), run.worker_started())
        append(engine, "api.log", f"{stamp()} INFO one", f"{stamp()} INFO two")
        engine.barrier()
        connection.send("watched", run.worker_finished(), run.finished())
        apart()
        append(engine, "api.log", f"{stamp()} INFO three")
        report = audit(engine, "watched")
    assert report["verdict"] == "clean" and report["total"]["lines"] == 2 and report["total"]["later_bytes"] > 0, report


def test_limits_are_kept_and_what_was_left_out_is_said(suite, engine):
    suite.write(5000)
    suite.end()
    ended = run_cli("audit", "suite", "--json", "--max-bytes", "1", "--data", engine.data)
    report = json.loads(ended.stdout)
    assert ended.returncode == 4 and report["verdict"] == "incomplete"
    assert report["total"]["compared_bytes"] == 0 and report["total"]["unread_bytes"] == report["total"]["bytes"]
    assert report["notes"] == ["not all of the sources was read again: a limit was reached"]


@pytest.mark.parametrize("words, message, code", [(["nobody"], "nobody", 1), (["suite", "--timeout", "soon"], "soon", 2), (["suite", "--max-bytes", "x"], "x", 2)])
def test_what_cannot_be_done_is_said(suite, engine, words, message, code):
    ended = run_cli("audit", *words, "--data", engine.data)
    assert ended.returncode == code and message in ended.stderr


def test_what_services_write_to_pipes_is_whole_though_the_engine_is_killed(runner):
    """Their bytes cannot be read again; their ranges are without holes and repetitions."""
    write_environment(runner.folder, ["{name: web, command: 'i=0; while :; do echo line $i; i=$((i+1)); sleep 0.001; done'}"])
    child = runner.begin(*sh("while [ ! -e stop ]; do sleep 0.02; done"))
    known = 0
    for _ in range(2):
        wait_until(lambda: runner.engine.get("/api/v1/count", query='{service="web"}')["records"] > known + 50, "more lines")
        known = runner.engine.get("/api/v1/count", query='{service="web"}')["records"]
        runner.engine.kill()
        runner.engine.start()
    runner.file("stop").touch()
    _, trouble = child.communicate(timeout=60 * SLOWNESS)
    assert child.returncode == 0, trouble
    report = audit(runner.engine, runner.last_run()["run"])
    assert faults(report) == [] and report["total"]["lines"] > known, report
    assert report["total"]["not_again_bytes"] == report["total"]["bytes"] and report["total"]["gaps"] == 0
    assert "bytes of pipes, known by their ranges alone" in trouble.decode(), trouble


def test_a_command_without_the_audit(runner):
    assert "  audit " in runner.run("true").stderr
    assert "  audit " not in runner.run("true", options=["--no-audit"]).stderr
    assert "  audit " not in runner.run("true", env={"TELLTALE_AUDIT": "off"}).stderr
