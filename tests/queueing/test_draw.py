"""queueing.draw: the permutation is a bijection of every size, and even."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from math import factorial, isqrt, sqrt

import pytest

from queueing.draw import ROUNDS, Permutation, permutation, turn_of

SEED = bytes(range(32))
Turns = Callable[[bytes, int], list[int]]


def turns(seed: bytes, n: int) -> list[int]:
    """The turns of the numbers 1..n."""
    drawn = Permutation(seed, 0, n)
    return [drawn.turn(number) for number in range(1, n + 1)]


def seeds(count: int) -> Iterator[bytes]:
    """So many seeds, the same in every run."""
    chance = random.Random(38)
    return (chance.randbytes(32) for _ in range(count))


def test_every_size_up_to_600_is_a_bijection() -> None:
    """Each of 1..n has one turn of 1..n, whatever n is."""
    for n in range(1, 601):
        assert sorted(turns(SEED, n)) == list(range(1, n + 1)), n


@pytest.mark.parametrize("n", [1_023, 1_024, 1_025, 4_096, 9_973, 20_011, 65_537, 99_856])
def test_large_sizes_are_bijections(n: int) -> None:
    """So it is for large n: primes, squares, and one beside a power of two."""
    assert sorted(turns(SEED, n)) == list(range(1, n + 1))


def test_random_sizes_are_bijections() -> None:
    """And for sizes that nobody has chosen."""
    chance = random.Random(2014)
    for _ in range(8):
        n, seed = chance.randrange(600, 30_000), chance.randbytes(32)
        assert sorted(turns(seed, n)) == list(range(1, n + 1)), (n, seed.hex())


def test_lane_size_and_seed_each_make_another_order() -> None:
    """Two lanes, two sizes or two seeds do not share an order."""
    numbers = range(1, 101)
    orders = {
        tuple(one.turn(number) for number in numbers)
        for one in (
            Permutation(SEED, 0, 100),
            Permutation(SEED, 1, 100),
            Permutation(SEED, 0, 101),
            Permutation(SEED[::-1], 0, 100),
        )
    }
    assert len(orders) == 4


def unevenness(order: Turns, n: int, draws: int) -> float:
    """The chi-square of who gets which turn over many seeds, in standard deviations from its mean.

    Rows and columns of the table are fixed sums, so it has (n - 1)^2 degrees of freedom.
    """
    counted = [[0] * n for _ in range(n)]
    for seed in seeds(draws):
        for number, turn in enumerate(order(seed, n)):
            counted[number][turn - 1] += 1
    expected = draws / n
    chi_square = sum((one - expected) ** 2 / expected for row in counted for one in row)
    degrees = (n - 1) ** 2
    return (chi_square * (n - 1) / n - degrees) / sqrt(2 * degrees) if n > 1 else 0.0


def spearman(order: Turns, n: int, seed: bytes) -> float:
    """How much the turns follow the numbers, in standard deviations: about normal(0, 1)."""
    apart = sum((turn - number) ** 2 for number, turn in enumerate(order(seed, n), start=1))
    return (1 - 6 * apart / (n * (n * n - 1))) * sqrt(n - 1)


BOUND = 4.5
"""A right permutation crosses it once in 100,000 runs with other seeds; these are fixed."""


@pytest.mark.parametrize("n", [2, 3, 5, 7, 12, 31])
def test_each_number_gets_each_turn_equally_often(n: int) -> None:
    """Over many seeds, who joined when says nothing about the turn, for small lines as well."""
    assert abs(unevenness(turns, n, draws=2_000)) < BOUND


def test_the_turns_do_not_follow_the_numbers() -> None:
    """In a large line rank correlation and the neighbours' distances are those of pure chance."""
    for seed in seeds(5):
        assert abs(spearman(turns, 20_011, seed)) < BOUND
        drawn = turns(seed, 20_011)
        near = sum(abs(a - b) <= 20 for a, b in pairwise(drawn))
        expected = 2 * 20  # a pair is within 20 of each other with a chance of 40 in 20,011
        assert abs(near - expected) / sqrt(expected) < BOUND


