"""Engines that die, are elsewhere, are shared; runs that are joined; services that the environment starts."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest
from engine import BINARY, wait_until

LOCAL = "local:\n  monitoring: {services: [{name: api, file: logs/api.log}]}\n"
# Lines say when they were written: one that does not could also be of the test before, which ended a moment earlier.
WRITES = """
import datetime, os, pathlib, pytest
def log(text, path="logs/api.log"):
    pathlib.Path(path).parent.mkdir(exist_ok=True)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with open(path, "a") as out: out.write(f"{now} {text}\\n")
"""


def complaints(done):
    return [line for line in done.output.splitlines() if line.startswith("telltale: ")]


def line_of(record):
    return record.get("line", record["content"])


def texts(records):
    """What was logged, without the time before it."""
    return [line_of(record).partition(" ")[2] for record in records]


# The suite is not over before there is another engine: how long a busy machine takes to start it decides nothing.
KILLS = """
import json, signal, time

def pid():
    return json.loads((pathlib.Path(os.environ["TELLTALE_DATA"]) / "engine.json").read_text())["pid"]

@pytest.mark.parametrize("n", range(40))
def test_it(n, request):
    log(f"INFO line of {n}")
    if n == 10:
        request.config.killed = pid()
        os.kill(request.config.killed, signal.SIGKILL)
    end = time.monotonic() + 60
    while n == 30 and pid() == request.config.killed:
        assert time.monotonic() < end, "no other engine came"
        time.sleep(0.005)
"""


@pytest.mark.parametrize("words", [(), ("-n", "2", "--dist", "loadfile")], ids=["plain", "xdist"])
def test_an_engine_that_is_killed_comes_back_and_nothing_is_missing(suite, api, words):
    suite.write("config/environments.yaml", LOCAL)
    suite.write("test_it.py", WRITES + KILLS)
    suite.write("test_other.py", "import pytest\n@pytest.mark.parametrize('n', range(20))\ndef test_other(n): pass\n")
    done = suite.run("--monitor-pods", *words)
    assert done.code == 0, done.output
    assert "telltale: the engine had died and was replaced 1 time\n" in done.output
    run = api.run()
    assert (run["outcome"], run["state"]) == ("passed", "finished"), run
    outcomes = api.outcomes(run["run"])
    assert outcomes == {**{f"test_it[{n}]": ["passed"] for n in range(40)}, **{f"test_other[{n}]": ["passed"] for n in range(20)}}
    found = api.get("/api/v1/query", query='{service="api"}', direction="forward", limit=1000)["records"]
    assert sorted(texts(found)) == sorted(f"INFO line of {n}" for n in range(40))


@pytest.fixture
def elsewhere():
    """A folder that other users can reach; every pytest closes its own folders to them, also while another runs."""
    with tempfile.TemporaryDirectory(prefix="telltale-elsewhere-") as folder:
        os.chmod(folder, 0o755)
        yield pathlib.Path(folder)


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="the engine is to run as another user, so that it cannot read our files")
def test_the_files_of_an_engine_elsewhere_are_fetched(make_suite, elsewhere, make_engine):
    """An engine that cannot read the folder's mark is one on another machine."""
    far = elsewhere
    (far / "logs").mkdir()
    os.chown(far, 65534, 65534)
    engine = make_engine(far)
    engine.binary = shutil.copy(BINARY, far / "telltale")  # the build may lie where that user cannot go
    engine.start(user=65534)
    suite = make_suite("near")
    suite.write("test_it.py", WRITES + f"""
PATH = {str(engine.logs / "api.log")!r}
def test_one(get_test_pod_logs):
    log("INFO one", PATH)
    assert len(get_test_pod_logs()) == 1
def test_two():
    log("ERROR two", PATH)
    assert 0
""")
    token = make_token(engine, "viewer,ingester", user=65534)
    done = suite.run("--monitor-pods", env={"TELLTALE_URL": engine.url, "TELLTALE_TOKEN": token, "TELLTALE_DATA": None})
    assert done.code == 1, done.output
    root = suite.folder / "logs/pod_logs"
    found = {re.sub(r"_\d{8}_\d{6}", "", str(path.relative_to(root))): path.read_text() for path in root.rglob("*.log")}
    assert sorted(found) == sorted(["api_realtime.log", "api_errors.log", "test_logs/test_one.log", "test_logs/test_two.log",
                                    "test_logs/test_two_ERRORS.log"]), done.output
    assert "INFO one" in found["test_logs/test_one.log"] and "ERROR two" in found["test_logs/test_two_ERRORS.log"]
    assert "INFO one" in found["api_realtime.log"] and "ERROR two" in found["api_errors.log"]
    assert complaints(done) == []


