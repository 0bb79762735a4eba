"""`kill -9` at random moments while four files grow at 100,000 lines a second and are rotated: every line exactly once.

TELLTALE_FULL=1: 50 kills; else 8. TELLTALE_SEED chooses the moments. Under a sanitizer the program is slower and so is the writer:
TELLTALE_WRITER_RATE.
"""
import json
import mmap
import os
import pathlib
import random
import re
import signal
import struct
import subprocess
import time
import urllib.parse

import pytest
from engine import BINARY, run_cli, wait_until

FULL = os.environ.get("TELLTALE_FULL") == "1"
KILLS = int(os.environ.get("TELLTALE_KILLS", "50" if FULL else "8"))
SEED = int(os.environ.get("TELLTALE_SEED", "20261121"))
RATE = int(os.environ.get("TELLTALE_WRITER_RATE", "120000"))
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

    def next_write(self):
        """Waits for one; returns the lines in each file then."""
        before = after = self.lines()
        while after == before:
            after = self.lines()
        return after

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        return json.loads(self.child.communicate(timeout=30)[0])


def stored_lines(engine):
    """What the store holds of each file while no engine runs."""
    counts = []
    for file in range(FILES):
        done = run_cli("--data", engine.data, "query", "--count", "--json", f'{{service="w{file}"}}', cwd=engine.folder, timeout=120)
        assert done.returncode == 0, done.stderr
        counts.append(json.loads(done.stdout)["records"])
    return counts


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
    writer = Writer(engine.logs)
    dirty, late = 0, []
    try:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.05, 1.0))
            # A kill that finds everything committed shows little: most come right after a write. What is counted was there before.
            written = writer.next_write() if chance.random() < 0.9 else writer.lines()
            engine.kill()
            uncommitted = sum(max(0, wrote - kept) for wrote, kept in zip(written, stored_lines(engine)))
            dirty += uncommitted > 0
            late.append(uncommitted)
            engine.start()
    finally:
        about = writer.stop()
    wait_until(lambda: engine.request("/api/v1/barrier", "POST", b'{}').json()["complete"], "complete barrier", 120)
    seen = read_back(engine)
    with capsys.disabled():
        print(f"\nkill -9: seed {SEED}, {KILLS} kills, {dirty} with uncommitted lines (up to {max(late)}), {about['lines']} lines at "
              f"{about['lines'] / about['seconds']:.0f}/s, {about['renames'] / about['seconds']:.1f} renames/s")
    for file, total in enumerate(writer.lines()):
        wrong = [(number, count) for number, count in enumerate(seen[file][:total]) if count != 1]
        assert not wrong, f"file {file}: {len(wrong)} of {total} lines not exactly once, (number, count): {wrong[:10]}"
        assert not any(seen[file][total:]), f"file {file}: lines that were never written"
    assert engine.get("/api/v1/count", query="{}") == {"records": sum(writer.lines()), "errors": 0, "gaps": 0}
    assert about["renames"] / about["seconds"] >= 5
    # At least 30 of 50 kills must have met uncommitted bytes, or the full test has shown little; a few kills may be unlucky.
    assert dirty * 50 >= 30 * KILLS if FULL else dirty > 0, f"{dirty} of {KILLS}"
