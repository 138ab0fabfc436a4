"""What is let in, over whole stories: never above rate * w + burst, and the rate is used.

The stories run the real scripts with a test's clock; tests/queueing/model.py is the oracle.
"""

import asyncio
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import count
from typing import Any

from hypothesis import HealthCheck, Phase, event, given, settings, strategies as st

from lua.store import Store
from queueing import Admitted, ClaimOutcome, Place, Pumped, RoomRules, Rooms, RoomSettings, Wait
from tests.queueing.conftest import SALE, another_gateway, inside, join
from tests.queueing.model import Model

RULES = RoomRules(
    rate_per_s=5,
    burst=3,
    pass_ms=5_000,
    lobby_ms=2_000,
    active_max=12,
    openings_ms=(5_000, 40_000),
)
BEGINS_MS = 6_000
GATEWAYS = st.integers(0, 2)
WHICH = st.floats(0, 1, exclude_max=True)
STOCK = st.sampled_from([None, None, None, 50, 0])
BUSY = st.tuples(st.just("busy"), GATEWAYS, st.integers(1, 30), st.integers(1, 6))
ACTIONS = st.one_of(
    BUSY,
    BUSY,
    BUSY,
    st.tuples(st.just("advance"), st.integers(1, 500)),
    st.tuples(st.just("advance"), st.integers(1, 5_000)),
    st.tuples(st.just("set_back"), st.integers(1, 900)),
    st.tuples(st.just("set_back"), st.integers(1, 8_000)),
    st.tuples(st.just("join"), GATEWAYS, st.integers(1, 30)),
    st.tuples(st.just("join"), GATEWAYS, st.integers(1, 30)),
    st.tuples(st.just("pump"), GATEWAYS, STOCK),
    st.tuples(st.just("claim"), GATEWAYS, WHICH),
    st.tuples(st.just("claim"), GATEWAYS, WHICH),
    st.tuples(st.just("rush"), GATEWAYS, st.integers(1, 20)),
    st.tuples(st.just("rate"), st.integers(0, 60_000), st.integers(1, 6)),
    st.tuples(st.just("state"), st.sampled_from(["open", "open", "paused"])),
    st.tuples(st.just("finish"), WHICH),
    st.tuples(st.just("leave"), WHICH),
)


