"""What a stream costs its process, on the loop that gateways run on."""

import asyncio
import resource
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop
import yarl

from gateway.streams import most_streams
from lua.store import Store
from tests.gateway.conftest import a_world
from tests.gateway.test_streams import REQUEST
from tests.gateway.world import World

FIVE_THOUSAND = 5_000
BYTES_MAX = 2_400
"""The docs say 1.6 KB. The rest is the allocator's; a task or a request kept for a stream would be
more, and aiohttp's own hold on a connection is 11 KB."""


async def test_five_thousand_streams_cost_little(
    state_directory: Path, valkey_url: str, store: Store, database_url: str
) -> None:
    """A process keeps as many as it must, each within the bound that the docs state."""
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))
    wanted = min(FIVE_THOUSAND, most_streams(allowed))

    async def measured() -> float:
        async with a_world(state_directory, valkey_url, database_url) as world:
            world.services.streams.limit = most_streams(allowed)
            return await each_costs(world, wanted)

    try:
        each = await asyncio.to_thread(lambda: uvloop.run(measured()))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    sys.stderr.write(f"{each:.0f} bytes a stream, {wanted} streams")
    assert each <= BYTES_MAX


async def each_costs(world: World, wanted: int) -> float:
    """How many bytes more the process has in memory for each of the later half of the streams.

    The first half pays for what the process needs once, such as room to accept so many at a time.
    """
    first = wanted // 2
    async with crowd(world, first):
        before = memory_bytes()
        async with crowd(world, wanted - first):
            each = (memory_bytes() - before) / (wanted - first)
            assert len(world.services.streams) == wanted
            assert world.services.gate.in_flight == 0
    return each


def memory_bytes() -> int:
    """What this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


@asynccontextmanager
async def crowd(world: World, size: int) -> AsyncIterator[None]:
    """So many streams, opened by another process, which has each one's first event."""
    command = (sys.executable, "-c", CROWD, str(yarl.URL(world.url).port), str(size))
    # Not asyncio's: a loop that is not the main thread's hears of no process that ends.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            first = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), 60)
            assert first.strip() == b"all"
            yield
        finally:
            process.stdin.close()


CROWD = f"""
import resource, socket, sys
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
port, size = map(int, sys.argv[1:])
held = []
for _ in range(size):
    one = socket.create_connection(("127.0.0.1", port))
    one.sendall({REQUEST!r})
    held.append(one)
for one in held:
    one.settimeout(60)
    assert b"200 OK" in one.recv(4096)
print("all", flush=True)
sys.stdin.read()
"""
