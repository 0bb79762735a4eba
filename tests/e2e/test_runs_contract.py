"""What the documents promise of runs and tests over HTTP: events kept once, who owns what, what is said of each, the logs of a test."""
import asyncio
import json
import os
import signal
import time

import pytest
from engine import run_cli, wait_until
from runner import Connection, RawConnection, Run, append, apart, now, raw_request, stamp, when
from test_http_contract import OPENAPI, check, check_answer, check_problem
from test_websocket_contract import Client, text

FULL = os.environ.get("TELLTALE_FULL") == "1"
EVENTS = "/api/v1/runs/{run}/events"


def post(engine, run, body, **options):
    return engine.request(f"/api/v1/runs/{run}/events", "POST", body if isinstance(body, bytes) else json.dumps(body).encode(), **options)


def run_of(engine, run):
    return engine.get(f"/api/v1/runs/{run}")


def shown_test(engine, test):
    return engine.get(f"/api/v1/tests/{test}")


def finished(engine, path):
    return wait_until(lambda: (found := engine.get(path))["finished"] and found, f"end of {path}")


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


# Who owns what.


def test_a_connection_that_closes_ends_what_it_left_open(engine):
    run = Run("abandoned")
    controller, worker = Connection(engine), Connection(engine)
    controller.send(run.run, run.started())
    worker.send(run.run, run.worker_started("gw0"), run.test_started("done", "gw0"), run.test_finished("done", "passed", "gw0"), run.test_started("t", "gw0"))
    closed = time.time()
    worker.close()
    test = finished(engine, f"/api/v1/tests/{run.id_of('t', 'gw0')}")
    assert (test["outcome"], test["ended_by"]) == ("crashed", "connection_closed")
    assert abs(when(test["finished"]) - closed) < 1, "it ended when the connection was closed, not when it was given up"
    assert shown_test(engine, run.id_of("done", "gw0"))["outcome"] == "passed"
    shown = run_of(engine, run.run)
    assert shown["state"] == "running" and [(w["worker"], w["outcome"]) for w in shown["workers"]] == [("gw0", "crashed")]
    # The worker that xdist starts in its place.
    replacement = Connection(engine)
    replacement.send(run.run, run.worker_started("gw1"), run.test_started("u", "gw1"))
    controller.close()
    shown = finished(engine, f"/api/v1/runs/{run.run}")
    assert (shown["outcome"], shown["ended_by"]) == ("interrupted", "connection_closed")
    replacement.close()


def test_the_same_event_on_a_new_connection_takes_over(engine):
    kept, lost = Run("kept"), Run("lost")
    first = {run: Connection(engine) for run in (kept, lost)}
    own = {run: (run.started(), run.worker_started("gw0")) for run in (kept, lost)}
    for run, connection in first.items():
        connection.send(run.run, *own[run], run.test_started("t", "gw0"))
    for connection in first.values():
        connection.close()
    with Connection(engine) as second:
        assert second.send(kept.run, *own[kept])["duplicates"] == 2
        # The other was closed at the same time, and nobody came for it.
        finished(engine, f"/api/v1/runs/{lost.run}")
        assert run_of(engine, kept.run)["state"] == "running"
        assert shown_test(engine, kept.id_of("t", "gw0"))["finished"] is None
        second.send(kept.run, kept.test_finished("t", "passed", "gw0"), kept.worker_finished("gw0"), kept.finished())
    shown = run_of(engine, kept.run)
    assert (shown["outcome"], shown["ended_by"]) == ("passed", None)


def test_taken_over_before_the_old_connection_closes(engine):
    run, other = Run("overlap"), Run("marker")
    first, marker = Connection(engine), Connection(engine)
    start = run.started()
    first.send(run.run, start)
    marker.send(other.run, other.started())
    with Connection(engine) as second:
        second.send(run.run, start)
        first.close()
        marker.close()
        finished(engine, f"/api/v1/runs/{other.run}")
        assert run_of(engine, run.run)["state"] == "running"


