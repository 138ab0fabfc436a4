"""How the order is made, for people: each state of a draw, and what a browser finds out."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from playwright.async_api import Page, Route, expect

from queueing import Beacon, DrawnLine, Fairness
from tests.gateway.world import PATIENCE_S
from tests.pages.conftest import PHONE, Opened, Site
from tests.pages.films import SALE, films, picture, stage
from tests.queueing.drawn import BEACON, a_list, document, join_key

PAGE = f"/sales/{SALE}/fairness"
DOCUMENT = f"/v1/sales/{SALE}/fairness"
LOBBY_S = 4.0
SHOPPERS = 9
LINE = DrawnLine(SALE, 1, 1)


async def raffle(site: Site, **room: Any) -> dict[str, Any]:
    """A drop that opens soon, its lobby open: the sale's body."""
    opens_ms = int((time.time() + LOBBY_S) * 1000)
    body = films(site, lobby_s=60, rate_per_s=0.02, burst=1, **room)
    body["drops"] = [
        {"id": "now", "opens_at_ms": opens_ms},
        {"id": "evening", "opens_at_ms": opens_ms + 3_600_000},
    ]
    await stage(site, body)
    return body


async def joined(site: Site, name: str) -> dict[str, Any]:
    """The place that somebody takes with the key `join-NAME`."""
    answer = await site.world.call(
        "POST", f"/v1/sales/{SALE}/places", {}, auth=site.world.login(name), key=f"join-{name}"
    )
    assert answer.status == 201, answer.data
    return dict(answer.data)


async def until(site: Site, state: str) -> dict[str, Any]:
    """The fairness document once the draw is so far."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        answer = await site.world.call("GET", f"{DOCUMENT}?drop=1")
        if answer.data["state"] == state:
            return dict(answer.data)
        await asyncio.sleep(0.1)
    raise AssertionError(f"the draw never was {state}")


async def with_place(page: Page, site: Site, kept: dict[str, Any]) -> None:
    """Let this browser keep a place, as the sale's page would."""
    await page.goto(site.url)
    await page.evaluate(
        "([name, text]) => localStorage.setItem(name, text)",
        [f"dropgate.shop.{SALE}", json.dumps(kept)],
    )


async def test_a_draw_is_told_and_computed_again(site: Site, open_page: Opened) -> None:
    """From the sealed secret to the turn, which the browser computes as the gateway tells it."""
    await raffle(site)
    mine = await joined(site, "ada")
    places = [mine, *[await joined(site, f"other-{one}") for one in range(1, SHOPPERS)]]
    committed = await until(site, "committed")
    page = await open_page(site.url, size=PHONE)
    await with_place(page, site, {"place": {**mine, "token": mine["place"]}, "joinKey": "join-ada"})
    await page.goto(f"{site.url}{PAGE}?drop=1")
    await expect(page.locator("#steps li.done")).to_have_count(1)
    await expect(page.locator("[data-field=commitment]")).to_have_text(committed["commitment"])
    await expect(page.locator("#mine")).to_contain_text("You are number 1 on the list")
    await picture(page, "line-fair-committed")
    told = await until(site, "drawn")
    assert told["lanes"][0]["registered"] == SHOPPERS, "the machine was too slow for a lobby"
    await page.evaluate("location.hash = 'main'")  # as the way past the header leaves it
    await page.get_by_role("link", name="Show it").click()
    await expect(page.locator("#steps li.done")).to_have_count(3)
    for field in ("commitment", "digest", "secret", "seed"):
        await expect(page.locator(f"[data-field={field}]")).to_have_text(told[field])
    where = await site.world.call(
        "GET", f"/v1/sales/{SALE}/places/me", auth=f"Place {mine['place']}"
    )
    turn = where.data["turn"]
    await expect(page.locator("#mine .big")).to_have_text(f"Number 1: turn {turn}")
    await expect(page.locator("#mine .good")).to_contain_text("the same that you were told")
    await expect(page.locator("#found .notice.good")).to_contain_text("all of it fits")
    await expect(page.locator("#found")).to_contain_text("since this browser first saw it")
    await page.get_by_role("button", name="Check the whole list too (1 KB)").click()
    await expect(page.locator("#found")).to_contain_text("Your own place is on it, as number 1.")
    await expect(page.locator(".checks")).to_be_focused()
    await expect(page.locator(".checks li.good")).to_have_count(9)
    await expect(page.locator(".checks li.bad")).to_have_count(0)
    for place in places:
        answer = await site.world.call(
            "GET", f"/v1/sales/{SALE}/places/me", auth=f"Place {place['place']}"
        )
        await page.get_by_label("Number", exact=True).fill(str(place["number"]))
        said = f"Number {place['number']}: turn {answer.data['turn']}"
        await expect(page.locator("output")).to_have_text(said)
    await page.get_by_label("Number", exact=True).fill(str(SHOPPERS + 1))
    await expect(page.locator("output")).to_have_text("Numbers of this draw go from 1 to 9.")
    await picture(page, "line-fair-drawn")


TAMPERED: dict[str, tuple[Any, str]] = {
    "secret": ("00" * 32, "The secret is not the one that was sealed."),
    "commitment": ("11" * 32, "The secret is not the one that was sealed."),
    "digest": ("22" * 32, "The fingerprint of the list does not fit the number of places."),
    "seed": ("33" * 32, "The seed does not follow from secret and list."),
    "randomness": ("44" * 32, "The value from outside is not what it must be."),
    "round": (1, "The value from outside is not what it must be."),
    "beacon_outcome": ("used", "The value from outside is not what it must be."),
    "algorithm": ("another", "This page does not know how this order was drawn."),
    "lanes": (
        [{"name": "everyone", "registered": 8, "chunks": 1, "digest": "55" * 32, "unknown": 0}],
        "The fingerprint of the list does not fit the number of places.",
    ),
    "vectors": (
        [{"lane": 0, "number": 1, "turn": 99}], "The first turns do not follow from the seed.",
    ),
}  # fmt: skip
"""What somebody changes in the document, and what the page finds."""


