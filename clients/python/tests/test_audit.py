"""The line of the audit at the end of a run, and that it can be turned off."""
import re

import pytest
from test_run import ENVIRONMENT, HELPERS, SUITE

from telltale.monitor.audit import audit_faults, audit_line
from telltale.monitor.controller import gap_line

CLEAN = {"run": "r1", "verdict": "clean", "streams": [{}] * 12, "total": {"lines": 48120}, "findings": []}
LOSS = {"kind": "loss", "service": "api", "from_byte": "10", "to_byte": "400", "lines": 3, "tests": [{"node_id": "t.py::a"}, {"node_id": "t.py::b"}],
        "more_tests": 2}


def test_what_is_whole_is_one_line():
    assert audit_line(CLEAN) == "12 streams, 48,120 lines, complete"
    assert audit_faults(CLEAN) == []


def test_what_is_wrong_is_counted_and_named_with_its_tests():
    audit = {**CLEAN, "verdict": "broken", "findings": [LOSS, {"kind": "gap"}],
             "total": {"lines": 5, "lost_lines": 3, "lost_bytes": 390, "repeated_bytes": 1, "changed_bytes": 7, "gaps": 1, "gap_lines": 2}}
    assert audit_line(audit) == ("12 streams, 5 lines, 3 lines (390 bytes) lost, 1 byte stored twice, 7 bytes changed since, "
                                 "1 stated gap (about 2 lines)")
    assert audit_faults(audit) == ["loss in api: bytes 10 to 400, 3 lines; tests: t.py::a, t.py::b and 2 more"]


def test_of_many_faults_the_first_are_shown():
    faults = audit_faults({**CLEAN, "findings": [LOSS] * 8, "more_findings": 4})
    assert len(faults) == 6 and faults[-1] == "… and 7 more: telltale audit r1"


def test_what_could_not_be_compared_is_not_called_complete():
    assert "complete" not in audit_line({**CLEAN, "verdict": "incomplete", "total": {"lines": 1, "unread_bytes": 9}})
    assert audit_line({**CLEAN, "total": {"lines": 1, "gone_bytes": 9}}).endswith("nothing missing in what is left, 9 bytes gone from the sources")


def test_a_gap_is_told_with_the_tests_it_meets():
    gap = {"service": "api", "text": "gap: truncated_before_read, about 3 lines", "from_time": "2026-11-25T08:03:12.123456789Z",
           "tests": [{"test": "00", "node_id": "t.py::a"}], "more_tests": 1}
    line = gap_line(gap)
    assert line.startswith("api: gap: truncated_before_read, about 3 lines (") and line.endswith("); tests: t.py::a and 1 more")


@pytest.fixture
def shop(suite):
    """The suite of the main job."""
    suite.write("config/environments.yaml", ENVIRONMENT)
    suite.write("conftest.py", HELPERS)
    suite.write("test_shop.py", SUITE)
    return suite


def test_a_run_ends_with_its_audit(shop):
    output = shop.run("--monitor-pods").output
    assert re.search(r"^Audit: 2 streams, 4 lines, complete$", output, re.M), output


def test_the_audit_can_be_turned_off(shop):
    assert "Audit:" not in shop.run("--monitor-pods", "--telltale-audit=off").output


# The service is in the middle of a line when its file is truncated; the engine's metrics say when it has seen the beginning.
LOSING = """
import json, os, re, time, urllib.request

def seen(count):
    about = json.load(open(os.path.join(os.environ["TELLTALE_DATA"], "engine.json")))
    request = urllib.request.Request(about["url"] + "/metrics", headers={"Authorization": "Bearer " + about["token"]})
    text = urllib.request.urlopen(request).read().decode()
    return f'telltale_source_lag_bytes{{source="file"}} {count}\\n' in text

def test_loses(service):
    service("api", "INFO begun")
    end = time.monotonic() + 20
    while not seen(0):
        assert time.monotonic() < end
    with open("logs/api.log", "a") as out:
        out.write("x" * 57)
    while not seen(57):
        assert time.monotonic() < end
    os.truncate("logs/api.log", 0)
    service("api", "INFO anew")
"""


def test_a_planted_loss_is_in_the_summary_and_in_the_audit(shop):
    shop.write("test_shop.py", LOSING)
    output = shop.run("--monitor-pods").output
    assert re.search(r"^Gaps: 1 \(lines may be missing\)$", output, re.M), output
    assert re.search(r"^  - api: gap: truncated_before_read, about \d+ lines?, bytes \d+ to \d+ .*; tests: test_shop.py::test_loses$", output, re.M), output
    assert re.search(r"^Audit: 1 stream, 2 lines, .*1 stated gap \(about \d+ lines?\)", output, re.M), output
