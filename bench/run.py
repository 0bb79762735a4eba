#!/usr/bin/env python3
"""`make bench`: what Telltale costs, beside its neighbours, in one run on one machine.

Parts (--only to choose): ingest (file to stored and synced, count and checksums read back; rsyslog and syslog-ng file to file on the same
file), streams (1,000 streams of 10 lines/s), idle, latency (write to WebSocket receipt). Prints a table; --json FILE keeps the figures.
Nothing here passes or fails on time.
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
from measure import Program, cpu_seconds, status_kib, threads, wait_until  # noqa: E402
from peers import PEER_KINDS, run_peer  # noqa: E402

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
    with Engine(build, folder / "ingest", [corpus]) as engine:
        peak = 0
        while not engine.caught_up():
            peak = max(peak, status_kib(engine.pid, "RssAnon"))
        peak = max(peak, status_kib(engine.pid, "RssAnon"))
        cpu = cpu_seconds(engine.pid)
    check = subprocess.run([str(build / "bin/telltale_corpus"), "--verify", str(engine.data), "--lines", str(lines), "--seed", str(SEED)],
                           capture_output=True, text=True)
    disk = sum(path.stat().st_size for path in (engine.data / "segments").iterdir())
    rows = {"telltale": {"lines": lines, "cpu": cpu, "bytes": size, "peak_mib": peak / 1024}}
    for name in PEER_KINDS:
        rows[name] = run_peer(name, corpus, lines, folder / name.split()[0])
    print(f"\nfile -> stored and synced: {lines:,} lines, {size / 1e6:,.0f} MB, mean {size / lines:.0f} bytes a line, seed {SEED}")
    print(f"  {'program':<16}{'lines per CPU-s':>16}{'MB per CPU-s':>14}{'CPU s':>8}{'peak MiB':>10}{'ratio':>8}")
    ours = lines / cpu
    for name, row in rows.items():
        if isinstance(row, str):
            print(f"  {name:<16} skipped: {row}")
            continue
        rate = row["lines"] / row["cpu"]
        print(f"  {name:<16}{rate:>16,.0f}{row['bytes'] / row['cpu'] / 1e6:>14.0f}{row['cpu']:>8.2f}{row['peak_mib']:>10.0f}{ours / rate:>8.2f}")
    print(f"  on disk {disk / 1e6:,.0f} MB ({size / disk:.1f} x smaller); read back: {check.stdout.strip() or check.stderr.strip()}")
    return {"ingest": rows, "disk_bytes": disk, "verified": check.returncode == 0}


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
        anonymous, count = status_kib(engine.pid, "RssAnon") / 1024, engine.call("/api/v1/count?query=%7B%7D")["records"]
        inside = threads(engine.pid)
    for file in files:
        file.close()
    print(f"\n{streams:,} streams, {written / took:,.0f} lines/s for {took:.0f} s: {100 * used / took:.1f} % of a core, {anonymous:.0f} MiB anonymous, "
          f"{inside} threads; {count:,} of {written + streams:,} lines kept")
    return {"streams": {"cpu_percent": 100 * used / took, "anonymous_mib": anonymous, "kept": count, "written": written + streams}}


def bench_idle(build, folder, seconds=20):
    (folder / "idle-logs").mkdir(parents=True, exist_ok=True)
    (folder / "idle-logs/app.log").write_text("2026-11-21T00:00:00Z INFO one line\n")
    with Engine(build, folder / "idle", [folder / "idle-logs/*.log"]) as engine:
        wait_until(engine.caught_up, 30, "barrier")
        cpu = cpu_seconds(engine.pid)
        time.sleep(seconds)  # the length of the measurement, not a wait for something
        used = cpu_seconds(engine.pid) - cpu
        anonymous, resident = status_kib(engine.pid, "RssAnon") / 1024, status_kib(engine.pid, "VmRSS") / 1024
    print(f"\nidle for {seconds} s: {100 * used / seconds:.2f} % of a core, {anonymous:.1f} MiB anonymous, {resident:.1f} MiB resident with the program's pages")
    return {"idle": {"cpu_percent": 100 * used / seconds, "anonymous_mib": anonymous, "resident_mib": resident}}


def bench_latency(build, folder):
    logs = folder / "latency-logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    rows = {}
    with Engine(build, folder / "latency", [logs / "*.log"]) as engine:
        for rate in (100, 1000, 10000):
            rows[rate] = measure_latency(engine, logs / f"app-{rate}.log", rate, 5)
            p50, p99, received, sent = rows[rate]
            print(f"{chr(10) if rate == 100 else ''}write -> WebSocket receipt at {rate:,} lines/s: p50 {p50:.2f} ms, p99 {p99:.2f} ms ({received:,} of {sent:,} lines)")
    return {"latency": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--folder", type=lambda text: pathlib.Path(text).resolve(), default=ROOT / "build/bench")
    parser.add_argument("--lines", type=int, default=8_000_000)
    parser.add_argument("--only", default="ingest,streams,idle,latency")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    parts = {"ingest": lambda: bench_ingest(args.build, args.folder, args.lines), "streams": lambda: bench_streams(args.build, args.folder),
             "idle": lambda: bench_idle(args.build, args.folder), "latency": lambda: bench_latency(args.build, args.folder)}
    figures = {"cores": os.cpu_count(), "machine": pathlib.Path("/proc/cpuinfo").read_text().split("model name\t: ")[1].split("\n")[0]}
    print(f"{figures['cores']} cores, {figures['machine']}")
    for name in args.only.split(","):
        figures.update(parts[name]())
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1))
    return 0 if figures.get("verified", True) else 1


if __name__ == "__main__":
    sys.exit(main())
