"""Measuring other programs: CPU time, memory, waiting for conditions. Linux only."""
import os
import pathlib
import subprocess
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of a process so far, in seconds, all threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def status_kib(pid, key):
    """A KiB figure of /proc/PID/status, such as RssAnon or VmHWM."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    raise KeyError(key)


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads(pid):
    return status_kib(pid, "Threads")


def wait_until(condition, timeout, what, interval=0.05):
    """Waits for a condition; TimeoutError names it."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"no {what} within {timeout} s")
        time.sleep(interval)


class PeakMemory:
    """The highest anonymous memory of a process while the block runs, in MiB, looked at every 20 ms."""

    def __init__(self, pid):
        self.pid, self.mib = pid, 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self):
        while True:
            self.mib = max(self.mib, status_kib(self.pid, "RssAnon") / 1024)
            if self._over.wait(0.02):
                return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


class Program:
    """A child that is ended with the block; its output goes to a file."""

    def __init__(self, command, log, env=None, cwd=None):
        self.log = open(log, "wb")
        self.child = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=cwd,
                                      env={**os.environ, **(env or {})})

    def __enter__(self):
        return self

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child.poll() is None

    def __exit__(self, *_):
        if self.alive():
            self.child.terminate()
            try:
                self.child.wait(30)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.log.close()
