"""What an engine says over HTTP, for tests to look at."""
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from engine import BINARY, wait_until


class Api:
    """`folder`: the engine's data folder; its address is read anew each time, because engines come back elsewhere."""

    def __init__(self, folder):
        self.folder = folder

    def about(self):
        return json.loads((self.folder / "engine.json").read_text())

    def running(self):
        return (self.folder / "engine.json").exists()

    def get(self, path, **parameters):
        about = self.about()
        target = about["url"] + path + ("?" + urllib.parse.urlencode(parameters) if parameters else "")
        request = urllib.request.Request(target, headers={"Authorization": f"Bearer {about['token']}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read()}") from None

    def runs(self):
        return self.get("/api/v1/runs", limit=100)["runs"]

    def run(self, **wanted):
        """The only run with these members."""
        found = [run for run in self.runs() if all(run.get(name) == value for name, value in wanted.items())]
        assert len(found) == 1, (wanted, self.runs())
        return self.get(f"/api/v1/runs/{found[0]['run']}")

    def tests(self, run):
        """Oldest first."""
        found, cursor = [], None
        while True:
            answer = self.get("/api/v1/tests", run=run, limit=500, **({"cursor": cursor} if cursor else {}))
            found += answer["tests"]
            cursor = answer["next_cursor"]
            if not cursor:
                return found[::-1]

    def outcomes(self, run):
        """A test's name → outcomes of its executions, oldest first."""
        found = {}
        for test in self.tests(run):
            found.setdefault(test["name"], []).append(test["outcome"])
        return found

    def logs(self, test, **parameters):
        return self.get(f"/api/v1/tests/{test}/logs", **parameters)["records"]

    def lines(self, test, **parameters):
        return [record.get("line", record["content"]) for record in self.logs(test, **parameters)]

    def wait_closed(self, run, timeout=20):
        """Until nothing of the run is open."""
        def closed():
            shown = self.get(f"/api/v1/runs/{run}")
            parts = [*shown["workers"], *self.tests(run)]
            return shown["state"] == "finished" and not any(part["outcome"] is None for part in parts) and shown

        return wait_until(closed, "end of the run, its workers and its tests", timeout, 0.05)

    def stop(self):
        """Ends the engine, if one runs."""
        if self.folder.exists():
            subprocess.run([BINARY, "engine", "stop", f"--data={self.folder}"], capture_output=True, timeout=60)
