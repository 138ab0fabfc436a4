"""A real Prometheus watches a real drop: every query has an answer, alerts fire on their causes."""

import asyncio
import re
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from inventory.records import pack_offer, unpack_offer
from loadtest.crowd.calls import Calls
from loadtest.installation import Installation
from lua.store import Store
from tests.programs import program
from tests.stories.drop import Drop, partner_key
from tests.watching.asked import (
    PROMETHEUS,
    alerts,
    dashboard_queries,
    in_full,
    recordings,
    rows,
    uncompared,
)

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]

SALE = "watched"
READY = "Server is ready to receive web requests."
PATIENCE_S = 60.0
GUESSES = 30
NEVER_IN_A_DROP = {
    "DropgateBug",
    "DropgateCodesGuessed",
    "DropgateFactsQuarantined",
    "DropgateInvariantBroken",
    "DropgateSaleUnreadable",
    "DropgateSettlementStopped",
    "DropgateSlotFenced",
}


@dataclass(slots=True)
class Watched:
    """A drop that was sold, and the Prometheus that has watched it from the beginning."""

    installation: Installation
    prometheus: str
    http: aiohttp.ClientSession
    kiosk: str

    async def asked(self, query: str) -> list[dict[str, Any]]:
        """What Prometheus answers to a query now."""
        told = await self._get("query", query=query)
        return list(told["result"])

    async def firing(self) -> dict[str, dict[str, str]]:
        """The alerts that fire, with their annotations."""
        told = await self._get("alerts")
        found = (one for one in told["alerts"] if one["state"] == "firing")
        return {one["labels"]["alertname"]: one["annotations"] for one in found}

    async def until_firing(self, alert: str) -> dict[str, str]:
        """The annotations of an alert, once it fires."""
        async with asyncio.timeout(PATIENCE_S):
            while alert not in (found := await self.firing()):
                await asyncio.sleep(0.2)
        return found[alert]

    async def redeem(self, code: str, key: str) -> int:
        """The status of a redemption."""
        url = f"{self.installation.gateway}/v1/kiosk/redemptions"
        headers = {"Authorization": self.kiosk, "Idempotency-Key": key}
        async with self.http.post(url, json={"code": code}, headers=headers) as answer:
            return answer.status

    async def _get(self, what: str, **query: str) -> dict[str, Any]:
        async with self.http.get(f"{self.prometheus}/api/v1/{what}", params=query) as answer:
            told = await answer.json()
        assert told["status"] == "success", told
        return dict(told["data"])


def own_ports(installation: Installation) -> dict[str, list[str]]:
    """The own ports of the processes, by the file of targets that names them."""
    ports = {
        name: installation.note(name)["urls"]["metrics"].removeprefix("http://")
        for name in ("gateway-1", "gateway-2", "settlement")
    }
    return {"gateways": [ports["gateway-1"], ports["gateway-2"]],
            "settlement": [ports["settlement"]]}  # fmt: skip


def configured(directory: Path, targets: dict[str, list[str]]) -> Path:
    """The project's own configuration, hastier and with these targets; rules are as they are."""
    shutil.copytree(PROMETHEUS, directory)
    config = directory / "prometheus.yml"
    text, times = re.subn(r"(interval|timeout): \d+s", r"\1: 1s", config.read_text())
    assert times == 5
    config.write_text(text)
    for name, ports in targets.items():
        listed = ", ".join(f'"{port}"' for port in ports)
        (directory / "targets" / f"{name}.yml").write_text(f"- targets: [{listed}]\n")
    return config


async def started(installation: Installation) -> str:
    """A Prometheus of our own, ended with the installation; its address."""
    binary = program("prometheus", "prometheus")
    config = configured(installation.directory / "prometheus", own_ports(installation))
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = (
        binary,
        f"--config.file={config}",
        f"--storage.tsdb.path={installation.directory / 'tsdb'}",
        f"--web.listen-address={address}",
    )
    await installation.start("prometheus", words, READY, PATIENCE_S)
    return f"http://{address}"


