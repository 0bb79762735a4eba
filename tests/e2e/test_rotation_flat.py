"""Descriptors and threads stay flat over rotations without end. TELLTALE_FULL=1: 10,000; else 600."""
import os
import pathlib

FULL = os.environ.get("TELLTALE_FULL") == "1"
ROTATIONS = 10_000 if FULL else 600
KEPT = 5


def usage(engine):
    process = pathlib.Path(f"/proc/{engine.pid}")
    return len(list((process / "fd").iterdir())), len(list((process / "task").iterdir()))


def rotate(logs):
    """As logrotate does it: the oldest goes, the others move on, a new file is begun."""
    (logs / f"app.log.{KEPT}").unlink(missing_ok=True)
    for number in range(KEPT - 1, 0, -1):
        if (logs / f"app.log.{number}").exists():
            (logs / f"app.log.{number}").rename(logs / f"app.log.{number + 1}")
    (logs / "app.log").rename(logs / "app.log.1")


def test_descriptors_and_threads_are_flat(engine, capsys):
    samples = []
    for number in range(ROTATIONS):
        with open(engine.logs / "app.log", "a") as file:
            file.write(f"line {number}\n")
        # Most rotations come as fast as they can; some are waited for, so that nothing is rotated away unseen.
        if number % 3 == 0:
            engine.barrier()
        rotate(engine.logs)
        if number % (ROTATIONS // 20) == 0:
            samples.append(usage(engine))
    engine.barrier()
    samples.append(usage(engine))
    first, rest = samples[4], samples[4:]
    with capsys.disabled():
        print(f"\n{ROTATIONS} rotations: descriptors {first[0]} .. {max(s[0] for s in rest)}, threads {first[1]} .. {max(s[1] for s in rest)}")
    # Deleted files are held for a while until nobody writes to them, 64 at most.
    assert max(descriptors for descriptors, _ in rest) <= min(descriptors for descriptors, _ in samples) + 64 + 16
    assert max(threads for _, threads in rest) <= first[1] + 1
    # Of files that are renamed while the folder is looked at the order may be lost, a line may not.
    assert sorted(engine.lines()) == sorted(f"line {number}" for number in range(ROTATIONS))
