"""queueing.recovery: a room that its store forgot is given back by what gateways saw of it."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import permutations

import pytest

from lua import catalogue
from lua.faults import Fenced
from lua.store import Store
from queueing import (
    Admitted,
    JoinRequest,
    Place,
    Recovering,
    Rooms,
    RoomSettings,
    Wait,
    Whole,
)
from tests.queueing.conftest import (
    OPENS_MS,
    RULES,
    SALE,
    Unchanged,
    admit,
    another_gateway,
    buyer,
    join,
    open_room,
)

ROOM, LINE, LEASES = (f"{{{SALE}:room}}:{name}" for name in ("room", "line:1.1", "leases"))
OTHER = "0" * 40
HOLD_MS, MARGIN = 2_000, 64
BURST = 40
"""More than the rate gives while the room rests: only an empty bucket keeps it within bounds."""
LOST_MS = OPENS_MS + 10_000
AGAIN_MS = LOST_MS + HOLD_MS

PLACE = Place(SALE, 1, 1, 0, 1, buyer(0), OPENS_MS)
VERBS: dict[str, Callable[[Rooms], Awaitable[object]]] = {
    "join": lambda rooms: rooms.join(SALE, [JoinRequest("k", buyer(9))], now_ms=LOST_MS),
    "claim": lambda rooms: rooms.claim(SALE, PLACE, now_ms=LOST_MS),
    "leave": lambda rooms: rooms.leave(SALE, PLACE, now_ms=LOST_MS),
    "pump": lambda rooms: rooms.pump(SALE, 100, now_ms=LOST_MS),
    "configure": lambda rooms: rooms.configure(
        SALE, replace(RULES, rate_per_s=9), "test", now_ms=LOST_MS
    ),
    "set_room": lambda rooms: rooms.set_room(
        SALE, RoomSettings(rate_per_s=7), "test", now_ms=LOST_MS
    ),
    "set_state": lambda rooms: rooms.set_state(SALE, "paused", "test", now_ms=LOST_MS),
    "frame": lambda rooms: rooms.frame(SALE, now_ms=LOST_MS),
}


async def begun(rooms: Rooms, buyers: int = 12, **changes: object) -> list[Place]:
    """An open room in whose line the first ten are called; this gateway has a copy of it."""
    await open_room(rooms, **{"burst": 10, **changes})
    places = await join(rooms, *range(buyers))
    await rooms.pump(SALE, 100, now_ms=OPENS_MS)
    await look(rooms)
    return places


async def look(rooms: Rooms, now_ms: int = OPENS_MS) -> object:
    """What one look of a gateway's loop finds; its frame is read as well."""
    found = await rooms.recovery.look(SALE, now_ms)
    if isinstance(found, Whole):
        await rooms.frame(SALE, now_ms)
    return found


async def given_back(*gateways: Rooms, now_ms: int = LOST_MS) -> None:
    """Every gateway notices the loss, and the room opens again."""
    for rooms in gateways:
        assert await look(rooms, now_ms) == Recovering(now_ms + HOLD_MS)
    for rooms in gateways:
        assert await look(rooms, now_ms + HOLD_MS) == Whole()


async def hashes(store: Store) -> dict[bytes, object]:
    """Every hash and the leases, whatever order their fields have."""
    found: dict[bytes, object] = {}
    for name in await store.read("KEYS", "*"):
        if await store.read("TYPE", name) == b"hash":
            flat = await store.read("HGETALL", name)
            found[name] = dict(zip(flat[::2], flat[1::2], strict=True))
        elif name == LEASES.encode():
            found[name] = await store.read("ZRANGE", name, 0, -1, "WITHSCORES")
    return found


@pytest.mark.parametrize("verb", VERBS)
async def test_no_verb_works_on_another_server(
    rooms: Rooms, store: Store, unchanged: Unchanged, verb: str
) -> None:
    """A room whose record names another server is fenced: nothing is read, nothing written."""
    await begun(rooms)
    await store.write("HSET", ROOM, "server", OTHER)
    async with unchanged():
        with pytest.raises(Fenced):
            await VERBS[verb](rooms)


@pytest.mark.parametrize("script", catalogue.names())
def test_every_script_of_a_room_names_its_server(script: str) -> None:
    """None of them, a reader neither, trusts a store that may have gone back in time."""
    loaded = catalogue.load(script)
    assert loaded.fenced == ("room" in loaded.keys)


