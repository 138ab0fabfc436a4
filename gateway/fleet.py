"""The metrics of all gateway processes in one answer, for who can only reach the shared port.

The setting `metrics_peers` says where the own ports of all processes are; the process that happens
to be asked adds the others' counters, histograms and gauges to its own.
Gauges for which a sum says nothing (ages, what all of them see of one sale) take the largest. A
process that does not answer is left out and counted in `dropgate_missing_processes`. Anybody may
ask: so a page is made at most once a second, and all who ask in between get its bytes.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence

import aiohttp
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

PEER_TIMEOUT_S = 0.5
PEERS_MAX = 64
FRESH_S = 1.0
PAGE_MAX = 4 * 1024 * 1024
LARGEST = frozenset(
    {
        "dropgate_event_loop_lag_seconds",
        "dropgate_invariant_broken",
        "dropgate_room_active",
        "dropgate_room_effective_rate_per_second",
        "dropgate_room_frame_age_seconds",
        "dropgate_room_limited_by",
        "dropgate_room_no_show_ratio",
        "dropgate_room_fenced",
        "dropgate_room_rate_per_second",
        "dropgate_room_serving",
        "dropgate_room_state",
        "dropgate_room_units_per_pass",
        "dropgate_room_waiting",
        "dropgate_sale_state",
        "dropgate_sales_unreadable",
        "dropgate_settlement_fact_number",
        "dropgate_settlement_lag_facts",
        "dropgate_settlement_lag_seconds",
        "dropgate_settlement_quarantined_facts",
        "dropgate_settlement_stopped",
        "dropgate_slot_fenced",
        "dropgate_units",
        "dropgate_units_withheld",
        "process_start_time_seconds",
    }
)
"""What every process sees of the same thing, and ages: a sum would multiply it."""
_Series = tuple[str, tuple[tuple[str, str], ...]]


class SummedPage:
    """The summed page of one process, remembered for `FRESH_S`.

    `own` makes this process's page; `others` are the others' own ports, `host:port`.
    """

    def __init__(self, own: Callable[[], bytes], others: Sequence[str]) -> None:
        self._own = own
        self._others = others
        self._making: asyncio.Task[bytes] | None = None
        self._stale_at = float("-inf")

    async def read(self) -> bytes:
        """The page: made by the first who asks, awaited by all who ask meanwhile."""
        making = self._making
        if making is None or (making.done() and time.monotonic() >= self._stale_at):
            making = self._making = asyncio.create_task(self._make())
        return await asyncio.shield(making)  # who asked may go; the others wait on

    async def _make(self) -> bytes:
        try:
            return await summed(self._own(), self._others)
        finally:
            self._stale_at = time.monotonic() + FRESH_S


async def summed(own: bytes, others: Sequence[str]) -> bytes:
    """The page of `own` with the pages of the `others` (`host:port`) added."""
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=PEER_TIMEOUT_S), trust_env=False
    ) as session:
        pages = await asyncio.gather(*(_page(session, peer) for peer in others[:PEERS_MAX]))
    return await asyncio.to_thread(_add_up, own.decode(), pages)


def _add_up(own: str, pages: Sequence[str | None]) -> bytes:
    sums = _Sums()
    sums.add(own)
    added = [page is not None and sums.add(page) for page in pages]
    return sums.text(added.count(False))


async def _page(session: aiohttp.ClientSession, peer: str) -> str | None:
    try:
        async with session.get(f"http://{peer}/metrics") as response:
            response.raise_for_status()
            page = bytearray()
            async for part in response.content.iter_any():
                page += part
                if len(page) > PAGE_MAX:
                    return None
            return page.decode()
    except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError):
        return None


class _Sums(Collector):
    """Metric families of several pages, added series by series."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {}
        self._values: dict[str, dict[_Series, float]] = {}

    def add(self, page: str) -> bool:
        """Add a page; False, and nothing is added, when it cannot be read."""
        try:
            families = list(text_string_to_metric_families(page))
        except ValueError:
            return False
        for family in families:
            values = self._values.setdefault(family.name, {})
            self._families.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            for sample in family.samples:
                if sample.name.endswith("_created"):
                    continue  # the start of each process's counting: neither sum nor maximum
                series = (sample.name, tuple(sorted(sample.labels.items())))
                before = values.get(series, 0.0)
                largest = family.name in LARGEST
                values[series] = max(before, sample.value) if largest else before + sample.value
        return True

    def collect(self) -> Iterable[Metric]:
        for name, family in self._families.items():
            family.samples = []
            for (sample, labels), value in self._values[name].items():
                family.add_sample(sample, dict(labels), value)
            yield family

    def text(self, missing: int) -> bytes:
        family = Metric(
            "dropgate_missing_processes", "Gateway processes that did not answer", "gauge"
        )
        family.add_sample("dropgate_missing_processes", {}, missing)
        self._families[family.name] = family
        self._values[family.name] = {("dropgate_missing_processes", ()): float(missing)}
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)
