"""False lines in a statement, planted on purpose, so that reconciliation has something to find.

Pure: lines in, false lines and the list of what was planted out. The same seed lies the same way.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from simulators.partner_book import REFUNDED, SOLD, StatementLine

CLASSES = ("missing_there", "missing_here", "amount", "status", "duplicate_line", "quantity")
INVENTED_ORDER = "zzzzzzzzzzzzzzzzzzzz{:04d}"
"""Of the form of an order's id (24 symbols), and never given out: no MAC ends like this."""


@dataclass(frozen=True, slots=True)
class Lie:
    """One planted difference: its class, and the order it was planted at."""

    kind: str
    order: str


class TooFewLines(ValueError):
    """The statement has fewer untouched orders than lies were asked for."""


def falsify(
    lines: Sequence[StatementLine], wanted: Mapping[str, int], seed: int
) -> tuple[list[StatementLine], list[Lie]]:
    """The statement with `wanted[class]` lies of each class, each at an order of its own.

    Only orders with a single line are lied about, so that no lie hides another. Raises
    TooFewLines, and ValueError for a class that does not exist.
    """
    unknown = set(wanted) - set(CLASSES)
    if unknown:
        raise ValueError(f"no such class of lie: {sorted(unknown)}")
    dice = random.Random(f"{seed}/{len(lines)}")
    often = Counter(line.order for line in lines)
    single = [at for at, line in enumerate(lines) if often[line.order] == 1]
    at_lines = [kind for kind in CLASSES for _ in range(wanted.get(kind, 0))]
    needed = [kind for kind in at_lines if kind != "missing_here"]
    if len(single) < len(needed):
        raise TooFewLines(f"{len(needed)} lies and only {len(single)} lines for them")
    chosen = dict(zip(dice.sample(single, len(needed)), needed, strict=True))
    told: list[StatementLine] = []
    planted: list[Lie] = []
    for at, line in enumerate(lines):
        kind = chosen.get(at)
        told.extend(_told(line, kind))
        if kind:
            planted.append(Lie(kind, line.order))
    for number in range(wanted.get("missing_here", 0)):
        invented = _invented(lines, number)
        told.insert(dice.randint(0, len(told)), invented)
        planted.append(Lie("missing_here", invented.order))
    return told, planted


def _told(line: StatementLine, kind: str | None) -> list[StatementLine]:
    match kind:
        case "missing_there":
            return []
        case "duplicate_line":
            return [line, line]
        case "amount":
            return [replace(line, amount_minor=line.amount_minor + 1)]
        case "quantity":
            return [replace(line, quantity=line.quantity + 1)]
        case "status":
            return [replace(line, status=REFUNDED if line.status == SOLD else SOLD)]
        case _:
            return [line]


def _invented(lines: Sequence[StatementLine], number: int) -> StatementLine:
    if not lines:
        raise TooFewLines("an invented line needs a true one to look like")
    order = INVENTED_ORDER.format(number)
    return replace(lines[number % len(lines)], order=order, reference=f"invented-{number}")


def as_json(planted: Sequence[Lie]) -> dict[str, object]:
    """What `/planted` answers: how many of each class, and where."""
    counts = Counter(lie.kind for lie in planted)
    return {
        "total": len(planted),
        "classes": {kind: counts[kind] for kind in CLASSES},
        "lines": [asdict(lie) for lie in planted],
    }
