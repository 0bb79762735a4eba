"""The main job with the real engine: each line with its test, in files, reports, answers."""
import json
import pathlib
import re
import textwrap

import pytest

ENVIRONMENT = """
local:
  monitoring:
    services:
      - {name: api, file: logs/api.log}
      - {name: ledger, file: logs/ledger.log}
"""
# A 'service' that writes its log when it is called, as a real one would while it serves a request of the test.
HELPERS = """
import datetime, pathlib, time, pytest

@pytest.fixture
def service():
    def write(name, text, **members):
        path = pathlib.Path("logs") / f"{name}.log"
        path.parent.mkdir(exist_ok=True)
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"
        with open(path, "a") as out:
            out.write(f"{now} {text}\\n")
    return write
"""
SUITE = """
def test_good(service):
    service("api", "INFO order 1 taken")
    service("ledger", "INFO booked 1")

def test_bad(service):
    service("api", "INFO order 2 taken")
    service("ledger", "ERROR connection to the bank lost, password=open-sesame-42")
    assert False, "order 2 was not booked"

def test_quiet():
    pass
"""


@pytest.fixture
def shop(suite):
    suite.write("config/environments.yaml", ENVIRONMENT)
    suite.write("conftest.py", HELPERS)
    suite.write("test_shop.py", SUITE)
    return suite


def files(suite):
    """name → lines without the header, of logs/pod_logs."""
    root = suite.folder / "logs" / "pod_logs"
    return {str(path.relative_to(root)): [line for line in path.read_text().splitlines() if not line.startswith("# ")]
            for path in root.rglob("*.log")}


def stem_free(names):
    """File names without their times."""
    return sorted(re.sub(r"_\d{8}_\d{6}", "_TIME", name) for name in names)


def test_each_line_is_in_the_files_of_its_test_and_service(shop):
    done = shop.run("--monitor-pods")
    assert done.code == 1
    found = files(shop)
    assert stem_free(found) == sorted(["api_realtime.log", "api_errors.log", "ledger_realtime.log", "ledger_errors.log",
                                       "test_logs/test_good_TIME.log",
                                       "test_logs/test_bad_TIME.log", "test_logs/test_bad_TIME_ERRORS.log", "test_logs/test_quiet_TIME.log"])
    texts = {re.sub(r"_\d{8}_\d{6}", "", name): lines for name, lines in found.items()}
    assert [line.split("] ", 1)[1] for line in texts["test_logs/test_good.log"]] == [
        line.split("] ", 1)[1] for line in texts["test_logs/test_good.log"] if "order 1" in line or "booked 1" in line]
    assert len(texts["test_logs/test_good.log"]) == 2 and texts["test_logs/test_quiet.log"] == []
    assert len(texts["test_logs/test_bad_ERRORS.log"]) == 1 and "bank lost" in texts["test_logs/test_bad_ERRORS.log"][0]
    assert re.match(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] \[ledger\] ", texts["ledger_errors.log"][0])
    assert "open-sesame" not in str(found)


def test_the_console_says_what_the_product_promises(shop):
    done = shop.run("--monitor-pods")
    rule = "=" * 80
    for text in ("Starting...", "Stopping...", "Complete"):
        assert f"{rule}\nREAL-TIME POD MONITORING: {text}\n{rule}\n" in done.output
    order = ["REAL-TIME POD MONITORING: Starting...", "Starting monitoring for 2 services...", "for service api", "for service ledger",
             "Real-time pod monitoring active", "TEST STARTED: test_shop.py::test_good", "TEST FINISHED: test_shop.py::test_good",
             "Saved logs for test: test_shop.py::test_good -> logs/pod_logs/test_logs/test_good_", "TEST STARTED: test_shop.py::test_bad",
             "REAL-TIME POD MONITORING: Stopping...", "Monitored 3 tests", "Detected 1 error in pod logs", "Tests with pod errors: 1",
             "  - test_shop.py::test_bad (1 error)", "REAL-TIME POD MONITORING: Complete"]
    places = [done.output.find(text) for text in order]
    assert -1 not in places and places == sorted(places), done.output
    assert [line for line in done.output.splitlines() if line.startswith("telltale: ")] == []  # nothing went wrong
    saved = re.search(r"Saved logs for test: test_shop.py::test_bad -> (\S+)", done.output)[1]
    assert (shop.folder / saved).exists()


def test_a_failing_tests_report_has_the_error_lines_and_the_path(shop):
    section = shop.run("--monitor-pods").section("test_bad")
    assert "telltale: logs of the services" in section
    assert "1 error line of services during this test:" in section and "[ledger] " in section and "bank lost" in section
    assert "open-sesame" not in section.partition("telltale: logs of the services")[2]
    path = re.search(r"Full log: (\S+)", section)[1]
    assert "bank lost" in pathlib.Path(path).read_text()


