"""The command line that all generators share: a header for the build, a page for the documents, and a check that the page is current.

Usage of each: TOOL --schema FILE [--header OUT] [--docs OUT] [--check-docs FILE]
Exit: 0 done or equal, 1 the checked page differs, 2 the schema is wrong.
"""
import argparse
import pathlib
import sys


def _write(path, text):
    """Leaves an equal file's text alone but makes it newer than its sources, for the build."""
    target = pathlib.Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_text() != text:
        target.write_text(text)
    target.touch()


def run(load, header, docs, description):
    """`load(path)` reads the schema; `header(schema)` and `docs(schema)` give the texts. Returns the exit code."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schema", required=True)
    parser.add_argument("--header")
    parser.add_argument("--docs")
    parser.add_argument("--check-docs")
    args = parser.parse_args()
    schema = load(args.schema)
    if args.header:
        _write(args.header, header(schema))
    if args.docs:
        _write(args.docs, docs(schema))
    if args.check_docs and pathlib.Path(args.check_docs).read_text() != docs(schema):
        print(f"{args.check_docs} is not what {args.schema} gives; run `make format`", file=sys.stderr)
        return 1
    return 0
