"""The line without scripts, in a browser that has them turned off."""

import dataclasses
import re
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page, expect

from gateway.frames import kept_frame
from gateway.plain_line import REFRESH_MIN_S
from tests.pages.conftest import PHONE, Opened, Site, axe
from tests.pages.films import SALE, films, join, picture, stage

LINE = f"/sales/{SALE}/line"
SLOW = {"rate_per_s": 0.02, "burst": 1}


async def with_place(page: Page, site: Site, name: str) -> None:
    """Give this browser the place that somebody takes, as the join's answer would."""
    token = (await join(site, name)).removeprefix("Place ")
    await page.context.add_cookies(
        [
            {
                "name": f"__Host-dropgate-{SALE}",
                "value": token,
                "url": site.url.replace("http:", "https:"),
                "secure": True,
                "httpOnly": True,
                "sameSite": "Lax",
            }
        ]
    )


async def test_the_line_is_told_without_scripts(site: Site, open_page: Opened) -> None:
    """From the sale's page to the place, in every language, refreshed slowly or not at all."""
    url = await stage(site, films(site, **SLOW))
    for other in range(3):
        await join(site, f"other-{other}")
    page = await open_page(url, size=PHONE, java_script_enabled=False)
    await page.get_by_role("button", name="Wait in line without it").click()
    await page.wait_for_url("**" + LINE)
    await expect(page.locator("h2")).to_have_text("You are not in line in this browser.")
    await with_place(page, site, "ada")
    words = {"en": "2 ahead of you", "zh": "前面还有 2 人", "fi": "2 edelläsi", "ar": "أمامك ٢"}
    for lang, said in words.items():
        answer = await page.goto(f"{site.url}{LINE}?lang={lang}")
        assert answer is not None
        assert int(answer.headers["refresh"]) >= REFRESH_MIN_S
        await site.world.services.frames.refresh(SALE)
        await expect(page.locator(".big")).to_contain_text(
            re.compile(said.replace("2", "[23]").replace("٢", "[٢٣]"))
        )
        await expect(page.locator("html")).to_have_attribute(
            "dir", "rtl" if lang == "ar" else "ltr"
        )
        await picture(page, f"plain-{lang}")
    await page.goto(site.url + LINE)
    await page.get_by_role("link", name="Stop that").click()
    still = await page.reload()
    assert still is not None
    assert "refresh" not in still.headers


async def test_the_turn_is_claimed_and_the_place_left_by_forms(
    site: Site, open_page: Opened
) -> None:
    """Whose turn has come gets the pass; who leaves has no place any more."""
    await stage(site, films(site, rate_per_s=100))
    page = await open_page("about:blank", size=PHONE, java_script_enabled=False)
    await with_place(page, site, "ada")
    await page.goto(site.url + LINE)
    while await page.get_by_role("button", name="Go in").count() == 0:
        await page.reload()
    await page.get_by_role("button", name="Go in").click()
    await expect(page.locator("h2")).to_have_text("You are in")
    token = await page.locator("textarea").input_value()
    read = site.world.services.rooms.read_pass(token, SALE, None)
    assert getattr(read, "sale", "") == SALE, read
    await picture(page, "plain-pass")
    await with_place(page, site, "bob")
    await page.goto(site.url + LINE)
    await page.get_by_role("button", name="Leave the line").click()
    await expect(page.locator("h2")).to_have_text("You are not in line in this browser.")
    assert await page.context.cookies(site.url) == []


FIVE_MIN: dict[str, Any] = {"rate_per_s": 0.022, "low_per_s": 0.02, "high_per_s": 0.025}
NINE_MIN: dict[str, Any] = {"rate_per_s": 0.012, "low_per_s": 0.0112, "high_per_s": 0.014}
"""Six turns take 4 to 5 minutes, or 7 to 9."""


def stand(site: Site, later_s: int = 0, reason: Any = "operator", **lane: Any) -> None:
    """The line stands so, so much later, until it is told otherwise."""
    frames = site.world.services.frames
    frame = frames.of(SALE).frame
    lanes = (dataclasses.replace(frame.lanes[0], serving=0, likely=9, possible=9, **lane),)
    at_ms = frame.at_ms + later_s * 1_000
    changed = dataclasses.replace(frame, lanes=lanes, at_ms=at_ms, reason=reason)
    frames._kept[SALE] = kept_frame(changed)


