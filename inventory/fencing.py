"""The fence of a slot: how it stands, stopping one that lost facts, letting one sell again.

The scripts refuse a slot whose record names another server than the one that they run on. Who may
decide that nothing is missing, and when, belongs to the gateway; here are the steps in the store.
"""

from dataclasses import dataclass

from inventory import keys
from lua import Store, signature
from lua.memory import Mark

SLOT_REOPEN = signature(
    "slot_reopen",
    keys=("sale",),
    argv=("epoch", "fact", "was"),
    replies=("no_slot", "kept", "changed", "reopened"),
)
SLOT_FENCE = signature(
    "slot_fence",
    keys=("sale",),
    argv=("epoch", "fact"),
    replies=("no_slot", "whole", "stopped"),
)


@dataclass(frozen=True, slots=True)
class SlotState:
    """A slot as its store has it now. `server` is who it may be written on, '' for nobody."""

    epoch: int
    fact: int
    settled: int
    server: str
    is_open: bool

    @property
    def mark(self) -> Mark:
        """How far it is."""
        return self.epoch, self.fact


class Fences:
    """The fences of one store's slots."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def state(self, sale_id: str, stripe: int) -> SlotState | None:
        """How a slot stands; None when the store does not know it."""
        key = keys.sale(sale_id, stripe)
        got = await self._store.read("HMGET", key, "epoch", "fact", "settled", "server")
        if got[0] is None:
            return None
        server = (got[3] or b"").decode()
        here = await self._store.server_of(key)
        return SlotState(int(got[0]), int(got[1]), int(got[2]), server, server == here)

    async def reopen(self, sale_id: str, stripe: int, state: SlotState) -> bool:
        """Let the slot sell again, if it still is as `state` says. Repeatable."""
        args = (*state.mark, state.server)
        reply = await self._store.run(SLOT_REOPEN, (keys.sale(sale_id, stripe),), args)
        return reply[0] in (b"reopened", b"kept")

    async def stop(self, sale_id: str, stripe: int, seen: Mark) -> bool:
        """Fence a slot on purpose, unless it has the fact `seen`. Repeatable."""
        reply = await self._store.run(SLOT_FENCE, (keys.sale(sale_id, stripe),), seen)
        return bool(reply[0] == b"stopped")
