"""ConfigManager against the real program."""
import os
import subprocess
import sys
import threading
import warnings

import pytest

from engine import BINARY
from telltale.config import ConfigError, ConfigManager, ConfigWarning

FILE = """\
default: new_production
defaults:
  monitoring: {services: [{name: api, file: logs/api.log, clock_offset: 2s}]}
new_production:
  mongodb: {host: db.example, username: tester, password: "${MONGO_PASSWORD}", database: prisma, auth_source: prisma}
  ssh:
    jump_host: 10.0.0.2
    target_host: {host: worker-1, username: root, password: "${file:secrets/ssh}"}
  kubernetes: {namespace: panda, context: "${CONTEXT:-prod}"}
  checks: {expect: {"mongodb.port": 27017}, kubernetes: {pods: [{pattern: "focus-*"}]}}
  extra: {url: "https://user:${MONGO_PASSWORD}@x", tries: 3, ratio: 0.5, strict: true, names: [a, "${NOT_SET}"], nested: {deep: "1"}}
plain:
  mongodb: {host: h, password: hunter2}
empty: {}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with an environments file, which is the working folder."""
    if not os.path.exists(BINARY):
        pytest.skip(f"{BINARY} is not there; run `make build`, or name it with TELLTALE_BIN")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "environments.yaml").write_text(FILE)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "ssh").write_text("of-the-file\n")
    for name in ("TELLTALE_ENV", "TELLTALE_ENVIRONMENTS", "CONTEXT", "NOT_SET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TELLTALE_BIN", BINARY)
    monkeypatch.setenv("MONGO_PASSWORD", "p w\u00e9\"\\")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_sections_come_as_dicts_with_their_secrets_and_defaults(project):
    config = ConfigManager("new_production")
    assert config.get_database_config() == {
        "host": "db.example", "port": 27017, "username": "tester", "password": "p w\u00e9\"\\", "database": "prisma", "auth_source": "prisma",
        "connect_timeout_ms": 10000, "server_selection_timeout_ms": 10000, "socket_timeout_ms": 10000, "tls": False}
    nothing = {"username": None, "password": None, "key_file": None, "key_passphrase": None}
    assert config.get_ssh_config() == {
        "enabled": True, "connect_timeout_s": 5, "host_key": "strict", "jump_host": {**nothing, "host": "10.0.0.2", "port": 22},
        "target_host": {**nothing, "host": "worker-1", "port": 22, "username": "root", "password": "of-the-file"}}
    assert config.get_kubernetes_config() == {"namespace": "panda", "context": "prod", "kubeconfig": None, "api_server": None, "in_cluster": False}


def test_get_walks_a_path(project):
    config = ConfigManager()
    assert config.name == "new_production" and config.available == ["new_production", "plain", "empty"]
    assert config.file == str(project / "config" / "environments.yaml")
    assert config.get("mongodb.port") == 27017
    assert config.get("extra.tries") == 3 and config.get("extra.ratio") == 0.5 and config.get("extra.strict") is True
    assert config.get("extra.url") == "https://user:p w\u00e9\"\\@x"
    assert config.get("extra.names[0]") == "a" and config.get("extra.names[2]", "none") == "none"
    assert config.get("extra.nested") == {"deep": "1"}
    assert config.get("checks.expect.mongodb.port") == 27017, "keys may hold dots"
    assert config.get("checks.kubernetes.pods[0].pattern") == "focus-*"
    assert config.get("checks.kubernetes.pods[0].min") == 1, "a default"
    assert config.get("mongodb.nothing") is None and config.get("mongodb.nothing", 5) == 5 and config.get("mongodb.port.x", 6) == 6
    config.get("extra.nested")["deep"] = "changed"
    assert config.get("extra.nested.deep") == "1", "what is returned is a copy"
    [service] = config.services
    assert service["files"] == [str(project / "logs" / "api.log")] and service["clock_offset_ms"] == 2000


def test_a_missing_secret_is_named_when_it_is_needed(project, monkeypatch):
    monkeypatch.delenv("MONGO_PASSWORD")
    config = ConfigManager("new_production")
    assert config.get("mongodb.host") == "db.example"
    for ask in (config.get_database_config, lambda: config.get("mongodb"), lambda: config.get("mongodb.password")):
        with pytest.raises(ConfigError) as error:
            ask()
        assert str(error.value) == "config/environments.yaml:5: mongodb.password: MONGO_PASSWORD env var not set"
    assert config.get_kubernetes_config()["namespace"] == "panda", "other sections can be used"
    with pytest.raises(ConfigError, match="NOT_SET env var not set"):
        config.get("extra.names")
    (project / "secrets" / "ssh").unlink()
    with pytest.raises(ConfigError, match=r"ssh.target_host.password: the file of \$\{file:...\} cannot be used"):
        ConfigManager("new_production").get_ssh_config()


