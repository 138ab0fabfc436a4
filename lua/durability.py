"""What a success is worth: the settings that servers must have, and waiting for replicas.

`local`: it is on the disk of the server that gave it (append-only file, fsynced always, before any
reply leaves). `replica`: `replicas` copies have it as well, on disks of their own, by the same
settings. Checked when a process connects; waited for by each call.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from lua.faults import NothingHappened
from lua.node import Argument, Lost, Node, Unsent
from lua.route import Route

WANTED = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
WAIT_S = 0.5
"""How long replicas may take. Who waits longer is told that it is not known yet."""
_TRIES = 2


class NotDurable(Exception):
    """The store may forget or evict what it acknowledged; its message says how to mend that."""


@dataclass(frozen=True, slots=True)
class Durability:
    """How many replicas must have a success before it is told; 0: the server's own disk is enough.

    A replica acknowledges what it has processed, and with fsync always no acknowledgement leaves it
    before that is on its disk; so WAIT is enough, and WAITAOF, which can take a second when nothing
    follows, is not needed.
    """

    replicas: int = 0

    @property
    def waiting(self) -> tuple[Argument, ...]:
        """The command that waits for the replicas to have what its connection wrote."""
        return ("WAIT", self.replicas, int(WAIT_S * 1000))

    def reached(self, answer: object) -> bool:
        """Whether the answer to `waiting` says that enough replicas have it.

        A server that stops being a primary answers with an error: then nobody knows.
        """
        return isinstance(answer, int) and answer >= self.replicas


def touch(key: str) -> tuple[Argument, ...]:
    """A write that stands for everything before it, in the slot of `key`.

    WAIT waits for the writes of its own connection alone (Valkey 9.1: one that has written nothing
    is told at once how many replicas there are). So who only looked, or was told of an earlier
    success, writes this first: replicas take writes in their order.
    """
    return ("SET", key[: key.index("}") + 1] + ":seen", "")


async def check(route: Route, *, replicas: int, assume_durable: bool) -> None:
    """Raise NotDurable unless every server that serves, or may be promoted, keeps what it told.

    A server that does not answer serves nobody now, and is passed over as long as another answers.
    """
    primaries = await route.primaries()
    others = await route.replicas() if replicas or route.promotes_by_itself else []
    nodes = {node.url: node for node in (*primaries, *others)}
    found = await asyncio.gather(*(_problem(node, nodes) for node in nodes.values()))
    gone = [one for one in found if isinstance(one, NothingHappened)]
    if len(gone) == len(nodes):
        raise gone[0]
    wrong = [one for one in found if isinstance(one, NotDurable)]
    if replicas and not wrong:
        attached = await asyncio.gather(*(_too_few(node, replicas) for node in primaries))
        wrong = [one for one in attached if one is not None]
    if wrong and not assume_durable:
        raise wrong[0]


async def _problem(node: Node, nodes: dict[str, Node]) -> Exception | None:
    try:
        flat = await _ask(node, "CONFIG", "GET", "append*", "maxmemory-policy")
    except NothingHappened as gone:
        return gone
    except PermissionError:
        return NotDurable(
            "the store's settings may not be read (CONFIG is forbidden). If you know that it "
            "runs with appendonly yes, appendfsync always and maxmemory-policy noeviction, "
            "say so with --assume-durable"
        )
    texts = [item.decode() for item in flat]
    settings = dict(zip(texts[::2], texts[1::2], strict=True))
    wrong = {name: settings.get(name, "?") for name in WANTED if settings.get(name) != WANTED[name]}
    if not wrong:
        return None
    mend = " ".join(f"CONFIG SET {name} {WANTED[name]};" for name in wrong)
    told = ", ".join(f"{name} is {value}" for name, value in wrong.items())
    where = f" at {node.place}" if len(nodes) > 1 else ""
    return NotDurable(f"the store{where} may lose what it acknowledged: {told}. Mend it: {mend}")


async def _too_few(node: Node, wanted: int) -> NotDurable | None:
    try:
        info = await _ask(node, "INFO", "replication")
    except NothingHappened:
        return None
    attached = info.count(b"state=online")
    if attached >= wanted:
        return None
    return NotDurable(
        f"the store at {node.place} has {attached} replicas, and each success is to wait for "
        f"{wanted}: attach more, or ask for fewer with --replicas"
    )


async def _ask(node: Node, *command: Argument) -> Any:
    for tries_left in reversed(range(_TRIES)):
        try:
            [answer] = await node.ask(command)
        except (Unsent, Lost) as error:
            if not tries_left:
                raise NothingHappened(f"the store gave no answer: {error}") from error
        else:
            return answer
    raise AssertionError("the last try returns or raises")
