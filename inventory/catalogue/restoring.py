"""A published sale as its slots are rebuilt from: the rules of the sale and of its offers.

What the store shows of a sale (its meaning and its venues' codes) is written anew from the tables.
"""

from dataclasses import dataclass

from inventory.catalogue.known import Known
from inventory.catalogue.lot_tables import Connection, published_lots
from inventory.catalogue.publishing import Meaning, offer_record, sale_record
from inventory.catalogue.shelving import Progress, write_codes
from inventory.restore import SlotRules
from inventory.salefile import Drop, LaneLine, RoomLine
from lua import Store


@dataclass(frozen=True, slots=True)
class Restorable:
    """What facts do not say of a sale: the rules of its slots, and of its room."""

    slot: SlotRules
    room: RoomLine
    drops: list[Drop]
    lanes: list[LaneLine]


def restorable(known: Known) -> Restorable:
    """The rules of a sale that was published."""
    record = sale_record(known)
    drops = {drop.id: number for number, drop in enumerate(record.drops, start=1)}
    offers = tuple(offer_record(known, offer, drops) for offer in known.offers.values())
    slot = SlotRules(record, known.published, offers, known.next_serial)
    return Restorable(slot, known.document.room, known.document.drops, known.document.lanes)


async def republish(connection: Connection, known: Known, store: Store, progress: Progress) -> None:
    """Write what the store shows of the sale once more."""
    meaning = Meaning(known, store, progress)
    await meaning.write_parts()
    coded = {offer.number for offer in known.offers.values() if offer.record.codes == "outside"}
    lots = [lot for lot in await published_lots(connection, known.id) if lot.offer in coded]
    await write_codes(connection, store, known.id, lots, progress)
    await meaning.write_sale()
