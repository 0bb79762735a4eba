"""The telltale program: where it is, what it says of an environment, the engine that it starts."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

from .wire import Endpoint, WireError

ENGINE_START_SECONDS = 15.0  # the program's own limit is 10
MAX_RESPAWNS = 2


class MonitoringOff(Exception):
    """Monitoring cannot begin; the text names cause and remedy."""


def find_program(named: str, folder: Path) -> str:
    """Path of the program: the one that is named (option, TELLTALE_BIN, ini), else on PATH. MonitoringOff."""
    if named:
        path = os.path.expanduser(named)
        for candidate in (path, str(folder / path)):
            if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
                return os.path.abspath(candidate)
        found = shutil.which(named) if os.sep not in named else None
        if found:
            return found
        raise MonitoringOff(f"the program '{named}' is not there or cannot be run; set TELLTALE_BIN, --telltale-bin or the ini setting "
                            "telltale_bin to the telltale program")
    found = shutil.which("telltale")
    if not found:
        raise MonitoringOff("the program 'telltale' is not on PATH; install it, or name it with TELLTALE_BIN, --telltale-bin or the ini "
                            "setting telltale_bin")
    return found


def run_program(words: list, folder: Path, timeout: float, env: dict | None = None):
    """(exit code, standard output, standard error). MonitoringOff when it cannot run or does not end in time."""
    try:
        done = subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                              env={**os.environ, **(env or {})})
    except OSError as error:
        raise MonitoringOff(f"{words[0]} cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise MonitoringOff(f"`{' '.join([os.path.basename(words[0]), *words[1:3]])}` did not end within {timeout:.1f} s") from None
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


class Environment:
    """What `telltale config show environment --json` says."""

    def __init__(self, shown: dict):
        self.name = str(shown.get("name", ""))
        self.file = str(shown.get("file", ""))
        self.services = [service for service in shown.get("services") or [] if isinstance(service, dict) and service.get("name")]
        self.values = shown.get("values") or {}
        self.missing = [str(one.get("message", one)) if isinstance(one, dict) else str(one) for one in shown.get("missing") or []]
        self.missing_keys = [str(one.get("key", "")) for one in shown.get("missing") or [] if isinstance(one, dict)]
        self.warnings = [str(warning) for warning in shown.get("warnings") or []]

    def with_command(self) -> list:
        return [service for service in self.services if service.get("command")]

    def with_selector(self) -> list:
        return [service for service in self.services if service.get("selector")]


def environment_words(settings) -> list:
    """The options that choose an environment, for any subcommand."""
    return ([f"--env={settings.env}"] if settings.env else []) + ([f"--environments={settings.environments}"] if settings.environments else [])


def environment_wanted(settings) -> bool:
    return bool(settings.env or settings.environments or (settings.folder / "config" / "environments.yaml").is_file())


def read_environment(program: str, settings, timeout: float) -> Environment:
    """MonitoringOff with the program's own words."""
    code, output, trouble = run_program([program, "config", "show", "environment", "--json", *environment_words(settings)], settings.folder, timeout)
    if code != 0:
        raise MonitoringOff(first_lines(trouble) or f"`telltale config show` ended with {code}")
    try:
        shown = json.loads(output)
    except ValueError:
        raise MonitoringOff("`telltale config show environment --json` did not print JSON; is the program of another version?") from None
    return Environment(shown)


