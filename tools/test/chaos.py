#!/usr/bin/env python3
"""Runs every fuzz target for its minutes (as many at once as there are cores), the model of the file source with fresh seeds,
the fault tests at full length, and the Python client's tests under all Pythons and pytest releases (tools/peers/pythons.py), and appends one
line for each to docs/chaos-log.md. Minutes are of a processor: on a busy machine the clock goes on for longer.

Usage: chaos.py --fuzz BUILD --build BUILD [--minutes N] [--only NAME,…] [--log FILE]
Exit: 0 all clean, 1 something was found (its input is kept in the fuzz build's folder `findings`).
"""
import argparse
import concurrent.futures
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = """# Chaos log

Appended by `make chaos`: each line is one run that was done.

| date (UTC) | commit | what | CPU seconds | inputs | result |
|---|---|---|---|---|---|
"""


# Of one input: more than other work on the machine can make of milliseconds, less than without end.
INPUT_SECONDS = 60


def commit():
    """Of the sources that are tried."""
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def run_once(command, env, folder):
    """(exit code, CPU seconds, what it wrote) of a child."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return child.returncode, usage.ru_utime + usage.ru_stime, output.read().decode(errors="replace")


def fuzz(binary, seconds, work):
    """A target until it has had its CPU seconds; libFuzzer itself knows only the clock's. What it learnt is kept from call to call."""
    name = binary.name
    seeds = ROOT / "fuzz/corpus" / name.removesuffix("_fuzz")
    grown, findings = work / "grown" / name, work / "findings" / name
    for folder in (grown, findings):
        folder.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "ASAN_OPTIONS": "detect_container_overflow=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    used, inputs = 0.0, 0
    while used < seconds:
        command = [str(binary), f"-max_total_time={max(1, round(seconds - used))}", f"-artifact_prefix={findings}/", f"-timeout={INPUT_SECONDS}",
                   "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=1", str(grown)] + ([str(seeds)] if seeds.is_dir() else [])
        code, cpu, output = run_once(command, env, work)
        used += cpu
        executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", output)
        inputs += int(executed.group(1)) if executed else 0
        if code != 0:
            print(output[-6000:], file=sys.stderr)
            return name, round(used), inputs, f"FOUND, exit {code}"
    return name, round(used), inputs, "clean"


def long_tests(build):
    """The fault and kill tests with their full counts."""
    before = os.times()
    done = subprocess.run([sys.executable, "tools/test/run.py", "--build", str(build), "--only", "fault,e2e,python"], cwd=ROOT,
                          env={**os.environ, "TELLTALE_FULL": "1"})
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return "fault, end-to-end and Python client tests, full counts", round(seconds), 1, "clean" if done.returncode == 0 else "FAILED"


MODEL_ROUNDS = 2000
MODELS = {  # what → (its test program, its tests)
    "the file source": ("src/sources/file/testing/sources_file_testing_test", "TailerModel.*"),
    "follow streams": ("src/sources/follow/sources_follow_test", "FollowModel.*"),
}


def models(build):
    """Each model-based test with seeds that `make test` does not try; a row for each. Their column of inputs is how many. TELLTALE_MODEL_ROUNDS and
    TELLTALE_MODEL_SEED choose others."""
    rounds, seed = os.environ.get("TELLTALE_MODEL_ROUNDS", str(MODEL_ROUNDS)), os.environ.get("TELLTALE_MODEL_SEED", str(int(time.time()) % 10**6))
    env = {**os.environ, "TELLTALE_MODEL_ROUNDS": rounds, "TELLTALE_MODEL_SEED": seed}
    rows = []
    for what, (program, tests) in MODELS.items():
        code, cpu, output = run_once([str(build / program), f"--gtest_filter={tests}"], env, ROOT)
        if code != 0:
            print(output[-20000:], file=sys.stderr)
        rows.append((f"model of {what}, seeds from {seed}", round(cpu), int(rounds), "clean" if code == 0 else f"FOUND, exit {code}"))
    return rows


def client_matrix(build):
    """The Python client's tests under every Python and pytest release that can be had; a row for each. Their column of inputs is how many
    tests passed."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "matrix.json"
        subprocess.run([sys.executable, "tools/peers/pythons.py", "--build", str(build), "--json", str(report)], cwd=ROOT)
        rows = json.loads(report.read_text()) if report.exists() else []
    if not rows:
        return [("Python client: no combination of Python and pytest", 0, 0, "could not be run")]
    return [(f"Python client: {row['title']}", row["cpu_seconds"], row["passed"], "clean" if row["good"] else "FAILED") for row in rows]


def append(log, tree, row):
    if not log.exists():
        log.write_text(HEADER)
    name, seconds, inputs, result = row
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M")
    with log.open("a") as out:
        out.write(f"| {now} | {tree} | {name} | {seconds} | {inputs} | {result} |\n")
    print(f"{name}: {result} ({inputs} inputs in {seconds} CPU seconds)", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fuzz", required=True, type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--build", type=lambda text: pathlib.Path(text).resolve(), help="also run the long fault tests and the matrix of this build")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--only", default="", help="fuzz targets by name, with commas")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="fuzz targets at once; default: as many as cores")
    parser.add_argument("--log", type=pathlib.Path, default=ROOT / "docs/chaos-log.md")
    args = parser.parse_args()
    only = [name for name in args.only.split(",") if name]
    binaries = {path.name: path for path in args.fuzz.rglob("*_fuzz") if path.is_file() and os.access(path, os.X_OK)}
    if unknown := set(only) - set(binaries):
        sys.exit(f"chaos.py: no fuzz target {', '.join(sorted(unknown))}; there are {', '.join(sorted(binaries))}")
    binaries = [binaries[name] for name in only or sorted(binaries)]
    if not binaries:
        sys.exit(f"chaos.py: no fuzz targets in {args.fuzz}")
    results, tree = [], commit()  # of the beginning: it may move while they run
    with concurrent.futures.ThreadPoolExecutor(max_workers=args.jobs) as pool:
        jobs = [pool.submit(fuzz, binary, int(args.minutes * 60), args.fuzz) for binary in binaries]
        for job in concurrent.futures.as_completed(jobs):
            results.append(job.result())
            append(args.log, tree, results[-1])
    if args.build:
        for row in [*models(args.build), long_tests(args.build), *client_matrix(args.build)]:
            results.append(row)
            append(args.log, tree, row)
    return 0 if all(result[3] == "clean" for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
