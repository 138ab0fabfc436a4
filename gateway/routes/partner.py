"""Routes for partner marketplaces: sell, take an allotment of codes, hear events, settle."""

from aiohttp import web

from gateway import asking, desk_outcomes, exports, order_outcomes
from gateway.answers import OrderAnswer
from gateway.auth import Partner
from gateway.bodies import (
    AllotmentsQuery,
    BatchBody,
    CodesQuery,
    EventsQuery,
    PartnerOrderBody,
    RefundBody,
    ReportBody,
    ReturnsBody,
    RotateBody,
    StatementQuery,
)
from gateway.call import Call
from gateway.complete import Complete
from gateway.endpoint import Endpoint, Gathered, Keyed, Media, Scope, Who
from gateway.gathering import Waiter
from gateway.partner_answers import (
    AllotmentsAnswer,
    BatchAnswer,
    EventsAnswer,
    KeysAnswer,
    NewKeyAnswer,
    PartnerAnswer,
    RunAnswer,
    StatementAnswer,
    UnitCodeAnswer,
    UnitStatusesAnswer,
)
from gateway.problems import Code
from gateway.responses import answer
from gateway.routes.shopper import TILL_REFUSALS
from inventory.outcomes import HoldOutcome

BATCH_BODY_MAX = 2 * 1024 * 1024
STATEMENT_MAX = 16 * 1024 * 1024
LARGE_BODY_TIMEOUT_S = 60.0


async def me(call: Call) -> web.Response:
    """Who the key says its bearer is."""
    return answer(call.services.partner_desk.me(call.caller(Partner)))


async def keys(call: Call) -> web.Response:
    """The partner's keys in force."""
    return answer(KeysAnswer(keys=await call.services.partner_desk.keys(call.caller(Partner))))


async def rotate(call: Call) -> web.Response:
    """Make a new key in the place of the one that asks."""
    rotated = await call.services.partner_desk.rotate(
        call.caller(Partner), call.key, overlap_s=call.body(RotateBody).overlap_s
    )
    return answer(rotated.key, 200 if rotated.replayed else 201, replayed=rotated.replayed)


async def order(call: Call) -> web.Response:
    """Sell in one step, or hold."""
    services, partner = call.services, call.caller(Partner)
    body = call.body(PartnerOrderBody)
    shelf = await services.shelves.for_partner(body.sale, partner.id)
    request = asking.partners_order(shelf, services.identities, partner, call.key, body)
    outcome = await services.till.hold(shelf.view, request)
    return await services.showing.respond(shelf, order_outcomes.of_hold(outcome, shelf))


def _ask(call: Call, waiter: Waiter[HoldOutcome]) -> bool:
    services, partner, body = call.services, call.caller(Partner), call.body(PartnerOrderBody)
    shelf = services.shelves.at_hand(body.sale)
    if shelf is None or partner.id not in shelf.catalogue.partners:
        return False
    call.found_shelf = shelf
    request = asking.partners_order(shelf, services.identities, partner, call.key, body)
    if not asking.has_codes_at_hand(shelf, request):
        return False
    services.till.submit(shelf.view, request, waiter)
    return True


def _tell(call: Call, outcome: HoldOutcome, seconds: float) -> Complete:
    shelf = call.shelf
    call.services.till.told(shelf.view, outcome, seconds)
    return call.services.showing.at_once(shelf, order_outcomes.of_hold(outcome, shelf))


def _fell(call: Call) -> None:
    call.services.till.fell(call.shelf.view)


async def batch(call: Call) -> web.Response:
    """Up to 1,000 orders, each with its own key and its own result."""
    orders = call.body(BatchBody).orders
    results = await call.services.batches.sell(call.caller(Partner), orders)
    return answer(BatchAnswer(results=results))


async def refund(call: Call) -> web.Response:
    """Give money back for all or some units of an order."""
    services, shelf = call.services, call.shelf
    outcome = await services.orders.refund(
        shelf.view,
        str(call.path["order"]),
        seller=call.caller(Partner).id,
        key=call.key,
        serials=call.body(RefundBody).serials(),
    )
    return await services.showing.respond(shelf, order_outcomes.of_refund(outcome))


