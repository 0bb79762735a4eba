"""The files of a run: the real engine writes what a test runner's events and services' logs make of them."""
import datetime
import json
import os
import pathlib
import re
import shutil
import tempfile
import time

import pytest
from engine import Engine, SLOWNESS, wait_until
from report_readers import properties, read_ctrf, read_junit
from runner import Connection, Run

NOBODY = 65534
NONCE = "a-nonce-of-this-run"
LINE = re.compile(r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] ")


class Suite:
    """A test runner with a folder for its run's files."""

    def __init__(self, engine, name, folder, services=(), mark=True):
        self.engine, self.run, self.folder = engine, Run(name), pathlib.Path(folder)
        if mark:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / ".telltale-run").write_text(json.dumps({"run": name, "nonce": NONCE}))
        self.client = Connection(engine)
        watched = [{"name": service, "files": [str(engine.logs / f"{service}*.log")]} for service in services]
        self.started = self.run.started(services=watched, output={"folder": str(self.folder), "nonce": NONCE})
        self.answer = self.send(self.started)

    def send(self, *events):
        return self.client.send(self.run.run, *events)

    def begin(self, node_id, **members):
        self.send(self.run.test_started(node_id, **members))

    def end(self, node_id, outcome="passed", **members):
        """Returns when what is written next cannot be taken for the test's."""
        self.send(self.run.test_finished(node_id, outcome, **members))
        grace_is_over = time.monotonic() + 0.01
        wait_until(lambda: time.monotonic() > grace_is_over, "end of the grace", interval=0.001)

    def finish(self):
        self.send(self.run.finished())
        return self.final()

    def about(self, **parameters):
        return self.engine.get(f"/api/v1/runs/{self.run.run}", **parameters)

    def final(self):
        return wait_until(lambda: (about := self.about(wait_ms=5000))["output"]["final"] and about, "final files")

    def lines(self, name):
        """Lines without their times; the file must be there."""
        return [LINE.sub("", line) for line in (self.folder / name).read_text().splitlines()]

    def test_lines(self, stem, kind=".log"):
        return self.lines(f"test_logs/{stem}{kind}")

    def wait_for(self, name, line):
        """Until the file has the line."""
        path = self.folder / name
        wait_until(lambda: path.exists() and any(line in read for read in path.read_text().splitlines()), f"'{line}' in {name}")


def write(engine, name, *lines):
    with open(engine.logs / name, "a") as file:
        file.writelines(line + "\n" for line in lines)


def stamp(shift=0.0):
    """The time as services write it."""
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=shift)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


@pytest.fixture
def suite(engine, tmp_path):
    return Suite(engine, "run-1", tmp_path / "suite/logs/pod_logs", ["api", "db"])


def test_a_suites_files_from_beginning_to_end(engine, suite):
    assert suite.answer["output"] == "local"
    suite.begin("t.py::test_pay")
    write(engine, "api.log", f"{stamp()} INFO paying", f"{stamp()} ERROR payment failed")
    write(engine, "db.log", f"{stamp()} INFO inserted")
    suite.wait_for("test_logs/test_pay_1_master.log", "payment failed")
    suite.wait_for("test_logs/test_pay_1_master.log", "inserted")
    provisional = suite.test_lines("test_pay_1_master")
    assert provisional[0].startswith("# provisional ") and "outcome=running" in provisional[0] and provisional[0].endswith("name=t.py::test_pay")
    engine.barrier()
    suite.end("t.py::test_pay", "failed", message="assert 500 == 200")
    path = suite.folder / "test_logs/test_pay_1_master.log"
    wait_until(lambda: path.read_text().startswith("# final "), "final file", timeout=10)
    final = suite.test_lines("test_pay_1_master")
    assert "outcome=failed lines=3 shared=0 errors=1 possible_errors=0" in final[0] and len(final) == 4
    about = suite.finish()
    assert (about["errors"], about["possible_errors"]) == (1, 0) and about["output"]["folder"] == str(suite.folder)
    assert [line.split(" ", 1)[0] for line in suite.lines("api_realtime.log")] == ["[api]"] * 2 and len(suite.lines("db_realtime.log")) == 1
    assert suite.lines("db_errors.log") == [] and "payment failed" in suite.lines("api_errors.log")[0]
    assert "payment failed" in suite.test_lines("test_pay_1_master", "_ERRORS.log")[1]
    shown = engine.request(f"/api/v1/tests/{suite.run.id_of('t.py::test_pay')}/logs?format=file").body.decode()
    assert shown.splitlines() == path.read_text().splitlines()[1:], "the same lines over HTTP"
    modes = {path.stat().st_mode & 0o777 for path in suite.folder.rglob("*.log")}
    assert modes == {0o600}


