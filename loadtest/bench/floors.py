"""The promises that this bench measures, each with its floor; and the keys of build/bench.json.

Pure. What is missed is told as missed, what is in doubt as doubtful; only a measurement that broke
or that was never made is an error.
"""

from __future__ import annotations

from dataclasses import dataclass

from loadtest.bench.figures import Figure, Figures, Unmeasured
from loadtest.bench.plan import SHARES


@dataclass(frozen=True, slots=True)
class Floor:
    """One promise: the key of its figure, its bound, and which side of the bound is good."""

    key: str
    what: str
    bound: float
    at_most: bool = False

    def reached(self, value: float) -> bool:
        """Whether the promise is kept."""
        return value <= self.bound if self.at_most else value >= self.bound


FLOORS = (
    Floor("http_single_vs_bare", "one-step sale / bare aiohttp POST", 0.6),
    Floor("http_hold_vs_bare", "shopper's hold / bare aiohttp POST", 0.6),
    Floor("http_single_vs_plain", "one-step sale / one EVALSHA a request", 2.0),
    Floor("http_hold_vs_plain", "shopper's hold / one EVALSHA a request", 2.0),
    Floor("batch_orders_per_s", "orders/s in batches of 500, one gateway", 25_000),
    Floor("batch_vs_single", "batches of 500 / one-step sales", 3.0),
    Floor("store_units_per_cpu_s_64", "orders a second of store CPU, batches of 64", 60_000),
    Floor("store_64_vs_1", "batches of 64 / of one, by store CPU", 4.0),
    Floor("store_commands_per_poll", "store commands a poll", 0.0, at_most=True),
    Floor("polls_vs_bare", "poll / bare aiohttp GET", 0.85),
    Floor("bytes_per_order", "store bytes an order, settled and trimmed", 400, at_most=True),
    Floor("bytes_per_unsold_unit", "store bytes an unsold pooled unit", 0.0, at_most=True),
    Floor("joins_per_cpu_s_64", "joins a second of store CPU, batches of 64", 50_000),
    Floor("bytes_per_waiting_shopper", "store bytes for each who waits", 64, at_most=True),
    Floor("overshoot_10s", "most let in within 10 s / rate x 10 s + burst", 1.0, at_most=True),
    Floor("utilisation", "of the rate used, no-shows 20 -> 70 -> 5 %", 0.95),
)
RATIOS = {
    "http_single_vs_bare": ("single_sell", "bare_post"),
    "http_hold_vs_bare": ("shopper_hold", "bare_post"),
    "http_single_vs_plain": ("single_sell", "plain"),
    "http_hold_vs_plain": ("shopper_hold", "plain"),
    "batch_vs_single": ("batch_500", "single_sell"),
    "batch_100_vs_single": ("batch_100", "single_sell"),
    "polls_vs_bare": ("frame_poll", "bare_get"),
    "vs_postgres_skip_locked": ("single_sell", "postgres_skip_locked"),
    "vs_postgres_update": ("single_sell", "postgres_update"),
    "batch_vs_postgres_skip_locked": ("batch_500", "postgres_skip_locked"),
    "store_64_vs_1": ("store_cpu_batch_1", "store_cpu_batch_64"),
    "server_cpu_single_vs_bare": ("bare_post_server_cpu", "single_sell_server_cpu"),
    "server_cpu_hold_vs_bare": ("bare_post_server_cpu", "shopper_hold_server_cpu"),
    "server_cpu_single_vs_plain": ("plain_server_cpu", "single_sell_server_cpu"),
    "server_cpu_poll_vs_bare": ("bare_get_server_cpu", "frame_poll_server_cpu"),
    "server_cpu_batch_vs_single": ("single_sell_server_cpu", "batch_500_server_cpu"),
    "store_cpu_plain_vs_single": ("plain_store_cpu", "single_sell_store_cpu"),
    "shards_2_vs_1": ("shards_1_store_cpu", "shards_2_store_cpu"),
    "shards_3_vs_1": ("shards_1_store_cpu", "shards_3_store_cpu"),
}
"""Ours by the other, round by round; of costs the other way round, so that more is better."""

OF_THE_LINE = {
    "joins_per_cpu_s_64": "line_joins_per_cpu_s",
    "bytes_per_waiting_shopper": "line_bytes_per_shopper",
    "overshoot_10s": "line_overshoot_10s",
    "utilisation": "line_utilisation",
    "turn_noticed_mean_s": "line_turn_noticed_mean_s",
    "polls_per_waited_hour": "line_polls_per_waited_hour",
    "eta_p90_error": "line_eta_p90_error",
    "eta_p90_error_swing": "line_eta_p90_error_swing",
}

KEYS = (
    *RATIOS, *OF_THE_LINE, "batch_orders_per_s", "store_units_per_cpu_s_64", "bytes_per_order",
    "bytes_per_unsold_unit", "store_commands_per_poll",
    *(f"p99_ms_at_{share}pct" for share in SHARES),
)  # fmt: skip
"""What every run has measured, also a short one."""

DOUBTS = {
    "crowd_was_late": "the crowd itself was late, which the latency includes",
    "not_kept": "the rate was not kept: that is a queue that grows, no latency",
}

ROUNDING = {"store_commands_per_poll": 2, "bytes_per_unsold_unit": 3}
"""Digits below which a figure is the noise of what else goes on in the store."""


def keys(figures: Figures) -> dict[str, float]:
    """The figures that are compared from one run to the next. Raises Unmeasured."""
    found = {name: ratio.median for name, ratio in ratios(figures).items()}
    found |= {
        "batch_orders_per_s": figures.median("batch_500"),
        "store_units_per_cpu_s_64": 1e6 / figures.median("store_cpu_batch_64"),
        "bytes_per_order": figures.median("bytes_per_order"),
        "bytes_per_unsold_unit": figures.median("bytes_per_unsold_unit"),
        "store_commands_per_poll": figures.median("poll_commands"),
    }
    found |= {f"p99_ms_at_{at}pct": figures.median(f"latency_{at}pct_p99") for at in SHARES}
    found |= {key: figures.median(name) for key, name in OF_THE_LINE.items()}
    if missing := set(KEYS) - found.keys():
        raise Unmeasured(f"{', '.join(sorted(missing))}")
    return {name: round(value, ROUNDING.get(name, 3)) + 0.0 for name, value in found.items()}


def ratios(figures: Figures) -> dict[str, Figure]:
    """All ratios with their rounds. Raises Unmeasured."""
    return {name: figures.ratio(*pair) for name, pair in RATIOS.items()}


def doubts(figures: Figures) -> dict[str, str]:
    """Keys whose figure is not what its name says, and why. Raises Unmeasured."""
    found: dict[str, str] = {}
    for share in SHARES:
        for word, why in DOUBTS.items():
            rounds = figures.values(f"latency_{share}pct_{word}")
            if any(rounds):
                key = f"p99_ms_at_{share}pct"
                told = f"in {sum(rounds):.0f} of {len(rounds)} rounds {why}"
                found[key] = f"{found[key]}; {told}" if key in found else told
    return found
