"""Which business day a moment belongs to, in a sale's own time zone."""

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

QUARTER_MS = 900_000  # no zone changes its offset inside a quarter of an hour of UTC


@lru_cache(maxsize=4096)
def _date_of_quarter(timezone: str, quarter: int) -> date:
    return datetime.fromtimestamp(quarter * QUARTER_MS / 1000, ZoneInfo(timezone)).date()


def business_date(timezone: str, at_ms: int) -> date:
    """The local calendar day of a moment in milliseconds UTC. `timezone` is an IANA name."""
    return _date_of_quarter(timezone, at_ms // QUARTER_MS)


def local_text(timezone: str, at_ms: int) -> str:
    """The moment as ISO 8601 with milliseconds and the zone's offset."""
    moment = datetime.fromtimestamp(at_ms // 1000, ZoneInfo(timezone))
    return moment.replace(microsecond=at_ms % 1000 * 1000).isoformat(timespec="milliseconds")
