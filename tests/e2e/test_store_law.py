"""The store of a real engine when its disk fills, files are damaged or vanish, and the catalog is made anew: nothing is lost silently."""
import json
import os
import random
import re

import pytest
from engine import run_cli, wait_until

FULL = "TELLTALE_FULL" in os.environ
SMALL_SEGMENTS = {"TELLTALE_SEGMENT_BYTES": "64KiB", "TELLTALE_COMPRESSION": "none"}


@pytest.fixture(autouse=True)
def small_segments(monkeypatch):
    for name, value in SMALL_SEGMENTS.items():
        monkeypatch.setenv(name, value)


def append(engine, name, first, count):
    with open(engine.logs / name, "a") as file:
        for i in range(first, first + count):
            file.write(f"line {i} {'ERROR ' if i % 50 == 0 else ''}{'x' * 100}\n")


def fill(engine, first, count, step=200):
    """In several commits, so that there are many frames."""
    for at in range(first, first + count, step):
        append(engine, "app.log", at, min(step, first + count - at))
        engine.barrier()


def segments(engine):
    return sorted((engine.data / "segments").glob("*.tts"))


def numbers(engine):
    return [int(found.group(1)) for found in (re.match(r"line (\d+) ", line) for line in engine.lines('{service="app"}')) if found]


def gaps(engine):
    return engine.records('{source="telltale"}')


def component(engine, name):
    return next(part for part in engine.request("/health").json()["components"] if part["name"] == name)


def metric(engine, name):
    return float(re.search(rf"^{name} (\S+)$", engine.request("/metrics").body.decode(), re.MULTILINE).group(1))


