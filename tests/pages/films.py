"""A sale for the shop's tests, with the simulator's pages to sign in and to pay."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.gateway.world import HOUR, VENUE, sale_body
from tests.pages.conftest import Site

SALE = "films"
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
OPERATOR = f"/v1/operator/sales/{SALE}"


def films(site: Site, **room: Any) -> dict[str, Any]:
    """The body of the sale; `room` changes its waiting room."""
    body = sale_body(SALE)
    now = body["drops"][0]["opens_at_ms"] + 60_000
    showing = {
        "starts_at_ms": now + 30 * HOUR, "ends_at_ms": now + 32 * HOUR,
        "redeem_from_ms": now - HOUR, "redeem_until_ms": now + 33 * HOUR,
        "venue": VENUE, "drop": "now", "price_minor": 380,
    }  # fmt: skip
    body["sale"] |= {"title": "3.8 元看电影 · Spring films", "limit_per_buyer": 4, "hold_s": 120}
    body["sale"]["closes_at_ms"] = now + 40 * HOUR
    body["room"] |= {"pass_s": 300, **room}
    body["logins"][0]["page"] = f"{site.shop_url}/login"
    body["payments"][1]["page"] = f"{site.shop_url}/pay"
    body["venues"] = [
        {"venue": VENUE, "title": "Odeon", "city": "Here", "timezone": "Asia/Shanghai"},
        {"venue": "lyric", "title": "Lyric", "city": "There", "timezone": "Asia/Tokyo"},
    ]
    body["seats"] = [
        *({"layout": "big", "row": row, "first": first, "last": last}
          for row in "FEGDHCBA" for first, last in ((1, 5), (6, 10))),
        {"layout": "pair", "row": "A", "first": 1, "last": 2},
        {"layout": "apart", "row": "A", "first": 1, "last": 3},
    ]  # fmt: skip
    seated = {**showing, "kind": "seated"}
    body["offers"] = [
        {**seated, "offer": "moon", "title": "A Letter from the Moon", "layout": "big"},
        {**seated, "offer": "pair", "title": "The Last Pair", "layout": "pair"},
        {**seated, "offer": "apart", "title": "Far Apart", "layout": "apart",
         "together": "refuse", "price_minor": 1500},
        {**showing, "offer": "pool", "title": "Festival pass", "kind": "pooled", "units": 50},
        {**showing, "offer": "few", "title": "Matinée", "kind": "pooled", "units": 3,
         "venue": "lyric"},
    ]  # fmt: skip
    body["codes"], body["allotments"] = [], []
    return body


async def stage(site: Site, body: dict[str, Any] | None = None, *, opened: bool = True) -> str:
    """Publish the sale, open it, and wait until its frame is there; its page's address."""
    auth = site.world.keys["operator"]
    put = await site.world.call("PUT", OPERATOR, json=body or films(site), auth=auth)
    assert put.status in (200, 201), put.data
    if opened:
        await operate(site, "open")
    await site.world.services.shelves.refresh_sale(SALE)
    await site.world.services.frames.refresh(SALE)
    return f"{site.url}/sales/{SALE}"


async def operate(site: Site, what: str, json: Any = None) -> None:
    """An operator's call about the sale."""
    method = "PATCH" if what == "rate" else "POST"
    answer = await site.world.call(
        method, f"{OPERATOR}/{what}", json=json or {}, auth=site.world.keys["operator"]
    )
    assert answer.status == 200, answer.data


async def join(site: Site, name: str) -> str:
    """Somebody else joins the line over HTTP; the `Authorization` of the place."""
    joined = await site.world.call(
        "POST", f"/v1/sales/{SALE}/places", {}, auth=site.world.login(name)
    )
    assert joined.status == 201, joined.data
    return f"Place {joined.data['place']}"


async def take(site: Site, name: str, **line: Any) -> dict[str, Any]:
    """Somebody else joins, goes in and holds a line over HTTP; the order."""
    place = await join(site, name)
    while True:
        claimed = await site.world.call("POST", f"/v1/sales/{SALE}/passes", {}, auth=place)
        if claimed.status == 201:
            break
        await site.world.services.rooms.pump(SALE, 100)
    held = await site.world.call(
        "POST", f"/v1/sales/{SALE}/orders", {"lines": [line]}, auth=f"Pass {claimed.data['pass']}"
    )
    assert held.status == 201, held.data
    return dict(held.data)


async def buy(site: Site, name: str, **line: Any) -> None:
    """Somebody else buys a line over HTTP."""
    order = await take(site, name, **line)
    paid = await site.world.call(
        "POST",
        f"/v1/orders/{order['id']}/confirm",
        {"payment": site.world.proof(order)},
        auth=site.world.login(name),
    )
    assert paid.status == 200, paid.data


async def counts(site: Site) -> dict[str, int]:
    """Where the sale's units are."""
    answer = await site.world.call("GET", f"{OPERATOR}/counts", auth=site.world.keys["operator"])
    return dict(answer.data["total"])


async def picture(page: Page, name: str) -> None:
    """The page as build/screenshots/<name>.png, when DROPGATE_SCREENSHOTS asks for it."""
    if os.environ.get("DROPGATE_SCREENSHOTS"):
        await page.wait_for_timeout(300)  # transitions end
        await page.screenshot(
            full_page=name.startswith(("line-", "plain-")), path=PICTURES / f"{name}.png"
        )


@dataclass(slots=True)
class Shopper:
    """A person at the page of the sale."""

    page: Page

    def button(self, name: str) -> Locator:
        """A button by its words."""
        return self.page.get_by_role("button", name=name, exact=True)

    async def sees(self, heading: str) -> None:
        """The view with this heading is shown."""
        await expect(self.page.locator("#stage h2")).to_have_text(heading)

    async def sign_in(self, name: str, *, go: str = "Sign in at the shop") -> None:
        """To the shop and back."""
        await self.button(go).first.click()
        await self.page.locator("#user").fill(name)
        await self.page.locator("form button").click()
        await self.page.wait_for_url("**/sales/**")

    async def enter(self, name: str) -> None:
        """Sign in, join, and wait for the turn."""
        await self.sign_in(name)
        await self.button("Join the line").click()
        await self.sees("Choose")

    async def choose(self, offer: str) -> None:
        """Choose an offer of the list."""
        await self.page.locator(f'[data-offer="{offer}"] button').click()
        await expect(self.page.locator(".buybar")).to_be_visible()

    async def pay(self) -> None:
        """To the payment page and back."""
        await self.page.get_by_role("button", name="Pay").click()
        await self.page.locator('button[value="yes"]').click()
        await self.page.wait_for_url("**/sales/**")

    async def codes(self) -> list[str]:
        """The codes that are shown."""
        await expect(self.page.locator(".code").first).to_be_visible()
        shown = await self.page.locator(".code").all()
        return ["-".join(await one.locator("[aria-hidden]").all_text_contents()) for one in shown]
