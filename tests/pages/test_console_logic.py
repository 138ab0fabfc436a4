"""The console's thinking without a document: metrics, speeds, rings, alarms, acts, words."""

import re
from collections.abc import AsyncIterator
from json import dumps
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route

from gateway.fleet import summed
from gateway.metrics import Metrics
from gateway.settlement_metrics import SettlementMetrics
from gateway.site import PAGES

FILES = "http://files.test/"
RUNBOOKS = PAGES.parents[1] / "docs" / "runbooks"


@pytest.fixture
async def blank(browser: Browser) -> AsyncIterator[Page]:
    """An empty page that the modules can be loaded in, straight from their files."""

    async def file(route: Route) -> None:
        path = PAGES / route.request.url.removeprefix(FILES)
        if path.is_file():
            await route.fulfill(path=path)
        else:
            await route.fulfill(content_type="text/html", body="<main></main>")

    context = await browser.new_context()
    page = await context.new_page()
    await page.route(f"{FILES}**", file)
    await page.goto(FILES)
    yield page
    await context.close()


async def run(page: Page, module: str, code: str, given: Any = None) -> Any:
    """The value of an expression over a module `m` and what is `given`."""
    path = f"/console/{module}.js"
    return await page.evaluate(
        f"async (given) => {{ const m = await import({dumps(path)}); return {code}; }}", given
    )


async def test_the_metrics_of_a_gateway_are_read(blank: Page) -> None:
    """Names, labels, escapes and sums as Prometheus writes them, and nothing from comments."""
    metrics = Metrics("1")
    metrics.refusals.labels("sold_out").inc(3)
    metrics.refusals.labels('a"b\\c').inc(2)
    metrics.duration.labels("shopper_hold").observe(0.02)
    page = (await summed(metrics.page(), ["127.0.0.1:1"])).decode()
    found = await run(
        blank,
        "metrics",
        """((all) => [m.sum(all, "dropgate_refusals_total"),
            m.sum(all, "dropgate_refusals_total", { code: ["sold_out", "x"] }),
            m.sumBy(all, "dropgate_refusals_total", "code").get('a"b\\\\c'),
            m.sum(all, "dropgate_missing_processes"),
            m.buckets(all, "dropgate_http_request_duration_seconds").at(-1)[1],
            m.buckets(all, "dropgate_http_request_duration_seconds").at(-1)[0] === Infinity,
            m.sum(all, "none")])(m.parse(given))""",
        page,
    )
    assert found == [5, 3, 2, 1, 1, True, None]
    broken = await run(blank, "metrics", "m.parse(given).size", "nonsense\n# x\n\n{} 5\nok 1")
    assert broken == 1


async def test_fences_and_what_is_withheld_are_read_of_one_sale(blank: Page) -> None:
    """As the fleet's page tells them; what it does not tell is nothing, and no alarm."""
    metrics = Metrics("1")
    for sale, units in (("spring", 7), ("autumn", 9)):
        metrics.fenced.labels(sale, "0").set(1)
        metrics.room_fenced.labels(sale).set(1)
        metrics.withheld.labels(sale).set(units)
    pages = [metrics.page().decode(), "x 1"]
    code = """given.map((one) => {
        const seen = new m.Meter("spring").note(one, 0);
        return [seen.fenced, seen.roomFenced, seen.withheld];
    })"""
    assert await run(blank, "meter", code, pages) == [[1, 1, 7], [0, 0, 0]]


async def test_speeds_of_counters(blank: Page) -> None:
    """Straight, over a restart, over a gap, and before anything is known."""
    for times, counts, told in (
        ([0, 1, 2, 3], [0, 2, 4, 6], [None, 2, 2, 2]),
        ([0, 1, 2], [10, 12, 3], [None, 2, 2.5]),
        ([0, 1, 60, 61], [0, 5, 900, 901], [None, 5, None, 1]),
        ([], [], []),
    ):
        given = [times, counts]
        assert await run(blank, "rates", "m.speeds(given[0], given[1])", given) == told
    assert await run(blank, "rates", "m.unwound([5, 7, 1, 2])") == [0, 2, 3, 4]
    assert await run(blank, "rates", "[m.rise(5, 3), m.rise(5, 3, false), m.rise(null, 3)]") == [
        3,
        None,
        None,
    ]