def test_a_lease_ends_after_its_time_and_not_with_the_connection(engine):
    run, marker = Run("leased"), Run("marker")
    with Connection(engine) as connection, Connection(engine) as other:
        connection.send(run.run, run.started(lifetime="lease", lease_s=4), run.test_started("t"))
        other.send(marker.run, marker.started())
    finished(engine, f"/api/v1/runs/{marker.run}")
    assert run_of(engine, run.run)["state"] == "running", "the connection was closed as long ago as the marker's"
    shown = finished(engine, f"/api/v1/runs/{run.run}")
    assert (shown["outcome"], shown["ended_by"], shown_test(engine, run.id_of("t"))["outcome"]) == ("interrupted", "lease_expired", "crashed")


def test_stopping_the_engine_ends_no_run(engine):
    run = Run("survives")
    start = run.started()
    first = Connection(engine)
    first.send(run.run, start, run.worker_started(), run.test_started("t"))
    assert engine.stop() == 0
    engine.start()
    with Connection(engine) as second:
        assert run_of(engine, run.run)["state"] == "running"
        second.send(run.run, start, run.test_finished("t"), run.finished())
    assert (run_of(engine, run.run)["outcome"], shown_test(engine, run.id_of("t"))["outcome"]) == ("passed", "passed")


@pytest.mark.parametrize("killed", [False, True])
def test_finished_runs_are_known_at_once_after_a_start(engine, killed):
    runs = [Run(f"before-{i}") for i in range(40)]
    with Connection(engine) as connection:
        for run in runs:
            tests = [event for i in range(100) for event in (run.test_started(f"t{i}"), run.test_finished(f"t{i}"))]
            connection.send(run.run, run.started(), run.worker_started(), *tests, run.worker_finished(), run.finished())
    engine.kill() if killed else engine.stop()
    engine.start()
    assert len(engine.get("/api/v1/runs", limit=100)["runs"]) == 40
    assert shown_test(engine, runs[0].id_of("t7"))["outcome"] == "passed"


def test_kill_9_in_the_middle_of_a_run(engine):
    run = Run("killed")
    own = (run.started(), run.worker_started("gw0"))
    first = Connection(engine)
    first.send(run.run, *own, run.test_started("before", "gw0"), run.test_finished("before", "failed", "gw0"), run.test_started("during", "gw0"))
    engine.kill()
    append(engine, "api.log", f"{stamp()} ERROR while nobody looked")
    engine.start()
    with Connection(engine) as second:
        assert second.send(run.run, *own)["duplicates"] == 2
        assert shown_test(engine, run.id_of("during", "gw0"))["finished"] is None
        append(engine, "api.log", f"{stamp()} ERROR after it came back")
        engine.barrier()
        second.send(run.run, run.test_finished("during", "passed", "gw0"), run.worker_finished("gw0"), run.finished("failed"))
    shown = run_of(engine, run.run)
    assert (shown["outcome"], shown["ended_by"], shown["tests"]["by_outcome"]["failed"], shown["tests"]["by_outcome"]["passed"]) == ("failed", None, 1, 1)
    lines = engine.request(f"/api/v1/tests/{run.id_of('during', 'gw0')}/logs?format=text").body.decode()
    assert "while nobody looked" in lines and "after it came back" in lines


@pytest.mark.skipif(not FULL, reason="waits for half a minute: TELLTALE_FULL=1")
def test_runs_that_nobody_takes_up_after_a_restart_are_interrupted(engine):
    run = Run("forgotten")
    with Connection(engine) as connection:
        connection.send(run.run, run.started(), run.worker_started(), run.test_started("t"))
        engine.kill()
    engine.start()
    began = time.monotonic()
    wait_until(lambda: run_of(engine, run.run)["finished"], "end of the run", 60)
    assert 25 < time.monotonic() - began < 45
    shown = run_of(engine, run.run)
    assert (shown["outcome"], shown["ended_by"], shown_test(engine, run.id_of("t"))["outcome"]) == ("interrupted", "engine_restarted", "crashed")


@pytest.mark.skipif(not FULL, reason="waits for longer than a minute: TELLTALE_FULL=1")
def test_a_connection_that_owns_a_run_may_be_idle_for_long(engine):
    run = Run("debugged")
    with Connection(engine) as connection, Connection(engine) as idle:
        connection.send(run.run, run.started(), run.worker_started(), run.test_started("t"))
        assert idle.request("GET", "/api/v1/runs")[0] == 200
        idle.http.sock.settimeout(90)
        assert idle.http.sock.recv(1) == b"", "an ordinary one is closed"
        assert run_of(engine, run.run)["state"] == "running"
        connection.send(run.run, run.test_finished("t"), run.finished())


