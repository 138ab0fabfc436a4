"""Over HTTP: each contestant in turn, round by round, on the same connections for as long.

Beside answers a second stands what an answer cost the server's process and its store's: on a
machine whose few cores are shared by generator, server and store, that is what to trust.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, replace
from math import inf

from loadtest.bench import sale
from loadtest.bench.asks import Ask
from loadtest.bench.figures import Figures
from loadtest.bench.generators import Name, Seen, Unexpected, load
from loadtest.bench.plan import BATCH_CONNECTIONS, CONNECTIONS, Plan
from loadtest.bench.resp import Resp
from loadtest.bench.shoppers import Shoppers
from loadtest.bench.stage import Place, References, Stage

ORDERS = "/v1/partner/orders"
IDLE_S, REST_S = 1.0, 0.2
HOLDS_S = 1.0
"""wrk stays for all of its time, also when the passes are used up: a gateway that idles meanwhile
would have its loops' CPU told as that of the holds."""
AGAIN_MAX = 5
Make = Callable[[], Awaitable[Ask]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """One of those that are measured in turn; an answer may be worth many orders."""

    name: str
    place: Place
    make: Make
    connections: int = CONNECTIONS
    worth: int = 1
    seconds_max: float = inf


@dataclass(slots=True)
class Told:
    """Orders that clients of ours heard of, and how many more were perhaps in flight at an end."""

    heard: int = 0
    in_flight: int = 0
    all_heard: bool = True
    """False when a measurement was done again: of the first try's orders nobody heard."""


class Pairs:
    """All contestants of a run."""

    def __init__(
        self, stage: Stage, references: References, plan: Plan, figures: Figures, generator: Name
    ) -> None:
        self._stage, self._references, self._plan = stage, references, plan
        self._figures, self._generator = figures, generator
        self._shoppers = Shoppers(stage.ours.url)

    def contestants(self) -> list[Contestant]:
        """In the order of a round: each of ours stands beside what it is compared with."""
        ours, key, others = self._stage.ours, self._stage.credential, self._references
        rows = others.postgres
        poll_bare = replace(sale.frame(), path="/frame")
        return [
            Contestant("bare_get", others.bare, always(poll_bare)),
            Contestant("frame_poll", ours, always(sale.frame())),
            Contestant("bare_post", others.bare, always(sale.single("/orders", key))),
            Contestant("single_sell", ours, always(sale.single(ORDERS, key))),
            Contestant("shopper_hold", ours, self._hold, seconds_max=HOLDS_S),
            Contestant("plain", others.plain, always(sale.single("/orders", key))),
            Contestant("postgres_skip_locked", rows, always(sale.single("/skip-locked", key))),
            Contestant("postgres_update", rows, always(sale.single("/update", key))),
            *(
                Contestant(f"batch_{size}", ours, always(sale.batch(size, key)),
                           BATCH_CONNECTIONS, size)
                for size in (100, 500)
            ),
        ]  # fmt: skip

    async def round(self, tell: Callable[[str], None], *, backwards: bool = False) -> None:
        """Each contestant once; then whether the store has what clients heard.

        Every other round goes backwards, so that nobody always comes after the same one.
        """
        before, told = await self._orders(), Told()
        for one in reversed(self.contestants()) if backwards else self.contestants():
            tell(one.name)
            seen, again = await self.measure(one)
            if one.place is self._stage.ours and one.name != "frame_poll":
                told.heard += seen.answers * one.worth
                told.in_flight += one.connections * one.worth
                told.all_heard &= not again
        found = await self._orders() - before
        too_many = told.all_heard and found > told.heard + told.in_flight
        if found < told.heard or too_many:
            raise Unexpected(f"clients heard of {told.heard} orders, the store has {found}")

    async def measure(self, one: Contestant) -> tuple[Seen, int]:
        """Measure one contestant once, and how often it had to be done again.

        What met a fault, of a machine that stalls say, is no figure and is done again, a few times.
        """
        for again in range(AGAIN_MAX + 1):
            try:
                seen = await self._measure_once(one)
            except Unexpected:
                if again == AGAIN_MAX:
                    raise
                await asyncio.sleep(IDLE_S)
                continue
            self._figures.add(f"{one.name}_done_again", "times", again)
            return seen, again
        raise AssertionError("the last one raises")

    async def _measure_once(self, one: Contestant) -> Seen:
        ask, figures, is_poll = await one.make(), self._figures, one.name == "frame_poll"
        idle_per_s = await self._idle_commands_per_s() if is_poll else 0.0
        await asyncio.sleep(REST_S)
        commands, facts, meter = self._commands(), self._facts(), one.place.meter()
        seconds = min(self._plan.seconds, one.seconds_max)
        seen = await load(
            self._generator, one.place.url, ask, connections=one.connections, seconds=seconds
        )
        done = max(seen.answers * one.worth, self._facts() - facts)
        for name, spent_s in meter.spent_s().items():
            figures.add(f"{one.name}_{name}_cpu", "us", spent_s / done * 1e6)
        if is_poll:
            ran = self._commands() - commands - idle_per_s * seen.seconds
            figures.add("poll_commands", "commands", max(0.0, ran / seen.answers))
        figures.add(one.name, "1/s", seen.per_s * one.worth)
        figures.add(f"{one.name}_p50", "ms", seen.p50_ms)
        figures.add(f"{one.name}_p99", "ms", seen.p99_ms)
        return seen

    async def _orders(self) -> int:
        """Units that are sold or held; every order is of one."""
        said = await self._stage.installation.command("sale", "counts", sale.SALE, "--json")
        total = json.loads(said)["total"]
        return int(total["sold"]) + int(total["held"])

    async def _idle_commands_per_s(self) -> float:
        """What the gateway's loops ask the store while nobody comes."""
        commands = self._commands()
        await asyncio.sleep(IDLE_S)
        return (self._commands() - commands) / IDLE_S

    async def _hold(self) -> Ask:
        return sale.hold(await self._shoppers.passes(self._plan.passes))

    def _facts(self) -> int:
        """Orders that were done, also those in flight that no client heard of: they cost too."""
        with closing(Resp(self._stage.store_url)) as store:
            return int(store.call("HGET", f"{{{sale.SALE}:0}}:sale", "fact"))

    def _commands(self) -> int:
        with closing(Resp(self._stage.store_url)) as store:
            return int(store.info("stats")["total_commands_processed"])

    def close(self) -> None:
        """End connections of our own."""
        self._shoppers.close()


def always(ask: Ask) -> Make:
    """The same template in every round."""

    async def make() -> Ask:
        return ask

    return make
