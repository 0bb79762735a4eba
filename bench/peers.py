"""The neighbours, file to file: the same input read, parsed as far as they must, and written, with their CPU time.

They are the Debian packages that tools/peers/install.sh unpacked; one that is missing is skipped with the reason.
"""
import os
import pathlib
import shutil

from measure import Program, cpu_seconds, status_kib, wait_until

PEERS = pathlib.Path(os.environ.get("TELLTALE_PEERS", pathlib.Path.home() / ".cache/telltale/peers")) / "root"
LIBRARIES = ":".join(str(PEERS / folder) for folder in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/syslog-ng"))

RSYSLOG = """
module(load="imfile")
global(workDirectory="{folder}" maxMessageSize="64k")
main_queue(queue.size="100000" queue.dequeueBatchSize="1024")
template(name="raw" type="string" string="%msg%\\n")
input(type="imfile" file="{source}" tag="bench" ruleset="out" readMode="0")
ruleset(name="out") {{ action(type="omfile" file="{target}" template="raw" ioBufferSize="256k" flushOnTXEnd="off" asyncWriting="off") }}
"""

SYSLOG_NG = """@version: 3.38
options {{ log-msg-size(65536); stats-freq(0); flush-lines(1000); use-dns(no); keep-hostname(yes); }};
source s {{ file("{source}" flags(no-parse) follow-freq(1) log-fetch-limit(10000) log-iw-size(100000)); }};
destination d {{ file("{target}" template("$MSG\\n")); }};
log {{ source(s); destination(d); flags(flow-control); }};
"""


def _rsyslog(folder, config, source, target):
    config.write_text(RSYSLOG.format(folder=folder, source=source, target=target))
    command = [str(PEERS / "usr/sbin/rsyslogd"), "-n", "-f", str(config), "-i", str(folder / "pid"),
               "-M", str(PEERS / "usr/lib/x86_64-linux-gnu/rsyslog")]
    return command


def _syslog_ng(folder, config, source, target):
    config.write_text(SYSLOG_NG.format(source=source, target=target))
    module_path = f"{PEERS}/usr/lib/syslog-ng/3.38"
    return [str(PEERS / "usr/sbin/syslog-ng"), "-F", "-f", str(config), "-R", str(folder / "persist"), "-p", str(folder / "pid"),
            "-c", str(folder / "control"), "--no-caps", "--module-path", module_path]


PEER_KINDS = {"rsyslog 8.2302": _rsyslog, "syslog-ng 3.38": _syslog_ng}


def run_peer(name, source, lines, folder):
    """Lines per CPU-second and details of one neighbour, or the reason why it was skipped (a text)."""
    shutil.rmtree(folder, ignore_errors=True)  # also the place up to which it has read the source before
    folder.mkdir(parents=True)
    target, config = folder / "out.log", folder / "peer.conf"
    command = PEER_KINDS[name](folder, config, source, target)
    if not pathlib.Path(command[0]).exists():
        return f"{command[0]} is not there; run `make peers`"
    size = source.stat().st_size
    with Program(command, folder / "peer.out", env={"LD_LIBRARY_PATH": LIBRARIES}) as peer:
        def written():
            if not peer.alive():
                raise RuntimeError(f"{name} ended: {(folder / 'peer.out').read_text()[-500:]}")
            return target.exists() and target.stat().st_size >= size * 0.97
        try:
            wait_until(written, 300, f"{name} output")
            last = -1
            while target.stat().st_size != last:  # its own buffers: until nothing more comes for a second
                last = target.stat().st_size
                try:
                    wait_until(lambda: target.stat().st_size != last, 1.0, "growth")
                except TimeoutError:
                    break
        except (RuntimeError, TimeoutError) as problem:
            return str(problem)
        cpu, rss = cpu_seconds(peer.pid), status_kib(peer.pid, "VmHWM")
    return {"lines": lines, "cpu": cpu, "bytes": size, "peak_mib": rss / 1024}
