"""Bounds on joins: by account, by network, and work where many join from one network."""

import time
from base64 import b64encode
from typing import Any

import altcha
import pytest
from hypothesis import given, strategies as st

from gateway import joining, work
from gateway.clients import Clients
from gateway.joining import ACCOUNT_BURST, Joining
from gateway.work import Errand, Work
from tests.gateway.test_places import kept
from tests.gateway.world import SALE, Answer, World

WORK = Work(b"w" * 32)
ERRAND = Errand(SALE, "9.9.9.0/24", "buyer", "key")
TRIES = 4
PLACES = f"/v1/sales/{SALE}/places"


def solved(challenge: dict[str, Any]) -> str:
    """The payload of a challenge's solution, by the protocol's own library."""
    parsed = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(parsed)
    assert solution is not None
    return altcha.Payload(parsed, solution).to_base64()


def test_a_solved_challenge_is_good_for_its_join() -> None:
    """Also at another process with the same secret, and when it is sent twice."""
    payload = solved(WORK.challenge(ERRAND, TRIES, time.time()))
    assert [WORK.check(payload, ERRAND, TRIES) for _ in range(2)] == [None, None]
    assert Work(b"w" * 32).check(payload, ERRAND, TRIES) is None
    assert Work(b"v" * 32).check(payload, ERRAND, TRIES) == "forged"


@pytest.mark.parametrize(
    "other",
    [
        Errand("autumn", ERRAND.network, ERRAND.buyer, ERRAND.join_key),
        Errand(SALE, "9.9.8.0/24", ERRAND.buyer, ERRAND.join_key),
        Errand(SALE, ERRAND.network, "somebody", ERRAND.join_key),
        Errand(SALE, ERRAND.network, ERRAND.buyer, "another"),
    ],
)
def test_a_solution_is_good_for_nothing_else(other: Errand) -> None:
    """Another sale, network, account or join key needs work of its own."""
    payload = solved(WORK.challenge(ERRAND, TRIES, time.time()))
    assert WORK.check(payload, other, TRIES) == "other_join"


def test_a_solution_is_good_for_a_while_and_near_its_price() -> None:
    """Later, or when the price has risen a lot meanwhile, the work is done anew."""
    late = solved(WORK.challenge(ERRAND, TRIES, time.time() - work.GOOD_FOR_S - 1))
    assert WORK.check(late, ERRAND, TRIES) == "expired"
    payload = solved(WORK.challenge(ERRAND, TRIES, time.time()))
    assert WORK.check(payload, ERRAND, TRIES * work.CHEAPER_MAX) is None
    assert WORK.check(payload, ERRAND, TRIES * work.CHEAPER_MAX + 1) == "too_cheap"


def test_a_changed_challenge_is_forged() -> None:
    """Whoever makes it easier, longer or another's is found out by the signature."""
    for name, value in (
        ("cost", 1),
        ("keyPrefix", "00"),
        ("expiresAt", int(time.time()) + 9_999),
        ("data", {"for": ERRAND.mark, "tries": 9_999}),
    ):
        made = WORK.challenge(ERRAND, TRIES, time.time())
        payload = solved(made)
        decoded = altcha.Payload.from_base64(payload).to_dict()
        decoded["challenge"]["parameters"][name] = value
        forged = altcha.Payload.from_dict(decoded).to_base64()
        assert WORK.check(forged, ERRAND, TRIES) == "forged", name


def test_a_number_that_does_not_fit_is_wrong() -> None:
    """The derived key is checked, not the client's word for it."""
    decoded = altcha.Payload.from_base64(solved(WORK.challenge(ERRAND, TRIES, time.time())))
    decoded.solution.derived_key = "00" * 32
    assert WORK.check(decoded.to_base64(), ERRAND, TRIES) == "wrong"


@given(st.one_of(st.text(), st.binary().map(lambda raw: b64encode(raw).decode())))
def test_junk_is_refused(junk: str) -> None:
    """Whatever comes in place of a payload is refused, and nothing is raised."""
    assert WORK.check(junk, ERRAND, TRIES) is not None


def test_the_price_rises_with_the_joins_and_falls_with_time() -> None:
    """Nothing while quiet; twice as much for twice as many; no more than its bound; less again."""
    bound = Joining(Clients(()), WORK, quiet_max=100)
    prices = []
    for number in range(100 * 2**8):
        if number in {0, 99, 100, 199, 200, 400, 100 * 2**8 - 1}:
            prices.append(bound.tries("n", 0.0))
        bound._networks.count("n", 0.0)
    low, high = joining.TRIES_MIN, joining.TRIES_MIN << joining.DOUBLINGS_MAX
    assert prices == [0, 0, low, low, 2 * low, 4 * low, high]
    assert bound.tries("n", 3600.0) == high
    assert bound.tries("n", 24 * 3600.0) == 0
    assert bound.tries("other", 0.0) == 0