# Pipelining.


def test_pipelined_events_are_kept_in_order(engine):
    run = Run("pipelined")
    connection = RawConnection(engine)
    requests = [raw_request(engine, run.run, run.started(), run.worker_started())]
    for number in range(500):
        requests += [raw_request(engine, run.run, run.test_started(f"t{number}")), raw_request(engine, run.run, run.test_finished(f"t{number}"))]
    requests.append(raw_request(engine, run.run, run.finished()))
    connection.write(b"".join(requests))
    for _ in requests:
        status, answer = connection.read_answer()
        assert status == 200 and answer["duplicates"] == 0, answer
    shown = run_of(engine, run.run)
    assert (shown["outcome"], shown["tests"]["total"], shown["tests"]["by_outcome"]["passed"]) == ("passed", 500, 500)


@pytest.mark.parametrize("busy", [False, True])
def test_what_a_crashed_client_had_written_counts(engine, busy):
    """`busy`: the engine accepts the connection when its client is gone already."""
    run = Run("crashed")
    requests = [raw_request(engine, run.run, run.started(), run.worker_started())]
    for number in range(60):  # as much as the kernel holds for a reader that is not there yet
        requests += [raw_request(engine, run.run, run.test_started(f"t{number}")), raw_request(engine, run.run, run.test_finished(f"t{number}"))]
    requests.append(raw_request(engine, run.run, run.test_started("the one that crashes")))
    if busy:
        os.kill(engine.pid, signal.SIGSTOP)
    try:
        connection = RawConnection(engine)
        connection.write(b"".join(requests))
        connection.crash()
    finally:
        os.kill(engine.pid, signal.SIGCONT)
    wait_until(lambda: engine.request(f"/api/v1/runs/{run.run}").status == 200, "run")
    shown = finished(engine, f"/api/v1/runs/{run.run}")
    assert (shown["outcome"], shown["remote"], shown["tests"]["total"], shown["tests"]["by_outcome"]["passed"]) == ("interrupted", False, 61, 60)
    assert shown_test(engine, run.id_of("the one that crashes"))["outcome"] == "crashed"


# Logs.


def logs(engine, test, **parameters):
    answer = engine.request(f"/api/v1/tests/{test}/logs" + "".join(f"{'&' if i else '?'}{k}={v}" for i, (k, v) in enumerate(parameters.items())))
    assert answer.status == 200, answer.body
    check_answer("/api/v1/tests/{test}/logs", "get", answer)
    return answer


def test_the_logs_of_a_test(suite):
    engine, run, other = suite
    first, second, third = run.id_of("s.py::test_first", "gw0"), run.id_of("s.py::test_second", "gw0"), run.id_of("s.py::test_third", "gw1")
    answer = logs(engine, first).json()
    assert [record["content"] for record in answer["records"]] == ["first works", "first fails"] and answer["next_cursor"] is None
    assert all(record["attribution"] == {"method": "sole", "tests": [first]} for record in answer["records"])
    shared = logs(engine, second).json()["records"]
    assert [(record["content"], record["attribution"]["method"]) for record in shared] == [("whose is it", "candidates")]
    assert sorted(shared[0]["attribution"]["tests"]) == sorted([second, third])
    assert logs(engine, second, candidates="false").json()["records"] == []
    named = logs(engine, third).json()["records"]
    assert [(record["content"], record["attribution"]["method"]) for record in named] == [("whose is it", "candidates"), ("is certain", "id")]
    assert [record["content"] for record in logs(engine, first, errors="true").json()["records"]] == ["first fails"]
    assert [record["content"] for record in logs(engine, other.id_of("s.py::test_first")).json()["records"]] == ["no money"]
    ndjson = [json.loads(line) for line in logs(engine, first, format="ndjson").body.splitlines()]
    assert ndjson == answer["records"]
    plain = logs(engine, second, format="text").body.decode()
    assert plain.startswith("[shared] ") and plain.endswith("whose is it\n")
    file = logs(engine, second, format="file").body.decode()
    assert "[shop] [shared] " in file and file.startswith("[20"), file


