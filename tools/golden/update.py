#!/usr/bin/env python3
"""Runs the golden files anew, shows what would change, and keeps it with --write.

Usage: update.py [--build DIR] [--write]     Exit: 0 nothing differs or it was written, 1 something differs.
"""
import argparse
import difflib
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden"


def kept():
    return {path: path.read_text(errors="surrogateescape") for path in sorted(GOLDEN.rglob("*.records"))}


def show(path, before, after):
    name = str(path.relative_to(ROOT))
    for line in difflib.unified_diff(before.splitlines(True), after.splitlines(True), name, name + " (new)"):
        sys.stdout.write(line.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=ROOT / "build/release", type=pathlib.Path)
    parser.add_argument("--write", action="store_true", help="keep what is shown")
    args = parser.parse_args()
    before = kept()
    subprocess.run([args.build / "tests/golden/golden_test", "--gtest_brief=1"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "TELLTALE_GOLDEN_UPDATE": "1"})
    after = kept()
    for path, text in before.items():
        if not path.with_suffix(".log").exists():
            path.unlink()
            after.pop(path)
    changed = [path for path in {**before, **after} if before.get(path) != after.get(path)]
    for path in changed:
        show(path, before.get(path, ""), after.get(path, ""))
        if not args.write:
            path.unlink(missing_ok=True)
            if path in before:
                path.write_text(before[path], errors="surrogateescape")
    print(f"{len(changed)} of {len(after)} files {'written' if args.write else 'differ'}")
    return 1 if changed and not args.write else 0


if __name__ == "__main__":
    sys.exit(main())
