"""Times as people write them become milliseconds.

A time carries its offset: a time without one is a guess that is wrong by hours for somebody.
"""

import re
from datetime import date, datetime, time

from inventory.salefile.records import Unreadable

EXAMPLE = "2014-03-05T10:00:00+08:00"
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def moment_ms(value: object, shift_ms: int) -> object:
    """A time as milliseconds since 1970 (UTC), moved by `shift_ms`; else what is wrong with it."""
    if isinstance(value, str):
        value = _parsed(value.strip())
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return Unreadable(f"a time with its offset, such as {EXAMPLE}; it has none")
        whole, rest = divmod(value.timestamp(), 1)
        return int(whole) * 1000 + round(rest * 1000) + shift_ms
    if isinstance(value, date | time):
        return Unreadable(f"a whole time with its offset, such as {EXAMPLE}")
    return value if isinstance(value, Unreadable) else Unreadable(f"a time such as {EXAMPLE}")


def _parsed(text: str) -> datetime | Unreadable:
    if not _ISO.fullmatch(text):
        return Unreadable(f"a time such as {EXAMPLE}, found {text[:40]!r}")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        return Unreadable(f"a time such as {EXAMPLE}, found {text[:40]!r} ({error})")
