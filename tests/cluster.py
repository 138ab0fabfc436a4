"""A real cluster: masters and replicas on loopback, joined by commands alone.

Started once per test file; `whole` brings it back to health after a test has hurt it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import lua.embedded
from lua.node import hash_slot
from tests.servers import HOST, Server, has_replicas, home, until

SLOTS = 16384
NODE_TIMEOUT_MS = 2000


@dataclass
class Cluster:
    """Its servers: the masters by their order, and the replicas that each began with."""

    masters: list[Server]
    followers: list[list[Server]]
    ids: dict[int, str] = field(default_factory=dict)
    """Ids of the nodes by port."""

    @property
    def servers(self) -> list[Server]:
        """All of them."""
        return [*self.masters, *(one for some in self.followers for one in some)]

    @property
    def url(self) -> str:
        """The URL of the store that it is."""
        return "redis-cluster://" + ",".join(f"{one.host}:{one.port}" for one in self.masters)

    async def owner(self, slot: int) -> Server:
        """Who has the slot now, as a server that lives and is with the majority says."""
        for server in self.servers:
            if server.process is None or server.process.poll() is not None:
                continue
            for first, last, primary, *_ in await server.ask("CLUSTER", "SLOTS"):
                if first <= slot <= last:
                    return next(one for one in self.servers if one.port == primary[1])
        raise AssertionError(f"nobody has slot {slot}")

    def name_at(self, master: int, prefix: str = "sale") -> str:
        """An id of a sale whose stripe 0 begins at that master."""
        width = -(-SLOTS // len(self.masters))
        names = (f"{prefix}-{number}" for number in range(10_000))
        return next(name for name in names if hash_slot(f"{{{name}:0}}") // width == master)

    async def move(self, slot: int, target: Server) -> None:
        """Move a slot in one step, as Valkey 9 can."""
        source = await self.owner(slot)
        wish = ("SLOTSRANGE", slot, slot, "NODE", self.ids[target.port])
        await source.ask("CLUSTER", "MIGRATESLOTS", *wish)

        async def done() -> bool:
            [newest, *_] = await source.ask("CLUSTER", "GETSLOTMIGRATIONS")
            assert b"failed" not in newest, newest
            return b"success" in newest

        await until(done, "the slot never moved")

    async def whole(self) -> None:
        """Start what is dead, thaw what is frozen, and wait until every server is well again."""
        for server in self.servers:
            assert server.process is not None
            if server.process.poll() is not None:
                await server.start()
            server.thaw()
        for server in self.servers:
            await until(partial(_is_well, server), "the cluster never got well")
        await until(self._is_followed, "the replicas never came back")

    async def empty(self) -> None:
        """Forget all keys and scripts, at every master."""
        for server in self.servers:
            if (await server.info("replication"))["role"] == "master":
                await server.ask("FLUSHALL")
                await server.ask("SCRIPT", "FLUSH")

    async def _is_followed(self) -> bool:
        roles = [await server.info("replication") for server in self.servers]
        attached = sum(value.count("state=online") for role in roles for value in role.values())
        return attached == len(self.servers) - len(self.masters)

    async def join(self) -> None:
        """Make one cluster of servers that know nothing of each other."""
        width = -(-SLOTS // len(self.masters))
        for number, master in enumerate(self.masters):
            await master.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            last = min(SLOTS, (number + 1) * width) - 1
            await master.ask("CLUSTER", "ADDSLOTSRANGE", number * width, last)
        for server in self.servers:
            self.ids[server.port] = (await server.ask("CLUSTER", "MYID")).decode()
            await self.masters[0].ask("CLUSTER", "MEET", server.host, server.port)
        for server in self.servers:
            await until(partial(self._knows_all, server), "they never met")
        for master, followers in zip(self.masters, self.followers, strict=True):
            for follower in followers:
                await follower.ask("CLUSTER", "REPLICATE", self.ids[master.port])
            joined = partial(has_replicas, master, len(followers))
            await until(joined, "the replicas never came")
        await self.whole()

    async def _knows_all(self, server: Server) -> bool:
        text = (await server.ask("CLUSTER", "NODES")).decode()
        rows = text.splitlines()
        return len(rows) == len(self.servers) and "handshake" not in text


async def _is_well(server: Server) -> bool:
    text = (await server.ask("CLUSTER", "INFO")).decode()
    nodes = (await server.ask("CLUSTER", "NODES")).decode()
    return "cluster_state:ok" in text and "fail" not in nodes


@asynccontextmanager
async def cluster(followers: Sequence[int] = (2, 0, 0)) -> AsyncIterator[Cluster]:
    """A cluster with a master for each number, followed by so many replicas."""
    async with home() as directory:
        made = Cluster(
            [node(directory, f"m{number}") for number in range(len(followers))],
            [
                [node(directory, f"r{number}-{one}") for one in range(wanted)]
                for number, wanted in enumerate(followers)
            ],
        )
        try:
            await asyncio.gather(*(server.start() for server in made.servers))
            await made.join()
            yield made
        finally:
            for server in made.servers:
                await server.end()


def node(directory: Path, name: str, host: str = HOST) -> Server:
    """A server that is not joined yet."""
    return Server(
        directory / name,
        {
            **lua.embedded.DURABLE,
            "cluster-enabled": "yes",
            "cluster-node-timeout": str(NODE_TIMEOUT_MS),
            "cluster-require-full-coverage": "no",
            "cluster-allow-replica-migration": "no",  # replicas stay where a test counts on them
            "repl-diskless-sync-delay": "0",
            "protected-mode": "yes" if host == HOST else "no",
        },
        host=host,
    )
