"""The one small door to the store: sends scripts and plain commands, tells the two faults apart.

Here belong connections, timeouts, the single retry and the start-up check of durability. What a
script decides, and what its reply means, belongs to the packages that call it. This module alone
imports redis-py, and it sets every limit itself: the library's own defaults run a script twice or
more and wait a minute (redis-py 261, 977).
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from redis.asyncio.connection import (
    AbstractConnection,
    BlockingConnectionPool,
)
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError as StoreConnectionError,
    NoPermissionError,
    NoScriptError,
    RedisError,
    ResponseError,
    TimeoutError as StoreTimeoutError,
)

from lua.catalogue import Script
from lua.faults import Fault, Fenced, MayHaveHappened, NothingHappened
from lua.memory import Memory, slot_of

Argument = str | int | bytes

CALL_TIMEOUT_S = 0.9
"""A whole call: waits, both tries, and a script sent again. An answer was promised in a second."""
CONNECT_TIMEOUT_S = 0.2
ANSWER_TIMEOUT_S = 0.35
POOL_WAIT_S = 0.25
POOL_SIZE = 64
ATTEMPTS = 2
REOPENING_S = 0.5
"""How long a call that met a fence waits for it to open; enough is left of its time to repeat."""
# Errors the server gives before it runs anything: the whole call was refused.
_REFUSED_WHOLE = (
    "LOADING",
    "BUSY",
    "OOM",
    "MISCONF",
    "READONLY",
    "NOREPLICAS",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "NOAUTH",
    "NOPERM",
    "NOSCRIPT",
    "max number of clients",
)


FENCED = b"fenced"
RUN_ID_SIZE = 40


class NotDurable(Exception):
    """The store may forget or evict what it acknowledged; its message says how to mend that."""


class _Unsent(Exception):
    """No connection could be had: the command never left this process."""


class _Lost(Exception):
    """The command was sent and no answer came."""


@dataclass(slots=True)
class _Call:
    """What is known of a call however it ends: a try without an answer may have run.

    A guarded call names the server that its connection talks to, as its last argument.
    """

    writes: bool
    guarded: bool = False
    may_have_run: bool = False


class Store:
    """A store server. Create it with `connect`; share one per process and event loop."""

    def __init__(self, pool: BlockingConnectionPool, url: str, memory: Memory) -> None:
        self._pool = pool
        self.url = url
        self.memory = memory

    @classmethod
    async def connect(
        cls, url: str, *, assume_durable: bool = False, check_durability: bool = True
    ) -> Self:
        """Connect to `unix:///path` or `redis://host:port/db` and check that it keeps its word.

        Raises NothingHappened when the server cannot be reached, NotDurable when its settings
        allow it to lose or evict data (or may not be read and `assume_durable` is not given).
        """
        memory = Memory()
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=POOL_SIZE,
            timeout=POOL_WAIT_S,
            socket_timeout=ANSWER_TIMEOUT_S,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
            health_check_interval=0,
            protocol=2,
            decode_responses=False,
            redis_connect_func=partial(_greet, memory),
        )
        store = cls(pool, url, memory)
        if check_durability:
            try:
                await store.check_durability(assume_durable=assume_durable)
            except BaseException:
                await store.close()
                raise
        return store

    async def check_durability(self, *, assume_durable: bool = False) -> None:
        """Raise NotDurable unless what is acknowledged is on disk and never evicted."""
        try:
            flat = await self.read("CONFIG", "GET", "append*", "maxmemory-policy")
        except PermissionError as error:
            if assume_durable:
                return
            raise NotDurable(
                "the store's settings may not be read (CONFIG is forbidden). If you know that it "
                "runs with appendonly yes, appendfsync always and maxmemory-policy noeviction, "
                "say so with --assume-durable"
            ) from error
        texts = [item.decode() for item in flat]
        settings = dict(zip(texts[::2], texts[1::2], strict=True))
        wanted = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
        wrong = {
            name: settings.get(name, "?") for name in wanted if settings.get(name) != wanted[name]
        }
        if wrong and not assume_durable:
            mend = " ".join(f"CONFIG SET {name} {wanted[name]};" for name in wrong)
            found = ", ".join(f"{name} is {value}" for name, value in wrong.items())
            raise NotDurable(f"the store may lose what it acknowledged: {found}. Mend it: {mend}")

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> list[Any]:
        """Run one script; its reply as lists of bytes and integers.

        The call is repeated once when its answer is lost: every script is repeatable. Raises
        NothingHappened (Fenced, when the slot's server is not the one that its record names), or
        MayHaveHappened when a try was sent and never answered. An error that the script itself
        raised is a bug, and an AssertionError.
        """
        call = _Call(writes=not script.read_only, guarded=script.guarded)
        if script.guarded:
            return await self._run_guarded(script, keys, args, call)
        return await self._evaluate(script, keys, args, call, _deadline())

    async def read(self, *command: Argument) -> Any:
        """One plain reading command, repeated once. Raises NothingHappened."""
        return await self._send(command, _Call(writes=False), _deadline())

    async def write(self, *command: Argument) -> Any:
        """One plain repeatable write (trimming, caching); decisions belong in scripts."""
        return await self._send(command, _Call(writes=True), _deadline())

    async def server_of(self, key: str) -> str:
        """The run id of the server that a key lies on. Raises NothingHappened."""
        try:
            async with asyncio.timeout_at(_deadline()):
                connection = await self._take()
        except (_Unsent, TimeoutError) as error:
            raise NothingHappened(f"the server of {key} cannot be reached: {error}") from error
        await self._pool.release(connection)
        return str(connection.run_id.decode())  # type: ignore[attr-defined]  # ours: _greet

    async def works(self, _server: str) -> bool:
        """Whether another server, by its run id, is a healthy master still; here there is none."""
        return False

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.disconnect()

    async def _run_guarded(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument], call: _Call
    ) -> list[Any]:
        """Run a script that answers replies, epoch, fact and facts, or that its slot is fenced."""
        slot, until = slot_of(keys[0]), _deadline()
        before = self.memory.before(slot)
        try:
            reply = await self._evaluate(script, keys, args, call, until)
            if reply[0] == FENCED and await self.memory.wait_reopened(slot, REOPENING_S):
                before = self.memory.before(slot)
                reply = await self._evaluate(script, keys, args, call, until)
        finally:
            if call.may_have_run:  # an answer to a repeat does not show the first try's facts
                self.memory.lost(slot, script.name, keys, args)
        if reply[0] == FENCED:
            fenced = Fenced(slot)
            raise MayHaveHappened(str(fenced)) if call.may_have_run else fenced
        replies, epoch, fact, facts = reply
        assert isinstance(replies, list), f"script {script.name} did not end with answer()"
        if not self.memory.told(slot, before, (epoch, fact), facts):
            self.memory.lost(slot, script.name, keys, args)
            raise MayHaveHappened(f"the slot {slot} was fenced while the call was under way")
        return replies

    async def _evaluate(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[Argument],
        call: _Call,
        until: float,
    ) -> list[Any]:
        rest: tuple[Argument, ...] = (len(keys), *keys, *args)
        verb = "EVALSHA_RO" if script.read_only else "EVALSHA"
        try:
            reply = await self._send((verb, script.sha, *rest), call, until)
        except NoScriptError:
            verb = "EVAL_RO" if script.read_only else "EVAL"
            reply = await self._send((verb, script.body, *rest), call, until)
        assert isinstance(reply, list), f"script {script.name} replied {type(reply).__name__}"
        return reply

    async def _send(self, command: tuple[Argument, ...], call: _Call, until: float) -> Any:
        try:
            async with asyncio.timeout_at(until):
                return await self._tried(command, call)
        except (_Unsent, _Lost, NothingHappened, TimeoutError) as error:
            ambiguous = call.may_have_run and call.writes
            fault: type[Fault] = MayHaveHappened if ambiguous else NothingHappened
            raise fault(f"the store gave no answer: {str(error) or 'not in time'}") from error

    async def _tried(self, command: tuple[Argument, ...], call: "_Call") -> Any:
        for _ in range(ATTEMPTS - 1):
            with suppress(_Lost):
                return await self._try_once(command, call)
        return await self._try_once(command, call)

    async def _try_once(self, command: tuple[Argument, ...], call: "_Call") -> Any:
        connection = await self._take()
        knew, call.may_have_run = call.may_have_run, True
        clean = False
        try:
            named = (connection.run_id,) if call.guarded else ()  # type: ignore[attr-defined]  # ours: _greet
            await connection.send_command(*command, *named)
            reply = await connection.read_response()
            clean = True
        except NoScriptError:
            clean = True
            raise
        except BusyLoadingError as error:
            call.may_have_run = knew
            raise NothingHappened(f"the store is loading its data: {error}") from error
        except NoPermissionError as error:
            clean = True
            raise PermissionError(str(error)) from error
        except ResponseError as error:
            clean = True
            raise _told(error) from error
        except (StoreConnectionError, StoreTimeoutError, OSError) as error:
            raise _Lost(str(error)) from error
        finally:
            if clean:
                call.may_have_run = knew
            else:  # one with an answer still on its way must never serve another caller
                await asyncio.shield(connection.disconnect(nowait=True))
            await self._pool.release(connection)
        return reply

    async def _take(self) -> AbstractConnection:
        try:
            connection: AbstractConnection = await self._pool.get_connection()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        except BusyLoadingError as error:
            raise NothingHappened(f"the store is loading its data: {error}") from error
        except AuthenticationError as error:
            raise NothingHappened(f"the store refuses our credentials: {error}") from error
        except (RedisError, OSError) as error:
            raise _Unsent(str(error)) from error
        return connection


async def _greet(memory: Memory, connection: AbstractConnection) -> None:
    """Every new connection learns first whom it talks to: a process of a server has its own id."""
    await connection.on_connect()
    await connection.send_command("INFO", "server")
    _, _, rest = (await connection.read_response()).partition(b"run_id:")
    connection.run_id = rest[:RUN_ID_SIZE]  # type: ignore[attr-defined]  # ours
    memory.met(rest[:RUN_ID_SIZE])


def _deadline() -> float:
    return asyncio.get_running_loop().time() + CALL_TIMEOUT_S


def _told(error: ResponseError) -> Exception:
    # redis-py takes the code that it knows off the text.
    text = f"{error.status_code} {error}" if error.status_code else str(error)
    if text.startswith(_REFUSED_WHOLE) or "max number of clients" in text:
        return NothingHappened(f"the store refused the call: {text}")
    return AssertionError(f"the store says we are wrong: {text}")
