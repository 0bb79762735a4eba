"""`telltale run -- COMMAND`: what a command sees and gives is as without it; what it and its services write is captured."""
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time

import pytest
from engine import BINARY, SLOWNESS, run_cli, wait_until
from launching import environment_of, is_gone, kill_quietly, processes, sh, write_environment

SLEEP = "exec sleep 600"


def test_output_is_passed_on_and_captured_and_the_end_tells_of_it(runner):
    done = runner.run(*sh("echo out; echo err >&2; echo more"), options=["--name", "nightly"])
    assert (done.returncode, done.stdout) == (0, "out\nmore\n")
    assert done.stderr.startswith("err\n")
    assert runner.output() == ["out", "more"] and runner.output("stderr") == ["err"], "committed when it has ended"
    run = runner.last_run()
    assert (run["state"], run["outcome"], run["exit_code"], run["name"], run["framework"]) == ("finished", "passed", 0, "nightly", "command")
    assert f"telltale: run {run['run']} (nightly): the command ended with exit code 0 after " in done.stderr
    assert "3 lines of output" in done.stderr and "telltale query '" in done.stderr
    hint = re.search(r"telltale query '(\{instance=.*\})'", done.stderr)[1]
    assert sorted(line for line in runner.engine.lines(hint) if "event" not in line) == ["err", "more", "out"]
    assert re.search(r"audit +its services wrote nothing", done.stderr), done.stderr


@pytest.mark.parametrize("code", [0, 1, 3, 124, 255])
def test_the_exit_code_is_the_commands(runner, code):
    assert runner.run(*sh(f"exit {code}")).returncode == code
    assert runner.last_run()["exit_code"] == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGINT, signal.SIGPIPE])
def test_it_dies_of_the_signal_that_the_command_died_of(runner, number):
    assert runner.run(*sh(f"kill -{int(number)} $$")).returncode == -number
    run = runner.last_run()
    interrupted = number in (signal.SIGTERM, signal.SIGINT)
    assert (run["exit_code"], run["outcome"]) == (128 + number, "interrupted" if interrupted else "failed")


def test_what_cannot_be_run_has_the_codes_of_shells(runner):
    runner.file("script").write_text("echo hi\n")
    for words, code, text in (([], 125, "no command"), (["no-such-command"], 127, "not found in PATH"), (["./nothing"], 127, "./nothing"),
                              (["./script"], 126, "may not be executed"), (["/tmp"], 126, "folder")):
        done = runner.run(*words)
        assert (done.returncode, done.stdout) == (code, ""), done
        assert text in done.stderr, done.stderr


def test_wrong_usage_is_125(runner):
    for words, text in ((["run", "make"], "'make' stands before '--'"), (["run", "--outptu", "x", "--", "true"], "--outptu"),
                        (["run", "--env", "nowhere", "--", "true"], "environments.yaml"), (["run", "--set", "no.such=1", "--", "true"], "no.such")):
        done = run_cli(*words, cwd=runner.folder, env={"TELLTALE_ENV": "", "TELLTALE_URL": ""})
        assert (done.returncode, done.stdout) == (125, ""), done
        assert text in done.stderr, done.stderr
    assert run_cli("run", "--help").returncode == 0


def test_options_of_the_command_are_left_alone(runner):
    done = runner.run("/bin/echo", "--name", "x", "--", "--help", "run")
    assert done.stdout == "--name x -- --help run\n"


def test_the_command_has_our_input_folder_and_open_files(runner):
    read, write = os.pipe()
    try:
        done = runner.run("/bin/bash", "-c", f"cat; pwd; echo kept >&{write}", input="given\n", stdin=None, pass_fds=[write])
    finally:
        os.close(write)
    with os.fdopen(read) as kept:
        assert kept.read() == "kept\n"
    assert done.stdout == f"given\n{runner.folder}\n"


def test_the_command_finds_the_run_in_its_environment(runner):
    done = runner.run(*sh("echo $TELLTALE_URL $TELLTALE_RUN; test -n \"$TELLTALE_TOKEN\" && echo has a token"))
    url, run = done.stdout.split()[:2]
    assert (url, run) == (runner.engine.url, runner.last_run()["run"]) and "has a token" in done.stdout
    assert run_cli("tests", "--run", run, env={"TELLTALE_URL": url, "TELLTALE_TOKEN": runner.engine.token}).returncode == 0


