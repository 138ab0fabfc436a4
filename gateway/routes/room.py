"""Routes for operators: how the room lets people in, what it tells them, a line begun anew."""

from aiohttp import web

from gateway import desk_outcomes, forecasting, requests
from gateway.auth import Operator
from gateway.call import Call
from gateway.endpoint import Endpoint, Keyed, Scope
from gateway.operator_answers import EpochAnswer, ForecastAnswer, MessageAnswer, RateAnswer
from gateway.problems import Code
from gateway.responses import answer
from gateway.room_bodies import ForecastBody, MessageBody, RateBody, ResetBody
from gateway.routes.operator import IF_ROOM_MATCHES, LOOKS, RUNS, noticed
from queueing import NoRoom, RoomSet, RoomSettings, StaleRevision


async def rate(call: Call) -> web.Response:
    """Set how the room lets people in."""
    sale, asked = call.shelf.view, call.body(RateBody)
    grace_ms = None if asked.grace_s is None else asked.grace_s * 1000
    wanted = RoomSettings(
        rate_per_s=asked.rate_per_s,
        burst=asked.burst,
        active_max=asked.active_max,
        grace_ms=grace_ms,
    )
    shown = RateAnswer(
        id=sale.id,
        rate_per_s=asked.rate_per_s,
        burst=asked.burst,
        active_max=asked.active_max,
        grace_s=asked.grace_s,
    )
    return desk_outcomes.of_adjust(await _adjust(call, wanted), shown)


async def message(call: Call) -> web.Response:
    """Tell everybody in line something."""
    text = call.body(MessageBody).message
    shown = MessageAnswer(id=call.shelf.view.id, message=text)
    return desk_outcomes.of_adjust(await _adjust(call, RoomSettings(message=text)), shown)


async def reset(call: Call) -> web.Response:
    """End this line and begin another."""
    sale, epoch = call.shelf.view, call.body(ResetBody).epoch
    outcome = await call.services.rooms.reset(sale.id, epoch, call.caller(Operator).actor)
    await noticed(call)
    return desk_outcomes.of_reset(outcome, sale)


async def _adjust(call: Call, wanted: RoomSettings) -> RoomSet | StaleRevision | NoRoom:
    sale = call.shelf.view
    outcome = await call.services.rooms.set_room(
        sale.id, wanted, call.caller(Operator).actor, requests.revision(call.request)
    )
    await noticed(call)
    return outcome


async def forecast(call: Call) -> web.Response:
    """Try rules on the recorded traffic."""
    services = call.services
    frame = services.frames.of(call.shelf.view.id).frame
    return answer(forecasting.forecast(services.board, frame, call.body(ForecastBody)))


ROUTES = (
    Endpoint(
        method="PATCH",
        path="/v1/operator/sales/{sale}/rate",
        handler=rate,
        summary="Set how the room lets people in: rate, burst, cap, grace",
        who=RUNS,
        scope=Scope.SALE,
        body=RateBody,
        key=Keyed.OPTIONAL,
        headers=(IF_ROOM_MATCHES,),
        answers={200: RateAnswer},
        refusals=(Code.STALE_REVISION,),
    ),
    Endpoint(
        method="PUT",
        path="/v1/operator/sales/{sale}/message",
        handler=message,
        summary="Tell everybody in line something",
        who=RUNS,
        scope=Scope.SALE,
        body=MessageBody,
        key=Keyed.OPTIONAL,
        headers=(IF_ROOM_MATCHES,),
        answers={200: MessageAnswer},
        refusals=(Code.STALE_REVISION,),
    ),
    Endpoint(
        method="POST",
        path="/v1/operator/sales/{sale}/reset",
        handler=reset,
        summary="End this line: every place is gone, who wants in joins again; passes work on",
        who=RUNS,
        scope=Scope.SALE,
        body=ResetBody,
        key=Keyed.OPTIONAL,
        answers={200: EpochAnswer},
    ),
    Endpoint(
        method="POST",
        path="/v1/operator/sales/{sale}/forecast",
        handler=forecast,
        summary="What another rate would have made of the last 15 minutes; changes nothing",
        who=LOOKS,
        scope=Scope.SALE,
        body=ForecastBody,
        key=Keyed.OPTIONAL,
        answers={200: ForecastAnswer},
        refusals=(Code.NO_RECORD,),
        is_deep=False,
    ),
)
