"""The guides' commands are typed as they stand, in a fresh folder, and show what the guides say.

A ```sh block is typed into one bash, block after block. A ```text block after it is what its output holds: these lines in this order, each as a
part of a line; `…` stands for anything.
"""
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from engine import BINARY, SLOWNESS

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARK = "=== block {} ends with"


def blocks_of(guide):
    """[(commands, expected lines)]"""
    found = []
    for language, text in re.findall(r"^```(sh|text)\n(.*?)^```$", (ROOT / guide).read_text(), re.M | re.S):
        if language == "sh":
            found.append((text, []))
        elif found:
            found[-1][1].extend(line for line in text.splitlines() if line)
    return found


def outputs_of(blocks, folder, env):
    """What each block printed and its last exit code."""
    script = "".join(f"{commands}\ncode=$?; echo; echo '{MARK.format(number)}' $code\n" for number, (commands, _) in enumerate(blocks))
    done = subprocess.run(["bash"], input=script, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=300 * SLOWNESS)
    parts = re.split(r"^=== block \d+ ends with (\d+)\n", done.stdout, flags=re.M)
    assert len(parts) == 2 * len(blocks) + 1, f"the shell ended early:\n{done.stdout}"
    return [(parts[2 * number], int(parts[2 * number + 1])) for number in range(len(blocks))]


def holds(line, expected):
    return all(part in line for part in expected.split("…"))


def missing_line(output, expected):
    """The first expected line that does not come in its turn, or None."""
    lines = iter(output.splitlines())
    return next((wanted for wanted in expected if not any(holds(line, wanted) for line in lines)), None)


@pytest.fixture
def home(tmp_path):
    """A home folder in which ~/telltale is the clone, with the program that is tested as its build."""
    home = tmp_path / "home"
    clone = home / "telltale"
    (clone / "build" / "release" / "bin").mkdir(parents=True)
    (clone / "build" / "release" / "bin" / "telltale").symlink_to(BINARY)
    shutil.copytree(ROOT / "clients" / "python", clone / "clients" / "python")  # pip builds in it
    (clone / "Makefile").write_text("build:\n\t@true\n")  # it was built
    return home


def environment(home):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TELLTALE_", "PYTEST_", "PYTHON", "PIP_", "VIRTUAL_"))}
    # Debian's Python, as the guides say.
    return {**kept, "HOME": str(home), "PATH": "/usr/bin:/bin:" + kept["PATH"], "COLUMNS": "120", "LC_ALL": "C.UTF-8"}


@pytest.mark.parametrize("guide, suite, least_blocks, least_lines", [("pytest.md", "my-suite", 8, 20), ("run.md", "my-check", 4, 4)])
def test_the_guide_works_by_its_words_alone(home, tmp_path, guide, suite, least_blocks, least_lines):
    blocks = blocks_of(f"docs/guide/{guide}")
    folder = tmp_path / "fresh"
    folder.mkdir()
    env = environment(home)
    if guide == "run.md":
        env["PATH"] = f"{home}/telltale/build/release/bin:{env['PATH']}"  # its reader has been told how by the other
    problems = []
    try:
        outputs = outputs_of(blocks, folder, env)
    finally:
        subprocess.run([BINARY, "engine", "stop"], cwd=folder / suite, env=env, capture_output=True, timeout=60 * SLOWNESS)
    for (commands, expected), (output, _) in zip(blocks, outputs):
        wanted = missing_line(output, expected)
        if wanted is not None:
            problems.append(f"{commands}\nprinted no line with\n  {wanted}\nin its turn, but\n{output}")
    assert not problems, "\n\n".join(problems)
    assert len(blocks) >= least_blocks and sum(len(expected) for _, expected in blocks) >= least_lines, "the guide's blocks were found"


def test_a_guide_that_does_not_say_what_happens_is_found(tmp_path):
    """The control: the reader of guides can fail."""
    [(output, code)] = outputs_of([("echo one; echo two; false", [])], tmp_path, dict(os.environ))
    assert code == 1
    assert missing_line(output, ["one", "…wo"]) is None
    assert missing_line(output, ["two", "one"]) == "one"
    assert missing_line(output, ["three"]) == "three"
