"""Fixtures of the end-to-end tests: the real binary (TELLTALE_BIN), over HTTP and WebSocket only."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from engine import BINARY, Engine  # noqa: E402


def pytest_configure():
    if not pathlib.Path(BINARY).exists():
        pytest.exit(f"{BINARY} is not there; run `make build`, or name it with TELLTALE_BIN", returncode=1)


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
