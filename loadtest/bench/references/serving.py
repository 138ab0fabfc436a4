"""One reference as a process: says where it is, and serves until it is killed."""

from __future__ import annotations

import asyncio
import os
import socket

import click
import uvloop
from aiohttp import web

BACKLOG = 1024
RESULT = {"id": "0" * 24, "state": "confirmed", "amount_minor": 380, "units": [{"unit": 1}]}


def run(app: web.Application) -> None:
    """Serve the application on a free port."""
    uvloop.run(_serve(app))


async def _serve(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    await web.SockSite(runner, listening).start()
    click.echo(f"serving http://127.0.0.1:{listening.getsockname()[1]} by {os.getpid()}")
    await asyncio.Event().wait()
