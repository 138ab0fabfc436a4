"""Which outcome of the operator's and the partner's desks becomes which answer."""

from collections.abc import Sequence

from aiohttp import web

from gateway.allotment_desk import Statuses
from gateway.answers import Outgoing
from gateway.audit_checks import Audit
from gateway.bodies import StockBody
from gateway.counting import Tally, Units
from gateway.operator_answers import (
    AppliedAnswer,
    CountsAnswer,
    EpochAnswer,
    OfferCountsAnswer,
    SaleStateAnswer,
    StockAnswer,
)
from gateway.operator_desk import NotValid
from gateway.partner_answers import UnitStatusesAnswer
from gateway.problems import Code, FieldError, Problem, problem
from gateway.responses import JSON, answer, body_of, raw, refusal
from gateway.sale_desk import Applied, Moved
from gateway.shelves import Shelf
from inventory.catalogue import (
    LotReused,
    NotTaken,
    OtherRevision,
    Published,
    PublishOutcome,
    Refused,
    Step,
    StockOutcome,
    Taken,
    Unfinished,
    UnknownSale,
)
from inventory.salefile import Problem as FileProblem
from inventory.sales import SaleView, WrongState
from queueing import LineReset, NoRoom, RoomSet, StaleRevision

NO_ROOM = problem(Code.NOTHING_HAPPENED, "The store has lost the sale's room.")

LISTED_MAX = 500


def of_statuses(told: Statuses | Problem) -> web.Response:
    """What a report or a return of an allotment's units is answered with."""
    match told:
        case Statuses(results=results, replayed=replayed):
            return answer(UnitStatusesAnswer(results=results), replayed=replayed)
        case Problem():
            return refusal(told)


def of_apply(outcome: Applied | PublishOutcome | NotValid, expected: int | None) -> web.Response:
    """What applying a sale is answered with. The `ETag` is the revision, quoted."""
    match outcome:
        case Applied(published=published):
            shown = AppliedAnswer(
                id=published.sale,
                number=published.number,
                revision=published.revision,
                units_added=published.units_added,
                changed=published.changed,
            )
            status = 201 if published.revision == 1 and published.changed else 200
            return answer(shown, status, revision=published.revision)
        case OtherRevision(current=current):
            code = Code.REVISION_REQUIRED if expected is None else Code.STALE_REVISION
            return refusal(problem(code, f"It is at revision {current}.", revision=current))
        case Refused(plan=plan):
            return refusal(_steps(Code.CHANGE_REFUSED, plan.refusals))
        case Unfinished(refusals=refusals):
            return refusal(_steps(Code.CHANGE_REFUSED, refusals))
        case NotValid(problems=problems):
            return refusal(_not_valid(problems))
        case Published():
            raise AssertionError("the desk turns Published into Applied")


def _not_valid(problems: Sequence[FileProblem]) -> Problem:
    errors = [FieldError("body", one.file.lstrip("/"), one.message) for one in problems]
    detail = f"{len(problems)} things are wrong; nothing was changed."
    return problem(Code.INVALID_SALE, detail, errors=errors[:LISTED_MAX])


def of_change(outcome: Moved | WrongState | StaleRevision | NoRoom, sale: SaleView) -> web.Response:
    """What opening, pausing, … and closing are answered with. The `ETag` is the room's revision."""
    match outcome:
        case Moved(state=state, already=already, revision=revision):
            shown = SaleStateAnswer(id=sale.id, state=state, revision=sale.revision)
            return answer(shown, replayed=already, revision=revision)
        case WrongState(state=state):
            return refusal(problem(Code.WRONG_STATE, f"The sale is {state}.", state=state))
        case StaleRevision(revision=revision):
            return _stale(revision)
        case NoRoom():
            return refusal(NO_ROOM)


def of_adjust(outcome: RoomSet | StaleRevision | NoRoom, shown: Outgoing) -> web.Response:
    """What changing how the room runs is answered with. The `ETag` is its revision, quoted."""
    match outcome:
        case RoomSet(revision=revision, changed=changed):
            return answer(shown, replayed=not changed, revision=revision)
        case StaleRevision(revision=revision):
            return _stale(revision)
        case NoRoom():
            return refusal(NO_ROOM)


def _stale(revision: int) -> web.Response:
    detail = f"The room is at revision {revision}."
    return refusal(problem(Code.STALE_REVISION, detail, revision=revision))


def of_reset(outcome: LineReset | NoRoom, sale: SaleView) -> web.Response:
    """What beginning the line anew is answered with."""
    match outcome:
        case LineReset(epoch=epoch, changed=changed):
            return answer(EpochAnswer(id=sale.id, epoch=epoch), replayed=not changed)
        case NoRoom():
            return refusal(NO_ROOM)


def of_stock(outcome: StockOutcome, asked: StockBody) -> web.Response:
    """What bringing a lot is answered with."""
    match outcome:
        case Taken(units=units, replayed=replayed):
            shown = StockAnswer(offer=asked.offer, lot=asked.lot, added=units)
            return answer(shown, 200 if replayed else 201, replayed=replayed)
        case NotTaken(problems=problems):
            errors = [FieldError("body", "", one) for one in problems[:LISTED_MAX]]
            return refusal(problem(Code.STOCK_REFUSED, "; ".join(problems[:3]), errors=errors))
        case UnknownSale():
            return refusal(problem(Code.UNKNOWN_SALE))
        case LotReused():
            error = FieldError("body", "lot", "It was brought before with other content")
            return refusal(problem(Code.KEY_REUSED, errors=[error]))


def of_audit(found: Audit) -> web.Response:
    """What an audit is answered with, whatever it has found."""
    return raw(body_of(found.data()), JSON)


def counts(shelf: Shelf, tally: Tally) -> web.Response:
    """Where all units of a sale are."""
    shown = CountsAnswer(
        id=shelf.view.id,
        state=shelf.view.state,
        fact=tally.fact,
        total=units_answer("", tally.total),
        offers=[
            units_answer(shelf.offer_id(number), units)
            for number, units in sorted(tally.by_offer.items())
        ],
    )
    return answer(shown)


def units_answer(offer: str, units: Units) -> OfferCountsAnswer:
    """Where an offer's units are; of no offer for a whole sale."""
    return OfferCountsAnswer(
        offer=offer,
        released=units.released,
        available=units.available,
        held=units.held,
        allotted=units.allotted,
        sold=units.sold,
        redeemed=units.redeemed,
        voided=units.voided,
        returned=units.returned,
    )


def _steps(code: Code, steps: Sequence[Step]) -> Problem:
    errors = [FieldError("body", f"{one.part}/{one.name}", one.told) for one in steps]
    detail = f"{len(steps)} changes are refused; nothing was changed."
    return problem(code, detail, errors=errors[:LISTED_MAX])
