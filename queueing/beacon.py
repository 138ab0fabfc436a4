"""The beacon: an outside source of chance that neither operator nor shoppers can choose.

Here belong its terms, the rule that says which round is used, and what can be checked of an answer.
Asking it is the gateway's. The form is drand's: rounds of a fixed period, each with a signature and
a `randomness` that is the signature's SHA-256. The signature itself (BLS12-381) is not checked:
what is checked is that the round is the right one and the two values fit. So a false value is found
by whoever asks any relay of the same beacon for that round again, which anybody can at any time.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Self

DELAY_MAX_MS = 60_000
WAIT_MAX_MS = 600_000
_URL_MAX = 200


class BadBeacon(ValueError):
    """Terms that cannot be, or an answer that is not the round's; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beacon:
    """Where a beacon is, when its rounds come, and which round a draw uses. Raises BadBeacon.

    `chain` is its chain hash, hexadecimal. The first round at or after `delay_ms` from the fixing
    of the list is used; if it cannot be had within `wait_ms` more, the draw is made without it.
    """

    url: str
    chain: str
    genesis_ms: int
    period_ms: int
    delay_ms: int = 3_000
    wait_ms: int = 30_000

    def __post_init__(self) -> None:
        if not (self.url.startswith(("https://", "http://")) and len(self.url) <= _URL_MAX):
            raise BadBeacon("the beacon's url must be http(s), of at most 200 characters")
        if not self.url.isprintable() or "|" in self.url or " " in self.url:
            raise BadBeacon("the beacon's url has characters that a url has not")
        if len(_hex(self.chain, "chain")) != 32:
            raise BadBeacon("the beacon's chain hash has 64 hexadecimal digits")
        if not (self.genesis_ms >= 0 and 1_000 <= self.period_ms <= 3_600_000):
            raise BadBeacon("the beacon's rounds come every 1 s to 1 h from its genesis on")
        if not (1_000 <= self.delay_ms <= DELAY_MAX_MS):
            raise BadBeacon(f"the beacon's delay must be 1,000 to {DELAY_MAX_MS} ms")
        if not (1_000 <= self.wait_ms <= WAIT_MAX_MS):
            raise BadBeacon(f"the beacon's wait must be 1,000 to {WAIT_MAX_MS} ms")

    @property
    def terms(self) -> str:
        """All of it as one text: it is committed to, and cannot be changed afterwards."""
        times = (self.genesis_ms, self.period_ms, self.delay_ms, self.wait_ms)
        return " ".join((self.url.rstrip("/"), self.chain, *map(str, times)))

    @classmethod
    def of(cls, terms: str) -> Self:
        """The beacon of a text that `terms` made. Raises BadBeacon."""
        match terms.split(" "):
            case [url, chain, *times] if len(times) == 4 and all(map(str.isdecimal, times)):
                genesis_ms, period_ms, delay_ms, wait_ms = map(int, times)
                return cls(
                    url=url,
                    chain=chain,
                    genesis_ms=genesis_ms,
                    period_ms=period_ms,
                    delay_ms=delay_ms,
                    wait_ms=wait_ms,
                )
            case _:
                raise BadBeacon(f"no terms of a beacon: {terms!r}")

    def round_for(self, fixed_ms: int) -> int:
        """The round that a list fixed at that time is drawn with: none that could be known then."""
        earliest_ms = max(fixed_ms + self.delay_ms, self.genesis_ms)
        return -(-(earliest_ms - self.genesis_ms) // self.period_ms) + 1

    def at_ms(self, number: int) -> int:
        """When a round comes."""
        return self.genesis_ms + (number - 1) * self.period_ms

    def given_up_ms(self, fixed_ms: int) -> int:
        """From when on the draw of a list fixed at that time is made without it."""
        return self.at_ms(self.round_for(fixed_ms)) + self.wait_ms

    def address(self, number: int) -> str:
        """Where a round is told."""
        return f"{self.url.rstrip('/')}/{self.chain}/public/{number}"


@dataclass(frozen=True, slots=True)
class Round:
    """One round as the beacon told it, both values hexadecimal. Raises BadBeacon."""

    number: int
    randomness: str
    signature: str

    def __post_init__(self) -> None:
        if len(_hex(self.randomness, "randomness")) != 32:
            raise BadBeacon("a round's randomness has 32 bytes")
        if sha256(_hex(self.signature, "signature")).hexdigest() != self.randomness:
            raise BadBeacon("a round's randomness is the SHA-256 of its signature, and this is not")


def _hex(text: str, what: str) -> bytes:
    try:
        raw = bytes.fromhex(text)
    except ValueError as error:
        raise BadBeacon(f"the beacon's {what} is not hexadecimal") from error
    if raw.hex() != text:
        raise BadBeacon(f"the beacon's {what} is not in lower case without spaces")
    return raw
