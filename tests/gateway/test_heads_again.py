"""Calls whose heads come again on a connection are answered as those that are parsed."""

import pytest

from gateway.heads import Asked, Head
from gateway.keyring import Keyring
from inventory.catalogue import Issued
from queueing import Pass, PassKeys
from queueing.passes import PassTokens
from tests.gateway.test_straight import ORDERS, Wire, asked, taken, wired
from tests.gateway.world import PARTNER, SALE, World

__all__ = ["taken"]


@pytest.fixture
def again(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the calls that were not parsed."""
    keys: list[str] = []
    read = Head.asked

    def noted(self: Head, packet: bytes) -> Asked | None:
        found = read(self, packet)
        if found is not None:
            keys.append(found.key)
        return found

    monkeypatch.setattr(Head, "asked", noted)
    return keys


async def known(world: World, wire: Wire) -> None:
    """Two calls of one client, from which on its head is one that came before."""
    for buyer in ("ann", "bob"):
        wire.writer.write(asked(world, buyer))
        assert (await wire.answer())[0] == 201


async def test_a_head_that_comes_again_is_not_parsed(
    world: World, taken: list[str], again: list[str]
) -> None:
    """The same answer, the next order; a repeat finds its own, and what comes after is parsed."""
    async with wired(world) as wire:
        told = []
        for buyer in ("ann", "bob", "cyd", "dan", "cyd"):
            wire.writer.write(asked(world, buyer))
            told.append(await wire.answer())
        wire.writer.write(b"GET /v1/sales HTTP/1.1\r\nHost: here\r\n\r\n")
        assert (await wire.answer())[0] == 200
        wire.writer.write(asked(world, "eve"))
        assert (await wire.answer())[0] == 201
    assert taken == [ORDERS] * 5
    assert again == ["cyd", "dan", "cyd", "eve"]
    assert [status for status, _, _ in told] == [201, 201, 201, 201, 200]
    assert told[1][1].keys() == told[2][1].keys()
    assert told[4][2] == told[2][2]
    assert len({order["id"] for _, _, order in told}) == 4


async def test_each_call_is_its_own_callers(
    world: World, taken: list[str], again: list[str]
) -> None:
    """Another credential on the same connection is looked at anew, and a wrong one is refused."""
    async with wired(world) as wire:
        for buyer in ("ann", "bob", "cyd"):
            wire.writer.write(asked(world, buyer))
            assert (await wire.answer())[0] == 201
        wire.writer.write(asked(world, "dan", auth="Bearer dgk_partner_nobody_0"))
        assert (await wire.answer())[0] == 401
        wire.writer.write(asked(world, "eve", auth=world.keys["kiosk"]))
        assert (await wire.answer())[0] == 403
        wire.writer.write(asked(world, "fay"))
        assert (await wire.answer())[0] == 201
    assert again == ["cyd", "dan", "eve", "fay"]
    assert len(taken) == 5
    assert world.services.gate.in_flight == 0


async def test_a_key_that_is_revoked_ends_on_a_connection_that_stays(
    world: World, taken: list[str], again: list[str]
) -> None:
    """What was proved before is proved anew as soon as the list of keys has been read again."""
    catalogue = await world.services.catalogue.get()
    issued = await catalogue.issue_credential("partner", PARTNER, "test")
    assert isinstance(issued, Issued)
    await world.services.credentials.refresh()
    async with wired(world) as wire:
        for buyer in ("ann", "bob", "cyd"):
            wire.writer.write(asked(world, buyer, auth=f"Bearer {issued.text}"))
            assert (await wire.answer())[0] == 201
        await catalogue.revoke_credential(issued.id)
        await world.services.credentials.refresh()
        wire.writer.write(asked(world, "dan", auth=f"Bearer {issued.text}"))
        assert (await wire.answer())[0] == 401
        wire.writer.write(asked(world, "eve"))
        assert (await wire.answer())[0] == 201
    assert (again, len(taken)) == (["cyd", "dan", "eve"], 4)


async def test_each_hold_is_that_of_its_own_pass(
    world: World, taken: list[str], again: list[str]
) -> None:
    """A pass that was changed, spent, or that ran out is refused after others on a connection."""
    passes = {
        name: (await world.pass_(name)).removeprefix("Pass ")
        for name in ("ann", "bob", "cyd", "dan")
    }
    late = world.services.rooms.read_pass(passes["dan"])
    assert isinstance(late, Pass)
    over, _ = _tokens(world).mint(
        sale=SALE, drop=late.drop, epoch=late.epoch, lane=late.lane, number=late.number,
        buyer=late.buyer, issued_at_ms=1_000, expires_at_ms=2_000,
    )  # fmt: skip
    claims_end = passes["cyd"].rindex(".") - 1
    other = "A" if passes["cyd"][claims_end] != "A" else "B"
    forged = passes["cyd"][:claims_end] + other + passes["cyd"][claims_end + 1 :]
    told = []
    async with wired(world) as wire:
        for key, token in (
            ("one", passes["ann"]), ("two", passes["bob"]), ("three", passes["cyd"]),
            ("four", forged), ("five", over), ("six", passes["cyd"]), ("seven", passes["dan"]),
            ("three", passes["cyd"]),
        ):  # fmt: skip
            wire.writer.write(held(key, token))
            status, _, said = await wire.answer()
            told.append((status, said.get("code", said.get("state"))))
    assert told == [
        *[(201, "held")] * 3, (401, "bad_credential"), (409, "pass_expired"), (409, "pass_spent"),
        (201, "held"), (200, "held"),
    ]  # fmt: skip
    assert again == ["three", "four", "five", "six", "seven", "three"]


def _tokens(world: World) -> PassTokens:
    keys = Keyring.load(world.services.settings.keys)
    mac, sign = keys.current("pass_mac"), keys.current("pass_sign")
    names = keys.current("order").secret
    return PassTokens(PassKeys(names, [(mac.kid, mac.secret)], [(sign.kid, sign.secret)]))


def held(key: str, token: str) -> bytes:
    """A shopper's hold of one unit, as bytes."""
    body = '{"lines": [{"offer": "pool", "quantity": 1}]}'
    return (
        f"POST /v1/sales/{SALE}/orders HTTP/1.1\r\nHost: here\r\nIdempotency-Key: {key}\r\n"
        f"Authorization: Pass {token}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def test_a_body_of_the_wrong_shape_is_refused_as_ever(
    world: World, taken: list[str], again: list[str]
) -> None:
    """A head that came before says nothing of a body."""
    async with wired(world) as wire:
        await known(world, wire)
        wire.writer.write(asked(world, "cyd").replace(b'"quantity": 1', b'"quantity": 0'))
        status, _, problem = await wire.answer()
        assert (status, problem["code"]) == (422, "invalid")
    assert (again, len(taken)) == (["cyd"], 2)


async def test_a_packet_that_is_no_whole_call_leaves_the_rest_to_the_parser(
    world: World, taken: list[str], again: list[str]
) -> None:
    """Half a call and its other half, two at once: nothing is lost, nothing taken for a head."""
    async with wired(world) as wire:
        await known(world, wire)
        call = asked(world, "cyd")
        wire.writer.write(call[:30])
        await wire.writer.drain()
        wire.writer.write(call[30:] + asked(world, "dan"))
        assert [(await wire.answer())[0] for _ in range(2)] == [201, 201]
        wire.writer.write(asked(world, "eve"))
        assert (await wire.answer())[0] == 201
    assert again == []


async def test_a_draining_gateway_closes_with_the_answer_to_a_head_that_came_before(
    world: World, taken: list[str], again: list[str]
) -> None:
    """As with every other answer."""
    async with wired(world) as wire:
        await known(world, wire)
        world.services.gate.drain()
        wire.writer.write(asked(world, "cyd"))
        status, headers, _ = await wire.answer()
        assert (status, headers["connection"], again) == (201, "close", ["cyd"])
        assert await wire.is_closed()