def test_late_lines_reach_their_test_at_the_runs_end(engine, suite):
    suite.begin("t.py::test_a")
    write(engine, "api.log", f"{stamp()} INFO in time")
    engine.barrier()
    during = stamp()
    suite.end("t.py::test_a")
    path = suite.folder / "test_logs/test_a_1_master.log"
    wait_until(lambda: path.exists() and path.read_text().startswith("# final "), "final file", timeout=10)
    write(engine, "api.log", f"{during} ERROR written then, delivered now")
    suite.finish()
    lines = suite.test_lines("test_a_1_master")
    assert "lines=2 shared=0 errors=1" in lines[0] and "delivered now" in lines[2]
    assert "delivered now" in suite.test_lines("test_a_1_master", "_ERRORS.log")[1]


def test_lines_of_parallel_tests_are_shared_and_reports_say_so(engine, suite):
    for worker, name in (("gw0", "test_a"), ("gw1", "test_b")):
        suite.begin(f"t.py::{name}", worker=worker)
    write(engine, "api.log", f"{stamp()} ERROR whose failure?")
    engine.barrier()
    suite.end("t.py::test_a", worker="gw0")
    write(engine, "api.log", f"{stamp()} ERROR of b alone")
    engine.barrier()
    suite.end("t.py::test_b", "failed", worker="gw1", message="assert 1 == 2")
    about = suite.finish()
    assert [line for line in suite.test_lines("test_a_1_gw0") if "[shared]" in line] == suite.test_lines("test_a_1_gw0")[1:]
    assert re.match(r"\[api\] \[shared\] .*whose failure\?$", suite.test_lines("test_a_1_gw0")[1])
    assert len(suite.test_lines("test_b_1_gw1")) == 3
    assert (about["errors"], about["possible_errors"]) == (2, 1)
    report = engine.request("/api/v1/runs/run-1/report?format=text").body.decode()
    assert report.startswith("Monitored 2 tests\nDetected 2 errors in pod logs\nTests with pod errors: 1\n  - t.py::test_b\n"), report
    _, cases = read_junit(engine.request("/api/v1/runs/run-1/report?format=junit").body)
    assert [case.name for case in cases] == ["test_a", "test_b"]
    junit, _ = read_junit(engine.request("/api/v1/runs/run-1/report?format=junit").body)
    told = properties(junit.findall("testcase")[1])
    assert (told["pod_errors"], told["pod_errors_possible"]) == ("1", "1")
    assert told["pod_errors_log"] == str(suite.folder / "test_logs/test_b_1_gw1_ERRORS.log")
    ctrf = read_ctrf(json.loads(engine.request("/api/v1/runs/run-1/report?format=ctrf").body))
    assert ctrf["t.py::test_b"]["status"] == "failed" and ctrf["t.py::test_a"]["extra"]["podErrorsPossible"] == 1
    markdown = engine.request("/api/v1/runs/run-1/report?format=markdown").body.decode()
    assert "| `t.py::test_b` | `failed` | 1 | 1 |" in markdown
    assert engine.get("/api/v1/runs/run-1/report", format="json")["totals"]["tests"] == 2


def test_two_runs_at_once_write_into_their_own_folders(engine, suite, tmp_path):
    other = Suite(engine, "run-2", tmp_path / "other/logs", ["db"])
    suite.begin("t.py::test_a")
    other.begin("t.py::test_a")
    write(engine, "api.log", f"{stamp()} INFO for the first alone")
    write(engine, "db.log", f"{stamp()} INFO for both")
    engine.barrier()
    for each in (suite, other):
        each.end("t.py::test_a")
        each.finish()
    assert "lines=2" in suite.test_lines("test_a_1_master")[0] and "lines=1" in other.test_lines("test_a_1_master")[0]
    assert "[shared] " in other.test_lines("test_a_1_master")[1], "a test of the other run may have caused it"
    assert not (other.folder / "api_realtime.log").exists() and len(other.lines("db_realtime.log")) == 1
    assert "for the first alone" in suite.lines("api_realtime.log")[0]


def test_a_second_run_rotates_the_files_of_the_first(engine, suite):
    write(engine, "api.log", f"{stamp()} INFO first")
    suite.wait_for("api_realtime.log", "first")
    suite.finish()
    second = Suite(engine, "run-2", suite.folder, ["api"])
    write(engine, "api.log", f"{stamp()} INFO second")
    second.wait_for("api_realtime.log", "second")
    assert len(second.lines("api_realtime.log")) == 1
    rotated = [path.name for path in suite.folder.glob("api_realtime_*.log")]
    assert len(rotated) == 1 and re.fullmatch(r"api_realtime_\d{8}_\d{6}\.log", rotated[0]) and "first" in second.lines(rotated[0])[0]


