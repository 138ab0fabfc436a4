"""queueing.proof: an honest draw passes, every kind of forgery is found and named."""

from dataclasses import replace
from hashlib import sha256

import pytest
from msgspec.structs import replace as changed

from queueing.draw import LEAF_BYTES, UNKNOWN_LEAF, commitment, digest_of, seed_of
from queueing.fairness import Fairness, Vector
from queueing.proof import Finding, against, turn_of_key, verify
from tests.queueing.drawn import (
    BEACON,
    LINE,
    OPENS_MS,
    a_list,
    document,
    join_key,
    lane_list,
    round_of,
)

LISTS = {0: a_list(0, 5_000), 1: a_list(1, 7), 2: b""}
HONEST = document(LISTS, BEACON)


def broken(draw: Fairness, lists: dict[int, bytes] = LISTS) -> str:
    """What is found broken; "" when nothing is."""
    found = list(verify(draw, lists))
    assert all(one.grade != "broken" for one in found[:-1]), "it ends at the first thing broken"
    return found[-1].what if found[-1].grade == "broken" else ""


def without_seed(draw: Fairness) -> Fairness:
    """The document as it was when the list was fixed and the round not there yet."""
    return changed(
        draw, state="fixed", beacon_outcome="awaited", randomness="", signature="", secret="",
        seed="", revealed_at_ms=0, vectors=[], at_ms=draw.fixed_at_ms + 50,
    )  # fmt: skip


def growing(draw: Fairness, chunks: int = 1) -> Fairness:
    """The document as it was in the lobby, when the first lane had so many whole pieces."""
    early = lane_list("lane 0", 0, LISTS[0][: chunks * 4_096 * LEAF_BYTES])
    return changed(
        without_seed(draw), state="committed", digest="", fixed_at_ms=0, round=0, round_at_ms=0,
        lanes=[changed(early, registered=4_500)], at_ms=OPENS_MS - 1_000,
    )  # fmt: skip


@pytest.mark.parametrize("beacon", [None, BEACON])
def test_an_honest_draw_passes(beacon: object) -> None:
    """With a beacon and without, nothing is found against an honest draw."""
    draw = document(LISTS, BEACON if beacon else None)
    assert broken(draw) == ""
    assert any("5000 has a turn of its own" in one.what for one in verify(draw, LISTS))


def test_a_draw_that_is_not_revealed_is_checked_as_far_as_it_goes() -> None:
    """In the lobby and before the round the lists are checked, and nothing is claimed beyond."""
    for draw in (growing(HONEST), without_seed(HONEST)):
        found = list(verify(draw, LISTS))
        assert (found[-1].grade, broken(draw)) == ("remark", "")


def test_a_list_with_one_place_changed_is_found() -> None:
    """Nobody can be exchanged, moved, added or taken out after the digest was published."""
    leaves = LISTS[0]
    swapped = leaves[16:32] + leaves[:16] + leaves[32:]
    exchanged = sha256(b"a friend").digest()[:16] + leaves[16:]
    for forged in (swapped, exchanged):
        assert "the list is not the one that was published" in broken(HONEST, LISTS | {0: forged})
    assert "5001 leaves, not 5000" in broken(HONEST, LISTS | {0: leaves + leaves[:16]})
    assert "4999 leaves, not 5000" in broken(HONEST, LISTS | {0: leaves[16:]})
    assert "0 leaves, not 7" in broken(HONEST, {0: leaves})


def test_a_list_that_was_exchanged_with_its_lane_digest_is_found() -> None:
    """Whoever changes the lane's digest along with the list has to change the digest of all."""
    forged = a_list(0, 4_999) + sha256(b"a friend").digest()[:16]
    lanes = [lane_list("lane 0", 0, forged), *HONEST.lanes[1:]]
    assert "digest of all lanes" in broken(changed(HONEST, lanes=lanes), LISTS | {0: forged})


def test_an_operator_who_draws_again_with_another_list_is_caught_by_a_kept_copy() -> None:
    """The cheater makes a perfect document of another list; the digest somebody kept is another."""
    forged = LISTS | {1: a_list(1, 6) + sha256(b"a friend").digest()[:16]}
    cheat = document(forged, BEACON)
    assert broken(cheat, forged) == "", "by itself it looks honest"
    told = list(against(cheat, forged, without_seed(HONEST)))
    assert [one.grade for one in told] == ["broken"]
    assert "digest was" in told[0].what
    assert list(against(HONEST, LISTS, without_seed(HONEST))) == []


def test_a_list_that_was_changed_while_it_grew_is_caught_by_a_kept_copy() -> None:
    """The digests of the lobby bind the first pieces before the list is fixed."""
    assert list(against(HONEST, LISTS, growing(HONEST))) == []
    forged = LISTS | {0: sha256(b"a friend").digest()[:16] + LISTS[0][16:]}
    told = list(against(document(forged, BEACON), forged, growing(HONEST)))
    assert "the list was another" in told[0].what


def test_a_list_that_was_fixed_after_the_round_is_caught_by_a_kept_copy() -> None:
    """Whoever fixes the list when the beacon's value is known has no digest to show before."""
    late = changed(growing(HONEST), at_ms=HONEST.round_at_ms + 1)
    told = list(against(HONEST, LISTS, late))
    assert "the list not fixed yet" in told[0].what


