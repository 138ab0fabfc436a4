"""The verdict on a load: every promise against every other, against the sale, and its audit.

Belongs here: asking, over HTTP, for what the judgement needs, and its seven classes. What a
contradiction is, is `loadtest.verdict`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp

from loadtest.crowd.driver import Heard, Words, crowd
from loadtest.crowd.journal import SEEN, read
from loadtest.installation import Failed
from loadtest.load.bots import BROKEN_LIMIT
from loadtest.load.plan import Plan
from loadtest.load.witness import BUG
from loadtest.verdict import Verdict, judge

REPEATS, AGAIN_S = 8, 2.0
ANSWER_S = 60.0
SAID_MAX = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One class of the verdict: how much of it was found, which, and what was looked at."""

    name: str
    wrong: int
    looked_at: str
    said: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing of it was found."""
        return self.wrong == 0


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a judgement is made from."""

    promises: Sequence[dict[str, Any]]
    released: dict[str, int]
    limit: int
    answers: int
    kept: int
    lost: Sequence[str]
    audit: Sequence[dict[str, Any]]
    """The audit's checks; none when it gave no answer."""


def findings(facts: Facts) -> list[Finding]:
    """The seven classes. Pure."""
    verdict = judge(facts.promises, (), released=facts.released, limit=facts.limit)
    bugs = _seen(facts.promises, BUG)
    limits = [*verdict.limits_broken, *_seen(facts.promises, BROKEN_LIMIT)]
    return [
        Finding(
            "oversell",
            verdict.oversold,
            f"{verdict.units:,} units promised in {verdict.orders:,} orders",
            verdict.sold_twice,
        ),
        Finding(
            "lost order",
            len(facts.lost) + max(0, verdict.orders - facts.kept - len(facts.lost)),
            f"{facts.kept:,} orders read again as they were promised",
            tuple(f"order {order}" for order in facts.lost),
        ),
        Finding(
            "limit broken", len(limits), f"at most {facts.limit} a buyer; bots got nothing",
            tuple(limits),
        ),
        Finding(
            "double redemption", verdict.double_redeemed, f"{verdict.redeemed:,} codes let in",
            verdict.let_in_twice,
        ),
        Finding(
            "bug", len(bugs), f"{facts.answers:,} answers: their form, and what kiosks owe",
            tuple(bugs),
        ),
        _invariants(facts.audit),
        _idle(verdict),
    ]  # fmt: skip


def _seen(promises: Iterable[dict[str, Any]], kind: str) -> list[str]:
    return [line["saw"] for line in promises if line["what"] == SEEN and line["kind"] == kind]


def _invariants(audit: Sequence[dict[str, Any]]) -> Finding:
    if not audit:
        return Finding("invariant", 1, "no audit", ("the audit gave no answer",))
    said = tuple(
        f"{check['name']}: {words}"
        for check in audit
        if not check["ok"]
        for words in check.get("violations") or ("does not hold",)
    )
    held = sum(check["ok"] for check in audit)
    return Finding("invariant", len(said), f"{held} of {len(audit)} checks of the audit hold", said)


def _idle(verdict: Verdict) -> Finding:
    """A load under which nothing happened proves nothing."""
    happened = {"sold": verdict.orders, "redeemed": verdict.redeemed}
    nothing = [f"nothing was {what}" for what, many in happened.items() if not many]
    words = f"{verdict.orders:,} orders, {verdict.redeemed:,} redemptions"
    return Finding("idle", len(nothing), words, tuple(nothing))


async def gather(plan: Plan, *, answers: int, log: Path) -> Facts:
    """Read every order again, the counts and the audit. Raises Failed when that cannot be done."""
    paths = plan.journals()
    promises = await asyncio.to_thread(lambda: list(read(*paths)))
    again = await _look_again(plan, paths, log)
    headers = {"Authorization": f"Bearer {plan.keys.operator}"}
    timeout = aiohttp.ClientTimeout(total=ANSWER_S)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        sale = await _read(session, plan.sale_url)
        counts = await _read(session, f"{plan.operator_url}/counts")
        audit = await _read(session, f"{plan.operator_url}/audit")
    if not sale or not counts:
        raise Failed(f"{plan.gateway} does not say how the sale stands")
    return Facts(
        promises=promises,
        released={each["offer"]: each["released"] for each in counts["offers"]},
        limit=sale["limit_per_buyer"],
        answers=answers,
        kept=again.ends["kept"],
        lost=again.surprises,
        audit=audit.get("checks", []),
    )


async def _look_again(plan: Plan, paths: Sequence[Path], log: Path) -> Heard:
    words: Words = (
        "look-again",
        "--gateway",
        plan.gateway,
        "--partner-key",
        plan.partner_key,
        *paths,
    )
    return await crowd([words], lambda _ends, _counts: None, log)


async def _read(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    """What is there, asked again for a while; {} when there is no answer."""
    for _ in range(REPEATS):
        try:
            async with session.get(url) as answer:
                if answer.status == 200:
                    read: dict[str, Any] = await answer.json()
                    return read
        except (aiohttp.ClientError, TimeoutError):
            pass
        await asyncio.sleep(AGAIN_S)
    return {}


def as_json(found: Sequence[Finding]) -> dict[str, Any]:
    """The verdict for machines."""
    return {
        "ok": all(each.ok for each in found),
        "classes": [{**asdict(each), "said": each.said[:SAID_MAX]} for each in found],
    }
