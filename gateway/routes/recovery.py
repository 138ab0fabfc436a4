"""Routes for operators after a store was lost: what is kept back, and putting it on sale again."""

from aiohttp import web

from gateway.auth import Operator
from gateway.bodies import FreeBody
from gateway.call import Call
from gateway.endpoint import Endpoint, Keyed, Scope, Who
from gateway.operator_answers import FreedAnswer, WithheldAnswer
from gateway.problems import Code
from gateway.responses import answer


async def withheld(call: Call) -> web.Response:
    """The units that are kept back."""
    return answer(await call.services.keeping.withheld(call.shelf))


async def free(call: Call) -> web.Response:
    """Put the withheld units of an offer on sale."""
    asked, actor = call.body(FreeBody), call.caller(Operator).actor
    return answer(await call.services.keeping.free(call.shelf, asked.offer, actor=actor))


ROUTES = (
    Endpoint(
        method="GET",
        path="/v1/operator/sales/{sale}/withheld",
        handler=withheld,
        summary="Units that are kept back because a lost store may have sold them",
        who=(Who.OPERATOR, Who.AUDITOR),
        scope=Scope.SALE,
        answers={200: WithheldAnswer},
    ),
    Endpoint(
        method="POST",
        path="/v1/operator/sales/{sale}/withheld/free",
        handler=free,
        summary="Put the withheld units of an offer on sale again; it cannot be taken back",
        who=(Who.OPERATOR,),
        scope=Scope.SALE,
        body=FreeBody,
        key=Keyed.OPTIONAL,
        answers={200: FreedAnswer},
        refusals=(Code.UNKNOWN_OFFER,),
    ),
)
