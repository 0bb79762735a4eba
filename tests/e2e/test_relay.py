"""The output of started programs: each line once, or counted in a gap, whatever is killed or stopped. Programs never wait for an engine."""
import asyncio
import json
import os
import pathlib
import random
import socket
import signal
import sys
import time

import jsonschema
import pytest
import websockets
from engine import SLOWNESS, wait_until
from relaying import Starter
from runner import Connection, Run, apart

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("TELLTALE_SEED", "20261125"))
KILLS = 40 if os.environ.get("TELLTALE_FULL") == "1" else 10

# Writes lines one after the other until it is told to stop, and says at the end how many, and how long the longest write took.
CHATTY = """
import os, signal, sys, time
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
most, pause = int(sys.argv[1]), float(sys.argv[2])
count, longest = 0, 0.0
while not stop and count < most:
    lines = b"".join(b"line %d of this program\\n" % i for i in range(count, count + 50))
    begin = time.monotonic()
    while lines:
        lines = lines[os.write(1, lines):]
    longest = max(longest, time.monotonic() - begin)
    count += 50
    if pause:
        time.sleep(pause)
with open(sys.argv[3], "w") as file:
    file.write("%d %f" % (count, longest))
"""


class Chatty:
    def __init__(self, starter, folder, most=10**9, pause=0.0005, service="web"):
        self.result = folder / f"{service}.result"
        self.program = starter.start_program(service, sys.executable, "-c", CHATTY, most, pause, self.result)

    def wait(self):
        """The number of lines that it wrote, and the longest write in seconds."""
        assert self.program.wait(60 * SLOWNESS) == 0
        count, longest = self.result.read_text().split()
        return int(count), float(longest)

    def stop(self):
        self.program.send_signal(signal.SIGTERM)
        return self.wait()


@pytest.fixture
def start(tmp_path):
    made = []

    def make(engine, run="run-1"):
        made.append(Starter(engine, run))
        return made[-1]

    yield make
    for starter in made:
        starter.end()


def text(record):
    return record.get("line", record["content"])


def gaps_in(records):
    return [record["metadata"] for record in records if "gap" in record.get("flags", [])]


def split(records):
    """The numbers of the lines, and the gaps."""
    lines = [record for record in records if "gap" not in record.get("flags", [])]
    return [int(text(record).split()[1]) for record in lines], gaps_in(records)


def validator(kind):
    schema = json.loads((ROOT / "schema/relay.json").read_text())
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": schema["$defs"]})


def await_lines(engine, more):
    """Until so many more are stored."""
    def count():
        return engine.get("/api/v1/count", query='{service="web"}')["records"]

    before = count()
    wait_until(lambda: count() >= before + more, "more lines")


def test_lines_have_the_labels_of_their_program_and_run(engine, start):
    starter = start(engine)
    starter.connected()
    out, err = starter.add("web"), starter.add("web", "stderr")
    os.write(out, b"hello\nno end")
    os.write(err, b"ERROR broken\n")
    engine.barrier()
    records = engine.records('{service="web"}')
    assert sorted(text(record) for record in records) == ["ERROR broken", "hello"]
    hello, broken = sorted(records, key=text, reverse=True)
    assert (hello["service_name"], hello["source"], hello["stream"], broken["stream"]) == ("web", "process", "stdout", "stderr")
    assert {"process": "service", "host": socket.gethostname(), "instance": "run-1"}.items() <= hello["metadata"].items()
    os.close(out)
    os.close(err)
    starter.finish()
    assert "no end" in engine.lines('{service="web"}')
    assert engine.get("/api/v1/count", query='{service="web"}')["gaps"] == 0


def received_lines(engine):
    name = b'telltale_source_received_lines_total{source="process"} '
    return int(next(line.split()[-1] for line in engine.request("/metrics").body.splitlines() if line.startswith(name)))


def test_a_stack_trace_that_comes_in_pieces_is_one_record(engine, start):
    starter = start(engine)
    starter.connected()
    out = starter.add("web")

    def is_joined(attempt):
        """The rest comes when the engine has the beginning; on a busy machine that may be later than lines wait for others."""
        before = received_lines(engine)
        os.write(out, f"2026-11-25 10:00:00,000 ERROR {attempt} broke\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\n".encode())
        wait_until(lambda: received_lines(engine) == before + 3, "beginning of the trace", interval=0.001)
        os.write(out, b"\tat a.B.d(B.java:2)\n2026-11-25 10:00:01,000 INFO next\n")
        engine.barrier()
        return [line.count("\n") for line in engine.lines('{service="web"}')][-2:] == [3, 0]

    assert any(is_joined(attempt) for attempt in range(20))
    os.close(out)
    starter.finish()


