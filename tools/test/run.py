#!/usr/bin/env python3
"""Runs every test of a build and prints one summary.

Tests are the executables ctest knows (C++: unit, logic, fault, fuzz replays), and the pytest suites under tests/. GoogleTest cases and
pytest items are counted one by one; a fuzz replay counts as one. What is skipped is listed with its reason.

Under a sanitizer programs are slower: what waits for something waits for longer (TELLTALE_SLOWNESS, a factor; tests read it in
tests/e2e/engine.py), and what is asserted stays.

Usage: run.py --build DIR [--only KIND,…]   KIND: unit logic fault fuzz e2e python tools
Exit: 0 all passed, 1 something failed. TELLTALE_TEST_SUMMARY names a file that gets "passed failed skipped".
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = ("unit", "logic", "fault", "fuzz", "e2e", "python", "tools")
SUITES = {"e2e": "tests/e2e", "python": "clients/python/tests", "tools": "tools"}  # pytest suites by kind
SYMBOLIZER = "external_symbolizer_path=/usr/lib/llvm-19/bin/llvm-symbolizer"  # tools/setup/sanitizers.txt
SANITIZER_ENV = {
    # Debian's libraries are not instrumented: container annotations of theirs would be false alarms.
    "ASAN_OPTIONS": f"detect_container_overflow=0:abort_on_error=0:halt_on_error=1:{SYMBOLIZER}",
    "UBSAN_OPTIONS": f"print_stacktrace=1:halt_on_error=1:{SYMBOLIZER}",
    "TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:suppressions={ROOT}/tools/test/tsan.supp:{SYMBOLIZER}",
}

# How much longer than without it a test may take: by the value of TELLTALE_SANITIZE.
SLOWNESS = {"": 1, "address,undefined": 4, "thread": 8}


def slowness_of(build):
    cache = (build / "CMakeCache.txt").read_text() if (build / "CMakeCache.txt").exists() else ""
    sanitizers = next((line.partition("=")[2] for line in cache.splitlines() if line.startswith("TELLTALE_SANITIZE:")), "")
    return SLOWNESS.get(sanitizers, max(SLOWNESS.values()))


def environment(build):
    defaults = {**SANITIZER_ENV, "TELLTALE_SLOWNESS": str(slowness_of(build))}
    return {**defaults, **os.environ}


class Tally:
    def __init__(self):
        self.passed = 0
        self.failures = []
        self.skips = []

    def add_junit(self, path, name):
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            title = f"{name}: {case.get('classname')}.{case.get('name')}"
            skipped = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                self.failures.append(title)
            elif skipped is not None or case.get("result") == "skipped":
                reason = (skipped.get("message") or skipped.text or "") if skipped is not None else ""
                self.skips.append(f"{title}: {reason.strip()}")
            else:
                self.passed += 1


def ctest_tests(build, kinds):
    listing = subprocess.run(["ctest", "--show-only=json-v1"], cwd=build, check=True, capture_output=True, text=True).stdout
    for test in json.loads(listing)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        labels = properties.get("LABELS", [])
        kind = "fuzz" if "fuzz" in labels else next((label for label in labels if label in KINDS), "unit")
        if kind not in kinds:
            continue
        if "command" not in test:
            sys.exit(f"run.py: the build of '{test['name']}' is missing; run `make test`")
        yield test["name"], kind, test["command"], float(properties.get("TIMEOUT", 600)), properties.get("WORKING_DIRECTORY", build)


def run_one(name, kind, command, timeout, folder, env, scratch):
    report = scratch / f"{name}.xml"
    env = {**env, "GTEST_OUTPUT": f"xml:{report}"}
    timeout *= float(env["TELLTALE_SLOWNESS"])
    start = time.monotonic()
    try:
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, errors="replace", timeout=timeout)
        code, output = done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired as expired:
        code, output = "timeout", (expired.stdout or b"").decode(errors="replace") + f"\nno end after {timeout:.0f} s\n"
    return name, kind, code, output, report, time.monotonic() - start


def run_executables(args, tally, scratch):
    chosen = list(ctest_tests(args.build, args.only))
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        env = environment(args.build)
        jobs = [pool.submit(run_one, *test, env, scratch) for test in chosen]
        for job in concurrent.futures.as_completed(jobs):
            name, _kind, code, output, report, seconds = job.result()
            before = len(tally.failures)
            if report.exists():
                tally.add_junit(report, name)
            elif code == 0:
                tally.passed += 1
            if code != 0 and len(tally.failures) == before:
                tally.failures.append(f"{name}: ended with {code}")
            bad = len(tally.failures) > before
            print(f"{'FAILED' if bad else 'ok    '} {name} ({seconds:.1f} s)", flush=True)
            if bad:
                print(output[-20000:])
            else:
                for line in output.splitlines():
                    if line.startswith("RESULT "):
                        print(f"       {line[7:]}")


def run_pytest(kind, folder, args, tally, scratch):
    if not list((ROOT / folder).rglob("test_*.py")):
        return
    report = scratch / f"pytest-{kind}.xml"
    env = {**environment(args.build), "TELLTALE_BIN": str(args.build / "bin" / "telltale"), "TELLTALE_BUILD": str(args.build), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", f"--junitxml={report}", folder], cwd=ROOT, env=env)
    before = len(tally.failures)
    if report.exists():
        tally.add_junit(report, kind)
    if done.returncode not in (0, 5) and len(tally.failures) == before:
        tally.failures.append(f"{kind}: pytest ended with {done.returncode}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--only", default=",".join(KINDS), type=lambda text: text.split(","))
    args = parser.parse_args()
    unknown = set(args.only) - set(KINDS)
    if unknown:
        parser.error(f"unknown kinds {sorted(unknown)}; there are {', '.join(KINDS)}")
    # A shell's background job ignores these, and so would all that tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    start = time.monotonic()
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="telltale-test-") as scratch:
        run_executables(args, tally, pathlib.Path(scratch))
        for kind, folder in SUITES.items():
            if kind in args.only:
                run_pytest(kind, folder, args, tally, pathlib.Path(scratch))
    for title, names in (("Skipped", tally.skips), ("Failed", tally.failures)):
        if names:
            print(f"\n{title}:")
            print("\n".join(f"  - {name}" for name in names))
    print(f"\nTook {time.monotonic() - start:.0f} s")
    summary = os.environ.get("TELLTALE_TEST_SUMMARY")
    if summary:
        pathlib.Path(summary).write_text(f"{tally.passed} {len(tally.failures)} {len(tally.skips)}\n")
    print(f"{tally.passed} passed, {len(tally.failures)} failed, {len(tally.skips)} skipped")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
