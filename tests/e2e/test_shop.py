"""The main job, on the example: a suite against three services that call each other; one test fails because a service two calls away throws."""
import datetime
import re
import sys

import pytest
from engine import BINARY
from shop_suite import ATTEMPTS, FAILING, LINE, ROOT, TESTS, ShopSuite, missing_programs

sys.path.insert(0, str(ROOT / "tools" / "demo"))
from views import Views, compare, texts_of, texts_of_file  # noqa: E402

NAME = FAILING.rpartition("::")[2]
SUMMARY = ["REAL-TIME POD MONITORING: Starting...", "Starting monitoring for 3 services...", "Real-time pod monitoring active",
           "REAL-TIME POD MONITORING: Stopping...", f"Monitored {TESTS} tests", "Tests with pod errors: 1", f"  - {FAILING}",
           "REAL-TIME POD MONITORING: Complete"]

pytestmark = pytest.mark.skipif(bool(missing_programs()), reason=f"not here: {', '.join(missing_programs())}; run `make setup`")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The suite after `pytest --monitor-pods -n 4`, once for all tests that look at it."""
    suite = ShopSuite(tmp_path_factory.mktemp("ran"))
    suite.outcome = suite.run("--monitor-pods", "-n", "4")
    yield suite
    suite.end()


@pytest.fixture(scope="module")
def views(ran):
    return Views(BINARY, ran.folder, {"TELLTALE_DATA": str(ran.data)})


@pytest.fixture
def suite(tmp_path):
    made = ShopSuite(tmp_path)
    yield made
    made.end()


def in_turn(text, lines):
    """The first of the lines that does not come in its turn, or None."""
    at = 0
    for line in lines:
        at = text.find(line, at)
        if at < 0:
            return line
        at += len(line)
    return None


def check_results(outcome):
    results = outcome.results()
    assert outcome.code == 1 and [name for name, result in results.items() if result != "passed"] == [NAME], outcome.output
    assert f"1 failed, {TESTS - 1} passed, 1 rerun" in outcome.output, outcome.output


def spans_of(views):
    """{test id: (start, end)} in seconds."""
    def seconds(text):
        return datetime.datetime.fromisoformat(text[:26] + "+00:00").timestamp()

    return {test["test"]: (seconds(test["started"]), seconds(test["finished"])) for test in views.tests()}


def test_the_summary_names_the_failing_test(ran):
    check_results(ran.outcome)
    assert in_turn(ran.outcome.output, SUMMARY) is None, ran.outcome.output
    assert "KeyError: 'CHF'" in ran.outcome.output, "the failure's report quotes the services' errors"
    assert int(ran.outcome.properties(NAME)["pod_errors"]) >= 3


def test_its_log_has_the_traceback_of_the_service_two_calls_away(ran):
    [lines] = [lines for path, lines in ran.test_files().items() if path.name.startswith(NAME)]
    text = "\n".join(lines)
    parts = ["[shop] ", "order received", "[payments] ", "charge received", "[ledger] ", "Traceback (most recent call last):", "in _in_euros",
             "KeyError: 'CHF'"]
    assert all(part in text for part in parts), text
    assert "ledger did not book the charge" in text and "order was not paid" in text
    [errors] = ran.test_files(errors=True).values()
    assert set(errors) < set(lines) and "KeyError: 'CHF'" in "\n".join(errors)
    assert not any("charge received" in line for line in errors)


def test_tests_ran_at_the_same_time_and_no_log_has_a_line_of_another(ran, views):
    spans = spans_of(views)
    overlaps = {one: [other for other in spans if other != one and spans[other][0] < spans[one][1] and spans[one][0] < spans[other][1]] for one in spans}
    assert sum(1 for others in overlaps.values() if others) >= 8, f"the control: hardly any tests ran at the same time: {spans}"
    ids = set(spans)
    for path, lines in ran.test_files().items():
        named = {found for line in lines for found in re.findall(r"test_id\W+([0-9a-f]{16})\b", line)}
        assert len(named) == 1 and named <= ids, f"{path} has lines of {named}"
        assert not any("[shared]" in line for line in lines), f"{path}: every request was tied by its id"


def test_every_way_to_ask_shows_the_same_lines(ran, views):
    tests = views.tests()
    assert len(tests) == ATTEMPTS
    for test in tests:
        [file] = [path for path in ran.test_files() if path.stem == test["file_stem"]]
        records = compare(views, test["test"], file)
        assert len(records) >= 2, f"{test['node_id']} made the services write"
        assert all(record["attribution"]["method"] in ("id", "trace") and record["attribution"]["tests"] == [test["test"]] for record in records)


def test_a_control_finds_lines_that_differ(ran, views, tmp_path):
    [test] = views.tests(match=NAME)
    [file] = [path for path in ran.test_files() if path.stem == test["file_stem"]]
    shorter = tmp_path / "shorter.log"
    shorter.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(AssertionError, match="differ"):
        compare(views, test["test"], shorter)


def test_the_files_are_those_of_the_contract(ran, views):
    names = sorted(path.name for path in ran.output.iterdir() if not path.name.startswith("."))
    assert names == ["ledger_errors.log", "ledger_realtime.log", "payments_errors.log", "payments_realtime.log", "shop_errors.log", "shop_realtime.log", "test_logs"]
    assert len(ran.test_files()) == ATTEMPTS and len(ran.test_files(errors=True)) == 1
    for path in ran.test_files():
        assert re.fullmatch(r"test_\w.*_\d{8}_\d{6}(_.*)?\.log", path.name), path.name
    for service in ("shop", "payments", "ledger"):
        lines = (ran.output / f"{service}_realtime.log").read_text().splitlines()
        assert LINE.match(lines[0]) and f"[{service}] " in lines[0]
        assert sorted(texts_of_file(lines)) == sorted(texts_of(views.records_of(service))), f"the file and the store of {service} differ"


def test_no_line_is_lost_over_the_ledgers_rotations(ran, views):
    written = [line for path in ran.logs.glob("ledger.log*") for line in path.read_text().splitlines()]
    assert len(list(ran.logs.glob("ledger.log.*"))) >= 1, "the control: the ledger rotated its file"
    kept = [record for record in views.records_of("ledger") if record["source"] == "file"]
    assert sorted(texts_of(kept)) == sorted(written)


def test_the_attempts_of_a_test_have_logs_of_their_own(ran, views):
    first, second = sorted(views.tests(match="test_the_first_order_of_a_new_customer"), key=lambda test: test["attempt"])
    assert (first["attempt"], first["outcome"], second["attempt"], second["outcome"]) == (1, "rerun", 2, "passed")
    logs = {path.stem: "\n".join(lines) for path, lines in ran.test_files().items()}
    assert "is being opened" in logs[first["file_stem"]] and "is being opened" not in logs[second["file_stem"]]
    assert "order placed" in logs[second["file_stem"]] and "order placed" not in logs[first["file_stem"]]


def test_the_card_number_that_payments_logs_is_kept_nowhere(ran):
    assert "card_number=" in (ran.output / "payments_realtime.log").read_text(), "the control: it was logged"
    places = [path for folder in (ran.data, ran.output) for path in folder.rglob("*") if path.is_file()]
    assert len(places) > 10
    assert not [path for path in places if b"4111111111111111" in path.read_bytes()]


def test_the_services_are_ended_with_the_run(ran):
    assert not any(ran.answers(name) for name in ran.ports)


def test_one_after_the_other_with_live_lines(suite):
    outcome = suite.run("--monitor-pods", "-v")
    check_results(outcome)
    assert in_turn(outcome.output, [f"TEST STARTED: {FAILING}", "KeyError: 'CHF'", f"TEST FINISHED: {FAILING}", f"Saved logs for test: {FAILING} -> "]) is None
    assert in_turn(outcome.output, SUMMARY) is None


def test_services_that_run_elsewhere_are_watched_by_their_files(suite, tmp_path):
    suite.start_services(tmp_path / "elsewhere")
    outcome = suite.run("--monitor-pods", "--env", "remote", "-n", "2",
                        env={"SHOP_LOGS": str(tmp_path / "elsewhere"), "SHOP_URL": f"http://127.0.0.1:{suite.ports['shop']}"})
    check_results(outcome)
    [lines] = [lines for path, lines in suite.test_files().items() if path.name.startswith(NAME)]
    assert "KeyError: 'CHF'" in "\n".join(lines)
    assert all(suite.answers(name) for name in suite.ports), "what was not started here is not ended here"


def test_without_ids_lines_of_several_tests_are_marked(suite):
    """The same services, asked without the headers: time alone tells, and it is said where it does not suffice."""
    conftest = suite.folder / "tests" / "conftest.py"
    conftest.write_text(conftest.read_text() + "\n\n@pytest.fixture\ndef telltale_headers():\n    return {}\n")
    outcome = suite.run("--monitor-pods", "-n", "4")
    check_results(outcome)
    files = suite.test_files()
    shared = [line for lines in files.values() for line in lines if "[shared]" in line]
    assert shared, "the control: tests that ran at the same time have lines in common"
    [lines] = [lines for path, lines in files.items() if path.name.startswith(NAME)]
    assert "KeyError: 'CHF'" in "\n".join(lines), "the truth is among the candidates"


def test_without_the_flag_nothing_starts(suite, tmp_path):
    suite.start_services(tmp_path / "elsewhere")
    check_results(suite.run(env={"TELLTALE_ENV": "local"}))
    assert not suite.data.exists() and not suite.output.exists()
