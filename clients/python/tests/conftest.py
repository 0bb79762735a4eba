"""Tests of the Python client: its parts against servers that misbehave, the plugin in a real pytest against the real engine."""
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
for folder in (HERE, HERE.parent / "src", ROOT / "tests" / "e2e"):
    sys.path.insert(0, str(folder))

from api import Api  # noqa: E402
from engine import BINARY, Engine  # noqa: E402
from suites import Installation, Suite  # noqa: E402

pytest_plugins = ["pytester"]


@pytest.fixture(scope="session")
def installation(tmp_path_factory):
    return Installation(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def api(tmp_path):
    """The engine that the suites of this test find or start by their data folder; ended with the test."""
    made = Api(tmp_path / "data")
    yield made
    made.stop()


@pytest.fixture
def make_suite(tmp_path, installation, api):
    """Suites in folders of their own that share a data folder. The telltale program is the real one."""
    made = []

    def make(name):
        suite = Suite(tmp_path / name, installation)
        suite.env = {"TELLTALE_BIN": BINARY, "TELLTALE_DATA": str(api.folder), "HOME": str(tmp_path)}
        made.append(suite)
        return suite

    yield make
    for suite in made:
        suite.end()


@pytest.fixture
def suite(make_suite):
    return make_suite("suite")


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
