"""How a simulator runs as a process: binds, says where it listens, answers, stops cleanly.

What a simulator answers belongs in its own module.
"""

from __future__ import annotations

import asyncio
import signal
import socket

import click
import uvloop
from aiohttp import web

STOP_WAIT_S = 2.0
"""How long open connections may finish after SIGTERM."""

BODY_MAX_BYTES = 16 * 1024 * 1024
"""A statement or a bulk purchase; far above what Dropgate sends."""


def run(app: web.Application, *, name: str, host: str, port: int) -> None:
    """`serve` on an event loop of its own; what a simulator's command calls."""
    uvloop.run(serve(app, name=name, host=host, port=port))


async def serve(app: web.Application, *, name: str, host: str, port: int) -> None:
    """Serve `app` until SIGTERM or SIGINT; the first line written is `<name> http://host:port`.

    Port 0 takes a free one. Raises OSError when the port is taken.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_WAIT_S)
    await runner.setup()
    listening = socket.create_server((host, port), backlog=1024)
    try:
        await web.SockSite(runner, listening).start()
        click.echo(f"{name} http://{host}:{listening.getsockname()[1]}")
        await stop.wait()
    finally:
        await runner.cleanup()


def problem(status: int, code: str, detail: str, **more: object) -> web.Response:
    """A refusal in the one error shape (RFC 9457) that the simulators speak too."""
    body = {"type": "about:blank", "status": status, "code": code, "detail": detail, **more}
    return web.json_response(body, status=status, content_type="application/problem+json")


async def read_object(request: web.Request) -> dict[str, object]:
    """The request's JSON object; raises HTTPUnprocessableEntity for anything else."""
    try:
        body = await request.json()
    except ValueError as wrong:
        raise web.HTTPUnprocessableEntity(text=f"the body is not JSON: {wrong}") from wrong
    if not isinstance(body, dict):
        raise web.HTTPUnprocessableEntity(text="the body must be a JSON object")
    return body
