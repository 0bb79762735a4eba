"""What the engine's audit of the run found, in one line and a few more."""
from __future__ import annotations

MOST_SHOWN = 5  # findings; `telltale audit RUN` shows all


def audit_line(audit: dict) -> str:
    """"12 streams, 48,120 lines, complete", or what is wrong."""
    total = audit.get("total") or {}
    if not audit.get("streams") and not number(total, "gaps") and audit.get("verdict") == "clean":
        return "its services wrote nothing"
    parts = [counted(len(audit.get("streams") or []), "stream"), counted(number(total, "lines"), "line")]
    parts += fault(number(total, "lost_lines"), number(total, "lost_bytes"), "lost")
    parts += fault(number(total, "repeated_lines"), number(total, "repeated_bytes"), "stored twice")
    parts += fault(0, number(total, "changed_bytes"), "changed since")
    verdict = audit.get("verdict")
    if verdict == "clean":
        parts.append("nothing missing in what is left" if number(total, "gone_bytes") else "complete")
    elif verdict == "incomplete":
        parts.append("not all was looked at")
    if number(total, "gaps"):
        lines = number(total, "gap_lines")
        parts.append(counted(number(total, "gaps"), "stated gap") + (f" (about {counted(lines, 'line')})" if lines else ""))
    for member, why in (("gone_bytes", "gone from the sources"), ("not_again_bytes", "of pipes, known by their ranges alone"),
                        ("unread_bytes", "not compared")):
        if number(total, member):
            parts.append(f"{counted(number(total, member), 'byte')} {why}")
    return ", ".join(parts)


def audit_faults(audit: dict) -> list:
    """What is lost, stored twice or changed: one line each, the worst first."""
    found = [one for one in audit.get("findings") or [] if one.get("kind") in ("loss", "repetition", "changed")]
    texts = [finding_line(one) for one in found[:MOST_SHOWN]]
    more = len(found) - len(texts) + number(audit, "more_findings")
    return texts + ([f"… and {more} more: telltale audit {audit.get('run')}"] if more > 0 else [])


def finding_line(finding: dict) -> str:
    text = f"{finding.get('kind')} in {finding.get('service')}: bytes {finding.get('from_byte')} to {finding.get('to_byte')}"
    if finding.get("lines") is not None:
        text += f", {counted(number(finding, 'lines'), 'line')}"
    tests = [str(test.get("node_id")) for test in finding.get("tests") or []]
    more = number(finding, "more_tests")
    return text + (f"; tests: {', '.join(tests)}" + (f" and {more} more" if more else "") if tests else "")


def fault(lines: int, size: int, what: str) -> list:
    if not size:
        return []
    return [f"{counted(lines, 'line')} ({counted(size, 'byte')}) {what}" if lines else f"{counted(size, 'byte')} {what}"]


def counted(value: int, what: str) -> str:
    return f"{value:,} {what}{'' if value == 1 else 's'}"


def number(values: dict, member: str) -> int:
    return int(values.get(member) or 0)
