"""What a join costs the store: CPU in batches, and memory for each who waits."""

import asyncio
from dataclasses import dataclass

from lua.store import Store
from queueing.joins import JoinRequest
from queueing.rehearsal.plan import OPENS_MS
from queueing.room import Rooms
from queueing.rules import RoomRules

SALE = "joins"
BATCH = 64
SETTLED_S = 0.2


@dataclass(frozen=True, slots=True)
class JoinCost:
    """Joins a second of the store's CPU (user and system), and bytes a waiting shopper."""

    joins_per_cpu_s: float
    bytes_per_shopper: float


async def measure_joins(rooms: Rooms, store: Store, shoppers: int) -> JoinCost:
    """So many joins into a lobby, 64 in a call, with nothing else going on."""
    rules = RoomRules(rate_per_s=1, openings_ms=(OPENS_MS,), lobby_ms=600_000)
    await rooms.configure(SALE, rules, "rehearsal", now_ms=1)
    await rooms.set_state(SALE, "open", "rehearsal", now_ms=1)
    lobby_ms = OPENS_MS - 300_000
    await _join(rooms, 0, BATCH, lobby_ms)  # the scripts are loaded
    cpu_s, used = await _spent(store)
    for first in range(BATCH, shoppers, BATCH):
        await _join(rooms, first, BATCH, lobby_ms)
    cpu_then_s, used_then = await _spent(store)
    joined = len(range(BATCH, shoppers, BATCH)) * BATCH
    return JoinCost(joined / max(1e-6, cpu_then_s - cpu_s), (used_then - used) / joined)


async def _join(rooms: Rooms, first: int, count: int, now_ms: int) -> None:
    batch = [
        JoinRequest(f"join-{number}", f"shopper{number:017d}")
        for number in range(first, first + count)
    ]
    await rooms.join(SALE, batch, now_ms=now_ms)


async def _spent(store: Store) -> tuple[float, int]:
    """CPU seconds of the server so far, and the bytes of what it keeps."""
    await asyncio.sleep(SETTLED_S)
    cpu = _fields(await store.read("INFO", "cpu"))
    memory = _fields(await store.read("INFO", "memory"))
    spent_s = float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])
    return spent_s, int(memory["used_memory_dataset"])


def _fields(text: bytes | dict[str, object]) -> dict[str, str]:
    if isinstance(text, dict):
        return {str(name): str(value) for name, value in text.items()}
    lines = (line.partition(":") for line in text.decode().splitlines())
    return {name: value for name, _, value in lines}
