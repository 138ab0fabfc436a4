"""Sales as the store knows them: their slot records and their states.

Here belong reading a sale, creating or revising its slot record, opening, pausing, draining and
closing it. Its offers belong to `stock`, what they mean to `catalogue`.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, cast

import msgspec

from inventory import keys
from inventory.facts import ENTRY_FIELD, decode_entry
from inventory.ids import Shape
from lua import NothingHappened, Store, signature

SALE_PUT = signature(
    "sale_put",
    keys=("sale", "facts"),
    argv=("now_ms", "revision", "actor", "record"),
    replies=("ended", "older", "fixed", "lowered", "drop_gone", "kept", "put"),
)
SALE_CHANGE = signature(
    "sale_change",
    keys=("sale", "facts"),
    argv=("now_ms", "what", "actor", "is_trial"),
    replies=("no_slot", "already", "wrong_state", "changed"),
)

State = Literal["announced", "open", "paused", "draining", "closed"]
Change = Literal["open", "pause", "resume", "drain", "close"]


@dataclass(frozen=True, slots=True)
class DropView:
    """One opening of a sale."""

    id: str
    opens_at_ms: int


@dataclass(frozen=True, slots=True)
class SaleView:
    """A sale's slot record. Times in milliseconds UTC; `closes_at_ms` 0 means never."""

    id: str
    number: int
    title: str
    currency: str
    timezone: str
    state: State
    revision: int
    limit: int
    hold_ms: int
    stripes: int
    buckets: int
    carry: bool
    drops: tuple[DropView, ...]
    closes_at_ms: int
    epoch: int
    fact: int
    settled: int

    @property
    def shape(self) -> Shape:
        """How its buyers are spread."""
        return Shape(number=self.number, stripes=self.stripes, buckets=self.buckets)

    def is_over(self, at_ms: int) -> bool:
        """Whether its closing time has come, be it closed yet or not."""
        return 0 < self.closes_at_ms <= at_ms


@dataclass(frozen=True, slots=True)
class Head:
    """How far one slot is: its epoch, its last fact, and the last that it knows to be settled."""

    epoch: int
    fact: int
    settled: int


@dataclass(frozen=True, slots=True)
class SaleRecord:
    """What publishing puts into a slot record."""

    id: str
    number: int
    title: str
    currency: str
    timezone: str
    limit: int
    hold_ms: int
    stripes: int
    buckets: int
    carry: bool
    drops: tuple[DropView, ...]
    closes_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Put:
    """The record is there; `changed` is False when this revision was there already."""

    changed: bool


@dataclass(frozen=True, slots=True)
class PutRefused:
    """The record may not change like that: `reason` is a word of sale_put, `what` its detail."""

    reason: str
    what: str


@dataclass(frozen=True, slots=True)
class Changed:
    """The sale is in `state` now; `already` tells that it was before."""

    state: State
    already: bool


@dataclass(frozen=True, slots=True)
class WrongState:
    """From `state` there is no such step."""

    state: State


class BadRecord(Exception):
    """The store's record of a sale cannot be read; the message says which and why."""


