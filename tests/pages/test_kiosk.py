"""The kiosk in a real browser: typing, scanning, every verdict, no code burned by a lost line."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from inventory.catalogue import Issued
from tests.gateway.world import OUTSIDE
from tests.pages.conftest import DESKTOP, PHONE, Opened, Site, axe

REDEEM = "**/v1/kiosk/redemptions"


async def kiosk(site: Site, open_page: Opened, **options: Any) -> Page:
    """A page of a kiosk that has been set up."""
    page = await open_page(site.url + "/kiosk", **options)
    await page.locator("#key").fill(site.world.keys["kiosk"].removeprefix("Bearer "))
    await page.locator("form button").click()
    await expect(page.locator("#code")).to_be_focused()
    return page


async def scan(page: Page, text: str, ends: str = "Enter") -> None:
    """What a scanner types: 5 ms a key, then its end."""
    await page.keyboard.type(text, delay=5)
    await page.keyboard.press(ends)


async def sees(page: Page, code: str) -> None:
    """A verdict stands, of a code of problems or `let_in`."""
    await expect(page.locator(".stage")).to_have_attribute("data-code", code)
    await expect(page.locator(".stage")).to_be_visible()


async def codes(site: Site, buyer: str, *lines: dict[str, Any]) -> list[str]:
    """The codes of a paid order."""
    return [unit["code"] for unit in (await site.world.buy(buyer, *lines))["units"]]


async def test_a_kiosk_is_set_up_once(site: Site, open_page: Opened) -> None:
    """A wrong key is told; the right one is kept over a reload, and can be removed."""
    page = await open_page(site.url + "/kiosk")
    for wrong, told in (
        ("nonsense", "begins with dgk_kiosk_"),
        ("dgk_kiosk_00000000_" + "0" * 32, "not valid here"),
    ):
        await page.locator("#key").fill(wrong)
        await page.locator("form button").click()
        await expect(page.get_by_role("alert")).to_contain_text(told)
    await page.locator("#key").fill(site.world.keys["kiosk"].removeprefix("Bearer "))
    await page.keyboard.press("Enter")
    await expect(page.locator(".where")).to_have_text("Odeon · test")
    await page.reload()
    await expect(page.locator("#code")).to_be_focused()
    await page.locator('[data-tool="key"]').click()
    await page.get_by_role("button", name="Remove the key").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove the key").click()
    await expect(page.locator("#key")).to_be_visible()
    assert "dgk_" not in await page.evaluate("JSON.stringify(localStorage)")


async def test_a_scan_lets_in_once(site: Site, open_page: Opened) -> None:
    """Keys at 5 ms each: in; the same again at a second kiosk: when and where it was used."""
    [first, second] = await codes(site, "ann", {"offer": "hall", "seats": ["B3", "B4"]})
    page = await kiosk(site, open_page)
    await scan(page, first)
    await sees(page, "let_in")
    await expect(page.locator(".stage")).to_contain_text("Let in")
    await expect(page.locator(".stage .seat")).to_have_text("Seat B3")
    await expect(page.locator(".stage .lines")).to_contain_text("Hall")
    await scan(page, second)
    await expect(page.locator(".stage .seat")).to_have_text("Seat B4")
    await scan(page, first)
    await sees(page, "already_redeemed")
    await expect(page.locator(".stage .lines")).to_contain_text("At this kiosk")
    await page.keyboard.press("Enter")
    await expect(page.locator("#code")).to_be_focused()
    await expect(page.locator(".recent li")).to_have_count(3)
    shown = await page.locator(".recent").inner_text()
    assert f"••••-{first[-2:]}" in shown
    assert first not in await page.evaluate("JSON.stringify(localStorage)")


async def test_a_second_reading_is_one_ticket_and_a_second_hand_is_two(
    site: Site, open_page: Opened
) -> None:
    """Read twice at once, the verdict stands; the same code a moment later has been used."""
    [code] = await codes(site, "ann", {"offer": "pool", "quantity": 1})
    page = await kiosk(site, open_page)
    await page.evaluate(
        """(code) => new MutationObserver((_, watching) => {
            if (document.querySelector(".stage").hidden) return;
            watching.disconnect();
            for (const key of [...code, "Enter"]) {
                const event = { key, bubbles: true, cancelable: true };
                document.activeElement.dispatchEvent(new KeyboardEvent("keydown", event));
            }
            window.doubled = true;
        }).observe(document.body, { subtree: true, attributes: true, childList: true })""",
        code,
    )
    await scan(page, code)
    await sees(page, "let_in")
    await page.wait_for_function("window.doubled")
    await page.wait_for_timeout(1600)
    await sees(page, "let_in")
    await expect(page.locator(".recent li")).to_have_count(1)
    await scan(page, code)
    await sees(page, "already_redeemed")


def in_french(text: str) -> str:
    """A text as a French device writes it, whose scanner takes its keyboard for an American one."""
    return text.translate(str.maketrans("0123456789AQWZ.", "à&é\"'(-è_çQAZW:"))


async def press_as_french(page: Page, text: str) -> None:
    """Keys of an American keyboard, pressed on a device that reads them as French."""
    await page.evaluate(
        """async ([text, written]) => {
            const input = document.activeElement;
            for (let at = 0; at < text.length; at += 1) {
                const one = text[at];
                const code = /[A-Z]/.test(one) ? `Key${one}` : /[0-9]/.test(one) ? `Digit${one}`
                    : { "-": "Minus", ".": "Period" }[one];
                const key = written[at];
                const down = { key, code, bubbles: true, cancelable: true };
                if (input.dispatchEvent(new KeyboardEvent("keydown", down))) {
                    input.value += key;
                    input.dispatchEvent(new InputEvent("input", { bubbles: true }));
                }
                await new Promise((done) => setTimeout(done, 5));
            }
            const enter = { key: "Enter", code: "Enter", bubbles: true, cancelable: true };
            input.dispatchEvent(new KeyboardEvent("keydown", enter));
        }""",
        [text, in_french(text)],
    )


async def test_scanners_are_understood_however_they_type(site: Site, open_page: Opened) -> None:
    """The QR's text with its signature; marks before, junk after, Tab at the end; any layout."""
    order = await site.world.buy("ann", {"offer": "pool", "quantity": 4})
    found = [unit["code"] for unit in order["units"]]
    qr = site.world.services.showing._codes.qr_text
    page = await kiosk(site, open_page)
    await scan(page, qr(found[0]))
    await sees(page, "let_in")
    await page.keyboard.press("Escape")
    await scan(page, f"]Q3{qr(found[1])}~", "Tab")
    await sees(page, "let_in")
    await page.keyboard.press("Escape")
    await scan(page, f"]C1{found[2].replace('-', '')}")
    await sees(page, "let_in")
    await page.keyboard.press("Escape")
    await press_as_french(page, qr(found[3]))
    await sees(page, "let_in")
    await expect(page.locator(".recent li")).to_have_count(4)


