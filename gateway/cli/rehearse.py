"""`dropgate rehearse`: a drop's line played beforehand, on the real scripts, in a minute or two."""

import secrets
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

import lua.embedded
from gateway.cli.options import on_the_loop
from gateway.cli.teaching import Command, epilog
from gateway.cli.telling import Refusal, as_json as with_json, complain, progress, say_json
from inventory.salefile import SaleFile, load
from lua.process import start, stop, wait_ready
from lua.store import Store
from queueing import PassKeys, Rooms
from queueing.rehearsal import Findings, JoinCost, Plan, Play, measure_joins

GATEWAYS = 2
RULES = ("rate_per_s", "burst", "active_max", "pass_s", "lobby_s")
_LINES = epilog(
    ("dropgate rehearse --shoppers 200000 --rate 100", "how long is such a line"),
    ("dropgate rehearse --sale my-sale/sale.toml --shoppers 50000", "the room of that sale"),
    ("dropgate rehearse --no-shows 20,70,5 --json", "who is gone when called, by part"),
)


class Shares(click.ParamType[tuple[float, ...]]):
    """Percentages parted by commas."""

    name = "percent,…"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Shares of 1."""
        if isinstance(value, tuple):
            return value
        try:
            shares = tuple(float(one) / 100 for one in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of percentages, like 20,70,5", param, ctx)
        if not all(0 <= share < 1 for share in shares):
            self.fail("each is from 0 to below 100", param, ctx)
        return shares


@click.command(
    cls=Command, short_help="Play a line of that size beforehand: waits, polls, use.", epilog=_LINES
)
@click.option("--shoppers", type=click.IntRange(100, 2_000_000), default=20_000, show_default=True)
@click.option(
    "--sale", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the room's rules from this sale file.",
)  # fmt: skip
@click.option("--rate", "rate_per_s", type=click.FloatRange(0.1, 100_000), help="Let in a second.")
@click.option("--burst", type=click.IntRange(1, 1_000_000), help="Let in at once, after a rest.")
@click.option("--active-max", type=click.IntRange(0, 10_000_000), help="Inside at most; 0: any.")
@click.option("--no-shows", type=Shares(), default="20", help="Gone when called. [default: 20]")
@click.option("--seed", type=int, default=1, help="Other dice, another crowd.")
@click.option("--joins", is_flag=True, help="Measure too what a join costs the store.")
@with_json
@on_the_loop
async def rehearse(*, file: Path | None, joins: bool, as_json: bool, **given: Any) -> None:
    """Let a crowd queue in a room of its own, by a clock that runs as fast as it can.

    The scripts, the store and the rules are the real ones; the crowd, its network and the time are
    not. Nothing that runs is touched: the store is an empty one, made for this and thrown away. It
    keeps nothing on the disk, which no clock of a rehearsal shows; what a join costs is measured on
    one that does, as in a drop.
    """
    plan = _plan(file, {name: value for name, value in given.items() if value is not None})
    cost = None
    if joins:
        async with _rooms(durable=True) as (store, gateways):
            cost = await measure_joins(gateways[0], store, plan.shoppers)
    async with _rooms(durable=False) as (_, gateways):
        with progress() as step:
            findings = await Play(gateways, plan).run(
                lambda called, _: step("turns called", called, plan.shoppers)
            )
    if as_json:
        say_json({"plan": asdict(plan), **asdict(findings), **(asdict(cost) if cost else {})})
    else:
        _show(plan, findings, cost)


def _plan(file: Path | None, given: dict[str, Any]) -> Plan:
    if file is None:
        return Plan(**given)
    found = load(file)
    if not isinstance(found, SaleFile):
        complain(found)
        raise Refusal(f"{len(found)} problems in {file} and its files")
    return replace(Plan(**{name: getattr(found.room, name) for name in RULES}), **given)


@asynccontextmanager
async def _rooms(*, durable: bool) -> AsyncIterator[tuple[Store, Sequence[Rooms]]]:
    """The rooms of two gateways on an empty store, which ends with the block."""
    names, draw, *pairs = (secrets.token_bytes(32) for _ in range(5))
    place, mac, sign = ([(1, secret)] for secret in pairs)
    keys = PassKeys(names, mac, sign)
    with tempfile.TemporaryDirectory(prefix="dropgate-") as directory:
        program = lua.embedded.prepare(Path(directory), durable=durable)
        process = start(program)
        try:
            await wait_ready(program, process)
            url = lua.embedded.url(Path(directory))
            store = await Store.connect(url, check_durability=durable)
            try:
                yield store, [Rooms(store, place, keys, draw) for _ in range(GATEWAYS)]
            finally:
                await store.close()
        finally:
            await stop(program, process)


def _show(plan: Plan, found: Findings, cost: JoinCost | None) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name in ("what", "how much"):
        table.add_column(name, justify="left" if name == "what" else "right")
    allowed = plan.rate_per_s * 10 + plan.burst
    rows = [
        ("came", f"{found.shoppers:,}"),
        ("let in", f"{found.admitted:,}"),
        ("the line was empty after", _span(found.lasted_s)),
        ("half waited at most", _span(found.wait_median_s)),
        ("nine in ten waited at most", _span(found.wait_p90_s)),
        ("of the rate used while somebody waited", f"{found.utilisation:.1%}"),
        ("most let in within 10 s", f"{found.overshoot_10s * allowed:,.0f} of {allowed:,.0f}"),
        ("most inside at once", f"{found.inside_max:,}"),
        ("polls a second, at the worst", f"{found.polls_peak_per_s:,}"),
        ("polls for an hour of waiting", _or_nobody(found.polls_per_waited_hour, "{:,.0f}")),
        ("a turn was noticed after", _or_nobody(found.turn_noticed_mean_s, "{:.2f} s")),
        ("nine in ten waits told were off by at most", _or_nobody(found.eta_p90_error, "{:.0%}")),
    ]
    if cost:
        rows += [
            ("joins a second of the store's CPU", f"{cost.joins_per_cpu_s:,.0f}"),
            ("bytes for each who waits", f"{cost.bytes_per_shopper:.0f}"),
        ]
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)


def _or_nobody(figure: float | None, form: str) -> str:
    return "nobody to tell" if figure is None else form.format(figure)


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