def test_logs_are_paged(suite):
    engine, run, _ = suite
    first = run.id_of("s.py::test_first", "gw0")
    whole = logs(engine, first).json()["records"]
    page = logs(engine, first, limit=1).json()
    rest = logs(engine, first, limit=1, cursor=page["next_cursor"]).json()
    assert page["records"] + rest["records"] == whole
    lines = logs(engine, first, format="ndjson", limit=1)
    assert json.loads(lines.body) == whole[0]
    assert json.loads(logs(engine, first, format="ndjson", limit=1, cursor=lines.headers["Telltale-Next-Cursor"]).body) == whole[1]


def test_queries_and_the_live_stream_give_the_same_lines(suite):
    engine, run, _ = suite
    first, second = run.id_of("s.py::test_first", "gw0"), run.id_of("s.py::test_second", "gw0")

    async def live(query, count):
        async with Client(engine, query=query, tail=100) as client:
            return [text(record) for record in await client.records(count)]

    for query, expected in ((f'{{test="{first}"}}', logs(engine, first, candidates="false")), ('{test="s.py::test_first", run="suite"}', logs(engine, first)),
                            (f'{{test_candidate="{second}"}}', logs(engine, second))):
        wanted = [text(record) for record in expected.json()["records"]]
        assert wanted and engine.lines(query) == wanted
        assert asyncio.run(live(query, len(wanted))) == wanted
    in_run = ["before any test", "first works", "first fails", "whose is it", "after all tests"]
    assert [line.split(" ", 2)[2] for line in engine.lines('{run="suite"} != "certain"')] == in_run


def test_what_a_run_comes_to(suite):
    engine, run, other = suite
    shown = run_of(engine, run.run)
    assert (shown["records"], shown["errors"], shown["possible_errors"]) == (6, 2, 1)
    assert shown["services"] == [{"name": "shop", "streams": 1, "records": 6, "errors": 2}]
    found = {entry["node_id"]: (entry["errors"], entry["possible_errors"]) for entry in shown["tests_with_errors"]}
    assert found == {"s.py::test_first": (1, 0), "s.py::test_second": (0, 1), "s.py::test_third": (0, 1)}
    assert run_of(engine, other.run)["services"] == [{"name": "bank", "streams": 1, "records": 1, "errors": 1}]
    # A line that comes late is counted, in an answer that was given before.
    late = shown["finished"]
    append(engine, "api.log", f"{when_text(late, -0.001)} ERROR late")
    engine.barrier()
    assert run_of(engine, run.run)["errors"] == 3
    append(engine, "api.log", f"{stamp()} ERROR of nobody")
    engine.barrier()
    assert run_of(engine, run.run)["errors"] == 3


def when_text(rfc3339, shift):
    seconds = when(rfc3339) + shift
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1e6):06}Z"


def test_the_error_patterns_of_a_runs_services(make_engine, tmp_path):
    (tmp_path / "telltale.yaml").write_text(f"version: 1\nservices:\n  db: {{file: {tmp_path}/logs/db.log, error_patterns: {{add: [deadlock], ignore: [expected]}}}}\n")
    engine = make_engine(patterns=[tmp_path / "logs/api*.log"]).start()
    run, plain = Run("patterns"), Run("plain")
    patterns = {"add": ["connection refused"], "ignore": ["0 errors", "known noise"], "replace": []}
    blank = run.started(services=[{"name": "api", "error_patterns": {"ignore": [" "]}}])
    refused = post(engine, run.run, {"events": [blank]})
    assert refused.status == 400 and "services[0], error_patterns" in refused.json()["detail"] and "blank" in refused.json()["detail"], refused.body
    with Connection(engine) as connection:
        services = [{"name": "api", "files": [f"{engine.logs}/api*.log"], "error_patterns": patterns}, {"name": "db", "files": [f"{engine.logs}/db.log"]}]
        connection.send(run.run, run.started(services=services), run.worker_started(), run.test_started("t"))
        connection.send(plain.run, plain.started(services=[{**services[0], "error_patterns": {}}]))
        append(engine, "api.log", f"{stamp()} INFO Connection REFUSED by peer", f"{stamp()} ERROR known noise", f"{stamp()} INFO payment failed", f"{stamp()} INFO fine")
        append(engine, "db.log", f"{stamp()} INFO Deadlock found", f"{stamp()} INFO a timeout that is expected", f"{stamp()} ERROR expected too")
        engine.barrier()
        apart()
        connection.send(run.run, run.test_finished("t"), run.finished())
        connection.send(plain.run, plain.finished())
    shown = run_of(engine, run.run)
    assert {service["name"]: service["errors"] for service in shown["services"]} == {"api": 2, "db": 1} and shown["errors"] == 3
    assert [(test["errors"], test["possible_errors"]) for test in shown["tests_with_errors"]] == [(3, 0)]
    found = [record["content"] for record in logs(engine, run.id_of("t"), errors="true").json()["records"]]
    assert sorted(found) == ["Connection REFUSED by peer", "Deadlock found", "payment failed"]
    assert run_of(engine, plain.run)["errors"] == 2, "what capture found"
    report = engine.request(f"/api/v1/runs/{run.run}/report?format=text").body.decode()
    assert report.startswith("Monitored 1 test\nDetected 3 errors in pod logs"), report
    # What a service's own patterns in the engine's settings mark, queries find; the level stays what the program wrote.
    assert sorted(line.split(" ", 1)[1] for line in engine.lines('{service="db", error="true"}')) == ["ERROR expected too", "INFO Deadlock found"]
    done = run_cli("--data", engine.data, "runs", run.run, "--json", cwd=engine.folder)
    assert json.loads(done.stdout)["errors"] == 3
    assert engine.stop() == 0
    done = run_cli("--data", engine.data, "runs", run.run, "--json", cwd=engine.folder)
    assert json.loads(done.stdout)["errors"] == 3, "without an engine too"