async def test_a_scan_that_stalls_is_read_whole(site: Site, open_page: Opened) -> None:
    """A device that hangs in the middle of a scan sends no half of a code, over a verdict too."""
    found = await codes(site, "ann", {"offer": "pool", "quantity": 2})
    page = await kiosk(site, open_page)
    for code in found:
        await page.keyboard.type(code[:8], delay=5)
        await page.wait_for_timeout(400)
        await scan(page, code[8:])
        await sees(page, "let_in")
        await expect(page.locator(".stage .code")).to_contain_text(code[-2:])


async def test_typing_is_grouped_and_typos_are_told_softly(site: Site, open_page: Opened) -> None:
    """Groups of four with the caret in place; a typo is pointed out, and sent all the same."""
    [code] = await codes(site, "ann", {"offer": "pool", "quantity": 1})
    page = await kiosk(site, open_page)
    field, looks = page.locator("#code"), page.locator("#looks")
    wrong = ("1" if code[0] != "1" else "2") + code[1:]
    await page.keyboard.type(wrong.replace("-", "").lower(), delay=60)
    await expect(field).to_have_value(wrong)
    await expect(looks).to_have_attribute("data-looks", "mistyped")
    await page.keyboard.press("Home")
    await page.keyboard.press("Delete")
    await page.keyboard.type(code[0], delay=60)
    await expect(field).to_have_value(code)
    await expect(looks).to_have_text("Complete")
    assert await field.evaluate("one => one.selectionStart") == 1
    await page.keyboard.press("Home")
    await page.keyboard.press("Delete")
    await page.keyboard.type(wrong[0], delay=60)
    await page.keyboard.press("Enter")
    await sees(page, "unknown_code")
    await expect(page.locator(".stage .lines")).to_contain_text("Looks mistyped")


