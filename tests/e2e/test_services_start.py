"""`telltale services start`: what the pytest plugin relies on, and what happens when one of the processes dies."""
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from engine import BINARY, SLOWNESS, run_cli, wait_until
from launching import ServicesStart, environment_of, is_gone, kill_quietly, processes, relays_of, write_environment

SLEEP = "exec sleep 600"


@pytest.fixture
def start(engine, tmp_path):
    """start(services, **environment): in a folder of its own, with the engine `engine`."""
    begun = []

    def begin(services, words=(), head="", **more):
        folder = tmp_path / "suite"
        folder.mkdir(exist_ok=True)
        write_environment(folder, services, head)
        started = ServicesStart(folder, environment_of(engine, **more), words=words)
        started.folder = folder
        begun.append(started)
        return started

    yield begin
    for started in begun:
        pids = [event["pid"] for event in started.has("started")]
        started.clean_up()
        for pid in pids:
            wait_until(lambda: is_gone(pid), f"end of service {pid}")


def lines_of(engine, service, stream="stdout"):
    engine.barrier()
    return engine.lines(f'{{service="{service}", stream="{stream}", instance="run-1"}}')


def test_services_are_started_in_order_captured_and_ended_in_reverse_order(engine, start):
    started = start([f"{{name: shop, command: 'echo shop up; {SLEEP}', ready: shop up, after: [ledger]}}",
                     f"{{name: ledger, command: 'echo on the side >&2; echo ledger up; {SLEEP}', ready: ledger up}}"])
    started.wait_for("ready_all")
    assert started.brief() == ["started ledger", "ready ledger", "started shop", "ready shop", "ready_all"]
    assert started.end() == 0
    assert started.brief()[5:] == ["ended shop", "ended ledger"]
    assert [event["signal"] for event in started.has("ended")] == [signal.SIGTERM] * 2
    assert engine.lines('{service="shop", stream="stdout"}') == ["shop up"], "committed when it has ended"
    assert engine.lines('{service="ledger", stream="stderr"}') == ["on the side"]
    labels = f'service="shop", stream="stdout", source="process", instance="run-1", process="service", host="{socket.gethostname()}"'
    assert engine.lines("{" + labels + "}") == ["shop up"]
    process = [json.loads(line) for line in engine.lines('{service="shop", stream="process"}')]
    assert [(one["event"], one["level"]) for one in process] == [("process_started", "info"), ("process_ended", "info")]
    assert process[0]["pid"] == started.has("started", "shop")[0]["pid"] and process[1]["signal"] == "SIGTERM"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_readiness_of_each_kind(engine, start):
    port, web = free_port(), free_port()
    serve = "import http.server; http.server.HTTPServer((\"127.0.0.1\", {}), http.server.SimpleHTTPRequestHandler).serve_forever()"
    started = start([f"{{name: port, command: [{sys.executable}, -c, '{serve.format(port)}'], ready: {{port: {port}}}}}",
                     f"{{name: http, command: [{sys.executable}, -c, '{serve.format(web)}'], ready: {{http: 'http://127.0.0.1:{web}/config/'}}}}",
                     f"{{name: file, command: 'echo file is up >> own.log; {SLEEP}', file: own.log, ready: is up}}",
                     f"{{name: none, command: '{SLEEP}'}}"])
    started.wait_for("ready_all")
    assert not started.has("failed"), started.events
    assert len(started.has("ready")) == 4
    assert started.end() == 0


def test_a_service_that_is_not_ready_is_named_with_its_condition_and_last_lines(engine, start):
    started = start([f"{{name: slow, command: 'echo still loading; {SLEEP}', ready: is up, ready_timeout: 300ms}}",
                     "{name: broken, command: 'echo opening the book; echo no book here >&2; exit 7', ready: is up}",
                     "{name: missing, command: [no-such-program-anywhere]}",
                     f"{{name: after, command: '{SLEEP}', after: [broken]}}", f"{{name: good, command: '{SLEEP}'}}"])
    started.wait_for("ready_all")
    messages = {event["service"]: event["message"] for event in started.has("failed")}
    assert set(messages) == {"slow", "broken", "missing", "after"} and [event["service"] for event in started.has("ready")] == ["good"]
    assert "not ready within 300ms" in messages["slow"] and "'is up'" in messages["slow"] and "still loading" in messages["slow"]
    assert "exit code 7" in messages["broken"] and "no book here" in messages["broken"]
    assert "no-such-program-anywhere was not found in PATH" in messages["missing"] and "'broken'" in messages["after"]
    assert started.has("ended", "broken")[0]["exit_code"] == 7
    assert started.end() == 0
    ended = [json.loads(line) for line in lines_of(engine, "broken", "process")][-1]
    assert (ended["level"], ended["exit_code"]) == ("error", 7)
    assert lines_of(engine, "broken", "stderr") == ["no book here"]


