"""lua.node: connections that nobody uses are kept, handed out again, and never when they ended."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

import lua.node
from lua.node import Node, Unsent

PATIENCE_S = 60.0


@pytest.fixture
async def node(valkey_url: str) -> AsyncIterator[Node]:
    """The server, without a connection."""
    opened = Node(valkey_url)
    yield opened
    await opened.close()


async def client(node: Node) -> int:
    """The server's number of the connection that the next call has."""
    [number] = await node.ask(("CLIENT", "ID"))
    assert isinstance(number, int)
    return number


async def test_one_connection_serves_call_after_call(node: Node) -> None:
    """Whoever asks next gets what was given back; two at once get two."""
    first = await client(node)
    assert await client(node) == first
    one, other = await node.take(), await node.take()
    assert one is not other
    node.give_back(one)
    node.give_back(other)


async def test_a_connection_that_ended_meanwhile_serves_nobody(node: Node, valkey_url: str) -> None:
    """What the server closed while nobody used it is made anew; no call is lost by it."""
    first = await client(node)
    [kept] = node._idle
    other = Node(valkey_url)
    assert await other.ask(("CLIENT", "KILL", "ID", first)) == [1]
    await other.close()
    until = time.monotonic() + PATIENCE_S
    while kept.is_open:
        assert time.monotonic() < until
        await asyncio.sleep(0.01)
    assert await client(node) != first


async def test_who_waits_gets_what_is_given_back(
    monkeypatch: pytest.MonkeyPatch, valkey_url: str
) -> None:
    """With all connections in use the next one that is free goes to who has waited."""
    monkeypatch.setattr(lua.node, "POOL_SIZE", 1)
    node = Node(valkey_url)
    link = await node.take()
    waiting = asyncio.create_task(node.take())
    while not node._free._waiters:
        await asyncio.sleep(0)
    node.give_back(link)
    got = await waiting
    assert got is link
    node.give_back(got)
    await node.close()


@pytest.mark.hurried
async def test_there_are_no_more_connections_than_may_be(
    monkeypatch: pytest.MonkeyPatch, valkey_url: str
) -> None:
    """Those that are kept count: the server is never asked for one more."""
    monkeypatch.setattr(lua.node, "POOL_SIZE", 2)
    monkeypatch.setattr(lua.node, "CONNECT_TIMEOUT_S", PATIENCE_S)
    node = Node(valkey_url)
    links = [await node.take(), await node.take()]
    for link in links:
        node.give_back(link)
    again = [await node.take(), await node.take()]
    assert set(again) == set(links)
    with pytest.raises(Unsent):
        await node.take()
    await node.close()


async def test_what_is_not_in_use_can_be_forgotten(node: Node) -> None:
    """After a change of servers the next call finds out anew who is there."""
    first = await client(node)
    await node.forget_idle()
    assert await client(node) != first
