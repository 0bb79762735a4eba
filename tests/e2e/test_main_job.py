"""The main job: a line is written, captured, kept, found, and stays found."""
import contextlib
import json
import signal
import socket
import sqlite3
import urllib.request

from engine import run_cli, wait_until

SECRET = "hunter2" + "-long-enough-to-be-a-password"


def write(engine, name, *lines):
    with open(engine.logs / name, "a") as file:
        file.writelines(line + "\n" for line in lines)


def test_lines_of_three_formats_are_found_with_level_and_fields(engine):
    write(engine, "api.log", '{"timestamp":"2026-11-21T01:02:03.456Z","level":"ERROR","message":"payment failed","order_id":17}')
    write(engine, "worker.log", 'ts=2026-11-21T01:02:03Z level=warn msg="queue is long" depth=120')
    write(engine, "web.log", "2026-11-21 01:02:03,456 INFO started in 3 s")
    engine.barrier()
    found = {record["service_name"]: record for record in engine.records()}
    assert (found["api"]["level"], found["api"]["content"], found["api"]["metadata"]["order_id"]) == ("ERROR", "payment failed", 17)
    assert (found["worker"]["level"], found["worker"]["content"]) == ("WARNING", "queue is long")
    assert found["web"]["level"] == "INFO" and found["web"]["event_time"].startswith("2026-11-21T01:02:03.456")
    assert [finding["kind"] for finding in found["api"]["findings"]][:1] == ["severity"]


def test_selectors_filters_and_errors(engine):
    write(engine, "api.log", "INFO all good", "ERROR disk is gone", "INFO retry succeeded, 0 errors")
    write(engine, "db.log", "INFO checkpoint complete")
    engine.barrier()
    assert engine.lines('{service="db"}') == ["INFO checkpoint complete"]
    assert engine.lines('{service=~"a.+"} |= "disk"') == ["ERROR disk is gone"]
    assert engine.lines('{} != "INFO"') == ["ERROR disk is gone"]
    assert sorted(engine.lines('{} |~ "retry|checkpoint"')) == ["INFO checkpoint complete", "INFO retry succeeded, 0 errors"], "two streams have no order"
    assert engine.lines('{error="true"}') == ["ERROR disk is gone"]
    assert engine.lines('{severity>="error"}') == ["ERROR disk is gone"]
    assert engine.get("/api/v1/count", query="{}") == {"records": 4, "errors": 1, "gaps": 0}


def test_pages_give_each_record_once_in_both_directions(engine):
    write(engine, "many.log", *(f"INFO number {i}" for i in range(257)))
    engine.barrier()
    assert engine.lines(page=10) == [f"INFO number {i}" for i in range(257)]
    backward, cursor = [], None
    while True:
        answer = engine.get("/api/v1/query", limit=16, **({"cursor": cursor} if cursor else {}))
        backward += [record.get("line", record["content"]) for record in answer["records"]]
        cursor = answer["next_cursor"]
        if not cursor:
            break
    assert backward == [f"INFO number {i}" for i in reversed(range(257))]


def test_no_secret_reaches_disk_answers_or_log(engine):
    write(engine, "api.log", f'{{"level":"info","message":"login","password":"{SECRET}"}}', f"INFO connecting to postgres://app:{SECRET}@db/main")
    engine.barrier()
    lines = engine.lines()
    assert len(lines) == 2 and all("[REDACTED:" in line and SECRET not in line for line in lines)
    engine.stop()
    everything = b"".join(path.read_bytes() for path in engine.data.rglob("*") if path.is_file())
    assert SECRET.encode() not in everything and SECRET not in engine.log()


