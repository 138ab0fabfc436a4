"""examples/verify_draw.py: the stand-alone script agrees with ours, and is short enough to read."""

import ast
import subprocess
import sys
from hashlib import shake_256
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace as changed

from queueing.draw import LEAF_BYTES, DrawnLine, permutation, seed_of
from queueing.fairness import Fairness
from tests.house.sources import HOUSE
from tests.queueing.drawn import BEACON, a_list, document

SCRIPT = HOUSE / "examples" / "verify_draw.py"
MILLION = 1_000_000


def checked(
    folder: Path, draw: Fairness, lists: dict[int, bytes], *words: str
) -> subprocess.CompletedProcess[str]:
    """What the script says of a document and its lists, run as a stranger runs it."""
    document_file = folder / "fairness.json"
    document_file.write_bytes(msgspec.json.encode(draw))
    names = []
    for lane, leaves in lists.items():
        names.append(folder / f"list.{lane}")
        names[-1].write_bytes(leaves)
    return subprocess.run(
        [sys.executable, "-I", SCRIPT, *words, document_file, *names],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip


def test_it_is_short_and_needs_nothing_but_python() -> None:
    """At most 60 lines, and every import is of the standard library."""
    text = SCRIPT.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    for node in ast.walk(ast.parse(text)):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert all(name in sys.stdlib_module_names for name in names)


@pytest.mark.parametrize("with_beacon", [False, True])
def test_it_finds_the_same_turns_in_every_lane(tmp_path: Path, *, with_beacon: bool) -> None:
    """Lanes of one, two, none, odd and large size: number for number what ours says."""
    lists = {lane: a_list(lane, size) for lane, size in enumerate((1, 2, 0, 4_097, 601))}
    draw = document(lists, BEACON if with_beacon else None)
    told = checked(tmp_path, draw, lists, "--turns")
    assert told.returncode == 0, told.stderr
    seed = bytes.fromhex(draw.seed)
    assert told.stdout.splitlines() == [
        f"{lane} {number} {permutation(seed, lane, one.registered).turn(number)}"
        for lane, one in enumerate(draw.lanes)
        for number in range(1, one.registered + 1)
    ]


def test_a_draw_without_the_beacon_that_was_announced_is_named(tmp_path: Path) -> None:
    """A beacon that is said not to have answered is no forgery, and no proof either."""
    lists = {0: a_list(0, 300)}
    draw = document(lists, BEACON)
    line = DrawnLine(draw.sale, draw.drop, draw.epoch)
    seed = seed_of(bytes.fromhex(draw.secret), line, bytes.fromhex(draw.digest), b"")
    left_out = changed(draw, signature="", randomness="", seed=seed.hex())
    told = checked(tmp_path, left_out, lists)
    assert told.returncode == 0, told.stderr
    assert "MADE WITHOUT ITS BEACON" in told.stderr
    assert "MADE WITHOUT" not in checked(tmp_path, draw, lists).stderr


def test_a_million_places_are_verified_one_by_one(tmp_path: Path) -> None:
    """Of a million shoppers the script finds for each the turn that ours gave."""
    lists = {0: shake_256(b"a million").digest(MILLION * LEAF_BYTES)}
    draw = document(lists, BEACON)
    told = checked(tmp_path, draw, lists, "--turns")
    assert told.returncode == 0, told.stderr
    turn = permutation(bytes.fromhex(draw.seed), 0, MILLION).turn
    ours = "".join(f"0 {number} {turn(number)}\n" for number in range(1, MILLION + 1))
    assert told.stdout == ours


def test_it_finds_each_forgery(tmp_path: Path) -> None:
    """List, digest, secret, beacon and seed: each is named when it was changed afterwards."""
    lists = {0: a_list(0, 300)}
    draw = document(lists, BEACON)
    other = "11" * 32
    for word, forged, leaves in (
        ("length", draw, lists[0][16:]),
        ("list", draw, lists[0][16:] + lists[0][:16]),
        ("list", changed(draw, digest=other), lists[0]),
        ("commitment", changed(draw, secret=other), lists[0]),
        ("commitment", changed(draw, commitment=other), lists[0]),
        ("beacon", changed(draw, randomness=other), lists[0]),
        ("round", changed(draw, round=draw.round + 1), lists[0]),
        ("round", changed(draw, fixed_at_ms=draw.fixed_at_ms + 60_000), lists[0]),
        ("seed", changed(draw, seed=other), lists[0]),
    ):
        told = checked(tmp_path, forged, {0: leaves})
        assert told.returncode == 1, word
        assert told.stderr.splitlines()[-1].startswith(word)
        assert "WRONG" in told.stderr
