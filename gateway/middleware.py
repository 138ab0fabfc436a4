"""Around every handler: checks before it, problem details instead of exceptions, the counting.

Here belongs what all routes share, in one wrapper made per route so that nothing is looked up per
call. What a route needs is said by its `Endpoint`; reading and refusing are in `requests`/`auth`.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gateway import requests
from gateway.auth import credential_of
from gateway.call import Call
from gateway.endpoint import Endpoint, Keyed, Scope
from gateway.gate import LARGE_BODY, Gate
from gateway.metrics import RouteMeter
from gateway.problems import Code, Problem, Refused, problem
from gateway.responses import PROBLEM_CODE, BrokenOff, refusal
from gateway.services import Services
from gateway.shelves import Shelf
from lua.faults import Fault, MayHaveHappened

log = logging.getLogger("dropgate.gateway")

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]
HTTP_CODES = {
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    408: Code.SLOW_BODY,
    413: Code.TOO_LARGE,
    417: Code.EXPECTATION_FAILED,
}


def around(endpoint: Endpoint, services: Services) -> Handle:
    """The handler that aiohttp calls for `endpoint`."""
    meter = RouteMeter(services.metrics, endpoint.name)
    gate = services.gate
    handler = endpoint.handler

    async def answered(request: web.Request) -> web.StreamResponse:
        return await handler(await _checked(request, endpoint, services))

    ask = _few_at_once(answered, gate) if endpoint.body_max >= LARGE_BODY else answered

    async def handle(request: web.Request) -> web.StreamResponse:
        begun = time.perf_counter()
        gate.enter()
        try:
            if gate.is_full:
                raise Refused(Code.OVERLOADED)
            response = await ask(request)
        except Refused as refused:
            response = refusal(refused.problem)
            if refused.problem.status in (408, 413):
                response.force_close()  # the rest of the body is not worth reading
        except (requests.ClientGone, BrokenOff):
            raise  # aiohttp ends the connection
        except Exception as error:  # noqa: BLE001  # one place turns faults and bugs into answers
            response = refusal(problem_of(error, request))
        finally:
            gate.leave()
        if gate.draining:
            response.force_close()
        meter.count(response.status, time.perf_counter() - begun, response.get(PROBLEM_CODE))
        return response

    return handle


def _few_at_once(answered: Handle, gate: Gate) -> Handle:
    """The same handler, refused while as many large bodies as may be are being worked on."""

    async def few(request: web.Request) -> web.StreamResponse:
        if gate.large_bodies.locked():
            raise Refused(Code.OVERLOADED, "Other large bodies are being read; try again.")
        async with gate.large_bodies:
            return await answered(request)

    return few


async def _checked(request: web.Request, endpoint: Endpoint, services: Services) -> Call:
    """The call, after every check that its endpoint asks for; who asks comes before what."""
    path = requests.path(request) if request.match_info else {}
    call = Call(services, request, path)
    credential = credential_of(request, endpoint.who) if endpoint.who else None
    call.found_shelf = await _shelf(path, endpoint.scope, services)
    if credential is not None:
        call.found_caller = services.auth.identify(
            credential, endpoint.who, call.found_shelf, path.get("sale")
        )
    if endpoint.key is not Keyed.NO:
        call.key = requests.idempotency_key(request, required=endpoint.key is Keyed.REQUIRED)
    if endpoint.query is not None:
        call.found_query = requests.query(request, endpoint.query)
    if endpoint.body is not None:
        call.found_body = await _body(request, endpoint)
    return call


async def _shelf(path: dict[str, Any], scope: Scope, services: Services) -> Shelf | None:
    match scope:
        case Scope.NONE | Scope.NEW_SALE:
            return None
        case Scope.SALE:
            return await services.shelves.of_sale(path["sale"])
        case Scope.ORDER:
            return await services.shelves.of_order(path["order"])


async def _body(request: web.Request, endpoint: Endpoint) -> Any:
    requests.require_media_type(request, endpoint.body_media)
    body = await requests.read_body(
        request, limit=endpoint.body_max, timeout_s=endpoint.body_timeout_s
    )
    return body if endpoint.body is bytes else requests.decode(body, endpoint.body)


def problem_of(error: Exception, request: web.BaseRequest) -> Problem:
    """The problem that an exception is told as. Only a bug is logged: it is nobody's mistake."""
    if isinstance(error, Refused):
        return error.problem
    if isinstance(error, Fault):
        ambiguous = isinstance(error, MayHaveHappened)
        return problem(Code.MAY_HAVE_HAPPENED if ambiguous else Code.NOTHING_HAPPENED)
    if isinstance(error, web.HTTPException):
        return problem(HTTP_CODES.get(error.status, Code.BAD_HTTP))
    if isinstance(error, web.RequestPayloadError | HttpProcessingError):
        return problem(Code.BAD_HTTP, "The body is not transferred as HTTP says.")
    log.error("bug while answering %s %s", request.method, request.path, exc_info=error)
    return problem(Code.INTERNAL)