async def allotments(call: Call) -> web.Response:
    """The partner's allotments in a sale."""
    services, partner = call.services, call.caller(Partner).id
    shelf = await services.shelves.for_partner(call.query(AllotmentsQuery).sale, partner)
    return answer(AllotmentsAnswer(allotments=await services.allotments.listed(shelf, partner)))


async def codes(call: Call) -> web.StreamResponse:
    """An allotment's units with their codes, as NDJSON or CSV."""
    services, partner, query = call.services, call.caller(Partner).id, call.query(CodesQuery)
    shelf = await services.shelves.for_partner(query.sale, partner)
    name = str(call.path["allotment"])
    export = await services.allotments.codes(
        shelf, partner, name, after=query.after, limit=query.limit
    )
    as_csv, resumed = call.accepts(exports.CSV), query.after >= 0
    return await exports.respond(call.request, export, as_csv=as_csv, resumed=resumed)


async def report(call: Call) -> web.Response:
    """Say what was sold of an allotment."""
    services, partner = call.services, call.caller(Partner).id
    shelf = await services.shelves.for_partner(call.query(AllotmentsQuery).sale, partner)
    name, lines = str(call.path["allotment"]), call.body(ReportBody).lines
    told = await services.allotments.report(shelf, partner, name, call.key, lines)
    return desk_outcomes.of_statuses(told)


async def give_back(call: Call) -> web.Response:
    """Give units of an allotment back."""
    services, partner = call.services, call.caller(Partner).id
    shelf = await services.shelves.for_partner(call.query(AllotmentsQuery).sale, partner)
    name, units = str(call.path["allotment"]), call.body(ReturnsBody).units
    told = await services.allotments.take_back(shelf, partner, name, call.key, units)
    return desk_outcomes.of_statuses(told)


async def events(call: Call) -> web.Response:
    """What happened after an event that the partner knows."""
    query = call.query(EventsQuery)
    found = await call.services.books_desk.events(
        call.caller(Partner).id, after=query.after or 0, limit=query.limit, last=query.last
    )
    return answer(found)


async def statement(call: Call) -> web.Response:
    """Hand in the partner's own statement of a day and get the differences."""
    return await call.services.books_desk.reconcile(
        call.caller(Partner).id, call.query(StatementQuery).date, call.body(bytes)
    )


async def settlement(call: Call) -> web.Response:
    """Our statement of a day, as JSON or CSV."""
    return await call.services.books_desk.statement(
        call.caller(Partner).id, str(call.path["date"]), as_csv=call.accepts(exports.CSV)
    )


