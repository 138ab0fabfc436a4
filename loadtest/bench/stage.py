"""Where the bench is played: a Dropgate of its own with one gateway, and the references beside it.

The settlement worker stands still while the path of a purchase is measured: two cores are shared by
crowd, gateway and store already. What it takes away is a figure of its own.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from loadtest.bench import sale, servers
from loadtest.bench.machine import Meter
from loadtest.installation import Installation

REFERENCE_WAIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Place:
    """Something that answers HTTP: where, by which process, and the process of its store."""

    url: str
    pid: int
    store_pid: int

    def meter(self) -> Meter:
        """What it costs from now on."""
        pids = {"server": self.pid}
        return Meter(pids | ({"store": self.store_pid} if self.store_pid else {}))


@dataclass(frozen=True, slots=True)
class Stage:
    """An installation that is open for business, and how it is talked to."""

    installation: Installation
    credential: str
    ours: Place
    store_url: str
    database_url: str

    async def open_sale(self, name: str, *, units: int, offers: int, stripes: int = 1) -> None:
        """One more sale, open."""
        directory = self.installation.directory / name
        file = sale.write(directory, name, units=units, offers=offers, stripes=stripes)
        await self.installation.command("sale", "apply", file)
        await self.installation.command("sale", "open", name)

    @contextmanager
    def settlement_frozen(self) -> Iterator[None]:
        """The worker stands still, and goes on where it stood."""
        pid = self.installation.note("settlement")["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    async def reference(self, name: str, *words: str, store_pid: int = 0) -> Place:
        """A reference as a process of its own."""
        module = f"loadtest.bench.references.{name}"
        ready = "serving http://"
        started = (sys.executable, "-m", module, *words)
        said = await self.installation.start(name, started, ready, REFERENCE_WAIT_S)
        url, _, pid = said.split(ready)[1].split()[:3]
        return Place(f"http://{url}", int(pid), store_pid)


async def begin(installation: Installation, store_url: str = "", store_pid: int = 0) -> Stage:
    """Start it with an embedded store, or in front of an outside one; its one sale is open."""
    await installation.up(gateways=1, store_url=store_url)
    file = sale.write(installation.directory / "sale")
    await installation.command("sale", "apply", file)
    await installation.command("sale", "open", sale.SALE)
    credential = await installation.credential("partner", sale.PARTNER)
    await installation.until_known(credential)
    urls = installation.note("up")["urls"]
    pid = store_pid or installation.note("valkey")["pid"]
    ours = Place(installation.gateway, installation.note("gateway-1")["pid"], pid)
    return Stage(installation, credential, ours, urls["store"], urls["database"])


@dataclass(frozen=True, slots=True)
class References:
    """Everything that ours is compared with."""

    bare: Place
    plain: Place
    postgres: Place
    store: servers.Server


async def references(stage: Stage, units: int) -> References:
    """Start them; the rows of the one that locks a row a unit are `units` in all."""
    store = await servers.alone(stage.installation, "plain-store")
    postgres = await stage.reference("postgres", stage.database_url, str(units))
    plain = await stage.reference("plain", store.url, store_pid=store.pid)
    return References(await stage.reference("bare"), plain, postgres, store)