def test_an_end_that_nobody_asked_for_is_told_at_once(engine, start):
    started = start(["{name: api, command: 'echo is up; until [ -e go ]; do sleep 0.01; done; kill -9 $$', ready: is up}"])
    started.wait_for("ready_all")
    (started.folder / "go").touch()
    ended = started.wait_for("ended", "api")
    assert (ended["signal"], ended["asked"]) == (signal.SIGKILL, False)
    assert started.end() == 0
    assert engine.lines('{service="api", stream="process"} | severity >= error') != []


def test_groups_end_whole_also_when_they_do_not_listen(engine, start):
    stubborn = "trap '''' TERM; sh -c 'trap \"\" TERM; echo $$ > grandchild; while :; do sleep 1; done' & echo is up; while :; do wait; sleep 1; done"
    (engine.folder / "suite").mkdir()
    (engine.folder / "suite/stubborn.sh").write_text(stubborn.replace("''''", "''"))
    started = start(["{name: api, command: [/bin/sh, stubborn.sh], ready: is up}"])
    started.wait_for("ready_all")
    wait_until(lambda: (started.folder / "grandchild").exists() and (started.folder / "grandchild").read_text().strip(), "grandchild")
    grandchild = int((started.folder / "grandchild").read_text())
    begin = time.monotonic()
    assert started.end() == 0
    assert time.monotonic() - begin < 15 * SLOWNESS
    assert started.has("ended", "api")[0]["signal"] == signal.SIGKILL and is_gone(grandchild)


def test_interrupts_of_the_terminal_do_not_end_it_and_sigterm_does(engine, start):
    started = start([f"{{name: api, command: 'echo is up; {SLEEP}', ready: is up}}"])
    started.wait_for("ready_all")
    started.child.send_signal(signal.SIGINT)
    started.child.send_signal(signal.SIGTERM)
    assert started.wait() == 0
    assert started.brief()[-1] == "ended api" and started.has("ended")[0]["asked"]


def test_services_end_when_their_starter_is_killed(engine, start):
    started = start(["{name: api, command: 'echo is up; sleep 600 & wait', ready: is up}", f"{{name: db, command: '{SLEEP}'}}"])
    started.wait_for("ready_all")
    pids = [event["pid"] for event in started.has("started")]
    started.child.kill()
    for pid in pids:
        wait_until(lambda: is_gone(pid), "end of the services")
        with pytest.raises(ProcessLookupError):
            wait_until(lambda: os.killpg(pid, 0), "end of the group", 5)
    wait_until(lambda: not relays_of(engine.data), "end of the relay")
    assert lines_of(engine, "api") == ["is up"]


def test_services_end_when_the_program_that_started_them_is_killed(engine, start, tmp_path):
    """As pytest does: standard input is a pipe of a process that dies."""
    folder = tmp_path / "suite"
    folder.mkdir()
    write_environment(folder, [f"{{name: api, command: 'echo $$ > pid; echo is up; {SLEEP}', ready: is up}}"])
    script = f"import subprocess; subprocess.Popen([{BINARY!r}, 'services', 'start', '--run', 'run-1'], stdin=subprocess.PIPE).wait()"
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=folder, env=environment_of(engine), stdout=subprocess.PIPE)
    try:
        for line in parent.stdout:
            if json.loads(line)["event"] == "ready_all":
                break
        pid = int((folder / "pid").read_text())
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: is_gone(pid), "end of the service")
    assert [json.loads(line)["event"] for line in parent.stdout] == ["ended"]
    parent.stdout.close()


COUNTS = "i=0; while [ $i -lt {n} ]; do echo line $i; i=$((i+1)); done; echo is up; " + SLEEP


def test_a_hundred_thousand_lines_each_once(engine, start):
    (engine.folder / "suite").mkdir()
    (engine.folder / "suite/counts.sh").write_text(COUNTS.format(n=100_000))
    started = start(["{name: api, command: [/bin/sh, counts.sh], ready: is up}"])
    started.wait_for("ready_all", timeout=60)
    assert started.end() == 0
    assert engine.lines('{service="api", stream="stdout"}') == [f"line {n}" for n in range(100_000)] + ["is up"]


TALKS = "i=0; while [ ! -e stop ]; do echo line $i; i=$((i+1)); sleep 0.0005; done; echo line $i; echo is down; " + SLEEP


def test_an_engine_that_is_killed_and_comes_back_has_each_line_once(engine, start):
    started = start([f"{{name: api, command: 'echo is up; {TALKS}', ready: is up}}"])
    started.wait_for("ready_all")
    known = 0
    for _ in range(3):
        wait_until(lambda: len(engine.lines('{service="api", stream="stdout"}')) > known, "more lines")
        known = len(engine.lines('{service="api", stream="stdout"}'))
        engine.kill()
        engine.start()
    (started.folder / "stop").touch()
    wait_until(lambda: "is down" in engine.lines('{service="api", stream="stdout"}'), "the last line")
    assert started.end() == 0
    lines = engine.lines('{service="api", stream="stdout"}')
    assert lines == ["is up"] + [f"line {n}" for n in range(len(lines) - 2)] + ["is down"]


