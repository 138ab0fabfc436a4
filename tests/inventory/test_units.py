"""Stock, redemption, allotments and codes, word by word of their scripts."""

from dataclasses import replace

from inventory import outcomes as out
from inventory.allotments import Allotment, Allotted, AllottedUnit, Lines, SoldUnit
from inventory.codes import CodeKey, Codes
from inventory.redemption import (
    AlreadyRedeemed,
    NotSold,
    RedeemedUnit,
    RedeemOutcome,
    RedeemRequest,
    Redemption,
    TooEarly,
    TooLate,
    UnitAddress,
    UnknownCode,
    VoidCode,
    WrongVenue,
)
from inventory.sales import Sales, SaleView
from inventory.stock import Lot, Stock
from lua import Store
from tests.inventory.conftest import OUTSIDE, POOLED, RECORD, SEATED, T0, Shop, offer

CODES = Codes([CodeKey(1, b"c" * 32)], b"s" * 32)
OUTSIDE_CODES = {"VENUE1": 2000}


def kiosk(shop: Shop) -> Redemption:
    """A redemption over the test's sale, with one outside code."""

    async def minted(number: int, serial: int) -> tuple[SaleView, int] | None:
        return (shop.sale, serial // 1000 + 1) if number == shop.sale.number else None

    async def outside(text: str, _venue: str) -> tuple[SaleView, int, int] | None:
        serial = OUTSIDE_CODES.get(text)
        return (shop.sale, OUTSIDE, serial) if serial is not None else None

    return Redemption(shop.store, CODES, find_minted=minted, find_outside=outside)


async def redeem(
    shop: Shop, code: str, *, venue: str = "grand", box: str = "k1", key: str = "r1"
) -> RedeemOutcome:
    """One try at a kiosk."""
    return await kiosk(shop).redeem(code, venue=venue, kiosk=box, key=key, now_ms=shop.now)


def code_of(shop: Shop, unit: out.OrderUnit) -> str:
    """The code of a sold unit."""
    return CODES.mint(shop.sale.number, unit.serial, unit.generation)


async def test_a_sold_unit_is_redeemed_once(shop: Shop) -> None:
    """Redeemed the first time, the same to a repeat, already redeemed to all others."""
    order = await shop.sold("ann", (POOLED, 1))
    code = code_of(shop, order.units[0])
    first = await redeem(shop, code)
    assert isinstance(first, RedeemedUnit)
    assert (first.owner, first.at_ms) == (order.id, shop.now)
    assert await shop.counts(POOLED) == {"available": 4, "redeemed": 1}
    before = await shop.everything()
    again = await redeem(shop, code.lower().replace("-", " "))
    assert isinstance(again, RedeemedUnit)
    assert again.replayed
    assert await redeem(shop, code, key="r2") == AlreadyRedeemed(first.at_ms, "grand", "k1")
    assert await redeem(shop, code, box="k2") == AlreadyRedeemed(first.at_ms, "grand", "k1")
    assert await shop.everything() == before


async def test_a_code_is_refused_where_and_when_it_does_not_belong(shop: Shop) -> None:
    """Another venue, before and after the window, and a unit nobody bought: four answers."""
    order = await shop.sold("ann", (POOLED, 1))
    code = code_of(shop, order.units[0])
    before = await shop.everything()
    assert await redeem(shop, code, venue="other") == WrongVenue("grand")
    shop.now = T0 - 1
    assert await redeem(shop, code) == TooEarly(T0)
    shop.now = T0 + 60_000_000
    assert await redeem(shop, code) == TooLate(T0 + 60_000_000)
    shop.now = T0
    assert await redeem(shop, CODES.mint(7, 4, 0)) == NotSold()
    assert await redeem(shop, CODES.mint(8, 4, 0)) == UnknownCode(typo=False)
    assert await redeem(shop, CODES.mint(7, 9000, 0)) == UnknownCode(typo=False)
    assert await shop.everything() == before
    assert isinstance(await redeem(shop, code), RedeemedUnit)


async def test_the_codes_of_a_batch_are_decided_one_after_the_other(shop: Shop) -> None:
    """Each code has its own outcome, and each sees what the earlier ones of its batch did."""
    pooled = (await shop.sold("ann", (POOLED, 2))).units
    seated = (await shop.sold("bob", (SEATED, 1))).units[0]
    held = (await shop.held("cat", (POOLED, 1))).units[0]

    def asked(unit: out.OrderUnit, *, box: str = "k1", key: str = "r1") -> RedeemRequest:
        address = UnitAddress(shop.sale, unit.offer, unit.serial, unit.generation)
        return RedeemRequest(address, "grand", box, key)

    before = await shop.everything()
    batch = [asked(held), RedeemRequest(asked(seated).address, "other", "k1", "r1")]
    refused = await kiosk(shop).redeem_all(shop.sale, 0, batch, shop.now)
    assert refused == [NotSold(), WrongVenue("grand")]
    assert await shop.everything() == before, "refusals change nothing"

    batch = [
        asked(pooled[0]),
        asked(pooled[0], box="k2"),
        asked(held),
        asked(pooled[0]),
        asked(seated, key="r2"),
        asked(pooled[1], key="r3"),
    ]
    told = await kiosk(shop).redeem_all(shop.sale, 0, batch, shop.now)
    assert [type(one) for one in told] == [
        *(RedeemedUnit, AlreadyRedeemed, NotSold, RedeemedUnit, RedeemedUnit, RedeemedUnit)
    ]
    assert [one.replayed for one in told if isinstance(one, RedeemedUnit)] == [False, True] + [
        False
    ] * 2
    assert (await shop.counts(POOLED))["redeemed"] == 2
    assert (await shop.counts(SEATED))["redeemed"] == 1
    again = await kiosk(shop).redeem_all(shop.sale, 0, batch[3:], shop.now)
    assert [one.replayed for one in again if isinstance(one, RedeemedUnit)] == [True] * 3


async def test_a_unit_of_any_stripe_is_redeemed(store: Store) -> None:
    """A code does not say its stripe; the one that sold the unit redeems it, once."""
    sales, stock = Sales(store), Stock(store)
    await sales.put(replace(RECORD, stripes=3), revision=1, actor="test", now_ms=T0 - 1000)
    sale = await sales.view("spring")
    assert sale is not None
    for stripe in range(3):
        assert await stock.put_offers(sale, [offer(POOLED, "pooled")], stripe) == []
        assert await stock.add(sale, [Lot("a", POOLED, [10 * stripe, 2])], stripe) == []
    await sales.change(sale, "open", actor="test")
    opened = await sales.view("spring")
    assert opened is not None
    shop = Shop(store, opened)
    orders = [await shop.sold(f"buyer{number}", (POOLED, 1)) for number in (1, 2, 3, 5)]
    assert len({order.units[0].serial // 10 for order in orders}) > 1
    for number, order in enumerate(orders):
        code = code_of(shop, order.units[0])
        assert isinstance(await redeem(shop, code, key=f"r{number}"), RedeemedUnit)
        assert isinstance(await redeem(shop, code, key="again"), AlreadyRedeemed)


async def test_a_held_unit_cannot_be_redeemed(shop: Shop) -> None:
    """A code is inert until its unit is paid."""
    order = await shop.held("ann", (POOLED, 1))
    assert await redeem(shop, code_of(shop, order.units[0])) == NotSold()


async def test_a_refunded_code_is_void_and_its_successor_works(shop: Shop) -> None:
    """After a refund the shown code is dead; whoever buys the unit next has another one."""
    order = await shop.sold("ann", (POOLED, 1))
    await shop.orders.refund(shop.sale, order.id, seller="", key="r", now_ms=shop.now)
    assert await redeem(shop, code_of(shop, order.units[0])) == VoidCode()
    again = await shop.sold("bob", (POOLED, 1))
    assert again.units[0].serial == order.units[0].serial
    assert await redeem(shop, code_of(shop, order.units[0]), key="r2") == VoidCode()
    assert isinstance(await redeem(shop, code_of(shop, again.units[0])), RedeemedUnit)


async def test_a_redeemed_unit_stays_redeemed_when_money_goes_back(shop: Shop) -> None:
    """A refund after the show gives money back, but neither the unit nor the buyer's count."""
    order = await shop.sold("ann", (POOLED, 4))
    await redeem(shop, code_of(shop, order.units[0]))
    done = await shop.orders.refund(shop.sale, order.id, seller="", key="r", now_ms=shop.now)
    assert isinstance(done, out.Refunded)
    assert [unit.state for unit in done.order.units] == ["redeemed", "gone", "gone", "gone"]
    assert await shop.counts(POOLED) == {"available": 4, "redeemed": 1}
    assert await shop.ask(shop.request("ann", (SEATED, 4))) == out.LimitReached(4, 1)


async def test_an_outside_code_is_redeemed_and_void_after_a_refund(shop: Shop) -> None:
    """A venue's own code works like ours; taken back it is void for ever."""
    order = await shop.sold("ann", (OUTSIDE, 1))
    assert order.units[0].serial == OUTSIDE_CODES["VENUE1"]
    assert isinstance(await redeem(shop, "VENUE1"), RedeemedUnit)
    assert await redeem(shop, "VENUE9") == UnknownCode(typo=False)
    other = await shop.sold("bob", (OUTSIDE, 1))
    OUTSIDE_CODES["VENUE2"] = other.units[0].serial
    await shop.orders.refund(shop.sale, other.id, seller="", key="r", now_ms=shop.now)
    assert await redeem(shop, "VENUE2") == VoidCode()


async def test_lots_are_added_once_and_only_where_they_fit(shop: Shop) -> None:
    """A lot repeated adds nothing; the same name with other units, or units twice, are refused."""
    before = await shop.everything()
    assert await shop.stock.add(shop.sale, [Lot("a", POOLED, [0, 5])]) == []
    assert await shop.everything() == before
    wrong = [
        Lot("a", POOLED, [5, 1]),
        Lot("x", POOLED, [4, 2]),
        Lot("y", SEATED, [1000, 1]),
        Lot("z", 99, [0, 1]),
        Lot("w", POOLED, [990, 20]),
    ]
    refused = await shop.stock.add(shop.sale, wrong)
    assert [one.reason for one in refused] == [
        "key_reused",
        "not_addable",
        "not_addable",
        "unknown_offer",
        "not_addable",
    ]
    assert await shop.everything() == before
    assert await shop.stock.add(shop.sale, [Lot("n", POOLED, [7, 3, 20, 2])]) == []
    order = await shop.sold("ann", (POOLED, 4))
    assert [unit.serial for unit in order.units] == [0, 1, 2, 3]
    order = await shop.sold("bob", (POOLED, 4))
    assert [unit.serial for unit in order.units] == [4, 7, 8, 9]
    order = await shop.sold("cid", (POOLED, 2))
    assert [unit.serial for unit in order.units] == [20, 21]


async def test_an_open_sale_keeps_what_buyers_were_told(shop: Shop) -> None:
    """Windows may move while it is open; price, serials and kind may not."""
    moved = offer(POOLED, "pooled")
    assert await shop.stock.put_offers(shop.sale, [moved]) == []
    dearer = replace(moved, price_minor=500)
    assert [one.what for one in await shop.stock.put_offers(shop.sale, [dearer])] == ["price_minor"]
    later = replace(moved, redeem_until_ms=T0 + 1)
    assert await shop.stock.put_offers(shop.sale, [later]) == []


async def test_after_the_close_everything_unsold_goes_back(shop: Shop) -> None:
    """What is left returns to the venue, also what comes back after the first sweep."""
    held = await shop.held("ann", (POOLED, 2))
    await shop.sold("bob", (SEATED, 2))
    await shop.sales.change(shop.sale, "close", actor="test")
    assert await shop.stock.take_off(shop.sale, [POOLED, SEATED], now_ms=shop.now) == 15
    assert await shop.counts(POOLED) == {"held": 2, "returned": 3}
    assert await shop.counts(SEATED) == {"sold": 2, "returned": 12}
    await shop.orders.release(shop.sale, held.id, now_ms=shop.now)
    assert await shop.stock.take_off(shop.sale, [POOLED], now_ms=shop.now) == 2
    assert await shop.counts(POOLED) == {"returned": 5}


async def test_an_allotment_is_made_once_from_the_last_rows(shop: Shop) -> None:
    """Seats are set aside from the back; a repeat changes nothing; too many are refused whole."""

    async def allot(number: int, quantity: int) -> object:
        return await shop.allotments.allot(
            shop.sale,
            number=number,
            allotment=f"a{number}",
            partner="mart",
            offer=SEATED,
            quantity=quantity,
            now_ms=shop.now,
        )

    assert await allot(1, 5) == Allotted(5, replayed=False)
    assert await shop.seats() == "1111|111|11000|00"
    before = await shop.everything()
    assert await allot(1, 5) == Allotted(5, replayed=True)
    assert await allot(1, 4) == out.KeyReused()
    assert await allot(2, 10) == out.TooFew(SEATED, 9)
    assert await shop.everything() == before


async def allotted(shop: Shop, offer_number: int = POOLED) -> tuple[AllottedUnit, ...]:
    """Three units of an offer, allotted to `mart` and exported."""
    await shop.allotments.allot(
        shop.sale,
        number=1,
        allotment="a1",
        partner="mart",
        offer=offer_number,
        quantity=3,
        now_ms=shop.now,
    )
    exported = await shop.allotments.export(shop.sale, 1, partner="mart")
    assert isinstance(exported, Allotment)
    assert exported.exported
    return await shop.allotments.units(shop.sale, exported)


async def test_an_allotted_code_is_inert_until_it_is_reported_sold(shop: Shop) -> None:
    """A report wakes the codes; each line has its status; the same report again says the same."""
    units = await allotted(shop)
    code = CODES.mint(shop.sale.number, units[0].serial, 0)
    assert await redeem(shop, code) == NotSold()
    lines = [SoldUnit(units[0].serial, 400, "x1"), SoldUnit(77, 400, "x2")]

    async def report(key: str, what: list[SoldUnit], partner: str = "mart") -> object:
        return await shop.allotments.report(
            shop.sale, 1, partner=partner, key=key, lines=what, now_ms=shop.now
        )

    assert await report("k", lines, partner="other") == out.NotYours()
    assert await report("k", lines) == Lines(("sold", "not_yours"), replayed=False)
    before = await shop.everything()
    assert await report("k", lines) == Lines(("sold", "not_yours"), replayed=True)
    assert await report("k", lines[:1]) == out.KeyReused()
    assert await shop.everything() == before
    assert await report("k2", lines[:1]) == Lines(("sold_before",), replayed=False)
    assert await shop.counts(POOLED) == {"available": 2, "allotted": 2, "sold": 1}
    used = await redeem(shop, code)
    assert isinstance(used, RedeemedUnit)
    assert used.owner == "a1"


async def test_units_given_back_are_for_sale_and_their_exported_codes_are_dead(shop: Shop) -> None:
    """Back on the shelf under a new generation; sold units are not taken back."""
    units = await allotted(shop)
    serials = [unit.serial for unit in units]
    await shop.allotments.report(
        shop.sale, 1, partner="mart", key="k", lines=[SoldUnit(serials[0], 1, "")], now_ms=shop.now
    )

    async def back(key: str) -> object:
        return await shop.allotments.take_back(
            shop.sale, 1, partner="mart", key=key, serials=serials, by="mart", now_ms=shop.now
        )

    assert await back("b") == Lines(("not_unsold", "back", "back"), replayed=False)
    assert await back("b") == Lines(("not_unsold", "back", "back"), replayed=True)
    assert await shop.counts(POOLED) == {"available": 4, "sold": 1}
    assert [one.left for one in await shop.allotments.listed(shop.sale, "mart")] == [0]
    bought = await shop.sold("ann", (POOLED, 1))
    assert bought.units[0].serial == serials[1]
    assert await redeem(shop, CODES.mint(7, serials[1], 0)) == VoidCode()
    assert isinstance(await redeem(shop, code_of(shop, bought.units[0])), RedeemedUnit)


async def test_exported_outside_codes_that_come_back_are_voided(shop: Shop) -> None:
    """Their codes cannot change, so the units are never sold again."""
    units = await allotted(shop, OUTSIDE)
    serials = [unit.serial for unit in units]
    outcome = await shop.allotments.take_back(
        shop.sale, 1, partner="", key="b", serials=serials, by="operator", now_ms=shop.now
    )
    assert outcome == Lines(("voided",) * 3, replayed=False)
    assert await shop.counts(OUTSIDE) == {"voided": 3}
