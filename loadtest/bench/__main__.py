"""`python -m loadtest.bench`: measures, prints a table, writes build/bench.json.

QUICK=1 makes the rounds short: it shows that the bench works, not how fast anything is.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import orjson
import uvloop
from rich.console import Console
from rich.progress import track
from rich.table import Table

from loadtest.bench import sale
from loadtest.bench.client import Ask, Round, load
from loadtest.bench.figures import Figures
from loadtest.installation import ROOT, Installation
from loadtest.verdict import percentile
from loadtest.wire import request

QUICK = bool(os.environ.get("QUICK"))
ROUNDS, SECONDS = (1, 0.5) if QUICK else (5, 3.0)
CONNECTIONS = 32
BATCHES = (1, 8, 64, 256)
BARE_WAIT_S = 10.0
JSON = {"Content-Type": "application/json"}
FRAME = f"/v1/sales/{sale.SALE}/frame"


class Unexpected(Exception):
    """An answer that was no success: the figure would be one of refusals."""


class Bench:
    """One run: a Dropgate with one gateway, a bare server, and turns between them."""

    def __init__(self, installation: Installation, bare: str, credential: str) -> None:
        self._installation, self._figures = installation, Figures()
        self._bare, self._gateway = bare, installation.gateway
        self._headers = {"Authorization": f"Bearer {credential}", **JSON}
        self._orders = sale.orders()
        self._bought = 0
        self._keys = (f"{os.getpid()}-{number}" for number in itertools.count())

    async def run(self) -> Figures:
        """All rounds; ours and the reference by turns within each."""
        for _ in track(range(ROUNDS), description="rounds", disable=not sys.stderr.isatty()):
            await self._measure("bare_post", self._bare, self._bare_post)
            self._bought += await self._measure("single_purchase", self._gateway, self._purchase)
            await self._measure("bare_get", self._bare, lambda: request("GET", "/frame", {}))
            await self._measure("frame_poll", self._gateway, lambda: request("GET", FRAME, {}))
            for size in BATCHES:
                await self._measure_store(size)
        await self._check()
        return self._figures

    async def _check(self) -> None:
        """A batch is answered 200 whatever became of its orders: all must have been sold."""
        said = await self._installation.command("sale", "counts", sale.SALE, "--json")
        sold = json.loads(said)["total"]["sold"]
        if sold != self._bought * sale.QUANTITY:
            raise Unexpected(f"{self._bought} orders of {sale.QUANTITY} units, {sold} units sold")

    async def _measure(self, name: str, where: str, ask: Ask) -> int:
        """Measure one round, and say how many answers it had."""
        seen = await self._load(where, ask, CONNECTIONS)
        self._figures.add(name, "1/s", seen.per_s)
        for share in (50, 99):
            at = percentile(list(seen.times_ms), share / 100)
            self._figures.add(f"{name}_p{share}", "ms", at)
        return sum(seen.statuses.values())

    async def _load(self, where: str, ask: Ask, connections: int) -> Round:
        seen = await load(where, ask, connections=connections, seconds=SECONDS)
        if not set(seen.statuses) <= {200, 201}:
            raise Unexpected(f"statuses {dict(seen.statuses)}")
        return seen

    async def _measure_store(self, size: int) -> None:
        """Partner batches one after the other; what they cost the store's process, and how many."""
        before_s = self._store_cpu_s()
        seen = await self._load(self._gateway, lambda: self._batch(size), 1)
        spent_s = self._store_cpu_s() - before_s
        orders = sum(seen.statuses.values()) * size
        self._bought += orders
        self._figures.add(f"store_cpu_batch_{size}", "us/order", spent_s / orders * 1e6)
        self._figures.add(f"orders_batch_{size}", "1/s", orders / seen.seconds)

    def _store_cpu_s(self) -> float:
        """User and system time of the store's process, fsyncs included."""
        pid = self._installation.note("valkey")["pid"]
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _bare_post(self) -> bytes:
        return request("POST", "/post", JSON, orjson.dumps(next(self._orders)))

    def _purchase(self) -> bytes:
        headers = {**self._headers, "Idempotency-Key": next(self._keys)}
        return request("POST", "/v1/partner/orders", headers, orjson.dumps(next(self._orders)))

    def _batch(self, size: int) -> bytes:
        orders = [{"key": next(self._keys), **next(self._orders)} for _ in range(size)]
        body = orjson.dumps({"orders": orders})
        return request("POST", "/v1/partner/orders/batch", self._headers, body)


async def _bench() -> None:
    directory = Path(tempfile.mkdtemp(prefix="dgb-"))
    try:
        async with Installation(directory) as installation:
            await installation.up(gateways=1)
            file = sale.write(directory / "sale")
            await installation.command("sale", "apply", file)
            await installation.command("sale", "open", sale.SALE)
            credential = await installation.credential("partner", "market")
            await installation.until_known(credential)
            words = (sys.executable, "-m", "loadtest.bench.bare")
            said = await installation.start("bare", words, "bare http://", BARE_WAIT_S)
            figures = await Bench(installation, said.split()[1], credential).run()
    finally:
        shutil.rmtree(directory)
    _tell(figures)


def _ratios(figures: Figures) -> dict[str, float]:
    return {
        "single_purchase / bare_post": figures.ratio("single_purchase", "bare_post"),
        "frame_poll / bare_get": figures.ratio("frame_poll", "bare_get"),
        **{
            f"store_cpu_batch_1 / store_cpu_batch_{size}": figures.ratio(
                "store_cpu_batch_1", f"store_cpu_batch_{size}"
            )
            for size in BATCHES[1:]
        },
    }


def _tell(figures: Figures) -> None:
    ratios = _ratios(figures)
    table = Table(title="Dropgate, first bench" + (" (QUICK: no figures)" if QUICK else ""))
    for column in ("what", "median", "unit", "spread"):
        table.add_column(column, justify="left" if column in ("what", "unit") else "right")
    for name, figure in figures.by_name.items():
        table.add_row(name, f"{figure.median:,.1f}", figure.unit, f"{figure.spread:.0%}")
    for name, ratio in ratios.items():
        table.add_row(name, f"{ratio:.2f}", "ratio", "")
    Console().print(table)
    told = {
        "quick": QUICK,
        "rounds": ROUNDS,
        "seconds": SECONDS,
        "connections": CONNECTIONS,
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "figures": {name: figure.as_json() for name, figure in figures.by_name.items()},
        "ratios": ratios,
    }
    path = ROOT / "build" / "bench.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(told, indent=1) + "\n")
    Console().print(f"written to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    uvloop.run(_bench())
