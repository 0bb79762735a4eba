#!/usr/bin/env python3
"""All checks of the source tree. `--fix` rewrites what a program can rewrite (formatting, generated pages).

Exit: 0 clean, 1 problems (each printed as path:line: what).
"""
import argparse
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import functions  # noqa: E402
import layers  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60
MAX_UNITS = 25
# Tables whose length is their nature.
LONG_FILES = {"schema/openapi.yaml", "schema/config.yaml", "schema/environments.yaml", "schema/websocket.json"}
# Functions that are a table of rules or samples, one entry a statement.
TABLES = {"src/pipeline/redact/rule_table.cpp", "src/pipeline/testing/secret_samples.cpp"}
CODE_SUFFIXES = {".cpp", ".h", ".py", ".sh", ".ts", ".tsx", ".cmake"}
FORBIDDEN = ("TO" + "DO", "FIX" + "ME", "XX" + "X:", "not " + "implemented")


def tracked():
    listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for path in listing.splitlines() if (ROOT / path).is_file()]


def is_binary(path):
    return b"\0" in (ROOT / path).read_bytes()[:4096]


def check_sizes(paths):
    for path in paths:
        if pathlib.Path(path).suffix not in CODE_SUFFIXES or path in LONG_FILES:
            continue
        text = (ROOT / path).read_text()
        lines = text.count("\n")
        if lines > MAX_FILE_LINES:
            yield f"{path}:1: {lines} lines; {MAX_FILE_LINES} at most"
        for word in FORBIDDEN:
            if word.lower() in text.lower():
                yield f"{path}:1: holds the word '{word}'"
        if path.endswith((".cpp", ".h")) and path not in TABLES:
            for line, length, name in functions.lengths(text):
                if length > MAX_FUNCTION_LINES:
                    yield f"{path}:{line}: function '{name}' has {length} lines; {MAX_FUNCTION_LINES} at most"


def check_folders(paths):
    units = {}
    for path in paths:
        file = pathlib.Path(path)
        if path.startswith("src/") and file.suffix in (".cpp", ".h"):
            stem = file.stem
            for ending in ("_test", "_bench", "_fuzz"):
                stem = stem.removesuffix(ending)
            units.setdefault(str(file.parent), set()).add(stem)
    for folder, names in sorted(units.items()):
        if len(names) > MAX_UNITS:
            yield f"{folder}:1: {len(names)} units; {MAX_UNITS} at most: divide the folder"


def check_text(paths):
    for path in paths:
        if path.startswith("fuzz/corpus/") or is_binary(path):
            continue
        data = (ROOT / path).read_bytes()
        if data and not data.endswith(b"\n"):
            yield f"{path}:1: no line end at its end"
        if b"\r\n" in data and not path.startswith("tests/golden/"):
            yield f"{path}:1: has CRLF line ends"


def check_format(paths, fix):
    sources = [path for path in paths if path.endswith((".cpp", ".h"))]
    for start in range(0, len(sources), 50):
        part = sources[start:start + 50]
        if fix:
            subprocess.run(["clang-format-19", "-i", *part], cwd=ROOT, check=True)
            continue
        done = subprocess.run(["clang-format-19", "--dry-run", "--Werror", *part], cwd=ROOT, capture_output=True, text=True)
        yield from sorted({line.split(": error")[0] + ": not in the house format; run `make format`"
                           for line in done.stderr.splitlines() if ": error" in line})


def check_generated(fix):
    generators = [
        ("tools/gen/error_codes.py", "schema/error_codes.yaml", "docs/reference/errors.md"),
        ("tools/gen/config.py", "schema/config.yaml", "docs/reference/configuration.md"),
        ("tools/gen/environments.py", "schema/environments.yaml", "docs/reference/environments.md"),
    ]
    for tool, schema, page in generators:
        if not (ROOT / tool).exists():
            continue
        action = "--docs" if fix else "--check-docs"
        done = subprocess.run([sys.executable, tool, "--schema", schema, action, page], cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            yield f"{page}:1: {done.stderr.strip()}"


def check_scripts(paths):
    for path in paths:
        first = (ROOT / path).read_bytes()[:64].split(b"\n")[0]
        if first.startswith(b"#!") and (b"sh" in first.split(b"/")[-1]):
            shell = "bash" if b"bash" in first else "sh"
            done = subprocess.run([shell, "-n", path], cwd=ROOT, capture_output=True, text=True)
            if done.returncode != 0:
                yield f"{path}:1: {done.stderr.strip()}"
        if path.endswith(".py"):
            try:
                compile((ROOT / path).read_text(), path, "exec")
            except SyntaxError as error:
                yield f"{path}:{error.lineno}: {error.msg}"


def check_python(paths):
    done = subprocess.run(["pyflakes3", *(path for path in paths if path.endswith(".py"))], cwd=ROOT, capture_output=True, text=True)
    yield from (done.stdout + done.stderr).splitlines()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fix", action="store_true")
    args = parser.parse_args()
    paths = tracked()
    problems = [*check_sizes(paths), *check_folders(paths), *check_text(paths), *check_format(paths, args.fix), *check_generated(args.fix),
                *check_scripts(paths), *check_python(paths), *layers.check(ROOT, paths, args.fix)]
    print("\n".join(problems), file=sys.stderr)
    print(f"lint: {len(paths)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
