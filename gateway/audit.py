"""The audit of a sale: every invariant, on the live system, in bounded steps.

The store's counters and orders are compared with the books as of the same fact number, so that
selling may go on. Here belong the order of the checks and those that only the books can answer;
routes and the command line show the result. Nothing is mended here: a violation is for a person.
"""

import asyncio
import time
from collections.abc import Callable

from gateway.audit_buckets import audit_buckets
from gateway.audit_checks import Audit, Check
from gateway.audit_units import audit_units
from inventory.sales import SaleView
from inventory.stock import Stock
from lua.faults import NothingHappened
from lua.store import Store
from settlement import Alarm, Books

BOOKS_WAIT_S = 30.0
"""How long the books may take to reach a fact number of the store."""
POLL_S = 0.05
ALARMS = {
    "one_owner_in_the_books": ("second_owner", "other_owner"),
    "redeemed_once": ("redeemed_twice",),
    "nothing_contradicts_the_books": None,
}

Progress = Callable[[str, int, int], None]
"""(step, done, total), after every step."""


def _silent(_step: str, _done: int, _total: int) -> None:
    """No progress is shown."""


async def audit(store: Store, books: Books, sale: SaleView, progress: Progress = _silent) -> Audit:
    """Check every invariant of a sale.

    Raises Fault when a server does not answer, or the books do not follow within BOOKS_WAIT_S.
    """
    reader = BooksReader(books, sale)
    checks = [*await audit_units(Stock(store), reader, sale, progress)]
    checks += await audit_buckets(store, reader, sale, progress)
    for name, kinds in ALARMS.items():
        checks.append(_alarms(name, sale, await books.violations(sale.id, kinds)))
    checks.append(await _facts(store, reader, sale))
    checks.append(await _recount(books, sale))
    checks.append(await _trial_balance(books))
    return Audit(sale.id, tuple(checks))


class BooksReader:
    """The books of one sale, and waiting until they have a fact."""

    def __init__(self, books: Books, sale: SaleView) -> None:
        self.books = books
        self._sale = sale.id
        self._cursors: dict[int, tuple[int, int]] = {}

    async def wait_for(self, stripe: int, fact: tuple[int, int]) -> None:
        """Return when the books have a fact. Raises NothingHappened when they do not in time."""
        if not await self.reaches(stripe, fact):
            raise NothingHappened(
                f"the books of {self._sale} do not reach fact {fact[0]}-{fact[1]} of stripe "
                f"{stripe}; is a settlement worker running?"
            )

    async def reaches(self, stripe: int, fact: tuple[int, int]) -> bool:
        """Whether the books have a fact, or get it within BOOKS_WAIT_S."""
        until = time.monotonic() + BOOKS_WAIT_S
        while self._cursors.get(stripe, (0, 0)) < fact:
            self._cursors[stripe] = await self.books.cursor(self._sale, stripe) or (0, 0)
            if self._cursors[stripe] < fact:
                if time.monotonic() > until:
                    return False
                await asyncio.sleep(POLL_S)
        return True


def _alarms(name: str, sale: SaleView, found: list[Alarm]) -> Check:
    """What the books knew to be impossible when a fact was posted."""
    check = Check(name, looked_at=sale.fact)
    for alarm in found:
        where = f"fact {alarm.epoch}-{alarm.number}"
        check.wrong(f"{where}: {alarm.kind} of {alarm.subject}: {alarm.detail}")
    return check


async def _facts(store: Store, reader: BooksReader, sale: SaleView) -> Check:
    """Invariant 5: every fact of every stripe has reached the books, and none was unreadable."""
    check = Check("facts_reached_the_books", looked_at=sale.fact)
    for bad in await reader.books.quarantined(sale.id):
        check.wrong(f"facts {bad.epoch}-{bad.first} to {bad.last}: {bad.reason}: {bad.detail}")
    for (name, stripe), why in (await reader.books.stopped()).items():
        if name == sale.id:
            check.wrong(f"stripe {stripe} stands still: {why}")
    for stripe in range(sale.stripes):
        for one in await Stock(store).counts_of(sale, 1, 1, stripe):
            if not await reader.reaches(stripe, (one.epoch, one.fact)):
                check.wrong(f"stripe {stripe}: fact {one.epoch}-{one.fact} is not in the books")
    return check


async def _recount(books: Books, sale: SaleView) -> Check:
    """The books, counted again from their own documents."""
    check = Check("books_recounted", looked_at=sale.fact)
    for one in await books.proof(sale.id):
        check.wrong(f"{one.check}: {one.subject}: expected {one.expected}, found {one.found}")
    return check


async def _trial_balance(books: Books) -> Check:
    """Every entry is balanced, in money and in units."""
    check = Check("trial_balance")
    for commodity, rest in (await books.trial_balance()).items():
        check.look(None if rest == 0 else f"{commodity}: {rest} too much on one side")
    return check
