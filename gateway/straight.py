"""The straight way of the calls that come in thousands: from their bytes into a batch and back.

aiohttp makes a task, three futures, a request and a response of each call: half of a purchase's
CPU. A call whose sale, keys and whole body are at hand waits for nobody but its batch, so it needs
none of that: its handler is two plain functions (`Gathered`), and the batch calls the second one.
Checks, refusals and counting are those of `middleware`. Whatever is not at hand goes its way
instead; the connection's part (which call may go straight, order, closing) is in `connection`.
"""

import time
from typing import Any, Protocol

from aiohttp.http import RawRequestMessage

from gateway.auth import credential_of
from gateway.call import Call
from gateway.complete import Complete
from gateway.endpoint import Endpoint, Scope
from gateway.heads import Asked
from gateway.metrics import RouteMeter
from gateway.middleware import Path, check_caller, check_crowd, refused
from gateway.requests import decode, require_media_type, within
from gateway.services import Services
from gateway.shelves import Shelf


class Connection(Protocol):
    """Where the answer goes."""

    def land(self, response: Complete) -> None:
        """Send the answer to the call that is under way."""


class StraightWay:
    """One endpoint's, for one process."""

    def __init__(self, endpoint: Endpoint, services: Services, meter: RouteMeter) -> None:
        assert endpoint.gathered is not None, "the endpoint's handler has two halves"
        self.endpoint = endpoint
        self.services = services
        self.gathered = endpoint.gathered
        self.meter = meter
        self._gate = services.gate
        self._is_of_sale = endpoint.scope is Scope.SALE  # asking an Enum takes a call of Python

    def takes(
        self,
        message: RawRequestMessage,
        path: Path,
        body: bytes,
        to: Connection,
        asked: Asked | None = None,
    ) -> bool:
        """Begin to answer a call, or say that it has to go the ordinary way.

        `asked`: what its head says beside a message that came before. The answer may come before
        this returns.
        """
        endpoint, services = self.endpoint, self.services
        shelf: Shelf | None = None
        if self._is_of_sale:
            shelf = services.shelves.at_hand(path["sale"])
            if shelf is None:
                return False
        flight = _Flight(self, to)
        self._gate.enter()
        try:
            check_crowd(endpoint, self._gate)
            flight.call = call = Call(services, message, path, found_shelf=shelf)
            if asked is None:
                check_caller(call, endpoint, credential_of(message, endpoint.who))
                require_media_type(message, endpoint.body_media)
            else:
                call.key = asked.key
                check_caller(call, endpoint, asked.credential)
            call.found_body = decode(within(body, endpoint.body_max), endpoint.body)
            if self.gathered.ask(call, flight):
                return True
        except Exception as error:  # noqa: BLE001  # one place turns faults and bugs into answers
            flight.land(refused(error, message))
            return True
        self._gate.leave()
        return False


class _Flight:
    """One call that waits for its batch: a `Waiter` of its outcome."""

    __slots__ = ("begun", "call", "to", "way")

    def __init__(self, way: StraightWay, to: Connection) -> None:
        self.begun = time.perf_counter()
        self.way = way
        self.to = to
        self.call: Call | None = None

    def done(self) -> bool:
        """Never: as on the ordinary way, what was asked is done, also for a client that is gone."""
        return False

    def set_result(self, outcome: Any) -> None:
        """The outcome of the call's record."""
        call = self.call
        assert call is not None, "it was asked"
        try:
            took_s = time.perf_counter() - self.begun
            response = self.way.gathered.tell(call, outcome, took_s)
        except Exception as error:  # noqa: BLE001  # one place turns faults and bugs into answers
            response = refused(error, call.head)
        self.land(response)

    def set_exception(self, error: Exception) -> None:
        """The fault of its batch, or its refusal."""
        call = self.call
        assert call is not None, "it was asked"
        self.way.gathered.fell(call)
        self.land(refused(error, call.head))

    def land(self, response: Complete) -> None:
        """Count the answer, and send it."""
        way = self.way
        gate = way.services.gate
        gate.leave()
        if gate.draining:
            response.force_close()
        way.meter.count(response.status, time.perf_counter() - self.begun, response.problem_code)
        self.to.land(response)
