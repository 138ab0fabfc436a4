"""A place at the edge: its cookie, its account, and where it is never taken from."""

import logging
from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest

from tests.gateway.world import SALE, SHOP, Answer, World, furnish, sale_body

NAME = f"__Host-dropgate-{SALE}"
PLACES, ME, PASSES = (f"/v1/sales/{SALE}/{part}" for part in ("places", "places/me", "passes"))
SHOPPERS_KEYS = (b"}:j:", b"}:t:", b"}:leases", b"}:list:")
OWN = {"Sec-Fetch-Site": "same-origin"}


def cookie_of(answer: Answer) -> Morsel[Any]:
    """The one cookie that an answer sets."""
    jar = SimpleCookie(answer.headers["Set-Cookie"])
    assert list(jar) == [NAME]
    return jar[NAME]


async def join(world: World, name: str) -> Answer:
    """A join."""
    return await world.call("POST", PLACES, {}, auth=world.login(name), key=f"join-{name}")


async def kept(world: World) -> dict[bytes, bytes]:
    """Everything in the store that a shopper's call can change; the room's loops write the rest."""
    store = world.services.store
    return {
        name: await store.read("DUMP", name)
        for name in await store.read("KEYS", "*")
        if b":room}:" not in name or any(part in name for part in SHOPPERS_KEYS)
    }


async def by_cookie(world: World, token: str, method: str, path: str, **headers: str) -> Answer:
    """A call that only a cookie vouches for."""
    body: Any = {} if method == "POST" else None
    return await world.call(method, path, body, headers={"Cookie": f"{NAME}={token}", **headers})


async def test_a_join_sets_a_cookie_that_only_this_host_gets(world: World) -> None:
    """The cookie is the place, for this host alone, over TLS, and out of scripts' reach."""
    joined = await join(world, "a")
    cookie = cookie_of(joined)
    assert cookie.value == joined.data["place"]
    assert (cookie["path"], cookie["domain"], cookie["samesite"]) == ("/", "", "Lax")
    assert cookie["secure"] is True
    assert cookie["httponly"] is True
    assert int(cookie["max-age"]) > 24 * 3600


async def test_the_cookie_stands_for_the_header(world: World) -> None:
    """With the cookie alone a page of ours sees where it is, claims its turn, and leaves."""
    token = (await join(world, "a")).data["place"]
    seen = await by_cookie(world, token, "GET", ME)
    assert (seen.status, seen.data["number"]) == (200, 1)
    await world.services.rooms.pump(SALE, 100)
    claimed = await by_cookie(world, token, "POST", PASSES, **OWN)
    assert claimed.status == 201
    left = await by_cookie(world, token, "DELETE", ME, **OWN)
    assert left.status == 204
    assert (cookie_of(left).value, cookie_of(left)["max-age"]) == ("", "0")


async def test_a_header_goes_before_the_cookie(world: World) -> None:
    """Where both are sent, the header is who asks, right or wrong."""
    first, second = [(await join(world, name)).data["place"] for name in "ab"]
    sent = {"Cookie": f"{NAME}={first}"}
    seen = await world.call("GET", ME, auth=f"Place {second}", headers=sent)
    assert seen.data["number"] == 2
    assert (await world.call("GET", ME, auth="Place x", headers=sent)).code == "bad_credential"


ELSEWHERE = {
    "another site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    "a neighbour of the same site": {"Sec-Fetch-Site": "same-site"},
    "an address typed in": {"Sec-Fetch-Site": "none"},
    "an old browser, another site": {"Origin": "https://evil.example"},
    "an old browser, no origin told": {"Origin": "null"},
    "an old browser, an origin that is no URL": {"Origin": "http://["},
    "nobody says who asks": {},
    "an origin that is ours, from elsewhere": {"Sec-Fetch-Site": "cross-site", "Origin": "{url}"},
}


@pytest.mark.parametrize("sent", ELSEWHERE.values(), ids=ELSEWHERE)
async def test_no_other_site_acts_by_the_cookie(world: World, sent: dict[str, str]) -> None:
    """A write that a cookie alone vouches for is refused unless a page of ours asks for it."""
    token = (await join(world, "a")).data["place"]
    before = await kept(world)
    sent = {name: value.format(url=world.url) for name, value in sent.items()}
    for method, path in (("POST", PASSES), ("DELETE", ME)):
        refused = await by_cookie(world, token, method, path, **sent)
        assert (refused.status, refused.code) == (403, "cross_site")
    assert await kept(world) == before