def test_junit_has_paths_and_counts(shop):
    found = shop.run("--monitor-pods").junit()
    good, bad = found["test_good"][0][1], found["test_bad"][0][1]
    assert pathlib.Path(good["pod_log"]).exists() and "pod_errors" not in good
    assert bad["pod_errors"] == "1" and bad["pod_errors_possible"] == "0" and re.fullmatch(r"[0-9a-f]{16}", bad["telltale_test"])
    assert "test_bad" in bad["pod_log"]


def test_answers_say_the_same_as_the_files(shop, api):
    shop.run("--monitor-pods", "--telltale-run-name", "nightly")
    run = api.run(name="nightly")
    assert (run["state"], run["outcome"], run["framework"], run["environment"], run["exit_code"]) == ("finished", "failed", "pytest", "local", 1)
    assert api.outcomes(run["run"]) == {"test_good": ["passed"], "test_bad": ["failed"], "test_quiet": ["passed"]}
    bad = next(test for test in api.tests(run["run"]) if test["name"] == "test_bad")
    assert [phase["name"] for phase in bad["phases"]] == ["setup", "call", "teardown"]
    assert "order 2 was not booked" in bad["message"] and bad["worker"] == "master" and bad["attempt"] == 1
    by_id = api.lines(bad["test"])
    by_query = [record.get("line", record["content"]) for record in
                api.get("/api/v1/query", query='{test="test_shop.py::test_bad"}', direction="forward")["records"]]
    assert len(by_id) == 2 and by_id == by_query
    own_file = next(lines for name, lines in files(shop).items() if "test_bad" in name and "ERRORS" not in name)
    assert [line.split("] ", 2)[2] for line in own_file] == by_id


FIXTURES = """
import pytest

def test_reads(service, get_test_pod_logs, assert_no_pod_errors, track_test_in_pod_monitor, pod_monitor):
    assert pod_monitor.active and pod_monitor.environment == "local" and pod_monitor.services == ("api", "ledger")
    assert get_test_pod_logs() == []
    service("api", "INFO one")
    service("ledger", "ERROR two")
    logs = sorted(get_test_pod_logs(), key=lambda line: line.split("]")[1])  # two files may be read in any order
    assert len(logs) == 2 and logs[0].endswith("INFO one") and "] [api] " in logs[0]
    assert len(get_test_pod_logs(service="ledger")) == 1 and len(get_test_pod_logs(errors=True)) == 1
    assert_no_pod_errors(services=["api"])
    assert_no_pod_errors(allow="tw[o]")
    with pytest.raises(pytest.fail.Exception) as error:
        assert_no_pod_errors()
    assert "1 error line of services during this test:" in str(error.value) and "ERROR two" in str(error.value)

def test_next_sees_its_own_lines_only(service, get_test_pod_logs, assert_no_pod_errors):
    assert_no_pod_errors()
    service("api", "INFO three")
    assert [line.rpartition(" ")[2] for line in get_test_pod_logs()] == ["three"]

def test_a_service_of_its_own(pod_monitor, get_test_pod_logs, tmp_path):
    log = tmp_path / "job.log"
    assert pod_monitor.start_monitoring_service("job", files=log, own=True)
    log.write_text("INFO from the job\\n")
    assert pod_monitor.wait(5)
    assert [line.partition("] [")[2] for line in get_test_pod_logs()] == ["job] INFO from the job"]
    assert not pod_monitor.start_monitoring_service("pods", "app=pods")
"""


def test_the_fixtures(shop):
    shop.write("test_shop.py", FIXTURES)
    done = shop.run("--monitor-pods")
    assert done.code == 0, done.output
    said = [line for line in done.output.splitlines() if line.startswith("telltale: ")]
    assert len(said) == 1 and "service 'pods' is chosen by a selector (app=pods)" in said[0]


def test_live_lines_stand_between_the_tests_marks(shop):
    """The test ends when the line has come on the live stream; until the phase's end it is kept."""
    shop.write("test_shop.py", """
import time

def test_one(service, pytestconfig):
    service("api", "INFO live and well")
    console = pytestconfig.pluginmanager.get_plugin("telltale-controller")._console
    end = time.monotonic() + 60
    while console.shows_live and not console.live_lines:
        assert time.monotonic() < end
        time.sleep(0.005)
""")
    done = shop.run("--monitor-pods", "-v")
    output = done.output
    assert done.code == 0, output
    between = output[output.index("TEST STARTED: "):output.index("TEST FINISHED: ")]
    assert re.search(r"^\[\d{4}-.*\] \[api\] .*INFO live and well$", between, re.M), output
    quiet = shop.run("--monitor-pods")
    assert quiet.code == 0 and "live and well" not in quiet.output


def test_a_long_test_shows_its_lines_while_it_runs(shop):
    """The test waits until the line is on the terminal."""
    shop.write("test_shop.py", """
import pathlib, time

def test_one(service):
    service("api", "INFO live and well")
    end = time.monotonic() + 20
    while "live and well" not in pathlib.Path("output.txt").read_text():
        assert time.monotonic() < end
        time.sleep(0.02)
""")
    child = shop.begin("--monitor-pods", "-v")
    child.wait(60)
    assert child.returncode == 0, shop.ended(child).output


