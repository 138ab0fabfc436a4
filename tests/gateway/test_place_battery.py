"""Tokens that are no places here: each is refused with its code, and the store stays as it was."""

import shutil
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from gateway.keyring import Keyring
from gateway.services import Services
from queueing.places import AGE_MAX_MS, Place, PlaceTokens
from tests.gateway.test_places import ME, PASSES, PLACES, kept
from tests.gateway.world import SALE, Answer, World, furnish, serve, settings_for
from tests.patience import patiently

Expected = tuple[int, str, str]
FORGED, UNKNOWN = (401, "bad_credential", "forged"), (401, "bad_credential", "unknown_key")
MALFORMED = (401, "bad_credential", "malformed")


def shown(answer: Answer) -> Expected:
    """What a refusal says."""
    return answer.status, answer.code, answer.data.get("reason", "")


async def refused(world: World, token: str, *allowed: Expected) -> None:
    """A token is refused wherever a place is taken, by the header and by the cookie."""
    cookie = {"Cookie": f"__Host-dropgate-{SALE}={token}", "Sec-Fetch-Site": "same-origin"}
    for method, path in (("GET", ME), ("POST", PASSES), ("DELETE", ME)):
        told = await world.call(method, path, auth=f"Place {token}", key="k")
        assert shown(told) in allowed, (method, token)
    told = await world.call("POST", PASSES, headers=cookie, key="k")
    assert shown(told) in allowed, ("cookie", token)


async def joined(world: World, name: str = "a") -> str:
    """A place whose turn has come, so that only its token keeps it from a pass."""
    token = (await world.place(name)).removeprefix("Place ")
    await world.services.rooms.pump(SALE, 100)
    return token


def place_of(world: World, token: str) -> Place:
    """What a good token says."""
    found = world.services.rooms.read_place(token, SALE, 0)
    assert isinstance(found, Place)
    return found


def raw(token: str) -> bytes:
    """The bytes of a token."""
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))


def text(body: bytes) -> str:
    """The token of bytes."""
    return urlsafe_b64encode(body).rstrip(b"=").decode()


async def test_a_token_cut_at_any_length_is_refused(world: World) -> None:
    """From one symbol to all but one, and with more behind it."""
    token = await joined(world)
    before = await kept(world)
    for end in range(1, len(token)):
        await refused(world, token[:end], MALFORMED, FORGED)
    for more in ("A", "AAAA", "="):
        await refused(world, token + more, MALFORMED, FORGED)
    assert await kept(world) == before


async def test_a_token_with_any_bit_flipped_is_refused(world: World) -> None:
    """Version, key, sale, drop, epoch, lane, number, time, buyer, MAC: each bit is vouched for."""
    token = await joined(world)
    before = await kept(world)
    body = raw(token)
    for bit in range(len(body) * 8):
        flipped = bytearray(body)
        flipped[bit // 8] ^= 1 << bit % 8
        allowed = MALFORMED if bit < 8 else UNKNOWN if bit < 24 else FORGED
        await refused(world, text(bytes(flipped)), allowed)
    assert await kept(world) == before


async def test_a_place_of_another_sale_is_refused(world: World) -> None:
    """The right keys do not make a place of one sale one of another."""
    await furnish(world.services, sale="autumn")
    path = PLACES.replace(SALE, "autumn")
    token = (await world.call("POST", path, {}, auth=world.login("a"))).data["place"]
    await joined(world)
    before = await kept(world)
    await refused(world, token, (401, "bad_credential", "other_sale"))
    assert await kept(world) == before


async def test_a_place_that_is_too_old_is_refused(world: World) -> None:
    """Before the store may have forgotten it, a place is over."""
    token = await joined(world)
    place = place_of(world, token)
    old = replace(place, issued_ms=place.issued_ms - AGE_MAX_MS - 1_000)
    before = await kept(world)
    await refused(world, minted(world, old), (401, "expired_credential", ""))
    assert await kept(world) == before


def minted(world: World, place: Place) -> str:
    """A token by the installation's own key."""
    ring = Keyring.open(world.services.settings.keys)
    return PlaceTokens([(one.kid, one.secret) for one in ring.all("place")]).mint(place)


async def test_keys_of_others_are_refused(world: World) -> None:
    """Another key id, another key under our id, and our other keys make no places."""
    place = place_of(world, await joined(world))
    ring = Keyring.open(world.services.settings.keys)
    kid, secret = ring.current("place").kid, ring.current("place").secret
    before = await kept(world)
    for other in (kid + 1, kid + 255, 2**16 - 1):
        await refused(world, PlaceTokens([(other, secret)]).mint(place), UNKNOWN)
    for name in ("pass_mac", "code_mac", "order"):
        await refused(world, PlaceTokens([(kid, ring.current(name).secret)]).mint(place), FORGED)
    assert await kept(world) == before


async def test_a_place_of_an_old_epoch_is_gone(world: World) -> None:
    """After a reset the places of before are worth nothing, and say why."""
    token = await joined(world)
    room = f"{{{SALE}:room}}:room"
    epoch = int(await world.services.store.read("HGET", room, "epoch"))
    await world.services.store.read("HSET", room, "epoch", str(epoch + 1))
    await world.services.frames.refresh(SALE)
    before = await kept(world)
    for method, path in (("GET", ME), ("POST", PASSES)):
        body: dict[str, str] | None = {} if method == "POST" else None
        told = await world.call(method, path, body, auth=f"Place {token}", key="k")
        assert shown(told) == (410, "turn_gone", "reset"), method
    assert await kept(world) == before


@asynccontextmanager
async def another(world: World, state: Path) -> AsyncIterator[World]:
    """A further gateway beside the first, with the keys of a directory as they are now."""
    async with AsyncExitStack() as ends:
        first = world.services.settings
        settings = settings_for(state, first.store_url, first.database_url)
        services = await patiently(lambda: Services.open(settings))
        ends.push_async_callback(services.close)
        await services.frames.refresh(SALE)
        shared, url, own, own_url = await serve(services)
        ends.push_async_callback(own.cleanup)
        ends.push_async_callback(shared.cleanup)
        yield World(services, world.http, url, own_url, world.keys)


async def test_keys_rotate_with_an_overlap_and_end_with_it(world: World, tmp_path: Path) -> None:
    """A place of the old key works after a rotation, until that key is retired."""
    keys = tmp_path / "keys"
    shutil.copytree(world.services.settings.keys, keys)
    token = await joined(world)
    kid = Keyring.open(keys).current("place").kid

    Keyring.open(keys).rotate("place")
    async with another(world, tmp_path) as newer:
        assert (await newer.call("GET", ME, auth=f"Place {token}")).status == 200
        fresh = await joined(newer, "b")
        assert [int.from_bytes(raw(one)[1:3], "big") for one in (token, fresh)] == [kid, kid + 1]
        await refused(world, fresh, UNKNOWN)  # the first one was started before there was this key
    Keyring.open(keys).retire("place", kid)
    async with another(world, tmp_path) as newest:
        before = await kept(newest)
        await refused(newest, token, UNKNOWN)
        assert await kept(newest) == before
        assert (await newest.call("GET", ME, auth=f"Place {fresh}")).status == 200
