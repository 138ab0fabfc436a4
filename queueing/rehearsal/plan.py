"""The plan of a rehearsal: the room's rules, and what its crowd is like."""

from dataclasses import dataclass

OPENS_MS = 1_700_000_000_000
"""The opening, by the rehearsal's own clock."""
SHORTEST_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A line of `shoppers`: the share `early` comes in the lobby, the rest within `arriving_s`.

    Both are, when -1, as long as suits the line: 600 and 900 s for 200,000 at 100 a second.

    `no_shows` are shares of who is gone when called, one for each equal part of the line, in its
    order. Who comes stays inside for some `visit_s`; the share `stays` until the pass ends. The
    share `sleepy` looks late (a phone in a pocket), some `sleepy_s` after it could have known.
    """

    shoppers: int = 200_000
    rate_per_s: float = 100.0
    burst: int = 100
    active_max: int = 0
    pass_s: int = 120
    lobby_s: int = -1
    early: float = 0.6
    arriving_s: int = -1
    no_shows: tuple[float, ...] = (0.2, 0.7, 0.05)
    visit_s: float = 40.0
    stays: float = 0.1
    sleepy: float = 0.05
    sleepy_s: float = 20.0
    seed: int = 1

    def __post_init__(self) -> None:
        shares = (*self.no_shows, self.early, self.stays, self.sleepy)
        if not self.no_shows or not all(0 <= share <= 1 for share in shares):
            raise ValueError("shares of a crowd are between 0 and 1")
        if self.shoppers < 1 or self.rate_per_s <= 0:
            raise ValueError("a rehearsal needs shoppers, and a rate above 0")
        for name, share in (("lobby_s", 0.3), ("arriving_s", 0.45)):
            if getattr(self, name) < 0:
                suits_s = max(SHORTEST_S, round(share * self.shoppers / self.rate_per_s))
                object.__setattr__(self, name, suits_s)

    def gone(self, turn: int) -> float:
        """The share of no-shows among those who are called about this turn."""
        part = (turn - 1) * len(self.no_shows) // self.shoppers
        return self.no_shows[min(part, len(self.no_shows) - 1)]

    @property
    def patience_ms(self) -> int:
        """When the play is ended whatever happens: thrice what the line takes if all come."""
        return int(1000 * (3 * self.shoppers / self.rate_per_s + self.arriving_s + 600))
