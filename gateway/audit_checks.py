"""What an audit has found: checks, each with how much it looked at and what was wrong."""

from dataclasses import dataclass, field
from typing import Any

SHOWN_MAX = 20
"""Violations that a check lists; the rest are counted."""


@dataclass(slots=True)
class Check:
    """One invariant: how many things were looked at, and what was wrong."""

    name: str
    looked_at: int = 0
    violations: list[str] = field(default_factory=list)
    unlisted: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing was wrong."""
        return not self.violations

    def look(self, wrong: str | None) -> None:
        """One more thing was looked at; `wrong` says what was found, None when it was right."""
        self.looked_at += 1
        if wrong is not None:
            self.wrong(wrong)

    def wrong(self, what: str) -> None:
        """Something is wrong."""
        if len(self.violations) < SHOWN_MAX:
            self.violations.append(what)
        else:
            self.unlisted += 1

    def data(self) -> dict[str, Any]:
        """The check as JSON data."""
        told = [*self.violations, f"and {self.unlisted} more"] if self.unlisted else self.violations
        return {
            "name": self.name,
            "ok": self.ok,
            "looked_at": self.looked_at,
            "violations": told,
        }


@dataclass(frozen=True, slots=True)
class Audit:
    """All checks of one sale."""

    sale: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every invariant holds."""
        return all(check.ok for check in self.checks)

    def data(self) -> dict[str, Any]:
        """The result as JSON data."""
        return {
            "ok": self.ok,
            "sale": self.sale,
            "checks": [check.data() for check in self.checks],
        }
