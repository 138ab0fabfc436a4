"""The partner's page in a real browser: keys, codes, settling, events, and trying a call."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, Route, expect

from tests.gateway.world import PRICE
from tests.pages.conftest import DESKTOP, PHONE, Opened, Site, axe

SEEN = "JSON.stringify({ ...localStorage })"


def key_of(site: Site) -> str:
    """The partner's key."""
    return site.world.keys["partner"].removeprefix("Bearer ")


async def signed_in(site: Site, open_page: Opened, view: str = "keys", **options: Any) -> Page:
    """A page of the partner's, at a view."""
    page = await open_page(f"{site.url}/partner#{view}", **options)
    await page.locator("#key").fill(key_of(site))
    await page.keyboard.press("Enter")
    await expect(page.locator(".tabs a[aria-current]")).to_be_visible()
    return page


async def test_the_key_stays_in_the_tab(site: Site, open_page: Opened) -> None:
    """Wrong keys are told; a reload goes on; signing out and another tab know nothing."""
    page = await open_page(site.url + "/partner")
    for wrong, told in (
        ("nonsense", "begins with dgk_partner_"),
        (site.world.keys["kiosk"].removeprefix("Bearer "), "another role"),
        ("dgk_partner_00000000_" + "0" * 32, "not valid here"),
    ):
        await page.locator("#key").fill(wrong)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text(told)
    await page.locator("#key").fill(key_of(site))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Market")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Market")).to_be_visible()
    secret = key_of(site).rsplit("_", 1)[1]
    assert secret not in await page.evaluate(SEEN)
    assert secret not in await page.content()
    other = await page.context.new_page()
    await other.goto(site.url + "/partner")
    await expect(other.locator("#key")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator("#key")).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize("ends", ["answer", "reload"])
async def test_a_new_key_is_shown_once_and_never_lost(
    site: Site, open_page: Opened, ends: str
) -> None:
    """Its first answer is lost: the repeat, on a new page too, shows the same key, which works."""
    page = await signed_in(site, open_page)
    made: list[str] = []
    losing = True

    async def lose(route: Route) -> None:
        response = await route.fetch()
        made.append((await response.json())["key"])
        await (route.abort() if losing else route.fulfill(response=response))

    await page.route("**/keys/rotate", lose)
    await page.get_by_role("button", name="Make a new key").click()
    await page.get_by_role("dialog").get_by_role("button", name="Make a new key").click()
    await expect(page.get_by_text("Asking again with the same key")).to_be_visible()
    losing = False
    if ends == "reload":
        await page.reload()
    await expect(page.locator("#fresh")).to_have_value(made[0])
    assert set(made) == {made[0]}
    await expect(page.locator("tr[data-key]")).to_have_count(2)
    await expect(page.locator("tr", has_text="this one")).to_contain_text(made[0].split("_")[2])
    told = await site.world.call("GET", "/v1/partner/me", auth=f"Bearer {made[0]}")
    assert told.status == 200
    await page.get_by_role("button", name="I have kept it").click()
    await expect(page.locator("#fresh")).to_have_count(0)
    secret = made[0].rsplit("_", 1)[1]
    assert secret not in await page.evaluate(SEEN)
    assert secret not in await page.content()
    await page.reload()
    await expect(page.locator("tr[data-key]")).to_have_count(2)


async def test_codes_become_a_file_though_the_line_breaks(
    site: Site, open_page: Opened, tmp_path: Path
) -> None:
    """Answers cut in the middle: the file has every unit once, as NDJSON and as CSV."""
    page = await signed_in(site, open_page, "allotments")
    cuts = [150, 700]

    async def cut(route: Route) -> None:
        response = await route.fetch()
        body = (await response.body())[: cuts.pop(0) if cuts else None]
        await route.fulfill(response=response, body=body)

    await page.route("**/codes?*", cut)
    for form in ("NDJSON", "CSV"):
        async with page.expect_download() as started:
            await page.get_by_role("button", name=f"Codes box {form}").click()
        download = await started.value
        assert download.suggested_filename == f"box.{form.lower()}"
        await download.save_as(tmp_path / form)
    units = [json.loads(line) for line in (tmp_path / "NDJSON").read_text().splitlines()]
    assert len({unit["unit"] for unit in units}) == len(units) == 10
    names, *rows = (tmp_path / "CSV").read_text().splitlines()
    assert names == "unit,offer,seat,state,code"
    assert [row.split(",")[-1] for row in rows] == [unit["code"] for unit in units]
    await expect(page.get_by_role("status").first).to_have_text("All 10 units are in the file.")


async def test_how_far_an_allotment_is_sold(site: Site, open_page: Opened) -> None:
    """Sold, left and given back are told in figures, and by the bar for those who cannot see it."""
    world, auth = site.world, site.world.keys["partner"]
    body = (await world.call("GET", "/v1/partner/allotments/box/codes?sale=spring", auth=auth)).body
    units = [json.loads(line)["unit"] for line in body.splitlines()]
    sold = [{"unit": unit, "amount_minor": PRICE, "reference": "R"} for unit in units[:3]]
    for what, sent in (("sales", {"lines": sold}), ("returns", {"units": units[-2:]})):
        path = f"/v1/partner/allotments/box/{what}?sale=spring"
        assert (await world.call("POST", path, sent, auth=auth)).status == 200
    page = await signed_in(site, open_page, "allotments")
    row = page.locator("tr", has_text="box")
    assert await row.locator("td.number").all_inner_texts() == ["10", "3", "5", "2"]
    await expect(row.get_by_role("img", name="3 sold, 5 left of 10")).to_be_visible()


