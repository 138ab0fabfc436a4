"""Routes for shoppers: the line, the till, and the rest of an order's life."""

from typing import assert_never

from aiohttp import web

from gateway import asking, cookies, order_outcomes, payments, room_outcomes
from gateway.answers import (
    FrameAnswer,
    OrderAnswer,
    PassAnswer,
    PlaceAnswer,
    WaitAnswer,
    WhereAnswer,
)
from gateway.auth import AtTill, InLine, Partner, Shopper
from gateway.bodies import ConfirmBody, Empty, HoldBody, JoinBody
from gateway.call import Call
from gateway.complete import Complete
from gateway.endpoint import Endpoint, Gathered, Keyed, Media, Scope, Who, given
from gateway.frames import IF_NONE_MATCH, NOT_MODIFIED
from gateway.gathering import Waiter
from gateway.problems import Code
from gateway.responses import nothing
from gateway.streams import EVENTS, LAST_EVENT_ID
from inventory.orders import ConfirmRequest
from inventory.outcomes import HoldOutcome
from queueing import JoinRequest

SVG = "image/svg+xml"


PLACE_HEADER = "Dropgate-Place"
PLACE_SHOWN = given(PLACE_HEADER, "The place that you have: it is found by it if it was forgotten.")


async def join(call: Call) -> web.Response:
    """Take a place in the line."""
    services, sale = call.services, call.shelf.view.id
    frame = services.frames.of(sale)
    shopper = call.caller(Shopper)
    token = call.header(PLACE_HEADER) or cookies.kept(call.request, sale) or ""
    shown = services.auth.shown_place(token, call.shelf)
    request = JoinRequest(call.key, shopper.buyer, shopper.lane, shown)
    solution = call.body(JoinBody).work
    services.joining.let_in(call.request, call.shelf, request.buyer, call.key, solution)
    return room_outcomes.of_join(await services.door.join(sale, request), frame.answer)


async def where(call: Call) -> web.Response:
    """Where a place stands."""
    frame = call.services.frames.of(call.shelf.view.id)
    return room_outcomes.of_where(call.caller(InLine).place, frame.frame)


async def leave(call: Call) -> web.Response:
    """Give a place up; a pass that it has buys nothing any more."""
    await call.services.leavers.leave(call.shelf, call.caller(InLine).place)
    return nothing(cookie=cookies.forgetting(call.shelf.view.id))


async def frame(call: Call) -> web.Response:
    """The room's public state, from memory; 304 for who has it."""
    found = call.services.frames.of(call.shelf.view.id)
    return found.told(call.header("If-None-Match"), call.header("Accept-Encoding"))


async def frames(call: Call) -> web.Response:
    """The room's public state whenever it changes, as server-sent events."""
    sale = call.shelf.view.id
    return call.services.streams.open(sale, call.header("Last-Event-ID"))


async def claim(call: Call) -> web.Response:
    """Go in, if it is this place's turn."""
    services, sale = call.services, call.shelf.view.id
    return room_outcomes.of_claim(await services.door.claim(sale, call.caller(InLine).place))


async def hold(call: Call) -> web.Response:
    """Keep units for a while."""
    services, shelf, till = call.services, call.shelf, call.caller(AtTill)
    lines = call.body(HoldBody).lines
    request = asking.shoppers_hold(shelf, services.identities, till, call.key, lines)
    outcome = await services.till.hold(shelf.view, request, till.pass_)
    return await services.showing.respond(shelf, order_outcomes.of_hold(outcome, shelf))


def _ask(call: Call, waiter: Waiter[HoldOutcome]) -> bool:
    services, shelf, till = call.services, call.shelf, call.caller(AtTill)
    lines = call.body(HoldBody).lines
    request = asking.shoppers_hold(shelf, services.identities, till, call.key, lines)
    if not asking.has_codes_at_hand(shelf, request):
        return False
    services.till.submit(shelf.view, request, waiter)
    return True


def _tell(call: Call, outcome: HoldOutcome, seconds: float) -> Complete:
    services, shelf = call.services, call.shelf
    services.till.told(shelf.view, outcome, seconds, call.caller(AtTill).pass_)
    return services.showing.at_once(shelf, order_outcomes.of_hold(outcome, shelf))


def _fell(call: Call) -> None:
    call.services.till.fell(call.shelf.view)


async def confirm(call: Call) -> web.Response:
    """Pay for a hold: a shopper with a proof, a partner with its own reference."""
    services, shelf, order = call.services, call.shelf, str(call.path["order"])
    body = call.body(ConfirmBody)
    match call.owner():
        case Partner(id=partner):
            outcome = await services.till.confirm_reference(
                shelf.view, order, partner=partner, reference=body.of_partner()
            )
        case Shopper(buyer=buyer) | AtTill(buyer=buyer):
            paid = payments.proved(
                body.of_shopper(),
                order=order,
                currency=shelf.view.currency,
                adapters=shelf.payments,
                test_mode=services.settings.test_mode,
            )
            request = ConfirmRequest(order, paid.name, paid.amount_minor, buyer=buyer)
            outcome = await services.till.confirm(shelf.view, request)
        case never:
            assert_never(never)
    return await services.showing.respond(shelf, order_outcomes.of_confirm(outcome))


async def release(call: Call) -> web.Response:
    """Give a hold back."""
    services, shelf, order = call.services, call.shelf, str(call.path["order"])
    buyer, seller = call.owner_names()
    outcome = await services.orders.release(shelf.view, order, buyer=buyer, seller=seller)
    return await services.showing.respond(shelf, order_outcomes.of_release(outcome))