def damage(segment, chance, skip=0):
    """Zeros over a block of the file; where it lies."""
    text = bytearray(segment.read_bytes())
    at = chance.randrange(max(skip, len(text) // 4), len(text) // 2)
    text[at:at + 512] = bytes(512)
    with open(segment, "r+b") as file:  # the same file, as a disk would do it
        file.write(text)
    return at


def verify(engine):
    done = run_cli("--data", engine.data, "store", "verify", "--json", cwd=engine.folder)
    return done.returncode, json.loads(done.stdout)


def test_verify_finds_damage_beside_the_engine_which_tells_it(engine):
    fill(engine, 0, 4000)
    code, report = verify(engine)
    assert code == 0 and report["problems"] == [] and report["records"] >= 4000
    at = damage(segments(engine)[1], random.Random(1))
    code, report = verify(engine)
    assert code == 3 and len(report["problems"]) == 1, report
    problem = report["problems"][0]
    assert problem["segment"] == str(segments(engine)[1]) and problem["offset"] <= at < problem["offset"] + problem["bytes"]
    wait_until(lambda: len(gaps(engine)) == 1, "gap record", 60)
    left = numbers(engine)
    assert left == sorted(set(left)) and 0 < 4000 - len(left) < 1000
    gap = gaps(engine)[0]
    assert f"about {4000 - len(left)} line" in gap.get("line", gap["content"])
    assert engine.get("/api/v1/count", query='{source="telltale"}')["gaps"] == 1
    streams = {stream["labels"]["service"]: stream for stream in engine.get("/api/v1/streams")["streams"]}
    assert int(streams["app"]["records"]) == len(left), "the catalog counts what is left"
    fill(engine, 4000, 500)
    engine.stop()
    text = run_cli("--data", engine.data, "store", "verify", cwd=engine.folder)
    assert text.returncode == 3 and "1 problems" in text.stdout and str(segments(engine)[1]) in text.stderr, text
    engine.start()
    assert numbers(engine) == left + list(range(4000, 4500))
    assert len(gaps(engine)) == 1, "told once"


def test_damage_while_stopped_is_told_once_it_is_read(engine):
    fill(engine, 0, 4000)
    engine.stop()
    damage(segments(engine)[1], random.Random(2))
    code, report = verify(engine)
    assert code == 3 and len(report["problems"]) == 1, report
    engine.start()
    wait_until(lambda: len(gaps(engine)) == 1, "gap record", 60)
    engine.kill()
    engine.start()
    fill(engine, 4000, 100)
    assert len(gaps(engine)) == 1 and numbers(engine)[-1] == 4099, gaps(engine)


@pytest.mark.parametrize("running", [True, False])
def test_a_segment_removed_by_hand(engine, running):
    fill(engine, 0, 4000)
    segment = segments(engine)[1]
    if not running:
        engine.stop()
    segment.unlink()
    assert verify(engine)[0] == 3
    if not running:
        engine.start()
    wait_until(lambda: len(gaps(engine)) == 1, "gap record", 60)
    left = numbers(engine)
    assert left == sorted(set(left)) and 0 < len(left) < 4000
    assert segment.name in gaps(engine)[0].get("line", gaps(engine)[0]["content"])
    fill(engine, 4000, 100)
    engine.stop()
    engine.start()
    assert len(gaps(engine)) == 1 and numbers(engine) == left + list(range(4000, 4100))


def test_the_segment_that_is_written_is_removed(engine):
    fill(engine, 0, 100)
    segments(engine)[-1].unlink()

    def writes_on():
        writes_on.next += 1
        append(engine, "app.log", writes_on.next, 1)
        engine.barrier()
        return segments(engine)
    writes_on.next = 100
    wait_until(writes_on, "new segment", interval=0.2)
    last = writes_on.next
    fill(engine, last + 1, 50)
    wait_until(lambda: len(gaps(engine)) == 1, "gap record", 60)
    engine.kill()
    engine.start()
    assert numbers(engine)[-50:] == list(range(last + 1, last + 51)) and len(gaps(engine)) == 1


def test_a_full_disk_is_said_everywhere_and_capture_goes_on(make_disk, make_engine, tmp_path):
    disk = make_disk(tmp_path / "data", "8m")
    engine = make_engine().start()
    fill(engine, 0, 1000)
    disk.fill()
    append(engine, "app.log", 1000, 20_000)
    wait_until(lambda: component(engine, "store")["status"] == "unhealthy", "unhealthy store", 60)
    assert engine.request("/health").status == 503 and "disk is full" in component(engine, "store")["detail"].lower()
    assert metric(engine, "telltale_store_disk_full") == 1 and engine.get("/api/v1/stats")["disk_full"]
    wait_until(lambda: "No space left" in engine.log() or "full" in engine.log().lower(), "line in the engine's log")
    assert numbers(engine)[:1000] == list(range(1000)), "what is there can be asked for"
    disk.free()
    disk.resize("200m")
    wait_until(lambda: component(engine, "store")["status"] == "healthy", "healthy store", 60)
    engine.barrier()
    assert numbers(engine) == list(range(21_000))
    assert metric(engine, "telltale_store_disk_full") == 0 and engine.get("/api/v1/count", query="{}")["gaps"] == 0
    engine.stop()
    engine.start()
    assert numbers(engine) == list(range(21_000)) and verify(engine)[0] == 0


def test_an_engine_killed_on_a_full_disk_loses_nothing(make_disk, make_engine, tmp_path):
    disk = make_disk(tmp_path / "data", "8m")
    engine = make_engine().start()
    fill(engine, 0, 1000)
    disk.fill()
    append(engine, "app.log", 1000, 5000)
    wait_until(lambda: component(engine, "store")["status"] == "unhealthy", "unhealthy store", 60)
    engine.kill()
    disk.free()
    disk.resize("200m")
    engine.start()
    engine.barrier()
    assert numbers(engine) == list(range(6000)) and engine.get("/api/v1/count", query="{}")["gaps"] == 0


def test_a_catalog_made_anew_gives_the_same_answers(engine, suite):
    chance = random.Random(3)
    for step in range(6 if FULL else 2):
        fill(engine, step * 1000, 1000)
        engine.kill()
        if step == 1:
            damage(segments(engine)[1], chance)
        engine.start()
        numbers(engine)  # who reads meets the damage
    wait_until(lambda: len(gaps(engine)) == 1, "gap record", 60)

    def answers():
        counts = {query: engine.get("/api/v1/count", query=query) for query in ("{}", '{service="app"}', '{source="telltale"}')}
        runs = engine.get("/api/v1/runs")["runs"]
        return {"streams": engine.get("/api/v1/streams"), "counts": counts, "runs": sorted(run["run"] for run in runs),
                "tests": [engine.get("/api/v1/tests", run=run["run"]) for run in runs],
                "gaps": gaps(engine), "lines": engine.lines()}
    before = answers()
    assert before["runs"] and before["counts"]["{}"]["gaps"] == 1
    engine.stop()
    for file in engine.data.glob("catalog.sqlite*"):
        file.unlink()
    engine.start()
    engine.barrier()
    after = answers()
    for name, answer in before.items():
        assert after[name] == answer, name
    assert numbers(engine)[-1] == before_last(before), "positions are the segments'"


def before_last(before):
    return max(int(line.split()[1]) for line in before["lines"] if line.startswith("line "))
