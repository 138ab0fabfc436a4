"""Searching: nobody hears that nothing is left before all stripes of the sale were asked.

A stripe that has too few units for an order borrows from the others. That nothing is left is proved
by two looks at all stripes: if nothing came on any shelf between them and no transfer was open,
then at the moment between the looks the whole sale had no more than the first look saw, whatever
left meanwhile. Units that are on their way or in a stripe out of reach count as held.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from inventory.batching import by_stripe
from inventory.lending import Lending, Loan, Look, Transfer
from inventory.sales import SaleView
from lua import Fault, MayHaveHappened, NothingHappened, Store

T = TypeVar("T")
Replies = list[list[Any]]
Needs = dict[int, int]
"""Offer number → units."""
Expire = Callable[[SaleView, int, int], Awaitable[int]]
"""(sale, stripe, now_ms): give back holds of a stripe that have run out; how many."""

SHORT = frozenset({b"sold_out", b"too_few", b"all_held"})
SEARCH_S = 0.6
"""How long a search may take: an answer was promised in a second."""
LOOKS_MAX = 8
"""Pairs of looks for one picture: each is spoiled by a unit that came or a transfer that ended."""
OUT_OF_REACH_RETRY_MS = 1_000
PAUSE_FIRST_S, PAUSE_MAX_S = 0.001, 0.03


@dataclass(frozen=True, slots=True)
class Picture:
    """All stripes, as far as they can be reached.

    `is_proved`: at one moment of the search there was no more than this. Not `is_whole`: some
    stripe, or a transfer, is out of reach.
    """

    looks: tuple[Look, ...]
    is_whole: bool
    is_proved: bool

    def available(self, offer: int) -> int:
        """Units of an offer that anybody could have."""
        return sum(look.available(offer) for look in self.looks)

    def refusal(self, offer: int) -> list[Any]:
        """What an order for more units of this offer is told, as order_hold would say it."""
        holding = [look for look in self.looks if look.held(offer)]
        back = [look.first_due_ms for look in holding if look.first_due_ms]
        if not self.is_whole:
            back.append(max((one.now_ms for one in self.looks), default=0) + OUT_OF_REACH_RETRY_MS)
        if holding or not self.is_whole:
            return [b"all_held", offer, min(back, default=0)]
        left = self.available(offer)
        return [b"too_few", offer, left] if left else [b"sold_out", offer]


@dataclass(frozen=True, slots=True)
class Batch:
    """The requests of a batch: their orders, what each lacks ({}: nothing), how to ask again."""

    sale: SaleView
    orders: Sequence[str]
    need_of: Callable[[int], Needs]
    ask: Callable[[Sequence[int]], Awaitable[Replies]]
    now_ms: int


class Search:
    """Finds units in other stripes. One for each process, so that refusals share their looks."""

    def __init__(self, store: Store, expire: Expire) -> None:
        self._lending = Lending(store)
        self._expire = expire
        self._pictures: dict[object, Shared[Picture]] = defaultdict(Shared)

    async def go_on(self, batch: Batch, replies: Replies) -> None:
        """Ask again with what other stripes have, until no reply is short without proof.

        A proved refusal is put into `replies` in the words of order_hold. Raises NothingHappened,
        or MayHaveHappened when others of the batch were served, if units keep moving.
        """
        until = asyncio.get_running_loop().time() + SEARCH_S
        short, pause_s = [at for at in range(len(replies)) if batch.need_of(at)], PAUSE_FIRST_S
        while short:
            picture, unsure, hopeful = await self._sort(batch, replies, short)
            if hopeful:
                await self._borrow(batch, hopeful, picture)
                for at, reply in zip(hopeful, await batch.ask(hopeful), strict=True):
                    replies[at] = reply
            short = unsure + [at for at in hopeful if batch.need_of(at)]
            if short and asyncio.get_running_loop().time() > until:
                is_alone = len(short) == len(replies)
                fault = NothingHappened if is_alone else MayHaveHappened
                raise fault("units keep moving between the stripes; repeat")
            if short:  # two stripes that ask for each other's last units must not go in step
                await asyncio.sleep(random.uniform(0, pause_s))
                pause_s = min(2 * pause_s, PAUSE_MAX_S)

    async def _sort(
        self, batch: Batch, replies: Replies, short: Sequence[int]
    ) -> tuple[Picture, list[int], list[int]]:
        """Refuse those for whom the whole sale has proved too little.

        The picture, those for whom it has too little without proof, and those who may be served.
        """
        needs = {at: batch.need_of(at) for at in short}
        offers = tuple(sorted({offer for need in needs.values() for offer in need}))
        picture = await self._picture(batch, offers, is_proof=False)
        lacking = _lacking(picture, needs)
        if lacking and not picture.is_proved:
            picture = await self._picture(batch, offers, is_proof=True)
            lacking = _lacking(picture, needs)
        if picture.is_proved:
            for at, offer in lacking.items():
                replies[at] = picture.refusal(offer)
        hopeful = [at for at in short if at not in lacking]
        return picture, [] if picture.is_proved else list(lacking), hopeful

    async def _borrow(self, batch: Batch, hopeful: Sequence[int], picture: Picture) -> None:
        moves = []
        for stripe, members in by_stripe([batch.orders[at] for at in hopeful]).items():
            wants: Counter[int] = Counter()
            for member in members:
                wants.update(batch.need_of(hopeful[member]))
            for offer, need in wants.items():
                wanted = loans(picture, batch.sale.stripes, stripe, offer, need)
                moves += [self._move(batch, loan) for loan in wanted]
        await asyncio.gather(*moves)

    async def _move(self, batch: Batch, loan: Loan) -> None:
        with suppress(Fault):  # the next look sees what became of it
            await self._lending.move(batch.sale, loan, batch.now_ms)

    async def _picture(self, batch: Batch, offers: tuple[int, ...], *, is_proof: bool) -> Picture:
        key = (batch.sale.id, offers, is_proof)
        try:
            return await self._pictures[key].get(lambda: self._take(batch, offers, is_proof))
        finally:
            if self._pictures[key].is_idle:
                del self._pictures[key]

    async def _take(self, batch: Batch, offers: tuple[int, ...], is_proof: bool) -> Picture:
        picture = Picture((), is_whole=False, is_proved=False)
        for _ in range(LOOKS_MAX):
            first = await self._lending.look(batch.sale, offers, batch.now_ms)
            looks = tuple(look for look in first if isinstance(look, Look))
            ended, is_clear = await self._end_what_is_under_way(batch, looks, offers)
            if ended:
                continue
            is_whole = is_clear and len(looks) == len(first)
            picture = Picture(looks, is_whole, is_proved=False)
            if not is_proof and any(picture.available(offer) for offer in offers):
                return picture
            again = await self._lending.look(batch.sale, offers, batch.now_ms)
            if _is_proof(first, again, offers):
                return Picture(looks, is_whole, is_proved=True)
        return picture

    async def _end_what_is_under_way(
        self, batch: Batch, looks: Sequence[Look], offers: Sequence[int]
    ) -> tuple[bool, bool]:
        """Finish transfers and expire holds that are due: whether any was, and whether all were."""
        steps: list[Coroutine[Any, Any, bool]] = [
            self._finished(batch, transfer) for look in looks for transfer in look.open
        ]
        steps += [
            self._expired(batch, look.stripe)
            for look in looks
            if 0 < look.first_due_ms <= look.now_ms and any(look.held(one) for one in offers)
        ]
        ended = await asyncio.gather(*steps)
        return any(ended), all(ended)

    async def _finished(self, batch: Batch, transfer: Transfer) -> bool:
        try:
            return await self._lending.finish(batch.sale, transfer, batch.now_ms)
        except Fault:
            return False

    async def _expired(self, batch: Batch, stripe: int) -> bool:
        try:
            return await self._expire(batch.sale, stripe, batch.now_ms) > 0
        except Fault:
            return False


class Shared(Generic[T]):
    """One run at a time; who comes while one is under way shares the next.

    A run that began before the caller came may have seen what was before.
    """

    def __init__(self) -> None:
        self._running: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for anything."""
        return self._next is None and (self._running is None or self._running.done())

    async def get(self, run: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What a run that begins from now on returns."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running, run))
        return await asyncio.shield(self._next)

    async def _after(
        self, running: asyncio.Task[T] | None, run: Callable[[], Coroutine[Any, Any, T]]
    ) -> T:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._next = self._next, None
        return await run()


def loans(picture: Picture, stripes: int, receiver: int, offer: int, need: int) -> list[Loan]:
    """What a stripe borrows of an offer so that it has `need` units, and its share of all.

    From the fullest, who keep their own share as long as the others can give what is lacking.
    """
    left = {look.stripe: look.available(offer) for look in picture.looks}
    own = left.pop(receiver, 0)
    lacking = need - own
    if lacking <= 0:
        return []
    share = (own + sum(left.values())) // stripes
    beyond = max(lacking, share - own)
    wanted = []
    for lender in sorted(left, key=lambda stripe: -left[stripe]):
        most = max(min(left[lender], lacking), min(left[lender] - share, beyond), 0)
        least = max(0, min(most, lacking))
        lacking, beyond = lacking - least, beyond - most
        if most > 0:
            wanted.append(Loan(offer, lender, receiver, least, most, share))
    return wanted


def _lacking(picture: Picture, needs: dict[int, Needs]) -> dict[int, int]:
    """Who needs more than the whole sale has, and of which offer."""
    return {
        at: next(offer for offer, units in need.items() if picture.available(offer) < units)
        for at, need in needs.items()
        if any(picture.available(offer) < units for offer, units in need.items())
    }


def _is_proof(
    first: Sequence[Look | NothingHappened],
    again: Sequence[Look | NothingHappened],
    offers: Sequence[int],
) -> bool:
    for one, other in zip(first, again, strict=True):
        if not isinstance(one, Look) or not isinstance(other, Look):
            continue  # out of reach: its units count as held
        if any(one.came(offer) != other.came(offer) for offer in offers):
            return False
    return True
