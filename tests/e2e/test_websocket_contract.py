"""The live stream: messages as schema/websocket.json says, resuming without loss or repetition, bad input answered."""
import asyncio
import json
import pathlib
import urllib.parse

import jsonschema
import pytest
from engine import SLOWNESS
import websockets

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA_PATH = ROOT / "schema/websocket.json"


def validator(direction):
    schema = json.loads(SCHEMA_PATH.read_text())
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{direction}", "$defs": schema["$defs"]})


class Client:
    """A subscriber that checks every message against the schema."""

    def __init__(self, engine, path="/", token=True, headers=None, **parameters):
        self.url = engine.url.replace("http", "ws", 1) + path + ("?" + urllib.parse.urlencode(parameters) if parameters else "")
        self.headers = {**({"Authorization": f"Bearer {engine.token}"} if token else {}), **(headers or {})}
        self.from_engine = validator("from_engine")

    async def __aenter__(self):
        self.socket = await websockets.connect(self.url, extra_headers=self.headers, max_size=None)
        return self

    async def __aexit__(self, *_):
        await self.socket.close()

    async def next(self):
        message = json.loads(await asyncio.wait_for(self.socket.recv(), 20 * SLOWNESS))
        self.from_engine.validate(message)
        return message

    async def records(self, count):
        found = []
        while len(found) < count:
            message = await self.next()
            if message.get("type", "log") == "log":
                found.append(message)
        return found

    async def service_message(self, kind):
        while (message := await self.next()).get("type") != kind:
            pass
        return message


def write(engine, name, *lines):
    with open(engine.logs / name, "a") as file:
        file.writelines(line + "\n" for line in lines)


def text(record):
    return record.get("line", record["content"])


@pytest.mark.parametrize("path", ["/", "/stream"])
def test_live_lines_arrive_as_standard_entries(engine, path):
    async def run():
        async with Client(engine, path, query='{service="api"}') as client:
            await client.socket.send('{"type":"ping"}')
            await client.service_message("pong")
            write(engine, "other.log", "INFO not for us")
            write(engine, "api.log", '{"level":"error","message":"boom","order":7}')
            record = (await client.records(1))[0]
            assert (record["content"], record["level"], record["service_name"], record["source"]) == ("boom", "ERROR", "api", "file")
    asyncio.run(run())


def test_resumes_after_a_sequence_without_loss_or_repetition(engine):
    async def run():
        write(engine, "api.log", *(f"INFO {i}" for i in range(50)))
        async with Client(engine, tail=50) as client:
            seen = await client.records(20)
        write(engine, "api.log", *(f"INFO {i}" for i in range(50, 100)))
        async with Client(engine, after=seen[-1]["sequence"]) as client:
            seen += await client.records(60)
            write(engine, "api.log", *(f"INFO {i}" for i in range(100, 120)))
            seen += await client.records(40)
        assert [text(record) for record in seen] == [f"INFO {i}" for i in range(120)]
    asyncio.run(run())


def test_tail_gives_the_last_records_first(engine):
    async def run():
        async with Client(engine, tail=3) as client:
            assert [text(record) for record in await client.records(3)] == ["INFO 7", "INFO 8", "INFO 9"]
            write(engine, "api.log", "INFO 10")
            assert text((await client.records(1))[0]) == "INFO 10"
    write(engine, "api.log", *(f"INFO {i}" for i in range(10)))
    engine.barrier()
    asyncio.run(run())


@pytest.mark.parametrize("message", ["{", "[]", '{"type":"dance"}', "{}", '{"type":"subscribe","query":"{"}', '{"type":"analysis_request","request_id":"1"}',
                                     '{"type":"subscribe","query":7}', "\u0000"])
def test_bad_messages_are_answered_and_the_connection_stays(engine, message):
    async def run():
        async with Client(engine) as client:
            await client.socket.send(message)
            answer = await client.service_message("error")
            assert answer["code"] and answer["message"]
            await client.socket.send('{"type":"ping"}')
            await client.service_message("pong")
    asyncio.run(run())


def test_subscribe_changes_the_query_and_unsubscribe_stops_it(engine):
    async def run():
        async with Client(engine, query='{service="none"}') as client:
            await client.socket.send(json.dumps({"type": "subscribe", "query": '{service="api"}'}))
            await client.service_message("subscribed")
            write(engine, "api.log", "INFO now")
            assert text((await client.records(1))[0]) == "INFO now"
            await client.socket.send('{"type":"unsubscribe"}')
            await client.service_message("unsubscribed")
            write(engine, "api.log", "INFO unseen")
            engine.barrier()
            await client.socket.send('{"type":"ping"}')
            assert (await client.next())["type"] == "pong"
    asyncio.run(run())


@pytest.mark.parametrize("options,status", [({"token": False}, 401), ({"headers": {"Origin": "http://evil.example"}}, 403),
                                            ({"query": "{"}, 400), ({"path": "/nowhere"}, 404), ({"after": "abc"}, 400)])
def test_refused_upgrades(engine, options, status):
    async def run():
        with pytest.raises(websockets.exceptions.InvalidStatusCode) as refused:
            async with Client(engine, **options):
                pass
        assert refused.value.status_code == status
    asyncio.run(run())


def test_a_subscriber_that_does_not_read_slows_nobody(engine):
    """The slow one is told how much it missed and goes on with what is new; the other gets every line meanwhile."""
    async def run():
        async with Client(engine, query='{service="api"}') as slow:
            slow.socket.transport.pause_reading()
            async with Client(engine, query='{service="api"}') as quick:
                for turn in range(100):
                    write(engine, "api.log", *(f"INFO turn {turn} number {i} " + "x" * 1000 for i in range(1000)))
                    for i in range(1000):
                        message = await asyncio.wait_for(quick.socket.recv(), 20 * SLOWNESS)
                        assert f"INFO turn {turn} number {i} " in message
            slow.socket.transport.resume_reading()
            while '"type":"gap"' not in (message := await asyncio.wait_for(slow.socket.recv(), 20 * SLOWNESS)):
                pass
            gap = json.loads(message)
            slow.from_engine.validate(gap)
            assert gap["dropped"] > 0 and int(gap["after"]) > 0
            write(engine, "api.log", "INFO the end")
            while "INFO the end" not in await asyncio.wait_for(slow.socket.recv(), 20 * SLOWNESS):
                pass
    asyncio.run(run())
