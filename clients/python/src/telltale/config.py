"""The environments of config/environments.yaml, for tests and fixtures.

The telltale program reads the file (there is one reader of it): this module asks `telltale config show` and gets the secrets over a pipe of its
own, never over output, arguments or files. The program is the one of TELLTALE_BIN, else `telltale` on PATH.

    config = ConfigManager("new_production")
    config.get_database_config()["password"]
    config.get("mongodb.port")
"""
from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import threading
import warnings
from typing import Any

__all__ = ["ConfigError", "ConfigManager", "ConfigWarning"]

PROGRAM_SECONDS = 30.0
_SECRET = "$secret"
_DATABASE_KEYS = ("host", "port", "username", "password", "database", "auth_source", "connect_timeout_ms", "server_selection_timeout_ms",
                  "socket_timeout_ms", "tls")
_HOST_KEYS = ("host", "port", "username", "password", "key_file", "key_passphrase")
_KUBERNETES_KEYS = ("namespace", "context", "kubeconfig", "api_server", "in_cluster")


class ConfigError(Exception):
    """The environment, or a value of it, cannot be had; the text names the cause and its place. It never holds a secret."""


class ConfigWarning(UserWarning):
    """Something about the file that is allowed and not wise, such as a password in plain text."""


class ConfigManager:
    """One environment with all it inherits. It is read once, when the object is made.

    env: its name; else the environment's variable TELLTALE_ENV, the file's `default:`, or the only one of the file.
    environments: the file; else TELLTALE_ENVIRONMENTS, else config/environments.yaml below `folder` (default: the working folder).
    program: the telltale program.
    Raises ConfigError when there is no such file or environment, or when something in it is wrong. Variables and files of secrets that are
    not there are no error until a value needs them.
    """

    def __init__(self, env: str | None = None, *, environments: str | os.PathLike | None = None, folder: str | os.PathLike | None = None,
                 program: str | None = None):
        words = [_find_program(program), "config", "show", "environment", "--json"]
        words += [f"--env={env}"] if env else []
        words += [f"--environments={os.fspath(environments)}"] if environments else []
        shown, self._secrets = _ask(words, folder)
        self._values: dict = shown["values"]
        self._missing: list = shown["missing"]
        self.name: str = shown["name"]
        self.file: str = shown["file"]
        self.available: list = shown["available"]
        self.services: list = shown["services"]
        self.warnings: list = shown["warnings"]
        for text in self.warnings:
            warnings.warn(text, ConfigWarning, stacklevel=2)

    def get(self, path: str, default: Any = None) -> Any:
        """The value at a path such as "mongodb.port", "extra.urls[0]" or "ssh.target_host"; `default` when it is not given. Maps and lists
        are copies. ConfigError when it, or something in it, comes from a variable or file that is not there."""
        for key, value in _find(self._values, path):
            return self._resolved(value, key)
        return default

    def get_database_config(self) -> dict:
        """The section `mongodb`: host, port, username, password, database, auth_source, connect_timeout_ms, server_selection_timeout_ms,
        socket_timeout_ms, tls; None for what is neither given nor has a default. ConfigError without the section."""
        section = self._section("mongodb")
        return {key: section.get(key) for key in _DATABASE_KEYS}

    def get_ssh_config(self) -> dict:
        """The section `ssh`: enabled, connect_timeout_s, host_key, jump_host, target_host; a host is None when it is not given, else has host,
        port, username, password, key_file, key_passphrase. ConfigError without the section."""
        section = self._section("ssh")
        hosts = {name: _host(section.get(name)) for name in ("jump_host", "target_host")}
        return {**{key: section.get(key) for key in ("enabled", "connect_timeout_s", "host_key")}, **hosts}

    def get_kubernetes_config(self) -> dict:
        """The section `kubernetes`: namespace, context, kubeconfig, api_server, in_cluster. ConfigError without the section."""
        section = self._section("kubernetes")
        return {key: section.get(key) for key in _KUBERNETES_KEYS}

    def __repr__(self) -> str:
        return f"ConfigManager({self.name!r}, file={self.file!r})"

    def _section(self, name: str) -> dict:
        section = self.get(name)
        if not isinstance(section, dict):
            raise ConfigError(f"{self.file}: environment '{self.name}' has no section `{name}:`")
        return section

    def _resolved(self, value: Any, path: str) -> Any:
        if isinstance(value, dict):
            if set(value) == {_SECRET}:
                return self._secret(path)
            return {key: self._resolved(below, f"{path}.{key}") for key, below in value.items()}
        if isinstance(value, list):
            return [self._resolved(below, f"{path}[{place}]") for place, below in enumerate(value)]
        return copy.copy(value)

    def _secret(self, path: str) -> str:
        secret = self._secrets.get(path)
        if secret is not None:
            return secret
        for one in self._missing:
            if one["key"] == path:
                raise ConfigError(f"{one['file']}:{one['line']}: {path}: {one['message']}")
        raise ConfigError(f"{self.file}: {path}: the telltale program did not give its secret; is it of another version?")


