"""Something between the gateways and their store that loses questions and answers, or is slow."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

PIECE = 1 << 16


class Between:
    """A unix socket before the store's.

    `answers_lost` and `questions_lost` are shares of those that end their connection instead of
    arriving; an answer is late by `delay_s`, a question by `held_s`. Of questions only those with
    the words `meant` are lost or late.
    """

    def __init__(self, path: Path, store: Path) -> None:
        self.url = f"unix://{path}"
        self._path, self._store = path, store
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._dice = random.Random(5)
        self.answers_lost = self.questions_lost = self.delay_s = self.held_s = 0.0
        self.meant = b""
        self.lost = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._connected, self._path)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                answers, there = await asyncio.open_unix_connection(str(self._store))
                ways = (
                    asyncio.create_task(self._carry(reader, there, self._question)),
                    asyncio.create_task(self._carry(answers, writer, self._answer)),
                )
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
                    there.close()
        finally:
            writer.close()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        passes: Callable[[bytes], Awaitable[bool]],
    ) -> None:
        while piece := await reader.read(PIECE):
            if not await passes(piece):
                self.lost += 1
                return
            writer.write(piece)
            await writer.drain()

    async def _question(self, piece: bytes) -> bool:
        if self.meant not in piece:
            return True
        if self.held_s:
            await asyncio.sleep(self.held_s)
        return self._dice.random() >= self.questions_lost

    async def _answer(self, _piece: bytes) -> bool:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        return self._dice.random() >= self.answers_lost
