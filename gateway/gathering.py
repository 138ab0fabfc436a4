"""Gathering: calls of single records become batches, which is how one process serves thousands.

What a batch does is a verb's. Used for purchases, payments and joins alike.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

GATHER_MAX = 64
"""Records in one script call: enough to share its cost, few enough not to stall the store."""
Subject = TypeVar("Subject")
Asked = TypeVar("Asked")
Told = TypeVar("Told")


class Gatherer(Generic[Subject, Asked, Told]):
    """Calls of single records become batches.

    A batch is all that came in one turn of the event loop, or while the one before was under way.
    """

    def __init__(
        self, verb: Callable[[Subject, Sequence[Asked]], Awaitable[Sequence[Told]]]
    ) -> None:
        self._verb = verb
        self._waiting: dict[str, list[tuple[Subject, Asked, asyncio.Future[Told]]]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    async def ask(self, slot: str, subject: Subject, record: Asked) -> Told:
        """The outcome of one record. Records of one `slot` share their calls."""
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(slot, []).append((subject, record, future))
        if slot not in self._running:
            self._running[slot] = asyncio.create_task(self._run(slot))
        return await future

    async def idle(self) -> None:
        """Return when no batch is under way."""
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _run(self, slot: str) -> None:
        try:
            while waiting := self._waiting.pop(slot, []):
                for at in range(0, len(waiting), GATHER_MAX):
                    await self._send(waiting[at : at + GATHER_MAX])
        finally:
            del self._running[slot]

    async def _send(self, waiting: list[tuple[Subject, Asked, asyncio.Future[Told]]]) -> None:
        subject = waiting[-1][0]  # records of one batch may have met two views; the newest counts
        try:
            told = await self._verb(subject, [record for _, record, _ in waiting])
        except Exception as error:  # noqa: BLE001  # every caller gets it; none may wait for ever
            for _, _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, _, future), outcome in zip(waiting, told, strict=True):
            if not future.done():
                future.set_result(outcome)
