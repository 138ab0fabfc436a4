"""How the order of an opening is made, as a page for people that needs no scripts.

Here belongs what the page says of a draw and in which order; the words are in `pages/fair`. A
fairness document becomes HTML, no server is asked. What a browser computes again, and whose turn is
whose, is added by `pages/fair/fair.js` where there are scripts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from gateway.plain_markup import document, languages, link, notice, p, query, t
from gateway.words import Language
from inventory.sales import SaleView
from queueing import Fairness

STYLES = ("common/base.css", "common/plain.css", "fair/fair.css")
_SCRIPTS = (
    '<link rel="icon" href="{0}/common/icon.svg" type="image/svg+xml">'
    '<script src="{0}/common/theme.js"></script>'
    '<script type="module" src="{0}/fair/fair.js"></script>'
)
_MARK = (
    '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.2" '
    'stroke-linecap="round" aria-hidden="true"><path d="M5 21V9a7 7 0 0 1 14 0v12"/>'
    '<path d="M12 7v9m-3.2-3L12 16.2 15.2 13"/></svg>'
)
_LEAF_BYTES = 16
_ISOLATED = "\N{LEFT-TO-RIGHT ISOLATE}{}\N{POP DIRECTIONAL ISOLATE}"
"""What reads from left to right in every language: a time, a name of the outside."""
_ORDERED = "\N{LEFT-TO-RIGHT OVERRIDE}{}\N{POP DIRECTIONAL FORMATTING}"
"""Arabic digits with a hyphen between them would still be turned around."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which draw is to be shown: of a sale's opening; None with the problem's code instead."""

    sale: SaleView
    drop: int
    draw: Fairness | None
    problem: str = ""
    lang: str = ""  # the language that was asked for, "" for the browser's own


def page(asked: Asked, said: Language, *, assets: str) -> bytes:
    """The whole page."""
    sale, draw = asked.sale, asked.draw
    body = notice(said.say(f"problem.{asked.problem}")) if draw is None else _told(draw, sale, said)
    marks = "" if draw is None else f' data-epoch="{draw.epoch}" data-state="{draw.state}"'
    html = (
        f'<a class="skip" href="#main">{t(said, "head.skip")}</a>'
        f'<header class="top"><a class="brand" href="/">{_MARK}'
        f"<span>{t(said, 'fair.brand')}</span></a></header>"
        f'<main id="main" tabindex="-1" class="page fair stack" data-sale="{escape(sale.id)}" '
        f'data-drop="{asked.drop}"{marks}>{_head(asked, said)}{body}'
        f"{languages(said, drop=asked.drop)}</main>"
    )
    title = f"{said.say('fair.title')} · {sale.title}"
    head = _SCRIPTS.format(assets)
    return document(said, title, html, assets=assets, styles=STYLES, head=head)


def _head(asked: Asked, said: Language) -> str:
    """Where one is, and the other openings of the sale."""
    sale = asked.sale
    back = f'<a href="/sales/{sale.id}{escape(query(asked.lang))}">{t(said, "fair.back")}</a>'
    html = (
        f'<div class="stack tight">{p(f"<bdi>{escape(sale.title)}</bdi> · {back}", "muted")}'
        f"<h1>{t(said, 'fair.title')}</h1></div>"
    )
    if len(sale.drops) < 2:
        return html
    items = []
    for number, drop in enumerate(sale.drops, start=1):
        here = ' aria-current="page"' if number == asked.drop else ""
        when = _time(drop.opens_at_ms, sale, said, "%m-%d %H:%M")
        address = query(asked.lang, drop=number)
        items.append(f"<li>{link(address, when, here)}</li>")
    label = t(said, "fair.openings")
    return f'{html}<nav class="openings" aria-label="{label}"><ul>{"".join(items)}</ul></nav>'


def _told(draw: Fairness, sale: SaleView, said: Language) -> str:
    if not _is_by_lot(draw):
        why = "none" if draw.lobby_at_ms >= draw.opens_at_ms else "empty"
        if draw.state == "undrawn" and any(lane.registered for lane in draw.lanes):
            why = "anew"
        values = link(_document(draw), said.say("fair.check.values"))
        return p(t(said, f"fair.lead.{why}"), "lead") + p(values, "small")
    steps = "".join(_steps(draw, sale, said))
    return (
        p(f"{t(said, 'fair.lead.draw')} {t(said, 'fair.lead.late')}", "lead")
        + _part("own", said.say("fair.own"), _own(said))
        + _part(
            "steps", said.say("fair.steps"), f'<ol class="steps">{steps}</ol>{_zone(sale, said)}'
        )
        + _part("who", said.say("fair.who"), "".join(_who(draw, said)))
        + _part("check", said.say("fair.check"), "".join(_check(draw, said)))
    )


def _is_by_lot(draw: Fairness) -> bool:
    """Whether its order is or will be drawn."""
    if draw.digest:
        return True
    return draw.lobby_at_ms < draw.opens_at_ms and draw.state != "undrawn"


def _part(name: str, title: str, html: str) -> str:
    heading = f'<h2 id="{name}-title">{escape(title)}</h2>'
    return (
        f'<section id="{name}" class="card stack" aria-labelledby="{name}-title">'
        f"{heading}{html}</section>"
    )


def _own(said: Language) -> str:
    return (
        f"<noscript>{p(t(said, 'fair.own.script'))}</noscript><div class='stack' id='mine'></div>"
    )


