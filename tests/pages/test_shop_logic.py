"""The shop's pure parts, run in the browser that they are made for."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route

from gateway.site import PAGES
from tests.pages.conftest import Opened

ORIGIN = "http://pages.test/"

FRAME = {
    "drop": 1, "epoch": 1, "state": "open", "rate_per_s": 10, "stock": "plenty",
    "lanes": [{"serving": 100, "tail": 900, "rate_per_s": 10}],
    "reason": "operator", "opens_at_ms": 0, "lobby_at_ms": 0, "next_opens_at_ms": 0,
    "at_ms": 60_000, "poll_ms": 1000, "poll_max_ms": 60_000, "poll_share": 6, "poll_spread": 0.25,
}  # fmt: skip


@pytest.fixture
async def page(open_page: Opened) -> Page:
    """A blank page whose origin has the modules; no gateway is needed for them."""

    async def serve(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        body = Path(PAGES / path).read_text() if path else "<!doctype html>"
        media_type = "text/javascript" if path else "text/html"
        await route.fulfill(body=body, content_type=media_type)

    opened = await open_page("about:blank")
    await opened.route(ORIGIN + "**", serve)
    await opened.goto(ORIGIN)
    return opened


async def run(page: Page, module: str, code: str, facts: Any = None) -> Any:
    """What `code` returns, with the module of the shop as `m`."""
    load = f"const m = await import('{ORIGIN}shop/{module}.js')"
    return await page.evaluate(f"async (facts) => {{ {load}; {code} }}", facts)


async def test_the_estimate_and_the_next_look_follow_the_frame(page: Page) -> None:
    """Range from rate and speed, shown steadily; the frame's own poll rule, slower when hidden."""
    told = await run(page, "estimate", """
        const f = facts, lane = f.lanes[0], place = (number) => ({lane: 0, number});
        const lanes = (changes) => [{...lane, ...changes}];
        const at = (serving, at_ms) => ({...f, lanes: lanes({serving}), at_ms});
        const calm = [at(0, 30000), at(50, 60000)].reduce((s, one) => m.remembered(s, one), []);
        const e = m.estimate(place(400), f, calm, 60000);
        const shown = m.steady(null, {lowMs: 1000, highMs: 60000}, 0);
        const little = m.steady(shown, {lowMs: 1000, highMs: 66000}, 1000);
        const worse = m.steady(shown, {lowMs: 1000, highMs: 200000}, 1000);
        const risen = m.steady(worse, {lowMs: 1000, highMs: 200000}, 40000);
        const delay = (number, more) =>
            m.pollDelay({place: place(number), frame: f, nowMs: 60000, chance: 0, ...more});
        const early = {...f, drop: 0, lobby_at_ms: 64000};
        return {
          ahead: [m.ahead(place(100), f), m.ahead(place(101), f)],
          otherLane: m.ahead({lane: 7, number: 5}, f), waiting: m.waiting(f),
          speed: [m.speed(calm, 60000, 10), m.speed(calm, 60000, 0.1)], range: [e.lowMs, e.highMs],
          unmeasured: m.estimate(place(400), f, [], 60000).highMs,
          paused: m.estimate(place(400), {...f, state: 'paused'}, calm, 60000),
          still: m.estimate(place(400), {...f, lanes: lanes({rate_per_s: 0})}, [], 60000),
          reset: m.remembered(calm, {...f, drop: 2}).length,
          little: little.highMs, worse: worse.highMs, risen: [risen.highMs, risen.rose],
          delays: [delay(101), delay(400), delay(99999), delay(101, {hidden: true}),
                   delay(400, {chance: 1})],
          due: delay(1, {frame: early, dueMs: 64000}),
          progress: [m.progress(0, 0), m.progress(100, 25)],
        };
    """, FRAME)  # fmt: skip
    assert told["ahead"] == [0, 1]
    assert (told["otherLane"], told["waiting"]) == (5, 800)
    assert told["speed"] == [pytest.approx(50 / 30), None]
    assert told["range"] == [30_000, pytest.approx(180_000)]
    assert told["unmeasured"] == pytest.approx(300 / 10 * 1.33 * 1000)
    assert (told["paused"], told["still"], told["reset"]) == (None, None, 1)
    assert (told["little"], told["worse"]) == (59_000, 59_000)
    assert told["risen"] == [200_000, True]
    assert told["delays"] == [1000, 5000, 60_000, 3000, 6250]
    assert told["due"] == 1000
    assert told["progress"] == [1, 0.75]


