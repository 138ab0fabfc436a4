"""The console's tables: stock, allotments, reconciliations, the audit and refunds."""

from typing import Any

from playwright.async_api import expect

from tests.gateway.every_route import TODAY
from tests.gateway.world import SALE, sale_body
from tests.pages.conftest import PHONE, Opened, Site, axe
from tests.pages.test_console import console, sign_in, until

OFFERS = 2_000


async def counts(site: Site) -> Any:
    """The units of the small sale, as the API tells them."""
    path = f"/v1/operator/sales/{SALE}/counts"
    told = await site.world.call("GET", path, auth=site.world.keys["auditor"])
    return told.data["total"]


async def test_two_thousand_offers_stay_fluent(site: Site, open_page: Opened) -> None:
    """Search, sort and turning pages answer within a moment; a page of rows is in the document."""
    body = sale_body("winter", allotments=[])
    pool = body["offers"][0]
    body["offers"] = [
        {**pool, "offer": f"o-{at:04d}", "title": f"Film {at:04d}", "units": 1 + at}
        for at in range(OFFERS)
    ]
    body["codes"], body["seats"] = [], []
    auth = site.world.keys["operator"]
    made = await site.world.call("PUT", "/v1/operator/sales/winter", body, auth=auth)
    assert made.status == 201, made.data
    page = await sign_in(await open_page(f"{site.url}/console"), site)
    await page.goto(f"{site.url}/console#/winter/stock")
    rows, count = page.locator("[data-offer]"), page.locator("[data-count]")
    await expect(count).to_contain_text("1–50 of 2,000 found")
    assert await rows.count() == 50
    spent = await page.evaluate(
        """async () => {
            const begun = performance.now();
            for (const name of ["released", "released", "available", "title"]) {
                document.querySelector(`[data-sort=${name}] button`).click();
            }
            return performance.now() - begun;
        }"""
    )
    assert spent < 2_000, "four sorts of 2,000 offers"
    await page.locator("[data-sort=released] button").click()
    await expect(rows.first).to_contain_text("Film 1999")
    await expect(page.locator("[data-sort=released]")).to_have_attribute("aria-sort", "descending")
    await page.get_by_role("button", name="Next").click()
    await expect(count).to_contain_text("51–100")
    await page.get_by_label("Search offers").fill("film 0042")
    await expect(rows).to_have_count(1)
    await expect(rows.first).to_contain_text("43")


async def test_stock_is_added(site: Site, open_page: Opened) -> None:
    """A lot comes on the shelf, is said, and stands in the table; a refusal is said in words."""
    body = sale_body("winter", allotments=[])
    body["offers"][0]["supply"] = "venue"
    auth = site.world.keys["operator"]
    await site.world.call("PUT", "/v1/operator/sales/winter", body, auth=auth)
    page = await sign_in(await open_page(f"{site.url}/console"), site)
    await page.goto(f"{site.url}/console#/winter/stock")
    await page.get_by_text("Add stock").click()
    await page.get_by_role("combobox", name="Offer").fill("pool")
    await page.get_by_label("How many (pooled)").fill("7")
    await page.get_by_role("button", name="Add to the shelf").click()
    await expect(page.locator(".result")).to_contain_text("7 units of pool are on the shelf")
    pool = page.locator("[data-offer=pool]")
    await expect(pool.locator(".number").first).to_have_text("7")
    await page.get_by_role("combobox", name="Offer").fill("nothing")
    await page.get_by_label("How many (pooled)").fill("7")
    await page.get_by_role("button", name="Add to the shelf").click()
    await expect(page.locator(".result .bad")).to_contain_text("cannot be taken in")


