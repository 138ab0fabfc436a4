"""Routes for people: the pages and their files. They are no part of the API's description."""

from aiohttp import web

from gateway.call import Call
from gateway.endpoint import Endpoint, Handler
from gateway.problems import Code, Refused
from gateway.responses import file, see_other


def _page(name: str) -> Handler:
    async def show(call: Call) -> web.Response:
        if PLAIN in call.request.query and "sale" in call.path:
            return see_other(f"/sales/{call.path['sale']}/line")
        return file(call.request, call.services.site.page(name))

    show.__name__ = name
    show.__doc__ = f"The page {name}."
    return show


async def asset(call: Call) -> web.Response:
    """A file that a page asks for."""
    found = call.services.site.asset(str(call.path["digest"]), str(call.path["file"]))
    if found is None:
        raise Refused(Code.NOT_FOUND)
    return file(call.request, found)


PLAIN = "plain"
"""What a browser without scripts asks the page of a sale for; it knows no address but this one."""
_PATHS = {
    "/": "home",
    "/sales/{sale}": "shop",
    "/kiosk": "kiosk",
    "/console": "console",
    "/partner": "partner",
    "/docs": "docs",
}
ROUTES = (
    Endpoint(
        method="GET",
        path="/assets/{digest}/{file:.+}",
        handler=asset,
        summary="A file that a page asks for",
        is_deep=False,
    ),
    *(
        Endpoint(
            method="GET",
            path=path,
            handler=_page(name),
            summary=f"The page {name}",
            is_deep=False,
        )
        for path, name in _PATHS.items()
    ),
)