class Story:
    """One story, told to the store through three gateways and to the model."""

    def __init__(self, gateways: list[Rooms]) -> None:
        self.gateways = gateways
        self.model = Model(RULES, Fraction(5), 3)
        self.places: list[Place] = []
        self.buyers = count(1)
        self.words: Counter[str] = Counter()

    async def do(self, action: str, *facts: Any) -> None:
        """One step of it."""
        await getattr(self, action)(*facts)

    async def advance(self, elapsed_ms: int) -> None:
        """Time goes on."""
        self.model.advance(elapsed_ms)

    async def set_back(self, by_ms: int) -> None:
        """The store's clock is set back."""
        self.model.set_back(by_ms)

    async def join(self, gateway: int, newcomers: int) -> None:
        """Newcomers join, when a lobby has come."""
        if self.model.drop():
            buyers = [next(self.buyers) for _ in range(newcomers)]
            now_ms = self.model.now_ms
            self.places += await join(self.gateways[gateway], *buyers, now_ms=now_ms)

    async def pump(self, gateway: int, stock: int | None) -> None:
        """A gateway pumps."""
        report = await self.gateways[gateway].pump(SALE, stock, now_ms=self.model.now_ms)
        if isinstance(report, Pumped):
            assert report.drop == self.model.drop()
            seen = await self.gateways[gateway].frame(SALE, now_ms=self.model.now_ms)
            assert seen.called <= seen.joined
            self.model.pumped(report.drop, seen.called, stock)

    async def claim(self, gateway: int, which: float) -> None:
        """Any place is claimed."""
        if self.places:
            await self.claim_place(gateway, self.chosen(which))

    async def rush(self, gateway: int, claims: int) -> None:
        """Many who have not been let in try at once, the first in line first."""
        drop, turns = self.model.drop(), self.model.turns
        waiting = (p for p in self.places if p.drop == drop and (drop, p.number) not in turns)
        for place, _ in zip(waiting, range(claims), strict=False):
            await self.claim_place(gateway, place)

    async def busy(self, gateway: int, ticks: int, claims: int) -> None:
        """For a while somebody pumps and the first in line try, ten times a second."""
        for tick in range(ticks):
            await self.advance(100)
            await self.pump((gateway + tick // 12) % 3, None)
            await self.rush(gateway, claims)

    async def claim_place(self, gateway: int, place: Place) -> None:
        """One claim, which store and model answer alike."""
        outcome = await self.gateways[gateway].claim(SALE, place, now_ms=self.model.now_ms)
        word = _word(outcome)
        self.words[word] += 1
        assert word == self.model.claim(place)
        if isinstance(outcome, Admitted):
            expires_ms = self.model.turns[(place.drop, place.number)].expires_ms
            assert outcome.pass_claims.expires_at_ms == expires_ms

    async def rate(self, rate_milli: int, burst: int) -> None:
        """The operator sets rate and burst."""
        now_ms = self.model.now_ms
        await self.gateways[0].set_room(
            SALE, RoomSettings(rate_per_s=rate_milli / 1000, burst=burst), "story", now_ms=now_ms
        )
        self.model.set_rate(Fraction(rate_milli, 1000), burst)

    async def state(self, state: str) -> None:
        """The operator pauses or opens."""
        now_ms = self.model.now_ms
        await self.gateways[0].set_state(SALE, state, now_ms=now_ms)  # type: ignore[arg-type]
        self.model.set_state(state)

    async def finish(self, which: float) -> None:
        """Somebody's purchase is done, or the message of it comes twice."""
        if self.places:
            place = self.chosen(which)
            await self.gateways[0].finish(SALE, [inside(place)])
            self.model.finish(place)

    async def leave(self, which: float) -> None:
        """Somebody leaves."""
        if self.places:
            place = self.chosen(which)
            await self.gateways[0].leave(SALE, place, now_ms=self.model.now_ms)
            self.model.leave(place)

    def chosen(self, which: float) -> Place:
        """The place at that fraction of the list."""
        return self.places[int(which * len(self.places))]


@given(actions=st.lists(ACTIONS, min_size=20, max_size=80))
@settings(
    max_examples=60,
    # Shrinking a story on a real store takes minutes: add Phase.shrink by hand for a failing one.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_no_window_lets_in_more_than_rate_and_burst(
    store: Store, actions: list[tuple[Any, ...]]
) -> None:
    """In any story store and model agree on every claim, and admitted <= rate * w + burst holds.

    Through rate changes, pauses, caps, drops, a clock set back and three gateways that pump and
    claim by turns.
    """
    await store.write("FLUSHALL")
    story = Story([another_gateway(store) for _ in range(3)])
    await story.gateways[0].configure(SALE, RULES, "story", now_ms=1)
    await story.gateways[0].set_state(SALE, "open", now_ms=1)
    await story.advance(BEGINS_MS)
    await story.join(0, 30)
    for action in actions:
        await story.do(*action)
    for word in story.words:
        event(word)
    assert story.model.worst_window() <= 0


async def test_the_rate_is_used_and_not_exceeded(store: Store) -> None:
    """With a line that claims, twenty seconds let in at least 95 % of the rate, through a change.

    Two gateways serve the claims in parallel; half a second's claims are sent at once.
    """
    rules = replace(RULES, rate_per_s=20, active_max=0)
    story = Story([another_gateway(store) for _ in range(2)])
    story.model = Model(rules, Fraction(20), 3, now_ms=BEGINS_MS, true_ms=BEGINS_MS)
    await story.gateways[0].configure(SALE, rules, "story", now_ms=BEGINS_MS)
    await story.gateways[0].set_state(SALE, "open", now_ms=BEGINS_MS)
    await story.join(0, 800)
    due_ms: dict[int, int] = {}
    for tick in range(400):
        if tick == 200:
            await story.rate(40_000, 5)
        if tick % 5 == 0:
            await story.pump(tick // 40 % 2, None)
        now_ms = story.model.now_ms
        left = (p for p in story.places if (1, p.number) not in story.model.turns)
        waiting = [p for p in left if due_ms.get(p.number, 0) <= now_ms][:6]
        outcomes = await asyncio.gather(
            *(
                story.gateways[place.number % 2].claim(SALE, place, now_ms=story.model.now_ms)
                for place in waiting
            )
        )
        admitted = [
            place
            for place, told in zip(waiting, outcomes, strict=True)
            if _word(told) == "admitted"
        ]
        assert [story.model.claim(place) for place in admitted] == ["admitted"] * len(admitted)
        for place, told in zip(waiting, outcomes, strict=True):
            if isinstance(told, Wait) and told.reason == "pace":
                due_ms[place.number] = now_ms + told.retry_ms
        await story.advance(50)
    assert story.model.worst_window() <= 0
    assert len(story.model.admitted_ms) >= 0.95 * (20 * 10 + 40 * 10)


async def test_a_new_drop_brings_no_second_burst(store: Store) -> None:
    """The bucket is the room's: what the end of one drop used, the next one's opening lacks."""
    rules = replace(RULES, rate_per_s=1, burst=4, lobby_ms=0, openings_ms=(5_000, 10_000))
    story = Story([another_gateway(store)])
    story.model = Model(rules, Fraction(1), 4, now_ms=9_000, true_ms=9_000)
    await story.gateways[0].configure(SALE, rules, "story", now_ms=9_000)
    await story.gateways[0].set_state(SALE, "open", now_ms=9_000)
    await story.join(0, 10)
    await story.busy(0, 9, 2)
    await story.advance(100)
    await story.join(0, 10)
    await story.busy(0, 9, 2)
    assert {place.drop for place in story.places} == {1, 2}
    assert story.words["admitted"] == 5
    assert story.model.worst_window() <= 0


def _word(outcome: ClaimOutcome) -> str:
    if isinstance(outcome, Admitted):
        return "again" if outcome.replayed else "admitted"
    return outcome.reason
