"""What the documents promise of runs and tests over HTTP: events kept once, bad ones named, roles, lists."""

import pytest
from engine import run_cli, wait_until
from runner import Run, now, post, run_of, shown_test
from test_http_contract import OPENAPI, check, check_answer, check_problem

EVENTS = "/api/v1/runs/{run}/events"


# Events.


def test_events_and_answers_are_as_described(engine):
    run = Run("described")
    events = [run.started(command="pytest", folder="/tmp", host="h", environment="e", services=[{"name": "api", "files": [f"{engine.logs}/api*.log"]}]),
              run.worker_started("gw0"), run.test_started("a.py::test_a", "gw0", trace_id="0af7651916cd43dd8448eb211c80319c"),
              run.event("trace", test=run.id_of("a.py::test_a", "gw0"), trace_id="1af7651916cd43dd8448eb211c80319c"),
              run.event("isolation", labels={"service": "own"}, worker="gw0"),
              run.event("clock_offset", labels={"service": "api"}, offset_ms=-5000.5, uncertainty_ms=2, method="measured"),
              run.event("watch", services=[{"name": "db", "files": [f"{engine.logs}/db.log"], "clock_offset_ms": 3}]),
              run.test_finished("a.py::test_a", "failed", "gw0", message="assert 1 == 2",
                                phases=[{"name": "call", "outcome": "failed", "started": now(), "duration_ms": 1.25}]),
              run.worker_finished("gw0"), run.finished("failed", exit_code=1)]
    check(OPENAPI["components"]["schemas"]["Events"], {"events": events})
    answer = post(engine, run.run, {"events": events})
    check_answer(EVENTS, "post", answer)
    assert answer.status == 200 and answer.json()["accepted"] == len(events), answer.body
    for path in ("/api/v1/runs", "/api/v1/runs/{run}", "/api/v1/tests", "/api/v1/tests/{test}", "/api/v1/tests/{test}/logs"):
        real = engine.request(path.replace("{run}", run.run).replace("{test}", run.id_of("a.py::test_a", "gw0")))
        assert real.status == 200, real.body
        check_answer(path, "get", real)
    shown = run_of(engine, run.run)
    assert (shown["state"], shown["outcome"], shown["exit_code"], shown["ended_by"]) == ("finished", "failed", 1, None)
    assert shown["tests"]["total"] == 1 and shown["tests"]["by_outcome"]["failed"] == 1
    test = shown_test(engine, run.id_of("a.py::test_a", "gw0"))
    assert (test["outcome"], test["message"], test["duration_ms"], test["phases"][0]["duration_ms"]) == ("failed", "assert 1 == 2", 1.5, 1.25)
    assert test["trace_ids"] == ["0af7651916cd43dd8448eb211c80319c", "1af7651916cd43dd8448eb211c80319c"]


def test_the_examples_of_the_description_are_accepted(engine):
    examples = OPENAPI["paths"][EVENTS]["post"]["requestBody"]["content"]["application/json"]["examples"]
    for example in examples.values():
        check(OPENAPI["components"]["schemas"]["Events"], example["value"])
        assert post(engine, "example", example["value"]).json()["accepted"] == 3
    assert run_of(engine, "example")["outcome"] == "failed"


def test_a_body_that_comes_again_changes_nothing(engine):
    run = Run("again")
    body = {"events": [run.started(), run.worker_started(), run.test_started("t"), run.test_finished("t"), run.finished()]}
    assert post(engine, run.run, body).json()["accepted"] == 5
    before = run_of(engine, run.run), shown_test(engine, run.id_of("t"))
    again = post(engine, run.run, body).json()
    assert (again["accepted"], again["duplicates"]) == (0, 5)
    mixed = {"events": [body["events"][2], run.test_started("u"), run.test_finished("u", "skipped")]}
    answer = post(engine, run.run, mixed).json()
    assert (answer["accepted"], answer["duplicates"]) == (2, 1)
    assert shown_test(engine, run.id_of("t")) == before[1] and before[0]["tests"]["total"] == 1
    assert run_of(engine, run.run)["tests"]["total"] == 2


GOOD = {"id": "1", "type": "run_started", "time": "2026-11-25T08:03:12.123456789Z"}


@pytest.mark.parametrize("body,named", [
    (b"{", []), (b"[]", []), (b"\xff", []), (b"", []), ({}, ["events"]), ({"events": []}, ["1 to 1000"]), ({"events": [GOOD] * 1001}, ["1 to 1000"]),
    ({"events": [GOOD, 7]}, ["event 1"]),
    ({"events": [GOOD, {**GOOD, "id": "2", "type": "dance"}]}, ["event 1", "type", "dance", "run_started"]),
    ({"events": [{**GOOD, "id": "x" * 129}]}, ["event 0", "id", "128"]),
    ({"events": [{"type": "run_started", "time": GOOD["time"]}]}, ["event 0", "id"]),
    ({"events": [{**GOOD, "time": "yesterday"}]}, ["event 0", "time"]),
    ({"events": [{**GOOD, "mono_ns": "soon"}]}, ["event 0", "mono_ns"]),
    ({"events": [{**GOOD, "lifetime": "forever"}]}, ["event 0", "lifetime", "connection lease"]),
    ({"events": [{**GOOD, "services": [{"name": "a", "files": ["relative.log"]}]}]}, ["event 0", "services[0]", "relative.log"]),
    ({"events": [GOOD, {**GOOD, "id": "2", "type": "run_finished", "outcome": "good"}]}, ["event 1", "outcome", "passed failed"]),
    ({"events": [GOOD, {**GOOD, "id": "2", "type": "test_started", "test": "a b", "node_id": "n", "worker": "w"}]}, ["event 1", "test"]),
    ({"events": [GOOD, {**GOOD, "id": "2", "type": "test_started", "test": "t", "node_id": "n", "worker": "w", "file_stem": "../../etc"}]},
     ["event 1", "file_stem"]),
    ({"events": [GOOD, {**GOOD, "id": "2", "type": "isolation", "labels": {"a": "b"}}]}, ["event 1", "test"]),
])
def test_one_bad_event_refuses_the_whole_body_and_is_named(engine, body, named):
    answer = post(engine, "bad", body)
    assert answer.status == 400, answer.body
    problem = answer.json()
    check(OPENAPI["components"]["schemas"]["Problem"], problem)
    told = problem["detail"] + " " + problem["remedy"]
    for word in named:
        assert word in told, told
    check_problem(engine.request("/api/v1/runs/bad"), 404, "run_not_found")


