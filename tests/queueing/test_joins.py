"""queueing.joins and room_join.lua, one test per word of its reply and more."""

from collections import Counter
from dataclasses import replace

import pytest

from lua.faults import Fenced
from lua.store import Store
from queueing import Joined, JoinRequest, Lane, NotYet, RoomClosed, Rooms
from queueing.keys import JOIN_BUCKETS, join_address
from queueing.rules import EVERYONE
from tests.queueing.conftest import (
    LOBBY_MS,
    OPENS_MS,
    RULES,
    SALE,
    SECOND_LOBBY_MS,
    Unchanged,
    admit,
    another_gateway,
    buyer,
    join,
    open_room,
)

BYTES_PER_WAITING = 64
"""What section 8 of the design allows."""


async def test_newcomers_are_numbered_in_their_order(rooms: Rooms) -> None:
    """joined: numbers begin at 1 and follow the order of the batch, call after call."""
    await open_room(rooms)
    assert [place.number for place in await join(rooms, 5, 3, 9)] == [1, 2, 3]
    assert [place.number for place in await join(rooms, 8, 1)] == [4, 5]


async def test_a_place_names_all_that_binds_it(rooms: Rooms) -> None:
    """joined: the place and its token carry sale, line, lane, number, buyer and the time."""
    await open_room(rooms, lanes=(EVERYONE, Lane("members", 3)))
    [outcome] = await rooms.join(SALE, [JoinRequest("k", buyer(1), lane=1)], now_ms=OPENS_MS)
    assert isinstance(outcome, Joined)
    place = outcome.place
    assert (place.sale, place.drop, place.epoch) == (SALE, 1, 1)
    assert (place.lane, place.number) == (1, 1)
    assert (place.buyer, place.issued_ms) == (buyer(1), OPENS_MS)
    assert rooms.read_place(outcome.place_token, SALE, OPENS_MS) == place
    assert not outcome.replayed


async def test_a_repeated_join_changes_nothing_and_gives_the_same_number(
    rooms: Rooms, store: Store, unchanged: Unchanged
) -> None:
    """again: the same join, through any gateway and beside newcomers, keeps its number for ever."""
    await open_room(rooms)
    [first] = await join(rooms, 1)
    await join(rooms, *range(2, 50))
    async with unchanged():
        request = JoinRequest("key 1", buyer(1))
        [outcome] = await another_gateway(store).join(SALE, [request], now_ms=OPENS_MS)
    assert outcome == Joined(outcome.place_token, first, replayed=True)  # type: ignore[union-attr]
    assert [place.number for place in await join(rooms, 60, 1, 61)] == [50, 1, 51]


async def test_a_buyer_has_one_place_whatever_the_join_key(
    rooms: Rooms, unchanged: Unchanged
) -> None:
    """again: another join key of the same buyer finds the place that is there."""
    await open_room(rooms)
    [first] = await join(rooms, 1)
    async with unchanged():
        [outcome] = await rooms.join(SALE, [JoinRequest("other", buyer(1))], now_ms=OPENS_MS)
    assert isinstance(outcome, Joined)
    assert outcome.replayed
    assert outcome.place == first


async def test_two_buyers_with_one_join_key_have_two_places(rooms: Rooms) -> None:
    """A join key belongs to its buyer: nobody gets another's number by guessing it."""
    await open_room(rooms)
    requests = [JoinRequest("same", buyer(1)), JoinRequest("same", buyer(2))]
    outcomes = await rooms.join(SALE, requests, now_ms=OPENS_MS)
    assert [outcome.place.number for outcome in outcomes if isinstance(outcome, Joined)] == [1, 2]


async def test_one_buyer_twice_in_a_batch_has_one_place(rooms: Rooms) -> None:
    """A record of a batch sees what the earlier ones were given."""
    await open_room(rooms)
    assert [place.number for place in await join(rooms, 1, 1, 2, 1)] == [1, 1, 2, 1]


async def test_who_left_gets_a_new_place_only_by_a_new_key(
    rooms: Rooms, unchanged: Unchanged
) -> None:
    """After leaving, a late copy of the old join gives the old number, a new key the end."""
    await open_room(rooms)
    place, *_ = await join(rooms, 1, 2, 3)
    await rooms.leave(SALE, place)
    async with unchanged():
        [late] = await join(rooms, 1)
    assert late.number == 1
    [outcome] = await rooms.join(SALE, [JoinRequest("new", buyer(1))], now_ms=OPENS_MS)
    assert isinstance(outcome, Joined)
    assert outcome.place.number == 4
    assert not outcome.replayed
    assert [place.number for place in await join(rooms, 1)] == [4]


