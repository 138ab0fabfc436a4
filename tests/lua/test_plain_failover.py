"""A primary with a replica and no keeper: a person swaps them, and the name follows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from lua import Store
from tests.buying import Buying, end, open_shop, reopening
from tests.patience import patiently
from tests.servers import HOST, Server, free_port, primary_with, until

pytestmark = [pytest.mark.fault, pytest.mark.hurried, pytest.mark.timeout(240)]
SOLD = 50


class Name:
    """An address that leads to one server, and later to another one."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.port = free_port()
        self._calls: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def known(self) -> AsyncIterator[None]:
        """It can be asked for as long as the block lasts."""
        listener = await asyncio.start_server(self._accept, HOST, self.port)
        try:
            yield
        finally:
            listener.close()
            for call in self._calls:
                call.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)
            await listener.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._calls.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends, ways = [writer], []
        try:
            there, back = await asyncio.open_connection(*self.server.place)
            ends.append(back)
            ways = [
                asyncio.create_task(_copy(reader, back)),
                asyncio.create_task(_copy(there, writer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for one in ends:
                one.close()
            await asyncio.gather(
                *ways, *(one.wait_closed() for one in ends), return_exceptions=True
            )


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()


async def test_a_name_is_followed_to_the_new_primary() -> None:
    """Under load: what was connected to the old one leaves it, and nothing told is lost."""
    async with primary_with(1) as (old, new):
        name = Name(old)
        async with name.known():
            store = await patiently(
                lambda: Store.connect(f"redis://{HOST}:{name.port}", check_durability=False)
            )
            buying = Buying(await open_shop(store, "spring"))
            async with reopening(store):
                load = buying.begin()
                await buying.reach(SOLD)
                await old.ask("FAILOVER")  # the two agree on the last write before they swap

                async def swapped() -> bool:
                    return (await new.info("replication"))["role"] == "master"

                await until(swapped, "they never swapped")
                name.server = new
                await buying.reach(len(buying.told) + SOLD)
                await end(load)
                await buying.check()
            await store.close()
