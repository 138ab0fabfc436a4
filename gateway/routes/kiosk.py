"""Routes for kiosks: who am I, and redeem a code."""

from aiohttp import web

from gateway import kiosk_outcomes
from gateway.answers import KioskAnswer, RedemptionAnswer
from gateway.auth import AtKiosk
from gateway.bodies import RedeemBody
from gateway.call import Call
from gateway.endpoint import Endpoint, Keyed, Who
from gateway.problems import Code
from gateway.responses import answer


async def me(call: Call) -> web.Response:
    """Which kiosk the key is of."""
    return answer(call.services.kiosks.me(call.caller(AtKiosk)))


async def redeem(call: Call) -> web.Response:
    """Use a code, once."""
    services = call.services
    typed = call.body(RedeemBody).code
    outcome = await services.kiosks.redeem(call.caller(AtKiosk), typed, call.key)
    return kiosk_outcomes.of_redeem(outcome, services.shelves)


ROUTES = (
    Endpoint(
        method="GET",
        path="/v1/kiosk/me",
        handler=me,
        summary="Which kiosk this key is of, and where it stands",
        who=(Who.KIOSK,),
        answers={200: KioskAnswer},
    ),
    Endpoint(
        method="POST",
        path="/v1/kiosk/redemptions",
        handler=redeem,
        summary="Redeem a pickup code",
        who=(Who.KIOSK,),
        body=RedeemBody,
        key=Keyed.REQUIRED,
        answers={200: RedemptionAnswer},
        refusals=(
            Code.UNKNOWN_CODE,
            Code.WRONG_VENUE,
            Code.ALREADY_REDEEMED,
            Code.VOID,
            Code.NOT_SOLD,
            Code.TOO_EARLY,
            Code.TOO_LATE,
            Code.TOO_MANY_AT_ONCE,
            Code.TOO_MANY_ATTEMPTS,
        ),
    ),
)