@pytest.mark.parametrize("verb", ["join", "claim", "leave", "pump", "frame"])
async def test_a_room_that_is_given_back_rests(
    rooms: Rooms, store: Store, unchanged: Unchanged, verb: str
) -> None:
    """Until every gateway has had the time to hand in, nobody joins, is called or is let in."""
    await begun(rooms)
    await store.write("FLUSHALL")
    assert await look(rooms, LOST_MS) == Recovering(AGAIN_MS)
    async with unchanged():
        with pytest.raises(Fenced):
            await VERBS[verb](rooms)


async def test_an_operator_need_not_wait_for_it(rooms: Rooms, store: Store) -> None:
    """A pause holds from the first moment that the room lets people in again."""
    places = await begun(rooms)
    await store.write("FLUSHALL")
    await look(rooms, LOST_MS)
    await rooms.set_state(SALE, "paused", "test", now_ms=LOST_MS + 1)
    await look(rooms, AGAIN_MS)
    outcome = await rooms.claim(SALE, places[0], now_ms=AGAIN_MS + 5_000)
    assert isinstance(outcome, Wait)
    assert outcome.reason == "paused"


async def test_a_wiped_line_is_where_it_was_seen(rooms: Rooms, store: Store) -> None:
    """Who was called stays called, who waits keeps the number, newcomers stand behind all."""
    places = await begun(rooms)
    other = another_gateway(store)
    await look(other)
    before = await rooms.frame(SALE, OPENS_MS)
    await store.write("FLUSHALL")
    await given_back(rooms, other)
    after = await rooms.frame(SALE, AGAIN_MS)
    assert after.lanes[0].serving == before.lanes[0].serving == 10
    assert (after.rate_per_s, after.burst) == (before.rate_per_s, before.burst)
    [late] = await join(rooms, 50, now_ms=AGAIN_MS)
    assert late.number > places[-1].number + MARGIN
    outcome = await rooms.claim(SALE, places[11], now_ms=AGAIN_MS)
    assert isinstance(outcome, Wait)
    assert (outcome.reason, outcome.ahead) == ("turn", 2)


async def test_the_same_pass_is_given_again(rooms: Rooms, store: Store) -> None:
    """By a gateway that remembers it letter by letter; by one that does not, with the same id."""
    places = await begun(rooms)
    first = await admit(rooms, places[0])
    second = await admit(another_gateway(store), places[1])
    await store.write("FLUSHALL")
    await given_back(rooms)
    assert (await admit(rooms, places[0], AGAIN_MS)).pass_token == first.pass_token
    later = await admit(rooms, places[1], AGAIN_MS + 1_000)
    assert not later.replayed
    assert later.pass_claims.id == second.pass_claims.id


@pytest.mark.parametrize("seed", range(4))
async def test_the_rate_holds_across_a_loss(rooms: Rooms, store: Store, seed: int) -> None:
    """Whenever the store is wiped, no window has more admissions than rate * w + burst."""
    dice = random.Random(seed)
    places = await begun(rooms, 400, burst=BURST)
    at, let_in = OPENS_MS, list[int]()
    lost = {OPENS_MS + dice.randrange(200, 9_000) for _ in range(2)}
    while places and at < OPENS_MS + 20_000:
        at += 50
        if lost and at >= min(lost):
            lost.remove(min(lost))
            await store.write("FLUSHALL")
            at += dice.randrange(0, 300)
            await given_back(rooms, now_ms=at)
            at += HOLD_MS
        await rooms.pump(SALE, 1_000, now_ms=at)
        await look(rooms, at)
        outcome = await rooms.claim(SALE, places[0], now_ms=at)
        while isinstance(outcome, Admitted):
            let_in.append(at)
            places.pop(0)
            outcome = await rooms.claim(SALE, places[0], now_ms=at)
    assert len(let_in) > 60
    for first, begin in enumerate(let_in):
        for last in range(first, len(let_in)):
            window_s = (let_in[last] - begin) / 1000
            assert last - first + 1 <= RULES.rate_per_s * window_s + BURST