@pytest.mark.parametrize("killed", [True, False])
def test_files_go_on_after_a_restart(make_engine, tmp_path, killed):
    engine = make_engine().start()
    suite = Suite(engine, "run-1", tmp_path / "suite/logs", ["api"])
    suite.begin("t.py::test_before")
    write(engine, "api.log", f"{stamp()} INFO one")
    engine.barrier()
    suite.end("t.py::test_before")
    suite.begin("t.py::test_across")
    write(engine, "api.log", f"{stamp()} INFO two")
    suite.wait_for("test_logs/test_across_1_master.log", "two")
    if killed:
        engine.kill()
    else:
        assert engine.stop() == 0
    write(engine, "api.log", f"{stamp()} INFO while no engine ran")
    engine.start()
    suite.client = Connection(engine)
    suite.send(suite.started)  # the same event again: the run has an owner again
    write(engine, "api.log", f"{stamp()} INFO three")
    suite.wait_for("api_realtime.log", "three")
    suite.wait_for("test_logs/test_across_1_master.log", "three")
    engine.barrier()
    suite.end("t.py::test_across")
    suite.finish()
    assert [line.rsplit(" ", 1)[1] for line in suite.lines("api_realtime.log")] == ["one", "two", "ran", "three"]
    assert [line.rsplit(" ", 1)[1] for line in suite.test_lines("test_across_1_master")[1:]] == ["two", "ran", "three"]
    assert "# final" in suite.test_lines("test_before_1_master")[0] and len(suite.test_lines("test_before_1_master")) == 2
    assert sorted(path.name for path in (suite.folder / "test_logs").iterdir()) == ["test_across_1_master.log", "test_before_1_master.log"]


@pytest.mark.parametrize("folder_gone", [False, True])
def test_files_of_a_run_that_ended_just_before_the_engine_died_are_made_final(make_engine, tmp_path, folder_gone):
    """`folder_gone`: they could not be made final before the end, so that the next start has to."""
    engine = make_engine().start()
    suite = Suite(engine, "run-1", tmp_path / "suite/logs", ["api"])
    suite.begin("t.py::test_a")
    write(engine, "api.log", f"{stamp()} INFO one", f"{stamp()} ERROR two")
    suite.wait_for("test_logs/test_a_1_master.log", "two")
    engine.barrier()
    suite.end("t.py::test_a", "failed")
    mark = suite.folder / ".telltale-run"
    if folder_gone:
        mark.rename(tmp_path / "mark")
    suite.send(suite.run.finished("failed"))
    if folder_gone:
        wait_until(lambda: suite.about()["output"]["problem"], "failing files")
    engine.kill()
    if folder_gone:
        assert suite.test_lines("test_a_1_master")[0].startswith("# provisional ")
        (tmp_path / "mark").rename(mark)
    engine.start()
    path = suite.folder / "test_logs/test_a_1_master.log"
    wait_until(lambda: path.read_text().startswith("# final "), "final file")
    suite.final()
    assert "lines=2 shared=0 errors=1" in suite.test_lines("test_a_1_master")[0] and len(suite.test_lines("test_a_1_master")) == 3
    assert "outcome=failed" in suite.test_lines("test_a_1_master", "_ERRORS.log")[0]
    assert len(suite.lines("api_realtime.log")) == 2


