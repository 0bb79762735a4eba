"""examples/shop in a folder of its own: its suite run by a real pytest with the plugin, its services started by the plugin or by hand."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
import xml.etree.ElementTree as ElementTree

from engine import BINARY, run_cli, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHOP = ROOT / "examples" / "shop"
FAILING = "tests/test_orders.py::test_an_order_in_swiss_francs"
TESTS, ATTEMPTS = 14, 15  # one fails, one needs two attempts
LINE = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] \[[^\]]+\] ")
# A developer's own environment decides nothing here.
FOREIGN = ("TELLTALE_", "PYTEST_", "PYTHON")


def missing_programs():
    """What the services need and is not here; nothing when all is."""
    wanted = [program for program in ("node", "perl") if not shutil.which(program)]
    if "perl" not in wanted and subprocess.run(["perl", "-MHTTP::Daemon", "-e", "1"], capture_output=True).returncode:
        wanted.append("perl's HTTP::Daemon")
    return wanted


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()


class Outcome:
    def __init__(self, code, output, junit):
        self.code, self.output, self._junit = code, output, junit

    def results(self):
        """{test name: passed | failed}, of the last attempts."""
        found = {}
        for case in ElementTree.parse(self._junit).getroot().iter("testcase"):
            found[case.get("name")] = "passed" if case.find("failure") is None and case.find("error") is None else "failed"
        return found

    def properties(self, name):
        for case in ElementTree.parse(self._junit).getroot().iter("testcase"):
            if case.get("name") == name:
                return {one.get("name"): one.get("value") for one in case.iter("property")}
        raise AssertionError(f"JUnit XML has no test {name}")


class ShopSuite:
    """run() the suite; start_services() first where the plugin is not to do it; end() ends what was started."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "shop"
        shutil.copytree(SHOP, self.folder, ignore=shutil.ignore_patterns("logs", "telltale-data", "__pycache__", ".pytest_cache"))
        installed = pathlib.Path(folder) / "installed" / "telltale-0.1.0.dist-info"  # what pip leaves of the plugin
        installed.mkdir(parents=True)
        (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: telltale\nVersion: 0.1.0\n")
        (installed / "entry_points.txt").write_text("[pytest11]\ntelltale = telltale.pytest_plugin\n")
        self.ports = dict(zip(("shop", "payments", "ledger"), free_ports(3)))
        self.data = self.folder / "telltale-data"
        self.logs = self.folder / "logs"
        self.output = self.logs / "pod_logs"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        self.env = {**kept, "TELLTALE_BIN": BINARY, "TELLTALE_DATA": str(self.data), "HOME": str(folder), "COLUMNS": "120",
                    "PYTHONPATH": os.pathsep.join([str(installed.parent), str(ROOT / "clients" / "python" / "src")]), "PYTHONDONTWRITEBYTECODE": "1",
                    **{f"{name.upper()}_PORT": str(port) for name, port in self.ports.items()}}
        self._services = []

    def run(self, *words, env=None):
        junit = self.folder / "junit.xml"
        junit.unlink(missing_ok=True)
        done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={junit}", *words], cwd=self.folder,
                              env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=300)
        return Outcome(done.returncode, done.stdout, junit)

    def telltale(self, *words):
        return run_cli(*words, cwd=self.folder, env={"TELLTALE_DATA": str(self.data), "HOME": self.env["HOME"]})

    def start_services(self, folder):
        """By hand, as if they ran elsewhere; their logs go into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        url = {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
        env = {**self.env, "PAYMENTS_URL": url["payments"], "LEDGER_URL": url["ledger"], "LEDGER_LOG": str(folder / "ledger.log"), "LEDGER_LOG_BYTES": "8000"}
        for name, words in (("ledger", [sys.executable, "services/ledger.py"]), ("payments", ["perl", "services/payments.pl"]),
                            ("shop", ["node", "services/shop.js"])):
            with open(folder / (f"{name}.log" if name != "ledger" else "ledger.out"), "ab") as log:
                self._services.append(subprocess.Popen(words, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
            wait_until(lambda: self.answers(name), f"answer of {name}")

    def answers(self, name):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}/health", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def test_files(self, errors=False):
        """{name of the test in the file: its lines} of test_logs/."""
        found = {}
        for path in sorted((self.output / "test_logs").glob("*.log")):
            if path.stem.endswith("_ERRORS") == errors:
                found[path] = [line for line in path.read_text().splitlines() if not line.startswith("# ")]
        return found

    def end(self):
        for child in self._services:
            child.terminate()
        for child in self._services:
            child.wait(30)
        self.telltale("engine", "stop")
