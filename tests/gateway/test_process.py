"""How a gateway process goes: nobody who knocked before the door closed is turned away."""

import asyncio
import socket

from aiohttp import web

from gateway.process import close_listeners, listen


async def test_a_connection_in_the_queue_is_answered() -> None:
    """Connected, but not yet accepted, when the listening socket closes: it gets its answer."""

    async def here(_: web.Request) -> web.Response:
        return web.Response(text="here")

    app = web.Application()
    app.router.add_get("/", here)
    runner = web.AppRunner(app)
    await runner.setup()
    listeners = await listen(runner, "127.0.0.1", 0)
    try:
        # Connecting blocks this loop, so it can have accepted nothing.
        with socket.create_connection(runner.addresses[0][:2]) as waiting:
            waiting.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
            await close_listeners(runner, listeners)
            waiting.settimeout(20)
            told = await asyncio.to_thread(waiting.makefile("rb").read)
        assert told.startswith(b"HTTP/1.1 200 ")
    finally:
        await runner.cleanup()
