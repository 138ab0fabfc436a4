"""Tells facts as the scripts do: numbered without a gap, in stream entries, with a slot record."""

from typing import Any

import msgspec

from inventory import facts, keys
from lua.store import Store

AT_MS = 1_394_244_000_000  # 2014-03-08 10:00 in Shanghai
DAY_MS = 86_400_000
PRICE = 380
VENUES = ("venue-a", "venue-b")


class Teller:
    """One stripe of a sale whose facts are written by hand. Offer n belongs to VENUES[n % 2]."""

    def __init__(self, store: Store, sale: str = "cinema", stripe: int = 0) -> None:
        self.store, self.sale, self.stripe = store, sale, stripe
        self.epoch, self.number = 1, 0
        self.record = keys.sale(sale, stripe)
        self.stream = keys.facts(sale, stripe)

    async def announce(self, stripes: int = 1, offers: int = 8) -> "Teller":
        """The slot record of an empty sale, and its offers' records."""
        record = {"epoch": 1, "fact": 0, "settled": 0, "state": "open", "number": 1, "limit": 2,
                  "currency": "CNY", "timezone": "Asia/Shanghai", "stripes": stripes,
                  "server": await self.store.server_of(self.record)}  # fmt: skip
        flat = [str(item) for pair in record.items() for item in pair]
        await self.store.write("HSET", self.record, *flat)
        await self.store.write("SADD", keys.SALES, self.sale)
        for number in range(1, offers + 1):
            offer = bytes((len(VENUES[number % 2]),)) + VENUES[number % 2].encode()
            await self.store.write("HSET", keys.offers(self.sale, self.stripe), number, offer)
        return self

    async def tell(self, *made: facts.Fact) -> list[facts.Fact]:
        """One stream entry with these facts; their numbers are set here."""
        numbered = []
        for fact in made:
            self.number += 1
            numbered.append(msgspec.structs.replace(fact, number=self.number))
        await self.tell_packed(msgspec.msgpack.encode(numbered))
        return numbered

    async def tell_packed(self, content: bytes, field: str = "f") -> None:
        """One stream entry with any content, under the number that was reached."""
        await self.store.write("HSET", self.record, "fact", self.number)
        await self.store.write("XADD", self.stream, f"{self.epoch}-{self.number}", field, content)

    async def settled(self) -> int:
        """What the store knows to be in the books."""
        return int(await self.store.read("HGET", self.record, "settled"))

    async def left(self) -> list[Any]:
        """The entries that are still in the stream."""
        found: list[Any] = await self.store.read("XRANGE", self.stream, "-", "+")
        return found


def line(*serials: int, offer: int = 1, price: int = PRICE) -> facts.Line:
    """Units of one offer."""
    return facts.Line(offer, price, list(serials))


def cost(lines: list[facts.Line]) -> int:
    """What lines cost together."""
    return sum(each.price_minor * len(each.serials) for each in lines)


def stocked(first: int, count: int, offer: int = 1) -> facts.Stocked:
    """Units put on the shelf."""
    return facts.Stocked(0, AT_MS, offer, "lot", [first, count])


def held(order: str, *lines: facts.Line, seller: str = "shop", buyer: str = "b1") -> facts.Held:
    """A hold."""
    return facts.Held(
        0, AT_MS, order, 1, cost(list(lines)), AT_MS + 1, list(lines), buyer, seller, "",
        pass_id="pass",
    )  # fmt: skip


def sold(
    order: str,
    *lines: facts.Line,
    seller: str = "market",
    buyer: str = "b1",
    at_ms: int = AT_MS,
    reference: str = "",
) -> facts.Sold:
    """A partner's sale in one step."""
    told = reference or f"ref-{order}"
    amount = cost(list(lines))
    return facts.Sold(
        0, at_ms, order, 1, amount, 0, list(lines), buyer, seller, told, f"partner:{told}"
    )


def confirmed(
    order: str, *lines: facts.Line, seller: str = "shop", buyer: str = "b1"
) -> facts.Confirmed:
    """A hold that was paid."""
    amount = cost(list(lines))
    return facts.Confirmed(
        0, AT_MS, order, buyer, seller, "", list(lines), amount, f"test:pay-{order}"
    )


def refunded(
    order: str,
    back: list[facts.Line],
    voided: list[facts.Line] | None = None,
    redeemed: list[facts.Line] | None = None,
    *,
    seller: str = "market",
    amount: int | None = None,
    at_ms: int = AT_MS,
) -> facts.Refunded:
    """Money back for units."""
    ends = (back, voided or [], redeemed or [])
    given = sum(cost(lines) for lines in ends) if amount is None else amount
    return facts.Refunded(0, at_ms, order, "b1", seller, f"r-{order}", given, *ends)


def unfulfilled(order: str) -> facts.Unfulfilled:
    """A payment that found no units."""
    return facts.Unfulfilled(0, AT_MS, order, "b1", "shop", "", PRICE, "test:pay")


def expired(order: str, *lines: facts.Line, seller: str = "shop") -> facts.Expired:
    """A hold that ran out."""
    return facts.Expired(0, AT_MS, order, "b1", seller, list(lines))


def reclaimed(order: str, *lines: facts.Line) -> facts.Reclaimed:
    """A late payment that found units again."""
    amount = cost(list(lines))
    return facts.Reclaimed(0, AT_MS, order, "b1", "shop", "", list(lines), amount, "test:pay")


def redeemed(serial: int, owner: str, offer: int = 1) -> facts.Redeemed:
    """A code that was used."""
    return facts.Redeemed(0, AT_MS, offer, serial, f"venue-{offer}", "kiosk", owner)


def reported(*serials: int, amount: int = 500) -> facts.Reported:
    """Units of allotment `al` that the market sold."""
    lines = [facts.ReportLine(serial, amount, f"m-{serial}") for serial in serials]
    return facts.Reported(0, AT_MS, "al", "market", 1, lines)