def test_command_line_asks_the_engine_and_then_the_folder(engine):
    write(engine, "api.log", "ERROR one", "INFO two")
    engine.barrier()

    def ask(*words):
        done = run_cli("--data", engine.data, "query", *words, cwd=engine.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    online = [ask("--oldest-first"), ask("--oldest-first", "--json"), ask("--count", '{service="api"}'), ask("--count", "--json")]
    assert "ERROR one" in online[0] and online[2] == "2 records, 1 with errors, 0 gaps\n"
    assert engine.stop() == 0
    offline = [ask("--oldest-first"), ask("--oldest-first", "--json"), ask("--count", '{service="api"}'), ask("--count", "--json")]
    assert offline[0] == online[0] and offline[2:] == online[2:]
    assert [json.loads(line) for line in offline[1].splitlines()] == [json.loads(line) for line in online[1].splitlines()]


def test_stopped_and_started_again_it_goes_on_where_it_was(make_engine):
    engine = make_engine().start()
    write(engine, "api.log", "INFO first")
    engine.barrier()
    assert engine.stop(signal.SIGINT) == 0
    write(engine, "api.log", "INFO second")
    engine.start()
    engine.barrier()
    assert engine.lines() == ["INFO first", "INFO second"]


def test_second_engine_on_the_same_data_names_the_first(engine):
    done = run_cli("serve", "--data", engine.data, "--port", "0", cwd=engine.folder)
    assert done.returncode == 1 and str(engine.pid) in done.stderr, done.stderr


def test_store_commands(engine):
    write(engine, "api.log", *(f"INFO {i}" for i in range(100)))
    engine.barrier()
    engine.stop()
    verified = run_cli("--data", engine.data, "store", "verify")
    assert verified.returncode == 0 and "100 records" in verified.stdout and "whole" in verified.stdout
    stats = run_cli("--data", engine.data, "store", "stats", "--json")
    assert json.loads(stats.stdout)["records"] == 100
    segment = sorted((engine.data / "segments").iterdir())[0]
    damaged = bytearray(segment.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    segment.write_bytes(damaged)
    found = run_cli("--data", engine.data, "store", "verify")
    assert found.returncode == 3 and segment.name in found.stderr, found.stdout + found.stderr


def test_tokens_are_made_used_and_revoked(engine):
    made = {}
    for role in ("viewer", "ingester"):
        done = run_cli("--data", engine.data, "token", "create", f"ci {role}", "--role", role)
        assert done.returncode == 0, done.stderr
        made[role] = {"Authorization": f"Bearer {done.stdout.strip()}"}

    def count(role):
        return engine.request("/api/v1/count", headers=made[role], token=False).status

    wait_until(lambda: count("viewer") == 200, "accepted token")
    wait_until(lambda: count("ingester") == 403, "token that is known and may not read")
    listed = json.loads(run_cli("--data", engine.data, "token", "list", "--json").stdout)
    assert [entry["name"] for entry in listed] == ["ci viewer", "ci ingester"] and "tt_" not in json.dumps(listed)
    assert run_cli("--data", engine.data, "token", "revoke", listed[0]["id"]).returncode == 0
    wait_until(lambda: count("viewer") == 401, "refused token")
    unknown = run_cli("--data", engine.data, "token", "revoke", "nobody")
    assert unknown.returncode == 1 and "nobody" in unknown.stderr


def test_a_token_with_a_scope_is_told_why_it_opens_nothing(engine):
    """Scopes are kept and not enforced yet; such a token comes from a later version."""
    token = run_cli("--data", engine.data, "token", "create", "ci").stdout.strip()
    with contextlib.closing(sqlite3.connect(engine.data / "catalog.sqlite", isolation_level=None)) as catalog:
        catalog.execute("UPDATE tokens SET scope = '{service=\"api\"}'")

    def count():
        return engine.request("/api/v1/count", headers={"Authorization": f"Bearer {token}"}, token=False)

    wait_until(lambda: count().status == 403, "refusal of the token with a scope")
    problem = count().json()
    assert "limited to {service=" in problem["detail"] and "without a scope" in problem["remedy"]


def test_streams_tell_how_much_they_hold(engine):
    write(engine, "api.log", "INFO one", "ERROR two")
    engine.barrier()
    stream, = engine.get("/api/v1/streams", query='{service="api"}')["streams"]
    assert (stream["records"], stream["errors"], stream["gaps"]) == (2, 1, 0)
    assert stream["first_observed"] <= stream["last_observed"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_health_and_metrics_ports(make_engine):
    health, metrics = free_port(), free_port()
    make_engine(health_port=health, metrics_port=metrics).start()
    with urllib.request.urlopen(f"http://127.0.0.1:{health}/health", timeout=10) as answer:
        assert json.load(answer)["status"] == "healthy"
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    for name in ("process_open_fds", "process_resident_memory_bytes", "telltale_pipeline_lines_total", "telltale_http_requests_total"):
        assert f"\n{name}" in text, name


def test_a_secondary_port_that_is_taken_warns(make_engine):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        engine = make_engine(metrics_port=taken.getsockname()[1]).start()
        assert engine.get("/health")["status"] == "healthy"
        wait_until(lambda: "warning  server.metrics_port" in engine.log(), "warning")