def test_a_run_has_its_own_programs_in_queries_and_files(engine, start, tmp_path):
    run, output = Run("run-1"), tmp_path / "pod_logs"
    output.mkdir()
    (output / ".telltale-run").write_text(json.dumps({"run": "run-1", "nonce": "n"}))
    mine, others = start(engine), start(engine, "run-2")
    mine.connected()
    others.connected()
    web, other = mine.add("web"), others.add("web")
    with Connection(engine) as connection:
        connection.send(run.run, run.started(services=[{"name": "shop", "files": [str(engine.logs / "shop.log")]}],
                                             output={"folder": str(output), "nonce": "n"}), run.worker_started())
        apart()
        connection.send(run.run, run.test_started("s.py::test_buy"))
        os.write(web, b"ERROR mine\n")
        os.write(other, b"ERROR not mine\n")
        engine.barrier()
        connection.send(run.run, run.test_finished("s.py::test_buy"), run.worker_finished(), run.finished())
    about = engine.get("/api/v1/runs/run-1", wait_ms=5000)
    assert [service["name"] for service in about["services"] if service["records"]] == ["web"]
    assert engine.lines('{run="run-1"}') == ["ERROR mine"]
    assert engine.lines('{test="s.py::test_buy"}') == ["ERROR mine"]
    texts = {path.name: path.read_text() for path in output.rglob("*") if path.is_file() and not path.name.startswith(".")}
    holding = [name for name, text in texts.items() if "ERROR mine" in text]
    assert len(holding) >= 2, texts
    assert any("web" in name for name in holding), "the realtime file of the service"
    assert not [name for name, text in texts.items() if "not mine" in text]
    os.close(web)
    os.close(other)
    mine.finish()
    others.finish()


def test_an_engine_that_is_killed_and_started_again_has_each_line_once(make_engine, start, tmp_path):
    engine = make_engine().start()
    starter = start(engine)
    chatty = Chatty(starter, tmp_path)
    moments = random.Random(SEED)
    for _ in range(KILLS):
        await_lines(engine, moments.randrange(50, 5000))
        engine.kill()
        engine.start()
    count, _ = chatty.stop()
    starter.finish()
    numbers, gaps = split(engine.records('{service="web"}'))
    assert numbers == list(range(count))
    assert gaps == []
    assert [source["streams"] for source in engine.get("/api/v1/status")["sources"] if source["name"] == "process"] == [0]


def test_a_relay_that_is_killed_leaves_gaps_of_exactly_what_died_with_it(engine, start, tmp_path):
    starter = start(engine)
    chatty = Chatty(starter, tmp_path)
    moments = random.Random(SEED)
    for kill in range(KILLS):
        await_lines(engine, moments.randrange(50, 5000))
        if kill % 3 == 0:  # with more in its memory than it may send
            os.kill(engine.pid, signal.SIGSTOP)
            wait_until(lambda: starter.drain(0)["kept_lines"] > 100_000, "full window")
        starter.kill_relay()
        os.kill(engine.pid, signal.SIGCONT)
        starter.start_relay()
    count, _ = chatty.stop()
    starter.finish()
    records = engine.records('{service="web"}')
    gaps = gaps_in(records)
    lost = sum(int(gap["gap.lines"]) for gap in gaps)
    print(f"{count} lines, {len(gaps)} gaps of {lost} lines after {KILLS} kills")
    assert {gap["gap.reason"] for gap in gaps} == {"relay_lost"}
    assert KILLS / 3 <= len(gaps) <= KILLS
    lines = [text(record) for record in records if "gap" not in record.get("flags", [])]
    assert len(lines) + lost == count
    # A relay may die with the beginning of a line; what is left of it is there.
    whole = [line for line in lines if line.startswith("line ") and line.endswith(" of this program")]
    assert len(lines) - len(whole) <= KILLS
    numbers = [int(line.split()[1]) for line in whole]
    assert numbers == sorted(set(numbers)), "none twice, all in order"


def test_an_engine_that_is_stopped_holds_no_program_up(engine, start, tmp_path):
    starter = start(engine)
    chatty = Chatty(starter, tmp_path, pause=0.001)
    await_lines(engine, 1)
    os.kill(engine.pid, signal.SIGSTOP)
    end = time.monotonic() + 5
    wait_until(lambda: time.monotonic() > end, "end of the stop")
    os.kill(engine.pid, signal.SIGCONT)
    count, longest = chatty.stop()
    assert longest < 2 * SLOWNESS, "no write waited for the engine"
    starter.finish()
    numbers, gaps = split(engine.records('{service="web"}'))
    assert numbers == list(range(count))
    assert gaps == []


