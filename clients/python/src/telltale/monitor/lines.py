"""Records of the engine as lines for people: `[2025-10-26 12:05:45.123] [service] text`."""
from __future__ import annotations

import time

from .events import parse_rfc3339


def local_time(text: str) -> str:
    """An engine's UTC time in this machine's zone, with milliseconds."""
    ns = parse_rfc3339(text)
    if ns is None:
        return text
    seconds, rest = divmod(ns, 1_000_000_000)
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) + f".{rest // 1_000_000:03d}"


def is_shared(record: dict) -> bool:
    """Whether the line is only possibly the test's."""
    attribution = record.get("attribution")
    return isinstance(attribution, dict) and attribution.get("method") == "candidates"


def service_of(record: dict) -> str:
    return str(record.get("service_name") or record.get("service") or "?")


def text_of(record: dict) -> str:
    return str(record.get("line") or record.get("content") or "")


def format_record(record: dict) -> str:
    """One line of a file of spec 1."""
    metadata = record.get("metadata") or {}
    pod = metadata.get("pod") if isinstance(metadata, dict) else None
    name = service_of(record) + (f"/{pod}" if pod else "")
    shared = "[shared] " if is_shared(record) else ""
    return f"[{local_time(str(record.get('timestamp', '')))}] [{name}] {shared}{text_of(record)}"
