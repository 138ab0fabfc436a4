"""What a process counts, on its own port and summed on the shared one."""

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics import RouteMeter
from gateway.routes import PAGES, SHARED_PORT
from gateway.services import Services
from tests.gateway.world import SALE, World, serve


async def page(world: World, url: str) -> dict[str, float]:
    """Every series of a metrics page."""
    async with world.http.get(f"{url}/metrics") as response:
        assert response.headers["Content-Type"].startswith("text/plain")
        text = await response.text()
    return {
        sample.name + str(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_a_purchase_is_counted(world: World) -> None:
    """Requests, refusals, joins, admissions, units held, sold and redeemed, store calls."""
    order = await world.buy("ann")
    await world.redeem(order["units"][0]["code"])
    await world.sell("bob")
    await world.call("GET", "/nothing")
    await world.services.watch.look()
    told = await page(world, world.own_url)
    sale = f"[('sale', '{SALE}')]"
    assert told[f"dropgate_room_joined_total{sale}"] == 1
    assert told[f"dropgate_room_admitted_total{sale}"] == 1
    assert told[f"dropgate_units_held_total{sale}"] == 2
    assert told[f"dropgate_units_sold_total{sale}"] == 4
    assert told[f"dropgate_units_redeemed_total{sale}"] == 1
    assert told["dropgate_refusals_total[('code', 'not_found')]"] == 1
    assert told["dropgate_http_requests_total[('route', 'shopper_hold'), ('status', '201')]"] == 1
    assert told["dropgate_http_requests_total[('route', 'unmatched'), ('status', '404')]"] == 1
    assert told["dropgate_store_call_duration_seconds_count[('call', 'order_hold')]"] >= 2
    assert told["dropgate_ready[]"] == 1
    assert told["dropgate_draining[]"] == 0
    lag = f"dropgate_settlement_lag_facts{sale}"
    assert told[lag] > 0, "nothing is settled yet"


async def test_no_label_names_a_person_an_order_or_a_code(world: World) -> None:
    """Labels are closed sets: routes, statuses, codes, sales, loops, scripts."""
    order = await world.buy("a-private-name")
    text = " ".join(await page(world, world.own_url))
    for canary in ("a-private-name", order["id"], order["units"][0]["code"], "market"):
        assert canary not in text
    routes = {one.name for one in (*SHARED_PORT, *PAGES)} | {"unmatched", "health_own_metrics"}
    named = {part.split("'")[3] for part in text.split("(") if part.startswith("'route'")}
    assert named <= routes


async def test_the_number_of_series_is_bounded(world: World) -> None:
    """A process that has answered every route stays far below 3,000 series."""
    for one in (*SHARED_PORT, *PAGES):
        RouteMeter(world.services.metrics, one.name).count(200, 0.01)
    assert len(await page(world, world.own_url)) < 1_700


async def test_the_shared_port_sums_and_misses_nobody(world: World) -> None:
    """The shared port's page is this process's and the other's; who is gone is counted."""
    settings = msgspec.structs.replace(
        world.services.settings,
        metrics_peers=(world.own_url.removeprefix("http://"), "127.0.0.1:9"),
    )
    other = await Services.open(settings)
    shared, url, own, _ = await serve(other)
    await world.call("GET", f"/v1/sales/{SALE}/frame")
    async with world.http.get(f"{url}/v1/sales/{SALE}/frame") as response:
        assert response.status == 200
    told = await page(world, url)
    frames = "dropgate_http_requests_total[('route', 'shopper_frame'), ('status', '200')]"
    assert told[frames] == 2
    assert told["dropgate_missing_processes[]"] == 1
    assert sum(value for name, value in told.items() if "build_info" in name) == 2
    await shared.cleanup()
    await other.close()
    await own.cleanup()


async def test_the_own_port_has_metrics_and_health_alone(world: World) -> None:
    """Nobody sells, reads orders or runs sales through the process's own port."""
    for path, status in (
        ("/livez", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        (f"/v1/sales/{SALE}", 404),
        ("/openapi.json", 404),
    ):
        async with world.http.get(world.own_url + path) as response:
            assert response.status == status, path