async def test_more_than_one_script_call_holds_goes_in_several(rooms: Rooms) -> None:
    """A list longer than a batch is joined in order all the same."""
    await open_room(rooms)
    places = await join(rooms, *range(600))
    assert [place.number for place in places] == list(range(1, 601))
    assert await rooms.join(SALE, [], now_ms=OPENS_MS) == []


async def test_nobody_joins_before_the_lobby(rooms: Rooms, unchanged: Unchanged) -> None:
    """early: before the first lobby a join hears when it opens; at that millisecond it is taken."""
    await open_room(rooms)
    async with unchanged():
        request = JoinRequest("k", buyer(1))
        [outcome] = await rooms.join(SALE, [request], now_ms=OPENS_MS - LOBBY_MS - 1)
    assert outcome == NotYet(OPENS_MS - LOBBY_MS)
    assert len(await join(rooms, 1, now_ms=OPENS_MS - LOBBY_MS)) == 1


async def test_a_drained_or_closed_room_takes_no_newcomers(
    rooms: Rooms, unchanged: Unchanged
) -> None:
    """refused: newcomers hear the state, those in line still hear their number."""
    await open_room(rooms)
    await join(rooms, 1)
    for state in ("draining", "closed"):
        await rooms.set_state(SALE, state, now_ms=OPENS_MS)
        async with unchanged():
            requests = [JoinRequest("k", buyer(2)), JoinRequest("k", buyer(1))]
            newcomer, known = await rooms.join(SALE, requests, now_ms=OPENS_MS)
        assert newcomer == RoomClosed(state)
        assert isinstance(known, Joined)
        assert known.replayed


async def test_a_paused_room_takes_newcomers(rooms: Rooms) -> None:
    """A pause stops the line, not its growth."""
    await open_room(rooms)
    await rooms.set_state(SALE, "paused", now_ms=OPENS_MS)
    assert [place.number for place in await join(rooms, 1)] == [1]


async def test_an_unknown_room_takes_nobody(rooms: Rooms, unchanged: Unchanged) -> None:
    """missing: a sale whose room this store does not know gives no places, nor says never."""
    async with unchanged():
        with pytest.raises(Fenced):
            await rooms.join(SALE, [JoinRequest("k", buyer(1))])


async def test_every_drop_has_a_line_of_its_own(rooms: Rooms, store: Store) -> None:
    """moved: from the next drop's lobby on, joins begin at 1 in that drop, in every gateway."""
    await open_room(rooms)
    await join(rooms, 1, 2, 3)
    late = another_gateway(store)
    assert [place.number for place in await join(late, 4)] == [4]
    for gateway, number in ((rooms, 1), (late, 2)):
        [place] = await join(gateway, number + 1, now_ms=SECOND_LOBBY_MS)
        assert (place.drop, place.number) == (2, number)


async def test_a_waiting_shopper_costs_the_store_little(rooms: Rooms, store: Store) -> None:
    """100,000 in line cost at most 64 bytes each, and keys of a bounded number."""
    await open_room(rooms)
    before = await memory(store)
    for first in range(0, 100_000, 10_000):
        requests = [JoinRequest("k", buyer(first + one)) for one in range(10_000)]
        await rooms.join(SALE, requests, now_ms=OPENS_MS)
    assert (await memory(store) - before) / 100_000 <= BYTES_PER_WAITING
    assert await store.read("DBSIZE") <= JOIN_BUCKETS + 4
    assert (await rooms.frame(SALE, OPENS_MS)).joined == 100_000


def test_buyers_fill_the_buckets_evenly() -> None:
    """Of 50 buyers a bucket on average, none gets more than the store packs tightly."""
    filled = Counter(join_address(buyer(one)).bucket for one in range(50 * JOIN_BUCKETS))
    assert max(filled.values()) <= 128


