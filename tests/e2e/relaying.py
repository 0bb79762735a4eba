"""The starter's side of `telltale relay` (src/sources/relay/control.h): pipes, the control socket at descriptor 3, and the memory that relays share.

`telltale run` does the same; here relays can be killed between any two messages.
"""
import enum
import json
import os
import signal
import socket
import subprocess

from engine import BINARY, SLOWNESS

PROGRESS_BYTES = 32 * 1024 * 1024  # more than a relay maps; pages that are not used take none


class Kind(enum.IntEnum):
    START, STREAM, GROUP, UNGROUP, DRAIN, TAIL, FINISH, READY, CLOSED, ENDED, STATE, DRAINED, TAILED = range(13)


class Starter:
    """Keeps the reading ends of pipes, and one relay after the other."""

    def __init__(self, engine, run):
        self.run = run
        self.words = ["--data", str(engine.data)]
        self.env = {**{name: value for name, value in os.environ.items() if not name.startswith("TELLTALE_")}, "HOME": str(engine.folder),
                    "TELLTALE_URL": engine.url, "TELLTALE_TOKEN": engine.token}
        self.folder = engine.folder
        self.progress = os.memfd_create("progress")
        os.ftruncate(self.progress, PROGRESS_BYTES)
        self.streams = []  # of each: its labels, its reading end
        self.child = None
        self.start_relay()

    def start_relay(self):
        """Another one: the one before is dead."""
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(60 * SLOWNESS)
        self.child = subprocess.Popen([BINARY, "relay", *self.words], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, pass_fds=[3],
                                      preexec_fn=lambda: os.dup2(theirs.fileno(), 3)) if theirs.fileno() != 3 else None
        theirs.close()
        self.send(Kind.START, descriptors=[self.progress], text=self.run, host=socket.gethostname())
        for number, (labels, reader) in enumerate(self.streams):
            self.hand_over(number, labels, reader, again=True)

    def send(self, kind, descriptors=(), **members):
        message = {"kind": int(kind), "number": 0, "text": "", "host": "", "key": "", "ready_text": "", "labels": {}, "lines": [], "flag": False,
                   "timeout_ms": 0, **members}
        socket.send_fds(self.control, [json.dumps(message).encode()], list(descriptors))

    def hand_over(self, number, labels, reader, again):
        self.send(Kind.STREAM, [reader], number=number, key=f"{self.run.replace('-', '')}s{number}", labels=labels, flag=again)

    def add(self, service, stream="stdout"):
        """A new stream; the writing end of its pipe."""
        reader, writer = os.pipe()
        labels = {"service": service, "stream": stream, "process": "service"}
        self.streams.append((labels, reader))
        self.hand_over(len(self.streams) - 1, labels, reader, again=False)
        return writer

    def start_program(self, service, *words):
        writer = self.add(service)
        program = subprocess.Popen([*map(str, words)], stdin=subprocess.DEVNULL, stdout=writer, cwd=self.folder)
        os.close(writer)
        return program

    def expect(self, kind):
        """The next message of a kind."""
        while True:
            data = self.control.recv(256 * 1024)
            assert data, "the relay is gone"
            message = json.loads(data)
            if message["kind"] == kind:
                return message

    def connected(self):
        while not self.expect(Kind.STATE)["flag"]:
            pass

    def drain(self, timeout_ms=60_000):
        self.send(Kind.DRAIN, number=1, timeout_ms=timeout_ms)
        return self.expect(Kind.DRAINED)

    def kill_relay(self):
        self.child.kill()
        self.child.wait(30)
        self.control.close()

    def finish(self):
        """Waits until the relay has ended by itself."""
        for _, reader in self.streams:
            os.close(reader)
        self.streams = []
        self.send(Kind.FINISH)
        assert self.child.wait(60 * SLOWNESS) == 0
        self.control.close()
        os.close(self.progress)

    def cpu_seconds(self):
        """What the relay has used so far."""
        with open(f"/proc/{self.child.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(signal.SIGKILL)
            self.child.wait(30)
