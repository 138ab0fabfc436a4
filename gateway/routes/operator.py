"""Routes for operators: bring a sale, open, throttle and close it, look at it, refund."""

from contextlib import suppress

from aiohttp import web

from gateway import breaks_desk, desk_outcomes, order_outcomes, requests
from gateway.answers import OrderAnswer
from gateway.auth import Operator
from gateway.bodies import BreaksQuery, Empty, RefundBody, StockBody
from gateway.call import Call
from gateway.endpoint import Endpoint, Handler, Keyed, Scope, Who
from gateway.operator_answers import (
    AllotmentOfPartnerAnswer,
    AllotmentsOfSaleAnswer,
    AppliedAnswer,
    AuditAnswer,
    BoardAnswer,
    BoardsAnswer,
    BreaksAnswer,
    ChangeAnswer,
    ChangesAnswer,
    CountsAnswer,
    HistoryAnswer,
    SaleStateAnswer,
    StockAnswer,
)
from gateway.problems import Code, Refused
from gateway.responses import answer
from gateway.routes.partner import BATCH_BODY_MAX, LARGE_BODY_TIMEOUT_S
from inventory.salefile import SaleFile
from inventory.sales import Change
from lua.faults import Fault

SALE_BODY_MAX = 64 * 1024 * 1024


async def sales(call: Call) -> web.Response:
    """All sales in the key's scope."""
    operator = call.caller(Operator)
    seen = [shelf for shelf in call.services.shelves if operator.may_see(shelf.view.id)]
    boards = [await call.services.board.show(shelf) for shelf in seen]
    boards.sort(key=lambda board: board.id)
    shown = BoardsAnswer(actor=operator.actor, acts=not operator.looks, sales=boards)
    return answer(shown)


async def sale(call: Call) -> web.Response:
    """One sale as it stands. The `ETag` is the revision, quoted, for `If-Match` of a change."""
    shown = await call.services.board.show(call.shelf)
    return answer(shown, revision=call.shelf.view.revision)


async def history(call: Call) -> web.Response:
    """How the last minutes went."""
    return answer(call.services.board.history(call.shelf.view.id))


async def changes(call: Call) -> web.Response:
    """What operators did, the newest first."""
    found = await call.services.journal.newest(call.shelf.view.id, CHANGES_MAX)
    told = [ChangeAnswer(at_ms=one.at_ms, what=one.what, actor=one.actor, detail=one.detail)
            for one in found]  # fmt: skip
    return answer(ChangesAnswer(changes=told))


async def allotments(call: Call) -> web.Response:
    """All partners' allotments."""
    return answer(AllotmentsOfSaleAnswer(allotments=await call.services.recalls.listed(call.shelf)))


async def recall(call: Call) -> web.Response:
    """Take back what a partner has not sold."""
    told = await call.services.recalls.recall(
        call.shelf, str(call.path["allotment"]), key=call.key, actor=call.caller(Operator).actor
    )
    return answer(told)


async def breaks(call: Call) -> web.Response:
    """The newest reconciliations and their breaks; a partner's day is of all sales."""
    if call.caller(Operator).scope != "*":
        raise Refused(Code.OUT_OF_SCOPE, "Reconciliations are of all sales; this key is for one.")
    return answer(await breaks_desk.breaks(call.services.books, call.query(BreaksQuery)))


async def apply(call: Call) -> web.Response:
    """Create a sale, or bring it to another revision."""
    expected = requests.revision(call.request)
    outcome = await call.services.operators.apply(
        str(call.path["sale"]),
        call.body(bytes),
        actor=call.caller(Operator).actor,
        expected=expected,
    )
    return desk_outcomes.of_apply(outcome, expected)


def _changing(what: Change, doc: str) -> Handler:
    async def change(call: Call) -> web.Response:
        shelf, actor = call.shelf, call.caller(Operator).actor
        outcome = await call.services.operators.change(
            shelf, what, actor=actor, expected=requests.revision(call.request)
        )
        await noticed(call)
        return desk_outcomes.of_change(outcome, shelf.view)

    change.__name__ = what
    change.__doc__ = doc
    return change


async def noticed(call: Call) -> None:
    """What an operator changed is in this process' frame and in the journal at once.

    It is made: what fails here is done later, by the loops.
    """
    sale = call.shelf.view.id
    with suppress(Fault):
        await call.services.frames.refresh(sale)
    await call.services.journal.noted(sale)


async def stock(call: Call) -> web.Response:
    """Bring a lot of units."""
    asked = call.body(StockBody)
    return desk_outcomes.of_stock(await call.services.operators.add_stock(call.shelf, asked), asked)


async def counts(call: Call) -> web.Response:
    """Where all units are."""
    return desk_outcomes.counts(call.shelf, await call.services.counts.read(call.shelf))


async def audit(call: Call) -> web.Response:
    """Check every invariant."""
    return desk_outcomes.of_audit(await call.services.operators.audit(call.shelf))


async def refund(call: Call) -> web.Response:
    """Refund an order, whoever sold it."""
    services, shelf = call.services, call.shelf
    outcome = await services.orders.refund(
        shelf.view,
        str(call.path["order"]),
        seller="",
        key=call.key,
        serials=call.body(RefundBody).serials(),
    )
    return await services.showing.respond(shelf, order_outcomes.of_refund(outcome))


