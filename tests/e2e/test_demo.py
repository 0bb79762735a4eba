"""`make run`, as it is: a suite against three services that call each other; one test fails, and its own log says why."""
import os
import pathlib
import shutil
import subprocess

import pytest
from engine import BINARY

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not shutil.which("node") or subprocess.run(["perl", "-MHTTP::Daemon", "-e", "1"], capture_output=True).returncode != 0,
                    reason="node or perl's HTTP::Daemon is not here; run `make setup`")
def test_make_run_shows_the_main_job(tmp_path):
    """The script checks itself that every way to ask shows the same lines, and none of another test."""
    done = subprocess.run([str(ROOT / "tools" / "demo" / "run.sh")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=300, env={**os.environ, "TELLTALE_BIN": BINARY, "DEMO_FOLDER": str(tmp_path / "demo")})
    assert done.returncode == 0, done.stdout
    at = 0
    for text in ("Tests with pod errors: 1", "test_an_order_in_swiss_francs", "KeyError: 'CHF'", "All is as it should be."):
        at = done.stdout.find(text, at)
        assert at >= 0, f"no '{text}' in its turn:\n{done.stdout}"
