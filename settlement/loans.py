"""Loans between the stripes of a sale: a unit is received in the books only after it was lent.

Each stripe is posted by itself, and a unit that was lent may be sold by its receiver before the
lender's stripe is posted. So a batch ends before a `received` whose `lent` is still to be posted; a
cause always comes before what follows from it, so stripes cannot wait for each other for ever. A
loan that the lender knows nothing of is not waited for: the fold finds what it contradicts.
"""

from inventory.facts import Received
from lua.store import Store
from settlement import slot as store_side
from settlement.database import Connection
from settlement.reading import Reading
from settlement.slot import BadSlot, Slot
from settlement.stream import Stream


async def up_to_unposted_loan(
    connection: Connection, store: Store, stream: Stream, slot: Slot, found: Reading
) -> Reading:
    """The reading up to the first fact that receives what is lent, but not in the books yet."""
    loans = [
        (one.number, one.fact)
        for one in found.facts
        if isinstance(one.fact, Received) and one.fact.lender < slot.stripes
    ]
    if not loans:
        return found
    rows = await connection.fetch(CURSORS, stream.sale_id)
    cursors = {row["stripe"]: (row["epoch"], row["number"]) for row in rows}
    for number, loan in loans:
        lent = (loan.epoch, loan.fact)
        is_posted = cursors.get(loan.lender, (0, 0)) >= lent or loan.lender == stream.stripe
        if not is_posted and await _is_told(store, stream.sale, loan.lender, lent):
            return _before(found, number)
    return found


async def _is_told(store: Store, sale: str, lender: int, lent: tuple[int, int]) -> bool:
    try:
        slot = await store_side.read_slot(store, sale, lender)
    except BadSlot:
        return True
    return slot is not None and (slot.epoch, slot.fact) >= lent


def _before(found: Reading, number: int) -> Reading:
    return Reading(
        found.epoch,
        number - 1,
        [one for one in found.facts if one.number < number],
        [one for one in found.unreadable if one.first < number],
        found.repeats,
    )


CURSORS = "select stripe, epoch, number from books.stream where sale = $1"