async def test_a_day_is_settled_on_the_page(site: Site, open_page: Opened, tmp_path: Path) -> None:
    """Ours is shown and downloaded; it agrees with itself; a changed line is a break in words."""
    world = site.world
    for buyer in ("ann", "bob"):
        await world.sell(buyer, reference=f"R-{buyer}")
    await world.settle()
    page = await signed_in(site, open_page, "statements")
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()
    await expect(page.locator("#day")).to_have_value(today)
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator("tbody tr")).to_have_count(2)
    await expect(page.locator(".sums")).to_contain_text("¥15.20")
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Download CSV").click()
    file = tmp_path / "ours.csv"
    await (await started.value).save_as(file)
    await page.locator("#file").set_input_files(file)
    await page.get_by_role("button", name="Compare").click()
    await expect(page.get_by_text("No difference: 2 lines agree.")).to_be_visible()
    file.write_text(file.read_text().replace(",760,", ",380,", 1))
    await page.locator("#file").set_input_files(file)
    await page.get_by_role("button", name="Compare").click()
    broken = page.locator("tr[data-class=amount]")
    for said in ("Another amount", "¥7.60", "¥3.80", "our finance", "The difference is disputed"):
        await expect(broken).to_contain_text(said)
    file.write_text("nonsense")
    await page.locator("#file").set_input_files(file)
    await page.get_by_role("button", name="Compare").click()
    await expect(page.get_by_role("alert")).to_contain_text("cannot be read")


async def test_events_come_as_they_happen(site: Site, open_page: Opened) -> None:
    """The newest first; followed, a new one appears by itself."""
    world = site.world
    sold = (await world.sell("ann")).data
    await world.settle()
    page = await signed_in(site, open_page, "events")
    rows = page.locator("tr[data-type]")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text(sold["id"])
    await page.get_by_role("button", name="Follow").click()
    await world.redeem(sold["units"][0]["code"])
    await world.settle()
    await expect(rows).to_have_count(3)
    await expect(rows.first).to_contain_text("Used at a kiosk")
    await page.get_by_role("button", name="Follow").click()


async def test_a_call_is_tried_and_repeated(site: Site, open_page: Opened) -> None:
    """A sale by the example; again with the same key: a repeat; the curl line does the same."""
    page = await signed_in(site, open_page, "try")
    await page.locator("#operation").select_option("partner_order")
    body = json.loads(await page.locator("#p-body").input_value())
    assert (body["sale"], body["lines"][0]["offer"]) == ("spring", "pool")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("#status")).to_have_text("201")
    order = json.loads(await page.locator("#body").inner_text())
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("#status")).to_have_text("200")
    await expect(page.get_by_text("nothing was done again")).to_be_visible()
    assert json.loads(await page.locator("#body").inner_text())["id"] == order["id"]
    curl = await page.locator("#curl").inner_text()
    assert "Bearer $KEY" in curl
    assert key_of(site) not in await page.content()
    await page.get_by_role("button", name="New key").click()
    await page.locator("#p-body").fill('{"sale": "spring"')
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("The body is not JSON")).to_be_visible()
    await page.locator("#p-body").fill('{"sale": "spring", "buyer": "x", "lines": []}')
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("#status")).to_have_text("422")
    await page.get_by_text("Headers", exact=True).click()
    await expect(page.locator("#answer")).to_contain_text("application/problem+json")
    await page.get_by_label("Show the key in the command").check()
    await expect(page.locator("#curl")).to_contain_text(key_of(site))


async def test_every_call_of_a_partner_can_be_tried(site: Site, open_page: Opened) -> None:
    """Each operation whose call a partner's key may make is there, with its inputs filled in."""
    described = json.loads(site.world.services.openapi)
    mine = {
        said["operationId"]
        for methods in described["paths"].values()
        for said in methods.values()
        if {"partner": []} in said["security"]
    }
    page = await signed_in(site, open_page, "try")
    shown = page.locator("#operation option")
    await expect(shown).to_have_count(len(mine) - 1)  # the page asks for the description first
    options = await shown.evaluate_all("all => all.map(one => one.value)")
    assert set(options) == mine - {"partner_rotate"}
    for name in ("partner_me", "partner_allotments", "partner_codes", "partner_settlement"):
        await page.locator("#operation").select_option(name)
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("#status")).to_have_text("200")


@pytest.mark.parametrize(("lang", "theme", "size"), [
    ("en", "light", PHONE), ("zh", "dark", DESKTOP),
], ids=["en-light-phone", "zh-dark-desktop"])  # fmt: skip
async def test_every_view_is_good_for_everybody(
    site: Site, open_page: Opened, lang: str, theme: str, size: tuple[int, int]
) -> None:
    """No serious finding in any view, in either language, and nothing wider than the screen."""
    world = site.world
    await world.sell("ann")
    await world.settle()
    page = await open_page(site.url + "/partner", lang=lang, theme=theme, size=size)
    assert await axe(page) == []
    await page.locator("#key").fill(key_of(site))
    await page.keyboard.press("Enter")
    for view in ("keys", "allotments", "statements", "events", "try"):
        await page.locator(f'.tabs a[href="#{view}"]').click()
        await expect(page.locator("[aria-busy]")).to_have_count(0)
        if view == "statements":
            await page.locator("form .button.primary").first.click()
            await expect(page.locator("tbody tr")).to_have_count(1)
        if view == "try":
            await page.locator("#operation").select_option("partner_order")
            await page.locator("form .button.primary").click()
            await expect(page.locator("#status")).to_have_text("201")
        assert await axe(page) == [], view
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, view
        said = await page.locator("main").inner_text()
        assert bool(re.search(r"[\u4e00-\u9fff]{2}", said)) == (lang == "zh"), view
