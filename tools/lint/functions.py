"""Lengths of C++ functions, from braces: no compiler needed, and exact enough for a limit."""
import re

_SKIP = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'(?!\d)', re.DOTALL)
_SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b[^;()=]*$")
_NAME = re.compile(r"([~\w:]+|operator\S+)\s*\(")


def _blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def lengths(text):
    """Yields (line, lines, name) for each function body at namespace or class level. `text`: a whole source file."""
    text = re.sub(r"^\s*#[^\n]*(?:\\\n[^\n]*)*", lambda m: _blank(m), _SKIP.sub(_blank, text), flags=re.MULTILINE)
    stack = []  # of (kind, start line, name); kind: scope, function or inner
    head_start = 0
    for match in re.finditer(r"[{};]", text):
        position, sign = match.start(), match.group(0)
        in_scope = not stack or stack[-1][0] == "scope"
        if sign == "{":
            head = text[head_start:position]
            if not in_scope:
                kind = "inner"
            elif _SCOPE.search(head) and ")" not in head.rsplit("\n", 1)[-1].split("{")[0].replace("))", ""):
                kind = "scope"
            elif "(" in head:
                kind = "function"
            else:
                kind = "inner"
            name = _NAME.search(head)
            stack.append((kind, text.count("\n", 0, position) + 1, name.group(1) if name else "?"))
        elif sign == "}" and stack:
            kind, line, name = stack.pop()
            if kind == "function":
                yield line, text.count("\n", 0, position) + 1 - line, name
        if not stack or stack[-1][0] == "scope":
            head_start = match.end()
