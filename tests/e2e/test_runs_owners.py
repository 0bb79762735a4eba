"""Who owns runs and tests: connections that close or are taken over, leases, engines and clients that die."""
import os
import signal
import time

import pytest
from engine import wait_until
from runner import Connection, RawConnection, Run, append, finished, raw_request, run_of, shown_test, stamp, when

FULL = os.environ.get("TELLTALE_FULL") == "1"


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
