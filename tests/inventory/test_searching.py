"""Searching: the last unit anywhere is found before anyone hears that nothing is left."""

import asyncio
import random
from dataclasses import dataclass, field

import pytest

import lua.store
from inventory import keys, outcomes as out
from inventory.lending import Lending, Loan, Look
from inventory.orders import HoldRequest, Orders
from inventory.searching import Picture, loans
from lua import NothingHappened, Store
from tests.inventory.conftest import HOLD_MS, POOLED
from tests.inventory.striped import (
    asking,
    counts_of,
    facts_agree,
    finish_all,
    free_units,
    made,
)
from tests.inventory.test_lending import lend, receive

STORY_STEPS = 70


async def test_a_buyer_gets_the_last_unit_of_another_stripe(store: Store) -> None:
    """With nothing in the own stripe the unit is borrowed; then everyone hears sold out."""
    shop = await made(store, 4, [], [], [0, 1])
    assert isinstance(await shop.ask(asking(shop, 0, 1)), out.Held)
    for stripe in range(4):
        assert await shop.ask(asking(shop, stripe, 1)) == out.SoldOut(POOLED)
    await facts_agree(shop)


async def test_an_order_is_served_from_all_stripes_together(store: Store) -> None:
    """Four units that lie on four stripes are one order; too few are told with what is left."""
    shop = await made(store, 4, [0, 1], [10, 1], [20, 1], [30, 1])
    assert await shop.ask(asking(shop, 1, 5)) == out.TooFew(POOLED, 4)
    outcome = await shop.ask(asking(shop, 1, 4))
    assert isinstance(outcome, out.Held)
    assert sorted(unit.serial for unit in outcome.order.units) == [0, 10, 20, 30]


async def test_held_elsewhere_is_all_held_with_the_earliest_time(store: Store) -> None:
    """What may come back in any stripe is not sold out; when it is due it is given back first."""
    shop = await made(store, 3, [0, 1], [10, 1])
    assert isinstance(await shop.ask(asking(shop, 1, 1, one_step=False)), out.Held)
    shop.now += 1_000
    assert isinstance(await shop.ask(asking(shop, 0, 1, one_step=False)), out.Held)
    back_ms = shop.now - 1_000 + HOLD_MS
    assert await shop.ask(asking(shop, 2, 1)) == out.AllHeld(POOLED, back_ms)
    shop.now = back_ms
    assert isinstance(await shop.ask(asking(shop, 2, 1)), out.Held)


@pytest.mark.parametrize("arrived", [False, True])
async def test_a_unit_on_its_way_is_found(store: Store, arrived: bool) -> None:
    """A transfer that a crash left open is finished by the buyer who needs its units."""
    shop = await made(store, 3, [0, 1])
    transfer = await lend(shop, 0, 1, 1)
    assert transfer is not None
    if arrived:
        await receive(shop, transfer)
    assert isinstance(await shop.ask(asking(shop, 2, 1)), out.Held)
    assert await shop.ask(asking(shop, 0, 1)) == out.SoldOut(POOLED)


