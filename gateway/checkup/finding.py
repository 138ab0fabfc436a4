"""What was found: one fact about an installation, how good it is, and how to mend it."""

from dataclasses import dataclass
from typing import Literal

Mark = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `mend`: a command, or a sentence where none will do."""

    area: str
    mark: Mark
    told: str
    mend: str = ""


class Findings:
    """What was found of one area, in the order of looking."""

    def __init__(self, area: str) -> None:
        self.all: list[Finding] = []
        self._area = area

    def ok(self, told: str) -> None:
        """It is as it must be."""
        self.all.append(Finding(self._area, "ok", told))

    def warn(self, told: str, mend: str) -> None:
        """A drop would go on; a person should know."""
        self.all.append(Finding(self._area, "warn", told, mend))

    def bad(self, told: str, mend: str) -> None:
        """No drop with this."""
        self.all.append(Finding(self._area, "bad", told, mend))

    def by_limits(self, value: float, warn: float, bad: float, told: str, mend: str) -> None:
        """The larger the worse: from `warn` on a warning, from `bad` on bad."""
        if value >= bad:
            self.bad(told, mend)
        elif value >= warn:
            self.warn(told, mend)
        else:
            self.ok(told)