async def test_a_browser_that_tells_only_the_origin_may_write(world: World) -> None:
    """Without Sec-Fetch-Site, the origin must be this very host."""
    token = (await join(world, "a")).data["place"]
    assert (await by_cookie(world, token, "DELETE", ME, Origin=world.url)).status == 204


async def test_a_place_is_never_taken_from_a_url(world: World, caplog: Any) -> None:
    """Neither query nor path is a credential, and no log line ever holds a place."""
    token = (await join(world, "a")).data["place"]
    with caplog.at_level(logging.DEBUG):
        for method, path in (("GET", ME), ("DELETE", ME), ("POST", PASSES)):
            for query in (f"?place={token}", f"?token={token}", f"?Authorization=Place%20{token}"):
                assert (await world.call(method, path + query)).code == "no_credential"
        await world.call("GET", ME, auth=f"Place {token}")
        await by_cookie(world, token, "GET", ME)
    assert token not in caplog.text


async def test_an_account_sees_its_own_place_the_same_again(world: World) -> None:
    """A place beside its own account's login is answered as it is without."""
    await world.services.housekeeping.stop()  # nobody is called between two looks
    token = (await join(world, "a")).data["place"]
    login = world.login("a").removeprefix("Bearer ")
    alone = await world.call("GET", ME, auth=f"Place {token}")
    beside = await world.call("GET", ME, auth=f"Place {token}", headers={"Dropgate-Login": login})
    assert beside.status == 200
    assert beside.data == alone.data
    await world.services.rooms.pump(SALE, 100)
    passes = [
        await world.call("POST", PASSES, {}, auth=f"Place {token}", headers=headers)
        for headers in ({"Dropgate-Login": login}, {}, {"Dropgate-Login": login})
    ]
    assert [one.status for one in passes] == [201, 201, 201]
    assert len({one.data["pass"] for one in passes}) == 1


async def test_another_account_cannot_use_a_place(world: World) -> None:
    """A place beside another account's login is refused everywhere, and nothing has changed."""
    token = (await join(world, "a")).data["place"]
    await world.services.rooms.pump(SALE, 100)
    before = await kept(world)
    other = {"Dropgate-Login": world.login("b").removeprefix("Bearer ")}
    for method, path in (("GET", ME), ("POST", PASSES), ("DELETE", ME)):
        told = await world.call(method, path, auth=f"Place {token}", headers=other)
        assert (told.status, told.code) == (403, "other_account")
        told = await by_cookie(world, token, method, path, **OWN, **other)
        assert (told.status, told.code) == (403, "other_account")
    assert await kept(world) == before


async def test_a_login_that_proves_nothing_is_refused(world: World) -> None:
    """A login beside a place counts for nothing only when it is not sent."""
    token = (await join(world, "a")).data["place"]
    for login, code in (
        ("x", "bad_credential"),
        (SHOP.sign(sub="a", exp=1), "expired_credential"),
        (SHOP.sign(sub="a", aud="elsewhere"), "bad_credential"),
    ):
        told = await world.call("GET", ME, auth=f"Place {token}", headers={"Dropgate-Login": login})
        assert (told.status, told.code) == (401, code)


async def test_a_sale_may_want_the_login_with_the_claim(world: World) -> None:
    """Where the sale's file says so, whoever has only the place does not get the pass."""
    body = sale_body("autumn")
    body["room"] |= {"claim_needs_login": True}
    await furnish(world.services, sale="autumn", body=body)
    places, me, passes = (path.replace(SALE, "autumn") for path in (PLACES, ME, PASSES))
    joined = await world.call("POST", places, {}, auth=world.login("a"))
    auth = f"Place {joined.data['place']}"
    await world.services.rooms.pump("autumn", 100)
    assert (await world.call("GET", me, auth=auth)).status == 200
    without = await world.call("POST", passes, {}, auth=auth)
    assert (without.status, without.code) == (401, "login_required")
    login = {"Dropgate-Login": world.login("a").removeprefix("Bearer ")}
    assert (await world.call("POST", passes, {}, auth=auth, headers=login)).status == 201
