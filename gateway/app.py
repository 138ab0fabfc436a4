"""The servers of a gateway process: the shared port's and its own port's, from the same endpoints.

Here belong routing, the limits of HTTP itself, and errors that arise outside of any handler: an
unknown path, a wrong method, bytes that are no HTTP. All are told as problem details. What happens
around a handler is in `middleware`; starting and stopping, in `process`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from importlib.metadata import version

import orjson
from aiohttp import hdrs, http_parser, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from gateway import openapi
from gateway.complete import Complete
from gateway.connection import Known, StraightConnection
from gateway.endpoint import Endpoint
from gateway.metrics import RouteMeter
from gateway.middleware import Handle, around, problem_of
from gateway.problems import Code, Problem, problem
from gateway.requests import path
from gateway.responses import refusal
from gateway.routes import OWN_PORT, PAGES, SHARED_PORT
from gateway.services import Services
from gateway.straight import StraightWay

KEEP_ALIVE_S = 15.0
"""An idle connection, and one whose headers do not come; aiohttp's own default is an hour."""
LINGER_S = 1.0
"""How long the rest of a refused body is read, so that the client sees the refusal."""
LINE_MAX = 8_190
HEADERS_MAX = 64
BACKLOG = 4_096
STOP_WAIT_S = 5.0
UNMATCHED = "unmatched"
PATHS_MAX = 10_000
"""Paths whose route is remembered: those of sales, and those without anything in them."""

# The parser in Python had most of the request smuggling there was; never fall back to it.
assert http_parser.HttpRequestParser is not http_parser.HttpRequestParserPy, "aiohttp lacks C parts"


def shared_port(services: Services) -> "Runner":
    """The server of the port that all gateway processes share."""
    services.openapi = orjson.dumps(openapi.document(SHARED_PORT, version("dropgate")))
    return Runner(services, (*SHARED_PORT, *PAGES))


def own_port(services: Services) -> "Runner":
    """The server of the process's own port: its metrics and its health, nothing else."""
    return Runner(services, OWN_PORT)


class Runner(web.AppRunner):
    """An aiohttp runner whose every answer, whoever makes it, has the one error shape."""

    def __init__(self, services: Services, endpoints: Iterable[Endpoint]) -> None:
        app = web.Application()
        self._ways: dict[tuple[str, str], tuple[Handle, StraightWay | None]] = {}
        for endpoint in endpoints:
            meter = RouteMeter(services.metrics, endpoint.name)
            handle = around(endpoint, services, meter)
            straight = StraightWay(endpoint, services, meter) if endpoint.gathered else None
            methods = ("GET", "HEAD") if endpoint.method == "GET" else (endpoint.method,)
            for method in methods:
                app.router.add_route(method, endpoint.path, _routed(handle))
                self._ways[method, endpoint.path] = handle, straight
        super().__init__(app, shutdown_timeout=STOP_WAIT_S)
        self._services = services

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return _Server(self._services, plain, self._ways)


def _routed(handle: Handle) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def routed(request: web.Request) -> web.StreamResponse:
        return await handle(request, None)

    return routed


class _Server(web.Server):
    """Answers through the application, and for those it has no route for."""

    def __init__(
        self,
        services: Services,
        plain: web.Server,
        ways: Mapping[tuple[str, str], tuple[Handle, StraightWay | None]],
    ) -> None:
        self._routed = plain.request_handler
        self._ways = ways
        self._known: dict[tuple[str, str], Known] = {}
        self._gate = services.gate
        self._meter = RouteMeter(services.metrics, UNMATCHED)
        super().__init__(
            self._answer,
            request_factory=plain.request_factory,
            access_log=None,  # it halves the throughput; requests are counted instead
            keepalive_timeout=KEEP_ALIVE_S,
            lingering_time=LINGER_S,
            max_line_size=LINE_MAX,
            max_field_size=LINE_MAX,
            max_headers=HEADERS_MAX,
            auto_decompress=False,  # compressed bodies are refused: a small one may hold gigabytes
        )

    def __call__(self) -> RequestHandler:
        loop = asyncio.get_running_loop()
        return _Protocol(self, loop=loop, known=self._known, **self._kwargs)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        name = request.method, request.raw_path
        known = self._known.get(name)
        try:
            if known is not None and hdrs.EXPECT not in request.headers:
                return await known.handle(request, known.path)
            response = await self._routed(request)
        except web.HTTPException as error:
            response = refusal(problem_of(error, request), *_kept(error))
            return self.counted(response, closing=error.status == Code.EXPECTATION_FAILED.status)
        if known is None and response.status < 300:
            self._remember(name, request)
        return response

    def _remember(self, name: tuple[str, str], request: web.BaseRequest) -> None:
        """Keep where a path leads: aiohttp's search through the routes is a tenth of a poll.

        Only paths with nothing in them, or with a sale that is there: nobody can make many.
        """
        assert isinstance(request, web.Request), "the application makes its requests"
        resource = request.match_info.route.resource
        if resource is None or request.path != request.raw_path or len(self._known) >= PATHS_MAX:
            return
        found = path(request)
        if found.keys() <= {"sale"}:
            handle, straight = self._ways[request.method, resource.canonical]
            self._known[name] = Known(handle, found, straight)

    def counted(self, response: Complete, *, closing: bool) -> web.Response:
        """The response to a request without a route, counted as such."""
        self._meter.count(response.status, 0.0, response.problem_code)
        if closing or self._gate.draining:
            response.force_close()
        return response


def _kept(error: web.HTTPException) -> tuple[tuple[str, str], ...]:
    allow = error.headers.get("Allow")
    return () if allow is None else (("Allow", allow),)


class _Protocol(StraightConnection):
    """One connection; what aiohttp would answer with a page of its own becomes problem details."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to bytes that are no HTTP, and to a bug outside of all handlers."""
        if isinstance(exc, ConnectionError):
            raise exc  # the client is gone, or has half an answer: aiohttp ends the connection
        server = self._manager
        assert isinstance(server, _Server)
        return server.counted(refusal(_outside(request, status, exc)), closing=True)


def _outside(request: web.BaseRequest, status: int, exc: BaseException | None) -> Problem:
    if status < 500 or isinstance(exc, HttpProcessingError):
        return problem(Code.BAD_HTTP)
    if isinstance(exc, Exception):
        return problem_of(exc, request)
    return problem(Code.INTERNAL)
