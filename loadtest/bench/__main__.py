"""`python -m loadtest.bench`: measures, prints tables, writes build/bench.json.

QUICK=1 makes everything short: it shows that the bench works, not how fast anything is. Status 0
also when a floor is missed, which the last table tells; a measurement that broke or that is missing
is status 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from rich.console import Console

from loadtest.bench import latency, line, memory, shards, telling
from loadtest.bench.figures import Figures, Unmeasured
from loadtest.bench.generators import Name, Unexpected, choose
from loadtest.bench.machine import facts, ticks
from loadtest.bench.pairs import ORDERS, Contestant, Pairs, always
from loadtest.bench.plan import FULL, QUICK, Plan
from loadtest.bench.sale import single
from loadtest.bench.stage import References, Stage, begin, references
from loadtest.bench.store import StoreCost
from loadtest.installation import ROOT, Failed, Installation
from loadtest.wire import Lost

OUT = ROOT / "build" / "bench.json"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the bench, in a directory of its own, part by part."""

    directory: Path
    plan: Plan
    generator: Name = field(default_factory=choose)
    figures: Figures = field(default_factory=Figures)
    tell: telling.Progress = field(default_factory=telling.Progress)

    async def measure(self) -> None:
        """Everything."""
        async with Installation(self.directory / "one") as installation:
            self.tell("a Dropgate with one gateway, and the references")
            stage = await begin(installation)
            others = await references(stage, self.plan.postgres_units)
            self.tell("memory: a million units, and orders until their facts are trimmed")
            await memory.measure(stage, self.plan, self.figures)
            await self._purchases(stage, others)
        self.tell(f"a line of {self.plan.rehearsed:,}, rehearsed")
        await line.measure(self.plan, self.figures)
        self.tell("a Dropgate on a cluster of three shards")
        await shards.measure(self.directory / "shards", self.plan, self.figures, self.tell)

    async def _purchases(self, stage: Stage, others: References) -> None:
        pairs = Pairs(stage, others, self.plan, self.figures, self.generator)
        with stage.settlement_frozen():
            await self._store(StoreCost(stage, others.store, self.plan, self.figures))
            await self._rounds(pairs)
            await self._latency(stage)
        self.tell("single purchases while settlement works off what has piled up")
        again = always(single(ORDERS, stage.credential))
        await pairs.measure(Contestant("single_sell_beside_settlement", stage.ours, again))
        pairs.close()

    async def _store(self, cost: StoreCost) -> None:
        for number in range(self.plan.store_rounds):
            self.tell(f"store CPU, round {number + 1} of {self.plan.store_rounds}")
            await cost.round()

    async def _rounds(self, pairs: Pairs) -> None:
        for number in range(self.plan.rounds):
            tell = self.tell.under(f"round {number + 1} of {self.plan.rounds}")
            await pairs.round(tell, backwards=number % 2 == 1)

    async def _latency(self, stage: Stage) -> None:
        guess_per_s = self.figures.median("single_sell")
        for number in range(self.plan.latency_rounds):
            part = f"latency, round {number + 1} of {self.plan.latency_rounds}"
            tell = self.tell.under(part)
            await latency.measure(stage, self.plan, self.figures, guess_per_s, tell)


async def bench(plan: Plan) -> None:
    """One run, told on standard output and in build/bench.json."""
    directory = Path(tempfile.mkdtemp(prefix="dgb-"))
    try:
        machine, before = facts(directory), ticks()
        run = Run(directory, plan)
        await run.measure()
        stolen, all_ticks = (now - then for now, then in zip(ticks(), before, strict=True))
        machine["stolen_share"] = round(stolen / max(1, all_ticks), 3)
    finally:
        shutil.rmtree(directory)
    telling.show(run.figures, plan)
    telling.write(OUT, run.figures, plan, machine=machine, how=run.generator)
    Console().print(f"written to {OUT.relative_to(ROOT)}; requests by {run.generator}")


def main() -> int:
    """The command."""
    try:
        uvloop.run(bench(QUICK if os.environ.get("QUICK") else FULL))
    except (Unexpected, Unmeasured, Failed, Lost, OSError, TimeoutError) as wrong:
        Console(stderr=True).print(f"the bench is broken: {type(wrong).__name__}: {wrong}")
        return 1
    return 0


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m loadtest.bench", description=__doc__).parse_args()
    sys.exit(main())