async def test_quantiles_of_histograms(blank: Page) -> None:
    """Between bounds by proportion, at the last bound when beyond, nothing of nothing."""
    code = "given.map(([share, all]) => m.quantile(share, all.map(([b, n]) => [b ?? Infinity, n])))"
    buckets = [[0.1, 50], [0.2, 90], [None, 100]]
    told = await run(
        blank, "rates", code, [[0.5, buckets], [0.7, buckets], [0.99, buckets], [0.5, [[1, 0]]]]
    )
    assert told == [pytest.approx(0.1), pytest.approx(0.15), 0.2, None]


async def test_a_fleet_that_changes_is_not_compared(blank: Page) -> None:
    """When a process goes or comes, sums jump: no speed is told of that, and none is invented."""

    def page(processes: int, missing: int, refusals: int) -> str:
        return (
            f'dropgate_build_info{{version="1"}} {processes}\ndropgate_ready {processes}\n'
            f"dropgate_missing_processes {missing}\n"
            f'dropgate_refusals_total{{code="sold_out"}} {refusals}\n'
        )

    pages = [page(2, 0, 100), page(2, 0, 110), page(1, 1, 60), page(1, 1, 61), page(2, 0, 130)]
    told = await run(
        blank,
        "meter",
        """((meter) => given.map((one, at) => {
            const seen = meter.note(one, at);
            return seen.refused.sold_out;
        }))(new m.Meter())""",
        pages,
    )
    assert told == [None, 10, None, 1, None]


async def test_a_process_is_gone_when_it_stays_silent(blank: Page) -> None:
    """One asking that a busy process missed is no alarm; seconds of silence are."""
    told = await run(
        blank,
        "meter",
        """((meter) => given.map((missing, at) =>
            meter.note(`dropgate_missing_processes ${missing}\\n`, at).gone))(new m.Meter())""",
        [0, 1, 0, 1, 1, 1, 1, 1, 1, 0],
    )
    assert told == [0, 0, 0, 0, 0, 0, 0, 0, 1, 0]


async def test_only_a_gateway_can_be_unready(blank: Page) -> None:
    """A settlement worker takes no traffic, a draining gateway is meant to take none: no alarm."""
    well, drained, unready = Metrics("1"), Metrics("1"), Metrics("1")
    well.ready.set(1)
    drained.draining.set(1)
    worker = SettlementMetrics("1").page()
    seen = await run(
        blank,
        "meter",
        """given.map((page) => new m.Meter().note(page, 0))
            .map((one) => [one.gateways, one.serving])""",
        [(well.page() + other.page() + worker).decode() for other in (drained, unready)],
    )
    assert seen == [[2, 2], [2, 1]]


async def test_a_ring_is_bounded_and_shows_gaps(blank: Page) -> None:
    """Old moments go, a moment twice is left out, and a sleep parts the line."""
    told = await run(
        blank,
        "ring",
        """((ring) => {
            for (const at of [0, 1, 1, 2, 20, 21]) ring.push(at, { a: at });
            const gapped = ring.plotted([ring.columns.a]);
            ring.push(103, { a: 103 });
            ring.replace([90, 91], { a: [7, 8] });
            return [gapped, ring.times, ring.columns.a, ring.rose("a", 10), ring.last("b")];
        })(new m.Ring(["a", "b"], 100))""",
    )
    assert told == [
        [[0, 1, 2, 3, 20, 21], [0, 1, 2, None, 20, 21]],
        [90, 91, 103],
        [7, 8, 103],
        None,
        None,
    ]


ALARMS = """((facts, r) => {
    const ring = new r.Ring(["admitted", "held", "taken", "lag"]);
    for (const [at, values] of facts.past) ring.push(at, values);
    return m.alarmsOf({ ...facts, ring }).map((one) => `${one.level} ${one.name}`);
})(given, await import("/console/ring.js"))"""


def board(**changes: Any) -> dict[str, Any]:
    """A sale that is well."""
    total = dict.fromkeys(("held", "allotted", "sold", "redeemed", "voided", "returned"), 0)
    room = {"state": "open", "at_ms": 100_000}
    well = {
        "state": "open",
        "lag": 0,
        "server_time_ms": 100_500,
        "total": {**total, "released": 9, "available": 9},
        "room": room,
    }
    return well | changes


