"""Routes for operators: how fast the room lets people in, tried and set."""

from aiohttp import web

from gateway import desk_outcomes, forecasting
from gateway.auth import Operator
from gateway.bodies import ForecastBody, RateBody
from gateway.call import Call
from gateway.endpoint import Endpoint, Keyed, Scope
from gateway.operator_answers import ForecastAnswer, RateAnswer
from gateway.problems import Code
from gateway.responses import answer
from gateway.routes.operator import LOOKS, RUNS


async def rate(call: Call) -> web.Response:
    """Set how fast the room lets people in."""
    sale, asked = call.shelf.view, call.body(RateBody)
    outcome = await call.services.sale_desk.set_rate(
        sale, asked.rate_per_s, asked.burst, actor=call.caller(Operator).actor
    )
    return desk_outcomes.of_rate(outcome, sale, asked)


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
        summary="Set how fast the room lets people in",
        who=RUNS,
        scope=Scope.SALE,
        body=RateBody,
        key=Keyed.OPTIONAL,
        answers={200: RateAnswer},
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
