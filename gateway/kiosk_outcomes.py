"""Which outcome of a redemption becomes which answer. A complete match, no default."""

from typing import assert_never

from aiohttp import web

from gateway.answers import RedemptionAnswer
from gateway.problems import Code, problem
from gateway.responses import answer, refusal
from gateway.shelves import Shelf, Shelves
from inventory import redemption as red

ORDER_ID_SYMBOLS = 24


def of_redeem(outcome: red.RedeemOutcome, shelves: Shelves) -> web.Response:
    """What a kiosk is answered."""
    match outcome:
        case red.RedeemedUnit():
            shown = _redeemed(outcome, shelves.standing(outcome.sale))
            return answer(shown, replayed=outcome.replayed)
        case red.UnknownCode(typo=True):
            return refusal(problem(Code.UNKNOWN_CODE, "This code is mistyped; check it again."))
        case red.UnknownCode():
            return refusal(problem(Code.UNKNOWN_CODE))
        case red.WrongVenue(venue=venue):
            title = _title(venue, shelves)
            return refusal(problem(Code.WRONG_VENUE, venue=venue, venue_title=title))
        case red.AlreadyRedeemed(at_ms=at_ms, venue=venue, kiosk=kiosk):
            title = _title(venue, shelves)
            used = problem(
                Code.ALREADY_REDEEMED, at_ms=at_ms, venue=venue, venue_title=title, kiosk=kiosk
            )
            return refusal(used)
        case red.VoidCode():
            return refusal(problem(Code.VOID))
        case red.NotSold():
            return refusal(problem(Code.NOT_SOLD))
        case red.TooEarly(from_ms=from_ms):
            return refusal(problem(Code.TOO_EARLY, from_ms=from_ms))
        case red.TooLate(until_ms=until_ms):
            return refusal(problem(Code.TOO_LATE, until_ms=until_ms))
        case _:
            assert_never(outcome)


def _title(venue: str, shelves: Shelves) -> str | None:
    known = shelves.venue(venue)
    return None if known is None else known.title


def _redeemed(unit: red.RedeemedUnit, shelf: Shelf) -> RedemptionAnswer:
    offer = shelf.offer(unit.offer)
    is_order = len(unit.owner) == ORDER_ID_SYMBOLS and unit.owner.isalnum()
    return RedemptionAnswer(
        result="redeemed",
        sale=unit.sale,
        offer=offer.id,
        title=offer.record.title,
        starts_at_ms=offer.record.starts_at_ms,
        seat=shelf.seat(unit.serial),
        order=unit.owner if is_order else None,
        at_ms=unit.at_ms,
    )
