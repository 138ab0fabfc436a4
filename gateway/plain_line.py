"""The line as a page without scripts: where a place stands, and the two forms that act on it.

Here belongs what the page says and how; the words are the pages' own (`words`). A frame and a place
become HTML, no server is asked. What the forms do is in `routes.pages_line`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from html import escape
from zoneinfo import ZoneInfo

from gateway.plain_markup import document, h2, languages, link, p, query, t
from gateway.plain_wait import Wait, chance_of
from gateway.words import Language
from queueing import Frame, Pass, Place, turn_of

REFRESH_MIN_S = 20
"""Faster than this would read a page aloud again before it was heard to the end."""
STYLES = ("common/base.css", "common/plain.css", "shop/shop.css")


@dataclass(frozen=True, slots=True)
class Where:
    """Whose page it is: the sale, and the place of this browser, if there is one."""

    sale: str
    title: str
    timezone: str
    frame: Frame
    place: Place | None = None
    token: str = ""
    wait: Wait | None = None  # what is said of it; None: nothing can be
    pass_: tuple[str, Pass] | None = None
    problem: str = ""  # its code
    lang: str = ""  # the language that was asked for, "" for the browser's own


def proof(token: str) -> str:
    """What a form of ours carries: only who has the place can know it, and no other site does."""
    return sha256(b"dropgate form\0" + token.encode()).hexdigest()[:32]


def refresh_s(where: Where) -> int:
    """When the page should look again: by the poll rule, but no sooner than is bearable."""
    place, frame = where.place, where.frame
    if place is None:
        return 2 * REFRESH_MIN_S
    turn = turn_of(frame, place) or place.number
    return max(REFRESH_MIN_S, frame.poll_after_ms(place.lane, turn) // 1000)


def page(where: Where, said: Language, *, assets: str, still: bool) -> bytes:
    """The whole page."""
    path = f"/sales/{where.sale}"
    body = "".join(_body(where, said, path))
    turning = "" if where.pass_ else _turning(where, said, still=still)
    message = where.frame.message
    if message:
        whose = t(said, "message.from")
        message = p(f"<strong>{whose}</strong> <bdi>{escape(message)}</bdi>", "notice")
    if where.problem:
        message += p(t(said, f"problem.{where.problem}"), "notice warn")
    html = (
        f'<main class="page narrow stack"><h1><bdi>{escape(where.title)}</bdi></h1>{message}'
        f'<section class="card stack">{body}</section>{turning}'
        f"{p(link(path, said.say('plain.sale')))}"
        f"{p(link(_fair(where), said.say('fair.link')), 'small')}"
        f"{languages(said, **_still(still))}</main>"
    )
    title = f"{where.title} · {said.say('plain.title')}"
    return document(said, title, html, assets=assets, styles=STYLES)


def _body(where: Where, said: Language, path: str) -> Iterable[str]:
    frame, place = where.frame, where.place
    if where.pass_ is not None:
        yield from _inside(where, said)
        return
    gone = None if place is None else gone_because(place, frame)
    if place is None:
        yield h2(said.say("plain.none"))
        yield p(t(said, "plain.join"))
    elif gone is not None:
        yield h2(said.say(f"gone.title.{gone}"))
        yield p(t(said, f"gone.text.{gone}"))
    else:
        yield from _waiting(where, place, said)
        if is_called(frame, place):
            yield _form(f"{path}/line/claim", where, said.say("plain.claim"), "primary block")
        yield p(t(said, "place.keep"), "muted")
        yield _form(f"{path}/line/leave", where, said.say("plain.leave"), "quiet")
        yield p(t(said, "plain.sure"), "small muted")
    yield p(t(said, ruling(frame)))
    yield p(f"{t(said, 'figure.stock')}: {t(said, f'stock.{frame.stock}')}")


def _waiting(where: Where, place: Place, said: Language) -> Iterable[str]:
    frame = where.frame
    chance = chance_of(frame, place)
    if in_draw(frame, place):
        others = frame.lane(place.lane).tail - 1
        yield h2(said.say("draw.title"))
        many = said.say("draw.with", n=said.number(others)) if others > 0 else ""
        yield p(escape(many or said.say("draw.alone")), "big many")
        yield p(t(said, "draw.why"))
    else:
        yield from _turn(where, place, said)
    if chance is not None:
        yield p(t(said, f"chance.{chance}"), "chance")


def _turn(where: Where, place: Place, said: Language) -> Iterable[str]:
    turn = turn_of(where.frame, place)
    ahead = where.frame.ahead(place.lane, turn)
    yield h2(said.say("place.title"))
    yield p(escape(said.say("place.turn", n=said.number(turn))), "muted")
    if ahead == 0:
        yield p(t(said, "place.called"), "big")
        return
    many = said.say("place.ahead", n=said.number(ahead - 1))
    yield p(escape(many if ahead > 1 else said.say("place.next")), "big")
    yield p(escape(wait_text(where.wait, said)), "eta")
    if where.wait is not None and where.wait.rose:
        yield p(f"{t(said, 'eta.rose')} {t(said, longer_because(where.frame))}", "notice warn")


def wait_text(wait: Wait | None, said: Language) -> str:
    """How long it takes, as a range of minutes or hours."""
    if wait is None:
        return said.say("eta.unknown")
    low, high = int(wait.low_s // 60), math.ceil(wait.high_s / 60)
    if high <= 1:
        return said.say("eta.less")
    if low >= 60:
        low, high = low // 60, math.ceil(high / 60)
        return said.say("eta.hours", low=said.number(low), high=said.number(high))
    if low >= high:
        return said.say("eta.about", n=said.number(high))
    return said.say("eta.range", low=said.number(low), high=said.number(high))


def _inside(where: Where, said: Language) -> Iterable[str]:
    assert where.pass_ is not None, "only who is inside"
    token, claims = where.pass_
    until = datetime.fromtimestamp(claims.expires_at_ms / 1000, ZoneInfo(where.timezone))
    yield h2(said.say("plain.in"))
    yield p(escape(said.say("plain.until", time=said.digits(f"{until:%H:%M}"))), "big")
    yield p(t(said, "plain.choose"))
    yield f'<div class="field"><label for="pass">{t(said, "plain.pass")}</label>'
    yield f'<textarea id="pass" dir="ltr" rows="5" readonly>{escape(token)}</textarea></div>'


def in_draw(frame: Frame, place: Place) -> bool:
    """Whether the turn of a place is not known yet."""
    if frame.state == "lobby" and frame.reason != "draw":
        return True
    return turn_of(frame, place) == 0


def is_called(frame: Frame, place: Place) -> bool:
    """Whether the turn of a place has come."""
    turn = turn_of(frame, place)
    return frame.state == "open" and turn > 0 and frame.ahead(place.lane, turn) == 0


def gone_because(place: Place, frame: Frame) -> str | None:
    """Why a place will not be called any more, or None."""
    if place.epoch < frame.epoch:
        return "reset"
    if place.drop < frame.drop:
        return "over"
    return "closed" if frame.state == "closed" else None


def ruling(frame: Frame) -> str:
    """What rules the room now, as the key of a sentence; as `line.js` says it."""
    if frame.state == "lobby":
        return "rule.open.draw" if frame.reason == "draw" else "rule.lobby"
    if frame.state == "paused" and frame.reason == "store":
        return "rule.open.store"
    return f"rule.open.{frame.reason}" if frame.state == "open" else f"rule.{frame.state}"


def longer_because(frame: Frame) -> str:
    """Why the wait is longer than it was, as the key of a sentence; as `line.js` says it."""
    return "eta.slower" if frame.reason in ("operator", "opening", "draw") else ruling(frame)


def _turning(where: Where, said: Language, *, still: bool) -> str:
    if still:
        told = f"{t(said, 'plain.still')} {link(here(where.lang), said.say('plain.go'))}"
    else:
        again = escape(said.say("plain.again", n=said.number(refresh_s(where))))
        told = f"{again} {link(here(where.lang, still=True), said.say('plain.stop'))}"
    return p(f"{told} · {link(here(where.lang, still=still), said.say('plain.now'))}", "small")


def here(lang: str, *, still: bool = False) -> str:
    """The query of this page: a language, and whether it looks again by itself."""
    return query(lang, **_still(still))


def _still(still: bool) -> dict[str, int]:
    return {"still": 1} if still else {}


def _form(action: str, where: Where, label: str, kind: str) -> str:
    field = f'<input type="hidden" name="proof" value="{proof(where.token)}">'
    button = f'<button class="button {kind}">{escape(label)}</button>'
    action += here(where.lang) if where.lang else ""
    return f'<form method="post" action="{escape(action)}">{field}{button}</form>'


def _fair(where: Where) -> str:
    return f"/sales/{where.sale}/fairness{query(where.lang, drop=max(1, where.frame.drop))}"