def _steps(draw: Fairness, sale: SaleView, said: Language) -> Iterable[str]:
    """The draw in the order in which it happens, each step with what became public by it."""

    def at(ms: int) -> str:
        return _time(ms, sale, said)

    placed = said.number(sum(lane.registered for lane in draw.lanes))
    if draw.commitment:
        sealed = said.say("fair.seal.done", time=at(draw.committed_at_ms))
    else:
        sealed = said.say("fair.seal.next", time=at(draw.lobby_at_ms))
    yield _step(said, "seal", sealed, draw, "commitment")
    if draw.digest:
        closed = said.say("fair.list.done", time=at(draw.fixed_at_ms), n=placed)
    else:
        closed = said.say("fair.list.next", time=at(draw.opens_at_ms))
        if draw.at_ms >= draw.lobby_at_ms:
            closed += " " + said.say("fair.list.now", n=placed)
    yield _step(said, "list", closed, draw, "digest")
    if draw.beacon:
        yield _step(said, "chance", _chance(draw, at(draw.round_at_ms), said), draw, "randomness")
    opened = said.say("fair.open.next")
    if draw.seed:
        opened = said.say("fair.open.done", time=at(draw.revealed_at_ms), n=placed)
    yield _step(said, "open", opened, draw, "secret", "seed")


def _chance(draw: Fairness, when: str, said: Language) -> str:
    source = _ISOLATED.format(urlsplit(draw.beacon.split(" ")[0]).netloc)
    how = {"used": "done", "unanswered": "none"}.get(draw.beacon_outcome)
    how = how or ("wait" if draw.round else "next")
    number = _ISOLATED.format(said.number(draw.round))
    return said.say(f"fair.chance.{how}", source=source, n=number, time=when)


_LABELS = {
    "commitment": "fair.seal.value",
    "digest": "fair.list.value",
    "randomness": "fair.chance.value",
    "secret": "fair.open.value",
    "seed": "fair.open.seed",
}


def _step(said: Language, name: str, text: str, draw: Fairness, *fields: str) -> str:
    there = [(field, getattr(draw, field)) for field in fields if getattr(draw, field)]
    done = bool(there) or (name == "chance" and draw.beacon_outcome == "unanswered")
    badge = f'<span class="badge {"good" if done else ""}">'
    badge += t(said, "fair.done" if done else "fair.next") + "</span>"
    values = "".join(
        f"<div><dt>{t(said, _LABELS[field])}</dt>"
        f'<dd><code dir="ltr" data-field="{field}">{escape(value)}</code></dd></div>'
        for field, value in there
    )
    return (
        f'<li class="{"done" if done else "next"}"><div class="stack tight">'
        f'<div class="row"><h3>{t(said, f"fair.{name}")}</h3>{badge}</div>'
        f"{p(escape(text))}{f'<dl>{values}</dl>' if values else ''}</div></li>"
    )


def _who(draw: Fairness, said: Language) -> Iterable[str]:
    """What could be steered and by whom, as the document's own remarks say it."""
    outcome = draw.beacon_outcome
    yield p(t(said, f"fair.who.{outcome}"))
    yield p(t(said, "fair.who.list"))
    if draw.committed_at_ms > draw.lobby_at_ms:
        yield notice(said.say("fair.remark.late"))
    unknown = sum(lane.unknown for lane in draw.lanes)
    if unknown:
        yield notice(said.say("fair.remark.unknown", n=said.number(unknown)))
    if draw.lost:
        yield notice(said.say("fair.remark.lost", n=said.number(draw.lost)))


def _check(draw: Fairness, said: Language) -> Iterable[str]:
    """How anybody computes it again, first where it is done here."""
    yield '<div class="stack" id="found"></div>'
    yield p(t(said, "fair.check.files"))
    files = [link(_document(draw), said.say("fair.check.values"), ' download="fairness.json"')]
    if draw.digest:
        for number, lane in enumerate(draw.lanes):
            text = said.say("fair.check.list", lane=lane.name, n=said.number(lane.registered))
            save = f' download="fairness.json.{number}"'
            files.append(link(_list(draw, number), text, save))
    yield f'<ul class="files">{"".join(f"<li>{one}</li>" for one in files)}</ul>'
    if draw.digest:
        names = " ".join(["fairness.json", *(f"fairness.json.{n}" for n in range(len(draw.lanes)))])
        yield (
            '<pre dir="ltr"><code>dropgate verify-draw fairness.json\n'
            f"python3 verify_draw.py {names}</code></pre>"
        )
    yield p(t(said, "fair.check.script"), "small muted")


def _document(draw: Fairness, path: str = "", **more: int) -> str:
    """Where the values of this draw are, whichever is on by then."""
    asked = urlencode({"drop": draw.drop, "epoch": draw.epoch} | more)
    return f"/v1/sales/{draw.sale}/fairness{path}?{asked}"


def _list(draw: Fairness, lane: int) -> str:
    return _document(draw, "/list", lane=lane)


def _zone(sale: SaleView, said: Language) -> str:
    return p(t(said, "fair.zone", zone=_ISOLATED.format(sale.timezone)), "small muted")


def _time(ms: int, sale: SaleView, said: Language, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    at = datetime.fromtimestamp(ms / 1000, ZoneInfo(sale.timezone))
    return _ISOLATED.format(_ORDERED.format(said.digits(f"{at:{form}}")))
