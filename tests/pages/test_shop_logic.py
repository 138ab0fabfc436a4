"""The shop's pure parts, run in the browser that they are made for."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route

from gateway.site import PAGES
from tests.pages.conftest import Opened

ORIGIN = "http://pages.test/"

FRAME: dict[str, Any] = {
    "drop": 1, "epoch": 1, "state": "open", "rate_per_s": 10, "stock": "plenty",
    "lanes": [{"serving": 100, "tail": 900, "drawn": 0, "rate_per_s": 10, "low_per_s": 5,
               "high_per_s": 15, "likely": 200, "possible": 500}],
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
    """A range from the lane's speeds, shown steadily; the poll rule, and a hidden page pauses."""
    told = await run(page, "estimate", """
        const f = facts, lane = f.lanes[0];
        const place = (number) => ({drop: 1, epoch: 1, lane: 0, number});
        const lanes = (changes) => [{...lane, ...changes}];
        const e = m.estimate(place(400), f, 60000);
        const even = {...f, lanes: lanes({low_per_s: 10, high_per_s: 10})};
        const shown = m.steady(null, {lowMs: 1000, highMs: 60000}, 0);
        const little = m.steady(shown, {lowMs: 1000, highMs: 66000}, 1000);
        const worse = m.steady(shown, {lowMs: 1000, highMs: 200000}, 1000);
        const better = m.steady(worse, {lowMs: 1000, highMs: 20000}, 20000);
        const again = m.steady(better, {lowMs: 1000, highMs: 200000}, 32000);
        const risen = m.steady(worse, {lowMs: 1000, highMs: 200000}, 40000, 'why');
        const later = m.steady(risen, {lowMs: 1000, highMs: 190000}, 45000, 'other');
        const stood = m.steady(shown, null, 5000);
        const moves = m.steady(stood, {lowMs: 1000, highMs: 100000}, 9000);
        const away = m.steady(shown, {lowMs: 1000, highMs: 100000}, 95000);
        const early = m.steady(shown, {lowMs: 1000, highMs: 50000}, -5000);
        const delay = (number, more) =>
            m.pollDelay({place: place(number), frame: f, nowMs: 60000, chance: 0, ...more});
        const before = {...f, drop: 0, lobby_at_ms: 64000};
        return {
          ahead: [m.ahead(place(100), f), m.ahead(place(101), f)],
          otherLane: m.ahead({...place(5), lane: 7}, f), waiting: m.waiting(f),
          range: [e.lowMs, e.highMs], even: m.estimate(place(400), even, 60000).highMs,
          paused: m.estimate(place(400), {...f, state: 'paused'}, 60000),
          still: m.estimate(place(400), {...f, lanes: lanes({rate_per_s: 0})}, 60000),
          little: little.highMs, worse: worse.highMs,
          risen: [risen.highMs, m.roseFor(risen, 41000), m.roseFor(risen, 161000)],
          again: [again.highMs, m.roseFor(again, 32000)],
          later: [later.highMs, m.roseFor(later, 46000)],
          stood: [m.steady(null, null, 0), stood.isKnown, moves.highMs, m.roseFor(moves, 9000)],
          away: [away.highMs, m.roseFor(away, 95000)], early: early.highMs,
          delays: [delay(101), delay(400), delay(99999), delay(400, {chance: 1})],
          hidden: [delay(101, {hidden: true}), delay(3100, {hidden: true}),
                   delay(3100, {hidden: true, alert: true})],
          due: delay(1, {frame: before, dueMs: 64000}),
          progress: [m.progress(0, 0), m.progress(100, 25)],
          older: [[59000, 1], [61000, 1], [40000, 1], [59000, 2]].map(([at_ms, epoch]) =>
              m.isOlder({...f, at_ms, epoch}, f)),
        };
    """, FRAME)  # fmt: skip
    assert told["ahead"] == [0, 1]
    assert (told["otherLane"], told["waiting"]) == (5, 800)
    assert told["range"] == [20_000, 60_000]
    assert told["even"] == pytest.approx(300 / 10 * 1.33 * 1000)
    assert (told["paused"], told["still"]) == (None, None)
    assert (told["little"], told["worse"]) == (59_000, 59_000)
    assert told["risen"] == [200_000, "why", None], "told for two minutes"
    assert told["later"] == [190_000, "why"]
    assert told["again"] == [8_000, None], "worse for half a minute without a break"
    assert told["stood"] == [None, False, 100_000, "eta.slower"], "nothing was to be seen meanwhile"
    assert told["away"] == [100_000, "eta.slower"], "nobody looked meanwhile"
    assert told["early"] == 50_000, "a clock that was put back"
    assert told["delays"] == [1000, 5000, 60_000, 6250]
    assert told["hidden"] == [10_000, 300_000, 50_000]
    assert told["due"] == 1000
    assert told["progress"] == [1, 0.75]
    assert told["older"] == [True, False, False, False]


