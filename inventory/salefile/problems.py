"""What is wrong with a sale file: every problem with its place, gathered before anyone gives up.

Here belong the problem, its place and the bounded list. What counts as wrong belongs to `rules`.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

PROBLEMS_MAX = 500
"""More are counted, not listed: nobody mends a thousand lines by reading them."""
HINTS_MAX = 50
HINT_CANDIDATES_MAX = 2_000
SHOWN_CHARS = 40


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong.

    `file` is the file's name as the sale file calls it and `line` its line from 1; for a JSON body
    `file` is the JSON pointer of the record (`/offers/3`) and `line` is 0.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else self.text()

    def text(self) -> str:
        """The problem without a line number."""
        return f"{self.file}: {self.message}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands."""

    file: str
    line: int


@dataclass(slots=True)
class Problems:
    """The list of problems, bounded; in the order of the files and lines at the end."""

    found: list[Problem] = field(default_factory=list)
    unlisted: int = 0
    hints_left: int = HINTS_MAX

    @property
    def count(self) -> int:
        """How many were added, listed or not."""
        return len(self.found) + self.unlisted

    def add(self, place: Place, message: str) -> None:
        """Remember one problem."""
        if len(self.found) < PROBLEMS_MAX:
            self.found.append(Problem(place.file, place.line, message))
        else:
            self.unlisted += 1

    def nearest(self, wrong: str, known: Iterable[str]) -> str:
        """`; did you mean "…"?` for a slip of the pen, else nothing. Costly, so rationed."""
        if self.hints_left <= 0:
            return ""
        self.hints_left -= 1
        candidates = list(islice(known, HINT_CANDIDATES_MAX))
        close = difflib.get_close_matches(wrong, candidates, n=1, cutoff=0.75)
        return f'; did you mean "{close[0]}"?' if close else ""

    def listed(self, files: Iterable[str]) -> list[Problem]:
        """All problems, in the order of `files` and then of lines."""
        order = {name: position for position, name in enumerate(files)}
        ranked = sorted(
            self.found, key=lambda problem: (order.get(problem.file, len(order)), problem.line)
        )
        if self.unlisted:
            ranked.append(Problem(ranked[-1].file, 0, f"and {self.unlisted} problems more"))
        return ranked


def shown(value: object) -> str:
    """A value from outside, short and printable, for a message."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"