async def test_a_lobby_far_ahead_does_not_outlive_its_joins(rooms: Rooms, store: Store) -> None:
    """The garbage horizon of a join is counted from the opening, not from a join weeks before."""
    day_ms = 24 * 3_600_000
    rules = replace(RULES, lobby_ms=7 * day_ms, openings_ms=(8 * day_ms,))
    await rooms.configure(SALE, rules, "test", now_ms=1)
    await join(rooms, 1, now_ms=day_ms)
    [key] = await store.read("KEYS", f"{{{SALE}:room}}:j:*")
    assert await store.read("TTL", key) > 96 * 24 * 3_600


async def test_every_bucket_of_joins_ends_some_day(rooms: Rooms, store: Store) -> None:
    """Each bucket has its expiry from its first join on, whichever call of many made it."""
    await open_room(rooms)
    for first in range(0, 3000, 100):
        await join(rooms, *range(first, first + 100))
    names = await store.read("KEYS", f"{{{SALE}:room}}:j:*")
    assert len(names) > 2500
    lives = [await store.read("PEXPIRETIME", name) for name in names]
    assert min(lives) > 0
    [kept] = await store.read("KEYS", f"{{{SALE}:room}}:kept:*")
    assert 0 < await store.read("PEXPIRETIME", kept) <= min(lives), "no bucket outlives what tells"


async def test_a_join_that_is_remembered_anew_ends_some_day_too(rooms: Rooms, store: Store) -> None:
    """A bucket that begins with a place that was shown has its expiry as well."""
    await open_room(rooms)
    [place] = await join(rooms, 1)
    [key] = await store.read("KEYS", f"{{{SALE}:room}}:j:*")
    [kept] = await store.read("KEYS", f"{{{SALE}:room}}:kept:*")
    await store.write("DEL", key, kept)
    request = JoinRequest("key 1", buyer(1), shown=place)
    [outcome] = await rooms.join(SALE, [request], now_ms=OPENS_MS)
    assert isinstance(outcome, Joined)
    assert outcome.place == place
    assert await store.read("PEXPIRETIME", key) > 0


async def memory(store: Store) -> int:
    """What the store takes in all, in bytes."""
    lines = (await store.read("INFO", "memory")).decode().splitlines()
    return int(dict(line.split(":", 1) for line in lines if ":" in line)["used_memory"])


async def test_who_left_a_lane_and_shows_it_comes_behind_in_it(rooms: Rooms) -> None:
    """In the lobby too, where the list of that lane is written: the login names another by now."""
    await open_room(rooms, lanes=(EVERYONE, Lane("members", 3)))
    lobby_ms = OPENS_MS - LOBBY_MS
    [outcome] = await rooms.join(SALE, [JoinRequest("k", buyer(1), lane=1)], now_ms=lobby_ms)
    assert isinstance(outcome, Joined)
    await rooms.leave(SALE, outcome.place, now_ms=lobby_ms)
    request = JoinRequest("another key", buyer(1), shown=outcome.place)
    [outcome] = await rooms.join(SALE, [request], now_ms=lobby_ms)
    assert isinstance(outcome, Joined)
    assert (outcome.place.lane, outcome.place.number) == (1, 2)


async def test_who_left_gets_a_new_place_also_when_the_old_one_is_shown(rooms: Rooms) -> None:
    """An app that shows its last place with every join is not locked out of the line."""
    await open_room(rooms)
    [place] = await join(rooms, 1)
    await rooms.leave(SALE, place, now_ms=OPENS_MS)
    request = JoinRequest("another key", buyer(1), shown=place)
    [outcome] = await rooms.join(SALE, [request], now_ms=OPENS_MS)
    assert isinstance(outcome, Joined)
    assert outcome.place.number == 2
    await rooms.pump(SALE, None, now_ms=OPENS_MS)
    await admit(rooms, outcome.place)


async def test_a_number_that_is_shown_is_not_given_to_somebody_before_it_in_the_batch(
    rooms: Rooms, store: Store
) -> None:
    """A line that was forgotten goes on behind every number that a batch shows."""
    await open_room(rooms)
    *_, last = await join(rooms, 1, 2, 3)
    for name in await store.read("KEYS", f"{{{SALE}:room}}:[jkl]*"):
        await store.write("DEL", name)
    requests = [JoinRequest("k", buyer(9)), JoinRequest("key 3", buyer(3), shown=last)]
    outcomes = await rooms.join(SALE, requests, now_ms=OPENS_MS)
    assert [one.place.number for one in outcomes if isinstance(one, Joined)] == [4, 3]
