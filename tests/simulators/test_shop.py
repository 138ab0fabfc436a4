"""The shop's signatures, over HTTP, as a process."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from pathlib import Path
from urllib.parse import parse_qs

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.simulators.processes import simulator


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A key file like the example's, freshly made."""

    def text(raw: bytes) -> str:
        return urlsafe_b64encode(raw).rstrip(b"=").decode()

    made = []
    for kid in ("login", "payment"):
        private = Ed25519PrivateKey.generate()
        public = private.public_key().public_bytes_raw()
        pair = {"x": text(public), "d": text(private.private_bytes_raw())}
        made.append({"kty": "OKP", "crv": "Ed25519", "kid": kid, **pair})
    path = tmp_path / "shop-keys.json"
    path.write_text(json.dumps({"keys": made}))
    (tmp_path / "sale.toml").write_text(
        '[[login]]\nname="shop"\nissuer="https://login.test"\naudience="dropgate"\n'
        '[[payment]]\nname="pay"\nissuer="https://pay.test"\n'
    )
    return path


async def test_the_shop_signs_logins_and_payments(keys: Path, tmp_path: Path) -> None:
    """Both tokens verify with the published keys and say what they must; no private key shows."""
    arguments = ("--keys", keys, "--sale", tmp_path / "sale.toml")
    async with (
        simulator("shop", *arguments) as shop,
        aiohttp.ClientSession(shop.url) as session,
    ):
        async with session.get("/.well-known/jwks.json") as answer:
            published = await answer.json()
        async with session.post("/login", json={"user": "ada"}) as answer:
            login = (await answer.json())["token"]
        asked = {"order": "o1", "amount_minor": 760, "currency": "CNY"}
        async with session.post("/pay", json=asked) as answer:
            payment = await answer.json()
        async with session.post("/pay", json=asked) as answer:
            assert (await answer.json())["reference"] == payment["reference"]
        async with session.post("/pay", json={**asked, "attempt": 2}) as answer:
            assert (await answer.json())["reference"] != payment["reference"]
    assert all("d" not in key for key in published["keys"])
    by_kid = {key.key_id: key for key in jwt.PyJWKSet.from_dict(published).keys}
    said = jwt.decode(
        login, by_kid["login"], ["EdDSA"], audience="dropgate", issuer="https://login.test"
    )
    assert said["sub"] == "ada"
    paid = jwt.decode(
        payment["payment"],
        by_kid["payment"],
        ["EdDSA"],
        audience="dropgate",
        issuer="https://pay.test",
    )
    assert {name: paid[name] for name in asked} == asked
    assert paid["reference"] == paid["jti"] == payment["reference"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/login", {"user": ""}),
        ("/login", {"user": 5}),
        ("/pay", {"order": "o", "amount_minor": -1}),
        ("/pay", {"order": "o", "amount_minor": 1.5}),
        ("/pay", {"order": "", "amount_minor": 1}),
    ],
)
async def test_wrong_input_is_refused(keys: Path, path: str, body: object) -> None:
    """Nothing is signed for a nameless user or an amount that is no amount."""
    async with (
        simulator("shop", "--keys", keys) as shop,
        aiohttp.ClientSession() as session,
        session.post(shop.url + path, json=body) as answer,
    ):
        assert answer.status == 422


async def test_a_browser_comes_back_with_what_was_signed(keys: Path) -> None:
    """Sign-in and payment return to where the browser came from, behind the `#`, with its state."""
    back = {"return_to": "http://127.0.0.1:8080/sales/spring", "state": "s&1"}
    asked = {"order": "o1", "amount_minor": "760", "currency": "CNY"}
    async with (
        simulator("shop", "--keys", keys) as shop,
        aiohttp.ClientSession(shop.url) as session,
    ):

        async def sent(path: str, form: dict[str, str]) -> tuple[str, dict[str, list[str]]]:
            async with session.post(path, data=form, allow_redirects=False) as answer:
                assert answer.status == 303
                where, _, told = answer.headers["Location"].partition("#")
                return where, parse_qs(told)

        for path, query in (("/login", back), ("/pay", {**back, **asked})):
            async with session.get(path, params=query) as page:
                text = await page.text()
                assert "Simulator" in text
                assert 'value="s&amp;1"' in text
        where, told = await sent("/login/page", {**back, "user": "ada"})
        assert (where, told["state"]) == (back["return_to"], ["s&1"])
        assert jwt.decode(told["login"][0], options={"verify_signature": False})["sub"] == "ada"
        where, told = await sent("/pay/page", {**back, **asked, "pay": "yes"})
        proof = jwt.decode(told["payment"][0], options={"verify_signature": False})
        assert (told["order"], proof["amount_minor"]) == (["o1"], 760)
        where, told = await sent("/pay/page", {**back, **asked, "pay": "no"})
        assert (told["order"], "payment" in told) == (["o1"], False)


@pytest.mark.parametrize(
    "return_to",
    ["https://evil.example/", "http://127.0.0.1.evil.example/", "javascript:alert(1)", "//evil"],
)
async def test_a_browser_is_sent_to_no_unknown_address(keys: Path, return_to: str) -> None:
    """What was signed goes back to this machine alone: else anybody could collect logins."""
    async with (
        simulator("shop", "--keys", keys) as shop,
        aiohttp.ClientSession(shop.url) as session,
    ):
        back = {"return_to": return_to, "state": "s"}
        async with session.get("/login", params=back) as answer:
            assert answer.status == 422
        form = {**back, "user": "ada"}
        async with session.post("/login/page", data=form, allow_redirects=False) as answer:
            assert answer.status == 422