async def test_an_allotment_is_recalled(site: Site, open_page: Opened) -> None:
    """After asking back, what is unsold is on the shelf again, and the API tells the same."""
    before = await counts(site)
    page = await console(open_page, site, tab="allotments")
    row = page.locator("[data-allotment=box]")
    await expect(row.locator("[data-column=left]")).to_have_text("10")
    await page.get_by_role("button", name="Recall box").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("All 10 units that Market has not sold")
    await dialog.get_by_role("button", name="Cancel").click()
    assert await counts(site) == before
    await page.get_by_role("button", name="Recall box").click()
    await dialog.get_by_role("button", name="Recall").click()
    await expect(page.locator(".result")).to_contain_text("box has 0 left; 10 returned")
    await expect(row.locator("[data-column=left]")).to_have_text("0")
    after = await counts(site)
    assert (after["allotted"], after["available"]) == (0, before["available"] + 10)


async def test_breaks_are_shown_after_a_reconciliation(site: Site, open_page: Opened) -> None:
    """Each break with class, owner and default action; by partner, day and class; on a phone."""
    lines = "".join(f"{at},{'0' * 22}{at:02d},r{at},sold,1,380,CNY,\n" for at in range(1, 4))
    header = "line,order,reference,status,quantity,amount_minor,currency,at\n"
    told = await site.world.call(
        "POST",
        f"/v1/partner/statements?date={TODAY}",
        data=(header + lines + "4,oops\n").encode(),
        auth=site.world.keys["partner"],
    )
    assert told.status == 201
    page = await sign_in(await open_page(f"{site.url}/console", size=PHONE), site, "auditor")
    await page.get_by_role("link", name="Breaks").click()
    await expect(page.locator("[data-run]")).to_have_count(1)
    found = page.locator("tr[data-class]")
    await expect(found).to_have_count(4)
    await expect(found.first).to_contain_text("look in the quarantine, then dispute")
    await page.get_by_role("button", name="line that cannot be read 1").click()
    await expect(found).to_have_count(1)
    await expect(found.first).to_contain_text("the partner")
    assert await axe(page) == []
    await page.get_by_label("Partner").fill("somebody")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.get_by_text("No reconciliation was made")).to_be_visible()


async def test_the_audit_and_a_refund(site: Site, open_page: Opened) -> None:
    """Every check shows what it looked at; a refund says what it did; a violation is red."""
    order = await site.world.buy("ann")
    await site.world.settle()
    page = await console(open_page, site, tab="audit")
    await page.get_by_role("button", name="Run the audit").click()
    await expect(page.get_by_text("checks hold")).to_be_visible()
    await expect(page.locator("[data-check=units_add_up].good")).to_be_visible()
    await page.get_by_label("Order").fill(order["id"])
    await page.get_by_role("button", name="Refund").click()
    await page.get_by_role("dialog").get_by_role("button", name="Refund").click()
    await expect(page.locator(".result")).to_contain_text("is refunded; ¥7.60 of ¥7.60")
    path = f"/v1/orders/{order['id']}"
    told = await site.world.call("GET", path, auth=site.world.login("ann"))
    assert told.data["state"] == "refunded"
    await site.world.settle()
    books = site.world.services.books
    async with books.pool.acquire() as connection:
        await connection.execute("update books.balance set amount = amount + 1")
    await page.get_by_role("button", name="Run the audit").click()
    await expect(page.locator(".check.bad").first).to_contain_text("violations: ")
    await expect(page.locator("[data-alarm=audit]")).to_contain_text("WRONG")
    assert await axe(page) == []


async def test_a_process_that_is_missing_turns_the_bar_red(site: Site, open_page: Opened) -> None:
    """The summed page says that one does not answer: words, the runbook, and the tab's title."""
    page = await console(open_page, site)
    await expect(page.locator(".alarms")).to_have_attribute("data-level", "good")
    site.world.services.fleet._others = ["127.0.0.1:1"]  # a process of the group that is gone
    bar = page.locator("[data-alarm=process_missing]")
    told = "WRONG: Gateway processes that do not answer: 1"
    await expect(bar).to_contain_text(told)  # not before seconds of silence
    await expect(bar).to_contain_text("docs/runbooks/")

    async def titled() -> bool:
        return (await page.title()).startswith("(!)")

    await until(titled)
    assert await axe(page) == []
