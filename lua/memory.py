"""What one process remembers of the slots that it calls, in case their store forgets it.

For each slot: how far it was seen to be, the facts of every answer until they are settled, and the
calls that never had an answer. Here too is known which slots are fenced, so that a call can wait
for one to be reopened. Nothing is decided here: who fences, reopens and rebuilds reads it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

Mark = tuple[int, int]
"""Epoch and number of a fact. They only ever rise, unless a store went back in time."""

Before = tuple[Mark, int]
"""How far a slot was seen to be, and how often it was fenced."""

BYTES_MAX = 64 * 1024 * 1024
"""What a process remembers at most; the oldest goes first, and what goes is counted."""
STILL_RUNS_S = 2.0
"""A call whose answer was lost longer ago than this has run, or never will."""


@dataclass(slots=True)
class Unanswered:
    """A call that was sent and never answered: what it asked for, it may have taken."""

    script: str
    keys: tuple[str, ...]
    args: tuple[str | int | bytes, ...]
    lost_at: float
    size: int
    until: Mark | None = None
    """Once the books are this far, what it did is in them."""


@dataclass(slots=True)
class Remembered:
    """One slot, as this process knows it."""

    seen: Mark = (0, 0)
    settled: Mark = (0, 0)
    facts: deque[tuple[Mark, bytes]] = field(default_factory=deque)
    """The facts of each call by their last number, packed as in the stream's entry."""
    unanswered: list[Unanswered] = field(default_factory=list)
    is_behind: bool = False
    """An answer told of fewer facts than were seen before it was asked for."""
    reopened: asyncio.Event | None = None
    """There while the slot is fenced."""
    fences: int = 0
    """How often it was fenced."""


class Memory:
    """The memory of one process. `woken` is set when a slot needs to be looked at, at once."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self.slots: dict[str, Remembered] = {}
        self.woken = asyncio.Event()
        self.bytes = 0
        self.dropped = 0
        """Facts and calls that were forgotten for want of space, before they were settled."""
        self._bytes_max = bytes_max
        self._servers: set[str] = set()

    def met(self, server: str) -> None:
        """A connection was made to this server. Another one than before may fence its slots."""
        if server not in self._servers:
            self._servers.add(server)
            self.woken.set()

    def seen(self, slot: str) -> Mark:
        """How far a slot was seen to be."""
        known = self.slots.get(slot)
        return known.seen if known is not None else (0, 0)

    def before(self, slot: str) -> Before:
        """What is known of a slot when a call is sent; to be given back with its answer."""
        known = self._known(slot)
        return known.seen, known.fences

    def told(self, slot: str, before: Before, mark: Mark, facts: bytes) -> bool:
        """An answer came: the slot is at `mark`, and these are the facts of the call.

        False when the slot was fenced meanwhile: what this process knows of it may be handed in
        by now, and the answer come from a server that is no more; nobody may be told of it.
        """
        known = self._known(slot)
        seen_before, fences = before
        if known.fences != fences:
            return False
        if mark < seen_before:  # answers may overtake each other, but not the question
            known.is_behind = True
            self.woken.set()
            return True
        known.seen = max(known.seen, mark)
        if known.unanswered:
            _bound(known.unanswered, mark)
        if facts:
            known.facts.append((mark, facts))
            self._add(len(facts))
        return True

    def rebuilt(self, slot: str, mark: Mark, facts: bytes) -> None:
        """The slot was built anew here; these facts of its new epoch nobody else knows."""
        known = self._known(slot)
        known.seen = max(known.seen, mark)
        known.facts.append((mark, facts))
        self._add(len(facts))

    def lost(
        self, slot: str, script: str, keys: Sequence[str], args: Sequence[str | int | bytes]
    ) -> None:
        """A call was sent and had no answer."""
        size = sum(len(one) if isinstance(one, str | bytes) else 8 for one in (*keys, *args))
        call = Unanswered(script, tuple(keys), tuple(args), time.monotonic(), size)
        self._known(slot).unanswered.append(call)
        self._add(size)

    def settled(self, slot: str, mark: Mark) -> None:
        """The books have every fact up to `mark`: what it covers need not be remembered."""
        known = self._known(slot)
        known.settled = max(known.settled, mark)
        while known.facts and known.facts[0][0] <= mark:
            self.bytes -= len(known.facts.popleft()[1])
        for call in [one for one in known.unanswered if one.until and one.until <= mark]:
            known.unanswered.remove(call)
            self.bytes -= call.size

    def fence(self, slot: str) -> None:
        """The slot is fenced: calls to it wait for `reopen`, and whoever reopens is woken."""
        known = self._known(slot)
        if known.reopened is None:
            known.reopened = asyncio.Event()
            known.fences += 1
        self.woken.set()

    def reopen(self, slot: str, mark: Mark) -> None:
        """The slot sells again, from `mark` on."""
        known = self._known(slot)
        known.seen, known.is_behind = max(known.seen, mark), False
        if known.reopened is not None:
            known.reopened.set()
            known.reopened = None

    def fenced(self) -> list[str]:
        """The slots that are fenced as far as this process knows."""
        return [slot for slot, known in self.slots.items() if known.reopened is not None]

    async def wait_reopened(self, slot: str, patience_s: float) -> bool:
        """Wait until a fenced slot sells again; False when it does not in time."""
        self.fence(slot)
        reopened = self._known(slot).reopened
        assert reopened is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await reopened.wait()
        return reopened.is_set()

    def _known(self, slot: str) -> Remembered:
        known = self.slots.get(slot)
        if known is None:
            known = self.slots[slot] = Remembered()
        return known

    def _add(self, size: int) -> None:
        self.bytes += size
        while self.bytes > self._bytes_max:
            largest = max(self.slots.values(), key=lambda one: len(one.facts))
            if largest.facts:
                self.bytes -= len(largest.facts.popleft()[1])
            else:
                held = max(self.slots.values(), key=lambda one: len(one.unanswered))
                self.bytes -= held.unanswered.pop(0).size
            self.dropped += 1


def slot_of(key: str) -> str:
    """The hash tag of a key: the text between its first braces."""
    return key[key.index("{") + 1 : key.index("}")]


def _bound(unanswered: list[Unanswered], mark: Mark) -> None:
    """What was lost long enough ago can have no fact after `mark`."""
    before = time.monotonic() - STILL_RUNS_S
    for call in unanswered:
        if call.until is None and call.lost_at < before:
            call.until = mark