def test_shell_tests_within_become_tests_of_the_run(runner):
    script = f"id=$({BINARY} test start checkout) && {BINARY} test finish $id --outcome passed"
    assert runner.run(*sh(script)).returncode == 0
    tests = runner.engine.get("/api/v1/tests", run=runner.last_run()["run"])["tests"]
    assert [(test["node_id"], test["outcome"]) for test in tests] == [("checkout", "passed")]


def test_output_and_error_that_lead_to_one_place_keep_their_order(runner):
    script = "i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"
    with open(runner.file("both"), "w") as both:
        subprocess.run(runner.words(*sh(script)), cwd=runner.folder, env=environment_of(runner.engine), stdin=subprocess.DEVNULL, stdout=both,
                       stderr=subprocess.STDOUT, check=True, timeout=60 * SLOWNESS)
    expected = [f"{stream} {n}" for n in range(500) for stream in ("out", "err")]
    text = runner.file("both").read_text().splitlines()
    assert text[:1000] == expected and text[1000].startswith("telltale: run ")
    assert runner.output() == expected


def test_a_hundred_thousand_lines_each_once(runner):
    done = runner.run("/usr/bin/seq", 100_000)
    assert done.returncode == 0 and done.stdout == "".join(f"{n}\n" for n in range(1, 100_001))
    assert runner.output() == [str(n) for n in range(1, 100_001)]


def test_bytes_are_passed_on_as_they_are(runner):
    data = bytes(range(256)) * 50 + b"no end"
    runner.file("data").write_bytes(data)
    done = subprocess.run(runner.words("/bin/cat", "data"), cwd=runner.folder, env=environment_of(runner.engine), stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60 * SLOWNESS)
    assert done.stdout == data


def test_a_reader_that_goes_away_ends_the_command_as_without_us(runner):
    done = subprocess.run(["/bin/bash", "-c", '"$@" | head -1; exit ${PIPESTATUS[0]}', "bash", *runner.words("/usr/bin/yes")], cwd=runner.folder,
                          env=environment_of(runner.engine), stdin=subprocess.DEVNULL, capture_output=True, timeout=60 * SLOWNESS, text=True)
    assert (done.returncode, done.stdout) == (128 + signal.SIGPIPE, "y\n"), done.stderr


def test_what_a_command_leaves_behind_holds_nobody_up_and_is_captured(runner):
    begin = time.monotonic()
    done = subprocess.run(runner.words(*sh("(until [ -e go ]; do sleep 0.02; done; echo from behind) & echo $! > pid; echo bye")), cwd=runner.folder,
                          env=environment_of(runner.engine), stdin=subprocess.DEVNULL, stdout=open(runner.file("out"), "w"), timeout=60 * SLOWNESS)
    try:
        assert done.returncode == 0 and time.monotonic() - begin < 10 * SLOWNESS
        assert runner.file("out").read_text() == "bye\n"
    finally:
        runner.file("go").touch()
    wait_until(lambda: runner.output() == ["bye", "from behind"], "the last line")
    assert runner.file("out").read_text() == "bye\nfrom behind\n"


# --- signals


def test_signals_are_passed_on(runner):
    child = runner.begin(*sh("trap 'echo got usr1' USR1; trap 'echo got term; exit 9' TERM; echo up > up; while :; do sleep 0.02; done"))
    runner.wait_for("up")
    child.send_signal(signal.SIGUSR1)
    wait_until(lambda: "got usr1" in runner.output(), "first signal")
    child.send_signal(signal.SIGTERM)
    output, _ = child.communicate(timeout=30 * SLOWNESS)
    assert (child.returncode, output) == (9, b"got usr1\ngot term\n")


def test_an_interrupt_sent_to_us_reaches_the_command(runner):
    child = runner.begin(*sh("echo up > up; exec sleep 600"))
    runner.wait_for("up")
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30 * SLOWNESS)
    assert child.returncode == -signal.SIGINT and runner.last_run()["outcome"] == "interrupted"


class Terminal:
    """`telltale run` on a terminal of its own."""

    def __init__(self, runner, *command):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(runner.folder)
            os.execve(BINARY, runner.words(*command), environment_of(runner.engine))
        self.text = b""

    def read_until(self, text):
        while text not in self.text:
            try:
                piece = os.read(self.master, 4096)
            except OSError:
                piece = b""
            assert piece, self.text
            self.text += piece

    def write(self, data):
        os.write(self.master, data)

    def wait(self):
        while True:
            try:
                piece = os.read(self.master, 4096)
            except OSError:
                break
            if not piece:
                break
            self.text += piece
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.master)
        return code


