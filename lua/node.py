"""One server of the store: its connections, and one exchange of commands on one of them.

This module alone imports redis-py, and it sets every limit itself: the library's own defaults run
a script twice or more and wait a minute (redis-py 261, 977). Which server to ask, and what to do
about an answer that was lost, is decided in lua.store.
"""

import asyncio
import re
from typing import Any

from hiredis import pack_command
from redis.asyncio.connection import (
    AbstractConnection,
    BlockingConnectionPool,
)
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ConnectionError as StoreConnectionError,
    MovedError,
    NoPermissionError,
    NoScriptError,
    RedisError,
    ResponseError,
    TimeoutError as StoreTimeoutError,
)

from lua.address import Place
from lua.faults import NothingHappened

Argument = str | int | bytes
Command = tuple[Argument, ...]

CONNECT_TIMEOUT_S = 0.2
ANSWER_TIMEOUT_S = 0.35
POOL_WAIT_S = 0.25
POOL_SIZE = 64
RUN_ID_SIZE = 40
# Errors the server gives before it runs anything: the whole call was refused.
_REFUSED_WHOLE = (
    "BUSY",
    "OOM",
    "MISCONF",
    "NOREPLICAS",
    "NOAUTH",
    "NOPERM",
    "max number of clients",
)
# As above, and of a kind that may be over in a moment: another server may have the slot by then.
_PASSING = ("READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN")


class Unsent(Exception):
    """No connection could be had: the command never left this process."""


class Lost(Exception):
    """The command was sent and no answer came."""


class Passing(NothingHappened):
    """Refused as a whole, for a reason that may soon be gone."""


class Moved(Exception):
    """Another server has the slot: for good, or (`asking`) for this one call."""

    def __init__(self, place: Place, slot: int, *, asking: bool) -> None:
        super().__init__(f"slot {slot} is at {place[0]}:{place[1]}")
        self.place, self.slot, self.asking = place, slot, asking


class UnknownScript(Exception):
    """The server does not know a script by its digest; nothing happened."""


class Link:
    """One connection to one server, taken for one call.

    `server` is the run id of the process at its other end.
    """

    def __init__(self, connection: AbstractConnection) -> None:
        self.connection = connection
        self.server: str = connection.run_id  # type: ignore[attr-defined]  # ours: _greet
        self.unanswered = False
        """Something was sent and not every answer has come: it may have run."""
        self.broken = False
        """Answers may still be on their way: it must serve nobody again."""

    async def exchange(self, *commands: Command, wait_s: float | None = None) -> list[Any]:
        """Send commands together; their answers.

        With `wait_s` the last one waits for others: it may take so much longer, and its own error
        is an answer. Raises what the first error among the answers means: Lost, Passing,
        NothingHappened, Moved, UnknownScript, PermissionError, AssertionError.
        """
        connection = self.connection
        self.unanswered = self.broken = True
        answers: list[Any] = []
        try:
            # Packed in C: redis-py's own packer takes 1 us a key, and a call has hundreds. Written
            # at once: redis-py makes a task and a timer to wait until the kernel has taken it,
            # which the answer says as well.
            writer = connection._writer
            if writer is None:
                raise StoreConnectionError("the connection is closed")
            writer.write(b"".join(map(_packed, commands)))
            for number in range(len(commands)):
                limit = wait_s if wait_s is not None and number == len(commands) - 1 else None
                answers.append(await self._answer(limit))
        except BusyLoadingError as error:  # it refuses every command, and redis-py hangs up
            self.unanswered = False
            raise Passing(f"the store is loading its data: {error}") from error
        except (StoreConnectionError, StoreTimeoutError, OSError) as error:
            raise Lost(str(error)) from error
        self.unanswered = self.broken = False
        for answer in answers if wait_s is None else answers[:-1]:
            if isinstance(answer, ResponseError):
                raise _told(answer) from answer
        return answers

    async def _answer(self, limit: float | None) -> Any:
        try:
            if limit is None:
                return await self.connection.read_response()
            answer = await self.connection.read_response(timeout=ANSWER_TIMEOUT_S + limit)
        except ResponseError as error:
            return error
        if answer is None:  # so redis-py says that a time of our own has run out
            raise StoreTimeoutError("not in time")
        return answer


