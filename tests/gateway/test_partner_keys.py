"""A partner's own keys: who am I, which are in force, a new one in the place of an old one."""

import asyncio

from gateway.partner_desk import KEYS_MAX
from inventory.catalogue import Issued
from tests.gateway.world import PARTNER, SALE, World

ROTATE = "/v1/partner/keys/rotate"


async def test_a_key_knows_who_it_is(world: World) -> None:
    """Partner, sales, and the key itself, masked."""
    key = world.keys["partner"]
    told = await world.call("GET", "/v1/partner/me", auth=key)
    assert (told.status, told.data["partner"], told.data["title"]) == (200, PARTNER, "Market")
    assert told.data["sales"] == [
        {"id": SALE, "title": "Spring", "state": "open", "currency": "CNY",
         "timezone": "Asia/Shanghai"}
    ]  # fmt: skip
    name = key.split("_")[2]
    assert told.data["key"] == {
        "id": name, "masked": f"dgk_partner_{name}_…", "title": "test", "current": True
    }  # fmt: skip


async def test_a_partner_without_sales_is_still_somebody(world: World) -> None:
    """A key that was issued before its first sale is told its own id."""
    catalogue = await world.services.catalogue.get()
    issued = await catalogue.issue_credential("partner", "newcomer", "early")
    assert isinstance(issued, Issued)
    await world.services.credentials.refresh()
    told = await world.call("GET", "/v1/partner/me", auth=f"Bearer {issued.text}")
    assert (told.data["partner"], told.data["title"], told.data["sales"]) == (
        "newcomer", "newcomer", []
    )  # fmt: skip


async def test_a_new_key_works_at_once_and_the_old_one_for_a_while(world: World) -> None:
    """The answer shows the new key; both are listed, the old one with its end."""
    old = world.keys["partner"]
    made = await world.call("POST", ROTATE, {"overlap_s": 600}, auth=old)
    assert made.status == 201
    assert made.headers["Cache-Control"] == "no-store"
    fresh = f"Bearer {made.data['key']}"
    for key in (old, fresh):
        assert (await world.call("GET", "/v1/partner/me", auth=key)).status == 200
    listed = (await world.call("GET", "/v1/partner/keys", auth=fresh)).data["keys"]
    by_id = {one["id"]: one for one in listed}
    assert by_id.keys() == {old.split("_")[2], made.data["id"]}
    assert by_id[made.data["id"]]["current"]
    ends = by_id[old.split("_")[2]]["expires_at_ms"]
    assert ends == made.data["old_expires_at_ms"]
    assert "expires_at_ms" not in by_id[made.data["id"]]
    secret = made.data["key"].rsplit("_", 1)[1]
    assert secret not in str(listed)


async def test_a_lost_answer_is_shown_again_by_its_key(world: World) -> None:
    """The same Idempotency-Key is the same new key, however often and at once; another is not."""
    old = world.keys["partner"]
    calls = (world.call("POST", ROTATE, {}, auth=old, key="r") for _ in range(3))
    told = await asyncio.gather(*calls)
    assert sorted(one.status for one in told) == [200, 200, 201]
    assert len({one.data["key"] for one in told}) == 1
    replays = [one.headers.get("Idempotent-Replayed") for one in told if one.status == 200]
    assert replays == ["true", "true"]
    other = await world.call("POST", ROTATE, {}, auth=old, key="s")
    assert other.data["key"] != told[0].data["key"]
    assert other.data["old_expires_at_ms"] <= told[0].data["old_expires_at_ms"] + 1


async def test_a_key_that_was_revoked_is_not_shown_again(world: World) -> None:
    """The repeat of a rotation whose key has been revoked since is refused."""
    old = world.keys["partner"]
    made = await world.call("POST", ROTATE, {}, auth=old, key="r")
    catalogue = await world.services.catalogue.get()
    await catalogue.revoke_credential(made.data["id"])
    again = await world.call("POST", ROTATE, {}, auth=old, key="r")
    assert (again.status, again.code) == (401, "bad_credential")


async def test_a_key_on_its_way_out_makes_none_that_outlives_it(world: World) -> None:
    """Whoever found an old key cannot turn it into one that lasts."""
    old = world.keys["partner"]
    first = await world.call("POST", ROTATE, {"overlap_s": 600}, auth=old)
    again = await world.call("POST", ROTATE, {"overlap_s": 86_400}, auth=old)
    assert again.data["expires_at_ms"] == first.data["old_expires_at_ms"]


async def test_keys_do_not_pile_up(world: World) -> None:
    """A partner has a bounded number of keys in force; another partner's do not count."""
    auth = world.keys["partner"]
    for _ in range(KEYS_MAX - 1):
        assert (await world.call("POST", ROTATE, {}, auth=auth)).status == 201
    told = await world.call("POST", ROTATE, {}, auth=auth)
    assert (told.status, told.code, told.data["limit"]) == (409, "too_many_keys", KEYS_MAX)


async def test_an_overlap_leaves_time_to_ask_again(world: World) -> None:
    """An overlap in which an answer could be lost for good is refused."""
    for overlap_s in (0, 299, 90 * 86_400 + 1):
        told = await world.call(
            "POST", ROTATE, {"overlap_s": overlap_s}, auth=world.keys["partner"]
        )
        assert (told.status, told.data["errors"][0]["field"]) == (422, "overlap_s")