async def test_a_longer_wait_is_said_without_scripts_too(site: Site, open_page: Opened) -> None:
    """The page has no memory, but its browser has: what was said goes with it, and is no token."""
    await stage(site, films(site, **SLOW))
    for other in range(5):
        await join(site, f"other-{other}")
    page = await open_page("about:blank", size=PHONE, java_script_enabled=False)
    await with_place(page, site, "ada")
    await site.world.services.housekeeping.stop()
    stand(site, **FIVE_MIN)
    await page.goto(f"{site.url}{LINE}?lang=en")
    await expect(page.locator(".eta")).to_have_text("4–5 min")
    await expect(page.locator(".chance")).to_have_text("What is left will likely reach you.")
    await expect(page.locator(".warn")).to_have_count(0)
    stand(site, **NINE_MIN)
    for code in ("en", "zh", "fi", "ar"):
        await page.locator(f'a[hreflang="{code}"]').click()
        await page.wait_for_url(f"**?lang={code}")
        said = site.world.services.languages.choose(code, "")
        told = f"{said.say('eta.rose')} {said.say('eta.slower')}"
        await expect(page.locator(".warn")).to_have_text(told)
        nine = said.say("eta.range", low=said.number(7), high=said.number(9))
        await expect(page.locator(".eta")).to_have_text(nine)
        await expect(page.locator(".chance")).to_have_text(said.say("chance.likely"))
        await picture(page, f"plain-longer-{code}")
    stand(site, 30, "latency", **NINE_MIN)
    await page.goto(f"{site.url}{LINE}?lang=en")
    await expect(page.locator(".warn")).to_contain_text("The shop is slow just now")
    stand(site, 130, **FIVE_MIN)
    await page.reload()
    await expect(page.locator(".warn")).to_have_count(0)
    (said_last,) = [
        one for one in await page.context.cookies(site.url + LINE) if "-said-" in one["name"]
    ]
    assert said_last["path"] == LINE
    assert re.fullmatch(r"[\d.]+-\d+-\d+", said_last["value"])


async def test_the_language_of_the_page_stays(site: Site, open_page: Opened) -> None:
    """Whoever chose one has it behind every link and every form of the page."""
    await stage(site, films(site, **SLOW))
    await join(site, "first")
    page = await open_page("about:blank", size=PHONE, java_script_enabled=False)
    await with_place(page, site, "ada")
    await page.goto(site.url + LINE)
    await page.get_by_role("link", name="Suomi").click()
    await page.get_by_role("link", name="Lopeta päivitys").click()
    await expect(page.get_by_text("Sivu ei päivity itsestään.")).to_be_visible()
    await page.get_by_role("link", name="Päivitä nyt").click()
    await expect(page.get_by_text("Sivu ei päivity itsestään.")).to_be_visible()
    await page.get_by_role("link", name="Päivitä itsestään").click()
    await page.get_by_role("button", name="Poistu jonosta").click()
    await expect(page.locator("h2")).to_have_text("Et ole jonossa tässä selaimessa.")


async def test_no_other_site_acts_in_its_name(site: Site, http: aiohttp.ClientSession) -> None:
    """A form without the proof of the place, or with another's, does nothing."""
    await stage(site, films(site, rate_per_s=100))
    token = (await join(site, "ada")).removeprefix("Place ")
    headers = {"Cookie": f"__Host-dropgate-{SALE}={token}"}
    for given in ("", "proof=", f"proof={'0' * 32}", "proof=%ff"):
        for act in ("claim", "leave"):
            async with http.post(
                f"{site.url}{LINE}/{act}", data=given, headers={
                    **headers, "Content-Type": "application/x-www-form-urlencoded"},
                allow_redirects=False,
            ) as answer:  # fmt: skip
                assert answer.status == 200
                assert "Another site asked for this" in await answer.text()
                assert "Set-Cookie" not in answer.headers
    async with http.get(site.url + LINE, headers={"Cookie": f"__Host-dropgate-{SALE}=x"}) as bad:
        assert "not valid here" in await bad.text()


@pytest.mark.parametrize("lang", ["en", "ar"])
async def test_axe_finds_nothing_on_the_page_without_scripts(
    site: Site, open_page: Opened, lang: str
) -> None:
    """With and without a place the page is clean; axe itself needs scripts, the page does not."""
    await stage(site, films(site, **SLOW))
    await join(site, "first")
    page = await open_page(f"{site.url}{LINE}?lang={lang}&still=1", size=PHONE, bypass_csp=True)
    assert await axe(page) == []
    await with_place(page, site, "ada")
    await page.reload()
    assert await axe(page) == []
