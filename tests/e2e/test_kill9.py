"""`kill -9` at random moments while four files grow at 100,000 lines a second and are rotated: every line exactly once.

A kill that finds everything committed shows little. So nine of ten come when more than a random number of lines is written and not yet
committed, which the frames of the active segment tell; whether it was so is counted in the dead store. The tenth comes whenever.

TELLTALE_FULL=1: 50 kills; else 8. TELLTALE_SEED chooses the moments. Under a sanitizer the program is slower and so is the writer
(TELLTALE_WRITER_RATE says how fast it is), and then the rate is not looked at.
"""
import json
import mmap
import os
import pathlib
import random
import re
import signal
import statistics
import struct
import subprocess
import time
import urllib.parse

import pytest
from engine import BINARY, SLOWNESS, run_cli, wait_until

FULL = os.environ.get("TELLTALE_FULL") == "1"
KILLS = int(os.environ.get("TELLTALE_KILLS", "50" if FULL else "8"))
SEED = int(os.environ.get("TELLTALE_SEED", "20261121"))
FULL_RATE = 120_000
RATE = int(float(os.environ.get("TELLTALE_WRITER_RATE", FULL_RATE / SLOWNESS)))
RENAMES = 6
FILES = 4
WRITER = pathlib.Path(BINARY).parent / "line_writer"
LINE = re.compile(rb"INFO w(\d+) n(\d+) p([0-9a-f]{8}) ")


class Writer:
    def __init__(self, folder):
        self.folder = folder
        self.child = subprocess.Popen([WRITER, folder, str(FILES), str(RATE), str(RENAMES)], stdout=subprocess.PIPE, text=True)
        wait_until(lambda: (folder / "progress").exists() and (folder / "progress").stat().st_size == 16 * FILES, "the writer's progress")
        with open(folder / "progress", "rb") as file:
            self.memory = mmap.mmap(file.fileno(), 16 * FILES, access=mmap.ACCESS_READ)

    def lines(self):
        """Whole lines in each file that write(2) has taken."""
        return struct.unpack(f"<{2 * FILES}Q", self.memory[:])[0::2]

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        return json.loads(self.child.communicate(timeout=30 * SLOWNESS)[0])


class Commits:
    """How many records a store's engines have committed: the frames of its segments (docs/reference/store-format.md), read as they come."""
    HEADER = struct.Struct("<4sBBHIIII88x")
    ROWS = 1

    def __init__(self, store):
        self.folder, self.name, self.offset, self.records = store / "segments", "", 0, 0

    def count(self):
        """As far as it has come now."""
        newest = max(path.name for path in self.folder.glob("*.tts"))
        while True:
            self.read_on()
            if self.name == newest:
                return self.records
            self.name, self.offset = min(path.name for path in self.folder.glob("*.tts") if path.name > self.name), 0

    def read_on(self):
        if not self.name:
            return
        with open(self.folder / self.name, "rb") as segment:
            size = os.fstat(segment.fileno()).st_size
            while self.offset + self.HEADER.size <= size:
                magic, _, kind, _, payload, _, _, records = self.HEADER.unpack(os.pread(segment.fileno(), self.HEADER.size, self.offset))
                end = self.offset + self.HEADER.size + payload
                if magic != b"TTF1" or end > size:
                    return  # being written, or torn by a kill: the next engine cuts it off
                self.offset, self.records = end, self.records + (records if kind == self.ROWS else 0)


def stored_lines(engine):
    """What the store holds while no engine runs."""
    done = run_cli("--data", engine.data, "query", "--count", "--json", "{}", cwd=engine.folder, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["records"]


def read_back(engine):
    """Counts for each file how often each line is there; fails on a payload that was never written."""
    seen, cursor = [bytearray() for _ in range(FILES)], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        parameters = urllib.parse.urlencode({"query": "{}", "direction": "forward", "limit": 10000, "format": "ndjson", **more})
        answer = engine.request("/api/v1/query?" + parameters)
        assert answer.status == 200, answer.body
        found = LINE.findall(answer.body)
        assert len(found) == answer.body.count(b"\n"), f"something else than the written lines: {answer.body[:2000]}"
        for file, number, payload in found:
            file, number = int(file), int(number)
            assert int(payload, 16) == (number * 2654435761 + file * 40503) & 0xFFFFFFFF, (file, number, payload)
            counts = seen[file]
            if number >= len(counts):
                counts.extend(bytes(number - len(counts) + 100_000))
            counts[number] += 1
        cursor = answer.headers.get("Telltale-Next-Cursor")
        if not cursor:
            return seen


@pytest.mark.skipif(not WRITER.exists(), reason=f"{WRITER} was not built")
def test_every_line_once_over_kills_and_rotations(make_engine, capsys):
    engine = make_engine().start()
    chance = random.Random(SEED)
    engine.barrier()  # files that were rotated away before the first look are nobody's
    writer, commits = Writer(engine.logs), Commits(engine.data)
    late = []  # of each kill: the lines that were written before it and are not in the dead store

    def written_beyond(lines):
        """How many lines are written when more than `lines` of them are not committed; else nothing."""
        written = sum(writer.lines())
        return written if written - commits.count() > lines else None

    try:
        for number in range(KILLS):
            time.sleep(chance.uniform(0.05, 1.0))
            if number % 10 == 9:
                written = sum(writer.lines())
            else:
                lines = chance.randrange(RATE // 100)
                written = wait_until(lambda: written_beyond(lines), f"moment with {lines} uncommitted lines", interval=0)
            engine.kill()
            late.append(max(0, written - stored_lines(engine)))
            engine.start()
    finally:
        about = writer.stop()
    wait_until(lambda: engine.request("/api/v1/barrier", "POST", b'{}').json()["complete"], "complete barrier", 120)
    seen, dirty = read_back(engine), sum(lines > 0 for lines in late)
    with capsys.disabled():
        print(f"\nkill -9: seed {SEED}, {KILLS} kills, {dirty} with uncommitted lines (median {statistics.median(late):.0f}, up to "
              f"{max(late)}), {about['lines']} lines at {about['lines'] / about['seconds']:.0f}/s, "
              f"{about['renames'] / about['seconds']:.1f} renames/s")
    for file, total in enumerate(writer.lines()):
        wrong = [(number, count) for number, count in enumerate(seen[file][:total]) if count != 1]
        assert not wrong, f"file {file}: {len(wrong)} of {total} lines not exactly once, (number, count): {wrong[:10]}"
        assert not any(seen[file][total:]), f"file {file}: lines that were never written"
    assert engine.get("/api/v1/count", query="{}") == {"records": sum(writer.lines()), "errors": 0, "gaps": 0}
    assert commits.count() == sum(writer.lines()), "the moments of the kills were chosen by a wrong count"
    assert about["renames"] / about["seconds"] >= 5
    assert about["lines"] / about["seconds"] >= 100_000 or RATE < FULL_RATE
    assert dirty * 50 >= 30 * KILLS, f"{dirty} of {KILLS}"
