"""`telltale engine`: found, started once however many ask, ended; killed, stopped and foreign engines; idle exit."""
import concurrent.futures
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

import pytest
from engine import BINARY, SLOWNESS, run_cli, wait_until


class Life:
    """`telltale engine …` on one data folder."""

    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "data"
        self.env = {"HOME": str(folder)}

    def run(self, *words, env=None, timeout=60):
        return run_cli("--data", self.data, "engine", *words, cwd=self.folder, env={**self.env, **(env or {})}, timeout=timeout)

    def start(self, *words, env=None):
        done = self.run("start", "--json", *words, env=env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def about(self):
        return json.loads((self.data / "engine.json").read_text())

    def log(self):
        return (self.data / "engine.log").read_text()


@pytest.fixture
def life(tmp_path):
    life = Life(tmp_path)
    yield life
    try:
        os.kill(life.about()["pid"], signal.SIGCONT)
    except (FileNotFoundError, ProcessLookupError, json.JSONDecodeError):
        pass
    life.run("stop")


def status_of(engine, token=None):
    request = urllib.request.Request(engine["url"] + "/api/v1/status", headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None


def is_gone(pid):
    """Ended; nobody may have waited for it yet."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: is_gone(pid), f"end of {pid}")


def test_starts_an_engine_that_answers_only_with_its_token(life):
    engine = life.start()
    assert engine["started"] and engine["data"] == str(life.data)
    assert engine["url"].startswith("http://127.0.0.1:")
    assert status_of(engine)[0] == 401
    code, about = status_of(engine, engine["token"])
    assert code == 200 and about["pid"] == engine["pid"] and about["version"] == engine["version"] and list(about["ports"]) == ["main"]


def test_the_engine_has_its_own_session_is_nice_and_keeps_a_log(life):
    engine = life.start()
    fields = pathlib.Path(f"/proc/{engine['pid']}/stat").read_text().rsplit(")", 1)[1].split()
    assert int(fields[3]) != os.getsid(0) and int(fields[16]) == min(os.nice(0) + 5, 19)
    assert {os.readlink(f"/proc/{engine['pid']}/fd/{number}") for number in (1, 2)} == {str(life.data / "engine.log")}
    assert engine["url"] in life.log() and (life.data / "engine.log").stat().st_mode & 0o777 == 0o600


def test_the_token_is_shown_to_programs_alone(life):
    engine = life.start()
    for words in (["start"], ["status"], ["status", "--json"], ["stop", "--json"]):
        done = life.run(*words)
        assert done.returncode == 0 and engine["token"] not in done.stdout + done.stderr, words
    assert engine["token"] not in life.log()


def test_a_second_start_attaches(life):
    first = life.start()
    second = life.start()
    assert second == {**first, "started": False}


@pytest.mark.parametrize("stale", [False, True], ids=["fresh folder", "after a killed engine"])
def test_twenty_at_once_make_one_engine(life, stale):
    if stale:
        kill(life.start()["pid"])
    children = [subprocess.Popen([BINARY, "--data", str(life.data), "engine", "start", "--json"], cwd=life.folder, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **life.env}) for _ in range(20)]
    outputs = [child.communicate(timeout=60 * SLOWNESS) for child in children]
    assert [child.returncode for child in children] == [0] * 20, outputs
    engines = [json.loads(output) for output, _ in outputs]
    assert len({(engine["url"], engine["token"], engine["pid"]) for engine in engines}) == 1
    assert sum(engine["started"] for engine in engines) == 1
    assert status_of(engines[0], engines[0]["token"])[0] == 200


def test_an_engine_that_ends_leaves_the_file_of_another(life):
    first = life.start()
    life.data.rename(life.folder / "moved away")
    second = life.start()
    assert second["pid"] != first["pid"]
    os.kill(first["pid"], signal.SIGTERM)
    wait_until(lambda: is_gone(first["pid"]), "end of the first")
    assert life.about()["pid"] == second["pid"] and life.start() == {**second, "started": False}


def test_a_killed_engine_comes_back_where_it_was(life):
    first = life.start()
    kill(first["pid"])
    assert life.about()["pid"] == first["pid"], "it could not remove its file"
    second = life.start()
    assert second["started"] and second["pid"] != first["pid"]
    assert (second["url"], second["token"]) == (first["url"], first["token"]), "who was told the old address finds the new engine"


def test_a_killed_engine_whose_port_is_taken_comes_back_elsewhere(life):
    first = life.start()
    kill(first["pid"])
    with wait_until(lambda: listening_on(urllib.parse.urlsplit(first["url"]).port), "end of the killed engine's listener") as taken:
        threading.Thread(target=refuse_all, args=(taken,), daemon=True).start()
        second = life.start()
    assert second["started"] and second["url"] != first["url"] and status_of(second, second["token"])[0] == 200


def listening_on(port):
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        return None


def refuse_all(server):
    try:
        while True:
            server.accept()[0].close()
    except OSError:
        pass


class Impostor(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(self.server.about).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def impostor():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Impostor)
    server.status, server.about = 200, {}
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("status, about", [(200, {"pid": 1}), (401, {}), (200, {}), (404, {})])
def test_who_has_the_port_of_a_killed_engine_is_not_taken_for_it(life, impostor, status, about):
    impostor.status, impostor.about = status, about
    life.data.mkdir()
    (life.data / "engine.json").write_text(json.dumps({"url": impostor.url, "pid": 4194304, "version": "0.1.0", "token": "t"}))
    engine = life.start()
    assert engine["started"] and engine["url"] != impostor.url


def test_an_engine_of_another_version_says_so(life, impostor):
    impostor.about = {"pid": os.getpid(), "version": "9.9.9", "data_folder": str(life.data)}
    life.data.mkdir()
    (life.data / "engine.json").write_text(json.dumps({"url": impostor.url, "pid": os.getpid(), "version": "9.9.9", "token": "t"}))
    done = life.run("start", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["version"] == "9.9.9"
    assert "9.9.9" in done.stderr and run_cli("--version").stdout.split()[1] in done.stderr
    assert "9.9.9" in life.run("status").stderr


def test_a_stopped_engine_is_named_and_nobody_hangs(life):
    engine = life.start()
    os.kill(engine["pid"], signal.SIGSTOP)
    done = life.run("start", "--json", timeout=15)
    assert done.returncode == 1 and str(engine["pid"]) in done.stderr and "does not answer" in done.stderr, done.stderr
    os.kill(engine["pid"], signal.SIGCONT)
    assert life.start()["pid"] == engine["pid"]


def test_the_cause_of_a_failed_start_is_told(life):
    life.data.mkdir()
    (life.data / "segments").write_text("in the way")
    done = life.run("start")
    assert done.returncode == 1 and "segments" in done.stderr and "engine.log" in done.stderr, done.stderr


def test_wrong_settings_are_told_by_the_start(life):
    (life.folder / "telltale.yaml").write_text("version: 1\nservr: {}\n")
    done = life.run("start")
    assert done.returncode == 2 and "servr" in done.stderr
    assert run_cli("--data", life.data, "engine", "start", "--idle-exit", "soon").returncode == 2


def test_settings_of_the_start_reach_the_engine_but_do_not_open_it(life):
    (life.folder / "mine.yaml").write_text(f"version: 1\nserver: {{host: 0.0.0.0, allow_insecure: true, require_token: false}}\n"
                                           f"sources: {{files: [{{paths: ['{life.folder}/*.log']}}]}}\n")
    done = run_cli("--data", "data", "--config", "mine.yaml", "--set", "log.level=DEBUG", "engine", "start", "--json", cwd=life.folder, env=life.env)
    assert done.returncode == 0, done.stderr
    engine = json.loads(done.stdout)
    assert status_of(engine)[0] == 401
    port = f"{urllib.parse.urlsplit(engine['url']).port:04X}"
    table = [line.split() for name in ("tcp", "tcp6") for line in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()]
    assert [words[1] for words in table if words[1].endswith(":" + port) and words[3] == "0A"] == [f"0100007F:{port}"], "loopback alone"
    words = pathlib.Path(f"/proc/{engine['pid']}/cmdline").read_bytes().decode().split("\0")
    assert str(life.folder / "mine.yaml") in words and "log.level=DEBUG" in words


def test_idle_exit(life):
    engine = life.start("--idle-exit", "200ms")
    wait_until(lambda: is_gone(engine["pid"]), "end of the idle engine")
    assert not (life.data / "engine.json").exists() and "nothing used the engine for 200ms" in life.log()
    assert life.run("status").returncode == 3


def test_starts_meet_ends(life):
    """An engine that ends while others want one: each start gets an engine that answers."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            life.start()
            stop = pool.submit(life.run, "stop")
            engines = list(pool.map(lambda _: life.start(), range(3)))
            assert stop.result().returncode == 0, stop.result().stderr
            assert sum(engine["started"] for engine in engines) <= 1
    assert status_of(life.start(), life.about()["token"])[0] == 200


def test_stop_waits_for_the_end_and_status_tells(life):
    assert life.run("stop").returncode == 1
    engine = life.start()
    assert life.run("status").returncode == 0 and json.loads(life.run("status", "--json").stdout)["running"] is True
    assert life.run("stop").returncode == 0
    assert is_gone(engine["pid"]) and not (life.data / "engine.json").exists()
    done = life.run("status", "--json")
    assert done.returncode == 3 and json.loads(done.stdout) == {"running": False, "data": str(life.data)}


def test_stop_does_not_end_who_has_the_number_of_a_killed_engine(life):
    kill(life.start()["pid"])
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        about = life.about()
        (life.data / "engine.json").write_text(json.dumps({**about, "pid": bystander.pid}))
        assert life.run("stop").returncode == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_named_engine_is_attached_to_and_nothing_else(life, tmp_path):
    engine = life.start()
    other = Life(tmp_path / "other")
    other.folder.mkdir()
    named = {"TELLTALE_URL": engine["url"], "TELLTALE_TOKEN": engine["token"]}
    attached = other.start(env=named)
    assert (attached["url"], attached["pid"], attached["started"]) == (engine["url"], engine["pid"], False)
    assert other.run("start", env={**named, "TELLTALE_TOKEN": "wrong"}).returncode == 2
    assert other.run("stop", env=named).returncode == 2
    life.run("stop")
    done = other.run("start", env=named)
    assert done.returncode == 1 and "TELLTALE_URL" in done.stderr and not other.data.exists(), "it is not replaced by another"
