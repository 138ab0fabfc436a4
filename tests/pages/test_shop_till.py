"""The till in a real browser: refusals with their way out, lost answers, the order later."""

import asyncio
import re
from typing import Any

from playwright.async_api import expect

from tests.pages.conftest import PHONE, Opened, Site
from tests.pages.films import SALE, Shopper, buy, counts, operate, picture, stage, take


async def entered(site: Site, open_page: Opened, name: str = "ada", **options: Any) -> Shopper:
    """A shopper whose turn it is."""
    shopper = Shopper(await open_page(f"{site.url}/sales/{SALE}", **options))
    await shopper.enter(name)
    return shopper


async def test_two_fight_for_the_last_pair(site: Site, open_page: Opened) -> None:
    """One gets the two seats; the other is told in words, and is led to what is left."""
    await stage(site)
    both = [await entered(site, open_page, name) for name in ("ada", "bob")]
    for shopper in both:
        await shopper.choose("pair")
    await asyncio.gather(*(one.button("Keep 2 for me").click() for one in both))
    for shopper in both:
        await expect(shopper.page.locator("#stage")).to_contain_text(
            re.compile("Pay within|other people's hands")
        )
    won = [await one.page.get_by_text("Pay within").count() for one in both]
    assert sorted(won) == [0, 1]
    beaten = both[won.index(0)]
    await expect(beaten.page.get_by_role("alert")).to_contain_text("Choose another")
    assert (await counts(site))["held"] == 2
    await beaten.button("Show others with tickets left").click()
    await expect(beaten.page.locator('[data-offer="moon"]')).to_be_visible()
    await beaten.choose("moon")
    await beaten.button("Keep 2 for me").click()
    await beaten.sees("Kept for you")


async def test_a_seat_that_went_is_named_and_the_plan_is_fresh(
    site: Site, open_page: Opened
) -> None:
    """Who was slower by a moment is told which seat went, sees it taken, and takes another."""
    await stage(site)
    shopper = await entered(site, open_page, size=PHONE)
    await shopper.choose("moon")
    await shopper.button("Pick on the plan").click()
    seat = shopper.page.locator('[data-seat="E5"]')
    await seat.tap()
    await shopper.page.route("**/seats", lambda route: route.abort())
    await take(site, "bob", offer="moon", seats=["E5"])
    await shopper.button("Keep it for me").click()
    await expect(shopper.page.get_by_role("alert")).to_contain_text("E5 just went")
    await shopper.page.unroute("**/seats")
    await expect(seat).to_have_accessible_name("Row E seat 5, taken")
    await shopper.page.locator('[data-seat="E6"]').tap()
    await shopper.button("Keep it for me").click()
    await shopper.sees("Kept for you")


async def test_seats_that_are_not_together_are_offered_singly(
    site: Site, open_page: Opened
) -> None:
    """Where no two are side by side the shopper is told, and may take single ones with a press."""
    await stage(site)
    await take(site, "bob", offer="apart", seats=["A2"])
    shopper = await entered(site, open_page)
    await shopper.choose("apart")
    await shopper.button("Keep 2 for me").click()
    await expect(shopper.page.get_by_role("alert")).to_contain_text("side by side")
    await picture(shopper.page, "shop-desktop-refused")
    await shopper.button("Take 2 seats that are not together").click()
    await shopper.sees("Kept for you")
    await expect(shopper.page.locator("#stage")).to_contain_text("Seats A1, A3")


async def test_what_is_left_and_what_the_limit_leaves_is_offered(
    site: Site, open_page: Opened
) -> None:
    """Too few, then the limit: each time the number that may still be had is one press away."""
    await stage(site)
    await buy(site, "bob", offer="few", quantity=2)
    shopper = await entered(site, open_page)
    await shopper.choose("few")
    await shopper.button("Keep 2 for me").click()
    await expect(shopper.page.get_by_role("alert")).to_contain_text("Only 1 left")
    await shopper.button("Take one").click()
    await shopper.sees("Kept for you")
    await shopper.button("Give them back").click()
    await shopper.page.locator("dialog .danger").click()
    await shopper.sees("Given back")
    await expect(shopper.page.locator("#stage")).to_contain_text("nothing is owed")
    await shopper.button("Back to the sale").click()
    await shopper.sees("Your turn has bought its order")
    await expect(shopper.page.locator("#stage")).to_contain_text("You can join again in")
    assert (await counts(site))["held"] == 0


