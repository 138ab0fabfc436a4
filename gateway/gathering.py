"""Gathering: calls of single records become batches, which is how one process serves thousands.

What a batch does is a verb's. Used for purchases, payments, redemptions and joins alike. One call
of a slot is under way at a time: records are decided in the order in which they came, and those
that come meanwhile share the next call. Nobody waits for long: who would is refused at once.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from gateway.problems import Code, Refused

GATHER_MAX = 64
"""Records in one script call: enough to share its cost, few enough not to stall the store."""
WAIT_MAX_S = 0.5
"""How long a record may wait for its call: with the call's own time an answer within a second."""
FIRST_WAIT_MAX_S = 0.8
"""The same for what goes before new holds: payments and redemptions."""
_RECENT = 0.25
"""The newest call's share in the measured time of a call."""
SHED = "Too many calls are ahead of this one. Nothing happened; repeat it."
Subject = TypeVar("Subject")
Asked = TypeVar("Asked")
Told = TypeVar("Told")


class _Waiting(NamedTuple, Generic[Subject, Asked, Told]):
    """One record that waits for its call."""

    subject: Subject
    record: Asked
    future: asyncio.Future[Told]


class _Line(Generic[Subject, Asked, Told]):
    """What waits for one slot, and how long its calls take."""

    def __init__(self) -> None:
        self.waiting: deque[_Waiting[Subject, Asked, Told]] = deque()
        self.running: asyncio.Task[None] | None = None
        self.begun_s = 0.0
        self.call_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """How long one more record would wait while a call is under way, as lately measured."""
        ahead = 1 + len(self.waiting) // GATHER_MAX
        return ahead * max(self.call_s, now_s - self.begun_s)

    def ended(self, now_s: float) -> None:
        """The call that was under way has ended."""
        self.call_s += (now_s - self.begun_s - self.call_s) * _RECENT

    def shed(self) -> None:
        """The call under way takes too long: whoever waits behind it is refused."""
        while self.waiting:
            future = self.waiting.popleft().future
            if not future.done():
                future.set_exception(Refused(Code.OVERLOADED, SHED))


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
        loop = asyncio.get_running_loop()
        line = self._lines.get(slot)
        if line is None:
            line = self._lines[slot] = _Line()
        if line.running is None:
            line.begun_s = loop.time()
            line.running = loop.create_task(self._run(line))
        elif line.wait_s(loop.time()) > self._wait_max_s:
            raise Refused(Code.OVERLOADED, SHED)
        future: asyncio.Future[Told] = loop.create_future()
        line.waiting.append(_Waiting(subject, record, future))
        return await future

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
                line.begun_s = loop.time()
                late = loop.call_later(self._wait_max_s, line.shed)
                try:
                    await self._send([one for one in some if not one.future.done()])
                finally:
                    late.cancel()
                    line.ended(loop.time())
        finally:
            line.running = None

    async def _send(self, some: Sequence[_Waiting[Subject, Asked, Told]]) -> None:
        if not some:
            return  # whoever asked is gone
        subject = some[-1].subject  # records of one batch may have met two views; the newest counts
        try:
            told = await self._verb(subject, [one.record for one in some])
        except Exception as error:  # noqa: BLE001  # every caller gets it; none may wait for ever
            for one in some:
                if not one.future.done():
                    one.future.set_exception(error)
            return
        for one, outcome in zip(some, told, strict=True):
            if not one.future.done():
                one.future.set_result(outcome)