def test_quiet_leaves_the_summary(shop):
    output = shop.run("--monitor-pods", "-q").output
    assert "Monitored 3 tests" in output and "TEST STARTED" not in output and "Starting..." not in output
    output = shop.run("--monitor-pods", "--telltale-console=brief").output
    assert "Monitored 3 tests" in output and "TEST STARTED" not in output


def test_a_second_run_rotates_what_the_first_wrote_and_keeps_its_tests(shop):
    shop.run("--monitor-pods")
    first = files(shop)
    shop.run("--monitor-pods")
    second = files(shop)
    assert set(name for name in first if name.startswith("test_logs/")) <= set(second)
    assert len(second["api_realtime.log"]) == 2
    assert [name for name in second if name.startswith("api_realtime") and name != "api_realtime.log"]


HEADERS = """
import http.client, threading, urllib.request, http.server, json, pathlib, pytest

SERVER = None

@pytest.fixture(scope="session")
def echo():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            with open("logs/api.log", "a") as out:
                out.write(json.dumps({"level": "info", "msg": "asked", "path": self.path, "x-test-id": self.headers.get("x-test-id"),
                                      "traceparent": self.headers.get("traceparent"), "baggage": self.headers.get("baggage")}) + "\\n")
            body = json.dumps(self.headers.items()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def log_message(self, *_):
            pass
    pathlib.Path("logs").mkdir(exist_ok=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()

def names(pairs):
    found = {}
    for name, value in pairs:
        found.setdefault(name.lower(), []).append(value)
    return found

def by_urllib(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/urllib") as answer:
        return json.loads(answer.read())

def by_http_client(port):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/http.client")
    return json.loads(connection.getresponse().read())

def by_requests(port):
    return pytest.importorskip("requests").get(f"http://127.0.0.1:{port}/requests").json()

def by_httpx(port):
    return pytest.importorskip("httpx").get(f"http://127.0.0.1:{port}/httpx").json()

def by_httpx_async(port):
    import asyncio
    httpx = pytest.importorskip("httpx")
    async def ask():
        async with httpx.AsyncClient() as client:
            return (await client.get(f"http://127.0.0.1:{port}/httpx")).json()
    return asyncio.run(ask())
"""


@pytest.mark.parametrize("library, name", [("urllib", "urllib"), ("http.client", "http_client"), ("requests", "requests"), ("httpx", "httpx"),
                                           ("httpx", "httpx_async"), ("all", "urllib"), ("all", "requests")])
def test_http_clients_send_the_headers_when_asked(shop, library, name):
    shop.write("test_shop.py", HEADERS + f"""
def test_it(echo, telltale_headers, track_test_in_pod_monitor):
    sent = names(by_{name}(echo))
    assert sent["x-test-id"] == [track_test_in_pod_monitor.id] == [telltale_headers["x-test-id"]]
    assert sent["traceparent"][0].split("-")[1] == track_test_in_pod_monitor.trace_id and len(sent["traceparent"]) == 1
    assert sent["baggage"] == [telltale_headers["baggage"]] and "test.case.name=test_shop.py::test_it" in sent["baggage"][0]
""")
    done = shop.run("--monitor-pods", "--telltale-instrument", library)
    assert done.code == 0, done.output


def test_without_asking_no_header_is_sent_and_hosts_can_be_chosen(shop):
    shop.write("test_shop.py", HEADERS + """
def test_it(echo):
    for ask in (by_urllib, by_http_client):
        assert "x-test-id" not in names(ask(echo))
""")
    assert shop.run("--monitor-pods").code == 0
    assert shop.run("--monitor-pods", "--telltale-instrument=all", "--telltale-instrument-hosts=*.example.com").code == 0
    assert shop.run("--monitor-pods", "--telltale-instrument=all").code == 1


def test_lines_with_the_headers_belong_to_their_test_alone_also_in_parallel(shop, api):
    shop.write("test_shop.py", HEADERS + """
@pytest.mark.parametrize("n", range(12))
def test_it(echo, n, telltale_headers):
    for _ in range(5):
        request = urllib.request.Request(f"http://127.0.0.1:{echo}/{n}", headers=telltale_headers)
        urllib.request.urlopen(request).read()
""")
    done = shop.run("--monitor-pods", "-n", "3")
    assert done.code == 0, done.output
    tests = api.tests(api.runs()[0]["run"])
    assert len(tests) == 12
    for test in tests:
        records = api.logs(test["test"])
        number = re.search(r"\[(\d+)\]", test["node_id"])[1]
        assert [json.loads(record.get("line") or record["content"])["path"] for record in records] == [f"/{number}"] * 5
        assert {record["attribution"]["method"] for record in records} <= {"id", "trace"}


def test_nothing_of_it_is_needed_when_the_suite_has_no_environments_file(suite, api):
    suite.write("test_it.py", textwrap.dedent("def test_it(pod_monitor): assert pod_monitor.active and pod_monitor.services == ()\n"))
    done = suite.run("--monitor-pods")
    assert done.code == 0 and "Starting monitoring for everything that the engine captures..." in done.output
    assert api.runs()[0]["outcome"] == "passed"
