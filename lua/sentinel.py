"""The primary that sentinels watch: who it is now.

The sentinels are asked when there is a doubt: at the beginning, and when the primary does not
answer or takes no writes. The one with the newest configuration is believed.
"""

import asyncio

from lua.address import Address, Place
from lua.faults import NothingHappened
from lua.node import Lost, Moved, Node, Unsent

SENTINEL_TIMEOUT_S = 0.3
DOUBT_PAUSE_S = 0.05


class Sentinels:
    """A primary behind sentinels, and its replicas."""

    promotes_by_itself = True

    def __init__(self, address: Address) -> None:
        self._address = address
        self._sentinels = [Node(address.sentinel(place)) for place in address.places]
        self._nodes: dict[Place, Node] = {}
        self._primary: Place | None = None
        self._asking: asyncio.Task[None] | None = None
        self._asked_at = -1.0

    async def node_of(self, key: str) -> Node:
        """As `Route`."""
        if self._primary is None:
            await self._ask()
        assert self._primary is not None
        return self._node(self._primary)

    def moved(self, asked: Node, moved: Moved) -> Node:
        """As `Route`."""
        raise AssertionError(f"{moved}: the sentinels watch a node of a cluster")

    async def doubt(self, node: Node, *, refuses: bool) -> None:
        """As `Route`: the sentinels are asked again."""
        await self._ask()

    async def primaries(self) -> list[Node]:
        """As `Route`."""
        await self._ask()
        return [await self.node_of("")]

    async def replicas(self) -> list[Node]:
        """As `Route`."""
        told = await self._told("REPLICAS")
        rows = max(told, key=len, default=[])
        return [self._node((row["ip"], int(row["port"]))) for row in rows]

    async def close(self) -> None:
        """As `Route`."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await asyncio.gather(*(one.close() for one in (*self._sentinels, *self._nodes.values())))

    def _node(self, place: Place) -> Node:
        node = self._nodes.get(place)
        if node is None:
            node = self._nodes[place] = Node(self._address.server(place))
        return node

    async def _ask(self) -> None:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._find(), name="ask the sentinels")
        await asyncio.shield(self._asking)

    async def _find(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._asked_at + DOUBT_PAUSE_S - loop.time()))
        told = [rows[0] for rows in await self._told("MASTER")]
        self._asked_at = loop.time()
        if not told:
            raise NothingHappened("no sentinel knows the primary")
        newest = max(told, key=lambda row: int(row["config-epoch"]))
        self._primary = (newest["ip"], int(newest["port"]))

    async def _told(self, what: str) -> list[list[dict[str, str]]]:
        """What each sentinel that answers says, as rows of fields."""
        answers = await asyncio.gather(*(self._said(one, what) for one in self._sentinels))
        return [rows for rows in answers if rows]

    async def _said(self, sentinel: Node, what: str) -> list[dict[str, str]]:
        try:
            async with asyncio.timeout(SENTINEL_TIMEOUT_S):
                [answer] = await sentinel.ask(("SENTINEL", what, self._address.name))
        except (Unsent, Lost, NothingHappened, TimeoutError, AssertionError):
            return []  # it is gone, or does not know the name
        rows = answer if answer and isinstance(answer[0], list) else [answer] if answer else []
        texts = [[word.decode() for word in row] for row in rows]
        return [dict(zip(row[::2], row[1::2], strict=True)) for row in texts]
