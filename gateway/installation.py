"""What `dropgate up` runs: which programs, with which settings, in which stages.

Here: the programs of one installation as values, and the story of one `up` from lock to stop. Not
here: keeping them running (gateway.supervisor), what a gateway does (gateway.process).
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from msgspec.structs import replace

import lua.embedded
import settlement.embedded
from gateway.config import Settings
from gateway.keyring import Keyring
from gateway.ports import Reservations
from gateway.state import UP, Note, State, embedded, started_at
from gateway.supervisor import Say, Service, Supervisor
from lua.process import Program

WORKER_STOP_S = 30.0
"""How long the settlement worker may take to post what is left when it is told to stop."""
CLOSING_S = 5.0
"""How long a gateway may take beyond its drain: closing the store, ending its loops."""
_PROBE_S = 2.0
_HURRY_S = 0.1


async def up(settings: Settings, *, say: Say, stop: asyncio.Event, hurry: asyncio.Event) -> None:
    """Run the installation until `stop` is set; then end it, the gateways first.

    `hurry` while stopping: do not wait for what is in flight. Raises ProgramFailed when something
    does not come up the first time; what had been started is stopped again.
    """
    state = State(settings.state_dir.absolute())
    with state.locked(), Reservations() as ports:
        for name in state.end_orphans():
            say(f"ended {name}, which a killed `dropgate up` had left running")
        Keyring.load(settings.keys)
        installation = Installation(settings, state, ports, say)
        supervisor = Supervisor(state, say)
        starting = asyncio.create_task(installation.start(supervisor))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                await starting
                installation.announce()
                await stopping
        finally:
            for task in (starting, stopping):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task
            say("stopping: the gateways finish their calls, then settlement, then the servers")
            hurrying = asyncio.create_task(_hurry(supervisor, hurry))
            await supervisor.stop()
            hurrying.cancel()
            state.forget(UP)
            say(f"stopped; everything is kept in {state.root}")


async def _hurry(supervisor: Supervisor, asked: asyncio.Event) -> None:
    await asked.wait()
    while True:  # stage after stage: the one that is being waited for
        supervisor.hurry()
        await asyncio.sleep(_HURRY_S)


class Installation:
    """The programs of one state directory, with their ports and URLs settled."""

    def __init__(self, settings: Settings, state: State, ports: Reservations, say: Say) -> None:
        self._state = state
        self._say = say
        self._embeds_store = not settings.store_url
        self._embeds_database = not settings.database_url
        port = ports.take(settings.host, settings.port, "--port")
        own = [
            ports.take(
                settings.metrics_host,
                settings.metrics_port and settings.metrics_port + number,
                "--metrics-port",
            )
            for number in range(settings.gateways + 1)
        ]
        self._own_ports = own
        self._gateway_url = f"http://{settings.host}:{port}"
        self._settings = replace(
            embedded(settings),
            port=port,
            keys_dir=settings.keys.absolute(),
            metrics_peers=tuple(f"{settings.metrics_host}:{number}" for number in own),
        )

    async def start(self, supervisor: Supervisor) -> None:
        """All stages, in the order of who needs whom. Raises ProgramFailed."""
        await supervisor.start(self._servers())
        await supervisor.run_once(
            _ours("migrate", "migrate", self._settings, ready=_always, stop_s=CLOSING_S)
        )
        *gateway_ports, settlement_port = self._own_ports
        worker = self._service("settlement", "settlement", settlement_port)
        gateways = [
            self._service(f"gateway-{number}", "gateway", port)
            for number, port in enumerate(gateway_ports, start=1)
        ]
        # Neither needs the other to come up; but the gateways stop first, as the later stage.
        await supervisor.start([worker], gateways)

    def announce(self) -> None:
        """Note where everything is for other commands, and say it."""
        settings, pid = self._settings, os.getpid()
        urls = {
            "gateway": self._gateway_url,
            "store": settings.store_url,
            "database": settings.database_url,
        }
        self._state.write(Note(name=UP, pid=pid, started=started_at(pid) or 0, urls=urls))
        *gateway_ports, settlement_port = self._own_ports
        places = {
            "gateway": f"{self._gateway_url}  ({len(gateway_ports)} processes on one port)",
            "metrics": f"{self._gateway_url}/metrics sums "
            + ", ".join(f":{port}" for port in gateway_ports)
            + f" (gateways) and :{settlement_port} (settlement)",
            "store": _masked(settings.store_url),
            "database": _masked(settings.database_url),
            "state": f"{self._state.root}  (data, keys, logs)",
        }
        self._say("Dropgate is up.")
        for what, where in places.items():
            self._say(f"  {what:<9} {where}")
        self._say(f"Stop it with Ctrl-C or `kill {pid}`; the next `dropgate up` goes on from here.")

    def _servers(self) -> list[Service]:
        settings, state, servers = self._settings, self._state, []
        if self._embeds_store:
            describe = partial(lua.embedded.prepare, state.valkey)
            servers.append(Service("valkey", describe, {"store": settings.store_url}))
        if self._embeds_database:
            describe = partial(settlement.embedded.prepare, state.postgres, settings.server_account)
            servers.append(Service("postgres", describe, {"database": settings.database_url}))
        return servers

    def _service(self, name: str, command: str, own_port: int) -> Service:
        urls = {"metrics": f"http://{self._settings.metrics_host}:{own_port}"}
        if command == "gateway":
            urls["gateway"] = self._gateway_url
        return Service(name, partial(self._process, name, command, own_port), urls)

    def _process(self, name: str, command: str, own_port: int) -> Program:
        settings = replace(self._settings, metrics_port=own_port)
        return _ours(
            name,
            command,
            settings,
            ready=partial(_says_ready, settings.metrics_host, own_port),
            stop_s=WORKER_STOP_S
            if command == "settlement"
            else settings.drain_delay_s + settings.drain_s + CLOSING_S,
        )


def _ours(
    name: str,
    command: str,
    settings: Settings,
    *,
    ready: Callable[[], Awaitable[bool]],
    stop_s: float,
) -> Program:
    """A command of this very installation as a program; its settings go by environment."""
    return Program(
        name=name,
        argv=(sys.executable, "-m", "gateway.cli", command),
        environment=settings.environment(),
        directory=Path.cwd(),
        ready=ready,
        stop_s=stop_s,
    )


async def _says_ready(host: str, port: int) -> bool:
    """Ask `/readyz`; a process that is not there or does not answer is not ready."""
    try:
        async with asyncio.timeout(_PROBE_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(b"GET /readyz HTTP/1.0\r\n\r\n")
                await writer.drain()
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


async def _always() -> bool:
    return True


def _masked(url: str) -> str:
    """The URL without its password: it goes to a terminal."""
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":***@") if password else url