def test_a_terminal_is_the_commands_own(runner):
    terminal = Terminal(runner, *sh("test -t 0 && test -t 1 && test -t 2 && echo all are; read line; echo got $line"))
    terminal.read_until(b"all are")
    terminal.write(b"typed\n")
    assert terminal.wait() == 0
    assert b"got typed" in terminal.text and b"the command ended with exit code 0" in terminal.text
    assert runner.output() == []


def test_ctrl_c_reaches_the_command_once_and_the_services_end_in_order(runner):
    write_environment(runner.folder, [f"{{name: api, command: 'echo $$ > service; echo is up; {SLEEP}', ready: is up}}"])
    terminal = Terminal(runner, sys.executable, "-c", "import signal, time\ntimes = []\nsignal.signal(2, lambda *_: times.append(1))\n"
                        "print('up', flush=True)\nwhile not times: time.sleep(0.01)\ntime.sleep(0.3)\nprint('interrupted', len(times))\nexit(4)")
    terminal.read_until(b"up")
    service = int(runner.wait_for("service"))
    terminal.write(b"\x03")
    assert terminal.wait() == 4
    assert b"interrupted 1" in terminal.text and is_gone(service)


# --- services


def test_services_are_started_first_watched_and_ended(runner):
    write_environment(runner.folder, [f"{{name: api, command: 'echo $$ > service; echo ERROR api is up; {SLEEP}', ready: is up}}",
                                      "{name: db, file: logs/db.log}"])
    runner.file("logs").mkdir()
    done = runner.run(*sh("kill -0 $(cat service) && echo runs; echo 'ERROR no disk' >> logs/db.log; exit 1"))
    assert (done.returncode, done.stdout) == (1, "runs\n")
    assert is_gone(int(runner.file("service").read_text()))
    run = runner.last_run()
    shown = runner.engine.get(f"/api/v1/runs/{run['run']}")
    counts = {service["name"]: (service["records"], service["errors"]) for service in shown["services"]}
    assert counts == {"api": (3, 1), "db": (1, 1)}, "two of api's are about its process; the command is no service"
    assert "4 lines, 2 errors: api 3 (1 error), db 1 (1 error)" in done.stderr
    files = runner.folder / "logs/pod_logs"
    assert "files     logs/pod_logs" in done.stderr
    assert "[db] ERROR no disk" in (files / "db_errors.log").read_text() and "[api] ERROR api is up" in (files / "api_realtime.log").read_text()
    assert shown["environment"] == "local" and shown["output"]["final"]


def test_a_service_that_does_not_start_keeps_the_command_from_running(runner):
    write_environment(runner.folder, [f"{{name: good, command: 'echo $$ > service; echo is up; {SLEEP}', ready: is up}}",
                                      "{name: bad, command: 'echo no luck today; exit 3', ready: is up, after: [good]}"])
    done = runner.run(*sh("touch was-run"))
    assert (done.returncode, done.stdout) == (125, "") and not runner.file("was-run").exists()
    assert "telltale: service 'bad' ended with exit code 3 before it was ready\n  | no luck today\n" in done.stderr
    assert "the command was not run" in done.stderr and is_gone(int(runner.file("service").read_text()))
    run = runner.last_run()
    assert (run["outcome"], run["exit_code"]) == ("error", 125)


def test_a_service_that_ends_by_itself_is_told(runner):
    write_environment(runner.folder, ["{name: api, command: 'echo is up; until [ -e go ]; do sleep 0.01; done; touch gone; exit 5', ready: is up}"])
    done = runner.run(*sh("touch go; until [ -e gone ]; do sleep 0.01; done; sleep 0.2"))
    assert done.returncode == 0 and "telltale: service 'api' ended by itself with exit code 5" in done.stderr


def test_the_services_end_when_we_are_killed_and_the_command_goes_on(runner):
    write_environment(runner.folder, [f"{{name: api, command: 'echo $$ > service; echo is up; {SLEEP}', ready: is up}}"])
    child = runner.begin(*sh("echo $$ > command; echo begun; until [ -e go ]; do sleep 0.02; done; echo still here > result; echo still here"))
    command, service = int(runner.wait_for("command")), int(runner.wait_for("service"))
    try:
        child.kill()
        child.wait(30)
        wait_until(lambda: is_gone(service), "end of the service")
        assert not is_gone(command)
        runner.file("go").touch()
        wait_until(lambda: runner.output() == ["begun", "still here"], "what the command wrote after that")
        assert runner.wait_for("result") == "still here"
        output, _ = child.communicate(timeout=30 * SLOWNESS)
        assert output == b"begun\nstill here\n"
    finally:
        kill_quietly(command)
    wait_until(lambda: runner.last_run()["state"] == "finished", "end of the run")
    assert runner.last_run()["outcome"] == "interrupted"


