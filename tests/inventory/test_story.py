"""A seeded random story over a real store, with a plain-Python model as the oracle.

After every step the store's counters, seats and orders must be the model's. The store is killed and
restarted on the way. Hypothesis prints what reproduces a difference.
"""

import msgspec
import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import lua.embedded
from inventory import outcomes as out
from inventory.facts import decode_entry
from inventory.orders import HoldRequest
from inventory.redemption import (
    AlreadyRedeemed,
    RedeemedUnit,
    VoidCode,
)
from lua import NothingHappened, Store
from tests.inventory.conftest import OUTSIDE, POOLED, RECORD, SEATED, Shop, made_shop
from tests.inventory.model import Model, ModelOrder
from tests.inventory.own_server import Server
from tests.inventory.replay import replayed
from tests.inventory.test_units import CODES, redeem
from tests.reopening import reopen

EXAMPLES, STEPS = 24, 110
STEPS_AT_LEAST = 2_000
BUYERS = [f"buyer{number}" for number in range(5)]


server: Server


class Story(RuleBasedStateMachine):
    """Buyers, an operator and a kiosk, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = server.run(self._new_shop())
        self.model = Model(now=self.shop.now)
        self.asked: list[tuple[HoldRequest, str, dict[int, int]]] = []
        self.numbers = 0

    async def _new_shop(self) -> Shop:
        store = await Store.connect(lua.embedded.url(server.home))
        await store.write("FLUSHALL")
        return await made_shop(store)

    def _number(self) -> int:
        self.numbers += 1
        return self.numbers

    @rule(
        buyer=st.sampled_from(BUYERS),
        quantities=st.sampled_from(
            [
                {POOLED: 1},
                {POOLED: 2},
                {SEATED: 1},
                {SEATED: 2},
                {SEATED: 3},
                {OUTSIDE: 1},
                {POOLED: 1, SEATED: 2},
                {SEATED: 4},
                {POOLED: 5},
            ]
        ),
        one_step=st.booleans(),
        same_pass=st.booleans(),
    )
    def hold(self, buyer: str, quantities: dict[int, int], one_step: bool, same_pass: bool) -> None:
        """A hold or a sale in one step, sometimes with a pass that was used before."""
        pass_id = f"pass-{buyer}" if same_pass and not one_step else f"pass-{self._number()}"
        request = self.shop.request(buyer, *quantities.items(), one_step=one_step, pass_id=pass_id)
        expected = self.model.hold_refusal(buyer, quantities, pass_id)
        outcome = server.run(self.shop.ask(request))
        if expected:
            assert getattr(outcome, "code", outcome) == expected
            return
        assert isinstance(outcome, out.Held), outcome
        assert not outcome.replayed
        self.model.take(outcome.order, buyer, quantities, "sold" if one_step else "held")
        self.model.passes[pass_id] = request.order
        if one_step:
            self.model.orders[request.order].state = "confirmed"
            self.model.orders[request.order].payment = request.payment
        self.asked.append((request, buyer, quantities))

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), other=st.booleans())
    def repeat(self, data: st.DataObject, other: bool) -> None:
        """A request that succeeded comes again; with other content it is refused."""
        request, buyer, _ = data.draw(st.sampled_from(self.asked))
        if other:
            changed = self.shop.request(buyer, (POOLED, 19), seller=request.seller)
            request = msgspec.structs.replace(changed, order=request.order, buyer=request.buyer)
            assert server.run(self.shop.ask(request)) == out.KeyReused()
            return
        outcome = server.run(self.shop.ask(request))
        assert isinstance(outcome, out.Held)
        assert outcome.replayed
        assert outcome.order.state == self.model.orders[request.order].state

    def _order(self, data: st.DataObject) -> ModelOrder:
        return data.draw(st.sampled_from(list(self.model.orders.values())))

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data(), payment=st.sampled_from(["", "x"]), short=st.booleans())
    def confirm(self, data: st.DataObject, payment: str, short: bool) -> None:
        """A payment: in time, late, repeated, a second one, or over a wrong amount."""
        order = self._order(data)
        payment = f"test:{order.id}{payment}"
        view = server.run(self.shop.orders.read(self.shop.sale, order.id))
        assert view is not None
        amount = order.amount - 1 if short else order.amount
        outcome = server.run(self.shop.pay(view, payment=payment, amount=amount))
        if order.payment:
            same = payment == order.payment
            if not same:
                assert outcome == out.AlreadyPaid(order.payment)
            elif order.state == "paid_unfulfilled":
                assert isinstance(outcome, out.PaidUnfulfilled)
            else:
                assert isinstance(outcome, out.Confirmed)
                assert outcome.replayed
            return
        if short:
            assert outcome == out.AmountMismatch(order.amount)
            return
        self._paid(order, payment, outcome)

    def _paid(self, order: ModelOrder, payment: str, outcome: out.ConfirmOutcome) -> None:
        order.payment = payment
        if order.state == "held":
            assert isinstance(outcome, out.Confirmed)
            order.state = "confirmed"
            for serial in order.serials:
                self.model.units[serial] = "sold"
            return
        has = self.model.counts.get(order.buyer, 0)
        within = has + sum(order.quantities.values()) <= RECORD.limit
        selling = self.model.state == "open"
        if not selling or not within or self.model.shortage(order.quantities):
            assert isinstance(outcome, out.PaidUnfulfilled), outcome
            order.state = "paid_unfulfilled"
            return
        assert isinstance(outcome, out.Confirmed), outcome
        self.model.take(outcome.order, order.buyer, order.quantities, "sold")
        order.state = "confirmed"

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """A buyer gives a hold back, whatever its state."""
        order = self._order(data)
        outcome = server.run(
            self.shop.orders.release(self.shop.sale, order.id, now_ms=self.model.now)
        )
        if order.state == "held":
            assert isinstance(outcome, out.Released)
            self.model.end(order, "released")
        elif order.state in ("released", "expired"):
            assert isinstance(outcome, out.Released)
            assert outcome.replayed
        else:
            assert isinstance(outcome, out.NotHeld)

    @rule(ms=st.sampled_from([1, 1_000, 20_000, 59_999, 60_000]))
    def wait(self, ms: int) -> None:
        """Time passes."""
        self.model.now += ms
        self.shop.now = self.model.now

    @rule()
    def expire(self) -> None:
        """The sweep gives back what is due, and only that."""
        swept = server.run(self.shop.orders.expire_due(self.shop.sale, now_ms=self.model.now))
        assert swept == self.model.sweep()

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data(), part=st.booleans(), again=st.booleans())
    def refund(self, data: st.DataObject, part: bool, again: bool) -> None:
        """A refund of all or of one unit, sometimes the same one again."""
        order = self._order(data)
        left = [serial for serial in order.serials if serial not in order.refunded]
        serials: tuple[int, ...] = (left[0],) if part and left else ()
        key = f"refund-{self._number()}"
        if again and order.refunds:
            key, serials = next(iter(order.refunds.items()))
        outcome = server.run(
            self.shop.orders.refund(
                self.shop.sale, order.id, seller="", key=key, serials=serials, now_ms=self.model.now
            )
        )
        if key in order.refunds:
            assert isinstance(outcome, out.Refunded)
            assert outcome.replayed
        elif order.state not in ("confirmed", "partly_refunded", "paid_unfulfilled"):
            assert outcome == out.NotRefundable(order.state)
        elif order.state == "paid_unfulfilled" and serials:
            assert isinstance(outcome, out.UnknownUnit)
        else:
            assert isinstance(outcome, out.Refunded), outcome
            before = outcome.order.refunded_minor - self.model.refund(order, key, serials)
            assert before >= 0
            assert outcome.order.state == order.state

    @precondition(lambda self: any(o.serials for o in self.model.orders.values()))
    @rule(data=st.data(), stale=st.booleans(), same_key=st.booleans())
    def redeem(self, data: st.DataObject, stale: bool, same_key: bool) -> None:
        """A kiosk tries the code of some unit, of its present generation or the one before."""
        order = self._order(data)
        if not order.serials:
            return
        serial = data.draw(st.sampled_from(order.serials))
        now_generation = self.model.generations.get(serial, 0)
        generation = max(0, now_generation - int(stale))
        key = "same" if same_key else f"redeem-{self._number()}"
        code = CODES.mint(RECORD.number, serial, generation)
        outcome = server.run(redeem(self.shop, code, key=key))
        used_by = self.model.redeemed.get((serial, generation))
        if generation == now_generation and used_by:
            if used_by == key:
                assert isinstance(outcome, RedeemedUnit)
                assert outcome.replayed
            else:
                assert isinstance(outcome, AlreadyRedeemed)
        elif generation != now_generation or self.model.units.get(serial) == "voided":
            assert outcome == VoidCode()
        elif self.model.units.get(serial) == "sold":
            assert isinstance(outcome, RedeemedUnit), outcome
            self.model.units[serial] = "redeemed"
            self.model.redeemed[serial, generation] = key
        else:
            assert getattr(outcome, "code", None) == "not_sold"

    @rule(on=st.booleans())
    def pause(self, on: bool) -> None:
        """The operator pauses or resumes the sale."""
        server.run(self.shop.change("pause" if on else "resume"))
        self.model.state = "paused" if on else "open"

    @rule(really=st.integers(0, 3))
    def restart(self, really: int) -> None:
        """Now and then the store gets kill -9 and comes back with all it acknowledged."""
        if really:
            return
        server.kill()

        async def back() -> None:
            try:
                await self.shop.store.read("PING")
            except NothingHappened:
                await self.shop.store.read("PING")
            assert await reopen(self.shop.store) == 1

        server.run(back())

    @invariant()
    def agrees(self) -> None:
        """Counters, seats and every order are the model's."""
        server.steps += 1
        for offer in (POOLED, SEATED, OUTSIDE):
            assert server.run(self.shop.counts(offer)) == self.model.counters(offer)
        text = server.run(self.shop.seats())
        free = {1000 + at for at, sign in enumerate(text) if sign == "1"}
        assert free == self.model.free[SEATED]
        for order in list(self.model.orders.values())[-3:]:
            view = server.run(self.shop.orders.read(self.shop.sale, order.id))
            assert view is not None
            assert view.state == order.state

    def teardown(self) -> None:
        """At the end the facts have no gap, and replayed they give the same shelf."""
        server.run(self._facts_are_whole())

    async def _facts_are_whole(self) -> None:
        entries = await self.shop.store.read("XRANGE", "{spring:0}:facts", "-", "+")
        story = [fact for _, body in entries for fact in decode_entry(body[1])]
        numbers = [fact.number for fact in story]
        assert numbers == list(range(1, len(numbers) + 1))
        view = await self.shop.sales.view("spring")
        assert view is not None
        assert view.fact == len(numbers)
        offers = replayed(story)
        for offer in (POOLED, SEATED, OUTSIDE):
            states = {name: units for name, units in offers[offer].items() if units > 0}
            assert states == self.model.counters(offer)
        await self.shop.store.close()


@pytest.mark.timeout(600)  # a difference is shrunk before it is shown
def test_a_random_story_agrees_with_the_model() -> None:
    """Two thousand random steps and more, with the store killed on the way: no difference."""
    global server  # noqa: PLW0603  # one server for all examples: starting it is dear
    server = Server()
    try:
        Story.TestCase.settings = settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        Story.TestCase("runTest").runTest()
        print(f"{server.steps} steps, {server.kills} kills of the store")  # noqa: T201
        assert server.steps >= STEPS_AT_LEAST
        assert server.kills > 0
    finally:
        server.close()