def first_lines(text: str, most: int = 3) -> str:
    """An error text of a command as one line."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return "; ".join(lines[:most]).removeprefix("telltale: ")


class EngineFinder:
    """Where the run's engine is: a given address, or the one that `telltale engine start` finds or starts.

    begin() returns at once. locate() is the events client's; it follows an engine that died and came back.
    """

    def __init__(self, settings, program: str):
        self._settings, self._program = settings, program
        self._fixed = Endpoint(settings.url, settings.token) if settings.url else None
        self._endpoint = self._fixed
        self._error = ""
        self._done = threading.Event()
        self._respawns = 0
        self.data = ""  # the engine's data folder, when it runs on this machine
        self.pid = 0
        self.started = False
        self.restarts = 0  # of engines that had died

    def begin(self) -> None:
        if self._fixed:
            self._done.set()
        else:
            threading.Thread(target=self._start, name="telltale-engine", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """False: it is not known yet. MonitoringOff: there will be none."""
        known = self._done.wait(seconds)
        if self._error:
            raise MonitoringOff(self._error)
        return known

    @property
    def endpoint(self) -> Endpoint | None:
        return self._endpoint

    def locate(self, failures: int) -> Endpoint | None:
        if self._fixed:
            return self._fixed
        if not self._done.is_set():
            raise WireError("`telltale engine start` has not found or started it yet")
        if self._error:
            raise WireError(self._error)
        if failures:
            self._look_again(failures)
        return self._endpoint

    def _start(self) -> None:
        try:
            self._take(start_engine(self._program, self._settings))
        except MonitoringOff as off:
            self._error = str(off)
        except Exception as error:  # anything else is a bug; it must not be a test's
            self._error = f"the engine could not be started: {error!r}"
        finally:
            self._done.set()

    def _take(self, about: dict) -> None:
        self._endpoint = Endpoint(str(about["url"]), str(about.get("token", "")))
        self.data, self.pid = str(about.get("data", "")), int(about.get("pid") or 0)
        self.started = bool(about.get("started"))

    def _look_again(self, failures: int) -> None:
        """The engine does not answer where it was: another may have taken its place; a dead one is started again."""
        about = read_engine_json(self.data)
        if about and int(about.get("pid") or 0) != self.pid:
            self._take({**about, "data": self.data})
            self.restarts += 1
        elif failures >= 2 and self._respawns < MAX_RESPAWNS and not is_alive(self.pid):
            self._respawns += 1
            try:
                self._take(start_engine(self._program, self._settings))
                self.restarts += 1
            except MonitoringOff as off:
                raise WireError(str(off)) from None


class EngineFollower:
    """The same for a worker: told by its controller (`about` of RunMonitor), kept up by the engine's own file. An engine that was still
    starting when the worker was made is asked for in the controller's way; only one is ever started."""

    def __init__(self, about: dict, settings):
        self._endpoint = Endpoint(about["url"], about["token"]) if about["url"] else None
        self._program, self._settings, self._data = about["program"], settings, about["data"]

    def locate(self, failures: int) -> Endpoint | None:
        if self._endpoint is None and self._program:
            try:
                found = start_engine(self._program, self._settings)
            except MonitoringOff as off:
                raise WireError(str(off)) from None
            self._endpoint, self._data = Endpoint(str(found["url"]), str(found.get("token", ""))), str(found.get("data", ""))
        elif failures:
            found = read_engine_json(self._data)
            if found:
                self._endpoint = Endpoint(str(found["url"]), str(found.get("token", "")))
        return self._endpoint


def start_engine(program: str, settings) -> dict:
    """What `telltale engine start --json` prints. MonitoringOff."""
    words = [program, "engine", "start", "--json", *environment_words(settings)] + ([f"--data={settings.data}"] if settings.data else [])
    code, output, trouble = run_program(words, settings.folder, ENGINE_START_SECONDS)
    if code != 0:
        raise MonitoringOff(first_lines(trouble) or f"`telltale engine start` ended with {code}")
    try:
        about = json.loads(output)
        Endpoint(str(about["url"]))
        return about
    except (ValueError, KeyError, TypeError):
        raise MonitoringOff("`telltale engine start --json` did not say where the engine is; is the program of another version?") from None


def read_engine_json(data: str) -> dict | None:
    if not data:
        return None
    try:
        about = json.loads((Path(data) / "engine.json").read_text(encoding="utf-8"))
        Endpoint(str(about["url"]))
        return about
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_alive(pid: int) -> bool:
    """Whether a process of that id runs; where that cannot be known, yes. One that has ended does not, although its number stays taken until
    somebody asks for its exit code: the first process of a container may do so late or never."""
    if pid <= 0 or os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return process_state(pid) not in ("Z", "X")


def process_state(pid: int) -> str:
    """The letter by which Linux names it; elsewhere nothing."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="latin-1").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""
