"""What the reports' unit tests keep as golden files, read by other programs' readers."""
import json
import pathlib

import junitparser
import pytest

from report_readers import properties, read_ctrf, read_junit

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden/reports"
NAMES = ["run", "hostile", "empty"]


def golden(name):
    return (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_ctrf_keeps_to_its_schema(name):
    read_ctrf(json.loads(golden(f"{name}.ctrf.json")))


@pytest.mark.parametrize("name", NAMES)
def test_junit_is_read_by_two_readers(name):
    suite, _ = read_junit(golden(f"{name}.junit.xml"))
    assert properties(suite)["pod_errors"].isdigit()


def test_ctrf_tells_attempts_and_counts():
    tests = read_ctrf(json.loads(golden("run.ctrf.json")))
    slow = tests["tests/test_search.py::test_slow"]
    assert slow["flaky"] and slow["retries"] == 1 and slow["retryAttempts"][0]["message"] == "TimeoutError: no answer"
    pay = tests["tests/test_pay.py::TestPay::test_card[visa-10::00]"]
    assert pay["suite"] == ["tests/test_pay.py", "TestPay"] and pay["extra"]["podErrors"] == 2 and len(pay["attachments"]) == 2


def test_junit_tells_outcomes_counts_and_paths():
    suite, cases = read_junit(golden("run.junit.xml"))
    by_name = {case.name: case for case in cases}
    assert isinstance(by_name["test_card[visa-10::00]"].result[0], junitparser.Failure)
    assert by_name["test_card[visa-10::00]"].classname == "tests.test_pay.TestPay" and by_name["test_card[visa-10::00]"].time == 1.5
    assert isinstance(by_name["test_old"].result[0], junitparser.Skipped) and not by_name["test_slow"].result
    pay = properties(next(case for case in suite.iter("testcase") if case.get("classname") == "tests.test_pay.TestPay"))
    assert (pay["pod_errors"], pay["pod_errors_possible"]) == ("2", "1") and pay["pod_errors_log"].endswith("_ERRORS.log")


def test_the_same_hostile_text_is_read_from_every_format():
    told = json.loads(golden("hostile.json"))
    name = told["tests"][0]["node_id"]
    assert name.startswith("a\0b\x01\x1b[31m") and "💥" in name
    assert list(read_ctrf(json.loads(golden("hostile.ctrf.json"))))[0] == name
    # XML cannot hold control characters: they are shown.
    suite, cases = read_junit(golden("hostile.junit.xml"))
    assert properties(suite)["telltale_run"].startswith("a\\x00b\\x01\\x1b[31m\\x7f\r\n| `x`") and "💥" in cases[0].name
