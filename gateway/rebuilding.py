"""Building a slot anew that the store lost, or that went back in time: from the books and memories.

Here is the order of the steps. Facts become a slot in `inventory.restore`, they come from the books
of `settlement` and from what gateways remember, and the rules of the sale from the catalogue.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.sale_desk import room_rules
from inventory import facts as f
from inventory.catalogue import Catalogue, Restorable, Shelf
from inventory.lending import received_from
from inventory.restore import (
    Blob,
    Call,
    Fitting,
    Rebuilding,
    Replay,
    Slot,
    SlotRules,
    claims_of,
    entries_of,
    told_after,
    withhold,
)
from inventory.sales import SaleRecord
from lua.store import Store
from queueing import Changed as RoomChanged, Rooms, SetState
from settlement import Books, Kept

ROOM_RESTS_MS = 2_000
"""Gateways that saw a room hand that in by then, though the one that rebuilds saw nothing of it."""
REBUILDER = "rebuild"
"""The actor of what is done to the room."""
FACTS_IN_A_ROW = 200
"""Facts folded before the other work of this process goes on."""
_ROOM_STATES: dict[str, SetState] = {
    "open": "open", "paused": "paused", "draining": "draining", "closed": "closed",
}  # fmt: skip
Progress = Callable[[str, int, int], None]
"""(step, done, total), now and then."""


def silent(_step: str, _done: int, _total: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A slot that sells again. `kept` settled facts, `restored` facts that only memories had.

    `lost` are those that contradicted others; `withheld` the units kept back, by offer number;
    `blobs` the first facts of the new epoch, to be remembered until they are settled.
    """

    sale: str
    stripe: int
    epoch: int
    kept: int
    unread: int
    restored: int
    lost: tuple[f.Fact, ...]
    withheld: dict[int, int]
    orders: int
    seconds: float
    blobs: tuple[Blob, ...]

    def told(self) -> str:
        """What came of it, in a sentence."""
        kept_back = sum(self.withheld.values())
        return (
            f"{self.sale} stripe {self.stripe} is built anew in epoch {self.epoch}: "
            f"{self.orders:,} orders from {self.kept:,} settled facts, {self.restored:,} facts "
            f"restored, {len(self.lost):,} not kept, {kept_back:,} units withheld, "
            f"{self.seconds:.1f} s"
        )


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else rebuilds this slot at this moment."""


@dataclass(frozen=True, slots=True)
class NotPublished:
    """The tables know no such sale, or the store never had it whole."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known beyond the books: remembered facts, and calls that nobody heard the end of.

    `gone`: somebody who remembered successes is not there to be asked.
    """

    remembered: Sequence[Blob] = ()
    unanswered: Sequence[Call] = ()
    gone: bool = False


async def rebuild_slot(
    store: Store,
    books: Books,
    catalogue: Catalogue,
    sale: str,
    stripe: int = 0,
    *,
    evidence: Evidence,
    rooms: Rooms | None = None,
    dry_run: bool = False,
    progress: Progress = silent,
    now_ms: int = 0,
) -> Rebuilt | Busy | NotPublished:
    """Build a slot anew and let it sell; `dry_run` only finds out what would come of it.

    Stripe 0 brings what the store shows of the sale, and with `rooms` its room. Interrupted
    anywhere, it is begun again. Raises BadStory when the books contradict themselves,
    LostToAnother, and the faults of store and database.
    """
    rules = await catalogue.restorable(sale)
    if rules is None:
        return NotPublished()

    async def bring_the_rest(state: str) -> None:
        if stripe == 0:
            await catalogue.republish(sale, Shelf.of(store), progress=progress)
            if rooms is not None:
                await _open_room(rooms, rules, state)

    return await rebuild_from_rules(
        store,
        books,
        rules.slot,
        stripe,
        evidence=evidence,
        before_it_opens=bring_the_rest,
        dry_run=dry_run,
        progress=progress,
        now_ms=now_ms,
    )


async def rebuild_from_rules(
    store: Store,
    books: Books,
    rules: SlotRules,
    stripe: int,
    *,
    evidence: Evidence,
    before_it_opens: Callable[[str], Awaitable[None]],
    dry_run: bool = False,
    progress: Progress = silent,
    now_ms: int = 0,
) -> Rebuilt | Busy:
    """The same for a slot whose rules are known. `before_it_opens` hears the sale's state."""
    begun, record = time.monotonic(), rules.record
    async with books.kept_facts(record.id, stripe, (record.currency, record.timezone)) as kept:
        if kept is None:
            return Busy()
        rebuilding = Rebuilding(store, record, stripe, secrets.token_hex(8))
        if not dry_run:
            await rebuilding.seize(rules.revision)
        replay = Replay(rules.offers)
        await _fold(replay, kept, progress)
        blobs = [*evidence.remembered, *await rebuilding.surviving(kept.cursor)]
        epoch = 1 + max([kept.cursor[0], *(one[0] for one in blobs)])
        fitting = Fitting(replay, first=1)
        now_ms = now_ms or time.time_ns() // 1_000_000
        fitting.add(f.Begun(0, now_ms, *kept.cursor))
        for fact in told_after(blobs, kept.cursor):
            fitting.offer(fact)
        drops = [drop.opens_at_ms for drop in record.drops]
        claims = [one for call in evidence.unanswered for one in claims_of(call, replay.slot)]
        everything = evidence.gone or await lent_more(store, record, stripe, replay.slot)
        withheld = withhold(fitting, claims, everything=everything, drops=drops, now_ms=now_ms)
        entries = entries_of(epoch, fitting.kept)
        if not dry_run:
            await before_it_opens(replay.slot.state)
            await rebuilding.write(replay.slot, entries, rules.last_serial, progress)
            await rebuilding.open(epoch, fitting.kept[-1].number, replay.slot.state)
    return Rebuilt(
        sale=record.id,
        stripe=stripe,
        epoch=epoch,
        kept=kept.count,
        unread=kept.unread,
        restored=fitting.restored,
        lost=tuple(fitting.lost),
        withheld=withheld,
        orders=len(replay.slot.orders),
        seconds=time.monotonic() - begun,
        blobs=tuple(entries),
    )


async def lent_more(store: Store, record: SaleRecord, stripe: int, slot: Slot) -> bool:
    """Whether another stripe received units that the slot, as far as facts tell, never lent."""
    received = await received_from(store, record, stripe)
    lent = {receiver: (one.epoch, one.fact) for receiver, one in slot.lent.items()}
    return any(name > lent.get(receiver, (0, 0)) for receiver, name in received.items())


async def _fold(replay: Replay, kept: Kept, progress: Progress) -> None:
    done = 0
    async for some in kept.facts():
        for at in range(0, len(some), FACTS_IN_A_ROW):
            for fact in some[at : at + FACTS_IN_A_ROW]:
                replay.fold(fact)
            await asyncio.sleep(0)
        done += len(some)
        progress("facts", done, kept.count)


async def _open_room(rooms: Rooms, rules: Restorable, state: str) -> None:
    """The room as its sale file says it, where the store lost it too."""
    sale, told_state = rules.slot.record.id, _ROOM_STATES.get(state)
    await rooms.recovery.look(sale)  # what gateways saw of it goes before what its file says
    wanted = room_rules(rules.room, rules.drops, rules.lanes)
    told = await rooms.configure(sale, wanted, REBUILDER, rest_ms=ROOM_RESTS_MS)
    if isinstance(told, RoomChanged) and told.changed and told_state is not None:
        await rooms.set_state(sale, told_state, REBUILDER)
