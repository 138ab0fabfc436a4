"""Routes for SREs: is it alive, does it take traffic, what has it counted, what can it do."""

from aiohttp import web

from gateway.answers import HealthAnswer
from gateway.call import Call
from gateway.endpoint import Endpoint, Media
from gateway.problems import Code
from gateway.responses import answer, raw

TEXT = "text/plain; version=1.0.0; charset=utf-8"
METRICS = Media((TEXT,), "Metrics in Prometheus' text format.")


async def livez(call: Call) -> web.Response:
    """The event loop turns; no server behind is asked, or its trouble would restart us all."""
    return answer(HealthAnswer(ok=True))


async def readyz(call: Call) -> web.Response:
    """Whether traffic is welcome here."""
    call.services.require_ready()
    return answer(HealthAnswer(ok=True, warnings=call.services.warnings()))


async def own_metrics(call: Call) -> web.Response:
    """What this process has counted."""
    return raw(call.services.own_metrics(), TEXT)


async def all_metrics(call: Call) -> web.Response:
    """What all gateway processes have counted."""
    return raw(await call.services.fleet.read(), TEXT)


async def openapi(call: Call) -> web.Response:
    """The description of all routes."""
    return raw(call.services.openapi, "application/json", cache="public, max-age=60")


LIVEZ = Endpoint(
    method="GET", path="/livez", handler=livez, summary="The process is alive",
    answers={200: HealthAnswer}, is_deep=False,
)  # fmt: skip
READYZ = Endpoint(
    method="GET", path="/readyz", handler=readyz, summary="The process takes traffic",
    answers={200: HealthAnswer}, refusals=(Code.NOT_READY,), is_deep=False,
)  # fmt: skip
OWN_METRICS = Endpoint(
    method="GET", path="/metrics", handler=own_metrics, summary="Metrics of this process",
    answers={200: METRICS}, is_deep=False,
)  # fmt: skip
ALL_METRICS = Endpoint(
    method="GET", path="/metrics", handler=all_metrics, summary="Metrics of all processes, summed",
    answers={200: METRICS}, is_deep=False,
)  # fmt: skip
OPENAPI = Endpoint(
    method="GET", path="/openapi.json", handler=openapi, summary="This description",
    answers={200: Media(("application/json",), "The OpenAPI 3.1 document.")}, is_deep=False,
)  # fmt: skip

SHARED = (LIVEZ, READYZ, ALL_METRICS, OPENAPI)
OWN = (LIVEZ, READYZ, OWN_METRICS)
