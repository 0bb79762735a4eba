#!/usr/bin/env python3
"""Makes tests/golden/join/real-*.log anew: what programs of many languages write when they throw.

Each program under programs/ is built and run in a folder of its own; what it writes to both outputs is kept. Paths of this machine are
replaced. A language that is not installed is left out and named. Debian packages for all of them: ruby php-cli perl mono-mcs
mono-runtime gcc g++ clang-19 libclang-rt-19-dev default-jdk nodejs golang rustc python3.

Usage: make.py [--only PREFIX]     Exit: 0, or 1 when something was left out.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
GOLDEN = HERE.parents[1] / "tests/golden/join"
CLANG = ["clang-19", "-g", "-O0"]
SYMBOLIZER = {"ASAN_SYMBOLIZER_PATH": "/usr/bin/llvm-symbolizer-19", "UBSAN_OPTIONS": "print_stacktrace=1"}
GO = {"GOTRACEBACK": "all", "GOFLAGS": "-mod=mod", "GO111MODULE": "auto"}

# name of the sample: (source, build commands, run command, environment). {bin} is the built program, {python} python3 with groups.
SAMPLES = {
    "python-chained": ("python/chained.py", [], ["{python}", "chained.py"], {}),
    "python-groups": ("python/groups.py", [], ["{python}", "groups.py"], {}),
    "python-threads": ("python/threads.py", [], ["{python}", "threads.py"], {}),
    "python-syntax": ("python/syntax.txt", [], ["{python}", "syntax.txt"], {}),
    "python-fatal": ("python/fatal.py", [], ["{python}", "fatal.py"], {}),
    "java": ("java/Trace.java", [["javac", "Trace.java"]], ["java", "-cp", ".", "Trace"], {}),
    "node-uncaught": ("node/uncaught.js", [], ["node", "uncaught.js"], {}),
    "node-rejected": ("node/rejected.js", [], ["node", "rejected.js"], {}),
    "node-rejected-text": ("node/rejected_text.js", [], ["node", "rejected_text.js"], {}),
    **{f"go-{case}": ("go/panic.go", [["go", "build", "-o", "panic", "panic.go"]], ["./panic", case], GO)
       for case in ("index", "nil", "error", "again", "http")},
    "go-deadlock": ("go/deadlock.go", [["go", "build", "-o", "deadlock", "deadlock.go"]], ["./deadlock"], GO),
    "go-race": ("go/panic.go", [["go", "build", "-race", "-o", "panic", "panic.go"]], ["./panic", "race"], GO),
    "ruby": ("ruby/uncaught.rb", [], ["ruby", "uncaught.rb"], {}),
    "php": ("php/uncaught.php", [], ["php", "-d", "display_errors=0", "-d", "log_errors=1", "uncaught.php"], {}),
    "php-error-log": ("php/uncaught.php", [],
                      ["sh", "-c", "php -d display_errors=0 -d log_errors=1 -d error_log=php.log uncaught.php; cat php.log"], {}),
    "perl": ("perl/confess.pl", [], ["perl", "confess.pl"], {}),
    "rust-short": ("rust/panic.rs", [["rustc", "-g", "panic.rs"]], ["./panic", "main"], {"RUST_BACKTRACE": "0"}),
    "rust-backtrace": ("rust/panic.rs", [["rustc", "-g", "panic.rs"]], ["./panic", "thread"], {"RUST_BACKTRACE": "1"}),
    "mono": ("mono/Trace.cs", [["mcs", "-debug", "Trace.cs"]], ["mono", "--debug", "Trace.exe"], {}),
    "asan-overflow": ("c/memory.c", [[*CLANG, "-fsanitize=address", "memory.c", "-o", "memory"]], ["./memory", "overflow"], SYMBOLIZER),
    "asan-gcc": ("c/memory.c", [["gcc", "-g", "-fsanitize=address", "memory.c", "-o", "memory"]], ["./memory", "overflow"], {}),
    "lsan-leak": ("c/memory.c", [[*CLANG, "-fsanitize=address", "memory.c", "-o", "memory"]], ["./memory", "leak"], SYMBOLIZER),
    "ubsan": ("c/memory.c", [[*CLANG, "-fsanitize=undefined", "memory.c", "-o", "memory"]], ["./memory", "undefined"], SYMBOLIZER),
    "tsan-race": ("c/memory.c", [[*CLANG, "-fsanitize=thread", "memory.c", "-o", "memory", "-lpthread"]], ["./memory", "race"], SYMBOLIZER),
    "cpp-terminate": ("c/thrown.cpp", [["g++", "thrown.cpp", "-o", "thrown"]], ["./thrown"], {}),
}


def tidy(text, folder):
    """Without this machine's paths and anything that steers a terminal."""
    text = text.replace(str(folder), "/srv/shop")
    for home in {os.path.expanduser("~"), "/root"}:
        text = text.replace(home, "/home/app")
    text = re.sub(r"/home/app/\.pyenv/versions/[0-9.]+/", "/usr/", text)
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def make(name, folder):
    source, builds, run, extra = SAMPLES[name]
    python = shutil.which("python3.13") or sys.executable
    shutil.copy(PROGRAMS / source, folder)
    env = {**os.environ, **extra, "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    for command in builds:
        subprocess.run(command, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)
    command = [word.format(python=python) for word in run]
    done = subprocess.run(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60, check=False)
    text = tidy(done.stdout.decode(errors="surrogateescape"), folder)
    text += "" if text.endswith("\n") else "\n"
    (GOLDEN / f"real-{name}.log").write_bytes(text.encode(errors="surrogateescape"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names that begin so")
    args = parser.parse_args()
    left_out = []
    for name in SAMPLES:
        if not name.startswith(args.only):
            continue
        with tempfile.TemporaryDirectory(prefix="shop-") as folder:
            try:
                make(name, folder)
                print(f"{name}: made")
            except (FileNotFoundError, subprocess.CalledProcessError) as error:
                left_out.append(name)
                print(f"{name}: left out: {error}", file=sys.stderr)
    return 1 if left_out else 0


if __name__ == "__main__":
    sys.exit(main())
