"""A load in figures: what the report and load.json say beside the verdict. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from loadtest.load.timeline import Second, percentile_of

Point = tuple[float, float]
REASONS_SHOWN = 7
SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Series:
    """Values over time: seconds since the load's start, and the value."""

    name: str
    points: list[Point]


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that was counted, by second and in all."""

    seconds: dict[int, Second]
    samples: list[dict[str, Any]]

    @property
    def total(self) -> Second:
        """All seconds together; `users` are the most at once."""
        total = Second(users=max((each.users for each in self.seconds.values()), default=0))
        for each in self.seconds.values():
            total.failures += each.failures
            for name in ("calls", "refusals", "ends", "times_ms"):
                getattr(total, name).update(getattr(each, name))
        return total

    @property
    def lasted_s(self) -> int:
        """From the first second with an answer to the last."""
        busy = [at for at, each in self.seconds.items() if each.calls]
        return busy[-1] - busy[0] + 1 if busy else 0

    def charts(self) -> dict[str, list[Series]]:
        """What the report draws: title with its unit → series."""
        begun = min(self.seconds, default=0)
        by_second = [(at - begun, each) for at, each in self.seconds.items()]
        samples = [(each["at"] - begun, each) for each in self.samples if each["at"] >= begun]

        def counted(name: str, of: Any) -> Series:
            return Series(name, [(at, of(each)) for at, each in by_second])

        def sampled(name: str, of: Any) -> Series:
            return Series(name, [(at, of(each)) for at, each in samples])

        reasons = [code for code, _ in self.total.refusals.most_common(REASONS_SHOWN)]
        return {
            "Answers a second": [
                counted("answers", lambda each: each.calls.total()),
                counted("failures", lambda each: each.failures),
            ],
            "Users": [counted("users", lambda each: each.users)],
            "Time to the answer, ms": [
                counted(name, lambda each, share=share: percentile_of(each.times_ms, share))
                for name, share in SHARES.items()
            ],
            "In the line": [sampled("waiting", lambda each: each["line"])],
            "Let in a second": [
                counted("let in", lambda each: each.ends["admitted"]),
                sampled("rate allowed", lambda each: each["rate_per_s"]),
            ],
            "Units": [
                sampled("sold", lambda each: each["sold"] + each["redeemed"]),
                sampled("redeemed", lambda each: each["redeemed"]),
                sampled("held", lambda each: each["held"]),
            ],
            "Refusals a second, by reason": [
                counted(code, lambda each, code=code: each.refusals[code]) for code in reasons
            ],
        }

    def as_json(self) -> dict[str, Any]:
        """In all."""
        total, lasted_s = self.total, self.lasted_s
        return {
            "seconds": lasted_s,
            "users_most": total.users,
            "answers": total.calls.total(),
            "answers_per_s": round(total.calls.total() / lasted_s, 1) if lasted_s else 0.0,
            "failures": total.failures,
            **{
                f"{name}_ms": percentile_of(total.times_ms, share) for name, share in SHARES.items()
            },
            "calls": dict(total.calls.most_common()),
            "refusals": dict(total.refusals.most_common()),
            "ends": dict(total.ends.most_common()),
        }


def figures_of(
    timelines: Iterable[Iterable[dict[str, Any]]], samples: list[dict[str, Any]]
) -> Figures:
    """The processes' timelines, added up. In a second that a busy process missed its users stay."""
    seconds: dict[int, Second] = {}
    for timeline in timelines:
        before: dict[str, Any] = {}
        for line in timeline:
            for missed in range(before.get("at", line["at"]) + 1, line["at"]):
                seconds.setdefault(missed, Second()).users += before["users"]
            again = line["at"] == before.get("at")
            seconds.setdefault(line["at"], Second()).add({**line, "users": 0} if again else line)
            before = line
    return Figures(dict(sorted(seconds.items())), samples)