def test_unknown_runs_tests_and_parameters(engine):
    run = Run("known")
    assert post(engine, run.run, {"events": [run.started()]}).status == 200
    other = Run("other")
    check_problem(post(engine, other.run, {"events": [other.test_started("t")]}), 404, "run_not_found")
    check_problem(post(engine, run.run, {"events": [run.test_finished("never started")]}), 404, "test_not_found")
    check_problem(post(engine, run.run, {"events": [run.started()]}), 409, "run_exists")
    assert post(engine, "no run id!".replace(" ", "%20"), {"events": [run.started()]}).status == 400
    check_problem(engine.request("/api/v1/runs/nobody"), 404, "run_not_found")
    check_problem(engine.request("/api/v1/runs/nobody/report"), 404, "run_not_found")
    check_problem(engine.request("/api/v1/tests/nobody"), 404, "test_not_found")
    check_problem(engine.request("/api/v1/tests/nobody/logs"), 404, "test_not_found")
    for path in ("/api/v1/runs?state=open", "/api/v1/runs?limit=0", "/api/v1/runs?limit=1001", "/api/v1/runs/known?wait_ms=5001",
                 "/api/v1/runs/known/report?format=pdf", "/api/v1/tests?outcome=good", "/api/v1/tests?limit=x", "/api/v1/tests/t/logs?format=xml",
                 "/api/v1/tests/t/logs?errors=yes", "/api/v1/tests/t/logs?limit=10001", "/api/v1/tests?matches=a"):
        check_problem(engine.request(path), 400, "invalid_argument")
    for path in ("/api/v1/runs?cursor=abc", "/api/v1/tests?cursor=abc", "/api/v1/tests/t/logs?cursor=abc"):
        check_problem(engine.request(path), 400, "cursor_invalid")
    check_problem(engine.request("/api/v1/runs/known/events"), 405, "method_not_allowed")


def test_roles(engine):
    tokens = {}
    for role in ("viewer", "ingester"):
        done = run_cli("--data", engine.data, "token", "create", role, "--role", role)
        tokens[role] = {"Authorization": f"Bearer {done.stdout.strip()}"}
    run = Run("roles")
    body = {"events": [run.started()]}
    wait_until(lambda: post(engine, run.run, body, token=False, headers=tokens["viewer"]).status == 403, "token that is known and may not push")
    assert post(engine, run.run, body, token=False, headers=tokens["ingester"]).json()["accepted"] == 1
    for path in ("/api/v1/runs", "/api/v1/runs/roles", "/api/v1/tests", "/api/v1/runs/roles/report"):
        assert engine.request(path, token=False, headers=tokens["viewer"]).status == 200, path
        assert engine.request(path, token=False, headers=tokens["ingester"]).status == 403, path
        assert engine.request(path, token=False).status == 401, path


def test_lists_are_paged_and_filtered_newest_first(engine):
    runs = [Run(f"run-{i}") for i in range(5)]
    for number, run in enumerate(runs):
        events = [run.started(), run.worker_started()]
        for name in ("a", "b"):
            events += [run.test_started(f"f.py::test_{name}"), run.test_finished(f"f.py::test_{name}", "failed" if name == "b" else "passed")]
        assert post(engine, run.run, {"events": events + ([run.finished()] if number % 2 else [])}).status == 200

    def pages(path, name, **parameters):
        found, cursor = [], None
        while True:
            answer = engine.get(path, limit=2, **parameters, **({"cursor": cursor} if cursor else {}))
            assert len(answer[name]) <= 2
            found += answer[name]
            cursor = answer["next_cursor"]
            if not cursor:
                return found

    assert [entry["run"] for entry in pages("/api/v1/runs", "runs")] == ["run-4", "run-3", "run-2", "run-1", "run-0"]
    assert [entry["run"] for entry in pages("/api/v1/runs", "runs", state="finished")] == ["run-3", "run-1"]
    tests = pages("/api/v1/tests", "tests")
    assert [(test["run"], test["name"]) for test in tests[:3]] == [("run-4", "test_b"), ("run-4", "test_a"), ("run-3", "test_b")] and len(tests) == 10
    assert [test["run"] for test in pages("/api/v1/tests", "tests", outcome="failed", match="test_b")] == [f"run-{i}" for i in (4, 3, 2, 1, 0)]
    assert [test["name"] for test in pages("/api/v1/tests", "tests", run="run-2", match="f.py")] == ["test_b", "test_a"]
    assert pages("/api/v1/tests", "tests", worker="gw7") == []
    assert len(pages("/api/v1/tests", "tests", match=runs[1].id_of("f.py::test_a"))) == 1