@pytest.mark.parametrize("order", [*permutations("abc"), tuple("abcab"), tuple("ccba")])
async def test_gateways_may_hand_in_as_they_like(store: Store, order: tuple[str, ...]) -> None:
    """In any order, and however often: the room ends the same."""
    gateways = {name: another_gateway(store) for name in "abc"}
    await begun(gateways["a"])
    places = await join(gateways["b"], *range(20, 26))
    await gateways["b"].pump(SALE, 100, now_ms=OPENS_MS + 300)
    await look(gateways["b"], OPENS_MS + 300)
    await admit(gateways["b"], replace(places[0], number=1), OPENS_MS + 400)
    await gateways["c"].set_room(SALE, RoomSettings(rate_per_s=5), "test", now_ms=OPENS_MS + 500)
    await look(gateways["c"], OPENS_MS + 500)
    await admit(gateways["c"], replace(places[0], number=2), OPENS_MS + 600)
    await store.write("FLUSHALL")
    for name in order:
        await gateways[name].recovery.look(SALE, LOST_MS)
    ended = await hashes(store)
    room, line = ended[ROOM.encode()], ended[LINE.encode()]
    assert isinstance(room, dict)
    assert isinstance(line, dict)
    assert (room[b"rate_milli"], room[b"was_active"]) == (b"5000", b"2")
    assert (line[b"seen:0"], line[b"serving:0"]) == (b"18", b"10")
    members = ended[LEASES.encode()]
    assert isinstance(members, list)
    assert set(members[::2]) == {b"1.1.0:1", b"1.1.0:2"}


async def test_an_old_copy_is_brought_to_what_was_seen(rooms: Rooms, store: Store) -> None:
    """Its numbers are raised, the newest rules count, and nobody who is inside is let in again."""
    places = await begun(rooms)
    names = await store.read("KEYS", "*")
    copy = {name: await store.read("DUMP", name) for name in names}
    [late] = await join(rooms, 60, now_ms=OPENS_MS)
    first = await admit(rooms, places[0])
    await rooms.pump(SALE, 100, now_ms=OPENS_MS + 300)
    await rooms.set_room(SALE, RoomSettings(rate_per_s=5), "test", now_ms=OPENS_MS + 300)
    await look(rooms, OPENS_MS + 300)
    await store.write("FLUSHALL")
    for name, dumped in copy.items():
        await store.write("RESTORE", name, 0, dumped)
    await store.write("HSET", ROOM, "server", OTHER)
    await given_back(rooms)
    frame = await rooms.frame(SALE, AGAIN_MS)
    assert (frame.rate_per_s, frame.lanes[0].serving) == (5, 13)
    assert frame.lanes[0].tail >= late.number + MARGIN
    again = await admit(rooms, places[0], AGAIN_MS)
    assert again.replayed
    assert again.pass_token == first.pass_token


async def test_what_the_store_kept_counts_as_well(rooms: Rooms, store: Store) -> None:
    """A store that only was started again knows more than gateways do: nothing of it is undone."""
    await begun(rooms)
    unseen = another_gateway(store)
    [late] = await join(unseen, 60, now_ms=OPENS_MS)
    await unseen.set_room(SALE, RoomSettings(rate_per_s=3), "test", now_ms=OPENS_MS + 1)
    await store.write("HSET", ROOM, "server", OTHER)
    await given_back(rooms)
    frame = await rooms.frame(SALE, AGAIN_MS)
    assert frame.rate_per_s == 3
    assert frame.lanes[0].tail > late.number
    assert await join(rooms, 60, now_ms=AGAIN_MS) == [replace(late, issued_ms=AGAIN_MS)]


async def test_a_line_that_went_back_while_its_server_ran_is_found(
    rooms: Rooms, store: Store
) -> None:
    """The next look finds that the line stands lower than it was seen, and hands in."""
    await begun(rooms)
    await store.write("HSET", LINE, "serving:0", "3")
    await given_back(rooms)
    assert (await rooms.frame(SALE, AGAIN_MS)).lanes[0].serving == 10


async def test_who_was_asleep_hands_in_when_it_wakes(rooms: Rooms, store: Store) -> None:
    """A room that went on without this gateway is raised by what it alone has seen."""
    await begun(rooms)
    asleep = another_gateway(store)
    await look(asleep)
    await join(asleep, *range(100, 200))
    await store.write("FLUSHALL")
    await given_back(rooms)
    assert await look(asleep, AGAIN_MS + 5_000) == Whole()
    [late] = await join(rooms, 50, now_ms=AGAIN_MS + 5_000)
    assert late.number > 112
    assert await look(asleep, AGAIN_MS + 6_000) == Whole()


async def test_the_gap_of_a_loss_is_passed_over(rooms: Rooms, store: Store) -> None:
    """Numbers that nobody remembers cost the line no time: newcomers follow the others."""
    await begun(rooms, 10)
    await store.write("FLUSHALL")
    await given_back(rooms)
    [late] = await join(rooms, 50, now_ms=AGAIN_MS)
    await rooms.pump(SALE, 100, now_ms=AGAIN_MS)
    await rooms.pump(SALE, 100, now_ms=AGAIN_MS + 1_000)
    await admit(rooms, late, AGAIN_MS + 1_000)
