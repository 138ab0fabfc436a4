"""The key set that other edges verify passes with."""

import json
import shutil
from pathlib import Path
from typing import Any

import jwt
import pytest

from gateway import published_keys
from gateway.keyring import Keyring
from gateway.published_keys import PublishedKeys
from tests.gateway.world import SALE, World

PUBLIC = {"kty", "crv", "x", "kid", "use", "alg"}


async def test_the_key_set_verifies_a_pass(world: World) -> None:
    """With what is published, and nothing else, anybody can verify a pass of this gateway."""
    pass_ = (await world.pass_("a")).removeprefix("Pass ")
    told = await world.call("GET", "/.well-known/jwks.json")
    assert told.status == 200
    key = jwt.PyJWKSet.from_dict(told.data)[jwt.get_unverified_header(pass_)["kid"]]
    claims = jwt.decode(pass_, key, algorithms=["EdDSA"], audience=SALE, issuer="dropgate")
    assert claims["drop"] == 1
    assert {frozenset(one) for one in told.data["keys"]} == {frozenset(PUBLIC)}


async def test_any_cache_may_keep_the_key_set(world: World) -> None:
    """It is public, says for how long, and goes on through an outage of ours."""
    told = await world.call("GET", "/.well-known/jwks.json")
    assert told.headers["Cache-Control"].startswith("public, max-age=")
    assert "stale-if-error=" in told.headers["Cache-Control"]


@pytest.fixture
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keyring:
    """Keys of their own, read anew whenever they are asked for."""
    monkeypatch.setattr(published_keys, "READ_AGAIN_S", 0.0)
    return Keyring.load(tmp_path / "k")


def kids(published: PublishedKeys) -> list[str]:
    """The ids that are published, in their order."""
    keys: list[dict[str, Any]] = json.loads(published.body())["keys"]
    return [key["kid"] for key in keys]


def test_a_new_key_is_published_before_anything_is_signed_with_it(ring: Keyring) -> None:
    """A process that runs on signs with its old key and publishes the new one at once."""
    published = PublishedKeys(ring)
    assert kids(published) == ["1"]
    ring.rotate("pass_sign")
    assert kids(published) == ["2", "1"]
    ring.retire("pass_sign", 1)
    assert kids(published) == ["2"]


def test_unreadable_files_take_nothing_away(ring: Keyring) -> None:
    """While the files cannot be read, what was published stays, and no other key is made."""
    published = PublishedKeys(ring)
    before = published.body()
    shutil.move(ring.directory, ring.directory.with_name("away"))
    assert published.body() == before
    assert not ring.directory.exists()