class Sales:
    """The sales of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self) -> list[str]:
        """The ids of all sales, sorted."""
        return sorted(member.decode() for member in await self._store.read("SMEMBERS", keys.SALES))

    async def view(self, sale_id: str) -> SaleView | None:
        """A sale as it stands, or None when the store does not know it. Raises BadRecord."""
        flat = await self._store.read("HGETALL", keys.sale(sale_id))
        if not flat:
            return None
        try:
            return _view(sale_id, dict(zip(flat[::2], flat[1::2], strict=True)))
        except (KeyError, ValueError, msgspec.MsgspecError) as error:
            why = f"the record of {sale_id} cannot be read: {error!r}"
            raise BadRecord(why) from error

    async def head(self, sale_id: str, stripe: int = 0) -> Head | None:
        """How far a slot is, or None when the store does not know it."""
        names = ("epoch", "fact", "settled")
        values = await self._store.read("HMGET", keys.sale(sale_id, stripe), *names)
        return None if values[0] is None else Head(*map(int, values))

    async def oldest_unsettled_ms(self, sale_id: str, stripe: int, head: Head) -> int | None:
        """When the first fact that is not in the books became true; None when all are there."""
        if head.settled >= head.fact:
            return None
        after = f"({head.epoch}-{head.settled}"
        key = keys.facts(sale_id, stripe)
        entries = await self._store.read("XRANGE", key, after, "+", "COUNT", 1)
        for _, (name, content) in entries:
            if name == ENTRY_FIELD:
                with suppress(msgspec.MsgspecError):  # unreadable: the worker says so, not we
                    return decode_entry(content)[0].at_ms
        return None

    async def put(
        self, record: SaleRecord, *, revision: int, actor: str, now_ms: int = 0
    ) -> Put | PutRefused:
        """Create a sale or bring it to a revision, in every stripe. Repeatable."""
        fields = {
            "number": record.number,
            "title": record.title,
            "currency": record.currency,
            "timezone": record.timezone,
            "limit": record.limit,
            "hold_ms": record.hold_ms,
            "stripes": record.stripes,
            "buckets": record.buckets,
            "carry": int(record.carry),
            "closes_at_ms": record.closes_at_ms,
            "drops": [drop.opens_at_ms for drop in record.drops],
            "drop_ids": " ".join(drop.id for drop in record.drops),
        }
        packed = msgspec.msgpack.encode(fields)
        await self._store.write("SADD", keys.SALES, record.id)
        changed = False
        for stripe in _first_last(record.stripes):
            slot_keys = (keys.sale(record.id, stripe), keys.facts(record.id, stripe))
            reply = await self._store.run(SALE_PUT, slot_keys, (now_ms, revision, actor, packed))
            match reply:
                case [b"put"]:
                    changed = True
                case [b"kept"]:
                    pass
                case _:
                    return PutRefused(_text(reply[0]), " ".join(map(_text, reply[1:])))
        return Put(changed)

    async def change(
        self,
        sale: SaleView,
        what: Change,
        *,
        actor: str,
        is_trial: bool = False,
        now_ms: int = 0,
    ) -> Changed | WrongState:
        """Move a sale to another state, in every stripe. Repeatable; a trial changes nothing."""
        argv = (now_ms, what, actor, int(is_trial))
        outcome: Changed | WrongState | None = None
        for stripe in _first_last(sale.stripes):
            slot_keys = (keys.sale(sale.id, stripe), keys.facts(sale.id, stripe))
            reply = await self._store.run(SALE_CHANGE, slot_keys, argv)
            match reply:
                case [b"changed", state]:
                    outcome = Changed(_state(state), already=False)
                case [b"already", state]:
                    outcome = outcome or Changed(_state(state), already=True)
                case [b"wrong_state", state]:
                    return WrongState(_state(state))
                case _:
                    forgotten(reply, sale.id)
        assert outcome is not None, "a sale has at least one stripe"
        return outcome


def _first_last(stripes: int) -> Sequence[int]:
    """Stripe 0, which everyone reads a sale from, comes last.

    Whoever sees it changed knows that all are, and a change that was cut off is seen to be.
    """
    return range(stripes - 1, -1, -1)


def forgotten(reply: object, sale_id: str) -> None:
    """Raise what a reply other than the expected ones means: a store that forgot the sale."""
    if reply == [b"no_slot"]:
        raise NothingHappened(f"the store does not know the sale {sale_id}; it sells nothing of it")
    raise AssertionError(f"unknown reply {reply!r}")


def _text(value: bytes | int) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _state(raw: bytes) -> State:
    return cast("State", raw.decode())


def _view(sale_id: str, fields: dict[bytes, bytes]) -> SaleView:
    opens = msgspec.msgpack.decode(fields[b"drops"], type=list[int])
    ids = fields[b"drop_ids"].decode().split(" ") if opens else []
    return SaleView(
        id=sale_id,
        number=int(fields[b"number"]),
        title=fields[b"title"].decode(),
        currency=fields[b"currency"].decode(),
        timezone=fields[b"timezone"].decode(),
        state=_state(fields[b"state"]),
        revision=int(fields[b"revision"]),
        limit=int(fields[b"limit"]),
        hold_ms=int(fields[b"hold_ms"]),
        stripes=int(fields[b"stripes"]),
        buckets=int(fields[b"buckets"]),
        carry=fields[b"carry"] == b"1",
        drops=tuple(DropView(*pair) for pair in zip(ids, opens, strict=True)),
        closes_at_ms=int(fields[b"closes_at_ms"]),
        epoch=int(fields[b"epoch"]),
        fact=int(fields[b"fact"]),
        settled=int(fields[b"settled"]),
    )
