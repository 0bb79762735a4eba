#!/usr/bin/env python3
"""`make bench`: what Telltale costs, beside its neighbours, in one run on one machine: the median of several rounds.

Parts (--only to choose): ingest (file to stored and synced, count and checksums read back; rsyslog and syslog-ng file to file on the same
file), streams (1,000 streams of 10 lines/s), idle, idle-files (5,000 files that nobody writes to), latency (write to WebSocket receipt),
pytest (what the plugin costs a suite of empty tests). A round measures each once. --json FILE keeps the figures of all rounds. Nothing here passes or fails on time.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from latency import measure_latency  # noqa: E402
from measure import PeakMemory, Program, cpu_seconds, status_kib, threads, wait_until  # noqa: E402
from peers import PEER_KINDS, run_peer  # noqa: E402
from pytest_overhead import bench_pytest  # noqa: E402
from report import REPORTS  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
SEED = 20261121


class Engine(Program):
    """A `telltale serve` on free ports with a data folder of its own."""

    def __init__(self, build, folder, patterns, *options):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.data = folder / "data"
        files = [word for pattern in patterns for word in ("--file", str(pattern))]
        super().__init__([str(build / "bin/telltale"), "serve", "--data", str(self.data), "--port", "0", "--health-port", "0",
                          "--metrics-port", "0", *files, *options], folder / "engine.log", cwd=folder)
        wait_until(lambda: (self.data / "engine.json").exists() or not self.alive(), 30, "engine.json")
        if not self.alive():
            raise RuntimeError((folder / "engine.log").read_text())
        about = json.loads((self.data / "engine.json").read_text())
        self.url, self.token = about["url"], about["token"]

    def call(self, path, body=None):
        request = urllib.request.Request(self.url + path, data=body, headers={"Authorization": f"Bearer {self.token}",
                                                                              "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def caught_up(self):
        return self.call("/api/v1/barrier", b'{"timeout_ms": 2000}')["complete"]


def make_corpus(build, folder, lines):
    path = folder / f"corpus-{SEED}-{lines}.log"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([str(build / "bin/telltale_corpus"), "--lines", str(lines), "--seed", str(SEED), "--out", str(path)], check=True)
    path.read_bytes()  # into the page cache, so that all start alike
    return path


def bench_ingest(build, folder, lines):
    corpus = make_corpus(build, folder, lines)
    size = corpus.stat().st_size
    with Engine(build, folder / "ingest", [corpus]) as engine, PeakMemory(engine.pid) as memory:
        while not engine.caught_up():
            pass
        cpu = cpu_seconds(engine.pid)
    check = subprocess.run([str(build / "bin/telltale_corpus"), "--verify", str(engine.data), "--lines", str(lines), "--seed", str(SEED)],
                           capture_output=True, text=True)
    disk = sum(path.stat().st_size for path in (engine.data / "segments").iterdir())
    rows = {"telltale": {"lines": lines, "cpu": cpu, "bytes": size, "peak_mib": memory.mib}}
    for name in PEER_KINDS:
        rows[name] = run_peer(name, corpus, lines, folder / name.split()[0])
    return {"programs": rows, "lines": lines, "bytes": size, "seed": SEED, "disk_bytes": disk, "verified": check.returncode == 0,
            "read_back": check.stdout.strip() or check.stderr.strip()}


def bench_streams(build, folder, seconds=10, streams=1000, rate=10):
    logs = folder / "streams-logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    files = [open(logs / f"service-{number:04}.log", "a", buffering=1) for number in range(streams)]
    with Engine(build, folder / "streams", [logs / "*.log"]) as engine:
        for file in files:
            file.write("2026-11-21T00:00:00Z INFO first line\n")
        wait_until(engine.caught_up, 30, "barrier")
        cpu, start, written = cpu_seconds(engine.pid), time.monotonic(), 0
        for turn in range(seconds * rate):
            for number, file in enumerate(files):
                file.write(f'{{"time":"2026-11-21T00:00:{turn % 60:02}Z","level":"info","msg":"request served","n":{turn},"stream":{number}}}\n')
                written += 1
            pause = start + (turn + 1) / rate - time.monotonic()
            if pause > 0:
                time.sleep(pause)
        wait_until(engine.caught_up, 30, "barrier")
        took, used = time.monotonic() - start, cpu_seconds(engine.pid) - cpu
        figures = {"streams": streams, "rate": written / took, "cpu_percent": 100 * used / took,
                   "anonymous_mib": status_kib(engine.pid, "RssAnon") / 1024, "threads": threads(engine.pid),
                   "kept": engine.call("/api/v1/count?query=%7B%7D")["records"], "written": written + streams}
    for file in files:
        file.close()
    return figures


def bench_idle(build, folder, seconds=20):
    (folder / "idle-logs").mkdir(parents=True, exist_ok=True)
    (folder / "idle-logs/app.log").write_text("2026-11-21T00:00:00Z INFO one line\n")
    with Engine(build, folder / "idle", [folder / "idle-logs/*.log"]) as engine:
        wait_until(engine.caught_up, 30, "barrier")
        cpu = cpu_seconds(engine.pid)
        time.sleep(seconds)  # the length of the measurement, not a wait for something
        used = cpu_seconds(engine.pid) - cpu
        return {"seconds": seconds, "cpu_percent": 100 * used / seconds, "anonymous_mib": status_kib(engine.pid, "RssAnon") / 1024,
                "resident_mib": status_kib(engine.pid, "VmRSS") / 1024}


def bench_idle_files(build, folder, files=5000, seconds=20):
    logs = folder / "idle-files-logs"
    shutil.rmtree(logs, ignore_errors=True)
    for number in range(files):
        service = logs / f"service-{number % 100:02}"
        service.mkdir(parents=True, exist_ok=True)
        (service / f"app-{number:04}.log").write_text("2026-11-21T00:00:00Z INFO one line\n")
    with Engine(build, folder / "idle-files", [logs / "*/*.log"]) as engine:
        wait_until(engine.caught_up, 120, "barrier")
        cpu = cpu_seconds(engine.pid)
        time.sleep(seconds)  # the length of the measurement, not a wait for something
        used = cpu_seconds(engine.pid) - cpu
        return {"files": files, "seconds": seconds, "cpu_percent": 100 * used / seconds, "kept": engine.call("/api/v1/count?query=%7B%7D")["records"],
                "anonymous_mib": status_kib(engine.pid, "RssAnon") / 1024,
                "descriptors": len(list(pathlib.Path(f"/proc/{engine.pid}/fd").iterdir()))}


def bench_latency(build, folder, rates=(100, 1000, 10000), seconds=5):
    logs = folder / "latency-logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    figures = {}
    with Engine(build, folder / "latency", [logs / "*.log"]) as engine:
        for rate in rates:
            with PeakMemory(engine.pid) as memory:
                p50, p99, received, sent = measure_latency(engine, logs / f"app-{rate}.log", rate, seconds)
            figures[rate] = {"p50_ms": p50, "p99_ms": p99, "received": received, "sent": sent, "peak_mib": memory.mib}
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--folder", type=lambda text: pathlib.Path(text).resolve(), default=ROOT / "build/bench")
    parser.add_argument("--lines", type=int, default=8_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="an odd number has a middle")
    parser.add_argument("--only", default="ingest,streams,idle,idle-files,latency,pytest")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    parts = {"ingest": lambda: bench_ingest(args.build, args.folder, args.lines), "streams": lambda: bench_streams(args.build, args.folder),
             "idle": lambda: bench_idle(args.build, args.folder), "idle-files": lambda: bench_idle_files(args.build, args.folder),
             "latency": lambda: bench_latency(args.build, args.folder),
             "pytest": lambda: bench_pytest(args.build, args.folder)}
    machine = pathlib.Path("/proc/cpuinfo").read_text().split("model name\t: ")[1].split("\n")[0]
    print(f"{os.cpu_count()} cores, {machine}; medians of {args.rounds} rounds, in brackets the least and the most", flush=True)
    rounds = {name: [] for name in args.only.split(",")}
    for number in range(args.rounds):
        for name, figures in rounds.items():
            figures.append(parts[name]())
            print(f"  round {number + 1}: {name} done, {os.getloadavg()[0]:.1f} programs ran or waited for a core", file=sys.stderr, flush=True)
    for name, figures in rounds.items():
        REPORTS[name](figures)
    if args.json:
        args.json.write_text(json.dumps({"cores": os.cpu_count(), "machine": machine, **rounds}, indent=1))
    return 0 if all(figures["verified"] for figures in rounds.get("ingest", [])) else 1


if __name__ == "__main__":
    sys.exit(main())
