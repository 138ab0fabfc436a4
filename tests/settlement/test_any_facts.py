"""Any facts at all, through a real store into real tables: posted or quarantined, no error."""

import random
from typing import Any

import msgspec

from inventory import facts
from lua.store import Store
from settlement import Books, Feed
from settlement.bounds import AMOUNT_MAX, AT_MS_MAX, OFFER_MAX, TEXT_MAX
from tests.settlement.teller import AT_MS, Teller

ROUNDS, FACTS = 12, 60
INTEGERS = (0, 1, 2, 5, 380, facts.SERIAL_MAX, facts.SERIAL_MAX + 1, OFFER_MAX, OFFER_MAX + 1,
            AMOUNT_MAX, AMOUNT_MAX + 1, AT_MS, AT_MS_MAX, AT_MS_MAX + 1, 2**53, 2**63 - 1,
            -1)  # fmt: skip
TEXTS = ("a", "b", "shop", "market", "available", "sold", "partner:x", "test:y", "", "票 🎟",
         "\u202ertl", "'; drop schema books; --", "\\", "\t\n", "%s", "\0", "x" * TEXT_MAX,
         "x" * (TEXT_MAX + 1))  # fmt: skip


class Dice:
    """Values of any field, mostly sane, now and then at a bound or beyond it."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def fact(self) -> facts.Fact:
        """A fact of any kind."""
        kind: Any = self._random.choice(facts.Fact.__args__)
        made: facts.Fact = self._record(kind)
        return made

    def _record(self, kind: Any) -> Any:
        fields = msgspec.structs.fields(kind)
        return kind(**{field.name: self._value(field.name, field.type) for field in fields})

    def _value(self, name: str, type_: Any) -> Any:
        if type_ is int:
            usual = AT_MS if name.endswith("at_ms") else self._random.randrange(4)
            return usual if self._random.random() < 0.95 else self._random.choice(INTEGERS)
        if type_ is str:
            return self._random.choice(TEXTS[:6] if self._random.random() < 0.95 else TEXTS)
        (inner,) = type_.__args__
        if inner is int:
            length = 2 * self._random.randrange(3) if name != "serials" else 2
            return [self._value("serial", int) for _ in range(length)]
        return [self._record(inner) for _ in range(self._random.randrange(3))]


async def test_any_facts_are_posted_or_quarantined(store: Store, feed: Feed, books: Books) -> None:
    """However absurd, a stream is read to its end; the ledger balances and every number is told."""
    quarantined = posted = 0
    for seed in range(ROUNDS):
        dice, teller = Dice(seed), await Teller(store, f"sale-{seed}").announce()
        for _ in range(FACTS):
            await teller.tell(*[dice.fact() for _ in range(1 + seed % 3)])
        while (report := await feed.run_once(teller.sale, limit=1 + 10 * seed)).state == "posted":
            posted, quarantined = posted + report.posted, quarantined + report.quarantined
        assert (report.state, report.number) == ("idle", teller.number), seed
        checks = {found.check for found in await books.proof(teller.sale)}
        assert not checks & {"numbers", "lines without a fact", "balance of an account",
                             "commodity of a line", "feed of a partner"}, seed  # fmt: skip
    assert not any((await books.trial_balance()).values())
    assert posted > 2 * quarantined > 0
    assert posted + quarantined == sum(FACTS * (1 + seed % 3) for seed in range(ROUNDS))