async def test_every_phase_follows_from_what_is_known(page: Page) -> None:
    """Frame, memory and clock decide the phase of the line and of the till, after a reload too."""
    place, good = {"drop": 1, "epoch": 1, "lane": 0, "number": 101}, {"expiresMs": 90_000}

    def at(serving: int) -> list[dict[str, Any]]:
        return [{"serving": serving, "tail": 900, "rate_per_s": 10}]

    cases: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
        ("early", {"drop": 0, "state": "lobby"}, {}, True),
        ("signin", {}, {}, False),
        ("signin", {}, {"joinKey": "k"}, False),
        ("joining", {}, {"joinKey": "k"}, True),
        ("ready", {"state": "lobby"}, {}, True),
        ("draining", {"state": "draining"}, {}, True),
        ("closed", {"state": "closed"}, {"place": place}, True),
        ("waiting", {}, {"place": place}, False),
        ("waiting", {"state": "paused", "lanes": at(200)}, {"place": place}, False),
        ("called", {"lanes": at(101)}, {"place": place}, False),
        ("gone", {"drop": 2, "lanes": at(0)}, {"place": place}, True),
        ("gone", {"epoch": 2, "lanes": at(200)}, {"place": place}, True),
        ("gone", {}, {"place": place, "gone": {"reason": "left"}}, True),
        ("inside", {"lanes": at(101)}, {"place": place, "pass": good}, True),
        ("gone", {"lanes": at(101)}, {"place": place, "pass": {"expiresMs": 1}}, True),
        ("gone", {"lanes": at(101)}, {"place": place, "pass": {**good, "used": "o"}}, True),
    ]
    for phase, frame, kept, is_in in cases:
        facts = {
            "frame": {**FRAME, **frame}, "kept": kept, "nowMs": 60_000,
            "login": {"name": "ada"} if is_in else None,
        }  # fmt: skip
        assert await run(page, "line", "return m.lineOf(facts)", facts) == phase, facts
    held = {"id": "o", "state": "held", "expires_at_ms": 90_000}
    tills: list[tuple[str | None, dict[str, Any], dict[str, Any] | None]] = [
        (None, {}, None),
        ("choosing", {"pass": good}, None),
        ("holding", {"pass": good, "wish": {}}, None),
        ("loading", {"order": "o"}, None),
        ("held", {"order": "o"}, held),
        ("ended", {"order": "o"}, {**held, "expires_at_ms": 50_000}),
        ("confirming", {"order": "o", "payment": {"order": "o", "proof": "p"}}, held),
        ("paid", {"order": "o"}, {**held, "state": "confirmed"}),
        ("ended", {"order": "o"}, {**held, "state": "paid_unfulfilled"}),
    ]
    for phase_or_none, kept, order in tills:
        facts = {"kept": kept, "order": order, "nowMs": 60_000}
        assert await run(page, "till", "return m.tillOf(facts)", facts) == phase_or_none


async def test_a_hall_is_walked_and_searched(page: Page) -> None:
    """Arrows pass aisles and seats that are not sold; single seats are taken near one another."""
    rows = [
        {"row": "A", "runs": [{"first": 1, "seats": "01"}, {"first": 3, "seats": "1."}]},
        {"row": "B", "runs": [{"first": 1, "seats": "10"}]},
    ]
    told = await run(page, "seats", """
        const hall = m.hallOf(facts);
        const go = (label, ...keys) => keys.reduce((at, key) => m.neighbour(hall, at, key), label);
        return {
          first: m.firstSeat(hall), right: go('A1', 'ArrowRight', 'ArrowRight', 'ArrowRight'),
          down: go('A3', 'ArrowDown'), up: go('B1', 'ArrowUp', 'ArrowUp'),
          ends: [go('A2', 'Home'), go('A2', 'End')], singles: m.singles(hall, 2).sort(),
          all: m.singles(hall, 9).length, lost: m.lost(['A1', 'A2', 'Z9'], hall),
        };
    """, {"rows": rows})  # fmt: skip
    assert told == {
        "first": "A2", "right": "A3", "down": "B2", "up": "A2", "ends": ["A1", "A3"],
        "singles": ["A2", "A3"], "all": 3, "lost": ["A1", "Z9"],
    }  # fmt: skip


async def test_the_calendar_is_folded_and_says_no_code(page: Page) -> None:
    """Lines have at most 75 bytes, special characters are escaped."""
    event = {
        "id": "o-1", "title": "十二封电报" * 12, "startsMs": 0, "endsMs": 60_000,
        "place": "Odeon, Here; there", "note": "a\nb",
    }  # fmt: skip
    text = await run(page, "calendar", "return m.calendar([facts], 0, 'x.example')", event)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "DTSTART:19700101T000000Z\r\nDTEND:19700101T000100Z" in text
    assert "LOCATION:Odeon\\, Here\\; there\r\nDESCRIPTION:a\\nb" in text
    assert text.replace("\r\n ", "").count("十二封电报" * 12) == 1