@pytest.fixture(scope="module")
async def watched() -> AsyncIterator[Watched]:
    """A small drop with shoppers, a partner and a kiosk on `dropgate up`, watched, and sold out."""
    program("prometheus", "prometheus")
    with tempfile.TemporaryDirectory(prefix="dgt-", dir="/tmp") as home, \
            closing(Calls(seed=38)) as calls:  # fmt: skip
        async with Installation(Path(home)) as installation, aiohttp.ClientSession() as http:
            await installation.up(gateways=2)
            prometheus = await started(installation)
            kiosk = f"Bearer {await installation.credential('kiosk', 'hall/door-1')}"
            key = await partner_key(installation)
            found = Watched(installation, prometheus, http, kiosk)
            drop = await Drop.prepared(installation, calls, SALE, key)
            async with asyncio.timeout(200):
                await drop.run(lambda drop: drop.reach(1))
            sold = [unit for order in drop.partner_orders for unit in order["units"]]
            for number, unit in enumerate(sold[:20]):
                assert await found.redeem(unit["code"], f"in-{number}") in (200, 201)
            yield found


async def test_every_process_is_asked(watched: Watched) -> None:
    """Both gateways and the settlement worker answer on their own ports."""
    up = {one["metric"]["instance"]: one["value"][1] for one in await watched.asked("up")}
    ports = own_ports(watched.installation)
    assert up == dict.fromkeys((*ports["gateways"], *ports["settlement"]), "1")


async def test_every_query_has_an_answer(watched: Watched) -> None:
    """Dashboard, recording rules, and what alerts compare: none asks for what is not there."""
    queries = {f"panel {name}: {query}": in_full(query) for name, query in dashboard_queries()}
    queries |= {f"recording {name}": name for name in recordings()}
    queries |= {f"alert {one['alert']}": uncompared(one["expr"]) for one in alerts()}
    silent = dict(queries)
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while silent:
                for name, query in list(silent.items()):
                    if await watched.asked(query):
                        del silent[name]
                await asyncio.sleep(0.2)
    assert silent == {}


async def test_a_drop_that_goes_well_is_no_alarm(watched: Watched) -> None:
    """No alert that means something wrong has fired, nor is about to."""
    assert {one["alert"] for one in alerts()} >= NEVER_IN_A_DROP
    seen = await watched.asked("max_over_time(ALERTS[10m])")
    assert {one["metric"]["alertname"] for one in seen} & NEVER_IN_A_DROP == set()


async def test_the_units_that_are_shown_are_those_that_there_are(watched: Watched) -> None:
    """What all gateways see together is not multiplied by how many there are."""
    counts = msgspec.json.decode(
        await watched.installation.command("sale", "counts", SALE, "--json")
    )
    query = f'sale_state:dropgate_units:max{{sale="{SALE}"}}'
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answers = await watched.asked(query)
            shown = {one["metric"]["state"]: int(one["value"][1]) for one in answers}
            if shown == counts["total"]:
                break
            await asyncio.sleep(0.2)
    async with watched.http.get(f"{watched.installation.gateway}/metrics") as answer:
        line = f'dropgate_units{{sale="{SALE}",state="released"}}'
        assert f"{line} {float(counts['total']['released'])}" in await answer.text()


async def test_what_processes_tell_is_what_the_page_says(watched: Watched) -> None:
    """Every series on the own ports is of a metric on the page, with the labels it has there."""
    known = {row.name: row for row in rows()}
    for port in (port for ports in own_ports(watched.installation).values() for port in ports):
        async with watched.http.get(f"http://{port}/metrics") as answer:
            families = text_string_to_metric_families(await answer.text())
        for family in families:
            name = f"{family.name}_total" if family.type == "counter" else family.name
            for sample in family.samples:
                assert set(sample.labels) - {"le"} == set(known[name].labels), name


async def test_guessed_codes_are_an_alert(watched: Watched) -> None:
    """A kiosk that tries wrong codes one after the other makes the alert fire, with its runbook."""
    statuses = {await watched.redeem(f"WRONG {n}", f"guess-{n}") for n in range(GUESSES)}
    assert statuses == {404, 429}
    told = await watched.until_firing("DropgateCodesGuessed")
    assert told["runbook_url"] == "docs/runbooks/DropgateCodesGuessed.md"


async def test_a_unit_that_appears_from_nowhere_is_an_alert(watched: Watched) -> None:
    """A counter that somebody changes in the store, past all scripts, is seen within seconds."""
    offers = f"{{{SALE}:0}}:offers"
    url = watched.installation.note("up")["urls"]["store"]
    store = await Store.connect(url)
    packed = unpack_offer(await store.read("HGET", offers, 1))
    changed = msgspec.structs.replace(packed, sold=packed.sold + 1)
    await store.write("HSET", offers, 1, pack_offer(changed))
    await store.close()
    told = await watched.until_firing("DropgateInvariantBroken")
    assert told["summary"] == f"{SALE}: the invariant units_add_up is broken"