def test_asked_to_end_while_services_start_it_runs_nothing(runner):
    write_environment(runner.folder, [f"{{name: api, command: 'echo $$ > service; {SLEEP}', ready: never said}}"])
    child = runner.begin(*sh("touch was-run"))
    service = int(runner.wait_for("service"))
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=30 * SLOWNESS)
    assert child.returncode == -signal.SIGTERM and is_gone(service) and not runner.file("was-run").exists()


def test_a_service_by_selector_is_told_and_the_command_runs(runner):
    write_environment(runner.folder, ["{name: pods, selector: app=shop}"])
    done = runner.run("/bin/echo", "hi")
    assert (done.returncode, done.stdout) == (0, "hi\n") and "selector" in done.stderr and "pods" in done.stderr


def test_wrong_environments_are_named_and_nothing_is_run(runner):
    write_environment(runner.folder, [f"{{name: api, command: '{SLEEP}', env: {{KEY: '${{KEY_OF_NOBODY}}'}}}}"])
    for options, text in (([], "KEY_OF_NOBODY"), (["--env", "nowhere"], "nowhere"), (["--environments", "none.yaml"], "none.yaml")):
        done = runner.run(*sh("touch was-run"), options=options)
        assert done.returncode == 125 and text in done.stderr and not runner.file("was-run").exists(), done.stderr


def test_output_names_the_folder_also_without_an_environment(runner):
    done = runner.run("/bin/true", options=["--output", "mine"])
    assert done.returncode == 0 and (runner.folder / "mine/.telltale-run").exists() and "files     mine" in done.stderr


def test_two_runs_in_one_folder_have_folders_of_their_own(runner):
    first = runner.begin(*sh("echo up > up; until [ -e go ]; do sleep 0.02; done"), options=["--output", "mine"])
    try:
        runner.wait_for("up")
        second = runner.run("/bin/true", options=["--output", "mine"])
        assert f"files     mine-{runner.last_run()['run']}" in second.stderr
    finally:
        runner.file("go").touch()
        first.communicate(timeout=30 * SLOWNESS)
    assert first.returncode == 0


def test_it_starts_an_engine_of_its_own(tmp_path):
    env = {name: value for name, value in os.environ.items() if not name.startswith("TELLTALE_")}
    done = subprocess.run([BINARY, "run", "--data", "data", "--", *sh("echo out; echo $TELLTALE_DATA")], cwd=tmp_path, env=env, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60 * SLOWNESS)
    try:
        assert (done.returncode, done.stdout) == (0, f"out\n{tmp_path}/data\n"), done.stderr
        shown = run_cli("query", "--data", "data", '{process="command", stream="stdout"}', cwd=tmp_path, env={"TELLTALE_URL": ""})
        assert shown.stdout.count("\n") == 2 and "out" in shown.stdout, shown
    finally:
        run_cli("engine", "stop", "--data", "data", cwd=tmp_path, env={"TELLTALE_URL": ""})


def test_the_token_and_secrets_are_in_no_arguments_and_files(runner):
    secret = "Zq8vXw1LrT5yKp3N"
    write_environment(runner.folder, [f"{{name: api, command: 'echo got ${{#SECRET}}; echo is up; {SLEEP}', ready: is up, env: {{SECRET: '${{API_SECRET}}'}}}}"])
    child = runner.begin(*sh("echo up > up; until [ -e go ]; do sleep 0.02; done"), env={"API_SECRET": secret})
    try:
        runner.wait_for("up")
        all_words = [word for words, _ in processes().values() for word in words]
        assert not [word for word in all_words if secret in word or runner.engine.token in word]
    finally:
        runner.file("go").touch()
        output, trouble = child.communicate(timeout=60 * SLOWNESS)
    assert child.returncode == 0 and secret.encode() not in output + trouble
    assert f"got {len(secret)}" in runner.engine.lines('{service="api", stream="stdout"}')
    assert [path for path in runner.engine.folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()] == []
    assert runner.engine.token not in json.dumps(runner.engine.records("{}"))

