#!/usr/bin/env python3
"""What the demo must have shown. Run in the suite's folder.

Usage: check.py --suite FILE --junit FILE --failing NAME   FILE: pytest's output, its JUnit XML
Exit: 0 all is as it should be, 1 something is not (said on standard error).
"""
import argparse
import os
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from views import Views, compare, texts_of  # noqa: E402

SUMMARY = ("REAL-TIME POD MONITORING: Starting...", "Starting monitoring for 3 services...", "Real-time pod monitoring active",
           "REAL-TIME POD MONITORING: Stopping...", "Monitored 14 tests", "Tests with pod errors: 1", "REAL-TIME POD MONITORING: Complete")


def check_output(text, failing):
    at = 0
    for line in SUMMARY:
        at = text.find(line, at)
        assert at >= 0, f"the suite's output has no '{line}' in its turn"
    named = [line for line in text[text.index("Tests with pod errors:"):].splitlines()[1:] if line.strip().startswith("- ")]
    assert len(named) == 1 and failing in named[0], f"the summary names other tests than {failing}: {named}"
    assert "1 failed, 13 passed, 1 rerun" in text, "the suite had other results than the intended"


def check_junit(path, failing):
    failed = [case.get("name") for case in ElementTree.parse(path).getroot().iter("testcase") if case.find("failure") is not None]
    assert failed == [failing], f"JUnit XML: these failed: {failed}"


def check_lines(failing):
    views = Views(os.environ["TELLTALE_BIN"], pathlib.Path.cwd())
    [test] = views.tests(match=failing)
    [file] = [path for path in pathlib.Path("logs/pod_logs/test_logs").glob(f"{failing}_*.log") if not path.stem.endswith("_ERRORS")]
    records = compare(views, test["test"], file)
    text = "\n".join(texts_of(records))
    for part in ("Traceback (most recent call last):", "KeyError: 'CHF'", "ledger did not book the charge", "order was not paid"):
        assert part in text, f"the log of the failing test has no '{part}'"
    assert {entry["service_name"] for entry in records} == {"shop", "payments", "ledger"}, "a service is not in the log"
    others = [other["test"] for other in views.tests() if other["test"] != test["test"]]
    assert len(others) == 14, f"there are {len(others)} other tests"
    foreign = [other for other in others if other in text]
    assert not foreign, f"the log holds lines of other tests: {foreign}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", required=True, type=pathlib.Path)
    parser.add_argument("--junit", required=True)
    parser.add_argument("--failing", required=True)
    args = parser.parse_args()
    try:
        check_output(args.suite.read_text(), args.failing)
        check_junit(args.junit, args.failing)
        check_lines(args.failing)
    except AssertionError as wrong:
        print(f"demo: {wrong}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
