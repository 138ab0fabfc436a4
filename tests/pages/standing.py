"""A line that stands as a test says, so that no minute must really pass.

Its frames are the test's own, and so is the server's clock, which the page learns from answers.
"""

import json
import time
from contextlib import suppress
from email.utils import formatdate
from typing import Any

from playwright.async_api import Error, Page, Route

from tests.pages.conftest import Site
from tests.pages.films import SALE

HOUR = 3_600_000
PLACE = {"token": "t", "drop": 1, "epoch": 1, "lane": 0, "number": 4_321, "atFirst": 9_000}
LANE = {
    "name": "everyone", "serving": 1_200, "tail": 26_000, "drawn": 0, "rate_per_s": 4.0,
    "low_per_s": 2.5, "high_per_s": 6.0, "likely": 1_000, "possible": 9_000, "late": 0,
}  # fmt: skip
FIVE_MIN: dict[str, Any] = {
    "serving": 4_021,
    "rate_per_s": 1.1,
    "low_per_s": 1.0,
    "high_per_s": 1.25,
}
NINE_MIN: dict[str, Any] = {
    "serving": 4_021,
    "rate_per_s": 0.6,
    "low_per_s": 0.56,
    "high_per_s": 0.7,
}
"""Three hundred ahead, who take 4 to 5 minutes, or 7 to 9."""


def frame_of(
    site: Site, now_ms: int, *, opens_in: int = -HOUR, old_s: int = 0, **changes: Any
) -> dict[str, Any]:
    """A frame of the sale at a time; what names a field of a lane is the lane's."""
    told = site.world.services.frames.of(SALE).answer
    lane = {name: changes.pop(name) for name in list(changes) if name in LANE}
    return {
        **{name: getattr(told, name) for name in told.__struct_fields__},
        **{"state": "open", "reason": "operator", "stock": "low", "drop": 1, "epoch": 1},
        **{"lanes": [{**LANE, **lane}], "at_ms": now_ms - old_s * 1_000},
        **{"opens_at_ms": now_ms + opens_in, **changes},
    }


class Standing:
    """A browser that has a place, and what it is told: frames, and the time by the server."""

    def __init__(self, page: Page, site: Site) -> None:
        self._page = page
        self._site = site
        self._changes: dict[str, Any] = {}
        self._later_ms = 0

    async def begin(self, url: str, *, kept: dict[str, Any] | None = None, **changes: Any) -> None:
        """Open the sale's page at the place, and whatever else this browser keeps."""
        self._changes = changes
        await self._page.goto(self._site.url)
        text = json.dumps({"place": PLACE, **(kept or {})})
        await self._page.evaluate(
            "([name, text]) => localStorage.setItem(name, text)", [f"dropgate.shop.{SALE}", text]
        )
        await self._page.context.route(f"**/v1/sales/{SALE}", self._sale)
        await self._page.context.route(f"**/v1/sales/{SALE}/frame", self._frame)
        await self._page.context.route(f"**/v1/sales/{SALE}/frames", lambda one: one.abort())
        await self._page.goto(url)

    def tell(self, **changes: Any) -> None:
        """The line is as it is told, from the next look on."""
        self._changes = changes

    def pass_time(self, seconds: int) -> None:
        """Let it be later by the server."""
        self._later_ms += seconds * 1_000

    async def look(self) -> None:
        """Have the page look again now."""
        async with self._page.expect_response("**/frame"):
            await self._page.evaluate("dispatchEvent(new Event('online'))")

    def _now_ms(self) -> int:
        return int(time.time() * 1000) + self._later_ms

    def _headers(self) -> dict[str, str]:
        return {"Date": formatdate(self._now_ms() / 1000, usegmt=True)}

    async def _frame(self, route: Route) -> None:
        frame = frame_of(self._site, self._now_ms(), **self._changes)
        await route.fulfill(json=frame, headers=self._headers())

    async def _sale(self, route: Route) -> None:
        with suppress(Error):  # the page was closed meanwhile: no later test's business
            told = await (await route.fetch()).json()
            told["server_time_ms"] = self._now_ms()
            await route.fulfill(json=told, headers=self._headers())
