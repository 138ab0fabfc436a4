"""The description's viewer in a real browser: complete, from this origin, under its policy."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Route, expect

from tests.pages.conftest import DESKTOP, PHONE, Opened, Site, axe


async def opened(site: Site, open_page: Opened, **options: Any) -> Page:
    """The page, with the viewer ready."""
    page = await open_page(site.url + "/docs", **options)
    await expect(page.locator(".opblock").first).to_be_visible()
    return page


async def test_every_call_is_shown_and_nobody_else_is_asked(site: Site, open_page: Opened) -> None:
    """All operations of the description, no foreign request, nothing against the policy."""
    page = await open_page("about:blank")
    foreign: list[str] = []

    async def watch(route: Route) -> None:
        address = urlsplit(route.request.url)
        if address.scheme in ("http", "https") and not route.request.url.startswith(site.url):
            foreign.append(route.request.url)
            await route.abort()
        else:
            await route.continue_()

    await page.context.route("**/*", watch)
    await page.add_init_script(
        """window.broken = [];
        document.addEventListener("securitypolicyviolation", (event) => {
            window.broken.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
        });"""
    )
    await page.goto(site.url + "/docs")
    paths = json.loads(site.world.services.openapi)["paths"]
    operations = sum(len(methods) for methods in paths.values())
    await expect(page.locator(".opblock")).to_have_count(operations)
    await page.locator("#operations-partner-partner_order .opblock-summary-control").click()
    await expect(page.locator("#operations-partner-partner_order .opblock-body")).to_be_visible()
    assert foreign == []
    assert await page.evaluate("window.broken") == []


async def test_a_call_can_be_tried_where_it_is_described(site: Site, open_page: Opened) -> None:
    """With a partner's key the viewer's own form is answered."""
    page = await opened(site, open_page)
    await page.get_by_role("button", name="Authorize").first.click()
    form = page.locator(".auth-container", has_text="a partner's key")
    await form.locator("input").fill(site.world.keys["partner"].removeprefix("Bearer "))
    await form.get_by_role("button", name="Apply credentials").click()
    await page.locator(".close-modal").click()
    operation = page.locator("#operations-partner-partner_me")
    await operation.locator(".opblock-summary-control").click()
    await operation.get_by_role("button", name="Try it out").click()
    await operation.get_by_role("button", name="Execute").click()
    await expect(
        operation.locator(".live-responses-table .response-col_status").last
    ).to_contain_text("200")
    assert "dgk_partner" not in await page.evaluate("JSON.stringify({ ...localStorage })")


@pytest.mark.parametrize(("lang", "theme", "size"), [
    ("en", "light", DESKTOP), ("zh", "dark", PHONE),
], ids=["en-light-desktop", "zh-dark-phone"])  # fmt: skip
async def test_it_is_good_for_everybody(
    site: Site, open_page: Opened, lang: str, theme: str, size: tuple[int, int]
) -> None:
    """No serious finding, in the list and in an open call; nothing wider than the screen."""
    page = await opened(site, open_page, lang=lang, theme=theme, size=size)
    await expect(page).to_have_title("接口 · Dropgate" if lang == "zh" else "API · Dropgate")
    await page.locator("#operations-partner-partner_order .opblock-summary-control").click()
    await expect(page.locator("#operations-partner-partner_order .opblock-body")).to_be_visible()
    assert await axe(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