async def join(world: World, name: str, address: str, **more: Any) -> Answer:
    """A join of an account from an address."""
    sent = {"X-Forwarded-For": address}
    key = more.pop("key", f"join-{name}")
    return await world.call("POST", PLACES, more, auth=world.login(name), key=key, headers=sent)


@pytest.fixture
def front(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The gateway behind a proxy on this machine, where three joins make a network busy."""
    monkeypatch.setattr(joining, "NETWORK_PER_MINUTE", 0.01)  # nothing runs off meanwhile
    world.services.joining = Joining(Clients(("127.0.0.1",)), WORK, quiet_max=3)
    return world


async def test_a_busy_network_works_and_the_others_do_not(front: World) -> None:
    """The fourth join from a /24 is asked for work, changes nothing, and gets in with it."""
    for number in range(3):
        assert (await join(front, f"a{number}", f"9.9.9.{number}")).status == 201
    before = await kept(front)
    asked = await join(front, "b", "9.9.9.77")
    assert (asked.status, asked.code, asked.data["reason"]) == (403, "work_required", "missing")
    assert await kept(front) == before
    assert (await join(front, "c", "9.9.8.1")).status == 201
    assert (await join(front, "d", "")).status == 201, "our own front counts as nobody"
    done = await join(front, "b", "9.9.9.77", work=solved(asked.data["work"]))
    assert done.status == 201
    assert done.data["number"] == 6
    again = await join(front, "b", "9.9.9.77", work=solved(asked.data["work"]))
    assert (again.status, again.data["number"]) == (201, 6)


async def test_work_is_not_shared(front: World) -> None:
    """A solution that another account, or another join key, sends is asked for again."""
    for number in range(3):
        await join(front, f"a{number}", "9.9.9.9")
    payload = solved((await join(front, "b", "9.9.9.9")).data["work"])
    for name, key in (("c", "join-b"), ("b", "other")):
        told = await join(front, name, "9.9.9.9", key=key, work=payload)
        assert (told.code, told.data["reason"]) == ("work_required", "other_join")
        assert told.data["work"]["parameters"]["nonce"] not in payload


async def test_an_account_that_joins_on_and_on_has_to_wait(world: World) -> None:
    """Joins of one account are bounded whatever network it is in, with the time to wait."""
    told = [await join(world, "a", "", key=f"k{number}") for number in range(ACCOUNT_BURST + 1)]
    assert {one.status for one in told[:-1]} == {201}
    assert (told[-1].status, told[-1].code) == (429, "too_many_joins")
    assert int(told[-1].headers["Retry-After"]) >= 1
    assert (await join(world, "b", "")).status == 201


async def test_an_account_is_not_asked_for_work_on_and_on(front: World) -> None:
    """Joins that are refused for want of work count for their account: challenges are bounded."""
    for number in range(3):
        await join(front, f"a{number}", "9.9.9.9")
    told = [await join(front, "b", "9.9.9.9") for _ in range(ACCOUNT_BURST + 1)]
    assert {one.code for one in told[:-1]} == {"work_required"}
    assert (told[-1].status, told[-1].code) == (429, "too_many_joins")


async def test_a_join_that_is_sent_again_is_no_new_one(world: World) -> None:
    """An answer that was lost costs its account nothing; another key, or another's, does."""
    told = [await join(world, "a", "") for _ in range(ACCOUNT_BURST + 1)]
    assert {(one.status, one.data["number"]) for one in told} == {(201, 1)}
    told = [await join(world, "a", "", key=f"k{n % 2}") for n in range(ACCOUNT_BURST)]
    assert [one.status for one in told[:-1]] == [201] * (ACCOUNT_BURST - 1)
    assert told[-1].code == "too_many_joins"


async def test_a_join_sent_again_without_its_work_is_asked_once_for_nothing(front: World) -> None:
    """From the second time on it counts, or one join would be good for challenges without end."""
    for number in range(3):
        await join(front, f"a{number}", "9.9.9.9")
    told = [await join(front, "a2", "9.9.9.9") for _ in range(ACCOUNT_BURST + 1)]
    assert {one.code for one in told[:-1]} == {"work_required"}
    assert told[-1].code == "too_many_joins"


async def test_a_network_that_joins_on_and_on_has_to_wait(
    front: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above its bound a network waits, whatever it computes; nothing is counted while it does."""
    monkeypatch.setattr(joining, "NETWORK_BURST", 2)
    front.services.joining = Joining(Clients(("127.0.0.1",)), WORK)
    told = [await join(front, f"a{number}", "9.9.9.9") for number in range(4)]
    assert [one.status for one in told] == [201, 201, 429, 429]
    assert told[2].code == "too_many_joins"
    assert int(told[3].headers["Retry-After"]) > 1
