"""A partner's batch: many orders in one call, each with its own key, outcome and status.

Here belongs splitting a batch by sale and putting the results back in order. One wrong or unlucky
order never spoils the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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
from lua.faults import Fault, MayHaveHappened


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
        results: list[BatchItemAnswer | None] = [None] * len(orders)
        members: dict[str, list[int]] = {}
        for at, order in enumerate(orders):
            members.setdefault(order.sale, []).append(at)
        for sale, positions in members.items():
            try:
                shelf = await self.shelves.for_partner(sale, partner.id)
            except Refused as refused:
                for at in positions:
                    results[at] = _told_problem(refused.problem)
                continue
            for at, item in zip(
                positions, await self._sell(shelf, partner, orders, positions), strict=True
            ):
                results[at] = item
        return [item for item in results if item is not None]

    async def _sell(
        self,
        shelf: Shelf,
        partner: Partner,
        orders: Sequence[BatchOrderBody],
        positions: Sequence[int],
    ) -> list[BatchItemAnswer]:
        asked = [self._asked(shelf, partner, orders[at]) for at in positions]
        requests = [one for one in asked if isinstance(one, HoldRequest)]
        outcomes = iter(await self.till.hold_all(shelf.view, requests))
        told = [one if isinstance(one, Problem) else _told(next(outcomes), shelf) for one in asked]
        successes = [one for one in told if not isinstance(one, Problem)]
        shown = iter(await self.showing.orders(shelf, [one.order for one in successes]))
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
