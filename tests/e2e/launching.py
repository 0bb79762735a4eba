"""Helpers of the tests of `telltale services start` and `telltale run`: folders with environments, children that are always ended."""
import json
import os
import pathlib
import signal
import subprocess
import threading

from engine import BINARY, SLOWNESS, wait_until


def is_gone(pid):
    """Ended; nobody may have waited for it yet."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def kill_quietly(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def processes():
    """Of every process that can be read: pid → (words of its command line, pid of its parent)."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        found[int(folder.name)] = ([word.decode("utf-8", "replace") for word in words if word], parent)
    return found


def relays_of(data):
    """Pids of the relays whose data folder is `data`, or that name it nowhere but in their environment."""
    found = []
    for pid, (words, _) in processes().items():
        if "relay" not in words or not words[0].endswith("telltale"):
            continue
        try:
            environment = pathlib.Path(f"/proc/{pid}/environ").read_text(errors="replace")
        except OSError:
            continue
        if not is_gone(pid) and (str(data) in words or f"TELLTALE_TEST={data}\0" in environment):
            found.append(pid)
    return found


def environment_of(engine, **more):
    """Variables of a command that is to use the engine and nothing of this machine's own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TELLTALE_")}
    return {**clean, "HOME": str(engine.folder), "TELLTALE_URL": engine.url, "TELLTALE_TOKEN": engine.token, "TELLTALE_TEST": str(engine.data), **more}


def write_environment(folder, services, head=""):
    """config/environments.yaml with one environment `local`; `services`: YAML lines, one a service."""
    (folder / "config").mkdir(exist_ok=True)
    text = f"{head}local:\n  monitoring:\n    services:\n" + "".join(f"      - {service}\n" for service in services)
    (folder / "config/environments.yaml").write_text(text)


class ServicesStart:
    """`telltale services start`, with what it says on standard output as it comes."""

    def __init__(self, folder, env, run="run-1", words=()):
        self.child = subprocess.Popen([BINARY, "services", "start", "--run", run, *map(str, words)], cwd=folder, env=env, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.events = []
        self.trouble = b""
        self._readers = [threading.Thread(target=self._read), threading.Thread(target=self._read_trouble)]
        for reader in self._readers:
            reader.start()

    def _read(self):
        for line in self.child.stdout:
            self.events.append(json.loads(line))

    def _read_trouble(self):
        self.trouble = self.child.stderr.read()

    def has(self, event, service=None):
        return [one for one in self.events if one["event"] == event and service in (None, one.get("service"))]

    def wait_for(self, event, service=None, timeout=30):
        wait_until(lambda: self.has(event, service) or self.child.poll() is not None, f"{event} {service or ''} in {self.events}", timeout)
        assert self.has(event, service), (self.events, self.trouble)
        return self.has(event, service)[0]

    def brief(self):
        """The events as texts, in their order."""
        return [" ".join([one["event"], one.get("service", "")]).strip() for one in self.events]

    def close_input(self):
        self.child.stdin.close()

    def wait(self, timeout=30):
        code = self.child.wait(timeout * SLOWNESS)
        for reader in self._readers:
            reader.join(timeout * SLOWNESS)
        return code

    def end(self):
        """Closes standard input; the exit code."""
        self.close_input()
        return self.wait()

    def clean_up(self):
        if self.child.poll() is None:
            self.child.kill()
        self.wait()
        for stream in (self.child.stdin, self.child.stdout, self.child.stderr):
            stream.close()


class CommandRunner:
    """Runs `telltale run` in a folder of its own with a running engine."""

    def __init__(self, engine, folder):
        self.engine, self.folder = engine, folder
        folder.mkdir(exist_ok=True)

    def words(self, *command, options=()):
        return [BINARY, "run", *map(str, options), "--", *map(str, command)]

    def run(self, *command, options=(), env=None, timeout=60, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(self.words(*command, options=options), cwd=self.folder, env={**environment_of(self.engine), **(env or {})}, text=True,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout * SLOWNESS, **more)

    def begin(self, *command, options=(), env=None, **more):
        return subprocess.Popen(self.words(*command, options=options), cwd=self.folder, env={**environment_of(self.engine), **(env or {})},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def file(self, name):
        return self.folder / name

    def wait_for(self, name):
        return wait_until(lambda: self.file(name).exists() and self.file(name).read_text().strip(), name)

    def output(self, stream="stdout"):
        return self.engine.lines(f'{{source="process", process="command", stream="{stream}"}}')

    def last_run(self):
        return self.engine.get("/api/v1/runs", limit=1)["runs"][0]


def sh(script):
    return ["/bin/sh", "-c", script]
