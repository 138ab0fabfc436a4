"""What a store is like, for who checks an installation: version, promises, memory, clock, speed.

Here: reading it, at one moment, through the one door. Not here: what is good and what is bad of it.
"""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from lua.faults import Fault
from lua.store import Store

_PINGS = 20
_WRITES = 8
_KEY = "dropgate:condition"
_KEPT_MS = 10_000
_SETTINGS = ("appendonly", "appendfsync", "maxmemory-policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCondition:
    """One store at one moment. `settings` None: it forbids reading them.

    `clock_ahead_ms`: how far its clock is before ours, as exactly as `ping_ms` allows. `write_ms`:
    the usual time of a write until it is acknowledged, an fsync included where it fsyncs always.
    `refused`: why it takes no write.
    """

    program: str
    version: tuple[int, ...]
    is_master: bool
    replicas: int
    settings: Mapping[str, str] | None
    last_write_ok: bool
    last_rewrite_ok: bool
    used_bytes: int
    limit_bytes: int
    clients: int
    clients_max: int
    clock_ahead_ms: float
    ping_ms: float
    write_ms: float
    refused: str

    @classmethod
    async def read(cls, store: Store, tag: str = "") -> Self:
        """Ask the server that has a hash tag for everything. Raises NothingHappened."""
        raw: bytes = await store.read("INFO", at=tag)
        info = dict(
            line.split(":", 1) for line in raw.decode(errors="replace").splitlines() if ":" in line
        )
        limits = await _settings(store, tag, "maxmemory", "maxclients")
        ping_ms, ahead_ms = await _pings(store, tag)
        write_ms, refused = await _writes(store, tag)
        program, number = (
            ("Valkey", info["valkey_version"])
            if "valkey_version" in info
            else ("Redis", info["redis_version"])
        )
        return cls(
            program=program,
            version=tuple(int(part) for part in number.split(".") if part.isdigit()),
            is_master=info["role"] == "master",
            replicas=int(info["connected_slaves"]),
            settings=await _settings(store, tag, *_SETTINGS),
            last_write_ok=info["aof_last_write_status"] == "ok",
            last_rewrite_ok=info["aof_last_bgrewrite_status"] == "ok",
            used_bytes=int(info["used_memory"]),
            limit_bytes=int(info.get("maxmemory", 0)) or int(info.get("total_system_memory", 0)),
            clients=int(info["connected_clients"]),
            clients_max=int((limits or {}).get("maxclients", 0)),
            clock_ahead_ms=ahead_ms,
            ping_ms=ping_ms,
            write_ms=write_ms,
            refused=refused,
        )


async def _settings(store: Store, tag: str, *names: str) -> dict[str, str] | None:
    try:
        flat = await store.read("CONFIG", "GET", *names, at=tag)
    except PermissionError:
        return None
    texts = [item.decode() for item in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))


async def _pings(store: Store, tag: str) -> tuple[float, float]:
    """The usual time of an answer, and how far the store's clock is ahead, by its quickest one."""
    best: tuple[float, float] | None = None
    took = []
    for _ in range(_PINGS):
        begun = time.perf_counter()
        wall = time.time()
        seconds, micros = await store.read("TIME", at=tag)
        spent = time.perf_counter() - begun
        took.append(spent)
        if best is None or spent < best[0]:
            best = (spent, int(seconds) + int(micros) / 1e6 - wall - spent / 2)
    assert best is not None
    return statistics.median(took) * 1000, best[1] * 1000


async def _writes(store: Store, tag: str) -> tuple[float, str]:
    """The usual time of a write, or why it was refused."""
    took = []
    for number in range(_WRITES):
        begun = time.perf_counter()
        try:
            await store.write("SET", _KEY + tag, number, "PX", _KEPT_MS)
        except Fault as refused:
            return 0.0, str(refused)
        took.append(time.perf_counter() - begun)
    return statistics.median(took) * 1000, ""