def test_the_choice_is_the_programs(project, monkeypatch):
    monkeypatch.setenv("TELLTALE_ENV", "empty")
    assert ConfigManager().name == "empty"
    with pytest.raises(ConfigError) as error:
        ConfigManager("nowhere")
    assert str(error.value).startswith("Environment 'nowhere' not found in config. Available: [new_production, plain, empty]")
    with pytest.raises(ConfigError, match="environment 'empty' has no section `mongodb:`"):
        ConfigManager().get_database_config()
    (project / "other.yaml").write_text("only: {kubernetes: {namespace: n}}\n")
    monkeypatch.delenv("TELLTALE_ENV")
    assert ConfigManager(environments="other.yaml").get("kubernetes.namespace") == "n"
    assert ConfigManager(folder=project, environments=project / "other.yaml").name == "only"


def test_what_is_wrong_with_the_file_is_said_in_the_programs_words(project):
    (project / "config" / "environments.yaml").write_text("a: {mongodb: {prot: 1}}\n")
    with pytest.raises(ConfigError) as error:
        ConfigManager("a")
    assert str(error.value).startswith("config/environments.yaml:1: mongodb.prot: is not a setting; did you mean mongodb.port?")
    (project / "config" / "environments.yaml").unlink()
    with pytest.raises(ConfigError, match="^Configuration file not found: config/environments.yaml"):
        ConfigManager("a")


def test_a_password_in_plain_text_is_given_and_warned_of(project):
    with pytest.warns(ConfigWarning, match="mongodb.password: stands in the file in plain text"):
        config = ConfigManager("plain")
    assert config.get_database_config()["password"] == "hunter2"
    assert "hunter2" not in repr(config)


def test_nothing_is_warned_of_when_nothing_is_to_be(project):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ConfigManager("new_production")


def test_without_a_program_the_remedy_is_named(project, monkeypatch):
    monkeypatch.setenv("TELLTALE_BIN", "/nowhere/telltale")
    with pytest.raises(ConfigError, match="TELLTALE_BIN names '/nowhere/telltale'"):
        ConfigManager("empty")
    monkeypatch.delenv("TELLTALE_BIN")
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(ConfigError, match="^the program 'telltale' is not there or cannot be run; install telltale, or name the program"):
        ConfigManager("empty")
    (project / "telltale").write_text("#!/bin/sh\necho no JSON\n")
    (project / "telltale").chmod(0o755)
    with pytest.raises(ConfigError, match="is it of another version"):
        ConfigManager("empty")


def test_secrets_larger_than_a_pipe_arrive(project):
    (project / "secrets" / "ssh").write_text("x" * 65_000)
    (project / "config" / "environments.yaml").write_text(
        "e: {extra: {all: [" + ", ".join(["\"${file:secrets/ssh}\""] * 5) + "]}}\n")
    assert ConfigManager().get("extra.all") == ["x" * 65_000] * 5


def test_it_leaves_no_descriptors_and_can_be_used_from_threads(project):
    before = len(os.listdir("/proc/self/fd"))
    names = []
    threads = [threading.Thread(target=lambda: names.append(ConfigManager("empty").name)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == ["empty"] * 4
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_secrets_are_in_no_output(project, words):
    """Also not when they cannot be delivered."""
    for descriptor in ([], ["--secrets-fd=1"], ["--secrets-fd=99"]):
        done = subprocess.run([BINARY, "config", "show", "--env", "new_production", *words, *descriptor], capture_output=True, text=True)
        assert done.returncode == (2 if descriptor else 0)
        assert "p w" not in done.stdout + done.stderr and "of-the-file" not in done.stdout + done.stderr
    with open(project / "out", "wb") as out:
        done = subprocess.run([BINARY, "config", "show", "environment", *words, f"--secrets-fd={out.fileno()}"], pass_fds=[out.fileno()],
                              capture_output=True, text=True)
    assert done.returncode == 2 and "must be an inherited pipe or socket" in done.stderr
    assert (project / "out").read_bytes() == b""


@pytest.mark.skipif(sys.version_info < (3, 10), reason="Python 3.9 has no list of its modules")
def test_only_the_standard_library_is_imported(project):
    code = ("import sys; before = set(sys.modules); import telltale.config; "
            "print(sorted({m.split('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names) - {'telltale'}))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.stdout.strip() == "[]", done.stderr
