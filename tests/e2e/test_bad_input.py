"""Bad input of every kind is answered well: the message names the thing, the cause and what to do; the exit code says which kind it was."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest
from engine import BINARY, Engine, SANITIZED, SLOWNESS, run_cli, wait_until

NOBODY = 65534


def serve(folder, *words):
    return run_cli("--data", folder / "data", "serve", "--port", "0", "--health-port", "0", "--metrics-port", "0", *words, cwd=folder)


def component(engine, name):
    answer = engine.request("/health")
    return next(part for part in answer.json()["components"] if part["name"] == name)


# Settings.


@pytest.mark.parametrize("text, message", [
    ("version: 1\nservr: {}\n", "did you mean server"),
    ("version: 1\nserver: {port: many}\n", "server.port"),
    ("version: 1\n a: [\n", "telltale.yaml:2"),
    ("version: 99\n", "version"),
    ("\x00\x01\x02", "telltale.yaml"),
])
def test_wrong_yaml(tmp_path, text, message):
    (tmp_path / "telltale.yaml").write_text(text)
    done = serve(tmp_path)
    assert done.returncode == 2 and message in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) >= 2, "the remedy stands below"


def test_wrong_pattern(tmp_path):
    done = serve(tmp_path, "--file", "/var/a**b/*.log")
    assert done.returncode == 2 and "/var/a**b/*.log" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_port_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_cli("--data", tmp_path / "data", "serve", "--port", port, "--health-port", "0", "--metrics-port", "0", cwd=tmp_path)
    assert done.returncode == 1 and str(port) in done.stderr and "--port" in done.stderr, done.stderr


def test_secondary_port_taken_is_a_warning(make_engine):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        engine = make_engine(metrics_port=port).start()
        wait_until(lambda: str(port) in engine.log(), "warning that names the port")
        assert engine.request("/metrics").status == 200


def test_second_engine_on_the_same_data(engine):
    done = serve(engine.folder)
    assert done.returncode == 1 and str(engine.pid) in done.stderr, done.stderr


def test_data_folder_is_a_file(tmp_path):
    (tmp_path / "data").write_text("")
    done = serve(tmp_path)
    assert done.returncode == 1 and str(tmp_path / "data") in done.stderr, done.stderr


def test_wrong_selector(engine):
    for query in ("{service=}", "{", '{service=~"("}', "{} |=", "nonsense"):
        answer = engine.request("/api/v1/query?query=" + query.replace(" ", "%20").replace('"', "%22"))
        assert answer.status == 400 and answer.json()["detail"] and answer.json()["remedy"], query
        done = run_cli("--data", engine.data, "query", query, cwd=engine.folder)
        assert done.returncode == 2 and done.stderr.startswith("telltale: "), done.stderr


# Files.


def test_directory_in_a_files_place(make_engine):
    engine = make_engine(patterns=["logs"]).start()
    wait_until(lambda: component(engine, "source file")["status"] == "degraded", "degraded health")
    detail = component(engine, "source file")["detail"]
    assert "is a folder" in detail and "logs/*.log" in detail


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run the engine as another user")
def test_unreadable_file_is_said_and_read_once_it_can_be():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="telltale-e2e-"))
    try:
        folder.chmod(0o755)
        logs = folder / "logs"
        logs.mkdir()
        (logs / "secret.log").write_text("one\n")
        (logs / "secret.log").chmod(0o600)
        (logs / "open.log").write_text("two\n")
        engine = Engine(folder)
        (folder / "data").mkdir()
        os.chown(folder / "data", NOBODY, NOBODY)
        engine.binary = shutil.copy(BINARY, folder / "telltale")  # the build may lie where that user cannot go
        engine.start(user=NOBODY)
        try:
            wait_until(lambda: component(engine, "source file")["status"] == "degraded", "degraded health")
            assert "secret.log" in component(engine, "source file")["detail"]
            wait_until(lambda: engine.lines('{service="open"}') == ["two"], "line of the file that can be read")
            wait_until(lambda: engine.log().count("secret.log") >= 1, "line in the engine's log")
            (logs / "secret.log").chmod(0o644)
            wait_until(lambda: engine.lines('{service="secret"}') == ["one"], "line of the file that can be read again")
            wait_until(lambda: component(engine, "source file")["status"] == "healthy", "healthy state")
            assert engine.log().count("secret.log: Permission denied") == 1, "said once, not at every look"
        finally:
            engine.stop()
    finally:
        shutil.rmtree(folder)


def test_a_line_of_100_megabytes(engine):
    with open(engine.logs / "long.log", "wb") as file:
        file.write(b"before\n")
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\nafter\n")
    engine.barrier()
    records = engine.records()
    assert [len(record.get("line", record["content"])) for record in records] == [6, 1024 * 1024, 5]
    assert "truncated" in str(records[1]["flags"] if "flags" in records[1] else records[1])
    resident = int(pathlib.Path(f"/proc/{engine.pid}/status").read_text().split("VmHWM:")[1].split()[0])
    assert SANITIZED or resident < 200 * 1024, f"{resident} KiB"  # a sanitizer's memory is not the program's


def test_binary_data(engine):
    noise = bytes(range(256)) * 40
    (engine.logs / "noise.log").write_bytes(noise + b"\n\xff\xfe\n" + b"\0" * 1000 + b"\nplain\n")
    engine.barrier()
    assert engine.get("/api/v1/count", query="{}")["records"] == (noise + b"\n\xff\xfe\n" + b"\0" * 1000 + b"\nplain\n").count(b"\n")
    assert engine.lines('{} |= "plain"') == ["plain"]


# Stopping.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_while_starting(tmp_path, number):
    endings = set()
    for step in range(12):
        child = subprocess.Popen([BINARY, "--data", tmp_path / "data", "serve", "--port", "0", "--health-port", "0", "--metrics-port", "0"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                 preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))  # a shell's background job ignores SIGINT
        try:
            child.wait(step * 0.01)
        except subprocess.TimeoutExpired:
            pass
        child.send_signal(number)
        _, said = child.communicate(timeout=60 * SLOWNESS)
        endings.add(child.returncode)
        # Before main() the signal's own action; then "stopped while starting"; after it a graceful stop.
        assert child.returncode in (0, 1, -number), said
        assert child.returncode != 1 or "while starting" in said, said
    assert Engine(tmp_path).start().stop() == 0, f"the folder is usable after {endings}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_while_capturing_keeps_what_was_read(make_engine, number):
    engine = make_engine().start()
    with open(engine.logs / "app.log", "w") as file:
        for i in range(200_000):
            file.write(f"line {i}\n")
    wait_until(lambda: engine.get("/api/v1/count", query="{}")["records"] > 0, "first records")
    assert engine.stop(number) == 0
    assert "stopping" in engine.log()
    engine.start()
    engine.barrier()
    assert engine.get("/api/v1/count", query="{}") == {"records": 200_000, "errors": 0, "gaps": 0}


def test_second_signal_ends_at_once_and_loses_nothing(make_engine):
    engine = make_engine().start()
    with open(engine.logs / "app.log", "w") as file:
        for i in range(200_000):
            file.write(f"line {i}\n")
    wait_until(lambda: engine.get("/api/v1/count", query="{}")["records"] > 0, "first records")
    engine.child.send_signal(signal.SIGTERM)
    wait_until(lambda: engine.child.poll() is not None or "stopping" in engine.log(), "announcement")
    engine.stop(signal.SIGINT, codes=(0, 130))
    engine.start()
    engine.barrier()
    assert engine.get("/api/v1/count", query="{}") == {"records": 200_000, "errors": 0, "gaps": 0}


# The disk.


def test_full_disk_is_said_and_capture_goes_on_by_itself(make_disk, make_engine, tmp_path):
    disk = make_disk(tmp_path / "data", "12m")
    engine = make_engine().start()
    # Hexadecimal noise: compression must not make it fit.
    noise = os.urandom(400 * 64).hex()
    lines = 60_000
    with open(engine.logs / "app.log", "w") as file:
        for i in range(lines):
            at = (i * 7919) % (len(noise) - 400)
            file.write(f"line {i} {os.urandom(150).hex()} {noise[at:at + 20]}\n")
    wait_until(lambda: component(engine, "store")["status"] == "unhealthy", "unhealthy store", 120)
    assert "disk is full" in component(engine, "store")["detail"].lower()
    kept = engine.get("/api/v1/count", query="{}")["records"]
    assert 0 < kept < lines, "what was kept before can be asked for"
    disk.resize("200m")
    wait_until(lambda: component(engine, "store")["status"] == "healthy", "healthy store", 60)
    engine.barrier()
    seen = [int(line.split()[1]) for line in engine.lines()]
    assert seen == list(range(lines))