RUNS = (Who.OPERATOR,)
LOOKS = (Who.OPERATOR, Who.AUDITOR)
CHANGES_MAX = 100
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": 'The revision that is changed, `"7"`; absent only when the sale is new.',
    "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
}
IF_ROOM_MATCHES = IF_MATCH | {
    "description": '`room.revision` of the sale as it was seen, `"7"`; absent: whichever it has.',
}
CHANGES: dict[Change, str] = {
    "open": "Let the drops open at their times",
    "pause": "Nobody is let in and nothing is sold until it is resumed",
    "resume": "Go on",
    "drain": "No new places and holds; holds that stand may be paid",
    "close": "End the sale; what is left goes back to the venues",
}

ROUTES = (
    Endpoint(
        method="GET",
        path="/v1/operator/sales",
        handler=sales,
        summary="All sales in the key's scope, as they stand",
        who=LOOKS,
        answers={200: BoardsAnswer},
    ),
    Endpoint(
        method="GET",
        path="/v1/operator/sales/{sale}",
        handler=sale,
        summary="One sale as it stands: state, room, units, settlement",
        who=LOOKS,
        scope=Scope.SALE,
        answers={200: BoardAnswer},
    ),
    Endpoint(
        method="GET",
        path="/v1/operator/sales/{sale}/history",
        handler=history,
        summary="How the last 15 minutes went, second by second",
        who=LOOKS,
        scope=Scope.SALE,
        answers={200: HistoryAnswer},
        is_deep=False,
    ),
    Endpoint(
        method="GET",
        path="/v1/operator/sales/{sale}/changes",
        handler=changes,
        summary="What operators did, the newest first",
        who=LOOKS,
        scope=Scope.SALE,
        answers={200: ChangesAnswer},
    ),
    Endpoint(
        method="GET",
        path="/v1/operator/sales/{sale}/allotments",
        handler=allotments,
        summary="All partners' allotments",
        who=LOOKS,
        scope=Scope.SALE,
        answers={200: AllotmentsOfSaleAnswer},
    ),
    Endpoint(
        method="POST",
        path="/v1/operator/sales/{sale}/allotments/{allotment}/recall",
        handler=recall,
        summary="Take back what a partner has not sold; codes that it exported are dead",
        who=RUNS,
        scope=Scope.SALE,
        body=Empty,
        key=Keyed.REQUIRED,
        answers={200: AllotmentOfPartnerAnswer},
        refusals=(Code.UNKNOWN_ALLOTMENT, Code.KEY_REUSED),
    ),
    Endpoint(
        method="GET",
        path="/v1/operator/breaks",
        handler=breaks,
        summary="The newest reconciliations, and page by page what one has found",
        who=LOOKS,
        query=BreaksQuery,
        answers={200: BreaksAnswer},
        refusals=(Code.OUT_OF_SCOPE,),
    ),
    Endpoint(
        method="PUT",
        path="/v1/operator/sales/{sale}",
        handler=apply,
        summary="Create a sale or change it",
        who=RUNS,
        scope=Scope.NEW_SALE,
        body=bytes,
        body_shown=SaleFile,
        body_max=SALE_BODY_MAX,
        body_timeout_s=LARGE_BODY_TIMEOUT_S,
        key=Keyed.OPTIONAL,
        headers=(IF_MATCH,),
        answers={200: AppliedAnswer, 201: AppliedAnswer},
        refusals=(
            Code.INVALID_SALE,
            Code.STALE_REVISION,
            Code.REVISION_REQUIRED,
            Code.CHANGE_REFUSED,
        ),
    ),
    *(
        Endpoint(
            method="POST",
            path=f"/v1/operator/sales/{{sale}}/{what}",
            handler=_changing(what, doc),
            summary=doc,
            who=RUNS,
            scope=Scope.SALE,
            body=Empty,
            key=Keyed.OPTIONAL,
            headers=(IF_ROOM_MATCHES,),
            answers={200: SaleStateAnswer},
            refusals=(Code.WRONG_STATE, Code.STALE_REVISION),
        )
        for what, doc in CHANGES.items()
    ),
    Endpoint(
        method="POST",
        path="/v1/operator/sales/{sale}/stock",
        handler=stock,
        summary="Bring a lot of units; a lot that was brought before adds nothing",
        who=RUNS,
        scope=Scope.SALE,
        body=StockBody,
        body_max=BATCH_BODY_MAX,
        key=Keyed.OPTIONAL,
        answers={200: StockAnswer, 201: StockAnswer},
        refusals=(Code.STOCK_REFUSED, Code.KEY_REUSED),
    ),
    Endpoint(
        method="GET",
        path="/v1/operator/sales/{sale}/counts",
        handler=counts,
        summary="Where all units are",
        who=LOOKS,
        scope=Scope.SALE,
        answers={200: CountsAnswer},
    ),
    Endpoint(
        method="GET",
        path="/v1/operator/sales/{sale}/audit",
        handler=audit,
        summary="Check every invariant of a sale, now",
        who=LOOKS,
        scope=Scope.SALE,
        answers={200: AuditAnswer},
    ),
    Endpoint(
        method="POST",
        path="/v1/operator/sales/{sale}/orders/{order}/refund",
        handler=refund,
        summary="Refund all or some units of an order",
        who=RUNS,
        scope=Scope.SALE,
        body=RefundBody,
        key=Keyed.REQUIRED,
        answers={200: OrderAnswer},
        refusals=(
            Code.UNKNOWN_ORDER,
            Code.KEY_REUSED,
            Code.TOO_MANY_REFUNDS,
            Code.NOT_REFUNDABLE,
            Code.UNKNOWN_UNIT,
        ),
    ),
)
