"""One sale whose record in the store is damaged: it is refused, the others go on selling."""

import logging
from pathlib import Path
from typing import Any

import pytest

from gateway.checkup.processes import processes
from gateway.config import Settings
from gateway.services import Services
from inventory import keys
from settlement import Feed
from tests.gateway.world import SALE, World, sale_body

BAD = "winter"


async def damage(world: World, *command: str) -> dict[str, Any]:
    """A second sale with an order of its own; then the record is damaged. The order."""
    auth = world.keys["operator"]
    path = f"/v1/operator/sales/{BAD}"
    assert (await world.call("PUT", path, sale_body(BAD), auth=auth)).status == 201
    assert (await world.call("POST", f"{path}/open", {}, auth=auth)).status == 200
    order = (await world.sell("ann", sale=BAD)).data
    await world.services.store.write(command[0], keys.sale(BAD), *command[1:])
    return dict(order)


@pytest.mark.parametrize(
    "command",
    [
        ("HDEL", "drops"),
        ("HSET", "drops", "\x91nonsense"),
        ("HSET", "limit", "many"),
        ("HDEL", "number"),
    ],
)
async def test_a_sale_with_a_bad_record_is_refused(
    world: World, caplog: pytest.LogCaptureFixture, command: tuple[str, ...]
) -> None:
    """It is put aside with one line in the log, a count and a warning; all else goes on."""
    order = await damage(world, *command)
    with caplog.at_level(logging.INFO, "dropgate.shelves"):
        for _ in range(2):
            await world.services.shelves.refresh()
    assert [one.levelname for one in caplog.records if BAD in one.message] == ["ERROR"]

    assert (await world.sell("bob")).status == 201, "the other sale sells"
    for told in (
        await world.sell("bob", sale=BAD),
        await world.call("GET", f"/v1/orders/{order['id']}", auth=world.keys["partner"]),
        await world.call("GET", f"/v1/sales/{BAD}"),
        await world.redeem(order["units"][0]["code"]),
        await world.call("GET", f"/v1/operator/sales/{BAD}/audit", auth=world.keys["operator"]),
    ):
        assert (told.status, told.code) == (503, "not_ready"), told.data
        assert "cannot be read" in told.data["detail"]

    ready = await world.call("GET", "/readyz")
    assert (ready.status, len(ready.data["warnings"])) == (200, 1)
    assert BAD in ready.data["warnings"][0]
    assert b"dropgate_sales_unreadable 1.0" in (await world.call("GET", "/metrics")).body


async def test_the_doctor_does_not_call_that_well(world: World, tmp_path: Path) -> None:
    """A process that is ready, and refuses a sale, is bad, with the sale's name."""
    await damage(world, "HDEL", "drops")
    await world.services.shelves.refresh()
    own = world.own_url.removeprefix("http://")
    ready, refused = await processes(Settings(state_dir=tmp_path, metrics_peers=(own,)))
    assert (ready.mark, refused.mark) == ("ok", "bad")
    assert f"the sale {BAD} is refused" in refused.told


async def test_a_gateway_starts_beside_a_bad_record(world: World) -> None:
    """A gateway that comes up later serves the other sales, and the bad one once it is mended."""
    await damage(world, "HDEL", "buckets")
    services = await Services.open(world.services.settings)
    try:
        assert services.not_ready_because() == []
        assert [shelf.view.id for shelf in services.shelves] == [SALE]
        assert services.shelves.unreadable == {BAD}
        await services.store.write("HSET", keys.sale(BAD), "buckets", "1")
        await services.shelves.refresh()
        assert (await services.shelves.of_sale(BAD)).view.id == BAD
        assert services.shelves.unreadable == frozenset()
    finally:
        await services.close()


async def test_settlement_goes_on_beside_a_bad_record(world: World) -> None:
    """The bad sale's stripe stands still with the reason; the facts of the other are posted."""
    await damage(world, "HSET", "fact", "many")
    await world.sell("bob")
    feed = Feed(world.services.store, world.services.books)
    reports = {report.sale: report for report in await feed.run_all()}
    assert reports[SALE].state == "posted"
    assert reports[BAD].state == "stopped"
    assert "cannot be read" in reports[BAD].why
    assert BAD not in {sale for sale, _ in await feed.lag()}
