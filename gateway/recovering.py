"""A fenced slot that misses facts: what gateways handed in, and the books, become a slot again.

Used by the gateway that leads and by `dropgate rebuild`, which then does what a gateway would. Who
is waited for is `fencing`'s; how a slot is built is `rebuilding`'s.
"""

from dataclasses import dataclass

from gateway.rebuilding import (
    Busy,
    Evidence,
    NotPublished,
    Progress,
    Rebuilt,
    rebuild_slot,
    silent,
)
from inventory import keys
from inventory.catalogue import Catalogue
from inventory.fencing import SlotState
from inventory.restore import Call
from lua.store import Store
from queueing import Rooms
from settlement import Books, Recovery

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Awaited:
    """So many living gateways have not said what they have seen."""

    gateways: int


@dataclass(frozen=True, slots=True)
class Parts:
    """What a rebuilding works with."""

    store: Store
    books: Books
    catalogue: Catalogue
    rooms: Rooms


async def fence_of(store: Store, place: Place, state: SlotState | None) -> str:
    """The name of a fence: gateways hand in what they know once for each."""
    here = await store.server_of(keys.sale(*place))
    return f"{here} {state.server} {state.mark}" if state is not None else f"{here} missing"


async def recover_slot(
    parts: Parts,
    recovery: Recovery,
    place: Place,
    fence: str,
    *,
    withhold_all: bool = False,
    dry_run: bool = False,
    progress: Progress = silent,
) -> Rebuilt | Busy | NotPublished | Awaited:
    """Build the slot of a fence anew from all that is known of it.

    `withhold_all`: as if a gateway that remembered sales were gone.
    """
    async with recovery.leading(place) as lead:
        if lead is None:
            return Busy()
        standing = await lead.standing(fence)
        if standing.awaited:
            return Awaited(standing.awaited)
        calls = [Call(script, args) for script, _, args in await lead.unanswered()]
        found = await rebuild_slot(
            parts.store,
            parts.books,
            parts.catalogue,
            *place,
            evidence=Evidence(
                remembered=await lead.remembered(),
                unanswered=calls,
                gone=standing.gone or withhold_all,
            ),
            rooms=parts.rooms,
            dry_run=dry_run,
            progress=progress,
        )
        if isinstance(found, Rebuilt) and not dry_run:
            await lead.forget()
        return found