def test_what_does_not_fit_into_the_memory_while_there_is_no_engine_is_a_counted_gap(make_engine, start, tmp_path):
    engine = make_engine().start()
    starter = start(engine)
    starter.connected()
    out = starter.add("web")
    os.write(out, b"line 0 before\n")
    assert starter.drain()["flag"]
    engine.kill()
    many = 60_000
    padding = b"x" * 480
    for number in range(1, many + 1):
        os.write(out, b"line %d %s\n" % (number, padding))
    assert starter.drain(0)["dropped_lines"] > many / 3, "it was more than it keeps"
    engine.start()
    os.write(out, b"line %d after\n" % (many + 1))
    os.close(out)
    drained = starter.drain()
    starter.finish()
    assert drained["flag"]
    dropped = drained["dropped_lines"]  # with what was still in the pipe before
    numbers, gaps = split(engine.records('{service="web"}', page=1000))
    assert [gap["gap.reason"] for gap in gaps] == ["relay_full"]
    assert int(gaps[0]["gap.lines"]) == dropped
    assert numbers == [0, *range(dropped + 1, many + 2)]


def test_when_its_starter_is_killed_the_relay_reads_on_and_ends(engine, start):
    starter = start(engine)
    starter.connected()
    out = starter.add("web")
    os.write(out, b"before\n")
    assert starter.drain()["flag"]
    starter.control.close()
    os.write(out, b"after\n")
    os.close(out)
    assert starter.child.wait(30 * SLOWNESS) == 0
    assert engine.lines('{service="web"}') == ["before", "after"]


def test_signals_that_end_programs_do_not_end_a_relay(engine, start):
    starter = start(engine)
    starter.connected()
    out = starter.add("web")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        os.kill(starter.child.pid, number)
    os.write(out, b"here\n")
    assert starter.drain()["flag"]
    os.close(out)
    starter.finish()
    assert engine.lines('{service="web"}') == ["here"]


def test_a_relay_whose_programs_are_silent_costs_nothing_and_keeps_its_engine(make_engine, start):
    engine = make_engine(options=["--idle-exit", "1s"]).start()
    starter = start(engine)
    out = starter.add("web")
    starter.connected()
    os.write(out, b"one\n")
    assert starter.drain()["flag"]
    before, end = starter.cpu_seconds(), time.monotonic() + 3
    wait_until(lambda: time.monotonic() > end, "end of the silence")
    assert starter.cpu_seconds() - before <= 0.03 * SLOWNESS
    assert engine.child.poll() is None
    os.close(out)
    starter.finish()
    assert engine.child.wait(30 * SLOWNESS) == 0, "nobody used it any more"
    engine.stop()


def test_a_relay_needs_the_role_ingester_and_its_own_host(engine):
    connection = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"

    def upgrade(headers, host=None):
        answer = engine.raw(f"GET /api/v1/relay HTTP/1.1\r\nHost: {host or f'127.0.0.1:{engine.port}'}\r\n{connection}{headers}\r\n".encode(), timeout=1)
        return int(answer.split()[1])

    token = f"Authorization: Bearer {engine.token}\r\n"
    assert upgrade(token) == 101
    assert upgrade("") == 401
    assert upgrade(token, host="evil.example") == 421
    assert upgrade(token + "Origin: http://evil.example\r\n") == 403


def test_messages_are_as_the_schema_says(engine):
    """An engine's as they come; a relay's and an engine's as the decoders' tests have them."""
    seeds = {path.name: path.read_bytes() for path in (ROOT / "fuzz/corpus/relay_message").iterdir()}
    for name, kind in (("hello", "from_relay"), ("stream", "from_relay"), ("end", "from_relay"), ("release", "from_relay"), ("barrier_done", "from_relay"),
                       ("welcome", "from_engine"), ("position", "from_engine"), ("committed", "from_engine"), ("block", "block_head"), ("truncated", "block_head")):
        validator(kind).validate(json.loads(seeds[name].split(b"\n")[0]))
        assert not validator(kind).is_valid({"type": name})

    async def talk():
        url = engine.url.replace("http", "ws", 1) + "/api/v1/relay"
        said = []
        async with websockets.connect(url, extra_headers={"Authorization": f"Bearer {engine.token}"}) as relay:
            async def until(kind):
                while not said or said[-1]["type"] != kind:
                    said.append(json.loads(await asyncio.wait_for(relay.recv(), 20 * SLOWNESS)))
                    validator("from_engine").validate(said[-1])
                return said[-1]

            await relay.send(seeds["hello"].decode())
            await until("welcome")
            await relay.send(seeds["stream"].decode())
            assert (await until("position"))["offset"] == "0"
            await relay.send(seeds["block"])
            while (await until("committed"))["offset"] != "4":
                said.clear()
            barrier = asyncio.get_running_loop().run_in_executor(None, engine.barrier)
            asked = await until("barrier")
            await relay.send(json.dumps({"type": "barrier_done", "id": asked["id"]}))
            await barrier
            await relay.send(json.dumps({"type": "end", "stream": 1, "offset": "4", "line": "2"}))
            await relay.send(json.dumps({"type": "release", "stream": 1}))
            await until("ended")

    asyncio.run(talk())
    assert engine.lines('{service="api"}') == ["a", "b"]
