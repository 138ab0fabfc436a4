"""Gathering: calls of single records become batches, which is how one process serves thousands.

What a batch does is a verb's. Used for purchases, payments, redemptions and joins alike. One call
of a slot is under way at a time: records are decided in the order in which they came, and those
that come meanwhile share the next call. Nobody waits for long: who would is refused at once.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from gateway.problems import Code, Refused

GATHER_MAX = 64
"""Records in one script call: enough to share its cost, few enough not to stall the store."""
WAIT_MAX_S = 0.5
"""How long a record may wait for its call: with the call's own time an answer within a second."""
FIRST_WAIT_MAX_S = 0.8
"""The same for what goes before new holds: payments and redemptions."""
ROOM_MAX = 4_096
"""More never wait in one line, however fast its calls are."""
_CALL_MIN_S = 0.000_1
_RECENT = 0.25
"""The newest call's share in the measured time of a call."""
SHED = "Too many calls are ahead of this one. Nothing happened; repeat it."
Subject = TypeVar("Subject")
Asked = TypeVar("Asked")
Told = TypeVar("Told")
_Heard_contra = TypeVar("_Heard_contra", contravariant=True)


class Waiter(Protocol[_Heard_contra]):
    """Whoever waits for the outcome of a record: a future, or a call that needs no task."""

    def done(self) -> bool:
        """Whether nobody waits any more; the record is then not sent."""

    def set_result(self, result: _Heard_contra, /) -> None:
        """The outcome."""

    def set_exception(self, exception: Exception, /) -> None:
        """The fault, or the refusal, that is the answer instead."""


class _Line(Generic[Subject, Asked, Told]):
    """What waits for one slot, and how long its calls take."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[Subject, Asked, Waiter[Told]]] = deque()
        self.running: asyncio.Task[None] | None = None
        self.room = ROOM_MAX
        self._call_s = 0.0

    def timed(self, call_s: float, wait_max_s: float) -> None:
        """A call took so long: as many may wait as the next calls can take in time, or one call."""
        self._call_s += (call_s - self._call_s) * _RECENT
        calls = int(wait_max_s / max(self._call_s, _CALL_MIN_S))
        self.room = min(max(calls, 1) * GATHER_MAX, ROOM_MAX)

    def shed(self) -> None:
        """The call under way takes too long: whoever waits behind it, or comes, is refused."""
        self.room = 0
        while self.waiting:
            _, _, waiter = self.waiting.popleft()
            if not waiter.done():
                waiter.set_exception(Refused(Code.OVERLOADED, SHED))


class Gatherer(Generic[Subject, Asked, Told]):
    """Calls of single records become batches.

    A batch is all that came in one turn of the event loop, or while the one before was under way.
    `goes_first`: these may wait longer than others before they are refused.
    """

    def __init__(
        self,
        verb: Callable[[Subject, Sequence[Asked]], Awaitable[Sequence[Told]]],
        *,
        goes_first: bool = False,
    ) -> None:
        self._verb = verb
        self._goes_first = goes_first
        self._lines: dict[str, _Line[Subject, Asked, Told]] = {}

    async def ask(self, slot: str, subject: Subject, record: Asked) -> Told:
        """The outcome of one record. Records of one `slot` share their calls.

        Raises Refused (503, nothing happened) for a record that waits, or would, for too long.
        """
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self.submit(slot, subject, record, future)
        return await future

    def submit(self, slot: str, subject: Subject, record: Asked, waiter: Waiter[Told]) -> None:
        """As `ask`; the waiter hears of the outcome in a later turn of the loop."""
        line = self._lines.get(slot)
        if line is None:
            line = self._lines[slot] = _Line()
        if line.running is None:
            line.running = asyncio.get_running_loop().create_task(self._run(line))
        elif len(line.waiting) >= line.room:
            raise Refused(Code.OVERLOADED, SHED)
        line.waiting.append((subject, record, waiter))

    async def idle(self) -> None:
        """Return when no batch is under way."""
        running = [line.running for line in self._lines.values() if line.running is not None]
        await asyncio.gather(*running, return_exceptions=True)

    @property
    def _wait_max_s(self) -> float:
        return FIRST_WAIT_MAX_S if self._goes_first else WAIT_MAX_S

    async def _run(self, line: _Line[Subject, Asked, Told]) -> None:
        loop = asyncio.get_running_loop()
        try:
            while line.waiting:
                some = [line.waiting.popleft() for _ in range(min(GATHER_MAX, len(line.waiting)))]
                begun_s = loop.time()
                late = loop.call_later(self._wait_max_s, line.shed)
                try:
                    await self._send([one for one in some if not one[2].done()])
                finally:
                    late.cancel()
                    line.timed(loop.time() - begun_s, self._wait_max_s)
        finally:
            line.running = None

    async def _send(self, some: Sequence[tuple[Subject, Asked, Waiter[Told]]]) -> None:
        if not some:
            return  # whoever asked is gone
        subject = some[-1][0]  # records of one batch may have met two views; the newest counts
        try:
            told = await self._verb(subject, [record for _, record, _ in some])
        except Exception as error:  # noqa: BLE001  # every caller gets it; none may wait for ever
            for _, _, waiter in some:
                if not waiter.done():
                    waiter.set_exception(error)
            return
        # In the next turn: the next call leaves first, and the store works while these are shown.
        asyncio.get_running_loop().call_soon(_tell, some, told)


def _tell(some: Sequence[tuple[Subject, Asked, Waiter[Told]]], told: Sequence[Told]) -> None:
    for (_, _, waiter), outcome in zip(some, told, strict=True):
        if not waiter.done():
            waiter.set_result(outcome)
