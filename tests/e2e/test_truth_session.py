"""Every line's test is known beforehand; what the engine says of them is compared with the truth (truth_session.py)."""
import re
import statistics

import pytest

from truth_session import MS, NS, Session, nanos_of, span_of, that_meet
from engine import wait_until

CERTAIN = {"id", "trace", "isolated", "sole"}
TOKEN = re.compile(r"\bL\d{6}\b")

CONFIG = """
version: 1
sources:
  files:
    - {{name: far, service: billing, paths: ["{logs}/far-*.log"], labels: {{host: far}}}}
    - {{name: near, paths: ["{logs}/*.log"], exclude: ["far-*.log"]}}
"""


def token_of(record):
    return TOKEN.search(record["content"]).group()


def attributions(engine, run, step=1):
    """Of each line that some test (of every `step`th) has: its record with what is said of it."""
    records, tests = {}, {}
    for test in every_test(engine, run)[::step]:
        cursor = None
        while True:
            page = engine.get(f"/api/v1/tests/{test['test']}/logs", limit=10000, **({"cursor": cursor} if cursor else {}))
            for record in page["records"]:
                token = token_of(record)
                before = records.setdefault(token, record)
                assert before["attribution"] == record["attribution"], "one line, one attribution"
                tests.setdefault(token, set()).add(test["test"])
            cursor = page["next_cursor"]
            if not cursor:
                break
    for token, record in records.items():
        named = set(record["attribution"]["tests"])
        assert tests[token] <= named, record
        assert step > 1 or named == tests[token], ("a line is in the logs of exactly the tests that it names", record, named - tests[token])
    return records


def every_test(engine, run):
    found, cursor = [], None
    while True:
        page = engine.get("/api/v1/tests", run=run, limit=1000, **({"cursor": cursor} if cursor else {}))
        found += page["tests"]
        cursor = page["next_cursor"]
        if not cursor:
            return found


def check_runs_end(engine, session):
    """Nothing is open, and what crashed ended when its connection was closed."""
    tests = wait_until(lambda: (found := every_test(engine, session.run.run)) and all(t["finished"] for t in found) and found, "end of all tests")
    assert {t["test"] for t in tests} == set(session.executions)
    for test in tests:
        execution = session.executions[test["test"]]
        assert (test["outcome"] == "crashed") == execution.crashed, test
        if not execution.crashed:
            continue
        ended = nanos_of(test["finished"])
        assert -1 * MS <= ended - execution.finished < 2 * NS, test
        execution.finished = ended
    run = engine.get(f"/api/v1/runs/{session.run.run}")
    assert run["state"] == "finished" and run["outcome"] == "failed" and run["tests"]["running"] == 0


class Judge:
    """Holds each line's attribution against the truth and the oracle."""

    def __init__(self, session, records, billing_doubt):
        self.session, self.records, self.billing_doubt = session, records, billing_doubt
        self.candidates, self.certain, self.alone, self.exact_alone, self.exact_certain, self.strays = [], 0, 0, 0, 0, 0

    def judge(self):
        for line in self.session.lines:
            record = self.records.get(line.token)
            if record is None:
                assert line.test is None, f"{line.token} of {line.service} ({line.kind}) is in no test's log"
            else:
                self.judge_line(line, record)

    def judge_line(self, line, record):
        said = record["attribution"]
        method, tests = said["method"], set(said["tests"])
        what = (line.token, line.service, line.kind, said, line.test and line.test.test)
        if line.test is None:
            # Between two tests. Only a clock that is in doubt may leave that open; then the one test near it is all that can be named.
            assert line.service == "billing" and tests <= that_meet(self.session.executions, span_of(line, record)), what
            self.strays += 1
            return
        assert line.test.test in tests, what
        if line.kind in ("id", "trace", "own"):
            assert tests == {line.test.test} and method == {"own": "isolated"}.get(line.kind, line.kind), what
        if line.kind == "node":
            assert {self.session.executions[t].node_id for t in tests} == {line.test.node_id}, what
        if line.kind == "worker":
            assert {self.session.executions[t].worker for t in tests} == {"gw3"}, what
        if method in CERTAIN:
            assert tests == {line.test.test}, what
            self.certain += 1
        else:
            self.candidates.append(len(tests))
        if line.kind in ("", "worker"):
            self.judge_by_time(line, record, tests, method, what)

    def judge_by_time(self, line, record, tests, method, what):
        meet = that_meet(self.session.executions, span_of(line, record))
        assert tests <= meet, what
        if line.shown is None:
            return
        self.alone += len(meet) == 1
        assert method in CERTAIN or len(meet) > 1, what
        # By the true time, with what no clock of its kind can leave open: the engine must not be vaguer than that.
        doubt = {"orders": 3 * MS, "gw3": 3 * MS, "billing": self.billing_doubt, "stock": NS + 3 * MS}[line.service]
        if len(that_meet(self.session.executions, (line.at - doubt, line.at + doubt))) == 1:
            self.exact_alone += 1
            self.exact_certain += method in CERTAIN