def _host(given: dict | None) -> dict | None:
    return {key: given.get(key) for key in _HOST_KEYS} if given and given.get("host") else None


def _find(value: Any, path: str, at: str = ""):
    """The place and the value at `path` below `value`; keys that hold dots are found too."""
    if not path:
        yield at, value
    elif isinstance(value, list):
        number = re.match(r"\[(\d+)\]\.?", path)
        if number and int(number[1]) < len(value):
            yield from _find(value[int(number[1])], path[number.end():], f"{at}[{int(number[1])}]")
    elif isinstance(value, dict):
        for key, below in value.items():
            if path == key or path.startswith((key + ".", key + "[")):
                yield from _find(below, path[len(key):].removeprefix("."), f"{at}.{key}" if at else key)


def _find_program(named: str | None) -> str:
    wanted = named or os.environ.get("TELLTALE_BIN") or "telltale"
    found = shutil.which(os.path.expanduser(wanted))
    if not found:
        by_variable = not named and os.environ.get("TELLTALE_BIN")
        trouble = f"TELLTALE_BIN names '{wanted}', which" if by_variable else f"the program '{wanted}'"
        raise ConfigError(f"{trouble} is not there or cannot be run; install telltale, or name the program with TELLTALE_BIN")
    return found


def _ask(words: list, folder) -> tuple:
    """What the program shows, and the secrets by their path. The pipe's writing end is the program's alone."""
    reading, writing = os.pipe()
    secrets: list = []
    reader = threading.Thread(target=_read_all, args=(reading, secrets), name="telltale-config", daemon=True)
    reader.start()
    try:
        child = subprocess.run([*words, f"--secrets-fd={writing}"], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                               pass_fds=[writing], timeout=PROGRAM_SECONDS)
    except OSError as error:
        raise ConfigError(f"{words[0]} cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise ConfigError(f"`telltale config show` did not end within {PROGRAM_SECONDS:.0f} s") from None
    finally:
        os.close(writing)
    reader.join(PROGRAM_SECONDS)
    if child.returncode != 0:
        raise ConfigError(_cause(child.stderr) or f"`telltale config show` ended with {child.returncode}")
    try:
        return json.loads(child.stdout), json.loads(b"".join(secrets))
    except ValueError:
        raise ConfigError(f"{words[0]} did not answer `config show environment --json`; is it of another version?") from None


def _read_all(reading: int, parts: list) -> None:
    with open(reading, "rb") as pipe:
        parts.append(pipe.read())


def _cause(trouble: bytes) -> str:
    """The program's message as one text: its cause, then its remedy."""
    lines = [line.strip() for line in trouble.decode("utf-8", "replace").splitlines() if line.strip()]
    return ". ".join(lines).removeprefix("telltale: ").replace(":. ", ": ")