def test_a_relay_that_is_killed_is_replaced(engine, start):
    started = start([f"{{name: api, command: 'echo is up; {TALKS}', ready: is up}}"])
    started.wait_for("ready_all")
    seen = set()
    for _ in range(2):
        pid = wait_until(lambda: [pid for pid in relays_of(engine.data) if pid not in seen], "relay")[0]
        seen.add(pid)
        before = len(lines_of(engine, "api"))
        kill_quietly(pid)
        wait_until(lambda: len(lines_of(engine, "api")) > before, "lines after the relay's death")
    (started.folder / "stop").touch()
    wait_until(lambda: "is down" in lines_of(engine, "api"), "the last line")
    assert started.end() == 0
    lines = [line for line in engine.lines('{service="api", stream="stdout"}') if line.startswith("line ")]
    numbers = [int(line.split()[1]) for line in lines]
    assert numbers == sorted(set(numbers)), "none twice, all in order"
    missing = numbers[-1] + 1 - len(numbers)
    gaps = engine.get("/api/v1/count", query='{service="api"}')["gaps"]
    assert (missing > 0) == (gaps > 0), "what is missing is stated, and nothing else"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", ""], ids=["dead", "none, and no data folder can be made"])
def test_without_an_engine_the_services_run_and_one_warning_says_so(engine, start, url):
    more = {} if url else {"TELLTALE_DATA": "/proc/nowhere"}
    started = start([f"{{name: api, command: 'echo is up; {SLEEP}', ready: is up}}"], TELLTALE_URL=url, **more)
    started.wait_for("ready_all")
    assert len(started.has("warning")) == 1 and "not captured" in started.has("warning")[0]["message"]
    begin = time.monotonic()
    assert started.end() == 0
    assert time.monotonic() - begin < 2 * SLOWNESS
    assert is_gone(started.has("started")[0]["pid"])


def test_a_stopped_engine_holds_nobody_up(engine, start):
    os.kill(engine.pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        started = start([f"{{name: api, command: 'echo is up; {SLEEP}', ready: is up}}"])
        started.wait_for("ready_all")
        assert started.end() == 0
        assert time.monotonic() - begin < 4 * SLOWNESS
    finally:
        os.kill(engine.pid, signal.SIGCONT)
    wait_until(lambda: lines_of(engine, "api") == ["is up"], "what the relay had kept")


def test_secrets_reach_the_service_and_nothing_else(engine, start):
    secret = "Zq8vXw1LrT5yKp3N"
    started = start(["{name: api, command: [/bin/sh, -c, 'echo got ${#SECRET}; echo is up; exec sleep 600', '${API_SECRET}'], ready: is up, "
                     "env: {SECRET: '${API_SECRET}'}}".replace("${#", "$${#")], API_SECRET=secret)
    started.wait_for("ready_all")
    service = started.has("started", "api")[0]["pid"]
    told = [pid for pid, (words, _) in processes().items() if any(secret in word for word in words)]
    assert set(told) <= {service}, "the suite's own choice of arguments, and nobody else's"
    assert started.end() == 0
    assert f"got {len(secret)}" in lines_of(engine, "api")
    assert secret not in json.dumps(started.events) and secret.encode() not in started.trouble
    holds = [path for path in engine.folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert holds == []


@pytest.mark.parametrize("words, env, texts", [
    ((), {}, ["--run"]),
    (("--run", "a b"), {}, ["'a b'", "run id"]),
    (("--run", "r", "--env", "nowhere"), {}, ["nowhere", "local"]),
    (("--run", "r", "--environments", "none.yaml"), {}, ["none.yaml"]),
    (("--run", "r", "--env", "secretive"), {}, ["API_KEY_OF_NOBODY", "env var not set"]),
])
def test_wrong_input_is_named(tmp_path, words, env, texts):
    write_environment(tmp_path, [f"{{name: api, command: '{SLEEP}'}}"],
                      head="secretive:\n  monitoring: {services: [{name: a, command: 'x', env: {A: '${API_KEY_OF_NOBODY}'}}]}\n")
    done = run_cli("services", "start", *words, cwd=tmp_path, env={"TELLTALE_ENV": "", **env})
    assert done.returncode == 2 and done.stdout == "", done
    for text in texts:
        assert text in done.stderr, done.stderr


def test_an_environment_without_commands_is_ready_at_once(engine, start):
    started = start(["{name: api, file: logs/api.log}"])
    started.wait_for("ready_all")
    assert started.end() == 0
    assert started.brief() == ["ready_all"]