def check_clocks(session, records, expected_doubt):
    """What is said of clocks holds what they are."""
    for line in session.lines:
        clock = records.get(line.token, {"attribution": {}})["attribution"].get("clock")
        if line.service == "stock" and line.token in records:
            assert clock == {"offset_ms": 5000, "uncertainty_ms": 0, "method": "configured"}, clock
        if line.service != "billing" or line.token not in records:
            continue
        assert clock and clock["method"] == "estimated", clock
        assert abs(clock["offset_ms"] - line.offset / MS) <= clock["uncertainty_ms"], (clock, line.offset)
        assert clock["uncertainty_ms"] <= expected_doubt, clock


def check_queries(engine, session, records):
    """The labels of queries say the same as the tests' logs."""
    run = session.run.run
    for execution in list(session.executions.values())[::25]:
        mine = {t for t, r in records.items() if execution.test in r["attribution"]["tests"]}
        certain = {t for t in mine if records[t]["attribution"]["method"] in CERTAIN}
        assert {token_of(r) for r in engine.records(f'{{test="{execution.test}"}}')} == certain
        assert {token_of(r) for r in engine.records(f'{{test_candidate="{execution.test}"}}')} == mine - certain
    of_run = {token_of(r) for r in engine.records(f'{{run="{run}"}}')}
    assert of_run == {line.token for line in session.lines}
    assert engine.records('{source="lifecycle"}'), "events are there for who asks for them"


# A clock that is ahead is known well; one that seems behind may be right and its lines late, so the doubt is all of it.
@pytest.mark.parametrize("seed, billing_offset, expected_doubt", [(1, -3 * NS, 60), (2, 3 * NS, 1600)])
def test_every_line_is_given_to_its_test_or_said_to_be_unsure(make_engine, tmp_path, seed, billing_offset, expected_doubt):
    (tmp_path / "logs").mkdir()
    config = tmp_path / "telltale.yaml"
    config.write_text(CONFIG.format(logs=tmp_path / "logs"))
    engine = make_engine(patterns=[], options=["--config", config]).start()
    session = Session(engine, seed, billing_offset)
    session.play(serial=60, parallel=140, workers=8)
    engine.barrier()

    written = sorted(line.token for line in session.lines)
    assert sorted(token_of(r) for r in engine.records("{}")) == written, "none is lost, none is there twice"
    check_runs_end(engine, session)
    records = attributions(engine, session.run.run)
    check_clocks(session, records, expected_doubt)
    judge = Judge(session, records, 2 * expected_doubt * MS)
    judge.judge()
    check_queries(engine, session, records)

    assert judge.exact_alone > 50 and judge.alone > 50, (judge.exact_alone, judge.alone)
    share = judge.exact_certain / judge.exact_alone
    assert share >= 0.95, f"{judge.exact_certain} of {judge.exact_alone} lines outside of any overlap are certain"
    print(f"RESULT truth session {seed}: {len(session.lines)} lines, {len(session.executions)} tests, {judge.certain} certain, "
          f"{len(judge.candidates)} with candidates, {statistics.median(judge.candidates)} of them in the median; "
          f"{share:.1%} of lines outside of any overlap certain; {judge.strays} lines between tests that a doubtful clock puts near one")

    engine.stop()
    engine.start()
    again = attributions(engine, session.run.run, step=10)
    assert len(again) > 100
    assert {t: r["attribution"] for t, r in again.items()} == {t: records[t]["attribution"] for t in again}, "the same after a restart"
