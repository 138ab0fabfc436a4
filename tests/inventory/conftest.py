"""A small sale on a real store: one pooled offer, one seated, two drops, a test's clock."""

from dataclasses import dataclass, field
from itertools import count

import pytest

from inventory import outcomes as out
from inventory.allotments import Allotments
from inventory.ids import Identities
from inventory.orders import ConfirmRequest, HoldRequest, LineRequest, Orders
from inventory.restore import SlotRules
from inventory.sales import Change, DropView, SaleRecord, Sales, SaleView
from inventory.stock import Lot, OfferRecord, Stock
from lua import Store

T0 = 1_800_000_000_000
"""The opening of the first drop on the tests' clock."""
HOLD_MS = 60_000
POOLED, SEATED, OUTSIDE, LATER, FREE = 1, 2, 3, 4, 5
LAYOUT = "....|...|.....|.."
BASES = {POOLED: 0, SEATED: 1000, OUTSIDE: 2000, LATER: 3000, FREE: 4000}
PRICE = 380


@dataclass
class Shop:
    """The sale and its verbs, with short ways to say what a test wants."""

    store: Store
    sale: SaleView
    now: int = T0 + 1000
    identities: Identities = field(
        default_factory=lambda: Identities(order=b"o" * 32, buyer=b"b" * 32)
    )
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.orders = Orders(self.store)
        self.stock = Stock(self.store)
        self.sales = Sales(self.store)
        self.allotments = Allotments(self.store)

    def request(
        self,
        buyer: str,
        *lines: tuple[int, int] | tuple[int, int, tuple[int, ...]],
        key: str = "",
        one_step: bool = False,
        pass_id: str = "",
        seller: str = "shop",
        pass_expires_ms: int = 0,
        pass_drop: int = 1,
    ) -> HoldRequest:
        """A hold for a buyer; without a key it gets one of its own."""
        buyer_key = self.identities.buyer_key(f"test:{buyer}")
        key = key or f"key-{next(self.numbers)}"
        order = self.identities.order_id(self.sale.shape, caller=seller, buyer=buyer_key, key=key)
        return HoldRequest(
            order=order,
            buyer=buyer_key,
            seller=seller,
            lines=tuple(LineRequest(*line) for line in lines),
            fingerprint=repr(lines),
            one_step=one_step,
            payment="partner:ref" if one_step else "",
            pass_id=pass_id,
            pass_expires_ms=pass_expires_ms or self.now + 60_000,
            pass_drop=pass_drop,
        )

    async def ask(self, request: HoldRequest) -> out.HoldOutcome:
        """One hold."""
        return (await self.orders.hold(self.sale, [request], self.now))[0]

    async def held(self, buyer: str, *lines: tuple[int, int]) -> out.Order:
        """One hold that must succeed."""
        outcome = await self.ask(self.request(buyer, *lines))
        assert isinstance(outcome, out.Held), outcome
        return outcome.order

    async def sold(self, buyer: str, *lines: tuple[int, int]) -> out.Order:
        """One sale in one step that must succeed."""
        outcome = await self.ask(self.request(buyer, *lines, one_step=True))
        assert isinstance(outcome, out.Held), outcome
        return outcome.order

    async def change(self, what: Change) -> None:
        """Another state of the sale."""
        await self.sales.change(self.sale, what, actor="test", now_ms=self.now)

    async def pay(
        self, order: out.Order, payment: str = "test:p1", amount: int = -1, buyer: str = ""
    ) -> out.ConfirmOutcome:
        """Confirm an order."""
        amount = order.amount_minor if amount < 0 else amount
        request = ConfirmRequest(order.id, payment, amount, buyer=buyer)
        return (await self.orders.confirm(self.sale, [request], self.now))[0]

    async def counts(self, offer: int) -> dict[str, int]:
        """An offer's counters, after checking that they add up."""
        counts = (await self.stock.counts_of(self.sale, offer, 1))[0]
        assert counts.difference == 0
        names = ("available", "held", "allotted", "sold", "redeemed", "voided", "returned")
        return {name: value for name in names if (value := getattr(counts, name))}

    async def seats(self) -> str:
        """The seat string of the seated offer."""
        text: bytes = await self.store.read("HGET", f"{{{self.sale.id}:0}}:seats", SEATED)
        return text.decode()

    async def everything(self) -> dict[bytes, bytes]:
        """All keys of the store with their content, to see that nothing changed."""
        keys = await self.store.read("KEYS", "*")
        return {key: await self.store.read("DUMP", key) for key in sorted(keys)}


def offer(number: int, kind: str, *, codes: str = "minted", drop: int = 1) -> OfferRecord:
    """An offer of this sale."""
    seated = kind == "seated"
    return OfferRecord(
        number=number,
        kind="seated" if seated else "pooled",
        drop=drop,
        price_minor=PRICE,
        venue="grand",
        together="refuse",
        ends_at_ms=T0 + 50_000_000,
        redeem_from_ms=T0,
        redeem_until_ms=T0 + 60_000_000,
        codes="outside" if codes == "outside" else "minted",
        base=BASES[number],
        size=len(LAYOUT) if seated else 1000,
        layout=LAYOUT if seated else "",
    )


RECORD = SaleRecord(
    id="spring",
    number=7,
    title="Spring",
    currency="CNY",
    timezone="Asia/Shanghai",
    limit=4,
    hold_ms=HOLD_MS,
    stripes=1,
    buckets=16,
    carry=True,
    drops=(DropView("first", T0), DropView("second", T0 + 10_000_000)),
)


OFFERS = [
    offer(POOLED, "pooled"),
    offer(SEATED, "seated"),
    offer(OUTSIDE, "pooled", codes="outside"),
    offer(LATER, "pooled", drop=2),
]
RULES = SlotRules(RECORD, revision=1, offers=tuple(OFFERS), last_serial=5000)
"""What facts do not say of this sale's slot."""


async def made_shop(store: Store, record: SaleRecord = RECORD) -> Shop:
    """The sale, open, with 5 pooled units, 14 seats, 3 units with outside codes, 5 for drop 2."""
    sales, stock = Sales(store), Stock(store)
    await sales.put(record, revision=1, actor="test", now_ms=T0 - 1000)
    sale = await sales.view(record.id)
    assert sale is not None
    assert await stock.put_offers(sale, OFFERS) == []
    rows = [1000, 4, 1005, 3, 1009, 5, 1015, 2]
    lots = [
        Lot("a", POOLED, [0, 5]),
        Lot("b", SEATED, rows),
        Lot("c", OUTSIDE, [2000, 3]),
        Lot("d", LATER, [3000, 5]),
    ]
    assert await stock.add(sale, lots, now_ms=T0 - 500) == []
    await sales.change(sale, "open", actor="test", now_ms=T0 - 400)
    opened = await sales.view(record.id)
    assert opened is not None
    return Shop(store, opened)


@pytest.fixture
async def shop(store: Store) -> Shop:
    """The small sale on the test's own store."""
    return await made_shop(store)
