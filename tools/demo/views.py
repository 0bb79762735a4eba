"""The lines of one test, by each way that telltale has to show them. All ways must show the same."""
import asyncio
import json
import os
import re
import subprocess
import urllib.parse
import urllib.request

import websockets

PREFIX = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] \[[^\]]+\] (\[shared\] )?")
MOST = 1000  # records


class Views:
    """`program` is telltale, `folder` the suite's; the environment says which data folder is meant."""

    def __init__(self, program, folder, env=None):
        self._program, self._folder, self._env = program, folder, {**os.environ, **(env or {})}
        about = json.loads(self.command("engine", "start", "--json"))
        self.url, self.token = about["url"], about["token"]

    def command(self, *words):
        done = subprocess.run([self._program, *words], cwd=self._folder, env=self._env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"telltale {' '.join(words)} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def get(self, path):
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def tests(self, **parameters):
        """As `telltale tests --json` shows them, which HTTP must show too."""
        words = [word for name, value in parameters.items() for word in (f"--{name}", str(value))]
        shown = json.loads(self.command("tests", "--json", *words))
        assert shown == self.get("/api/v1/tests?" + urllib.parse.urlencode({"limit": 100, **parameters})), "command and HTTP differ"
        return shown["tests"]

    def by_command(self, test):
        return self.command("logs", test).splitlines()

    def by_http(self, test):
        answer = self.get(f"/api/v1/tests/{test}/logs?format=json&limit={MOST}")
        assert answer["next_cursor"] is None, "the test has more records than are looked at"
        return answer["records"]

    def by_query(self, test):
        output = self.command("query", "--json", "--oldest-first", "--limit", str(MOST), f'{{test="{test}"}}')
        return entries_of(output)

    def records_of(self, service):
        """Everything that a service wrote."""
        return entries_of(self.command("query", "--json", "--oldest-first", "--limit", "5000", f'{{service="{service}"}}'))

    def by_websocket(self, test, count):
        return asyncio.run(self._stream(f'{{test="{test}"}}', count))

    async def _stream(self, query, count):
        parameters = urllib.parse.urlencode({"query": query, "tail": MOST, "token": self.token})
        found = []
        async with websockets.connect(self.url.replace("http", "ws", 1) + "/stream?" + parameters, max_size=None) as socket:
            while len(found) < count:
                found.append(json.loads(await asyncio.wait_for(socket.recv(), 30)))
            await socket.send('{"type":"ping"}')
            last = json.loads(await asyncio.wait_for(socket.recv(), 30))
            assert last.get("type") == "pong", f"the live stream has more than the {count} records: {last}"
        return found


def entries_of(output):
    """Of `telltale query --json`."""
    return [json.loads(line) for line in output.splitlines() if line]


def texts_of(entries):
    """The lines that the records were written as."""
    return [line for entry in entries for line in entry.get("line", entry["content"]).split("\n")]


def texts_of_file(lines):
    """The same of a file of lines, or of `telltale logs`."""
    return [PREFIX.sub("", line, count=1) for line in lines if not line.startswith("# ")]


def compare(views, test, file):
    """Returns the test's records after each way was asked; AssertionError when they differ."""
    records = views.by_http(test)
    sequences = sorted(int(entry["sequence"]) for entry in records)
    others = {"query": views.by_query(test), "WebSocket": views.by_websocket(test, len(records))}
    for name, entries in others.items():
        assert sorted(int(entry["sequence"]) for entry in entries) == sequences, f"{name} and HTTP show different records of {test}"
        assert sorted(texts_of(entries)) == sorted(texts_of(records)), f"{name} and HTTP show different lines of {test}"
    written = [line for line in file.read_text().splitlines() if not line.startswith("# ")]
    commanded = [line for line in views.by_command(test) if not line.startswith("# ")]
    assert sorted(written) == sorted(commanded), f"{file} and `telltale logs` differ"
    assert sorted(texts_of_file(written)) == sorted(texts_of(records)), f"{file} and HTTP show different lines"
    return records
