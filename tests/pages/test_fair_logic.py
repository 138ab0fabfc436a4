"""The pure parts of the page that draws again, in the browser: they compute as everybody does."""

import hmac
import re
from hashlib import sha256

import pytest
from playwright.async_api import Page

from gateway.site import PAGES
from queueing.draw import permutation
from tests.pages.test_shop_logic import ORIGIN, page as page  # noqa: PLC0414  # a fixture


@pytest.mark.parametrize("registered", [1, 2, 3, 37, 4_096, 100_003])
async def test_the_browser_draws_as_the_gateway_does(page: Page, registered: int) -> None:
    """Every turn of a small draw, and some of a large one, are those of queueing."""
    seed, lane = sha256(str(registered).encode()).digest(), registered % 8
    numbers = {*range(1, min(registered, 500) + 1), registered}
    turns = permutation(seed, lane, registered)
    told = await page.evaluate(
        "async ([from, seed, lane, n, numbers]) => {"
        "const m = await import(from); return numbers.map(m.permutation(seed, lane, n)); }",
        [f"{ORIGIN}fair/draw.js", seed.hex(), lane, registered, sorted(numbers)],
    )
    assert told == [turns.turn(number) for number in sorted(numbers)]


async def test_the_browser_hashes_as_everybody_does(page: Page) -> None:
    """Digests of every length around the blocks, of keys too, are those of hashlib."""
    texts = [bytes(range(256))[:length] for length in (*range(0, 130), 256)]
    told = await page.evaluate(
        "async ([from, texts]) => { const m = await import(`${from}fair/sha256.js`);"
        "const { hex, unhex } = await import(`${from}fair/draw.js`); return texts.map(unhex)"
        ".map((one) => [hex(m.sha256(one)), hex(m.hmac(one, one))]); }",
        [ORIGIN, [one.hex() for one in texts]],
    )
    assert told == [
        [sha256(one).hexdigest(), hmac.digest(one, one, "sha256").hex()] for one in texts
    ]


def test_the_colours_without_scripts_are_those_with() -> None:
    """Both name the same dark colours."""
    base, plain = ((PAGES / "common" / name).read_text() for name in ("base.css", "plain.css"))
    dark = base[base.index('[data-theme="dark"]') :].partition("}")[0]
    colours = re.compile(r"(--(?!series)[\w-]+): ([^;]+);")
    assert colours.findall(dark) == colours.findall(plain) != []
