"""The record of a draw: what the store has written of it, as a value.

Here belong its fields, how far it is, and reading it from the script's reply. Its steps are in
drawing.
"""

from dataclasses import dataclass
from typing import Any

from queueing.beacon import Beacon
from queueing.draw import DrawnLine
from queueing.fairness import BeaconOutcome, DrawState


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What the store has of a line's draw. Digests are hexadecimal, "" while they are not there.

    `is_on`: the line is the one that is on; `lanes` their names; `registered` of each lane, final
    once the drop has opened; `kept` of these the lists have; `lists` of each lane digest and
    unknown leaves, once fixed.
    """

    line: DrawnLine
    is_on: bool
    now_ms: int
    lobby_ms: int
    opens_ms: int
    lanes: tuple[str, ...]
    registered: tuple[int, ...]
    kept: tuple[int, ...]
    commitment: str
    committed_ms: int
    beacon: str
    digest: str
    lists: tuple[tuple[str, int], ...]
    fixed_ms: int
    outcome: str
    round: int
    randomness: str
    signature: str
    secret: str
    seed: str
    revealed_ms: int

    @property
    def state(self) -> DrawState:
        """How far it is; nobody registered is nobody drawn."""
        if self.seed:
            return "drawn"
        over = self.now_ms >= self.opens_ms
        if not self.is_on and (over or not self.commitment):
            return "undrawn" if over else "announced"
        if over and not sum(self.registered):
            return "undrawn"
        if self.digest:
            return "fixed"
        return "committed" if self.commitment else "announced"

    @property
    def lost(self) -> int:
        """How many leaves of a list that was fixed are not there any more."""
        counts = zip(self.registered, self.kept, self.lists, strict=False)
        return sum(max(0, registered - kept) for registered, kept, _ in counts)

    @property
    def waits_for(self) -> Beacon | None:
        """The beacon that was committed to."""
        return Beacon.of(self.beacon) if self.beacon else None

    @property
    def beacon_outcome(self) -> BeaconOutcome:
        """What became of the beacon by now."""
        match self.outcome:
            case "used" | "unanswered" as outcome:
                return outcome
            case _:
                return "awaited" if self.beacon and not self.seed else "none"


def draw_of(line: DrawnLine, fields: list[Any]) -> Draw:
    """The draw from what room_draw_look replies after its word."""
    now_ms, lobby_ms, opens_ms, drop, epoch, lanes, registered, flat, kept = fields
    known = {name.decode(): text.decode() for name, text in zip(flat[::2], flat[1::2], strict=True)}
    lists = (one.rpartition(":") for one in known.get("lists", "").split())
    return Draw(
        line=line,
        is_on=(drop, epoch) == (line.drop, line.epoch),
        now_ms=now_ms,
        lobby_ms=lobby_ms,
        opens_ms=opens_ms,
        lanes=tuple(one.rpartition(":")[0] for one in lanes.decode().split()),
        registered=tuple(registered),
        kept=tuple(kept),
        commitment=known.get("commitment", ""),
        committed_ms=int(known.get("committed_ms", 0)),
        beacon=known.get("beacon", ""),
        digest=known.get("digest", ""),
        lists=tuple((digest, int(unknown)) for digest, _, unknown in lists),
        fixed_ms=int(known.get("fixed_ms", 0)),
        outcome=known.get("outcome", ""),
        round=int(known.get("round", 0)),
        randomness=known.get("randomness", ""),
        signature=known.get("signature", ""),
        secret=known.get("secret", ""),
        seed=known.get("seed", ""),
        revealed_ms=int(known.get("revealed_ms", 0)),
    )
