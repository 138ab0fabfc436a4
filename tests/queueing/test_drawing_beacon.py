"""queueing.drawing with a beacon: nobody can steer the order, and leaving it out is told."""

from msgspec.structs import replace as changed

from queueing import Rooms, verify
from queueing.draw import secret_of, seed_of
from tests.queueing.conftest import DRAW_KEY, OPENS_MS, SALE, join, open_room
from tests.queueing.drawn import round_of
from tests.queueing.drawn_room import BEACON, IN_LOBBY, LINE, document, lists, look


async def test_a_seed_waits_for_the_beacons_round(rooms: Rooms) -> None:
    """With a beacon the list is fixed before the round exists, and nothing is drawn without it."""
    await open_room(rooms)
    await join(rooms, *range(40), now_ms=IN_LOBBY)
    await rooms.drawing.commit(LINE, BEACON, 1)
    waiting = await rooms.drawing.go_on(LINE, None, OPENS_MS + 200)
    assert waiting is not None
    assert (waiting.state, waiting.seed) == ("fixed", "")
    number = BEACON.round_for(waiting.fixed_ms)
    assert BEACON.at_ms(number) > waiting.fixed_ms == OPENS_MS + 200
    assert (await rooms.frame(SALE, now_ms=OPENS_MS + 900)).reason == "draw"
    assert await rooms.drawing.reveal(waiting, "used", round_of(number), OPENS_MS + 5_000)
    told = await document(rooms, OPENS_MS + 5_000)
    assert (told.beacon_outcome, told.round) == ("used", number)


async def test_who_tries_lists_for_a_good_order_cannot_with_a_beacon(rooms: Rooms) -> None:
    """The cheater knows the secret and joins last: the order it counts on is not the one drawn."""
    await open_room(rooms)
    await join(rooms, *range(40), now_ms=IN_LOBBY)
    await rooms.drawing.commit(LINE, BEACON, 1)
    fixed = await rooms.drawing.go_on(LINE, None, OPENS_MS)
    assert fixed is not None
    secret = secret_of(DRAW_KEY, LINE)
    counted_on = seed_of(secret, LINE, bytes.fromhex(fixed.digest), b"")
    number = BEACON.round_for(fixed.fixed_ms)
    assert await rooms.drawing.reveal(fixed, "used", round_of(number), OPENS_MS + 6_000)
    told = await document(rooms, OPENS_MS + 6_000)
    assert told.seed != counted_on.hex()
    # An earlier round, which was known before the list was fixed, is no way out:
    known = round_of(number - 2)
    seed = seed_of(secret, LINE, bytes.fromhex(told.digest), bytes.fromhex(known.randomness))
    cheat = changed(
        told, round=known.number, randomness=known.randomness, signature=known.signature,
        seed=seed.hex(), vectors=[],
    )  # fmt: skip
    found = list(verify(cheat, await lists(rooms, await look(rooms, OPENS_MS + 6_000))))
    assert "an earlier round was known before" in found[-1].what


async def test_a_beacon_that_is_left_out_is_told(rooms: Rooms) -> None:
    """unanswered: the draw is made without it, and the document says so and what it means."""
    await open_room(rooms)
    await join(rooms, *range(4), now_ms=IN_LOBBY)
    await rooms.drawing.commit(LINE, BEACON, 1)
    fixed = await rooms.drawing.go_on(LINE, None, OPENS_MS)
    assert fixed is not None
    assert await rooms.drawing.reveal(fixed, "unanswered", None, OPENS_MS + 30_000)
    told = await document(rooms, OPENS_MS + 30_000)
    assert (told.beacon_outcome, told.randomness) == ("unanswered", "")
    assert any("without the beacon" in one for one in told.remarks)
    assert told.round == BEACON.round_for(fixed.fixed_ms)
