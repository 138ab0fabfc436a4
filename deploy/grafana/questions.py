"""What the dashboard of a drop asks: rows in the order in which an SRE asks during one.

Here belong the questions, the queries and the kind of picture; what each metric means is said in
docs/metrics.md, how a panel is written down for Grafana in make_dashboard.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT, STAT_HEIGHT = 8, 4
SALE = 'sale=~"$sale"'
BUYING = 'route=~"shopper_hold|shopper_confirm|partner_order"'


@dataclass(frozen=True, slots=True)
class Panel:
    """One question: its queries (PromQL, legend), and how the answer is drawn.

    `bad` is the value from which a stat is red; `stacked` fills and adds a timeseries' lines.
    """

    title: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    about: str = ""
    kind: str = "timeseries"
    width: int = 8
    bad: float | None = None
    stacked: bool = False
    names: bool = False

    @property
    def height(self) -> int:
        """In Grafana's rows."""
        return STAT_HEIGHT if self.kind == "stat" else HEIGHT


def _p(quantile: float, name: str, by: str, where: str = "") -> str:
    rate = f"rate({name}_bucket{{{where}}}[$__rate_interval])"
    return f"histogram_quantile({quantile}, sum by (le, {by}) ({rate}))"


def _rate(name: str, by: str, where: str = "") -> str:
    return f"sum by ({by}) (rate({name}{{{where}}}[$__rate_interval]))"


def _stat(
    title: str, query: str, about: str, *, bad: float = 1, unit: str = "short", width: int = 3
) -> Panel:
    return Panel(title, [(query, "")], unit, about, kind="stat", width=width, bad=bad)


