"""The law of the file against the real engine: compressed by the real programs, written in other encodings, begun at a time, deleted."""
import datetime
import shutil
import subprocess
import urllib.parse

import pytest
from engine import wait_until


def pack(program, path):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (make setup)")
    subprocess.run([program, "-q", *(["--rm"] if program == "zstd" else []), str(path)], check=True)


def write(path, *lines):
    with open(path, "a") as file:
        file.writelines(line + "\n" for line in lines)


def gaps(engine):
    return engine.get("/api/v1/gaps")["gaps"]


@pytest.mark.parametrize("program", ["gzip", "zstd"])
def test_compressed_while_the_engine_was_killed(engine, program):
    log = engine.logs / "app.log"
    write(log, "one")
    engine.barrier()
    engine.kill()
    write(log, "two")
    log.rename(engine.logs / "app.log.2")
    write(log, "three")
    log.rename(engine.logs / "app.log.1")
    write(log, "four")
    pack(program, engine.logs / "app.log.2")
    pack(program, engine.logs / "app.log.1")
    for _ in range(2):
        engine.start()
        wait_until(lambda: len(engine.lines()) >= 4, "all lines")
        engine.barrier()
        assert engine.lines() == ["one", "two", "three", "four"]
        assert gaps(engine) == []
        engine.stop()
    engine.start()


@pytest.mark.parametrize("delay", [False, True])
def test_logrotate_compresses_and_each_line_comes_once(engine, delay):
    logrotate = shutil.which("logrotate") or shutil.which("/usr/sbin/logrotate")
    if logrotate is None:
        pytest.skip("logrotate is not installed (make setup)")
    settings = engine.folder / "logrotate.conf"
    settings.write_text(f"{engine.logs}/app.log {{\n  rotate 20\n  compress\n  {'delaycompress' if delay else 'nodelaycompress'}\n  missingok\n  nocreate\n}}\n")
    settings.chmod(0o644)
    written = []
    for number in range(12):
        if number in (4, 8):
            engine.barrier()
            engine.kill()
        if number in (6, 10):
            engine.start()
        for part in range(20):
            written.append(f"rotation {number} line {part}")
        write(engine.logs / "app.log", *written[-20:])
        subprocess.run([logrotate, "-f", "-s", str(engine.folder / "logrotate.state"), str(settings)], check=True)
    write(engine.logs / "app.log", "last")
    written.append("last")
    wait_until(lambda: "last" in engine.lines(), "the last line")
    engine.barrier()
    assert sorted(engine.lines()) == sorted(written)
    assert gaps(engine) == []


def test_a_damaged_one_is_read_as_far_as_it_goes(engine):
    log = engine.logs / "app.log"
    write(log, "one")
    engine.barrier()
    engine.kill()
    write(log, *(f"line {number} {number * 7919 % 10007}" for number in range(50_000)))
    log.rename(engine.logs / "app.log.1")
    pack("gzip", engine.logs / "app.log.1")
    packed = engine.logs / "app.log.1.gz"
    bytes_of = bytearray(packed.read_bytes())
    middle = len(bytes_of) * 2 // 3
    bytes_of[middle:middle + 200] = b"\xff" * 200
    packed.write_bytes(bytes_of)
    engine.start()
    gap = wait_until(lambda: gaps(engine), "a gap")
    assert [one["reason"] for one in gap] == ["unreadable"]
    assert "app.log.1.gz" in gap[0]["detail"]
    lines = engine.lines()
    assert lines[1] == "line 0 0" and len(lines) > 1000
    health = engine.get("/health")
    source = next(part for part in health["components"] if part["name"] == "source file")
    assert source["status"] == "degraded" and "app.log.1.gz' is damaged: unpacked up to byte" in source["detail"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
def test_a_byte_order_mark_says_how_it_is_written(engine, encoding):
    log = engine.logs / "app.log"
    text = "first ö\nsecond 😀\nthird\n"
    whole = ("\ufeff" + text).encode(encoding)
    for cut in range(0, len(whole), 7):
        with open(log, "ab") as file:
            file.write(whole[cut:cut + 7])
        if cut % 3 == 0:
            engine.kill()
            engine.start()
    engine.barrier()
    assert engine.lines() == ["first ö", "second 😀", "third"]


def test_what_is_no_text_is_kept_and_shown_safely(engine):
    with open(engine.logs / "app.log", "wb") as file:
        file.write(b"bad \xff\xfe\xc3( end\nnul \x00 end\nescape \x1b[31mred\ncr\r\n")
    engine.barrier()
    lines = engine.lines()
    assert lines == ["bad \ufffd\ufffd\ufffd( end", "nul \x00 end", "escape \x1b[31mred", "cr"]
    answer = engine.request("/api/v1/query?" + urllib.parse.urlencode({"query": '{} |= "bad"'}))
    assert answer.body.decode("utf-8", "strict").count("end") == 1


@pytest.mark.parametrize("start", ["time", "back"])
def test_begun_at_a_time(make_engine, tmp_path, start):
    now = datetime.datetime.now(datetime.timezone.utc)
    logs = tmp_path / "settings" / "logs"
    logs.mkdir(parents=True)
    stamps = [now - datetime.timedelta(minutes=minutes) for minutes in range(60, 0, -1)]
    write(logs / "app.log", *(f"{stamp.isoformat()} INFO minute {number}" for number, stamp in enumerate(stamps)))
    where = (now - datetime.timedelta(minutes=10, seconds=30)).isoformat().replace("+00:00", "Z") if start == "time" else "-630s"
    settings = tmp_path / "settings" / "telltale.yaml"
    settings.write_text(f"version: 1\nsources:\n  files:\n    - paths: ['{logs}/*.log']\n      start: '{where}'\n")
    engine = make_engine(tmp_path / "settings", patterns=[], options=["--config", settings])
    engine.start()
    engine.barrier()
    assert [line.split()[-1] for line in engine.lines()] == [str(number) for number in range(50, 60)]


def test_deleted_files_are_counted_and_read(engine):
    log = engine.logs / "app.log"
    writer = open(log, "a")
    writer.write("one\n")
    writer.flush()
    engine.barrier()
    log.unlink()
    writer.write("two\n")
    writer.flush()
    wait_until(lambda: "two" in engine.lines(), "the line of the deleted file")

    def metric(name):
        text = engine.request("/metrics").body.decode()
        return int(next(line.split()[-1] for line in text.splitlines() if line.startswith(name)))

    wait_until(lambda: metric("telltale_source_file_deleted_files") == 1, "one deleted file")
    assert metric("telltale_source_file_deleted_bytes") == 8
    writer.close()
