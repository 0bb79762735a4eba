"""A loss that is known is a gap record, and whoever looks where it belongs meets it: one planted loss, seen from every side."""
import json
import os
import re
import signal
import subprocess
import urllib.request

import pytest
from engine import BINARY, Engine, run_cli, wait_until
from report_readers import properties, read_ctrf, read_junit
from runner import append, apart, stamp
from test_http_contract import check_answer
from test_run_files import Suite
from test_websocket_contract import validator

LOST = "x" * 57  # the beginning of a line: read, and waiting for its end
REASON = "truncated_before_read"
BEFORE, HIT, AFTER = (f"t.py::test_{name}" for name in ("before", "hit", "after"))


def metric(engine, name):
    """{labels as text: value}"""
    with urllib.request.urlopen(urllib.request.Request(engine.url + "/metrics", headers={"Authorization": f"Bearer {engine.token}"})) as answer:
        text = answer.read().decode()
    return {labels or "": float(value) for labels, value in re.findall(rf"^{name}(\{{.*\}})? (\S+)$", text, re.M)}


class Seen:
    """What there is after the loss: an engine, its run, what was shown live."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    seen = Seen()
    folder = tmp_path_factory.mktemp("gaps")
    seen.engine = engine = Engine(folder).start()
    tail = subprocess.Popen([BINARY, "tail", "--data", str(engine.data)], stdout=open(folder / "tail.out", "wb"), stdin=subprocess.DEVNULL)
    tail_json = subprocess.Popen([BINARY, "tail", "--json", "--data", str(engine.data)], stdout=open(folder / "tail.json", "wb"), stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: metric(engine, "telltale_live_subscribers").get("") == 2, "both subscribers")
        seen.suite = suite = Suite(engine, "suite", folder / "out", ["api"])
        lose_a_line(engine, suite, folder)
        suite.finish()
        seen.stored = os.path.getsize(engine.logs / "api.log")
        wait_until(lambda: b"after it" in (folder / "tail.out").read_bytes() and b"after it" in (folder / "tail.json").read_bytes(), "live lines")
        seen.tail = (folder / "tail.out").read_text()
        seen.tail_json = [json.loads(line) for line in (folder / "tail.json").read_text().splitlines()]
        yield seen
    finally:
        tail.kill()
        tail_json.kill()
        tail.wait()
        tail_json.wait()
        engine.stop()


def lose_a_line(engine, suite, folder):
    """Of three tests the middle one loses the beginning of a line to a truncation without a copy."""
    path = engine.logs / "api.log"
    suite.begin(BEFORE)
    append(engine, "api.log", f"{stamp()} INFO before it")
    engine.barrier()
    suite.end(BEFORE)
    suite.begin(HIT)
    apart()
    append(engine, "api.log", f"{stamp()} INFO during it")
    engine.barrier()
    begin = path.stat().st_size
    with open(path, "a") as file:
        file.write(LOST)
    wait_until(lambda: metric(engine, "telltale_source_lag_bytes").get('{source="file"}') == len(LOST), "bytes that are seen")
    os.truncate(path, 0)
    append(engine, "api.log", f"{stamp()} INFO anew")
    wait_until(lambda: engine.get("/api/v1/gaps")["gaps"], "gap")
    engine.barrier()
    suite.end(HIT, "failed")
    suite.begin(AFTER)
    apart()
    append(engine, "api.log", f"{stamp()} INFO after it")
    engine.barrier()
    suite.end(AFTER)
    suite.lost = (begin, begin + len(LOST))


def id_of(seen, node):
    return seen.suite.run.id_of(node)


def is_told(text, seen):
    """The words of a gap record: reason, about how many lines, which bytes, between when."""
    begin, end = seen.suite.lost
    return re.search(rf"gap: {REASON}, about \d+ lines?, bytes {begin} to {end} written between \S+ and \S+: 57B of \S+api\.log were not read", text)


def test_a_gap_has_reason_bounds_and_an_estimate(seen):
    answer = seen.engine.request("/api/v1/gaps")
    check_answer("/api/v1/gaps", "get", answer)
    gap, = answer.json()["gaps"]
    assert (gap["reason"], int(gap["from_byte"]), int(gap["to_byte"])) == (REASON, *seen.suite.lost)
    assert gap["lines"] in (1, 2), "57 bytes, where a line has about 40"
    test = seen.engine.get(f"/api/v1/tests/{id_of(seen, HIT)}")
    assert test["started"] < gap["from_time"] < gap["to_time"] < test["finished"]


@pytest.mark.parametrize("parameters, count", [
    ({"run": "suite"}, 1), ({"test": HIT}, 1), ({"test": BEFORE}, 0), ({"test": AFTER}, 0), ({"run": "suite", "test": HIT}, 1),
    ({"query": '{service="api"}'}, 1), ({"query": '{service="web"}'}, 0), ({"start": "2000-01-01T00:00:00Z"}, 1),
    ({"end": "2000-01-01T00:00:00Z"}, 0)])
def test_gaps_of_a_run_a_test_a_stream_and_a_time(seen, parameters, count):
    asked = {key: id_of(seen, value) if key == "test" else value for key, value in parameters.items()}
    assert len(seen.engine.get("/api/v1/gaps", **asked)["gaps"]) == count


@pytest.mark.parametrize("query, status", [("run=nobody", 404), ("test=0123", 404), ("query=%7B", 400), ("runs=suite", 400)])
def test_gaps_that_cannot_be_had_are_a_problem(seen, query, status):
    answer = seen.engine.request("/api/v1/gaps?" + query)
    assert answer.status == status, answer.body
    check_answer("/api/v1/gaps", "get", answer)


def test_queries_show_it_between_the_lines(seen):
    text = run_cli("query", '{service="api"}', "--data", seen.engine.data).stdout
    assert is_told(text, seen), text
    assert is_told(run_cli("query", '{service="api"} |= "nowhere"', "--data", seen.engine.data).stdout, seen), "it might have matched"
    records = [json.loads(line) for line in run_cli("query", '{service="api"}', "--json", "--data", seen.engine.data).stdout.splitlines()]
    gap, = [record for record in records if "gap" in record.get("flags", [])]
    assert gap["metadata"]["gap.reason"] == REASON and int(gap["metadata"]["gap.to_byte"]) == seen.suite.lost[1]
    assert "1 gaps" in run_cli("query", '{service="api"}', "--count", "--data", seen.engine.data).stdout


def test_live_views_show_it(seen):
    assert is_told(seen.tail, seen), seen.tail
    gap, = [record for record in seen.tail_json if "gap" in record.get("flags", [])]
    assert gap["metadata"]["gap.reason"] == REASON
    validator("from_engine").validate(gap)


def test_the_logs_of_the_test_it_meets_have_it_and_those_of_no_other(seen):
    hit = run_cli("logs", HIT, "--data", seen.engine.data).stdout
    assert is_told(hit, seen) and hit.index("during it") < hit.index("gap: ") < hit.index("anew"), hit
    for node in (BEFORE, AFTER):
        assert "gap: " not in run_cli("logs", node, "--data", seen.engine.data).stdout
    records = [json.loads(line) for line in run_cli("logs", HIT, "--json", "--data", seen.engine.data).stdout.splitlines()]
    assert len([record for record in records if "gap" in record.get("flags", [])]) == 1


def test_the_files_of_the_run_and_of_the_test_it_meets_have_it(seen):
    suite = seen.suite
    assert [bool(is_told(line, seen)) for line in suite.lines("api_realtime.log")].count(True) == 1
    stems = {node: f"{node.rsplit('::', 1)[1]}_1_master" for node in (BEFORE, HIT, AFTER)}
    head, *lines = suite.test_lines(stems[HIT])
    assert [bool(is_told(line, seen)) for line in lines].count(True) == 1 and "lines=2" in head, "a gap is no line"
    for node in (BEFORE, AFTER):
        assert not any("gap: " in line for line in suite.test_lines(stems[node]))


def test_the_run_has_it(seen):
    shown = seen.engine.get("/api/v1/runs/suite")
    gap, = shown["gaps"]
    assert [test["node_id"] for test in gap["tests"]] == [HIT] and gap["more_tests"] == 0
    assert gap["service"] == "api" and is_told(gap["text"], seen) and shown["more_gaps"] == 0
    text = run_cli("runs", "suite", "--data", seen.engine.data).stdout
    assert "gap in api: " in text and is_told(text, seen) and f"; tests: {HIT}\n" in text
    assert json.loads(run_cli("runs", "suite", "--json", "--data", seen.engine.data).stdout)["gaps"] == shown["gaps"]


def test_every_report_has_it(seen):
    reports = {kind: seen.engine.request(f"/api/v1/runs/suite/report?format={kind}").body for kind in ("text", "markdown", "junit", "ctrf", "json")}
    assert is_told(reports["text"].decode(), seen)
    assert is_told(reports["markdown"].decode(), seen)
    whole = read_junit(reports["junit"])[0]
    assert properties(whole)["pod_log_gaps"] == "1" and is_told(properties(whole)["pod_log_gap"], seen)
    assert {case.get("name"): properties(case).get("pod_log_gaps") for case in whole.iter("testcase")} == {"test_before": None, "test_hit": "1", "test_after": None}
    read_ctrf(json.loads(reports["ctrf"]))
    assert json.loads(reports["ctrf"])["results"]["summary"]["extra"]["podLogGaps"] == 1
    report = json.loads(reports["json"])
    assert is_told(report["gaps"][0]["text"], seen) and report["totals"]["gaps"] == 1
    assert {test["node_id"]: test.get("gaps") for test in report["tests"]} == {BEFORE: None, HIT: 1, AFTER: None}


def test_metrics_and_counts_have_it(seen):
    counted = metric(seen.engine, "telltale_source_gaps_total")
    assert counted == {f'{{reason="{REASON}",source="file"}}': 1.0}
    assert seen.engine.get("/api/v1/count", query='{service="api"}')["gaps"] == 1
    assert seen.engine.get("/api/v1/streams", query='{service="api"}')["streams"][0]["gaps"] == 1
    assert seen.engine.get("/api/v1/stats")["gaps"] == 1


def test_the_audit_knows_it_as_stated(seen):
    answer = seen.engine.request("/api/v1/runs/suite/audit")
    check_answer("/api/v1/runs/{run}/audit", "get", answer)
    audit = answer.json()
    found, = [one for one in audit["findings"] if one["kind"] == "gap"]
    assert (int(found["from_byte"]), int(found["to_byte"])) == seen.suite.lost
    assert [test["node_id"] for test in found["tests"]] == [HIT]
    assert audit["total"]["lost_bytes"] == 0 and audit["total"]["gaps"] == 1
    assert "1 stated gap (about " in run_cli("audit", "suite", "--data", seen.engine.data).stdout


def test_a_file_that_is_truncated_while_the_engine_stands_still_is_a_gap_of_what_was_known(engine):
    """What was read and what the gap states are all that was there; what was written after it is there."""
    path = engine.logs / "big.log"
    lines = 400_000
    text = "".join(f"line {number:07} of a file that is truncated while it is read\n" for number in range(lines))
    path.write_text(text)
    wait_until(lambda: engine.get("/api/v1/count", query="{}")["records"] > 0, "first lines", interval=0.001)
    os.kill(engine.pid, signal.SIGSTOP)
    os.truncate(path, 0)
    os.kill(engine.pid, signal.SIGCONT)
    append(engine, "big.log", "anew")
    wait_until(lambda: engine.lines('{} |= "anew"')[-1:] == ["anew"], "what comes after")
    engine.barrier()
    stored = engine.get("/api/v1/count", query='{} |= "line "')["records"]
    gaps = engine.get("/api/v1/gaps")["gaps"]
    if stored == lines:
        pytest.skip("the engine had read all of it before it could be stopped")
    gap, = gaps
    width = len(text) // lines
    assert (int(gap["from_byte"]), int(gap["to_byte"])) == (stored * width, len(text))
    assert gap["lines"] == lines - stored, "all lines are as long"