SELLING = (
    Panel(
        "Sale",
        [(f"max by (sale, state) (dropgate_sale_state{{{SALE}}}) == 1", "{{sale}}: {{state}}")],
        kind="stat", width=6, names=True, about="The state that each sale is in.",
    ),
    Panel(
        "Room",
        [(f"max by (sale, state) (dropgate_room_state{{{SALE}}}) == 1", "{{sale}}: {{state}}")],
        kind="stat", width=6, names=True, about="The state that each waiting room is in.",
    ),
    _stat("Alerts", 'count(ALERTS{alertstate="firing"}) or vector(0)', "How many fire now.",
          width=4),
    Panel(
        "Gateways ready", [("sum(dropgate_ready)", "")],
        kind="stat", width=4, about="How many take traffic.",
    ),
    Panel(
        "Left to sell",
        [(f'sale_state:dropgate_units:max{{{SALE},state="available"}}', "{{sale}}")],
        kind="stat", width=4, about="Units that are on the shelf now.",
    ),
    Panel(
        "In and out",
        [
            (f"sale:dropgate_room_admitted:rate1m{{{SALE}}}", "{{sale}}: let in"),
            (f"sale:dropgate_units_sold:rate1m{{{SALE}}}", "{{sale}}: units sold"),
            (f"max by (sale) (dropgate_room_rate_per_second{{{SALE}}})", "{{sale}}: allowed"),
            (
                f"max by (sale) (dropgate_room_effective_rate_per_second{{{SALE}}})",
                "{{sale}}: in force",
            ),
        ],
        unit="cps",
        about="Shoppers let in and units sold a second, what the operator allows, and what of it "
        "measurements leave in force.",
    ),
    Panel(
        "Where units are",
        [(f'sale_state:dropgate_units:max{{{SALE},state!="released"}}', "{{sale}}: {{state}}")],
        stacked=True, about="All parts together are the units released.",
    ),
    Panel(
        "The line",
        [
            (f"max by (sale) (dropgate_room_waiting{{{SALE}}})", "{{sale}}: waiting"),
            (f"max by (sale) (dropgate_room_active{{{SALE}}})", "{{sale}}: inside"),
            (f'sale_state:dropgate_units:max{{{SALE},state="held"}}', "{{sale}}: units held"),
        ],
        about="Who waits to be called, who is inside with a pass, and what they hold.",
    ),
    Panel(
        "What rules the line's speed",
        [
            (
                f"max by (sale, reason) (dropgate_room_limited_by{{{SALE}}}) == 1",
                "{{sale}}: {{reason}}",
            ),
        ],
        about="One reason at a time, as the frame tells it. A gap: the sale is not there.",
    ),
    Panel(
        "Waits told, and how far off they were",
        [(f"sale:dropgate_room_eta_error_ratio:p90_10m{{{SALE}}}", "{{sale}}: 9 of 10 within")],
        unit="percentunit", about="0.15 or less is good. Of waits of 10 s and more, in 10 minutes.",
    ),
    Panel(
        "Called, and did not come",
        [(f"max by (sale) (dropgate_room_no_show_ratio{{{SALE}}})", "{{sale}}")],
        unit="percentunit", about="The share of called turns that nobody claims.",
    ),
)  # fmt: skip
RIGHT = (
    _stat("Invariants broken", "sum(max by (sale, check) (dropgate_invariant_broken))",
          "Pause the sale and run the audit."),
    _stat("Slots fenced", "sum(max by (sale, stripe) (dropgate_slot_fenced))",
          "The store lost a sale or went back in time."),
    _stat("Rooms fenced", "sum(max by (sale) (dropgate_room_fenced))",
          "They let nobody in; some 3 s after a start of the store are usual."),
    _stat("Units withheld", "sum(max by (sale) (dropgate_units_withheld))",
          "A lost store may have sold them: `dropgate withheld list SALE`."),
    _stat("Stripes that stand still",
          "sum(max by (sale, stripe) (dropgate_settlement_stopped))", "Settlement waits for you."),
    _stat("Facts in quarantine",
          "sum(max by (sale) (dropgate_settlement_quarantined_facts))", "Ever, in all sales."),
    _stat("Bugs in 5 minutes", 'sum(increase(dropgate_http_requests_total{status="500"}[5m]))',
          "Answers with status 500."),
    _stat("Books are late by", "max(dropgate_settlement_lag_seconds)",
          "The oldest fact that is not settled.", bad=60, unit="s"),
)  # fmt: skip
FAST = (
    Panel(
        "Purchases slower than 0.5 s",
        [
            ("dropgate:purchases_slow:ratio_rate1m", "in 1 minute"),
            ("dropgate:purchases_slow:ratio_rate5m", "in 5 minutes"),
        ],
        unit="percentunit", about="1 in 100 may be. Holds, payments, partners' orders.",
    ),
    Panel(
        "Median by route",
        [(_p(0.5, "dropgate_http_request_duration_seconds", "route"), "{{route}}")],
        unit="s",
    ),
    Panel(
        "99 % by route",
        [(_p(0.99, "dropgate_http_request_duration_seconds", "route"), "{{route}}")],
        unit="s",
    ),
    Panel(
        "Purchases, 50 % and 99 %",
        [
            (_p(0.5, "dropgate_http_request_duration_seconds", "route", BUYING), "{{route}} 50 %"),
            (_p(0.99, "dropgate_http_request_duration_seconds", "route", BUYING), "{{route}} 99 %"),
        ],
        unit="s",
    ),
    Panel(
        "Store, 99 % by call",
        [(_p(0.99, "dropgate_store_call_duration_seconds", "call"), "{{call}}")],
        unit="s", about="A script, with the way there and back and the wait for the disk.",
    ),
    Panel(
        "Event loops wake up late by",
        [("max by (instance) (dropgate_event_loop_lag_seconds)", "{{instance}}")],
        unit="s",
    ),
)  # fmt: skip
REFUSED = (
    Panel(
        "Refusals by code",
        [(f"topk(10, {_rate('dropgate_refusals_total', 'code')})", "{{code}}")],
        unit="cps", width=12, stacked=True, about="What people are told instead of a success.",
    ),
    Panel(
        "Answers by status",
        [(_rate("dropgate_http_requests_total", "status"), "{{status}}")],
        unit="cps", width=12, stacked=True,
    ),
)  # fmt: skip
KIOSKS = (
    Panel(
        "Codes redeemed",
        [(_rate("dropgate_units_redeemed_total", "sale", SALE), "{{sale}}")],
        unit="cps",
    ),
    Panel(
        "Unknown codes, and kiosks told to wait",
        [
            ("sum(rate(dropgate_code_misses_total[$__rate_interval]))", "unknown codes"),
            (
                'sum(rate(dropgate_refusals_total{code="too_many_attempts"}[$__rate_interval]))',
                "told to wait",
            ),
        ],
        unit="cps",
    ),
    Panel(
        "Redemptions, 99 %",
        [(_p(0.99, "dropgate_http_request_duration_seconds", "route", 'route="kiosk_redeem"'),
          "{{route}}")],
        unit="s",
    ),
)  # fmt: skip
SETTLEMENT = (
    Panel(
        "Into the books",
        [
            (_rate("dropgate_settlement_facts_total", "sale", SALE), "{{sale}}: facts"),
            (_rate("dropgate_settlement_orders_total", "sale", SALE), "{{sale}}: orders"),
        ],
        unit="cps",
    ),
    Panel(
        "Facts that are not in the books",
        [(f"max by (sale) (dropgate_settlement_lag_facts{{{SALE}}})", "{{sale}}")],
    ),
    Panel(
        "Age of the oldest of them",
        [(f"max by (sale) (dropgate_settlement_lag_seconds{{{SALE}}})", "{{sale}}")],
        unit="s",
    ),
)
PROCESSES = (
    Panel("Answers Prometheus", [("up", "{{instance}}")], about="1 when its own port answers."),
    Panel(
        "Processor",
        [("rate(process_cpu_seconds_total[$__rate_interval])", "{{instance}}")],
        unit="percentunit", about="Of one core, which is all that a process can use.",
    ),
    Panel("Memory", [("process_resident_memory_bytes", "{{instance}}")], unit="bytes"),
    Panel(
        "Calls that the store did not answer",
        [(_rate("dropgate_store_errors_total", "kind"), "{{kind}}")],
        unit="cps",
    ),
    Panel(
        "Background loops that fail",
        [(_rate("dropgate_loop_failures_total", "loop, kind"), "{{loop}}: {{kind}}")],
        unit="cps",
    ),
    Panel("Open files", [("process_open_fds", "{{instance}}")]),
)  # fmt: skip
ROWS: tuple[tuple[str, Sequence[Panel]], ...] = (
    ("Is it selling?", SELLING),
    ("Is it right?", RIGHT),
    ("Is it fast?", FAST),
    ("Who is refused?", REFUSED),
    ("Kiosks", KIOSKS),
    ("Settlement", SETTLEMENT),
    ("Processes", PROCESSES),
)
