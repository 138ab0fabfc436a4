"""`python -m loadtest.pictures`: the pictures of docs/pictures, taken of a real drop under load.

Here belong the scenes: a phone at the seat plan, a kiosk, the console, the report of the load. It
needs Chromium, as the tests of the pages do.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from playwright.async_api import Browser, Page, async_playwright
from rich.console import Console

from loadtest.demo import stage
from loadtest.demo.stage import PARTNER, SALE
from loadtest.installation import ROOT, Installation
from loadtest.phases import Phases

PICTURES = ROOT / "docs" / "pictures"
BUILD = ROOT / "build" / "pictures"
CHROMIUM = os.environ.get("DROPGATE_CHROMIUM", "chromium")
PHONE, KIOSK, CONSOLE, REPORT = (390, 844), (960, 600), (1280, 920), (1120, 980)
BYTES_MAX = 150_000
OPENS_IN_S = 60
SECONDS, USERS = 60, 400
KIOSKS_A_VENUE = 2
TAKEN_MIN = 40
"""Seats of a hall that others have by the time a plan is worth a picture."""

SOLD_MIN = 1_500
"""Units sold by the time the console's curves are."""

PATIENCE_MS = 90_000
AGAIN_MS = 500


@click.command()
def command() -> None:
    """Play a drop of examples/cinema-3-8 and take its pictures."""
    shutil.rmtree(BUILD, ignore_errors=True)
    PICTURES.mkdir(parents=True, exist_ok=True)
    asyncio.run(_take(Phases(Console())))
    large = [one.name for one in PICTURES.glob("*.png") if one.stat().st_size > BYTES_MAX]
    if large:
        sys.exit(f"more than {BYTES_MAX:,} bytes: {', '.join(large)}")


async def _take(phases: Phases) -> None:
    async with Installation(BUILD) as installation, async_playwright() as playwright:
        with phases.shown():
            with phases.phase("up", "a drop of the example"):
                file = stage.rehearsal(BUILD / "sale")
                await installation.up(gateways=2)
                shop = await stage.start_shop(installation, file)
                stage.lead_to_shop(file, shop)
                await stage.apply(installation, file, OPENS_IN_S)
                venues = set((await _first_drop(installation, file)).values())
                keys = await _keys(installation, sorted(venues))
            with phases.phase("pictures", "a load, and pictures of it"):
                browser = await playwright.chromium.launch(
                    executable_path=shutil.which(CHROMIUM),
                    args=["--no-sandbox"] if os.geteuid() == 0 else [],
                )
                loading = asyncio.create_task(_load(installation, shop, keys))
                await _scenes(browser, installation.gateway, keys)
                await loading
                await _report(browser)
                await browser.close()


async def _first_drop(installation: Installation, file: Path) -> dict[str, str]:
    told = await stage.read_json(f"{installation.gateway}/v1/sales/{SALE}")
    return stage.kiosk_offers(file.parent, told["drops"][0]["id"])


async def _keys(installation: Installation, venues: Sequence[str]) -> dict[str, Any]:
    """Credentials as `loadtest.load` reads them."""
    issue = installation.credential
    return {
        "partner": await issue("partner", PARTNER),
        "operator": await issue("operator", SALE),
        "kiosks": {
            venue: [await issue("kiosk", f"{venue}/door-{n}") for n in range(KIOSKS_A_VENUE)]
            for venue in venues
        },
        "stolen_kiosk": await issue("kiosk", f"{venues[0]}/stolen"),
    }


async def _load(installation: Installation, shop: str, keys: dict[str, Any]) -> None:
    file = BUILD / "keys.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(keys))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest.load", "--host", installation.gateway, "--shop", shop),
        *("--sale", SALE, "--keys", str(file), "--out", str(BUILD / "load")),
        *("--users", str(USERS), "--seconds", str(SECONDS)),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
    )
    if await process.wait() != 0:
        raise click.ClickException(f"the verdict is not green: {BUILD / 'load' / 'load.html'}")


async def _scenes(browser: Browser, url: str, keys: dict[str, Any]) -> None:
    """What is seen under load: a purchase on a phone, its code at a kiosk, the console."""
    console = await _opened(browser, f"{url}/console", CONSOLE)
    await _key(console, keys["operator"])
    await console.locator(".sales h2 a").click()
    phone = await _opened(browser, f"{url}/sales/{SALE}", PHONE)
    venue = await _buy(phone)
    code = await phone.locator(".code").first.locator("[aria-hidden]").all_text_contents()
    kiosk = await _opened(browser, f"{url}/kiosk", KIOSK)
    await _key(kiosk, keys["kiosks"][venue][0])
    await kiosk.locator("#code").fill("-".join(code))
    await kiosk.keyboard.press("Enter")
    await kiosk.locator('.stage[data-code="let_in"]').wait_for()
    await _picture(kiosk, "kiosk")
    sold = console.locator("[data-tile=sold] .big")
    while int((await sold.inner_text()).replace(",", "")) < SOLD_MIN:
        await console.wait_for_timeout(AGAIN_MS)
    await _picture(console, "console")


async def _key(page: Page, key: str) -> None:
    await page.locator("#key").fill(key)
    await page.keyboard.press("Enter")


async def _buy(phone: Page) -> str:
    """Two seats on the plan, paid; the venue they are at. Takes a picture of the plan."""
    await phone.get_by_role("button", name="Sign in at the shop").click()
    await phone.locator("#user").fill("li-na")
    await phone.locator("form button").click()
    await phone.get_by_role("button", name="Join the line").click()
    offer = phone.locator("[data-offer]").first
    venue = str(await offer.get_attribute("data-offer")).split(".")[0]
    await offer.get_by_role("button").click()
    await phone.locator('[data-mode="plan"]').click()
    await phone.locator('.seat[data-state="taken"]').nth(TAKEN_MIN - 1).wait_for()
    in_front = phone.locator('.hall-row:nth-child(2) .seat[data-state="free"]')  # taken late
    for _ in range(2):
        await in_front.nth(await in_front.count() // 2).click()
    await phone.locator(".hall-scroll").evaluate("one => one.scrollIntoView({ block: 'center' })")
    await _picture(phone, "shop")
    await phone.locator(".buybar .primary").click()
    await phone.get_by_role("button", name="Pay").click()
    await phone.locator('button[value="yes"]').click()
    await phone.locator(".code").first.wait_for()
    return venue


async def _report(browser: Browser) -> None:
    page = await _opened(browser, (BUILD / "load" / "load.html").as_uri(), REPORT)
    await _picture(page, "load")


async def _opened(browser: Browser, url: str, size: tuple[int, int]) -> Page:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale="en-GB",
        color_scheme="light",
        device_scale_factor=2 if size == PHONE else 1,
    )
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    await page.goto(url)
    return page


async def _picture(page: Page, name: str) -> None:
    await page.wait_for_timeout(500)  # transitions end
    await page.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    command()