def test_another_secret_is_found() -> None:
    """A secret chosen after the list does not fit the commitment."""
    secret = b"\7" * 32
    seed = seed_of(secret, LINE, bytes.fromhex(HONEST.digest), bytes.fromhex(HONEST.randomness))
    forged = changed(HONEST, secret=secret.hex(), seed=seed.hex())
    assert "the secret or the beacon is not the one" in broken(forged)
    remade = changed(forged, commitment=commitment(secret, LINE, HONEST.beacon).hex())
    told = list(against(remade, LISTS, growing(HONEST)))
    assert "commitment was" in told[0].what


def test_another_beacon_or_none_is_found() -> None:
    """The beacon was committed to: it is neither exchanged nor left out without a word."""
    other = replace(BEACON, url="https://mine.example")
    assert "commitment" in broken(changed(HONEST, beacon=other.terms))
    plain = document(LISTS)
    assert "commitment" in broken(changed(plain, beacon=BEACON.terms))
    silent = changed(HONEST, beacon_outcome="none")
    assert "does without a word" in broken(silent)


def test_a_value_that_is_not_the_rounds_is_found() -> None:
    """Randomness that is no hash of the signature, another round, and a seed without it."""
    assert "SHA-256 of its signature" in broken(changed(HONEST, randomness="00" * 32))
    later = round_of(HONEST.round + 1)
    chosen = changed(
        HONEST, round=later.number, randomness=later.randomness, signature=later.signature
    )
    assert "a later one was chosen" in broken(chosen)
    assert "yet has a value" in broken(changed(HONEST, beacon_outcome="unanswered"))
    assert "still awaited" in broken(changed(HONEST, beacon_outcome="awaited"))


def test_a_seed_that_was_chosen_is_found() -> None:
    """The seed is nothing but what follows."""
    assert "not made from what was published" in broken(changed(HONEST, seed="11" * 32))


def test_turns_that_are_not_the_seeds_are_found() -> None:
    """A document that shows other turns than the seed gives is refused, also beyond the list."""
    first = HONEST.vectors[0]
    assert "has turn" in broken(changed(HONEST, vectors=[changed(first, turn=first.turn + 1)]))
    for vector in (Vector(lane=9, number=1, turn=1), Vector(lane=1, number=8, turn=1)):
        assert "to be drawn" in broken(changed(HONEST, vectors=[vector]))


@pytest.mark.parametrize("name", ["commitment", "digest", "secret", "seed", "signature"])
def test_a_damaged_document_is_refused_in_words(name: str) -> None:
    """What is not hexadecimal is named; no exception reaches whoever checks."""
    for junk in ("zz", "abc", "AB" * 32):
        assert broken(changed(HONEST, **{name: junk})) == f"{name} is not hexadecimal"
    assert "algorithm" in broken(changed(HONEST, algorithm="dropgate-draw-0"))
    assert "no list was fixed" in broken(changed(HONEST, digest=""))


def test_lost_leaves_are_told_and_cannot_be_hidden() -> None:
    """A list that a store lost in part is a remark, if the document says so, else a forgery."""
    holed = {0: UNKNOWN_LEAF * 3 + a_list(0, 10)[48:]}
    draw = document(holed)
    assert any(one.grade == "remark" and "3 leaves" in one.what for one in verify(draw, holed))
    assert "the leaves of 3 numbers" in " ".join(draw.remarks)
    hidden = changed(draw, lanes=[changed(draw.lanes[0], unknown=0)])
    assert "3 leaves are lost, not as told" in broken(hidden, holed)


def test_a_late_commitment_is_a_remark() -> None:
    """A commitment that came after the lobby had opened is told, by document and checker."""
    late = changed(HONEST, committed_at_ms=HONEST.lobby_at_ms + 250).explained()
    assert Finding("remark", "the commitment was published only after the lobby had opened") in (
        list(verify(late, LISTS))
    )
    assert any("250 ms after the lobby had opened" in one for one in late.remarks)


def test_every_outcome_says_who_could_have_steered() -> None:
    """The document says openly what the operator could have done, with each outcome otherwise."""
    said = {
        outcome: changed(HONEST, beacon_outcome=outcome).explained().remarks[0]
        for outcome in ("none", "awaited", "used", "unanswered")
    }
    assert len(set(said.values())) == 4
    assert all("operator" in said[outcome] for outcome in ("none", "awaited", "unanswered"))
    assert "Nobody could steer the order" in said["used"]


def test_a_shopper_finds_itself_by_its_join_key() -> None:
    """Lane, number and turn from the key alone; a stranger's key is not listed."""
    found = turn_of_key(HONEST, LISTS, join_key(1, 4))
    assert found is not None
    lane, number, turn = found
    told = [one for one in HONEST.vectors if (one.lane, one.number) == (1, 4)]
    assert (lane, number, [turn]) == (1, 4, [one.turn for one in told])
    assert turn_of_key(HONEST, LISTS, "a stranger") is None
    assert turn_of_key(without_seed(HONEST), LISTS, join_key(0, 9)) == (0, 9, 0)


def test_the_digest_of_all_lanes_has_their_lengths_in_it() -> None:
    """Two lists of other lengths never have one digest, whatever their lanes' digests are."""
    one = bytes(32)
    assert digest_of([(1, one), (2, one)]) != digest_of([(2, one), (1, one)])
