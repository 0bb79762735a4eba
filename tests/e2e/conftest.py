"""Fixtures of the end-to-end tests: the real binary (TELLTALE_BIN), over HTTP and WebSocket only."""
import json
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from engine import BINARY, Engine  # noqa: E402
from launching import CommandRunner  # noqa: E402
from runner import Connection, Run, apart, append, stamp  # noqa: E402


def pytest_configure():
    if not pathlib.Path(BINARY).exists():
        pytest.exit(f"{BINARY} is not there; run `make build`, or name it with TELLTALE_BIN", returncode=1)


class Disk:
    """A small file system of its own, to be filled."""

    def __init__(self, folder, size):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "telltale-test", folder], capture_output=True, text=True)
        if mounted.returncode != 0:
            pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")

    def resize(self, size):
        subprocess.run(["mount", "-o", f"remount,size={size}", self.folder], check=True)

    def fill(self):
        """To the last byte."""
        with open(self.folder / "filler", "ab", buffering=0) as out:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        out.write(b"x" * size)
                except OSError:
                    continue

    def free(self):
        (self.folder / "filler").unlink()


@pytest.fixture
def make_disk():
    """make_disk(folder, size as mount(8) takes it). A test that has an engine there names this fixture before that of the engine, which ends
    first then."""
    made = []

    def make(folder, size):
        made.append(Disk(folder, size))
        return made[-1]

    yield make
    for disk in made:
        subprocess.run(["umount", "-l", disk.folder], check=True)


@pytest.fixture
def make_engine(tmp_path):
    """Makes engines that are stopped at the end, whatever happened. make_engine(**options of Engine)."""
    made = []

    def make(folder=None, **options):
        engine = Engine(folder or tmp_path, **options)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        if engine.child is not None:
            engine.stop()


@pytest.fixture
def engine(make_engine):
    """A running engine that watches tmp_path/logs/*.log."""
    return make_engine().start()


@pytest.fixture
def suite(engine):
    """One run with two tests one after the other and a third beside the second; a second run that watches another file."""
    run, other = Run("suite"), Run("elsewhere")
    with Connection(engine) as connection:
        services = [{"name": "shop", "files": [f"{engine.logs}/api.log"]}]
        connection.send(run.run, run.started(services=services), run.worker_started("gw0"), run.worker_started("gw1"))
        connection.send(other.run, other.started(services=[{"name": "bank", "files": [f"{engine.logs}/bank.log"]}]), other.worker_started())
        append(engine, "api.log", f"{stamp()} INFO before any test")
        engine.barrier()
        apart()
        connection.send(run.run, run.test_started("s.py::test_first", "gw0"))
        connection.send(other.run, other.test_started("s.py::test_first"))
        append(engine, "api.log", f"{stamp()} INFO first works", f"{stamp()} ERROR first fails")
        append(engine, "bank.log", f"{stamp()} ERROR no money")
        engine.barrier()
        apart()
        connection.send(other.run, other.test_finished("s.py::test_first"), other.worker_finished(), other.finished())
        connection.send(run.run, run.test_finished("s.py::test_first", "failed", "gw0"))
        apart()
        connection.send(run.run, run.test_started("s.py::test_second", "gw0"), run.test_started("s.py::test_third", "gw1"))
        apart()
        append(engine, "api.log", f"{stamp()} ERROR whose is it",
               json.dumps({"timestamp": stamp(), "level": "info", "message": "is certain", "test_id": run.id_of("s.py::test_third", "gw1")}))
        engine.barrier()
        apart()
        connection.send(run.run, run.test_finished("s.py::test_second", "passed", "gw0"), run.test_finished("s.py::test_third", "passed", "gw1"))
        apart()
        append(engine, "api.log", f"{stamp()} INFO after all tests")
        engine.barrier()
        apart()
        connection.send(run.run, run.worker_finished("gw0"), run.worker_finished("gw1"), run.finished("failed"))
    return engine, run, other


@pytest.fixture
def runner(engine, tmp_path):
    """Runs `telltale run` in a folder of its own with a running engine."""
    return CommandRunner(engine, tmp_path / "work")
