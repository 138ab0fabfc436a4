"""Routes for shoppers: the shop window, which nobody needs a place for."""

from aiohttp import web

from gateway.answers import OfferAnswer, SaleAnswer, SalesAnswer, SeatsAnswer, VenuesAnswer
from gateway.bodies import SaleQuery
from gateway.call import Call
from gateway.endpoint import Endpoint, Scope
from gateway.problems import Code
from gateway.responses import answer
from gateway.window import offer_of


async def read_sale(call: Call) -> web.Response:
    """What is sold, when, and roughly how much of it is left."""
    shown = await call.services.window.show(call.shelf, call.query(SaleQuery))
    return answer(shown, cache="public, max-age=1")


async def list_sales(call: Call) -> web.Response:
    """What is on."""
    services = call.services
    return answer(services.window.sales(services.shelves), cache="public, max-age=1")


async def read_offer(call: Call) -> web.Response:
    """One thing on the shelf."""
    shown = await call.services.window.offer(call.shelf, str(call.path["offer"]))
    return answer(shown, cache="public, max-age=1")


async def read_seats(call: Call) -> web.Response:
    """Which seats of an offer are free."""
    offer = offer_of(call.shelf, str(call.path["offer"]))
    shown = await call.services.seating.recent(call.shelf, offer)
    return answer(shown, cache="public, max-age=1")


async def read_venues(call: Call) -> web.Response:
    """Where the units of a sale are used."""
    return answer(call.services.window.venues(call.shelf), cache="public, max-age=60")


ROUTES = (
    Endpoint(
        method="GET",
        path="/v1/sales/{sale}",
        handler=read_sale,
        summary="A sale and, when asked for, a page of its offers",
        scope=Scope.SALE,
        query=SaleQuery,
        answers={200: SaleAnswer},
    ),
    Endpoint(
        method="GET",
        path="/v1/sales",
        handler=list_sales,
        summary="What is on",
        answers={200: SalesAnswer},
        is_deep=False,
    ),
    Endpoint(
        method="GET",
        path="/v1/sales/{sale}/venues",
        handler=read_venues,
        summary="The venues of a sale",
        scope=Scope.SALE,
        answers={200: VenuesAnswer},
    ),
    Endpoint(
        method="GET",
        path="/v1/sales/{sale}/offers/{offer}",
        handler=read_offer,
        summary="One offer",
        scope=Scope.SALE,
        answers={200: OfferAnswer},
        refusals=(Code.UNKNOWN_OFFER,),
    ),
    Endpoint(
        method="GET",
        path="/v1/sales/{sale}/offers/{offer}/seats",
        handler=read_seats,
        summary="The seat map of an offer: which seats are free",
        scope=Scope.SALE,
        answers={200: SeatsAnswer},
        refusals=(Code.UNKNOWN_OFFER,),
    ),
)
