"""Hears every answer: into the figures, and into the journal when it must never be given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loadtest.crowd.calls import Ask
from loadtest.crowd.journal import Journal
from loadtest.load.description import Description
from loadtest.load.timeline import Timeline

BUG = "bug"
Told = Callable[[Ask, float, str], None]
"""(what was asked, how long it took in ms, why the answer is a failure or "")."""


class Witness:
    """The ear of one process's crowd.

    A refusal is an answer. A failure is: no answer, a status of 500 and above that does not ask to
    repeat, an answer that is not described. Those of the gateway are bugs as well; whatever the
    shop's simulator does is not.
    """

    def __init__(
        self, *, gateway: str, description: Description, journal: Journal, timeline: Timeline
    ) -> None:
        self._gateway, self._description = gateway, description
        self._journal, self._timeline = journal, timeline
        self.told: Told = lambda _ask, _took_ms, _why: None

    def answered(self, ask: Ask, status: int, body: dict[str, Any], took_ms: float) -> None:
        """An answer came."""
        ours = ask.url.startswith(self._gateway)
        wrong = self._wrong(ask, status, body) if ours else ""
        if wrong:
            self._journal.seen(BUG, f"{ask.kind} ({ask.method}): {status}: {wrong}")
        elif status >= 500 and not ours:
            wrong = f"status {status}"
        refusal = str(body.get("code", status)) if status >= 400 else ""
        self._timeline.note(ask.kind, refusal=refusal, took_ms=took_ms, failed=bool(wrong))
        self.told(ask, took_ms, wrong)

    def lost(self, ask: Ask, why: Exception) -> None:
        """None came: it is asked again; what it did is judged by what was promised."""
        self._timeline.lost()
        self.told(ask, 0.0, f"no answer: {type(why).__name__} {why}")

    def _wrong(self, ask: Ask, status: int, body: dict[str, Any]) -> str:
        if status >= 500 and not (status == 503 and body.get("retry_after_s")):
            return f"{body.get('code', 'no code')}"
        return self._description.missing(ask, status, body)