async def test_the_draw_decides_the_turn(page: Page) -> None:
    """Before it nobody is ahead; then each asks for its turn once; late ones have theirs."""
    told = await run(page, "estimate", """
        const f = facts, lane = f.lanes[0];
        const place = (number, turn) => ({drop: 1, epoch: 1, lane: 0, number, turn});
        const frame = (changes, lanes) => ({...f, ...changes, lanes: [{...lane, ...lanes}]});
        const lobby = frame({state: 'lobby', reason: 'opening', opens_at_ms: 90000}, {serving: 0});
        const drawing = frame({state: 'lobby', reason: 'draw'}, {serving: 0, drawn: 500});
        const drawn = frame({}, {drawn: 500});
        const seen = (one, f) => [m.isInDraw(one, f), m.needsTurn(one, f), m.ahead(one, f)];
        const still = {...lobby, state: 'paused', reason: 'store'};
        const stood = frame({state: 'paused', reason: 'store'}, {serving: 0, drawn: 500});
        const delays = [0, 0.5, 1].map((chance) =>
            m.turnDelay(place(1), frame({}, {drawn: 1000000}), chance));
        const chance = (turn, lanes) => m.chanceOf(place(1, turn), frame({}, lanes));
        return {
          lobby: seen(place(7), lobby), still: seen(place(7), still),
          open: seen(place(7), {...still, at_ms: 90000}), drawing: seen(place(7), drawing),
          late: seen(place(501), drawing), stood: seen(place(7), stood),
          seeded: seen(place(7), {...stood, seed: 's'}), unknown: seen(place(7), drawn),
          known: seen(place(7, 300), drawn), other: seen({...place(7), drop: 2}, lobby),
          soon: m.turnDelay(place(1), drawn, 1), delays,
          wait: m.estimate(place(7), lobby, 60000),
          chances: [chance(300, {}), chance(600, {}), chance(601, {}),
                    chance(300, {likely: -1, possible: -1}), chance(300, {likely: -1})],
        };
    """, FRAME)  # fmt: skip
    assert told["lobby"] == [True, False, 1]
    assert told["still"] == [True, False, 1], "paused, but a lobby"
    assert told["open"] == [False, False, 7], "nobody was in the lobby"
    assert told["drawing"] == [True, False, 1]
    assert told["stood"] == [True, False, 1], "there is no seed to tell a turn from"
    assert told["seeded"] == [True, True, 1]
    assert told["late"] == [False, False, 501]
    assert told["unknown"] == [True, True, 1]
    assert told["known"] == [False, False, 200]
    assert told["other"][0] is False
    assert (told["soon"], told["delays"]) == (250, [0, 10_000, 20_000])
    assert told["wait"] == {"lowMs": 30_000, "highMs": 30_000 + 180_000}
    assert told["chances"] == ["likely", "possible", "unlikely", None, "possible"]


async def test_every_word_is_there_in_every_language(page: Page) -> None:
    """Shop, list and problems say the same, with the same facts in it, in each language."""
    modules = ["shop/words-line", "shop/words-line-more", "shop/words-till", "home/words",
               "shop/words-till-more", "common/problems", "common/problems-more",
               "fair/words", "fair/words-more"]  # fmt: skip
    load = f"for (const one of {modules}) await import(`{ORIGIN}${{one}}.js`)"
    told = await page.evaluate(
        f"async () => {{ {load}; const m = await import('{ORIGIN}common/i18n.js');"
        "return Object.fromEntries(m.languages().map(([one]) => [one, m.allWords(one)])); }"
    )
    assert list(told) == ["en", "zh", "fi", "ar"]
    for lang, words in told.items():
        assert words.keys() == told["en"].keys(), words.keys() ^ told["en"].keys()
        for key, text in words.items():
            facts = [sorted(set(re.findall(r"{\w+}", one))) for one in (text, told["en"][key])]
            assert text.strip(), (lang, key)
            assert facts[0] == facts[1], (lang, key, facts)
    script = {"zh": r"[\u4e00-\u9fff]", "ar": r"[\u0600-\u06ff]"}
    for lang, form in script.items():
        plain = {key for key, text in told[lang].items() if not re.search(form, text)}
        assert plain <= {"shop.brand", "home.brand", "fair.brand", "head.lang", "head.lang.label",
                         "eta.about", "unit.day", "problem.at"}, (lang, plain)  # fmt: skip


async def test_every_phase_follows_from_what_is_known(page: Page) -> None:
    """Frame, memory and clock decide the phase of the line and of the till, after a reload too."""
    place, good = {"drop": 1, "epoch": 1, "lane": 0, "number": 101}, {"expiresMs": 90_000}

    def at(serving: int) -> list[dict[str, Any]]:
        return [{**FRAME["lanes"][0], "serving": serving}]

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
