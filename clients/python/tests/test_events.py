"""The events connection against engines that misbehave."""
import os
import socket
import threading
import time

import pytest
from scripted_engine import ScriptedEngine
from telltale.monitor import events as events_module
from telltale.monitor.budget import Budget
from telltale.monitor.events import EventClient
from telltale.monitor.link import Link
from telltale.monitor.outbox import EventMaker
from telltale.monitor.wire import Endpoint


@pytest.fixture
def engine():
    made = ScriptedEngine()
    yield made
    made.close()


@pytest.fixture
def make_client():
    made = []

    def make(url, **options):
        client = EventClient("run-1", lambda failures: Endpoint(url, "token") if url else None, **options)
        client.start()
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


MAKER = EventMaker("test")


def started(n, owner=False):
    return MAKER.make("test_started", owner=owner, test=f"{n:016x}")


def test_an_event_is_in_the_kernels_hands_when_send_returns(make_client):
    """Nobody reads, no thread of ours helps: what arrives was written by send() itself."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = make_client(f"http://127.0.0.1:{listener.getsockname()[1]}")
        connection, _ = listener.accept()
        deadline = time.monotonic() + 10
        while client.endpoint is None:
            assert time.monotonic() < deadline
        assert client.send(started(1))
        connection.settimeout(5)
        received = connection.recv(65536)
        assert received.startswith(b"POST /api/v1/runs/run-1/events HTTP/1.1\r\n") and b"Bearer token" in received
        assert received.endswith(b"]}") and b"test_started" in received
        connection.close()


def test_requests_are_pipelined_and_all_are_answered(engine, make_client):
    client = make_client(engine.url)
    for n in range(300):
        client.send(started(n))
    assert client.wait_answered(20)
    assert [event["test"] for event in engine.events] == [f"{n:016x}" for n in range(300)]
    assert engine.connections == 1


def test_after_a_cut_connection_all_arrive_with_the_same_ids_and_the_owner_comes_first(engine, make_client):
    answers = {3: "close"}
    engine.script = lambda number, events: answers.get(number)
    client = make_client(engine.url)
    client.send(started(0, owner=True))
    assert client.wait_answered(10)
    for n in range(1, 6):
        client.send(started(n))
        client.wait_written(10)
    assert client.wait_answered(20)
    assert len(engine.ids()) == 6
    assert engine.connections == 2
    first_again = engine.events[3:]
    assert first_again[0]["test"] == f"{0:016x}"
    assert client.lost == 0


def test_half_an_answer_is_no_answer(engine, make_client):
    engine.script = lambda number, events: "cut" if number == 1 else None
    client = make_client(engine.url)
    client.send(started(1))
    assert client.wait_answered(20)
    assert [event["test"] for event in engine.events] == [f"{1:016x}"] * 2


def test_a_lost_engine_is_found_again_where_it_is_then(make_client):
    first, second = ScriptedEngine(), ScriptedEngine()
    where = [first]
    client = EventClient("run-1", lambda failures: Endpoint(where[0].url))
    client.start()
    try:
        client.send(started(0, owner=True))
        assert client.wait_answered(10)
        where[0] = second
        first.close()
        client.send(started(1))
        assert client.wait_answered(20)
        assert [event["test"] for event in second.events] == [f"{0:016x}", f"{1:016x}"]
    finally:
        client.close()
        second.close()


def test_one_bad_event_does_not_take_the_others_with_it(engine, make_client):
    bad = f"{2:016x}"
    engine.script = lambda number, events: 400 if any(event["test"] == bad for event in events) else None
    with_gate = threading.Event()
    client = EventClient("run-1", lambda failures: Endpoint(engine.url) if with_gate.is_set() else None)
    client.start()
    try:
        for n in range(5):
            client.send(started(n))
        with_gate.set()
        assert client.wait_answered(20)
        good = {f"{n:016x}" for n in range(5)} - {bad}
        assert good <= {event["test"] for event in engine.events}
        assert client.refused == 1 and "scripted 400" in client.trouble()
    finally:
        client.close()


def test_an_engine_that_is_full_gets_everything_later_in_order(engine, make_client):
    full = threading.Event()
    full.set()
    engine.script = lambda number, events: 507 if full.is_set() else None
    client = make_client(engine.url)
    for n in range(4):
        client.send(started(n))
    engine.wait(lambda e: len(e.ids()) == 4, "four events that were refused")
    full.clear()
    assert client.wait_answered(20)
    assert [event["test"] for event in engine.accepted] == [f"{n:016x}" for n in range(4)]
    assert engine.connections == 1 and client.refused == 0


def test_what_builds_on_an_event_that_was_put_off_is_put_off_too(engine, make_client):
    """The engine had no room for the test's start and then some for its end, which it cannot place."""
    full = threading.Event()
    full.set()

    def script(number, events):
        kinds = [event["type"] for event in engine.accepted + events]
        if events[0]["type"] == "test_started":
            return 507 if full.is_set() else None
        return None if "test_started" in kinds else "404 test_not_found"

    engine.script = script
    client = make_client(engine.url)
    client.send(started(1))
    engine.wait(lambda e: e.events, "the refused start")
    client.send(MAKER.make("test_finished", test=f"{1:016x}", outcome="passed"))
    full.clear()
    assert client.wait_answered(20)
    assert [event["type"] for event in engine.accepted] == ["test_started", "test_finished"] and client.refused == 0


