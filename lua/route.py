"""Which server has the slot of a key: one server, a primary that sentinels name, or a cluster.

Here: what a route must be able to do, the route to a single server, and choosing by the URL.
"""

import asyncio
from typing import Protocol

from lua.address import Address, Place
from lua.cluster import Cluster
from lua.node import Moved, Node, attached
from lua.sentinel import Sentinels


class Route(Protocol):
    """The way from a key to its server, as far as this process knows it."""

    promotes_by_itself: bool
    """Whether a replica may become a primary without anybody's doing."""

    async def node_of(self, key: str) -> Node:
        """The primary that has the key's slot, any for an empty key. Raises NothingHappened."""
        ...

    def moved(self, asked: Node, moved: Moved) -> Node:
        """A server says that another one has the slot: that one, remembered unless it is asking."""
        ...

    async def doubt(self, node: Node, *, refuses: bool) -> None:
        """A server refuses to do its part, or does not answer: find out whose part it is now."""
        ...

    async def primaries(self) -> list[Node]:
        """All servers that take writes, as most see it now. Raises NothingHappened."""
        ...

    async def replicas(self) -> list[Node]:
        """All servers that follow a primary, as far as they are known."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class Single:
    """One server, always the same; who stands behind its name may change."""

    promotes_by_itself = False

    def __init__(self, address: Address) -> None:
        self._address = address
        self._node = Node(address.url)
        self._replicas: dict[Place, Node] = {}

    async def node_of(self, key: str) -> Node:
        """As `Route`."""
        return self._node

    def moved(self, asked: Node, moved: Moved) -> Node:
        """As `Route`: whoever names one node of a cluster gets that one alone."""
        raise AssertionError(
            f"{moved}: this server is one of a cluster; say redis-cluster:// in the store's URL"
        )

    async def doubt(self, node: Node, *, refuses: bool) -> None:
        """As `Route`: its name may lead to another server by now, for connections made anew."""
        if refuses:
            await node.forget_idle()

    async def primaries(self) -> list[Node]:
        """As `Route`."""
        return [self._node]

    async def replicas(self) -> list[Node]:
        """As `Route`: those that the primary itself names."""
        for place in await attached(self._node):
            self._replicas.setdefault(place, Node(self._address.server(place)))
        return list(self._replicas.values())

    async def close(self) -> None:
        """As `Route`."""
        await asyncio.gather(*(node.close() for node in (self._node, *self._replicas.values())))


def route_of(address: Address) -> Route:
    """The route that the store's URL asks for."""
    match address.kind:
        case "one":
            return Single(address)
        case "cluster":
            return Cluster(address)
        case "sentinel":
            return Sentinels(address)
