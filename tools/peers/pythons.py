#!/usr/bin/env python3
"""Runs the Python client's tests under every Python from 3.9 on that this machine has, with several pytest releases.

Pythons are looked for on PATH and in pyenv's folder. Each pair gets a virtual environment of its own, made once by pip with pinned versions
and kept outside the checkout (TELLTALE_PEERS, default ~/.cache/telltale/peers). What cannot be had is skipped and said.

Usage: pythons.py --build DIR [--only TEXT] [--json FILE] [--tests WORDS…]
Exit: 0 all passed, 1 something failed.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = pathlib.Path(os.environ.get("TELLTALE_PEERS", pathlib.Path.home() / ".cache/telltale/peers")) / "pythons"
MINIMUM = (3, 9)
# Pinned: name → (what pip installs, first and last Python that it is meant for).
SETS = {
    "pytest-7.0": (("pytest==7.0.1", "pytest-xdist==2.5.0", "pytest-rerunfailures==10.2", "pytest-subtests==0.7.0"), (3, 9), (3, 11)),
    "pytest-7.4": (("pytest==7.4.4", "pytest-xdist==3.3.1", "pytest-rerunfailures==12.0", "pytest-subtests==0.11.0"), (3, 9), (3, 13)),
    "pytest-8.4": (("pytest==8.4.2", "pytest-xdist==3.8.0", "pytest-rerunfailures==15.1", "pytest-subtests==0.14.2"), (3, 9), (3, 14)),
    "pytest-9": (("pytest==9.2.0", "pytest-xdist==3.8.0", "pytest-rerunfailures==16.1"), (3, 10), (3, 99)),
}
PARALLEL = 3  # tests at once: most of them wait for something
ALWAYS = ("requests==2.32.5", "httpx==0.28.1", "setuptools==80.9.0")


def version_of(python):
    try:
        done = subprocess.run([python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, timeout=20)
        return tuple(int(word) for word in done.stdout.split()) if done.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired):
        return None


def find_pythons():
    """(major, minor) → path; the system's own first."""
    places = [pathlib.Path(folder) for folder in ("/usr/bin", *os.environ.get("PATH", "").split(os.pathsep))]
    candidates = [path for place in places if place.is_dir() for path in sorted(place.glob("python3.*")) if re.fullmatch(r"python3\.\d+", path.name)]
    candidates += sorted((pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv")) / "versions").glob("*/bin/python"))
    found = {}
    for path in candidates:
        version = version_of(path)
        if version and version >= MINIMUM:
            found.setdefault(version, str(path))
    return dict(sorted(found.items()))


def environment(python, version, name, packages):
    """The environment's own python; made when it is not there or of other packages."""
    folder = PEERS / f"{version[0]}.{version[1]}-{name}"
    wanted = "\n".join((python, *packages, *ALWAYS))
    mark = folder / "made-of"
    inside = folder / "bin" / "python"
    if not (mark.exists() and mark.read_text() == wanted and inside.exists()):
        PEERS.mkdir(parents=True, exist_ok=True)
        subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True, capture_output=True, text=True)
        subprocess.run([str(inside), "-m", "pip", "install", "-q", *packages, *ALWAYS], check=True, capture_output=True, text=True)
        mark.write_text(wanted)
    # The client itself is installed anew each time, as a user would; from a copy, because setuptools builds where the sources are.
    with tempfile.TemporaryDirectory() as scratch:
        copy = shutil.copytree(ROOT / "clients/python", pathlib.Path(scratch) / "client", ignore=shutil.ignore_patterns("tests", "__pycache__"))
        subprocess.run([str(inside), "-m", "pip", "install", "-q", "--force-reinstall", "--no-deps", "--no-build-isolation", str(copy)],
                       check=True, capture_output=True, text=True)
    return str(inside)


def run_tests(python, build, tests):
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env.update(TELLTALE_BIN=str(build / "bin/telltale"), TELLTALE_BUILD=str(build), TELLTALE_TEST_INSTALLED="1", PYTHONDONTWRITEBYTECODE="1")
    begin = os.times()
    done = subprocess.run([python, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-n", str(PARALLEL), *tests], cwd=ROOT, env=env,
                          capture_output=True, text=True, errors="replace")
    last = next((line for line in reversed(done.stdout.splitlines()) if line.strip()), "no output")
    end = os.times()
    used = end.children_user + end.children_system - begin.children_user - begin.children_system
    return done.returncode, last, used, done.stdout + done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--only", default="", help="part of a combination's name, such as 3.9 or pytest-8")
    parser.add_argument("--json", type=pathlib.Path, help="write what each combination did to this file")
    parser.add_argument("--tests", nargs="*", default=["clients/python/tests"])
    args = parser.parse_args()
    pythons = find_pythons()
    print(f"found Python {', '.join('.'.join(map(str, version)) for version in pythons) or 'nothing'}")
    rows = []
    for version, python in pythons.items():
        for name, (packages, first, last) in SETS.items():
            title = f"Python {version[0]}.{version[1]}, {name}"
            if args.only and args.only not in title.replace("Python ", "") and args.only not in title:
                continue
            if not first <= version <= last:
                continue
            try:
                inside = environment(python, version, name, packages)
            except subprocess.CalledProcessError as error:
                reason = (error.stderr or error.stdout or "").strip().splitlines()
                print(f"SKIPPED {title}: {reason[-1] if reason else error}", flush=True)
                continue
            code, summary, seconds, output = run_tests(inside, args.build, args.tests)
            counted = re.search(r"(\d+) passed", summary)
            rows.append({"title": title, "passed": int(counted[1]) if counted else 0, "cpu_seconds": round(seconds), "good": code == 0})
            print(f"{'ok     ' if code == 0 else 'FAILED '} {title}: {summary}", flush=True)
            if code != 0:
                print(output[-15000:])
    failed = [row["title"] for row in rows if not row["good"]]
    print(f"{len(rows) - len(failed)} combinations passed, {len(failed)} failed" + "".join(f"\n  - {title}" for title in failed))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