async def test_a_venues_own_code_is_sent_as_it_is(site: Site, open_page: Opened) -> None:
    """Letters that our codes have not stay as they are; nothing is held back."""
    [code] = await codes(site, "ann", {"offer": "lock", "quantity": 1})
    assert code in OUTSIDE
    page = await kiosk(site, open_page)
    await page.keyboard.type(code, delay=60)
    await expect(page.locator("#looks")).to_contain_text("may be shorter")
    await page.get_by_role("button", name="Redeem").click()
    await sees(page, "let_in")


@pytest.mark.parametrize(("lang", "theme", "size"), [
    ("en", "light", DESKTOP), ("zh", "dark", PHONE),
], ids=["en-light-desktop", "zh-dark-phone"])  # fmt: skip
async def test_every_verdict_has_its_colour_word_and_shape(
    site: Site, open_page: Opened, lang: str, theme: str, size: tuple[int, int]
) -> None:
    """No two words are the same, nothing is seriously wrong for anybody, facts are in it."""
    world = site.world
    [used] = await codes(site, "ann", {"offer": "pool", "quantity": 1})
    [far] = await codes(site, "eve", {"offer": "far", "quantity": 1})
    [late] = await codes(site, "dan", {"offer": "late", "quantity": 1})
    refunded = (await world.sell("bob")).data
    path = f"/v1/partner/orders/{refunded['id']}/refund"
    await world.call("POST", path, {}, auth=world.keys["partner"])
    page = await kiosk(site, open_page, lang=lang, theme=theme, size=size)
    assert await axe(page) == []
    words = set()
    for code, verdict, told in (
        (used, "let_in", "Pool"),
        ("0000-0000-0000-0001", "unknown_code", ""),
        (far, "wrong_venue", "Lyric"),
        (late, "too_early", ":"),
        (refunded["units"][0]["code"], "void", ""),
        (OUTSIDE[3], "not_sold", ""),
        (used, "already_redeemed", ":"),
    ):
        await scan(page, code)
        await sees(page, verdict)
        await expect(page.locator(".stage .lines")).to_contain_text(told)
        words.add(await page.locator(".stage .word").inner_text())
        assert await axe(page) == [], verdict
        await page.keyboard.press("Escape")
    assert len(words) == 7
    assert all(re.search(r"[\u4e00-\u9fff]", word) for word in words) == (lang == "zh")
    stage = page.locator(".stage")
    while await stage.get_attribute("data-code") != "too_many_attempts":  # guesses are forgiven
        await page.keyboard.press("Escape")
        await scan(page, "a guess")
        await expect(stage).to_be_visible()