def made(by: Beacon | None = None, **changes: Any) -> Fairness:
    """The document of an honest draw of the first drop, and what of it is changed."""
    told = document({0: a_list(0, SHOPPERS, LINE)}, by, LINE)
    return replace(told, **changes)


def show(site: Site, told: Fairness, patch: pytest.MonkeyPatch) -> None:
    """The gateway tells this document, whichever is asked for."""

    async def given(*_: Any) -> Fairness:
        return told

    patch.setattr(site.world.services.fairness, "document", given)


def telling(body: dict[str, Any]) -> Callable[[Route], Awaitable[None]]:
    """A gateway that tells this document."""

    async def tell(route: Route) -> None:
        await route.fulfill(json=body)

    return tell


@pytest.mark.parametrize("beacon", [None, BEACON], ids=["none", "beacon"])
async def test_what_does_not_fit_is_found(
    site: Site, open_page: Opened, monkeypatch: pytest.MonkeyPatch, beacon: Beacon | None
) -> None:
    """Whatever is changed in the document, the page says that it does not fit, and what."""
    await stage(site)
    told = made(beacon)
    show(site, told, monkeypatch)
    page = await open_page(f"{site.url}{PAGE}")
    await expect(page.locator("#found .notice.good")).to_contain_text("all of it fits")
    for field, (value, found) in TAMPERED.items():
        if field == ("beacon_outcome" if beacon else "round"):
            continue  # it is "used"; without a beacon there is none
        body = {**json.loads(msgspec.json.encode(told)), field: value}
        await page.unroute_all()
        await page.route(f"**{DOCUMENT}?*", telling(body))
        await page.reload()
        await expect(page.locator("#found .notice.bad")).to_contain_text("does not fit")
        assert found in await page.locator(".checks li.bad").all_inner_texts(), field
        await expect(page.locator("#found .notice.good")).to_have_count(0)


async def test_another_draw_than_before_is_found(
    site: Site, open_page: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A draw that holds by itself is not the one that this browser has seen committed to."""
    await stage(site)
    told = made()
    committed = replace(
        told, state="committed", digest="", seed="", secret="", fixed_at_ms=0, vectors=[],
        commitment="77" * 32,
    )  # fmt: skip
    show(site, committed, monkeypatch)
    page = await open_page(f"{site.url}{PAGE}")
    await expect(page.locator("#mine")).to_contain_text("once they are drawn")
    show(site, told, monkeypatch)
    await page.reload()
    await expect(page.locator("#found .notice.bad")).to_be_visible()
    await expect(page.locator(".checks li.bad")).to_have_count(1)
    await expect(page.locator(".checks li.bad")).to_contain_text("not what this browser saw before")


async def test_another_list_is_found(
    site: Site, open_page: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was moved on the list, or is not on it any more, learns so by one press."""
    await stage(site)
    show(site, made(), monkeypatch)
    leaves = a_list(0, SHOPPERS, LINE)
    page = await open_page(site.url)
    mine = {"drop": 1, "epoch": 1, "lane": 0, "number": 2, "turn": made().vectors[1].turn}
    await with_place(page, site, {"place": mine, "joinKey": join_key(0, 2)})
    for told, mark in ((leaves, "good"), (leaves[16:] + leaves[:16], "bad"), (b"", "bad")):
        await page.unroute_all()
        await page.route("**/fairness/list?*", lambda route, _, told=told: route.fulfill(body=told))
        await page.goto(site.url + PAGE)
        await page.get_by_role("button", name="Check the whole list too").click()
        found = page.locator(f".checks li.{mark}")
        whole = "fits" if mark == "good" else "does not fit"
        await expect(found.get_by_text(f"The list {whole} its fingerprint.")).to_be_visible()
        on = "is on it, as" if mark == "good" else "is not on it as"
        await expect(found.get_by_text(f"Your own place {on} number 2.")).to_be_visible()
        assert await page.locator("#found .notice.bad").count() == (mark == "bad")
    await page.route("**/fairness/list?*", lambda route: route.abort())
    await page.reload()
    await page.get_by_role("button", name="Check the whole list too").click()
    await expect(page.locator("#found .notice.warn")).to_be_visible()


async def test_another_turn_than_was_told_is_found(
    site: Site, open_page: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was told another turn than the draw gives reads both."""
    await stage(site)
    told = made()
    show(site, told, monkeypatch)
    turn = told.vectors[3].turn
    page = await open_page(site.url)
    mine = {"drop": 1, "epoch": 1, "lane": 0, "number": 4, "turn": turn % SHOPPERS + 1}
    await with_place(page, site, {"place": mine})
    await page.goto(site.url + PAGE)
    await expect(page.locator("#mine .big")).to_have_text(f"Number 4: turn {turn}")
    await expect(page.locator("#mine .notice.bad")).to_contain_text(
        f"You were told turn {mine['turn']}"
    )
    for number, said in ((SHOPPERS + 5, "your turn is your number"), (4, "does not match")):
        await with_place(page, site, {"place": {**mine, "number": number}})
        await page.goto(site.url + PAGE)
        await expect(page.locator("#mine")).to_contain_text(said)
