"""One exchange on one connection: answers however they come, and never another call's."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from lua.node import Lost, Node, Passing

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
INFO = b"run_id:" + b"a" * 40 + b"\r\n"
PATIENCE_S = 60.0


class Scripted:
    """A server that greets as a store does, and then answers `PING` as it is told."""

    def __init__(self, path: Path) -> None:
        self.url = f"unix://{path}"
        self.path = path
        self.made = 0
        self.answer: Answer = says(b"+PONG\r\n")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: a PING is answered as told, INFO with an id, all else with OK."""
        self.made += 1
        try:
            while word := await command(reader):
                if word == b"PING":
                    await self.answer(writer)
                else:
                    writer.write(b"$%d\r\n%b\r\n" % (len(INFO), INFO) if word == b"INFO" else OK)
        finally:
            writer.close()


OK = b"+OK\r\n"


async def command(reader: asyncio.StreamReader) -> bytes:
    """The first word of the next command; b"" at the end."""
    count = await reader.readline()
    words = []
    for _ in range(int(count[1:] or 0)):
        size = int((await reader.readline())[1:])
        words.append((await reader.readexactly(size + 2))[:-2])
    return words[0] if words else b""


def says(*pieces: bytes) -> Answer:
    """These bytes, each in a packet of its own."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.001)

    return answer


async def hangs_up(writer: asyncio.StreamWriter) -> None:
    """No answer, and no connection any more."""
    writer.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Scripted]:
    """The server, listening."""
    scripted = Scripted(tmp_path / "s")
    listening = await asyncio.start_unix_server(scripted.serve, scripted.path)
    yield scripted
    listening.close()


@pytest.fixture
async def node(server: Scripted) -> AsyncIterator[Node]:
    """The node that talks to it."""
    made = Node(server.url)
    yield made
    await made.close()


async def test_an_answer_may_come_in_pieces(server: Scripted, node: Node) -> None:
    """Byte by byte, or two answers at once."""
    server.answer = says(*(bytes((one,)) for one in b"*2\r\n$3\r\nabc\r\n:7\r\n"))
    assert await node.ask(("PING",)) == [[b"abc", 7]]
    server.answer = says(b"+one\r\n")
    assert await node.ask(("PING",), ("PING",)) == [b"one", b"one"]
    assert server.made == 1, "a good connection is used again"


@pytest.mark.parametrize("answer", [hangs_up, says(b"?nonsense\r\n"), says(b"+A\r\n+B\r\n")])
async def test_what_is_no_answer_is_one_that_was_lost(
    server: Scripted, node: Node, answer: Answer
) -> None:
    """It may have run; and the connection serves nobody again."""
    server.answer = answer
    link = await node.take()
    with pytest.raises(Lost):
        await link.exchange(("PING",))
    assert link.unanswered
    node.give_back(link)
    server.answer = says(b"+PONG\r\n")
    assert await node.ask(("PING",)) == [b"PONG"]
    assert server.made == 2


async def test_what_nobody_asked_for_is_nobodys_answer(server: Scripted, node: Node) -> None:
    """Bytes that come while a connection is idle end it: the next call has another one."""
    server.answer = says(b"+PONG\r\n", b"+STRAY\r\n")
    link = await node.take()
    assert await link.exchange(("PING",)) == [b"PONG"]
    node.give_back(link)
    async with asyncio.timeout(PATIENCE_S):
        while link.is_open:
            await asyncio.sleep(0.01)
    server.answer = says(b"+NEXT\r\n")
    assert await node.ask(("PING",)) == [b"NEXT"]
    assert server.made == 2


async def test_a_call_that_is_given_up_leaves_its_answer_to_nobody(
    server: Scripted, node: Node
) -> None:
    """Who is cancelled while the answer is on its way takes the connection along."""
    asked, go = asyncio.Event(), asyncio.Event()

    async def late(writer: asyncio.StreamWriter) -> None:
        asked.set()
        await go.wait()
        writer.write(b"+LATE\r\n")

    server.answer = late
    call = asyncio.create_task(node.ask(("PING",)))
    await asked.wait()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    server.answer = says(b"+NEXT\r\n")
    go.set()
    assert await node.ask(("PING",)) == [b"NEXT"]


async def test_a_server_that_loads_its_data_has_not_run_it(server: Scripted, node: Node) -> None:
    """It refuses every command; nothing happened."""
    server.answer = says(b"-LOADING it reads its files\r\n")
    link = await node.take()
    with pytest.raises(Passing):
        await link.exchange(("PING",))
    assert not link.unanswered
    node.give_back(link)
