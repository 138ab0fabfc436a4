"""The table of facts: which meaning each kind has, and what its document is about."""

from inventory import facts as f
from settlement import order_facts, unit_facts
from settlement.batch import Batch
from settlement.posting import Entry
from settlement.reading import Numbered


def apply(batch: Batch, numbered: Numbered) -> None:
    """Fold one fact into the batch."""
    fact, entry = numbered.fact, Entry()
    match fact:
        case f.Held():
            order_facts.held(batch, fact, entry)
        case f.Sold() | f.Confirmed() | f.Reclaimed():
            order_facts.paid(batch, fact, entry)
        case f.Released() | f.Expired():
            order_facts.ended(batch, fact, entry)
        case f.Redeemed():
            unit_facts.redeemed(batch, fact, entry)
        case f.Refunded():
            order_facts.refunded(batch, fact, entry)
        case f.Unfulfilled():
            order_facts.unfulfilled(batch, fact, entry)
        case f.Stocked():
            unit_facts.stocked(batch, fact, entry)
        case f.Voided():
            unit_facts.voided(batch, fact, entry)
        case f.Returned() | f.Withheld() | f.Freed():
            unit_facts.moved(batch, fact, entry)
        case f.Lent() | f.Received():
            unit_facts.lent(batch, fact, entry)
        case f.Allotted():
            unit_facts.allotted(batch, fact, entry)
        case f.Exported():
            unit_facts.exported(batch, fact)
        case f.Reported():
            unit_facts.reported(batch, fact, entry)
        case f.Recalled():
            unit_facts.recalled(batch, fact, entry)
        case f.Begun() | f.Changed():
            pass
    if any(entry.values()):
        batch.entries.append((numbered.number, entry))


def subject_of(fact: f.Fact) -> str:
    """What the fact is about: its order, its allotment, its owner, its offer, or its change."""
    match fact:
        case f.Redeemed():
            return fact.owner
        case f.Allotted() | f.Exported() | f.Reported() | f.Recalled():
            return fact.allotment
        case f.Stocked() | f.Voided() | f.Returned() | f.Withheld() | f.Freed():
            return str(fact.offer)
        case f.Lent() | f.Received():
            return str(fact.offer)
        case f.Begun():
            return f"{fact.kept_epoch}-{fact.kept_number}"
        case f.Changed():
            return fact.what
        case _:
            return fact.order