def test_a_run_that_the_engine_does_not_know_yet_is_told_again(engine, make_client):
    engine.script = lambda number, events: 404 if number <= 2 else None
    client = make_client(engine.url)
    client.send(started(0, owner=True))
    client.send(started(1))
    assert client.wait_answered(20)
    assert len(engine.ids()) == 2 and engine.events[-1]["test"] == f"{1:016x}"


def test_a_wrong_token_ends_it_at_once_and_says_why(engine, make_client):
    engine.script = lambda number, events: 401
    client = make_client(engine.url)
    client.send(started(0))
    assert not client.wait_answered(20)
    assert "scripted 401" in client.fatal and client.lost == 1
    assert not client.send(started(1)) and client.lost == 2


def test_what_is_no_engine_is_tried_with_pauses_and_named(make_client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        client = make_client(f"http://127.0.0.1:{listener.getsockname()[1]}")
        client.send(started(0))
        for _ in range(2):
            connection, _address = listener.accept()
            connection.recv(65536)
            connection.sendall(b"SSH-2.0-OpenSSH_9\r\n\r\n")
            connection.close()
        connection, _address = listener.accept()
        connection.close()
        assert client.trouble()
        assert not client.wait_answered(0)


def test_nothing_blocks_when_the_engine_does_not_read(make_client):
    """The socket's buffers fill; from then on events wait in memory, and sending costs no time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = make_client(f"http://127.0.0.1:{listener.getsockname()[1]}")
        connection, _ = listener.accept()
        begin, written = time.monotonic(), True
        big = "x" * 3000
        for n in range(3000):
            written = client.send(MAKER.make("test_finished", test=f"{n:016x}", message=big))
            if client.fatal:
                break
        assert not written
        assert time.monotonic() - begin < 10
        assert "no more can be kept" in client.fatal
        connection.close()


def test_a_silent_engine_costs_the_budget_and_no_more(make_client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = make_client(f"http://127.0.0.1:{listener.getsockname()[1]}")
        link = Link(client, Budget(0.3))
        link.send(started(0), before_code=True)
        begin = time.monotonic()
        for _ in range(5):
            assert not link.alive()
            assert link.get("/api/v1/runs/x") is None
            assert not link.barrier(1.0).complete
        assert time.monotonic() - begin < 1.5
        assert link.budget.left() == 0


def test_an_engine_that_answers_late_is_waited_for_again(engine, make_client):
    """It was not broken, only slow to start."""
    where = []
    client = EventClient("run-1", lambda failures: where[0] if where else None)
    client.start()
    try:
        link = Link(client, Budget(0.05), late_seconds=60.0)
        link.send(started(0))
        assert not link.alive() and link.budget.left() == 0
        where.append(Endpoint(engine.url))
        assert client.wait_answered(30)
        link.send(started(1))
        assert link.alive() and 0 < link.budget.left() <= 60
    finally:
        client.close()


def test_a_port_that_is_closed_costs_nothing(make_client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = make_client(f"http://127.0.0.1:{port}")
    begin = time.monotonic()
    assert not client.send(started(0))
    assert time.monotonic() - begin < 0.1
    assert not client.wait_answered(0.1)
    assert "connection refused" in client.trouble()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_does_not_hold_the_connection(engine, make_client):
    client = make_client(engine.url)
    client.send(started(0))
    assert client.wait_answered(10)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        sent = client.send(started(1))
        os.write(writer, b"1" if sent else b"0")
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == b"0"
    os.waitpid(child, 0)
    client.send(started(2))
    assert client.wait_answered(10)
    assert [event["test"] for event in engine.events] == [f"{0:016x}", f"{2:016x}"]


def test_a_remote_clock_is_measured_from_the_answers(engine, monkeypatch):
    monkeypatch.setattr(Endpoint, "local", property(lambda self: False, lambda self, value: None), raising=False)
    engine.time = "2030-01-01T00:00:00.000000000Z"
    samples = []
    client = EventClient("run-1", lambda failures: Endpoint(engine.url), on_clock=lambda sample: samples.append(sample))
    client.start()
    try:
        client.send(started(0))
        assert client.wait_answered(10)
        there = events_module.parse_rfc3339(engine.time)
        assert abs(samples[0].offset_ns - (there - time.time_ns())) < 5_000_000_000
        assert 0 <= samples[0].uncertainty_ns < 5_000_000_000
    finally:
        client.close()