class Node:
    """One server: a bounded pool of connections to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool = BlockingConnectionPool.from_url(
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
            redis_connect_func=_greet,
        )
        # The pool makes, bounds and closes connections. To hand one out and take it back costs it
        # a third of a call, so those that are not in use are kept here, where they count as used.
        self._idle: list[AbstractConnection] = []
        self._asking = 0

    async def take(self) -> Link:
        """A connection for one call; give it back. Raises Unsent, NothingHappened, Passing."""
        while self._idle:
            link = Link(self._idle.pop())
            if await _is_ready(link.connection):
                return link
            link.broken = True
            await self.give_back(link)
        self._asking += 1
        try:
            return Link(await self._made())
        finally:
            self._asking -= 1

    async def _made(self) -> AbstractConnection:
        """A connection of the pool's, or the next one that is given back to it."""
        try:
            connection: AbstractConnection = await self._pool.get_connection()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        except BusyLoadingError as error:
            raise Passing(f"the store is loading its data: {error}") from error
        except AuthenticationError as error:
            raise NothingHappened(f"the store refuses our credentials: {error}") from error
        except (RedisError, OSError) as error:
            raise Unsent(str(error)) from error
        return connection

    async def give_back(self, link: Link) -> None:
        """Let the next call have it; one with an answer still on its way serves nobody again."""
        if link.broken:
            await asyncio.shield(link.connection.disconnect(nowait=True))
        elif not self._asking:  # who asks the pool is woken by what is given back to the pool
            self._idle.append(link.connection)
            return
        await self._pool.release(link.connection)

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        return self.url.rpartition("@")[2].rpartition("//")[2].removesuffix("/0")

    async def ask(self, *commands: Command) -> list[Any]:
        """One exchange on a connection of its own, not repeated. Raises as `take`, `exchange`."""
        link = await self.take()
        try:
            return await link.exchange(*commands)
        finally:
            await self.give_back(link)

    async def forget_idle(self) -> None:
        """Close the connections that nobody uses: the next ones find out who is there now."""
        while self._idle:
            await self._pool.release(self._idle.pop())
        await self._pool.disconnect(inuse_connections=False)

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.disconnect()


async def _is_ready(connection: AbstractConnection) -> bool:
    """Whether it is open, with nothing on it that nobody has asked for."""
    try:
        return connection.is_connected and not await connection.can_read()
    except (RedisError, OSError):
        return False


async def _greet(connection: AbstractConnection) -> None:
    """Every new connection learns first whom it talks to: a process of a server has its own id."""
    await connection.on_connect()
    await connection.send_command("INFO", "server")
    connection.run_id = run_id_of(await connection.read_response())  # type: ignore[attr-defined]  # ours


def run_id_of(info: bytes) -> str:
    """The id of a server's process, in its INFO: it has another one each time it starts."""
    return info.partition(b"run_id:")[2][:RUN_ID_SIZE].decode()


def _packed(command: Command) -> bytes:
    packed: bytes = pack_command(command)  # type: ignore[arg-type]  # it means tuples of any length
    return packed


async def attached(node: Node) -> list[Place]:
    """The replicas that a primary names and feeds. Raises as `Node.ask`."""
    [info] = await node.ask(("INFO", "replication"))
    rows = re.findall(rb"^slave\d+:ip=([^,]+),port=(\d+),state=online", info, re.MULTILINE)
    return [(host.decode(), int(port)) for host, port in rows]


def hash_slot(key: str) -> int:
    """The hash slot of a key: that of its tag."""
    return int(key_slot(key.encode()))


def _told(error: ResponseError) -> Exception:
    # redis-py takes the code that it knows off the text.
    text = f"{error.status_code} {error}" if error.status_code else str(error)
    if isinstance(error, NoScriptError):
        return UnknownScript(text)
    if isinstance(error, NoPermissionError):
        return PermissionError(str(error))
    if isinstance(error, AskError):  # a MovedError is one too
        place = (error.host.strip("[]"), error.port)
        return Moved(place, error.slot_id, asking=not isinstance(error, MovedError))
    if text.startswith(_PASSING):
        return Passing(f"the store refused the call: {text}")
    if text.startswith(_REFUSED_WHOLE) or "max number of clients" in text:
        return NothingHappened(f"the store refused the call: {text}")
    return AssertionError(f"the store says we are wrong: {text}")