def rotated(seed: bytes, n: int) -> list[int]:
    """A broken permutation: the line is only cut somewhere and turned round."""
    shift = int.from_bytes(seed, "big") % n
    return [(number + shift) % n + 1 for number in range(n)]


def too_few_rounds(seed: bytes, n: int) -> list[int]:
    """Another one: the same network with two rounds; each number is even by itself at 3 x 3."""
    drawn = Permutation(seed, 0, n)
    drawn._pairs = drawn._pairs[:1]
    return [drawn.turn(number) for number in range(1, n + 1)]


def favouring(seed: bytes, n: int) -> list[int]:
    """A third one: in one draw of ten the first who came is put first."""
    drawn = turns(seed, n)
    if seed[0] < 26:
        held = drawn.index(1)
        drawn[0], drawn[held] = 1, drawn[0]
    return drawn


def test_broken_permutations_are_found() -> None:
    """The bounds are not so wide that a permutation which favours anybody would pass."""
    assert abs(unevenness(favouring, 7, draws=2_000)) > BOUND
    assert abs(unevenness(too_few_rounds, 7, draws=2_000)) > BOUND
    assert any(abs(spearman(rotated, 20_011, seed)) > BOUND for seed in seeds(5))


def distance_to_uniform(n: int, rounds: int) -> float:
    """The exact distance of the orders' distribution to the uniform one, if SHA-256 is chance.

    All functions of each round are tried out, so this is for very small n.
    """
    a = isqrt(n - 1) + 1
    b = -(-n // a)
    lefts = [
        tuple((x + f[y]) % a * b + y for x in range(a) for y in range(b))
        for f in product(range(a), repeat=b)
    ]
    rights = [
        tuple(x * b + (y + f[x]) % b for x in range(a) for y in range(b))
        for f in product(range(b), repeat=a)
    ]
    now = {tuple(range(a * b)): 1.0}
    for number in range(rounds):
        moves = rights if number % 2 else lefts
        after: dict[tuple[int, ...], float] = defaultdict(float)
        for order, share in now.items():
            for move in moves:
                after[tuple(move[place] for place in order)] += share / len(moves)
        now = after
    walked: dict[tuple[int, ...], float] = defaultdict(float)
    for order, share in now.items():
        walked[tuple(_walked(order, place, n) for place in range(n))] += share
    even = 1 / factorial(n)
    never = factorial(n) - len(walked)
    return (sum(abs(share - even) for share in walked.values()) + never * even) / 2


def _walked(order: tuple[int, ...], place: int, n: int) -> int:
    place = order[place]
    while place >= n:
        place = order[place]
    return place


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_so_many_rounds_leave_nothing_to_see_in_small_lines(n: int) -> None:
    """With the rounds that are made, every order of n is as likely as every other to 1e-9."""
    assert distance_to_uniform(n, ROUNDS) < 1e-9


def test_ten_rounds_would_not_be_enough() -> None:
    """The usual ten rounds leave five per cent to a line of six: hence more."""
    assert distance_to_uniform(6, 10) > 0.04


def test_who_came_after_the_opening_is_served_by_number() -> None:
    """A number beyond those drawn is its own turn, with a seed and without."""
    assert turn_of("", 0, 10, 11) == 11
    assert turn_of(SEED.hex(), 0, 10, 11) == 11
    assert turn_of("", 0, 0, 1) == 1


def test_nobody_who_was_registered_has_a_turn_before_the_seed() -> None:
    """Without the seed the answer is: not yet; with it, the permutation's."""
    assert turn_of("", 0, 10, 10) is None
    assert turn_of(SEED.hex(), 3, 10, 10) == permutation(SEED, 3, 10).turn(10)