def make_token(engine, roles, user=None):
    done = subprocess.run([engine.binary, "--data", engine.data, "token", "create", "ci", "--role", roles], check=True, capture_output=True, text=True,
                          user=user, cwd=engine.folder, env={**os.environ, "HOME": str(engine.folder)})
    token = done.stdout.strip()
    asked = {"Authorization": f"Bearer {token}"}
    wait_until(lambda: engine.request("/api/v1/status", headers=asked).status != 401, "notice of the token")  # the engine looks now and then
    return token


def test_a_token_that_may_not_read_still_pushes_and_the_summary_says_what_it_lacks(suite, engine):
    suite.write("test_it.py", "def test_good(get_test_pod_logs): assert get_test_pod_logs() == []\ndef test_bad(): assert 0\n")
    done = suite.run("--monitor-pods", env={"TELLTALE_URL": engine.url, "TELLTALE_TOKEN": make_token(engine, "ingester")})
    said = complaints(done)
    assert "1 failed, 1 passed" in done.output and len(said) == 1 and "role viewer" in said[0], done.output
    tests = engine.get("/api/v1/tests")["tests"]
    assert {test["name"]: test["outcome"] for test in tests} == {"test_good": "passed", "test_bad": "failed"}


def test_a_wrong_token_is_named_and_the_tests_run(suite, make_engine):
    engine = make_engine().start()
    suite.write("test_it.py", "def test_it(): pass\n")
    done = suite.run("--monitor-pods", env={"TELLTALE_URL": engine.url, "TELLTALE_TOKEN": "wrong"})
    said = complaints(done)
    assert done.code == 0 and len(said) == 1 and engine.url in said[0] and "oken" in said[0], done.output


