"""Reading a guide: its commands in their order, and the output that is shown under each."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
VARIES = frozenset(
    {"id", "order", "key", "masked", "code", "qr", "unit", "units_", "run", "digest", "detail",
     "server_time_ms", "held_at_ms", "expires_at_ms", "old_expires_at_ms", "at", "line", "seat"}
)  # fmt: skip
"""Members whose values are another's each time; that they are there, and of which type, counts."""


@dataclass(frozen=True, slots=True)
class Step:
    """A block of commands, and what is shown under it; `kind` is json, text or "" for nothing."""

    commands: str
    kind: str
    shown: str


def steps(path: Path) -> list[Step]:
    """The guide's steps, in order."""
    return list(_steps(path.read_text(encoding="utf-8")))


def _steps(text: str) -> Iterator[Step]:
    blocks = _FENCE.findall(text)
    for at, (kind, body) in enumerate(blocks):
        if kind == "sh":
            follows, shown = blocks[at + 1] if at + 1 < len(blocks) else ("", "")
            is_shown = follows in ("json", "text")
            yield Step(body, follows if is_shown else "", shown if is_shown else "")


def differs(step: Step, told: str) -> str:
    """What of the output is not as shown, up to what varies; "" when all is."""
    if step.kind == "json":
        heads, body = _parts(told)
        shown_heads, shown_body = _parts(step.shown)
        if heads != shown_heads:
            return f"{heads} instead of {shown_heads}"
        return _differs(json.loads(shown_body), json.loads(body), "$")
    if step.kind == "text":
        return "" if _plain(told) == _plain(step.shown) else f"{told!r} instead of {step.shown!r}"
    return "" if not told.strip() else f"unexpected output: {told!r}"


def _parts(text: str) -> tuple[str, str]:
    """Lines before a JSON value, and the value."""
    at = min(at for at in (text.find("{"), text.find("[")) if at >= 0)
    return text[:at].strip(), text[at:]


def _plain(text: str) -> str:
    """A text without what varies: codes, and numbers of three digits and more."""
    text = re.sub(r"\b[0-9A-Z]{4}(-[0-9A-Z]{4}){3}\b", "CODE", text)
    return re.sub(r"\d{3,}", "N", text).replace("\r", "").strip()


def _differs(shown: Any, told: Any, at: str) -> str:
    if isinstance(shown, dict) and isinstance(told, dict):
        if shown.keys() != told.keys():
            return f"{at}: {sorted(told)} instead of {sorted(shown)}"
        parts = (
            ""
            if name in VARIES and type(shown[name]) is type(told[name])
            else _differs(shown[name], told[name], f"{at}.{name}")
            for name in shown
        )
        return next((part for part in parts if part), "")
    if isinstance(shown, list) and isinstance(told, list):
        if len(shown) != len(told):
            return f"{at}: {len(told)} items instead of {len(shown)}"
        pairs = enumerate(zip(shown, told, strict=True))
        parts = (_differs(one, other, f"{at}[{n}]") for n, (one, other) in pairs)
        return next((part for part in parts if part), "")
    return "" if shown == told else f"{at}: {told!r} instead of {shown!r}"
