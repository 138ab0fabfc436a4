"""`python -m loadtest.bench`: measures, prints tables, writes build/bench.json.

QUICK=1 makes everything short: it shows that the bench works, not how fast anything is. Status 0
also when a floor is missed, which the last table tells; a measurement that broke is status 1.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import uvloop
from rich.console import Console

from loadtest.bench import latency, memory, telling
from loadtest.bench.figures import Figures
from loadtest.bench.generators import Name, Unexpected, choose
from loadtest.bench.machine import facts
from loadtest.bench.pairs import ORDERS, Contestant, Pairs, always
from loadtest.bench.plan import FULL, QUICK, Plan
from loadtest.bench.sale import single
from loadtest.bench.stage import begin, references
from loadtest.bench.store import StoreCost
from loadtest.installation import ROOT, Failed, Installation
from loadtest.wire import Lost

OUT = ROOT / "build" / "bench.json"
Tell = telling.Progress


async def measure(directory: Path, plan: Plan, figures: Figures, how: Name, tell: Tell) -> None:
    """Everything, part by part."""
    async with Installation(directory) as installation:
        tell("a Dropgate with one gateway, and the references")
        stage = await begin(installation)
        others = await references(stage, plan.postgres_units)
        tell("memory: a million units, and orders until their facts are trimmed")
        await memory.measure(stage, plan, figures)
        stage.freeze_settlement()
        cost = StoreCost(stage, others.store, plan, figures)
        for number in range(plan.store_rounds):
            tell(f"store CPU, round {number + 1} of {plan.store_rounds}")
            await cost.round()
        pairs = Pairs(stage, others, plan, figures, how)
        for number in range(plan.rounds):
            await pairs.round(tell.under(f"round {number + 1} of {plan.rounds}"))
        capacity_per_s = figures.median("single_sell")
        for number in range(plan.latency_rounds):
            told = tell.under(f"latency, round {number + 1} of {plan.latency_rounds}")
            await latency.measure(stage, plan, figures, capacity_per_s, told)
        stage.thaw_settlement()
        tell("single purchases while settlement works off what has piled up")
        again = single(ORDERS, stage.credential)
        await pairs.measure(Contestant("single_sell_beside_settlement", stage.ours, always(again)))
        pairs.close()


async def bench(plan: Plan) -> None:
    """One run."""
    directory, figures, how = Path(tempfile.mkdtemp(prefix="dgb-")), Figures(), choose()
    try:
        machine = facts(directory)
        await measure(directory, plan, figures, how, Tell())
    finally:
        shutil.rmtree(directory)
    telling.show(figures, plan)
    telling.write(OUT, figures, plan, machine=machine, how=how)
    Console().print(f"written to {OUT.relative_to(ROOT)}; requests by {how}")


def main() -> int:
    """The command."""
    try:
        uvloop.run(bench(QUICK if os.environ.get("QUICK") else FULL))
    except (Unexpected, Failed, Lost, OSError, TimeoutError) as wrong:
        Console(stderr=True).print(f"the bench is broken: {type(wrong).__name__}: {wrong}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
