"""Tests of the Python client: its parts against servers that misbehave, the plugin in a real pytest against the real engine."""
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
for folder in (HERE, HERE.parent / "src", ROOT / "tests" / "e2e"):
    sys.path.insert(0, str(folder))

from engine import BINARY, Engine  # noqa: E402
from suites import Suite, make_installation, plugin_is_installed  # noqa: E402

pytest_plugins = ["pytester"]


@pytest.fixture(scope="session")
def installation(tmp_path_factory):
    """Folders for PYTHONPATH with which pytest finds the plugin by its entry point."""
    return [] if plugin_is_installed() else make_installation(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def suite(tmp_path, installation):
    """A suite in tmp_path/suite; the telltale program is the real one, each suite has a data folder of its own."""
    made = Suite(tmp_path / "suite", installation)
    made.env = {"TELLTALE_BIN": BINARY, "TELLTALE_DATA": str(tmp_path / "data"), "HOME": str(tmp_path)}
    return made


@pytest.fixture
def make_suite(tmp_path, installation):
    def make(name):
        made = Suite(tmp_path / name, installation)
        made.env = {"TELLTALE_BIN": BINARY, "TELLTALE_DATA": str(tmp_path / "data"), "HOME": str(tmp_path)}
        return made

    return make


@pytest.fixture
def make_engine(tmp_path):
    """Real engines that are stopped at the end, whatever happened."""
    if not os.path.exists(BINARY):
        pytest.skip(f"{BINARY} is not there; run `make build`, or name it with TELLTALE_BIN")
    made = []

    def make(folder=None, **options):
        engine = Engine(folder or tmp_path, **options)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        if engine.child is not None:
            engine.child.send_signal(18)  # SIGCONT: a stopped one could not end
            engine.stop()


@pytest.fixture
def engine(make_engine):
    return make_engine().start()