WHO = (Who.PARTNER,)
CODES = Media(
    (exports.NDJSON, exports.CSV),
    "One unit a line, by ascending unit. An answer may break off: repeat with the last whole "
    "line's unit as `after`, until you have the unit of `Dropgate-Last-Unit`.",
    UnitCodeAnswer,
    {exports.LAST_UNIT: "The allotment's highest unit: whoever has its line has all lines."},
)
ROUTES = (
    Endpoint(
        method="GET",
        path="/v1/partner/me",
        handler=me,
        summary="Who this key is, and the sales it may sell in",
        who=WHO,
        answers={200: PartnerAnswer},
    ),
    Endpoint(
        method="GET",
        path="/v1/partner/keys",
        handler=keys,
        summary="The partner's keys in force, masked",
        who=WHO,
        answers={200: KeysAnswer},
    ),
    Endpoint(
        method="POST",
        path="/v1/partner/keys/rotate",
        handler=rotate,
        summary="A new key in the place of this one, which stays good for a while",
        who=WHO,
        body=RotateBody,
        key=Keyed.REQUIRED,
        answers={200: NewKeyAnswer, 201: NewKeyAnswer},
        refusals=(Code.TOO_MANY_KEYS,),
    ),
    Endpoint(
        method="POST",
        path="/v1/partner/orders",
        handler=order,
        gathered=Gathered(_ask, _tell, _fell),
        summary="Sell in one step, or hold",
        who=WHO,
        is_for_newcomers=True,
        body=PartnerOrderBody,
        key=Keyed.REQUIRED,
        answers={200: OrderAnswer, 201: OrderAnswer},
        refusals=(Code.UNKNOWN_SALE, *TILL_REFUSALS),
    ),
    Endpoint(
        method="POST",
        path="/v1/partner/orders/batch",
        handler=batch,
        summary="Up to 1,000 orders in one call, each with its own key and result",
        who=WHO,
        is_for_newcomers=True,
        body=BatchBody,
        body_max=BATCH_BODY_MAX,
        key=Keyed.OPTIONAL,
        answers={200: BatchAnswer},
    ),
    Endpoint(
        method="POST",
        path="/v1/partner/orders/{order}/refund",
        handler=refund,
        summary="Refund all or some units of an order",
        who=WHO,
        scope=Scope.ORDER,
        body=RefundBody,
        key=Keyed.REQUIRED,
        answers={200: OrderAnswer},
        refusals=(
            Code.KEY_REUSED,
            Code.TOO_MANY_REFUNDS,
            Code.NOT_REFUNDABLE,
            Code.UNKNOWN_UNIT,
        ),
    ),
    Endpoint(
        method="GET",
        path="/v1/partner/allotments",
        handler=allotments,
        summary="The partner's allotments in a sale",
        who=WHO,
        query=AllotmentsQuery,
        answers={200: AllotmentsAnswer},
        refusals=(Code.UNKNOWN_SALE,),
    ),
    Endpoint(
        method="GET",
        path="/v1/partner/allotments/{allotment}/codes",
        handler=codes,
        summary="An allotment's units with their codes, by ascending unit",
        who=WHO,
        query=CodesQuery,
        answers={200: CODES},
        refusals=(Code.UNKNOWN_SALE, Code.UNKNOWN_ALLOTMENT),
    ),
    Endpoint(
        method="POST",
        path="/v1/partner/allotments/{allotment}/sales",
        handler=report,
        summary="Report what was sold of an allotment",
        who=WHO,
        query=AllotmentsQuery,
        body=ReportBody,
        body_max=BATCH_BODY_MAX,
        key=Keyed.REQUIRED,
        answers={200: UnitStatusesAnswer},
        refusals=(Code.UNKNOWN_SALE, Code.UNKNOWN_ALLOTMENT, Code.KEY_REUSED),
    ),
    Endpoint(
        method="POST",
        path="/v1/partner/allotments/{allotment}/returns",
        handler=give_back,
        summary="Give units of an allotment back",
        who=WHO,
        query=AllotmentsQuery,
        body=ReturnsBody,
        key=Keyed.REQUIRED,
        answers={200: UnitStatusesAnswer},
        refusals=(Code.UNKNOWN_SALE, Code.UNKNOWN_ALLOTMENT, Code.KEY_REUSED),
    ),
    Endpoint(
        method="GET",
        path="/v1/partner/events",
        handler=events,
        summary="What happened after an event",
        who=WHO,
        query=EventsQuery,
        answers={200: EventsAnswer},
    ),
    Endpoint(
        method="POST",
        path="/v1/partner/statements",
        handler=statement,
        summary="Hand in a day's statement and get the differences",
        who=WHO,
        query=StatementQuery,
        body=bytes,
        body_media=exports.CSV,
        body_max=STATEMENT_MAX,
        body_timeout_s=LARGE_BODY_TIMEOUT_S,
        key=Keyed.OPTIONAL,
        answers={201: RunAnswer},
        refusals=(Code.INVALID_STATEMENT, Code.STILL_RECONCILING),
    ),
    Endpoint(
        method="GET",
        path="/v1/partner/settlements/{date}",
        handler=settlement,
        summary="Our statement of a day",
        who=WHO,
        answers={200: Media((exports.CSV,), "One line for each sale or refund.", StatementAnswer)},
        refusals=(Code.TOO_LARGE,),
    ),
)
