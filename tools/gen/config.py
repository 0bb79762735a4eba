#!/usr/bin/env python3
"""Generates the C++ table of settings and their reference page from schema/config.yaml.

Usage: config.py --schema FILE [--header OUT] [--docs OUT] [--check-docs FILE]
Exit: 0 done or equal, 1 the checked page differs, 2 the schema is wrong.
"""
import pathlib
import re
import sys

import yaml

from generator import run

KEYS = {"path", "type", "default", "min", "max", "allowed", "aliases", "env", "unit", "field", "description", "required"}
TYPES = {
    "boolean": "true or false", "integer": "a whole number", "number": "a number", "bytes": "a size such as 64KiB",
    "duration": "a time such as 10s", "offset": "a time such as 5s or -200ms",
    "text": "text", "secret": "text that is never shown", "pattern": "a regular expression", "choice": "one of the values named",
    "zone": "local, UTC or an offset such as +02:00",
    "start": "beginning, end, or a time such as 2026-11-25T10:00:00Z or -10m", "text_list": "a list of texts", "text_map": "a map of texts",
    "text_lists": "a map of lists of texts", "command": "a text, or a list of texts", "any": "anything"}
NUMBERS = {"integer", "number", "bytes", "duration", "offset"}
TIMES = {"us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
UNITS = {
    "bytes": {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}, "duration": TIMES, "offset": TIMES}


def wrong(where, why):
    print(f"schema/config.yaml: {where}: {why}", file=sys.stderr)
    sys.exit(2)


def number(setting, key):
    text = str(setting[key])
    match = re.fullmatch(r"(-?\d+)([A-Za-z]*)", text)
    units = UNITS.get(setting["type"], {})
    if not match or (match[2] and match[2] not in units):
        wrong(setting["path"], f"{key} {text!r} is not a {setting['type']}")
    return int(match[1]) * units.get(match[2], 1)


def check(setting, in_list):
    path = setting.get("path", "?")
    if not set(setting) <= KEYS or not {"path", "type", "description"} <= set(setting) or setting["type"] not in TYPES:
        wrong(path, f"needs path, description and a type of {sorted(TYPES)}, and no keys but {sorted(KEYS)}")
    if (setting["type"] == "choice") != ("allowed" in setting):
        wrong(path, "`allowed` belongs to a choice")
    if not set(setting.get("aliases", {}).values()) <= set(setting.get("allowed", [])):
        wrong(path, "`aliases` stand for values that are allowed")
    if setting["type"] in NUMBERS and not {"min", "max"} <= set(setting):
        wrong(path, "a number needs min and max")
    for key in ("min", "max", "default"):
        if setting["type"] in NUMBERS and key in setting:
            number(setting, key)
    if not in_list and "default" not in setting:
        wrong(path, "needs a default")
    if "default" in setting and setting["type"] == "choice" and setting["default"] not in setting["allowed"]:
        wrong(path, "the default is not allowed")


def load(path):
    schema = yaml.safe_load(pathlib.Path(path).read_text())
    seen = set()
    for group in schema["sections"] + schema["lists"]:
        for setting in group["settings"]:
            check(setting, "[]" in setting["path"])
            names = {setting["path"], *setting.get("env", [])}
            if names & seen:
                wrong(setting["path"], f"{sorted(names & seen)} is there twice")
            seen |= names
    return schema


def cpp_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def default_text(setting):
    default = setting.get("default", "")
    if isinstance(default, bool):
        return "true" if default else "false"
    if isinstance(default, list):
        return ",".join(default)
    return "" if isinstance(default, dict) else str(default)


COMPOSITE = {"command", "text_lists", "any"}  # no single value: read as an Item
CPP_TYPES = {"boolean": "bool", "text_list": "TextList", "text_map": "TextMap", **{n: "std::int64_t" for n in NUMBERS}}


def accessors(setting):
    if "[]" in setting["path"] or setting["type"] in COMPOSITE or setting.get("detached"):
        return "nullptr, nullptr"
    place = f"config.{setting.get('field', setting['path'])}"
    if setting["type"] == "secret":
        read, write = f"Value({place}.reveal())", f"{place} = Secret(std::get<std::string>(value))"
    else:
        kind = CPP_TYPES.get(setting["type"], "std::string")
        read = f"Value(static_cast<{kind}>({place}))" if kind == "std::int64_t" else f"Value({place})"
        write = f"{place} = static_cast<decltype({place})>(std::get<{kind}>(value))"
    return f"[](const Config& config) {{ return {read}; }}, [](Config& config, const Value& value) {{ {write}; }}"


def array(kind, index, items, cpp_type="std::string_view"):
    if not items:
        return "", "{}"
    name = f"{kind}_{index}"
    return f"inline constexpr {cpp_type} {name}[] = {{{', '.join(items)}}};\n", name


def table(name, settings):
    arrays, rows = "", ""
    for index, setting in enumerate(settings):
        allowed, allowed_name = array(f"{name}_allowed", index, [cpp_string(word) for word in setting.get("allowed", [])])
        pairs = [f"{{{cpp_string(word)}, {cpp_string(value)}}}" for word, value in setting.get("aliases", {}).items()]
        aliases, aliases_name = array(f"{name}_aliases", index, pairs, "Alias")
        variables, variables_name = array(f"{name}_variables", index, [cpp_string(word) for word in setting.get("env", [])])
        arrays += allowed + aliases + variables
        low = number(setting, "min") if setting["type"] in NUMBERS else 0
        high = number(setting, "max") if setting["type"] in NUMBERS else 0
        required = "true" if setting.get("required") else "false"
        rows += (f"    {{{cpp_string(setting['path'])}, SettingType::{setting['type']}, {low}, {high}, {allowed_name}, {aliases_name}, "
                 f"{variables_name}, "
                 f"{required}, {cpp_string(default_text(setting))}, {accessors(setting)}}},\n")
    return f"{arrays}inline constexpr Setting {name}[] = {{\n{rows}}};\n"


def header(schema):
    scalars = [s for section in schema["sections"] for s in section["settings"]]
    members = [s for each in schema["lists"] for s in each["settings"]]
    return f"""// Generated by tools/gen/config.py from schema/config.yaml; do not edit.
#pragma once

#include "config/setting.h"

namespace telltale::config {{

// Settings with one value.
{table("setting_table", scalars)}
// Settings of the entries of lists.
{table("entry_table", members)}
}}  // namespace telltale::config
"""


def shown_default(setting):
    if setting.get("required"):
        return "required"
    default = default_text(setting)
    return f"`{default}`" if default else "none"


def limits(setting):
    if setting["type"] == "choice":
        words = ", ".join(f"`{value}`" for value in setting["allowed"])
        return words + "".join(f"; `{word}` is `{value}`" for word, value in setting.get("aliases", {}).items())
    text = TYPES[setting["type"]]
    if setting["type"] in NUMBERS:
        text += f", {setting['min']} to {setting['max']}"
        text += f" {setting['unit']}" if "unit" in setting else ""
    return text


def rows(settings, with_variables):
    text = "| setting | default | allowed | " + ("variables | " if with_variables else "") + "meaning |\n"
    text += "|---|---|---|" + ("---|" if with_variables else "") + "---|\n"
    for setting in settings:
        cells = [f"`{setting['path']}`", shown_default(setting), limits(setting)]
        if with_variables:
            cells.append(", ".join(f"`{name}`" for name in setting.get("env", [])))
        cells.append(setting["description"])
        text += "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
    return text


def sections(schema, with_variables):
    return "".join(f"\n## {s['name']}\n\n{s['description']}\n\n{rows(s['settings'], with_variables)}" for s in schema["sections"])


def lists(schema):
    return "".join(f"\n## {s['path']}\n\n{s['description']}\n\n{rows(s['settings'], False)}" for s in schema["lists"])


def docs(schema):
    clients = "".join(f"| `{v['name']}` | {v['description']} |\n" for v in schema["client_variables"])
    return f"""# Configuration

Generated from `schema/config.yaml` by `tools/gen/config.py`; do not edit.

The engine reads `telltale.yaml` in the working folder, else `~/.config/telltale/telltale.yaml`, else `/etc/telltale/telltale.yaml`;
`--config FILE` names another. Without any it uses the defaults. The command line wins over environment variables, those win over the
`settings:` of the chosen [environment](environments.md), those over the file, and the file wins over the defaults. Where a setting has several
variables, the first that is set and not empty wins; lists in variables are separated by commas.

`telltale config check` says all that is wrong, with file, line and what is allowed. `telltale config show` prints every setting with
where its value came from; secrets are `***`. Both look at `config/environments.yaml` too.

The file is YAML with `version: 1`. Sizes are numbers of bytes or have a unit (`64KiB`, `10MB`); times have a unit (`10ms`, `1.5s`,
`2m`, `3h`, `7d`, `1h30m`). Text may hold `${{NAME}}` (an environment variable), `${{NAME:-default}}` and `${{file:/path}}` (the content of a
file without the line's end); `$${{` stands for `${{` itself. Patterns are taken as they are. Keep tokens out of the file that way: a
secret in plain text gives a warning. The file may be 1 MiB long and 32 levels deep; YAML's aliases (`*name`) are refused.

```yaml
version: 1
sources:
  files:
    - paths: [/var/log/shop/*.log]
      labels: {{team: payments}}
services:
  backend: {{port: 5001, log_type: application, healthcheck: /api/health}}
  worker: {{log_type: background, file: /var/log/worker/*.log}}
store:
  data: /var/lib/telltale
  retention_age: 7d
server:
  token: ${{file:/run/secrets/telltale_token}}
```
{sections(schema, True)}{lists(schema)}
## Variables of the client libraries

The engine does not read these; the libraries that write logs do.

| variable | meaning |
|---|---|
{clients}"""


if __name__ == "__main__":
    sys.exit(run(load, header, docs, __doc__))
