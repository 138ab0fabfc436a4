"""A partner's batch: many orders in one call, each with its own key, outcome and status.

Here belongs splitting a batch into pieces and putting the results back in order. One wrong or
unlucky order never spoils the others.

A piece is what Python works on between two awaits, so that other calls go on meanwhile. One piece
of a sale is with the store while Python makes the next one ready and shows the one before; never
two, because then a later order could come before an earlier one.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import lua.store
from gateway import asking, order_outcomes
from gateway.auth import Partner
from gateway.bodies import BatchOrderBody
from gateway.order_outcomes import Told
from gateway.partner_answers import BatchItemAnswer
from gateway.problems import Code, Problem, Refused, problem
from gateway.shelves import Shelf, Shelves
from gateway.showing import Showing
from gateway.till import Till
from inventory.ids import Identities
from inventory.orders import HoldRequest
from inventory.outcomes import HoldOutcome
from lua.faults import Fault, MayHaveHappened, NothingHappened

PIECE = 128
"""Orders of one piece: about 3 ms of Python, and no longer in the store than two of shoppers."""
SALES_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _Piece:
    """Orders of one sale, asked for: what the till is asked, or why one cannot be."""

    positions: Sequence[int]
    asked: Sequence[HoldRequest | Problem]
    outcomes: "asyncio.Task[list[HoldOutcome | Fault]]"


class _Results:
    """One result for each order of a batch, and when the last of them must be known."""

    def __init__(self, count: int) -> None:
        self.items: list[BatchItemAnswer | None] = [None] * count
        self.until_s = asyncio.get_running_loop().time() + lua.store.CALL_TIMEOUT_S
        self.at_once = asyncio.Semaphore(SALES_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Batches:
    """Batches of orders of one process."""

    shelves: Shelves
    till: Till
    showing: Showing
    identities: Identities

    async def sell(
        self, partner: Partner, orders: Sequence[BatchOrderBody]
    ) -> list[BatchItemAnswer]:
        """One result for each order, in their order."""
        results = _Results(len(orders))
        members: dict[str, list[int]] = {}
        for at, order in enumerate(orders):
            members.setdefault(order.sale, []).append(at)
        await asyncio.gather(
            *(self._sell(sale, partner, orders, found, results) for sale, found in members.items())
        )
        return [item for item in results.items if item is not None]

    async def _sell(
        self,
        sale: str,
        partner: Partner,
        orders: Sequence[BatchOrderBody],
        positions: Sequence[int],
        results: _Results,
    ) -> None:
        """The orders of one sale, piece after piece."""
        try:
            shelf = await self.shelves.for_partner(sale, partner.id)
        except (Refused, Fault) as error:
            why = error.problem if isinstance(error, Refused) else problem(Code.NOTHING_HAPPENED)
            for at in positions:
                results.items[at] = _told_problem(why)
            return
        async with results.at_once:
            before: _Piece | None = None
            try:
                for first in range(0, len(positions), PIECE):
                    some = positions[first : first + PIECE]
                    asked = [self._asked(shelf, partner, orders[at]) for at in some]
                    if before is not None:
                        await asyncio.wait((before.outcomes,))
                    task = asyncio.create_task(self._hold(shelf, asked, results.until_s))
                    before, done = _Piece(some, asked, task), before
                    await asyncio.sleep(0)  # the piece is sent before Python goes on
                    if done is not None:
                        await self._show(shelf, done, results)
                if before is not None:
                    await self._show(shelf, before, results)
            finally:
                if before is not None:
                    before.outcomes.cancel()

    async def _hold(
        self, shelf: Shelf, asked: Sequence[HoldRequest | Problem], until_s: float
    ) -> list[HoldOutcome | Fault]:
        requests = [one for one in asked if isinstance(one, HoldRequest)]
        if asyncio.get_running_loop().time() >= until_s:
            return [NothingHappened("the batch has taken its time")] * len(requests)
        return await self.till.hold_all(shelf.view, requests, until_s=until_s)

    async def _show(self, shelf: Shelf, piece: _Piece, results: _Results) -> None:
        outcomes = iter(await piece.outcomes)
        told = [
            one if isinstance(one, Problem) else _told(next(outcomes), shelf) for one in piece.asked
        ]
        for at, item in zip(piece.positions, await self._items(shelf, told), strict=True):
            results.items[at] = item

    async def _items(self, shelf: Shelf, told: Sequence[Told]) -> list[BatchItemAnswer]:
        successes = [one.order for one in told if not isinstance(one, Problem)]
        try:
            shown = iter(await self.showing.orders(shelf, successes))
        except Fault:  # sold, but a code cannot be read now: the repeat will tell it
            unsure = problem(Code.MAY_HAVE_HAPPENED)
            return [_told_problem(one if isinstance(one, Problem) else unsure) for one in told]
        return [
            _told_problem(one)
            if isinstance(one, Problem)
            else BatchItemAnswer(status=one.status, order=next(shown), replayed=one.replayed)
            for one in told
        ]

    def _asked(
        self, shelf: Shelf, partner: Partner, order: BatchOrderBody
    ) -> HoldRequest | Problem:
        try:
            return asking.partners_order(shelf, self.identities, partner, order.key, order)
        except Refused as refused:
            return refused.problem


def _told(outcome: HoldOutcome | Fault, shelf: Shelf) -> Told:
    if isinstance(outcome, MayHaveHappened):
        return problem(Code.MAY_HAVE_HAPPENED)
    if isinstance(outcome, Fault):
        return problem(Code.NOTHING_HAPPENED)
    return order_outcomes.of_hold(outcome, shelf)


def _told_problem(told: Problem) -> BatchItemAnswer:
    return BatchItemAnswer(status=told.status, problem=told)