async def test_a_stripe_out_of_reach_counts_as_held(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody hears sold out while some shard cannot be asked; with units elsewhere one is sold."""
    shop = await made(store, 3, [0, 1])
    lost = keys.slot(keys.sale(shop.sale.id, 1))
    run = lua.store.Store.run

    async def some(self: Store, script: object, names: list[str], args: object) -> list[object]:
        if keys.slot(names[0]) == lost:
            raise NothingHappened("this shard is gone")
        return await run(self, script, names, args)  # type: ignore[arg-type]

    monkeypatch.setattr(lua.store.Store, "run", some)
    assert isinstance(await shop.ask(asking(shop, 2, 1)), out.Held)
    outcome = await shop.ask(asking(shop, 0, 1))
    assert isinstance(outcome, out.AllHeld)
    assert outcome.retry_at_ms > shop.now


async def test_a_unit_that_comes_between_two_looks_spoils_the_proof(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refund behind the first look's back is seen by the second, however short it stays."""
    shop = await made(store, 2, [0, 2])
    first = await shop.ask(asking(shop, 0, 1))
    second = await shop.ask(asking(shop, 0, 1))
    assert isinstance(first, out.Held)
    assert isinstance(second, out.Held)
    look, looks = Lending.look, 0

    async def with_a_refund(self: Lending, *asked: object) -> list[Look | NothingHappened]:
        nonlocal looks
        seen = await look(self, *asked)  # type: ignore[arg-type]
        looks += 1
        if looks == 1:
            await shop.orders.refund(shop.sale, first.order.id, seller="", key="r", now_ms=shop.now)
        return seen

    monkeypatch.setattr(Lending, "look", with_a_refund)
    assert isinstance(await shop.ask(asking(shop, 1, 1)), out.Held)
    assert looks > 2


async def test_a_late_payment_finds_a_unit_in_another_stripe(store: Store) -> None:
    """The whole sale is asked before a paid order is left unfulfilled, its defined end."""
    shop = await made(store, 2, [0, 1], [10, 1])
    holds = [await shop.ask(asking(shop, 0, 1, one_step=False)) for _ in range(2)]
    late = [one.order for one in holds if isinstance(one, out.Held)]
    shop.now += HOLD_MS
    assert await shop.orders.expire_due(shop.sale, now_ms=shop.now) == 2
    assert isinstance(await shop.ask(asking(shop, 0, 1)), out.Held)
    assert await Lending(store).move(shop.sale, Loan(POOLED, 0, 1, 1, 1, 0)) == 1
    assert isinstance(await shop.pay(late[0], payment="test:a"), out.Confirmed)
    assert isinstance(await shop.pay(late[1], payment="test:b"), out.PaidUnfulfilled)
    assert isinstance(await shop.pay(late[1], payment="test:b"), out.PaidUnfulfilled)


@dataclass
class Told:
    """What a plain model expects and what buyers were told."""

    units: int
    held: dict[str, tuple[HoldRequest, int]] = field(default_factory=dict)
    sold: dict[str, tuple[HoldRequest, int]] = field(default_factory=dict)
    wrong: list[object] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Units that nobody has."""
        taken = (*self.held.values(), *self.sold.values())
        return self.units - sum(units for _, units in taken)

    def tell(self, request: HoldRequest, outcome: out.HoldOutcome) -> None:
        """Compare one answer with the model, and keep it."""
        units = request.lines[0].quantity
        if isinstance(outcome, out.Held):
            assert units <= self.left, "more was sold than there is"
            (self.sold if request.one_step else self.held)[request.order] = (request, units)
        elif units <= self.left:
            self.wrong.append(outcome)  # refused while units were left
        elif self.held:
            assert isinstance(outcome, out.AllHeld), outcome
        elif self.left:
            assert outcome == out.TooFew(POOLED, self.left)
        else:
            assert outcome == out.SoldOut(POOLED)


@pytest.mark.parametrize("stripes", range(1, 9))
async def test_a_random_story_over_stripes_agrees_with_a_plain_model(
    store: Store, stripes: int
) -> None:
    """Purchases, refunds, releases, loans and crashes: no oversell, nobody refused wrongly.

    In the end every unit is sold.
    """
    rng = random.Random(stripes)
    lots = [[100 * stripe, rng.randint(1, 12)] for stripe in range(stripes)]
    shop = await made(store, stripes, *lots)
    told = Told(sum(count for _, count in lots))
    for number in range(STORY_STEPS):
        match rng.choice(("buy", "buy", "hold", "release", "pay", "refund", "lend", "crash")):
            case "buy" | "hold" as how:
                lines = (POOLED, rng.randint(1, 4))
                request = shop.request(f"b{number}", lines, one_step=how == "buy")
                told.tell(request, await shop.ask(request))
            case "release" if told.held:
                order = told.held.popitem()[0]
                await shop.orders.release(shop.sale, order, now_ms=shop.now)
            case "pay" if told.held:
                order, kept = told.held.popitem()
                view = await shop.orders.read(shop.sale, order)
                assert view is not None
                assert isinstance(await shop.pay(view, payment=f"test:{number}"), out.Confirmed)
                told.sold[order] = kept
            case "refund" if told.sold:
                order = told.sold.popitem()[0]
                await shop.orders.refund(shop.sale, order, seller="", key="r", now_ms=shop.now)
            case "lend" | "crash" as how if stripes > 1:
                lender, receiver = rng.sample(range(stripes), 2)
                transfer = await lend(shop, lender, receiver, rng.randint(1, 9))
                if how == "lend" and transfer is not None:
                    await receive(shop, transfer)
        assert sum(one.sold for one in await counts_of(shop)) == sum(
            units for _, units in told.sold.values()
        )
    while told.left:
        request = shop.request(f"end{next(shop.numbers)}", (POOLED, 1), one_step=True)
        told.tell(request, await shop.ask(request))
    assert told.wrong == []
    assert await free_units(shop) == []
    await finish_all(shop)
    assert sum(one.moving for one in await counts_of(shop)) == 0
    await facts_agree(shop)


@pytest.mark.parametrize("units", [1, 2])
async def test_at_the_end_of_stock_nobody_is_refused_wrongly(
    store: Store, valkey_url: str, units: int
) -> None:
    """Six processes at once sell all, and refuse only after the last unit was asked for.

    Nothing comes back here, so a refusal before a request that was served would be a wrong one.
    """
    shop = await made(store, 4, [0, 40], [100, 1], [], [300, 23])
    stores = [await Store.connect(valkey_url) for _ in range(6)]
    clock = asyncio.get_running_loop().time
    served: list[float] = []
    refused: list[float] = []

    async def buyers(orders: Orders, number: int) -> None:
        while True:
            request = shop.request(
                f"p{number}-{next(shop.numbers)}", (POOLED, units), one_step=True
            )
            begun = clock()
            try:
                (outcome,) = await orders.hold(shop.sale, [request], shop.now)
            except NothingHappened:
                continue  # repeat: units kept moving
            if isinstance(outcome, out.Held):
                served.append(begun)
                continue
            assert outcome == out.SoldOut(POOLED), outcome
            refused.append(clock())
            return

    try:
        some = [Orders(one) for one in stores]
        await asyncio.gather(*(buyers(one, at) for at, one in enumerate(some * 4)))
    finally:
        for one in stores:
            await one.close()
    assert len(served) * units == 64
    assert await free_units(shop) == []
    wrong = [at for at in refused if at < max(served)]
    assert len(wrong) / len(refused) == 0, f"{len(wrong)} of {len(refused)} refused wrongly"
    await finish_all(shop)
    await facts_agree(shop)


async def test_many_refusals_at_once_share_their_looks(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred buyers who are refused together cost the store a few looks, not hundreds."""
    shop = await made(store, 4, [0, 1])
    assert isinstance(await shop.ask(asking(shop, 0, 1)), out.Held)
    look, looks = Lending.look, 0

    async def counted(self: Lending, *asked: object) -> list[Look | NothingHappened]:
        nonlocal looks
        looks += 1
        return await look(self, *asked)  # type: ignore[arg-type]

    monkeypatch.setattr(Lending, "look", counted)
    requests = [shop.request(f"x{number}", (POOLED, 1)) for number in range(100)]
    outcomes = await asyncio.gather(*(shop.ask(request) for request in requests))
    assert set(outcomes) == {out.SoldOut(POOLED)}
    assert looks <= 100, looks


def test_a_stripe_borrows_what_it_lacks_and_its_share() -> None:
    """From the fullest, who keep their share while the others can give; all of it when none can."""

    def picture(*units: int) -> Picture:
        looks = tuple(Look(at, 0, 0, (), {1: (n, 0, 0)}) for at, n in enumerate(units))
        return Picture(looks, is_whole=True, is_proved=False)

    assert loans(picture(0, 100, 20, 0), 4, 0, 1, 2) == [Loan(1, 1, 0, 2, 30, 30)]
    assert loans(picture(0, 1, 1, 1), 4, 0, 1, 2) == [
        Loan(1, 1, 0, 1, 1, 0),
        Loan(1, 2, 0, 1, 1, 0),
    ]
    assert loans(picture(5, 1, 1, 1), 4, 0, 1, 2) == []
    assert loans(picture(0, 3, 0, 0), 4, 0, 1, 3) == [Loan(1, 1, 0, 3, 3, 0)]
    assert loans(picture(0, 0, 0, 0), 4, 0, 1, 3) == []
