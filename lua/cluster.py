"""The map of a cluster: which of its servers has which hash slot.

It is read from the servers, kept, and corrected by what they say (MOVED). Here is no call and no
retry, which are the door's (lua.store). redis-py's own cluster client is not used: it answers a
moved slot by closing the connections of other calls, and cannot wait for replicas on the
connection that wrote (ARCHITECTURE.md, section 8).
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from lua.address import Address, Place
from lua.faults import NothingHappened
from lua.node import Lost, Moved, Node, Unsent, hash_slot

MAP_TIMEOUT_S = 0.3
"""How long one reading of the map may take: a call waits for it."""
DOUBT_PAUSE_S = 0.05
"""However many calls doubt the map, it is read no more often than this."""


@dataclass(frozen=True, slots=True)
class _View:
    """How one node sees the cluster: whether it is with the majority, and how new its view is."""

    is_ok: bool
    epoch: int
    asked: Place
    rows: list[list[Any]]


class Cluster:
    """A cluster as this process knows it."""

    promotes_by_itself = True

    def __init__(self, address: Address) -> None:
        self._address = address
        self._nodes: dict[Place, Node] = {}
        self._slots: dict[int, Place] = {}
        self._primaries: list[Place] = []
        self._replicas: list[Place] = []
        self._reading: asyncio.Task[None] | None = None
        self._read_at = -1.0

    async def node_of(self, key: str) -> Node:
        """As `Route`."""
        if not self._primaries:
            await self._read_map()
        if not key:
            return self._node(self._primaries[0])
        place = self._slots.get(hash_slot(key))
        if place is None:
            await self._read_map()
            place = self._slots.get(hash_slot(key))
        if place is None:
            raise NothingHappened("no server of the cluster has the key's slot")
        return self._node(place)

    def moved(self, asked: Node, moved: Moved) -> Node:
        """As `Route`. An empty host means that of the server that was asked."""
        host, port = moved.place
        place = (host or self._place_of(asked)[0], port)
        if not moved.asking:
            self._slots[moved.slot] = place
            self._begin_reading()  # one slot rarely moves alone
        return self._node(place)

    async def doubt(self, node: Node, *, refuses: bool) -> None:
        """As `Route`: the map is read again."""
        await self._read_map()

    async def primaries(self) -> list[Node]:
        """As `Route`."""
        await self._read_map()
        return [self._node(place) for place in self._primaries]

    async def replicas(self) -> list[Node]:
        """As `Route`."""
        return [self._node(place) for place in self._replicas]

    async def close(self) -> None:
        """As `Route`."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await asyncio.gather(*(node.close() for node in self._nodes.values()))

    def _node(self, place: Place) -> Node:
        node = self._nodes.get(place)
        if node is None:
            node = self._nodes[place] = Node(self._address.server(place))
        return node

    def _place_of(self, node: Node) -> Place:
        return next(place for place, one in self._nodes.items() if one is node)

    async def _read_map(self) -> None:
        """Read it, or wait for who reads it already. Raises NothingHappened when nobody answers."""
        await asyncio.shield(self._begin_reading())

    def _begin_reading(self) -> "asyncio.Task[None]":
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read(), name="read the cluster's map")
            self._reading.add_done_callback(_looked_at)
        return self._reading

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._read_at + DOUBT_PAUSE_S - loop.time()))
        known = {*self._address.places, *self._primaries, *self._replicas}
        views = [view for view in await asyncio.gather(*map(self._view, known)) if view]
        self._read_at = loop.time()
        if not views:
            raise NothingHappened("no server of the cluster answers")
        self._believe(max(views, key=lambda view: (view.is_ok, view.epoch)))
        gone = self._nodes.keys() - {*self._address.places, *self._primaries, *self._replicas}
        await asyncio.gather(*(self._nodes[place].forget_idle() for place in gone))

    async def _view(self, place: Place) -> _View | None:
        try:
            async with asyncio.timeout(MAP_TIMEOUT_S):
                told, rows = await self._node(place).ask(("CLUSTER", "INFO"), ("CLUSTER", "SLOTS"))
        except (Unsent, Lost, NothingHappened, TimeoutError):
            return None
        info = dict(line.split(":", 1) for line in told.decode().split("\r\n") if ":" in line)
        is_ok = info["cluster_state"] == "ok"
        return _View(is_ok, int(info["cluster_current_epoch"]), place, rows)

    def _believe(self, view: _View) -> None:
        slots: dict[int, Place] = {}
        primaries: dict[Place, None] = {}
        replicas: dict[Place, None] = {}
        for first, last, primary, *others in view.rows:
            place = _place(primary, view.asked)
            primaries[place] = None
            replicas.update(dict.fromkeys(_place(other, view.asked) for other in others))
            slots.update(dict.fromkeys(range(first, last + 1), place))
        self._slots, self._primaries, self._replicas = slots, list(primaries), list(replicas)


def _place(row: list[Any], asked: Place) -> Place:
    """A server of CLUSTER SLOTS; one without a host has that of the server that was asked."""
    host = row[0].decode() if row[0] else ""
    return (host if host not in ("", "?") else asked[0], int(row[1]))


def _looked_at(reading: "asyncio.Task[None]") -> None:
    """A reading that nobody waits for may fail: the next one tells."""
    if not reading.cancelled():
        reading.exception()
