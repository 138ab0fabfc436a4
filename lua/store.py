"""The one small door to the store: sends scripts and plain commands, tells the two faults apart.

Here belong the single repeat of a lost call, following a slot to its server, the waits and the
deadline, and the door's part of the fence and of durability. Connections belong to lua.node, who
has a slot to lua.route. What a script decides, and what its reply means, belongs to the packages
that call it.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from lua.address import Address
from lua.catalogue import Script
from lua.durability import WAIT_S, Durability, check, touch
from lua.faults import Fault, Fenced, MayHaveHappened, NothingHappened
from lua.memory import Memory, slot_of
from lua.node import (
    Argument,
    Command,
    Link,
    Lost,
    Moved,
    Node,
    Passing,
    UnknownScript,
    Unsent,
    run_id_of,
)
from lua.route import Route, route_of

__all__ = ["Argument", "Store"]

CALL_TIMEOUT_S = 0.9
"""A whole call: waits, both tries, and a script sent again. An answer was promised in a second."""
ATTEMPTS = 2
REDIRECTS_MAX = 8
"""A slot on its way may send a call back and forth; one that does so for ever has no owner."""
PASSING_S = 0.7
"""How long a call is sent again to a slot whose server refuses it for the moment."""
PASSING_PAUSE_S = 0.01
PASSING_PAUSE_MAX_S = 0.1
FENCES_MET_MAX = 3
"""A slot that is fenced this often while one call is under way has more to tell than to sell."""
TAGS_TRIED = 10_000
"""Numbers whose slots are everywhere: every server with more than a few slots has one of them."""
REOPENING_S = 0.5
"""How long a call that met a fence waits for it to open; enough is left of its time to repeat."""
FENCED = b"fenced"
_KEYLESS = frozenset({"TIME", "INFO", "CONFIG", "PING", "ECHO"})


@dataclass(slots=True)
class _Call:
    """What is known of a call however it ends: a try without an answer may have run.

    A guarded or fenced call names the server that its connection talks to, as its last argument. A
    durable one has its answer once the replicas have what it tells of; `is_short`: too few had it
    in time.
    """

    key: str
    writes: bool
    guarded: bool = False
    fenced: bool = False
    durable: bool = False
    begun: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    may_have_run: bool = False
    is_short: bool = False
    refused: Passing | None = None
    until: float = 0.0

    def __post_init__(self) -> None:
        self.until = self.begun + CALL_TIMEOUT_S


class Store:
    """A store. Create it with `connect`; share one per process and event loop."""

    def __init__(self, route: Route, url: str, durability: Durability) -> None:
        self._route = route
        self._durability = durability
        self.url = url
        self.memory = Memory()

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        assume_durable: bool = False,
        check_durability: bool = True,
        replicas: int = 0,
    ) -> Self:
        """Connect to a store (lua.address has the forms) and check that it keeps its word.

        `replicas`: how many must have a success before it is told. Raises NothingHappened when no
        server can be reached, NotDurable when the settings of one allow it to lose or evict data
        (or may not be read and `assume_durable` is not given), ValueError for another form of URL.
        """
        store = cls(route_of(Address.parse(url)), url, Durability(replicas))
        if check_durability:
            try:
                await store.check_durability(assume_durable=assume_durable)
            except BaseException:
                await store.close()
                raise
        return store

    async def check_durability(self, *, assume_durable: bool = False) -> None:
        """Raise NotDurable unless what is acknowledged is on disk and never evicted."""
        replicas = self._durability.replicas
        await check(self._route, replicas=replicas, assume_durable=assume_durable)

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> list[Any]:
        """Run one script; its reply as lists of bytes and integers.

        The call is repeated once when its answer is lost: every script is repeatable. Raises
        NothingHappened (Fenced, when the slot's server is not the one that its record names), or
        MayHaveHappened when a try was sent and never answered, or the replicas have not said that
        they have it. An error that the script itself raised is a bug, and an AssertionError.
        """
        durable = script.guarded or script.durable
        call = _Call(keys[0], not script.read_only, script.guarded, script.fenced, durable)
        if script.guarded:
            replies, facts = await self._run_guarded(script, keys, args, call)
            return [*replies, facts] if script.tells_facts else replies
        if script.fenced:
            return await self._run_fenced(script, keys, args, call)
        return await self._evaluate(script, keys, args, call)

    async def read(self, *command: Argument, at: str = "", durable: bool = False) -> Any:
        """One plain reading command, repeated once. Raises NothingHappened.

        `at`: for a command without a key, ask the server of this one. `durable`: what is read must
        be on the replicas as well, as far as successes wait for them.
        """
        call = _Call(at or _key_of(command), writes=False, durable=durable)
        return await self._send(command, call)

    async def write(self, *command: Argument) -> Any:
        """One plain repeatable write (trimming, caching); decisions belong in scripts."""
        return await self._send(command, _Call(_key_of(command), writes=True))

    async def server_of(self, key: str) -> str:
        """The run id of the server that a key lies on. Raises NothingHappened."""
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                node = await self._route.node_of(key)
                link = await node.take()
        except (Unsent, TimeoutError) as error:
            raise NothingHappened(f"the server of {key} cannot be reached: {error}") from error
        node.give_back(link)
        return link.server

    async def works(self, server: str) -> bool:
        """Whether a server, by its run id, still takes writes, as most see it. Raises as `read`.

        A slot that is elsewhere by now was taken from it as planned: nothing was lost.
        """
        return server in await self.servers()

    async def servers(self) -> set[str]:
        """Run ids of all servers that take writes now, as most see it; the gone are left out.

        Raises NothingHappened when none answers.
        """
        found = set()
        for node in await self._route.primaries():
            with suppress(Unsent, Lost, NothingHappened):
                [text] = await node.ask(("INFO", "server"))
                found.add(run_id_of(text))
        return found

    async def tags(self) -> dict[str, str]:
        """A hash tag that lies on each server that takes writes, by the server's own URL.

        Raises NothingHappened.
        """
        wanted, found = len(await self._route.primaries()), dict[str, str]()
        for number in range(TAGS_TRIED):
            if len(found) == wanted:
                break
            node = await self._route.node_of(f"{{{number}}}")
            found.setdefault(node.url, f"{{{number}}}")
        return found

    async def close(self) -> None:
        """Close all connections."""
        await self._route.close()

    async def _run_guarded(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument], call: _Call
    ) -> tuple[list[Any], bytes]:
        """Run a script that answers replies, epoch, fact and facts, or that its slot is fenced."""
        slot = slot_of(keys[0])
        try:
            for _ in range(FENCES_MET_MAX):
                before = self.memory.before(slot)
                reply = await self._evaluate(script, keys, args, call)
                if reply[0] == FENCED:
                    patience_s = min(REOPENING_S, call.until - asyncio.get_running_loop().time())
                    if not await self.memory.wait_reopened(slot, patience_s):
                        break
                    continue
                replies, epoch, fact, facts = reply
                assert isinstance(replies, list), f"{script.name} did not end with answer()"
                if self.memory.told(slot, before, (epoch, fact), facts):
                    if call.is_short and call.writes:
                        raise MayHaveHappened("it is done, but too few replicas say they have it")
                    if call.is_short:
                        raise NothingHappened("too few replicas are known to have what was read")
                    return replies, facts
                call.may_have_run = True  # fenced meanwhile: only a repeat tells what is kept
        finally:
            if call.may_have_run and call.writes:  # a repeat does not show the first try's facts
                self.memory.lost(slot, script.name, keys, args)
        fenced = Fenced(slot)
        raise MayHaveHappened(str(fenced)) if call.may_have_run and call.writes else fenced

    async def _run_fenced(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument], call: _Call
    ) -> list[Any]:
        """Run a script that answers its reply, or that its room is fenced: a reader's turn ends."""
        slot = slot_of(keys[0])
        for _ in range(FENCES_MET_MAX):
            reply = await self._evaluate(script, keys, args, call)
            if reply[0] != FENCED:
                return reply
            patience_s = min(REOPENING_S, call.until - asyncio.get_running_loop().time())
            if script.read_only or not await self.memory.wait_reopened(slot, patience_s):
                break
        fenced = Fenced(slot)
        raise MayHaveHappened(str(fenced)) if call.may_have_run and call.writes else fenced

    async def _evaluate(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument], call: _Call
    ) -> list[Any]:
        rest: Command = (len(keys), *keys, *args)
        verb = "EVALSHA_RO" if script.read_only else "EVALSHA"
        try:
            reply = await self._send((verb, script.sha, *rest), call)
        except UnknownScript:  # a server that was started, promoted or given the slot
            verb = "EVAL_RO" if script.read_only else "EVAL"
            reply = await self._send((verb, script.body, *rest), call)
        assert isinstance(reply, list), f"script {script.name} replied {type(reply).__name__}"
        return reply

    async def _send(self, command: Command, call: _Call) -> Any:
        try:
            async with asyncio.timeout_at(call.until):
                return await self._tried(command, call)
        except (Unsent, Lost, NothingHappened, TimeoutError) as error:
            ambiguous = call.may_have_run and call.writes
            fault: type[Fault] = MayHaveHappened if ambiguous else NothingHappened
            why = str(error) or str(call.refused or "not in time")
            raise fault(f"the store gave no answer: {why}") from error

    async def _tried(self, command: Command, call: _Call) -> Any:
        """The answer of whoever has the slot: lost once, sent on or refused for a moment."""
        losses, redirects, refusals = 0, 0, 0
        asked: Node | None = None
        while True:
            node = asked or await self._route.node_of(call.key)
            try:
                return await self._try_once(node, command, call, asking=asked is not None)
            except Moved as moved:
                redirects += 1
                if redirects > REDIRECTS_MAX:
                    raise NothingHappened(f"no server keeps the call: {moved}") from moved
                there = self._route.moved(node, moved)
                asked = there if moved.asking else None
                continue
            except Passing as refused:
                await _pause(call, refused, refusals)
                refusals += 1
                await self._route.doubt(node, refuses=True)
            except (Unsent, Lost):
                losses += 1
                if losses == ATTEMPTS:
                    raise
                await self._route.doubt(node, refuses=False)
            asked = None

    async def _try_once(self, node: Node, command: Command, call: _Call, *, asking: bool) -> Any:
        link = await node.take()
        self.memory.met(link.server)
        try:
            if call.durable and self._durability.replicas:
                return await self._durably(link, command, call, asking=asking)
            return (await link.exchange(*_asking(asking, _naming(command, call, link))))[-1]
        finally:
            call.may_have_run |= link.unanswered
            node.give_back(link)

    async def _durably(self, link: Link, command: Command, call: _Call, *, asking: bool) -> Any:
        """The answer, and on the same connection whether the replicas have what it tells of."""
        replicas, touched = self._durability, _asking(asking, touch(call.key))
        if not call.guarded:
            named = _asking(asking, _naming(command, call, link))
            answers = await link.exchange(*named, *touched, replicas.waiting, wait_s=WAIT_S)
            if not replicas.reached(answers[-1]):
                call.may_have_run = True
                raise NothingHappened("too few replicas are known to have what was read")
            return answers[int(asking)]
        sent = [*_asking(asking, _naming(command, call, link)), replicas.waiting]
        *_, reply, count = await link.exchange(*sent, wait_s=WAIT_S)
        has_written = reply[0] == FENCED or reply[-1] != b""
        if replicas.reached(count) and not has_written:
            *_, count = await link.exchange(*touched, replicas.waiting, wait_s=WAIT_S)
        call.is_short = not replicas.reached(count)
        return reply


def _naming(command: Command, call: _Call, link: Link) -> Command:
    return (*command, link.server) if call.guarded or call.fenced else command


def _asking(asking: bool, command: Command) -> list[Command]:
    return [("ASKING",), command] if asking else [command]


async def _pause(call: _Call, refused: Passing, refusals: int) -> None:
    """Wait a little before the next try, a little longer each time; or give up."""
    call.refused = refused
    pause = min(PASSING_PAUSE_S * 2**refusals, PASSING_PAUSE_MAX_S)
    if _now() + pause > call.begun + PASSING_S:
        raise refused
    await asyncio.sleep(pause)


def _key_of(command: Command) -> str:
    return "" if command[0] in _KEYLESS or len(command) == 1 else str(command[1])


def _now() -> float:
    return asyncio.get_running_loop().time()