def past(**columns: tuple[int, int]) -> list[Any]:
    """Two minutes in which each column went from a number to another."""
    names = {"admitted": (0, 0), "held": (0, 0), "taken": (0, 0), "lag": (0, 0)} | columns
    return [
        [at, {name: low + (high - low) * at // 120 for name, (low, high) in names.items()}]
        for at in range(121)
    ]


METER: dict[str, Any] = {
    "broken": [],
    "fenced": 0,
    "roomFenced": 0,
    "withheld": 0,
    "gone": 0,
    "gateways": 2,
    "serving": 2,
    "bugs": 0,
    "storeErrors": 0,
    "guessesPerS": 0,
}


CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({"board": board()}, []),
    ({"board": board(total={**board()["total"], "available": 8})}, ["bad invariant"]),
    ({"board": board(server_time_ms=110_000)}, ["bad store_away"]),
    ({"board": None, "lost": {"code": "unreachable"}, "nowMs": 6000}, ["bad no_answer"]),
    ({"board": None, "lost": {"code": "unreachable"}, "nowMs": 3000}, []),
    ({"board": None, "lost": {"code": "unknown_sale", "status": 404}, "nowMs": 6000}, []),
    ({"board": board(), "past": past(admitted=(0, 120))}, ["bad stalled"]),
    ({"board": board(), "past": past(admitted=(0, 120), taken=(0, 9))}, []),
    ({"board": board(), "past": past(admitted=(0, 120), held=(0, 9))}, []),
    ({"board": board(state="paused"), "past": past(admitted=(0, 120))}, []),
    ({"board": board(lag=900), "past": past(lag=(300, 900))}, ["bad lag"]),
    ({"board": board(lag=300), "past": past(lag=(900, 300))}, ["warn lag"]),
    ({"board": board(lag=900), "past": past(lag=(0, 900))[:10]}, []),
    ({"board": board(), "meter": METER}, []),
    (
        {"board": board(), "meter": {**METER, "gone": 1, "guessesPerS": 3}},
        ["bad process_missing", "warn guessing"],
    ),
    (
        {"board": board(), "meter": {**METER, "broken": ["units_add_up"], "fenced": 1}},
        ["bad broken", "bad fenced"],
    ),
    (
        {"board": board(), "meter": {**METER, "withheld": 7, "roomFenced": 1}},
        ["bad room_fenced", "warn withheld"],
    ),
    (
        {"board": board(), "meter": {**METER, "serving": 1, "bugs": 2, "storeErrors": 1}},
        ["bad not_ready", "bad bug", "warn store_errors"],
    ),
    (
        {"board": board(), "audit": {"ok": False, "checks": [{"ok": False, "name": "x"}]}},
        ["bad audit"],
    ),
]


async def test_alarms(blank: Page) -> None:
    """Each wrong has its alarm, the worst first; what is well has none."""
    nothing: dict[str, Any] = {
        "past": [],
        "lost": None,
        "meter": None,
        "audit": None,
        "answeredMs": 0,
        "nowMs": 0,
    }
    for facts, told in CASES:
        assert await run(blank, "alarms", ALARMS, {**nothing, **facts}) == told, facts


async def test_acts_follow_the_stores_rules(blank: Page) -> None:
    """Which act goes from which state, as lua/sale_change.lua has it; an auditor may none."""
    moves = {
        "open": {"announced"},
        "pause": {"open"},
        "resume": {"paused", "draining"},
        "drain": {"open", "paused"},
        "close": {"announced", "open", "paused", "draining"},
    }
    states = ["announced", "open", "paused", "draining", "closed"]
    code = "given[1].filter((state) => m.barred(given[0], { state, mayAct: true }) === null)"
    for act, wanted in moves.items():
        assert set(await run(blank, "acts", code, [act, states])) == wanted, act
        barred = f"m.barred({act!r}, {{ state: 'open', mayAct: false }}).key"
        assert await run(blank, "acts", barred) == "act.auditor"


async def test_every_word_is_there_twice() -> None:
    """English and Chinese have the same keys, with the same facts in them."""
    told = []
    for lang in ("en", "zh"):
        text = (PAGES / "console" / f"words_{lang}.js").read_text(encoding="utf-8")
        words = re.findall(r'"([\w.]+)": "([^"]*)"', text)
        told.append({key: sorted(re.findall(r"{(\w+)}", said)) for key, said in words})
    assert told[0] == told[1]
    assert len(told[0]) > 200


async def test_every_runbook_that_is_named_is_there(blank: Page) -> None:
    """The page that an alarm sends its reader to exists."""
    named = await run(blank, "bar", "Object.values(m.RUNBOOKS)")
    assert {name for name in named if not (RUNBOOKS / f"{name}.md").is_file()} == set()