def test_tests_under_telltale_run_become_part_of_that_run(suite, api):
    suite.write("config/environments.yaml", LOCAL)
    suite.write("test_it.py", WRITES + "def test_it(pod_monitor):\n    log('INFO in the run')\n")
    done = subprocess.run([BINARY, "run", "--", *suite.command("--monitor-pods")], cwd=suite.folder, env=suite.environment(), text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    assert done.returncode == 0, done.stdout
    run = api.run()
    tests = api.tests(run["run"])
    assert [(test["name"], test["outcome"]) for test in tests] == [("test_it", "passed")]
    assert re.fullmatch(r"master-[0-9a-f]{6}", tests[0]["worker"])
    assert texts(api.logs(tests[0]["test"])) == ["INFO in the run"]


def test_two_suites_in_one_run_have_tests_of_their_own(suite, api):
    suite.write("test_it.py", "def test_it(): pass\n")
    twice = f"{' '.join(suite.command('--monitor-pods'))} && {' '.join(suite.command('--monitor-pods'))}"
    subprocess.run([BINARY, "run", "--", "/bin/sh", "-c", twice], cwd=suite.folder, env=suite.environment(), check=True, stdin=subprocess.DEVNULL,
                   capture_output=True, timeout=120)
    tests = api.tests(api.run()["run"])
    assert len({test["test"] for test in tests}) == len({test["file_stem"] for test in tests}) == 2


SERVICE = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("ERROR cannot serve " + self.path if "bad" in self.path else "INFO served " + self.path, flush=True)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
open("port", "w").write(str(server.server_address[1]))
open("pid", "w").write(str(os.getpid()))
print("listening", flush=True)
server.serve_forever()
"""
COMMANDS = f"""
local:
  monitoring:
    services:
      - {{name: web, command: [{sys.executable}, service.py], ready: listening}}
"""
ASKS = """
import pathlib, urllib.request
def ask(path):
    return urllib.request.urlopen(f"http://127.0.0.1:{pathlib.Path('port').read_text()}/{path}", timeout=10).read()
def test_good(get_test_pod_logs):
    ask("good")
    assert [line.partition("] [")[2] for line in get_test_pod_logs()] == ["web] INFO served /good"]
def test_bad():
    ask("bad")
    assert 0
"""


@pytest.fixture
def web(suite):
    suite.write("config/environments.yaml", COMMANDS)
    suite.write("service.py", SERVICE)
    suite.write("test_it.py", ASKS)
    return suite


def test_services_with_a_command_are_started_watched_and_ended(web, api):
    done = web.run("--monitor-pods")
    assert "1 failed, 1 passed" in done.output, done.output
    assert "Monitoring process: " in done.output and "for service web" in done.output
    assert "ERROR cannot serve /bad" in done.section("test_bad")
    with pytest.raises(OSError):
        import urllib.request
        urllib.request.urlopen(f"http://127.0.0.1:{(web.folder / 'port').read_text()}/", timeout=5)
    assert complaints(done) == []


def test_a_service_that_does_not_start_is_named_and_the_tests_run(web):
    web.write("service.py", "import sys; print('no luck today', flush=True); sys.exit(3)\n")
    web.write("test_it.py", "def test_it(): pass\n")
    done = web.run("--monitor-pods")
    assert done.code == 0, done.output
    assert any("'web'" in line for line in complaints(done)), done.output


def test_a_service_that_ends_while_the_tests_run_is_named(web):
    web.write("test_it.py", ASKS.partition("def test_good")[0] + """
import os, signal, time
def test_it(pod_monitor):
    ask("good")
    os.kill(int(pathlib.Path("pid").read_text()), signal.SIGKILL)
""")
    done = web.run("--monitor-pods")
    assert done.code == 0 and complaints(done) == ["telltale: service 'web' ended while the tests ran: signal 9"], done.output


def test_the_lines_of_services_survive_the_engine(web, api):
    """Their relay keeps them for the engine that comes after one that was killed."""
    web.write("test_it.py", WRITES + ASKS.partition("def test_good")[0] + KILLS.replace('log(f"INFO line of {n}")', 'ask(f"line-{n}")'))
    done = web.run("--monitor-pods")
    assert done.code == 0 and complaints(done) == ["telltale: the engine had died and was replaced 1 time"], done.output
    found = api.get("/api/v1/query", query='{service="web",stream="stdout"} |= "served"', direction="forward", limit=1000)["records"]
    assert sorted(line_of(record) for record in found) == sorted(f"INFO served /line-{n}" for n in range(40))
    tests = {test["name"]: test["test"] for test in api.tests(api.run()["run"])}
    for n in (5, 39):
        assert f"INFO served /line-{n}" in map(line_of, api.logs(tests[f"test_it[{n}]"]))


def test_a_killed_session_does_not_leave_its_services_behind(web, api):
    web.write("test_it.py", "import pathlib, time\ndef test_it():\n    pathlib.Path('running').touch()\n    time.sleep(60)\n")
    child = web.begin("--monitor-pods")
    wait_until(lambda: (web.folder / "running").exists() or child.poll() is not None, "the test", 60)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(30)
    port = int((web.folder / "port").read_text())
    wait_until(lambda: not listens(port), "end of the service", 30)


def listens(port):
    import socket
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except OSError:
        return False


# Now and then the suites wait for each other, so that they do run at the same time.
THREE = WRITES + """
import time

def meet(n):
    place = pathlib.Path("..") / f"meeting-{n}"
    place.mkdir(exist_ok=True)
    (place / "NAME").touch()
    end = time.monotonic() + 60
    while len(list(place.iterdir())) < 4:
        assert time.monotonic() < end, "the other suites did not come"
        time.sleep(0.002)

@pytest.mark.parametrize("n", range(30))
def test_it(n):
    if n % 10 == 5:
        meet(n)
    log(f"INFO NAME {n}")
"""


def test_three_suites_at_once_share_an_engine_and_no_line(make_suite, api, tmp_path):
    names, suites = ("one", "two", "three"), []
    for name in names:
        made = make_suite(name)
        made.write("config/environments.yaml", LOCAL)
        made.write("test_it.py", THREE.replace("NAME", name))
        suites.append(made)
    bystander = make_suite("bystander")
    bystander.write("test_it.py", THREE.replace("NAME", "bystander"))
    children = [made.begin("--monitor-pods", "--telltale-run-name", name) for made, name in zip(suites, names)] + [bystander.begin()]
    for child in children:
        child.wait(120)
    assert [child.returncode for child in children] == [0] * 4, [made.ended(child).output for made, child in zip(suites, children)]
    assert len({json.dumps(run["run"]) for run in api.runs()}) == 3
    for made, name in zip(suites, names):
        wait_until(lambda: api.run(name=name)["output"]["final"], "final files")
        realtime = (made.folder / "logs/pod_logs/api_realtime.log").read_text().splitlines()
        own = [line.partition("] [api] ")[2].partition(" ")[2] for line in realtime if not line.startswith("# ")]
        assert own == [f"INFO {name} {n}" for n in range(30)]
        for path in (made.folder / "logs/pod_logs/test_logs").iterdir():
            number = re.match(r"test_it_(\d+)_", path.name)[1]
            lines = [line for line in path.read_text().splitlines() if not line.startswith("# ")]
            assert len(lines) == 1 and lines[0].endswith(f"INFO {name} {number}"), (path, lines)
    assert not (bystander.folder / "logs/pod_logs").exists()


def test_two_runs_in_one_folder_write_to_folders_of_their_own(suite, api):
    suite.write("config/environments.yaml", LOCAL)
    suite.write("test_it.py", WRITES + """
import time
def test_it():
    log("INFO x")
    pathlib.Path(os.environ["MINE"]).touch()
    end = time.monotonic() + 30
    while not pathlib.Path(os.environ["THEIRS"]).exists():
        assert time.monotonic() < end
        time.sleep(0.01)
""")
    first = suite.begin("--monitor-pods", env={"MINE": "a", "THEIRS": "b"})
    wait_until(lambda: (suite.folder / "a").exists() or first.poll() is not None, "the first test", 60)
    second = suite.run("--monitor-pods", env={"MINE": "b", "THEIRS": "a"})
    first.wait(60)
    assert (first.returncode, second.code) == (0, 0), second.output
    other = re.search(r"Log files: (logs/pod_logs-\S+)", second.output)
    assert other and (suite.folder / other[1] / "api_realtime.log").exists()
    assert (suite.folder / "logs/pod_logs/api_realtime.log").exists()


@pytest.mark.skipif(not os.environ.get("TELLTALE_FULL"), reason="holds a test for 75 s; TELLTALE_FULL=1 (make chaos) runs it")
def test_a_process_that_stands_still_for_longer_than_the_engines_limits_is_not_ended(suite, api):
    """A debugger may stop all threads. The engine closes idle connections after a minute, but not those that own a run."""
    suite.write("test_it.py", "import os, pathlib\ndef test_held():\n    pathlib.Path('running').touch()\n    while not pathlib.Path('go').exists(): pass\n")
    child = suite.begin("--monitor-pods")
    wait_until(lambda: (suite.folder / "running").exists() or child.poll() is not None, "the test", 60)
    child.send_signal(signal.SIGSTOP)
    time.sleep(75)  # the length of the hold, not a wait for something
    run = api.run()
    assert run["state"] == "running" and api.outcomes(run["run"]) == {"test_held": [None]}
    (suite.folder / "go").touch()
    child.send_signal(signal.SIGCONT)
    child.wait(60)
    assert child.returncode == 0 and api.run()["outcome"] == "passed"
