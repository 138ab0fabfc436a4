"""One server of the store: its connections, and one exchange of commands on one of them.

This module alone imports redis-py, and it sets every limit itself: the library's own defaults run
a script twice or more and wait a minute (redis-py 261, 977). Which server to ask, and what to do
about an answer that was lost, is decided in lua.store.
"""

import asyncio
import re
from typing import Any

from hiredis import HiredisError, Reader, pack_command
from redis.asyncio.connection import (
    AbstractConnection,
    ConnectionPool,
    RedisSSLContext,
    SSLConnection,
)
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ConnectionError as StoreConnectionError,
    InvalidResponse,
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
_MORE = object()
"""In the place of an answer that is not whole yet."""
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


class Link(asyncio.Protocol):
    """One connection to one server, taken for one call at a time.

    redis-py makes it and says who we are; then its answers come here, since its own way of reading
    one takes a stream, a task's waiting and two timers. `server` is the run id of the process at
    its other end.
    """

    def __init__(self, connection: AbstractConnection, answer_s: float) -> None:
        self.server: str = connection.run_id  # type: ignore[attr-defined]  # ours: _greet
        self.unanswered = False
        """Something was sent and not every answer has come: it may have run."""
        self.broken = False
        """Answers may still be on their way: it must serve nobody again."""
        writer = connection._writer
        assert writer is not None, "it is connected"
        self._connection = connection
        self._transport = writer.transport
        self._loop = asyncio.get_running_loop()
        self._reader = Reader(
            protocolError=InvalidResponse,
            replyError=connection._parser.parse_error,
            notEnoughData=_MORE,
        )
        self._answer_s = answer_s
        self._wait_s = 0.0
        self._wanted = 0
        self._answers: list[Any] = []
        self._whole: asyncio.Future[None] | None = None
        self._late: asyncio.TimerHandle | None = None
        self._transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        """Whether the other end is there, as far as this one has heard."""
        return not self._transport.is_closing()

    def close(self) -> None:
        """Hang up."""
        self._connection._close()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    async def exchange(self, *commands: Command, wait_s: float | None = None) -> list[Any]:
        """Send commands together; their answers.

        With `wait_s` the last one waits for others: it may take so much longer, and its own error
        is an answer. Raises what the first error among the answers means: Lost, Passing,
        NothingHappened, Moved, UnknownScript, PermissionError, AssertionError.
        """
        self.unanswered = self.broken = True
        self._answers, self._wanted, self._wait_s = [], len(commands), wait_s or 0.0
        self._whole = self._loop.create_future()
        try:
            if self._transport.is_closing():
                raise StoreConnectionError("the connection is closed")
            # Packed in C: redis-py's own packer takes 1 us a key, and a call has hundreds.
            self._transport.write(b"".join(map(_packed, commands)))
            self._wait()
            await self._whole
        except BusyLoadingError as error:  # it refuses every command
            self.unanswered = False
            raise Passing(f"the store is loading its data: {error}") from error
        except (RedisError, HiredisError, OSError) as error:
            raise Lost(str(error)) from error
        finally:
            self._whole = None
            if self._late is not None:
                self._late.cancel()
        self.unanswered = self.broken = False
        answers = self._answers
        for answer in answers if wait_s is None else answers[:-1]:
            if isinstance(answer, ResponseError):
                raise _told(answer) from answer
        return answers

    def data_received(self, data: bytes) -> None:
        """Some of the answers, or of one."""
        whole = self._whole
        if whole is None or whole.done():
            self._transport.abort()  # nobody has asked: what comes next would be another's answer
            return
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not _MORE:
                if isinstance(answer, StoreConnectionError):
                    raise answer
                self._answers.append(answer)
        except (RedisError, HiredisError) as error:
            whole.set_exception(error)
            return
        left = self._wanted - len(self._answers)
        if left == 0:
            whole.set_result(None)
        elif left < 0:
            whole.set_exception(StoreConnectionError("more answers than were asked for"))
        elif self._answers:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other end is gone."""
        if self._whole is not None and not self._whole.done():
            self._whole.set_exception(StoreConnectionError(str(exc or "the server hung up")))

    def _wait(self) -> None:
        """Each answer has a time of its own, the last one also that for which it waits."""
        if self._late is not None:
            self._late.cancel()
        is_last = len(self._answers) == self._wanted - 1
        limit_s = self._answer_s + (self._wait_s if is_last else 0.0)
        self._late = self._loop.call_later(limit_s, self._give_up)

    def _give_up(self) -> None:
        if self._whole is not None and not self._whole.done():
            self._whole.set_exception(StoreTimeoutError("not in time"))


class Node:
    """One server: a bounded pool of connections to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._maker = ConnectionPool.from_url(
            url,
            socket_timeout=ANSWER_TIMEOUT_S,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
            health_check_interval=0,
            protocol=2,
            decode_responses=False,
            redis_connect_func=_greet,
        )
        self._answer_s, self._wait_s = ANSWER_TIMEOUT_S, POOL_WAIT_S
        self._free = asyncio.Semaphore(POOL_SIZE)
        self._links: set[Link] = set()
        self._idle: list[Link] = []
        self._tls: RedisSSLContext | None = None

    async def take(self) -> Link:
        """A connection for one call; give it back. Raises Unsent, NothingHappened, Passing."""
        if self._free.locked():
            try:
                async with asyncio.timeout(self._wait_s):
                    await self._free.acquire()
            except TimeoutError as error:
                raise Unsent("every connection is taken") from error
        else:
            await self._free.acquire()
        try:
            while self._idle:
                link = self._idle.pop()
                if link.is_open:
                    return link
                self._drop(link)
            link = await self._make()
        except BaseException:
            self._free.release()
            raise
        self._links.add(link)
        return link

    async def _make(self) -> Link:
        connection: AbstractConnection = self._maker.make_connection()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        if isinstance(connection, SSLConnection):
            # One for all: to read every authority's certificate takes 28 ms, in which no other
            # call goes on, and a dozen connections at once would be out of their time by that.
            self._tls = connection.ssl_context = self._tls or connection.ssl_context
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            return Link(connection, self._answer_s)
        except BusyLoadingError as error:
            raise Passing(f"the store is loading its data: {error}") from error
        except AuthenticationError as error:
            raise NothingHappened(f"the store refuses our credentials: {error}") from error
        except (RedisError, OSError) as error:
            raise Unsent(str(error)) from error
        except BaseException:
            connection._close()  # type: ignore[no-untyped-call]
            raise

    def give_back(self, link: Link) -> None:
        """Let the next call have it; one with an answer still on its way serves nobody again."""
        if link.broken or link not in self._links:
            self._drop(link)
        else:
            self._idle.append(link)
        self._free.release()

    def _drop(self, link: Link) -> None:
        self._links.discard(link)
        link.close()

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
            self.give_back(link)

    async def forget_idle(self) -> None:
        """Close the connections that nobody uses: the next ones find out who is there now."""
        while self._idle:
            self._drop(self._idle.pop())

    async def close(self) -> None:
        """Close all connections."""
        self._idle.clear()
        while self._links:
            self._links.pop().close()


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
