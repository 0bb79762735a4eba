"""A suite of tests in a folder of its own, run by a real pytest with the plugin installed."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

SOURCE = pathlib.Path(__file__).resolve().parents[1] / "src"
# What a developer's or a test runner's own environment must not decide here.
VARIABLES = ("TELLTALE_", "PYTEST_")


def write_metadata(folder):
    """What an installation leaves beside the package: the entry point by which pytest finds the plugin."""
    info = folder / "telltale-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: telltale\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[pytest11]\ntelltale = telltale.pytest_plugin\n")


class Installation:
    """The plugin as pytest finds it, from a copy: beside the sources may lie what an earlier `pip install` from here left, and in this Python
    another version may be installed. Its bytecode is kept, so that times are those of an installed package. With TELLTALE_TEST_INSTALLED it is
    the one that is installed in this Python."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.bytecode = folder / "bytecode"
        self.folders = []
        if os.environ.get("TELLTALE_TEST_INSTALLED"):
            return
        packages = folder / "packages"
        shutil.copytree(SOURCE / "telltale", packages / "telltale", ignore=shutil.ignore_patterns("__pycache__"))
        write_metadata(packages)
        self.folders = [str(packages)]


class Outcome:
    """A finished pytest."""

    def __init__(self, code, output, seconds, folder):
        self.code, self.output, self.seconds, self._folder = code, output, seconds, folder

    def junit(self):
        """test name → (outcome, properties)."""
        found = {}
        for case in ElementTree.parse(self._folder / "junit.xml").getroot().iter("testcase"):
            kinds = [kind for kind in ("failure", "error", "skipped") if case.find(kind) is not None]
            properties = {one.get("name"): one.get("value") for one in case.iter("property")}
            found.setdefault(case.get("name"), []).append((kinds[0] if kinds else "passed", properties))
        return found

    def outcomes(self):
        return sorted((name, outcome) for name, cases in self.junit().items() for outcome, _ in cases)

    def count(self, text):
        return self.output.count(text)

    def section(self, test):
        """The report of one failed test."""
        match = re.search(rf"^_+ {re.escape(test)} _+$(.*?)(?=^_+ .* _+$|^=+)", self.output, re.M | re.S)
        assert match, f"no report of {test} in:\n{self.output}"
        return match.group(1)


class Suite:
    """write() files, run() pytest in its folder. Nothing of the outer environment but PATH and the like gets in."""

    def __init__(self, folder, installation):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.installation = installation
        self.env = {}
        self._begun = []

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def environment(self, extra=None):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(VARIABLES)}
        kept.update(PYTHONDONTWRITEBYTECODE=None, PYTHONPYCACHEPREFIX=str(self.installation.bytecode), PYTHONPATH=os.pathsep.join(self.installation.folders), COLUMNS="120")
        kept.update(self.env)
        kept.update(extra or {})
        return {name: str(value) for name, value in kept.items() if value is not None}

    def command(self, *words):
        return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={self.folder / 'junit.xml'}", *map(str, words)]

    def run(self, *words, env=None, timeout=120):
        begin = time.monotonic()
        done = subprocess.run(self.command(*words), cwd=self.folder, env=self.environment(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout)
        return Outcome(done.returncode, done.stdout, time.monotonic() - begin, self.folder)

    def begin(self, *words, env=None):
        """The running pytest, leader of a process group of its own, which Ctrl-C can end also where we run in the background; its output goes
        to output.txt."""
        with open(self.folder / "output.txt", "wb") as out:
            child = subprocess.Popen(self.command(*words), cwd=self.folder, env=self.environment(env), stdin=subprocess.DEVNULL, stdout=out,
                                     stderr=subprocess.STDOUT, start_new_session=True,
                                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self._begun.append(child)
        return child

    def end(self):
        """Kills what was begun and runs still, as where the test that began it has failed."""
        for child in self._begun:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()

    def ended(self, child):
        """Of a pytest that was begun and has ended."""
        return Outcome(child.returncode, (self.folder / "output.txt").read_text(errors="replace"), 0.0, self.folder)
