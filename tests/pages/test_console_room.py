"""The operators' console: a rate tried beforehand, and what the room says, bounds and forgets."""

import pytest
from playwright.async_api import expect

from queueing import Moment
from tests.gateway.world import SALE
from tests.pages.conftest import Opened, Site, axe
from tests.pages.test_console import console


async def test_a_rate_is_tried_before_it_is_set(
    site: Site, open_page: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was, the model of it and the rate tried stand side by side; nothing is changed."""
    page = await console(open_page, site)
    board = site.world.services.board
    began_ms = 1_000_000_000_000
    record = [
        Moment(began_ms + 1000 * at, 20 * at, 10 * at, 9 * at, 300, 90_000) for at in range(300)
    ]
    monkeypatch.setattr(board, "record", lambda _sale: record)
    before = await page.locator("[data-rate]").inner_text()
    await page.get_by_label("Turns per second").fill("40")
    await page.get_by_role("button", name="Try it first").click()
    table = page.locator(".tryout table").first
    await expect(table).to_contain_text("with 40/s")
    await expect(table.locator("tbody tr").first.locator("td").first).to_have_text("2,691")
    await expect(page.locator(".tryout .plot canvas")).to_be_visible()
    assert await axe(page) == []
    assert await page.locator("[data-rate]").inner_text() == before
    record.clear()
    await page.get_by_role("button", name="Try it first").click()
    await expect(page.locator(".tryout .notice")).to_be_visible()


async def test_the_room_is_told_and_bounded_and_begun_anew(site: Site, open_page: Opened) -> None:
    """A message, a cap and a reset: each is in the frame, and stands in the log with who did it."""
    page = await console(open_page, site)
    await page.get_by_label("Message to all who wait").fill("Back at 20:05")
    await page.get_by_role("button", name="Tell them").click()
    await expect(page.locator("[data-message]")).to_contain_text("Back at 20:05")
    await page.get_by_label("Inside at most").fill("40")
    await page.get_by_role("button", name="Set the bounds").click()
    await expect(page.locator(".log")).to_contain_text("active_max=40")
    await page.get_by_role("button", name="Begin the line anew").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox").fill(SALE)
    await dialog.get_by_role("button", name="Begin the line anew").click()
    await expect(page.locator(".log")).to_contain_text("line begun anew (epoch 2)")
    frame = (await site.world.call("GET", f"/v1/sales/{SALE}/frame")).data
    assert (frame["message"], frame["epoch"]) == ("Back at 20:05", 2)
    assert await axe(page) == []


async def test_what_another_operator_did_meanwhile_is_told(site: Site, open_page: Opened) -> None:
    """A form that was begun before it is refused once; own changes are in nobody's way."""
    page = await console(open_page, site)
    words, tell = (
        page.get_by_label("Message to all who wait"),
        page.get_by_role("button", name="Tell them"),
    )
    await words.fill("Back at 20:05")
    await page.get_by_label("Turns per second").fill("40")
    await page.get_by_role("button", name="Set the rate").click()
    await expect(page.locator(".acts .result")).to_contain_text("40")
    await tell.click()
    await expect(page.locator("[data-message]")).to_contain_text("Back at 20:05")
    await words.fill("Back at 20:10")
    path, auth = f"/v1/operator/sales/{SALE}", site.world.keys["operator"]
    other = await site.world.call("PUT", f"{path}/message", {"message": "Closed"}, auth=auth)
    assert other.status == 200
    await expect(page.locator("[data-message]")).to_contain_text("Closed")
    await tell.click()
    await expect(page.get_by_text("Somebody changed the sale meanwhile.")).to_be_visible()
    await expect(words).to_have_value("Back at 20:10")
    assert (await site.world.call("GET", path, auth=auth)).data["room"]["message"] == "Closed"
    await tell.click()
    await expect(page.locator("[data-message]")).to_contain_text("Back at 20:10")
