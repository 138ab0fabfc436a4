"""Lanes at the edge: which one a shopper stands in is said by the login, and by nothing else."""

from typing import Any

import pytest

from tests.gateway.test_places import kept
from tests.gateway.world import Answer, World, furnish, sale_body

SALE = "autumn"
PLACES = f"/v1/sales/{SALE}/places"
LANES = [
    {"name": "helped", "claim": "accessible", "is": "true"},
    {"name": "gold", "weight": 3, "claim": "tier", "is": "gold"},
    {"name": "staff", "claim": "roles", "is": "staff"},
    {"name": "second", "claim": "level", "is": "2"},
]
"""Everyone's is lane 0, and these follow in their order."""
CLAIMS: list[tuple[dict[str, Any], int]] = [
    ({}, 0),
    ({"tier": "silver"}, 0),
    ({"tier": "Gold"}, 0),
    ({"tier": "gold"}, 2),
    ({"tier": ["gold", "old"]}, 2),
    ({"tier": {"gold": True}}, 0),
    ({"gold": "tier"}, 0),
    ({"accessible": True}, 1),
    ({"accessible": "true"}, 1),
    ({"accessible": False}, 0),
    ({"accessible": 1}, 0),
    ({"accessible": True, "tier": "gold"}, 1),
    ({"roles": ["buyer", "staff"]}, 3),
    ({"roles": "staffing"}, 0),
    ({"roles": [["staff"]]}, 0),
    ({"level": 2}, 4),
    ({"level": 2.0}, 0),
    ({"": ""}, 0),
]


@pytest.fixture
async def lanes(world: World) -> World:
    """The gateway, with a sale that has lanes."""
    await furnish(world.services, sale=SALE, body=sale_body(SALE, lanes=LANES))
    return world


async def join(world: World, name: str, *, key: str = "", **claims: Any) -> Answer:
    """A join of a shopper whose login has these claims."""
    auth = world.login(name, **claims)
    return await world.call("POST", PLACES, {}, auth=auth, key=key or f"join-{name}")


async def test_the_login_says_the_lane(lanes: World) -> None:
    """The first lane of the file whose value the login's claim has; everyone's when none."""
    for number, (claims, lane) in enumerate(CLAIMS):
        joined = await join(lanes, f"a{number}", **claims)
        assert (joined.status, joined.data["lane"]) == (201, lane), claims


async def test_nothing_else_says_the_lane(lanes: World) -> None:
    """A body that names one is refused, and a header or query changes nothing."""
    before = await kept(lanes)
    auth = lanes.login("a")
    asked = await lanes.call("POST", PLACES, {"lane": 2}, auth=auth)
    assert (asked.status, asked.code) == (422, "invalid")
    assert await kept(lanes) == before
    headers = {"lane": "2", "tier": "gold"}
    joined = await lanes.call("POST", f"{PLACES}?lane=2&tier=gold", {}, auth=auth, headers=headers)
    assert joined.data["lane"] == 0


async def test_who_rises_to_another_tier_keeps_the_place(lanes: World) -> None:
    """A second join with another claim, by the same key or a new one, finds the place as it was."""
    first = await join(lanes, "a", tier="gold")
    await join(lanes, "b")
    for key in ("join-a", "another"):
        again = await join(lanes, "a", key=key)
        assert (again.data["lane"], again.data["number"]) == (2, first.data["number"])
        assert again.headers["Idempotent-Replayed"] == "true"
    plain = await join(lanes, "b", key="another", tier="gold")
    assert (plain.data["lane"], plain.data["number"]) == (0, 1)
