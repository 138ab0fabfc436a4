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
from gateway.auth import Credential, credential_of
from gateway.call import Call
from gateway.complete import Complete
from gateway.endpoint import Endpoint, Keyed, Scope
from gateway.gate import LARGE_BODY, Gate
from gateway.metrics import RouteMeter
from gateway.problems import Code, Problem, Refused, problem
from gateway.responses import BrokenOff, refusal
from gateway.services import Services
from lua.faults import Fault, MayHaveHappened

log = logging.getLogger("dropgate.gateway")

Path = dict[str, Any]
Handle = Callable[[web.BaseRequest, Path | None], Awaitable[web.StreamResponse]]
"""Answers a request; its path's parameters are given where they are known from an earlier one."""
FULL = "Too many calls are being answered. Nothing happened; repeat it."
HTTP_CODES = {
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    408: Code.SLOW_BODY,
    413: Code.TOO_LARGE,
    417: Code.EXPECTATION_FAILED,
}


def around(endpoint: Endpoint, services: Services, meter: RouteMeter) -> Handle:
    """What answers the requests of `endpoint`."""
    gate = services.gate
    handler = endpoint.handler

    async def answered(request: web.BaseRequest, path: Path | None) -> web.StreamResponse:
        return await handler(await _checked(request, path, endpoint, services))

    ask = _few_at_once(answered, gate) if endpoint.body_max >= LARGE_BODY else answered

    async def handle(request: web.BaseRequest, path: Path | None) -> web.StreamResponse:
        begun = time.perf_counter()
        code = None
        gate.enter()
        try:
            check_crowd(endpoint, gate)
            response = await ask(request, path)
        except (requests.ClientGone, BrokenOff):
            raise  # aiohttp ends the connection
        except Exception as error:  # noqa: BLE001  # one place turns faults and bugs into answers
            response = refused(error, request)
        finally:
            gate.leave()
        if gate.draining:
            response.force_close()
        if isinstance(response, Complete):
            code = response.problem_code
        meter.count(response.status, time.perf_counter() - begun, code)
        return response

    return handle


def _few_at_once(answered: Handle, gate: Gate) -> Handle:
    """The same handler, refused while as many large bodies as may be are being worked on."""

    async def few(request: web.BaseRequest, path: Path | None) -> web.StreamResponse:
        if gate.large_bodies.locked():
            raise Refused(Code.OVERLOADED, "Other large bodies are being read; try again.")
        async with gate.large_bodies:
            return await answered(request, path)

    return few


async def _checked(
    request: web.BaseRequest, path: Path | None, endpoint: Endpoint, services: Services
) -> Call:
    """The call, after every check that its endpoint asks for; who asks comes before what."""
    if path is None:
        path = requests.path(request)
    call = Call(services, request, path)
    who = endpoint.who
    credential = credential_of(request, who, path.get("sale")) if who else None
    if endpoint.scope is Scope.SALE:
        call.found_shelf = await services.shelves.of_sale(path["sale"])
    elif endpoint.scope is Scope.ORDER:
        call.found_shelf = await services.shelves.of_order(path["order"])
    check_caller(call, endpoint, credential)
    if endpoint.query is not None:
        call.found_query = requests.query(request, endpoint.query)
    if endpoint.body is not None:
        call.found_body = await _body(request, endpoint)
    return call


def check_crowd(endpoint: Endpoint, gate: Gate) -> None:
    """Refuse a call when so many are being answered; newcomers first."""
    if gate.is_busy if endpoint.is_for_newcomers else gate.is_full:
        raise Refused(Code.OVERLOADED, FULL)


def check_caller(call: Call, endpoint: Endpoint, credential: Credential | None) -> None:
    """Find out who asks, and by which key, where that is not known from a head that came before."""
    if credential is not None:
        call.found_caller = call.services.auth.identify(
            credential, endpoint.who, call.found_shelf, call.path.get("sale")
        )
    if not call.key and endpoint.key is not Keyed.NO:
        call.key = requests.idempotency_key(call.head, required=endpoint.key is Keyed.REQUIRED)


async def _body(request: web.BaseRequest, endpoint: Endpoint) -> Any:
    requests.require_media_type(request, endpoint.body_media)
    body = requests.body_at_hand(request, endpoint.body_max)
    if body is None:
        body = await requests.read_body(
            request, limit=endpoint.body_max, timeout_s=endpoint.body_timeout_s
        )
    return body if endpoint.body is bytes else requests.decode(body, endpoint.body)


def refused(error: Exception, head: requests.Head) -> Complete:
    """What a call is answered with that was refused, met a fault, or a bug."""
    response = refusal(problem_of(error, head))
    if isinstance(error, Refused) and response.status in (408, 413):
        response.force_close()  # the rest of the body is not worth reading
    return response


def problem_of(error: Exception, head: requests.Head) -> Problem:
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
    log.error("bug while answering %s %s", head.method, head.path, exc_info=error)
    return problem(Code.INTERNAL)