async def read_order(call: Call) -> web.Response:
    """An order of the caller's own, with its codes once it is paid."""
    order = await call.services.orders.read(call.shelf.view, str(call.path["order"]))
    told = order_outcomes.of_read(order, *call.owner_names())
    return await call.services.showing.respond(call.shelf, told)


async def read_code(call: Call) -> web.Response:
    """The pickup code of one unit as a QR."""
    order = await call.services.orders.read(call.shelf.view, str(call.path["order"]))
    told = order_outcomes.of_read(order, *call.owner_names())
    return await call.services.showing.qr(call.shelf, told, int(call.path["position"]))


OWNERS = (Who.LOGIN, Who.PASS, Who.PARTNER)
TILL_REFUSALS = (
    Code.KEY_REUSED,
    Code.NOT_OPEN,
    Code.PAUSED,
    Code.DRAINING,
    Code.CLOSED,
    Code.UNKNOWN_OFFER,
    Code.UNKNOWN_SEAT,
    Code.OFFER_NOT_OPEN,
    Code.OFFER_CLOSED,
    Code.LIMIT_REACHED,
    Code.SEAT_TAKEN,
    Code.TOO_FEW,
    Code.ALL_HELD,
    Code.NOT_TOGETHER,
    Code.SOLD_OUT,
)

# The router tries the paths of one beginning in this order: what is asked most comes first.
ROUTES = (
    Endpoint(
        method="GET",
        path="/v1/sales/{sale}/frame",
        handler=frame,
        summary="The public state of the waiting room",
        scope=Scope.SALE,
        answers={200: FrameAnswer, 304: NOT_MODIFIED},
        headers=(IF_NONE_MATCH,),
    ),
    Endpoint(
        method="GET",
        path="/v1/sales/{sale}/frames",
        handler=frames,
        summary="The public state of the waiting room as it changes, as server-sent events",
        scope=Scope.SALE,
        answers={200: EVENTS},
        headers=(LAST_EVENT_ID,),
    ),
    Endpoint(
        method="POST",
        path="/v1/sales/{sale}/places",
        handler=join,
        summary="Join the line; the place is in the answer and in a cookie",
        who=(Who.LOGIN,),
        scope=Scope.SALE,
        is_for_newcomers=True,
        headers=(PLACE_SHOWN,),
        body=JoinBody,
        key=Keyed.REQUIRED,
        answers={201: PlaceAnswer},
        refusals=(
            Code.LOBBY_NOT_OPEN,
            Code.ROOM_CLOSED,
            Code.WORK_REQUIRED,
            Code.TOO_MANY_JOINS,
        ),
    ),
    Endpoint(
        method="GET",
        path="/v1/sales/{sale}/places/me",
        handler=where,
        summary="Where am I",
        who=(Who.PLACE,),
        scope=Scope.SALE,
        answers={200: WhereAnswer},
        refusals=(Code.TURN_GONE,),
    ),
    Endpoint(
        method="DELETE",
        path="/v1/sales/{sale}/places/me",
        handler=leave,
        summary="Leave the line, and the room: a pass that has bought nothing never will",
        who=(Who.PLACE,),
        scope=Scope.SALE,
        key=Keyed.OPTIONAL,
        answers={204: None},
    ),
    Endpoint(
        method="POST",
        path="/v1/sales/{sale}/passes",
        handler=claim,
        summary="Claim my turn",
        who=(Who.PLACE_AT_DOOR,),
        scope=Scope.SALE,
        is_for_newcomers=True,
        body=Empty,
        key=Keyed.OPTIONAL,
        answers={201: PassAnswer, 202: WaitAnswer},
        refusals=(Code.TURN_GONE,),
    ),
    Endpoint(
        method="POST",
        path="/v1/sales/{sale}/orders",
        handler=hold,
        gathered=Gathered(_ask, _tell, _fell),
        summary="Hold units",
        who=(Who.PASS_AT_TILL,),
        scope=Scope.SALE,
        is_for_newcomers=True,
        body=HoldBody,
        key=Keyed.REQUIRED,
        answers={200: OrderAnswer, 201: OrderAnswer},
        refusals=(
            *TILL_REFUSALS,
            Code.PASS_SPENT,
            Code.PASS_EXPIRED,
            Code.PASS_OF_ANOTHER_DROP,
        ),
    ),
    Endpoint(
        method="POST",
        path="/v1/orders/{order}/confirm",
        handler=confirm,
        summary="Pay for a hold",
        who=OWNERS,
        scope=Scope.ORDER,
        body=ConfirmBody,
        key=Keyed.OPTIONAL,
        answers={200: OrderAnswer},
        refusals=(
            Code.BAD_PAYMENT,
            Code.ALREADY_PAID,
            Code.AMOUNT_MISMATCH,
            Code.PAID_UNFULFILLED,
        ),
    ),
    Endpoint(
        method="POST",
        path="/v1/orders/{order}/release",
        handler=release,
        summary="Give a hold back",
        who=OWNERS,
        scope=Scope.ORDER,
        body=Empty,
        key=Keyed.OPTIONAL,
        answers={200: OrderAnswer},
        refusals=(Code.NOT_HELD,),
    ),
    Endpoint(
        method="GET",
        path="/v1/orders/{order}",
        handler=read_order,
        summary="An order, with its pickup codes once it is paid",
        who=OWNERS,
        scope=Scope.ORDER,
        answers={200: OrderAnswer},
    ),
    Endpoint(
        method="GET",
        path="/v1/orders/{order}/codes/{position}.svg",
        handler=read_code,
        summary="The pickup code of the order's n-th unit as a QR, counted from 1",
        who=OWNERS,
        scope=Scope.ORDER,
        answers={200: Media((SVG,), "The QR form of the code.")},
        refusals=(Code.NO_CODE,),
    ),
)
