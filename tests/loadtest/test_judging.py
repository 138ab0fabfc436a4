"""Each class of a load's verdict is red when it must be, and only then."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from loadtest.crowd.calls import Ask
from loadtest.crowd.journal import Journal, read
from loadtest.load.bots import BROKEN_LIMIT
from loadtest.load.description import Description
from loadtest.load.judging import Facts, as_json, findings
from loadtest.load.timeline import Timeline
from loadtest.load.witness import BUG, Witness

GATEWAY = "http://gateway.test"
CHECKS = [
    {"name": "one_owner", "ok": True, "looked_at": 9},
    {"name": "trial_balance", "ok": True, "looked_at": 9},
]


def promised(tmp_path: Path) -> Path:
    """A journal of two orders and a redemption, as a crowd writes it."""
    path = tmp_path / "journal"
    with closing(Journal(path)) as journal:
        confirm(journal, "o1", "ada", 1, 2)
        confirm(journal, "o2", "bob", 3)
        journal.redeemed(code="c1", venue="hall", key="k1")
    return path


def confirm(journal: Journal, order: str, buyer: str, *units: int) -> None:
    """A promise of vouchers."""
    sold = [{"offer": "film", "unit": unit, "code": f"c{unit}"} for unit in units]
    journal.confirmed(
        buyer=buyer, login="", order={"id": order, "amount_minor": 380, "units": sold}
    )


def judged(path: Path, **change: Any) -> dict[str, Any]:
    """The classes that are red, with what they say."""
    facts = Facts(
        promises=list(read(path)),
        released={"film": 10},
        limit=2,
        answers=100,
        kept=2,
        lost=[],
        audit=CHECKS,
    )
    found = findings(dataclasses.replace(facts, **change))
    assert as_json(found)["ok"] is all(each.ok for each in found)
    return {each.name: list(each.said) for each in found if not each.ok}


def test_kept_promises_are_green(tmp_path: Path) -> None:
    """Nothing is found where there is nothing."""
    assert judged(promised(tmp_path)) == {}


def test_oversell_names_the_unit_and_its_orders(tmp_path: Path) -> None:
    """One unit, two orders."""
    path = promised(tmp_path)
    with closing(Journal(path)) as journal:
        confirm(journal, "o3", "eve", 3)
    assert judged(path, kept=3) == {"oversell": ["unit 3 of film: orders o2, o3"]}


def test_more_units_than_there_are_is_oversell(tmp_path: Path) -> None:
    """Three were promised and two released."""
    found = judged(promised(tmp_path), released={"film": 2})
    assert found == {"oversell": ["film: 3 units promised, 2 released"]}


def test_an_order_that_is_gone_is_lost(tmp_path: Path) -> None:
    """Read again, it was not what had been promised; or it was not read at all."""
    path = promised(tmp_path)
    assert judged(path, kept=1, lost=["o2"]) == {"lost order": ["order o2"]}
    assert judged(path, kept=1) == {"lost order": []}


def test_a_broken_limit_names_the_buyer(tmp_path: Path) -> None:
    """Three units where two are allowed; a bot that got something."""
    path = promised(tmp_path)
    with closing(Journal(path)) as journal:
        confirm(journal, "o3", "ada", 4)
        journal.seen(BROKEN_LIMIT, "a bot bought without a pass: 201 o9")
    said = ["ada has 3", "a bot bought without a pass: 201 o9"]
    assert judged(path, kept=3) == {"limit broken": said}


def test_a_code_let_in_twice_is_a_double_redemption(tmp_path: Path) -> None:
    """Two redemptions of one code, each with a key of its own."""
    path = promised(tmp_path)
    with closing(Journal(path)) as journal:
        journal.redeemed(code="c1", venue="hall", key="k2")
    assert judged(path) == {"double redemption": ["code …c1: 2 times"]}


def test_the_same_answer_told_twice_is_none(tmp_path: Path) -> None:
    """A kiosk that lost its answer hears it again by the same key."""
    path = promised(tmp_path)
    with closing(Journal(path)) as journal:
        journal.redeemed(code="c1", venue="hall", key="k1")
    assert judged(path) == {}


def test_a_failed_check_of_the_audit_is_an_invariant(tmp_path: Path) -> None:
    """What the audit says is said; no audit at all is no proof."""
    path = promised(tmp_path)
    wrong = {"name": "one_owner", "ok": False, "violations": ["unit 3 has two"]}
    assert judged(path, audit=[wrong]) == {"invariant": ["one_owner: unit 3 has two"]}
    assert judged(path, audit=[]) == {"invariant": ["the audit gave no answer"]}


def test_a_load_under_which_nothing_happened_is_not_green(tmp_path: Path) -> None:
    """An empty journal proves nothing."""
    path = tmp_path / "journal"
    path.touch()
    assert judged(path, kept=0) == {"idle": ["nothing was sold", "nothing was redeemed"]}


DOCUMENT = {
    "components": {
        "schemas": {"Order": {"required": ["id"], "properties": {"id": {}, "units": {}}}}
    },
    "paths": {
        "/v1/orders/{order}": {
            "get": {
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Order"}}
                        }
                    },
                    **{
                        str(status): {
                            "content": {
                                "application/problem+json": {
                                    "schema": {
                                        "allOf": [{}, {"properties": {"code": {"enum": [code]}}}]
                                    }
                                }
                            }
                        }
                        for status, code in ((404, "unknown_order"), (503, "not_ready"),
                                             (500, "internal"))
                    },
                }
            }
        }
    },
}  # fmt: skip
ORDER = Ask("read", "GET", f"{GATEWAY}/v1/orders/o1?x=1")
LOGIN = Ask("login", "POST", "http://shop.test/login")


@pytest.mark.parametrize(
    ("ask", "status", "body", "expected"),
    [
        (ORDER, 200, {"id": "o1", "units": []}, ""),
        (ORDER, 404, {"code": "unknown_order"}, ""),
        (ORDER, 503, {"code": "not_ready", "retry_after_s": 1}, ""),
        (LOGIN, 500, {}, ""),
        (ORDER, 500, {"code": "internal"}, "read (GET): 500: internal"),
        (ORDER, 502, {}, "read (GET): 502: no code"),
        (ORDER, 503, {"code": "not_ready"}, "read (GET): 503: not_ready"),
        (ORDER, 404, {"code": "odd"}, "read (GET): 404: code odd is not described"),
        (ORDER, 418, {}, "read (GET): 418: status 418 is not described"),
        (ORDER, 200, {"units": []}, "read (GET): 200: without ['id'], with []"),
        (ORDER, 200, {"id": "o1", "odd": 1}, "read (GET): 200: without [], with ['odd']"),
        (
            Ask("odd", "POST", f"{GATEWAY}/v1/odd"),
            200,
            {},
            "odd (POST): 200: the call is not described",
        ),
    ],
)
def test_a_500_and_an_undescribed_answer_are_bugs(
    tmp_path: Path, ask: Ask, status: int, body: dict[str, Any], expected: str
) -> None:
    """Refusals and a 503 that asks to repeat are not, and the shop's faults are not ours."""
    path = promised(tmp_path)
    timeline = Timeline(tmp_path / "timeline")
    with closing(Journal(path)) as journal:
        witness = Witness(
            gateway=GATEWAY,
            description=Description(DOCUMENT),
            journal=journal,
            timeline=timeline,
        )
        witness.answered(ask, status, body, 1.5)
        witness.answered(ask, status, body, 1.5)
    timeline.close()
    assert judged(path) == ({"bug": [expected] * 2} if expected else {})
    assert BUG == "bug"