@pytest.fixture
def plain_user():
    """(folder, id) of a user to whom rights mean something, or None for the one that runs the tests."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="telltale-e2e-"))
    folder.chmod(0o755)
    yield folder, NOBODY if os.geteuid() == 0 else None
    shutil.rmtree(folder)


def test_a_read_only_folder_is_said_once_and_made_right(plain_user):
    home, user = plain_user
    engine = Engine(home)
    folder = home / "pod_logs"
    folder.mkdir()
    (folder / ".telltale-run").write_text(json.dumps({"run": "run-1", "nonce": NONCE}))
    engine.data.mkdir()
    engine.binary = shutil.copy(engine.binary, home / "telltale")  # the build may lie where that user cannot go
    if user is not None:
        for path in (engine.data, folder, folder / ".telltale-run"):
            os.chown(path, user, user)
    folder.chmod(0o555)
    engine.start(user=user)
    try:
        suite = Suite(engine, "run-1", folder, ["api"], mark=False)
        assert suite.answer["output"] == "local"
        suite.begin("t.py::test_a")
        write(engine, "api.log", f"{stamp()} INFO while it was read-only")
        about = wait_until(lambda: (about := suite.about())["output"]["problem"] and about, "failing files")
        assert str(folder) in about["output"]["problem"]
        wait_until(lambda: metric(engine, "telltale_run_files_failures_total") >= 2, "second attempt")
        status, part = files_health(engine)
        assert (status, part["status"]) == ("degraded", "degraded") and "run-1" in part["detail"] and str(folder) in part["detail"]
        folder.chmod(0o755)
        suite.wait_for("api_realtime.log", "while it was read-only")
        wait_until(lambda: files_health(engine) == ("healthy", {"name": "run files", "status": "healthy", "detail": ""}), "healthy files")
        suite.end("t.py::test_a")
        suite.finish()
        assert "lines=1" in suite.test_lines("test_a_1_master")[0]
        assert engine.log().count("its files are not written now") == 1
    finally:
        engine.stop()


def files_health(engine):
    health = engine.get("/health")
    return health["status"], next(part for part in health["components"] if part["name"] == "run files")


def metric(engine, name):
    text = engine.request("/metrics").body.decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def test_a_full_disk_holds_nothing_up_and_is_made_right(make_disk, engine, tmp_path):
    disk = make_disk(tmp_path / "small", "256k")
    suite = Suite(engine, "run-1", disk.folder / "logs", ["api"])
    (disk.folder / "ballast").write_bytes(bytes(200 * 1024))
    suite.begin("t.py::test_a")
    count = 3000
    write(engine, "api.log", *(f"{stamp()} INFO number {i} {'x' * 60}" for i in range(count)))
    wait_until(lambda: suite.about()["output"]["problem"], "failing files")
    engine.barrier()
    status, part = files_health(engine)
    assert engine.get("/api/v1/count")["records"] == count and status == "degraded" and "full" in part["detail"], part
    suite.end("t.py::test_a")
    disk.resize("8m")
    suite.finish()
    assert files_health(engine)[0] == "healthy"
    for name, skip in (("api_realtime.log", 0), ("test_logs/test_a_1_master.log", 1)):
        assert [int(line.split()[4]) for line in suite.lines(name)[skip:]] == list(range(count)), name
    assert {path.name for path in suite.folder.rglob("*") if path.is_file() and path.name[0] != "."} == {
        "api_realtime.log", "api_errors.log", "test_a_1_master.log"}


def test_hostile_folders_and_stems(engine, suite, tmp_path):
    for folder in ("logs", "/tmp/../etc", "/proc/self/fd", "/dev", "/nowhere\n/x", "/" + "x" * 5000):
        run = Run(f"bad-{abs(hash(folder))}")
        status, answer = suite.client.request("POST", f"/api/v1/runs/{run.run}/events",
                                              json.dumps({"events": [run.started(output={"folder": folder, "nonce": NONCE})]}))
        assert status == 400 or answer["output"] == "remote", folder
    precious = tmp_path / "precious.log"
    precious.write_text("mine\n")
    stems = ["../../precious", "a/b", ".hidden", "-rf", "x" * 200, "test_ERRORS", "CON:*?\x1b[2J", "a b*?", "same", "same", "Same", "grün"]
    started = []
    (suite.folder / "test_logs").mkdir(exist_ok=True)
    (suite.folder / "test_logs/linked.log").symlink_to(precious)
    for i, stem in enumerate([*stems, "linked"]):
        event = {**suite.run.test_started(f"t.py::test_{i}"), "file_stem": stem}
        status, _ = suite.client.request("POST", "/api/v1/runs/run-1/events", json.dumps({"events": [event]}))
        if status == 400:
            assert "/" in stem or not stem.isprintable(), stem
            continue
        started.append(i)
        write(engine, "api.log", f"{stamp()} INFO line of {i}")
        engine.barrier()
        suite.end(f"t.py::test_{i}")
    suite.finish()
    assert precious.read_text() == "mine\n"
    files = [path for path in (suite.folder / "test_logs").iterdir() if not path.is_symlink()]
    owners = {path.read_text().split("name=t.py::test_")[1].splitlines()[0]: path for path in files}
    assert sorted(owners) == sorted(str(i) for i in started) and len(files) == len(started)
    for i in started:
        text = owners[str(i)].read_text()
        assert f"line of {i}\n" in text and "lines=1 " in text


def test_many_finals_cost_little(engine, suite):
    count = 200
    suite.send(*(event for i in range(count) for event in (suite.run.test_started(f"t.py::test_{i}"), suite.run.test_finished(f"t.py::test_{i}"))))
    for i in range(count):
        suite.send(suite.run.test_started(f"t.py::again_{i}"))
        write(engine, "api.log", f"{stamp()} INFO line of {i}")
        suite.send(suite.run.test_finished(f"t.py::again_{i}"))
    engine.barrier()

    def cpu_seconds():
        fields = pathlib.Path(f"/proc/{engine.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = cpu_seconds()
    suite.finish()
    spent = cpu_seconds() - before
    print(f"RESULT {2 * count} tests' final files: {spent:.2f} s of CPU")
    assert spent < 1.0 * SLOWNESS
    files = list((suite.folder / "test_logs").glob("*.log"))
    assert len(files) == 2 * count and all(path.read_text().startswith("# final ") for path in files)
