"""What is told of runs and tests: their logs, reports, errors; over HTTP, queries and the live stream alike."""
import asyncio
import json
import os
import signal
import time

import pytest
from engine import run_cli
from runner import Connection, RawConnection, Run, apart, append, post, raw_request, run_of, stamp, when
from test_http_contract import check_answer
from test_websocket_contract import Client, text


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