async def test_a_lost_answer_of_the_hold_buys_once(site: Site, open_page: Opened) -> None:
    """The answer is lost after the decision: the page says what is not known, and repeats."""
    await stage(site)
    shopper = await entered(site, open_page)
    seen: list[str] = []

    async def lose_twice(route: Any) -> None:
        seen.append(route.request.headers["idempotency-key"])
        answer = await route.fetch()
        if len(seen) < 3:
            await route.abort()
        else:
            await route.fulfill(response=answer)

    await shopper.page.route(f"**/{SALE}/orders", lose_twice)
    await shopper.choose("pool")
    await shopper.button("Keep 2 for me").click()
    await shopper.sees("Keeping them for you…")
    await expect(shopper.page.locator(".notice.warn")).to_contain_text("same key")
    await shopper.page.reload()
    await shopper.sees("Kept for you")
    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert (await counts(site))["held"] == 2


async def test_the_payment_is_made_once_whatever_happens(site: Site, open_page: Opened) -> None:
    """Not paid: the tickets wait; a lost answer: the proof is sent again; forged: ignored."""
    await stage(site)
    shopper = await entered(site, open_page)
    await shopper.choose("pool")
    await shopper.button("Keep 2 for me").click()
    await shopper.sees("Kept for you")
    lost = 0

    async def lose(route: Any) -> None:
        nonlocal lost
        lost += 1
        await route.fetch()
        await route.abort()

    await shopper.page.get_by_role("button", name="Pay").click()
    await shopper.page.locator('button[value="no"]').click()
    await shopper.sees("Kept for you")
    await expect(shopper.page.locator(".notice.warn")).to_contain_text("without paying")
    await shopper.page.route("**/confirm", lose)
    await shopper.pay()
    await shopper.sees("Checking the payment…")
    await expect(shopper.page.locator(".notice.warn")).to_contain_text("same key")
    await shopper.page.unroute("**/confirm")
    await shopper.page.reload()
    await shopper.sees("Paid. Here are your codes")
    assert lost >= 1
    assert (await counts(site))["sold"] == 2
    await shopper.page.goto(f"{site.url}/sales/{SALE}#login=a.b.c&state=guessed")
    await shopper.page.reload()
    await expect(shopper.page.locator(".notice.warn")).to_contain_text("had not asked for")
    assert "#" not in shopper.page.url


async def test_a_pause_at_the_till_goes_on_by_itself(site: Site, open_page: Opened) -> None:
    """A hold that is refused by a pause says so, and is asked for again when the sale goes on."""
    await stage(site)
    shopper = await entered(site, open_page)
    await shopper.choose("pool")
    await operate(site, "pause")
    await shopper.button("Keep 2 for me").click()
    await expect(shopper.page.get_by_role("alert")).to_contain_text("paused for a moment")
    await operate(site, "resume")
    await shopper.sees("Kept for you")


async def test_the_order_is_read_again_elsewhere_and_after_a_refund(
    site: Site, open_page: Opened
) -> None:
    """By its number in another browser, in Chinese; the calendar has the show; a refund is told."""
    await stage(site)
    shopper = await entered(site, open_page)
    await shopper.choose("moon")
    await shopper.button("Keep 2 for me").click()
    await shopper.pay()
    await shopper.codes()
    async with shopper.page.expect_download() as saved:
        await shopper.button("Add to calendar").click()
    text = (await (await saved.value).path()).read_text()
    assert "SUMMARY:A Letter from the Moon" in text
    assert "LOCATION:Odeon\\, Here" in text
    order = (await shopper.page.locator("#stage code").text_content() or "").strip()
    await shopper.button("Back to the sale").click()
    await shopper.page.reload()
    await shopper.button("Show my order").click()  # who comes back comes for the codes
    await shopper.sees("Paid. Here are your codes")

    other = Shopper(await open_page(f"{site.url}/sales/{SALE}", lang="zh", size=PHONE))
    await other.sign_in("ada", go="前往商城登录")
    await other.page.locator("summary").click()
    await other.page.locator("#order-id").fill(order.upper())
    await other.button("查看").click()
    await other.sees("付款成功，这是您的取票码")
    assert await other.codes() == await shopper.codes()
    refunded = await site.world.call(
        "POST",
        f"/v1/operator/sales/{SALE}/orders/{order}/refund",
        {},
        auth=site.world.keys["operator"],
    )
    assert refunded.status == 200, refunded.data
    await other.page.reload()
    await other.sees("已退款")
    await expect(other.page.locator("#stage")).to_contain_text("¥7.60 将退还给您")
