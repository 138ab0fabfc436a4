"""The shop window: what is on, where, how much is left, which seats are free, where to pay."""

import asyncio
from json import dumps
from typing import Any

import pytest

from gateway.sale_desk import Applied
from gateway.window import Window
from inventory.salefile import SaleFile, from_json
from tests.gateway.world import SALE, World, sale_body

SEATS = f"/v1/sales/{SALE}/offers/hall/seats"


def rows(data: dict[str, Any]) -> dict[str, list[str]]:
    """The runs of each row."""
    return {row["row"]: [run["seats"] for run in row["runs"]] for row in data["rows"]}


async def test_what_is_on_is_told_from_memory(world: World) -> None:
    """The list of sales has all that a card shows, and costs the store nothing."""
    await world.services.housekeeping.stop()  # its loops ask the store all the time
    first, second = await world.store_commands(), await world.store_commands()
    listed = await world.call("GET", "/v1/sales")
    assert await world.store_commands() - second == second - first
    [card] = listed.data["sales"]
    assert (card["id"], card["title"], card["state"], card["room"]) == (
        SALE,
        "Spring",
        "open",
        "open",
    )
    assert (card["price_min_minor"], card["price_max_minor"]) == (380, 380)
    assert (card["offers"], card["venues"], card["cities"]) == (7, 2, 2)
    evening = world.sale.drops[1].opens_at_ms
    assert card["first_opens_at_ms"] == world.sale.drops[0].opens_at_ms
    assert card["next_opens_at_ms"] == evening > listed.data["server_time_ms"]
    assert listed.headers["Cache-Control"] == "public, max-age=1"


async def test_venues_say_where_and_in_which_time_zone(world: World) -> None:
    """Each venue that has offers is listed once, with their number."""
    told = await world.call("GET", f"/v1/sales/{SALE}/venues")
    assert told.headers["Cache-Control"] == "public, max-age=60"
    assert told.data["venues"] == [
        {"venue": "odeon", "title": "Odeon", "city": "Here", "timezone": "Asia/Shanghai",
         "offers": 6},
        {"venue": "lyric", "title": "Lyric", "city": "There", "timezone": "Asia/Shanghai",
         "offers": 1},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("text=lat%20o", ["later", "late"]),
        ("text=POOL%20odeon", ["pool"]),
        ("text=there", ["far"]),
        ("text=pool%20there", []),
        ("drop=evening", ["later"]),
        ("text=o&limit=2", ["pool", "hall"]),
    ],
)
async def test_offers_are_found_by_words(world: World, query: str, found: list[str]) -> None:
    """Every word must stand in the title, the venue's title or the city, in any case."""
    page = await world.call("GET", f"/v1/sales/{SALE}?offers=1&{query}")
    assert [offer["offer"] for offer in page.data["offers"]] == found


async def test_what_is_gone_can_be_left_out(world: World) -> None:
    """`left=1` leaves out offers of which nothing is available or held."""
    await world.buy("ann", {"offer": "tiny", "quantity": 2})
    for query, is_there in (("left=1", False), ("left=0", True)):
        world.services.counts._kept.clear()  # not to wait for the next second
        page = await world.call("GET", f"/v1/sales/{SALE}?offers=1&{query}")
        shown = {offer["offer"]: offer["stock"] for offer in page.data["offers"]}
        assert shown.get("tiny") == ("none" if is_there else None)


async def test_one_offer_is_shown_and_an_unknown_one_refused(world: World) -> None:
    """An order names its offers by their ids; this says what they are."""
    shown = await world.call("GET", f"/v1/sales/{SALE}/offers/hall")
    assert (shown.data["title"], shown.data["venue_title"]) == ("Hall", "Odeon")
    for path in ("offers/nowhere", "offers/nowhere/seats"):
        assert (await world.call("GET", f"/v1/sales/{SALE}/{path}")).code == "unknown_offer"


async def test_the_seat_map_shows_what_is_taken(world: World) -> None:
    """Rows with their runs; what was held since the last second shows as taken."""
    empty = await world.call("GET", SEATS)
    assert rows(empty.data) == {"A": ["111111"], "B": ["111111"]}
    assert (empty.data["free"], empty.data["rows"][0]["runs"][0]["first"]) == (12, 1)
    assert empty.headers["Cache-Control"] == "public, max-age=1"
    await world.hold("ann", {"offer": "hall", "seats": ["A2", "B6"]})
    world.services.seating._kept.clear()  # not to wait for the next second
    taken = await world.call("GET", SEATS)
    assert rows(taken.data) == {"A": ["101111"], "B": ["111110"]}
    pooled = await world.call("GET", f"/v1/sales/{SALE}/offers/pool/seats")
    assert (pooled.data["rows"], pooled.data["free"]) == ([], 0)


async def test_a_crowd_at_one_map_costs_the_store_one_reading(world: World) -> None:
    """The map is read at most once a second, and while it is read all others wait for it."""
    store, asked = world.services.store, 0
    read = store.read

    async def counted(*command: Any, **where: Any) -> Any:
        nonlocal asked
        asked += command[0] == "HGET"
        return await read(*command, **where)

    store.read = counted  # type: ignore[method-assign]
    try:
        offer = world.services.shelves.standing(SALE).catalogue.offer(2)
        assert offer is not None
        shelf = world.services.shelves.standing(SALE)
        await asyncio.gather(*(world.services.seating.recent(shelf, offer) for _ in range(50)))
    finally:
        del store.read
    assert asked == 1


async def test_a_sale_says_where_to_sign_in_and_to_pay(world: World) -> None:
    """The pages of the sale file; a test adapter's page is shown in test mode alone."""
    body = sale_body("winter")
    body["logins"][0]["page"] = "https://shop.example/login?from=dropgate"
    body["payments"][1]["page"] = "http://127.0.0.1:8091/pay"
    before = await world.call("GET", f"/v1/sales/{SALE}")
    assert before.data.keys().isdisjoint({"login", "payment"})
    sale_file = from_json(dumps(body).encode())
    assert isinstance(sale_file, SaleFile)
    services = world.services
    applied = await services.sale_desk.apply(
        await services.catalogue.get(), sale_file, actor="test"
    )
    assert isinstance(applied, Applied), applied
    assert await services.shelves.refresh_sale("winter") is not None
    shown = await world.call("GET", "/v1/sales/winter")
    assert shown.data["login"] == "https://shop.example/login?from=dropgate"
    assert "payment" not in shown.data
    services.window = Window(services.counts, services.frames, test_mode=True)
    shown = await world.call("GET", "/v1/sales/winter")
    assert shown.data["payment"] == "http://127.0.0.1:8091/pay"