@pytest.mark.parametrize("format,media", [("text", "text/plain"), ("markdown", "text/markdown"), ("junit", "application/xml"), ("ctrf", "application/json"),
                                          ("json", "application/json")])
def test_reports(suite, format, media):
    engine, run, _ = suite
    answer = engine.request(f"/api/v1/runs/{run.run}/report?format={format}")
    assert answer.status == 200 and answer.headers["Content-Type"].split(";")[0] == media
    check_answer("/api/v1/runs/{run}/report", "get", answer)
    assert "test_first" in answer.body.decode()


# Beside all that.


def test_events_of_runs_are_not_among_ordinary_lines(suite):
    engine, run, _ = suite
    assert not any("run_started" in line for line in engine.lines())
    events = [json.loads(line) for line in engine.lines('{source="lifecycle", instance="suite"}')]
    assert events[0]["type"] == "run_started" and events[-1]["type"] == "run_finished"
    assert engine.get("/api/v1/labels/service/values")["values"] == ["api", "bank"]
    assert {stream["labels"]["service"] for stream in engine.get("/api/v1/streams")["streams"]} == {"api", "bank"}


def test_runs_in_health_and_metrics(engine):
    with Connection(engine) as connection:
        run = Run("counted")
        connection.send(run.run, run.started(), run.worker_started())
        component = next(part for part in engine.get("/health")["components"] if part["name"] == "runs")
        assert component == {"name": "runs", "status": "healthy", "detail": "1 run is open"}
        metrics = engine.request("/metrics").body.decode()
        assert "\ntelltale_runs_open 1\n" in metrics
        assert "\ntelltale_runs_events_total 2\n" in metrics or 'telltale_runs_events_total{' in metrics


def test_many_runs_at_once(engine):
    runs = [Run(f"parallel-{i}") for i in range(8)]
    connections = [Connection(engine) for _ in runs]
    for run, connection in zip(runs, connections):
        service = {"name": run.run, "files": [f"{engine.logs}/{run.run}.log"]}
        connection.send(run.run, run.started(services=[service]), run.worker_started(), run.test_started("t"))
    for turn in range(20):
        for run in runs:
            append(engine, f"{run.run}.log", f"{stamp()} INFO {run.run} {turn}")
    engine.barrier()
    for run, connection in zip(runs, connections):
        connection.send(run.run, run.test_finished("t"), run.finished())
        connection.close()
    for run in runs:
        assert [record["content"] for record in logs(engine, run.id_of("t")).json()["records"]] == [f"{run.run} {turn}" for turn in range(20)]


def test_a_stopped_engine_answers_when_it_goes_on(engine):
    run = Run("paused")
    connection = RawConnection(engine)
    os.kill(engine.pid, signal.SIGSTOP)
    try:
        connection.write(raw_request(engine, run.run, run.started()) + raw_request(engine, run.run, run.finished()))
    finally:
        os.kill(engine.pid, signal.SIGCONT)
    assert [connection.read_answer()[0] for _ in range(2)] == [200, 200]