@pytest.mark.parametrize("ends", ["answer", "reload"])
async def test_a_lost_answer_burns_no_code(site: Site, open_page: Opened, ends: str) -> None:
    """The server has redeemed, the answer is lost: the next try, on a new page too, is let in."""
    [code] = await codes(site, "ann", {"offer": "pool", "quantity": 1})
    page = await kiosk(site, open_page)
    losing, lost = True, []

    async def lose(route: Route) -> None:
        if losing:
            response = await route.fetch()
            lost.append((response.status, route.request.headers["idempotency-key"]))
            await route.abort()
        else:
            await route.continue_()

    await page.route(REDEEM, lose)
    await scan(page, code)
    await expect(page.locator(".asking")).to_contain_text("same key")
    await expect(page.locator("[data-line=offline]")).to_be_visible()
    assert (await site.world.redeem(code)).code == "already_redeemed"
    losing = False
    if ends == "reload":
        await page.reload()
    await sees(page, "let_in")
    await expect(page.locator(".stage .lines")).to_contain_text("First asked at")
    assert lost[0][0] == 200
    assert len({key for _, key in lost}) == 1
    assert await page.evaluate("localStorage.getItem('dropgate.kiosk.pending')") is None
    await expect(page.locator("[data-line=online]")).to_have_count(1)


async def test_a_key_that_ends_in_between_leaves_the_question_open(
    site: Site, open_page: Opened
) -> None:
    """The answer was lost and the kiosk's key revoked: with a new key the verdict is the first."""
    world = site.world
    [code] = await codes(site, "ann", {"offer": "pool", "quantity": 1})
    page = await kiosk(site, open_page)
    catalogue = await world.services.catalogue.get()

    async def lose(route: Route) -> None:
        await route.fetch()
        await catalogue.revoke_credential(world.keys["kiosk"].split("_")[2])
        await world.services.credentials.refresh()
        await route.abort()

    await page.route(REDEEM, lose, times=1)
    await scan(page, code)
    await expect(page.get_by_role("alert")).to_contain_text("not valid here")
    issued = await catalogue.issue_credential("kiosk", "odeon/door-1", "again")
    assert isinstance(issued, Issued)
    await world.services.credentials.refresh()
    await page.locator("#key").fill(issued.text)
    await page.keyboard.press("Enter")
    await sees(page, "let_in")


async def test_it_goes_back_by_itself_and_prints_a_small_ticket(
    site: Site, open_page: Opened
) -> None:
    """The time left is shown and runs; printing shows the ticket alone, and no whole code."""
    [code] = await codes(site, "ann", {"offer": "hall", "seats": ["A2"]})
    page = await kiosk(site, open_page)
    await page.evaluate(
        """() => {
            window.print = () => { window.paper = document.querySelector(".ticket").innerText; };
        }"""
    )
    await scan(page, code)
    await sees(page, "let_in")
    await page.get_by_role("button", name="Print ticket").click()
    paper = await page.evaluate("window.paper")
    for said in ("Odeon", "Hall", "Seat A2", f"••••-{code[-2:]}"):
        assert said in paper
    assert code not in paper
    await expect(page.locator(".count")).to_have_text("Goes back in 3 s")
    await expect(page.locator(".stage")).to_be_hidden()
    await expect(page.locator("#code")).to_be_focused()


async def test_a_kiosk_without_a_keyboard_has_one_on_its_screen(
    site: Site, open_page: Opened
) -> None:
    """Touch alone: a code typed on the keypad, large keys, the device's own keyboard kept away."""
    [code] = await codes(site, "ann", {"offer": "pool", "quantity": 1})
    page = await kiosk(site, open_page, size=PHONE)
    if not await page.locator(".pad").is_visible():
        await page.locator('[data-tool="keypad"]').click()
    await expect(page.locator("#code")).to_have_attribute("inputmode", "none")
    for symbol in code.replace("-", ""):
        await page.locator(".pad .key", has_text=re.compile(f"^{symbol}$")).click()
    await expect(page.locator("#code")).to_have_value(code)
    box = await page.locator(".pad .key").first.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44
    assert await axe(page) == []
    await page.get_by_role("button", name="Redeem").click()
    await sees(page, "let_in")
    await page.locator(".stage").click(position={"x": 10, "y": 10})
    await expect(page.locator(".stage")).to_be_hidden()
