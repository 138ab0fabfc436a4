"""The pages in a real browser: Debian's Chromium, driven by Playwright, on a real gateway.

The gateway runs in this process, on a real store and database, behind a real port; a shop simulator
stands beside it, so that a visitor can log in and pay.
"""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from axe_playwright_python.async_playwright import Axe
from msgspec.structs import replace
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from gateway.services import Services
from simulators import shop as shop_sim
from tests.gateway.conftest import state_directory as state_directory  # noqa: PLC0414  # a fixture
from tests.gateway.signing import Signer
from tests.gateway.world import PLAY, SHOP, World, furnish, serve, settings_for
from tests.patience import patiently
from tests.programs import program

CHROMIUM = os.environ.get("DROPGATE_CHROMIUM", "")
"""Another browser than the one found."""
DESKTOP = (1280, 800)
PHONE = (390, 844)
PATIENCE_MS = 60_000
"""For what is done on a page, and for what is expected of it: a busy machine draws slowly."""
expect.set_options(timeout=PATIENCE_MS)
LOCALES = {"en": "en-GB", "zh": "zh-CN", "fi": "fi-FI", "ar": "ar-EG"}
SERIOUS = ("serious", "critical")

Opened = Callable[..., Awaitable[Page]]


@dataclass(slots=True)
class Site:
    """A gateway with a sale, and the shop beside it."""

    world: World
    shop_url: str

    @property
    def url(self) -> str:
        """Where the pages are."""
        return self.world.url


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One headless Chromium for all tests."""
    # The shell draws and runs the same pages for half the work; the whole browser will do too.
    found = CHROMIUM or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    path = found or program("chromium-headless-shell", "chromium-headless-shell")
    flags = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=path, args=flags)
        yield opened
        await opened.close()


@pytest.fixture
async def site(
    state_directory: Path, valkey_url: str, store: object, database_url: str
) -> AsyncIterator[Site]:
    """The gateway and the shop."""
    async with AsyncExitStack() as ends:
        shop_url = await _shop(ends)
        plain = settings_for(state_directory, valkey_url, database_url)
        settings = replace(plain, test_mode=True)
        services = await patiently(lambda: Services.open(settings))
        ends.push_async_callback(services.close)
        keys = await furnish(services)
        shared, url, own, own_url = await serve(services)
        ends.push_async_callback(own.cleanup)
        ends.push_async_callback(shared.cleanup)
        http = await ends.enter_async_context(aiohttp.ClientSession())
        yield Site(World(services, http, url, own_url, keys), shop_url)


async def _shop(ends: AsyncExitStack) -> str:
    shop = shop_sim.Shop(login=_signer(SHOP), payment=_signer(PLAY), jwks={"keys": []})
    runner = web.AppRunner(shop_sim.application(shop))
    await runner.setup()
    ends.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


def _signer(signer: Signer) -> shop_sim.Signer:
    return shop_sim.Signer(signer.kid, signer.issuer, signer.audience, signer.key)


@pytest.fixture
async def open_page(browser: Browser) -> AsyncIterator[Opened]:
    """Opens an address in a browser of its own, of a size, language and theme.

    A script error or a word of the console about one fails the test when the page is closed.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    async def opened(
        url: str, *, size: tuple[int, int] = DESKTOP, lang: str = "en", theme: str = "light",
        **options: Any,
    ) -> Page:  # fmt: skip
        context = await browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=LOCALES[lang],
            color_scheme="dark" if theme == "dark" else "light",
            has_touch=size[0] < 600,
            **options,
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if _is_wrong(said) else None)
        await page.goto(url)
        return page

    yield opened
    for context in contexts:
        await context.close()
    assert errors == []


def _is_wrong(said: Any) -> bool:
    """A refused or lost answer is logged by the browser as an error too; that is no fault."""
    return said.type == "error" and "Failed to load resource" not in said.text


async def axe(page: Page) -> list[str]:
    """What axe finds serious or critical on the page as it is now: rule, and where."""
    found = await Axe().run(page)
    return [
        f"{violation['id']}: {node['target']} {node.get('failureSummary', '')}"
        for violation in found.response["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client."""
    async with aiohttp.ClientSession() as session:
        yield session
