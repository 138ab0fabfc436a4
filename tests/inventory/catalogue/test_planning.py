"""What a new revision may change, before and after the opening; every refusal is told at once."""

from pathlib import Path

import pytest

from inventory.catalogue import Catalogue, Plan, Published, Refused, SaleCatalogue, Shelf
from inventory.catalogue.policy import POLICY
from inventory.ids import Identities
from inventory.orders import ConfirmRequest, HoldRequest, LineRequest, Orders
from inventory.outcomes import Held
from inventory.salefile import SaleFile
from inventory.sales import Change
from tests.inventory.catalogue.published import NOW, counted, everything, view
from tests.inventory.sale_files import CODES, FIRST_DROP_MS, SALE, edits_of, sale_of

TOML, OFFERS, SEATS = "sale.toml", "offers.csv", "seats.csv"
OPEN_NOW = FIRST_DROP_MS + 1_000
CHANGES = edits_of(Path(__file__).parent / "changes.txt")
# Two halls of one plan, so that an offer can be moved to the other one.
TWIN_HALL = (SEATS, "hall,A,1,3\n", "hall,A,1,3\nhall2,B,1,4\nhall2,B,5,6\nhall2,A,1,3\n")


def changes(until: str) -> list[tuple[str, str, str, str]]:
    """File, text, what it becomes, and what is told, of all changes that may happen `until`."""
    return [(file, old, new, told) for when, file, old, new, told in CHANGES if when == until]


def named(sale: str, folder: Path, *edits: tuple[str, str, str]) -> SaleFile:
    """The small sale under another name, with edits."""
    return sale_of(folder, TWIN_HALL, (TOML, 'id = "spring"', f'id = "{sale}"'), *edits)


async def applied(
    catalogue: Catalogue, shelf: Shelf, folder: Path, *steps: Change, sale: str = SALE
) -> None:
    """The small sale, published and brought through some changes of state."""
    outcome = await catalogue.publish(named(sale, folder), shelf, actor="ada", now_ms=NOW)
    assert isinstance(outcome, Published)
    for step in steps:
        await shelf.sales.change(await view(shelf, sale), step, actor="ada", now_ms=OPEN_NOW)


def told(plan: Plan, *, refusals: bool = False) -> list[str]:
    """A plan's steps as text."""
    return [str(step) for step in (plan.refusals if refusals else plan.additions + plan.changes)]


async def sell_two(shelf: Shelf) -> None:
    """Two units of the pooled offer are sold to one buyer."""
    sale, orders = await view(shelf), Orders(shelf.store)
    names = Identities(order=b"o" * 32, buyer=b"b" * 32)
    buyer = names.buyer_key("shop:ann")
    order = names.order_id(sale.shape, caller="shop", buyer=buyer, key="1")
    wanted = HoldRequest(
        order=order, buyer=buyer, seller="shop", lines=(LineRequest(1, 2),), fingerprint="f"
    )
    [held] = await orders.hold(sale, [wanted], now_ms=OPEN_NOW)
    assert isinstance(held, Held)
    proof = ConfirmRequest(order=order, buyer=buyer, payment="pay:1", amount_minor=760)
    await orders.confirm(sale, [proof], now_ms=OPEN_NOW)


@pytest.mark.parametrize("steps", [[], ["open"], ["open", "pause"], ["open", "drain"]])
async def test_additions_texts_and_windows_may_always_change(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path, steps: list[Change]
) -> None:
    """Whatever adds, renames or moves a window is taken before and after the opening."""
    for number, (*edit, expected) in enumerate(changes("always")):
        sale = f"s{number}"
        await applied(catalogue, shelf, tmp_path, *steps, sale=sale)
        file = named(sale, tmp_path, (edit[0], edit[1], edit[2]))
        plan = await catalogue.plan(file, shelf, now_ms=OPEN_NOW)
        assert not plan.refusals
        assert any(expected in text for text in told(plan)), told(plan)
        outcome = await catalogue.publish(file, shelf, actor="bob", now_ms=OPEN_NOW)
        assert isinstance(outcome, Published)
        assert (outcome.revision, outcome.units_added) == (2, plan.units_added)
        assert (await view(shelf, sale)).revision == 2
        browsed = await SaleCatalogue.load(shelf.store, sale, CODES)
        assert browsed is not None
        assert {offer.id: offer.record for offer in browsed.offers} == {
            offer.offer: offer for offer in file.offers
        }
        again = await catalogue.plan(file, shelf, now_ms=OPEN_NOW)
        assert again.is_empty, told(again)


async def test_a_promise_may_change_before_the_opening_alone(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """Limit, times of holding, rate, price, drop and place stand once the sale has opened."""
    for number, (*edit, field) in enumerate(changes("before")):
        before, after = f"before{number}", f"after{number}"
        await applied(catalogue, shelf, tmp_path, sale=before)
        await applied(catalogue, shelf, tmp_path, "open", sale=after)
        file = named(before, tmp_path, (edit[0], edit[1], edit[2]))
        outcome = await catalogue.publish(file, shelf, actor="bob", now_ms=NOW)
        assert isinstance(outcome, Published), edit
        browsed = await SaleCatalogue.load(shelf.store, before, CODES)
        assert browsed is not None
        assert [offer.record for offer in browsed.offers] == file.offers
        assert (browsed.rules, browsed.room) == (file.sale, file.room)
        kept = await everything(shelf.store)
        file = named(after, tmp_path, (edit[0], edit[1], edit[2]))
        refused = await catalogue.publish(file, shelf, actor="bob", now_ms=OPEN_NOW)
        assert isinstance(refused, Refused), edit
        assert [field in text for text in told(refused.plan, refusals=True)] == [True], edit
        assert await everything(shelf.store) == kept


@pytest.mark.parametrize("steps", [[], ["open"]])
async def test_what_was_brought_or_named_never_changes(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path, steps: list[Change]
) -> None:
    """Units, codes, seats, numbers and allotments stay, before the opening too."""
    for number, (*edit, expected) in enumerate(changes("never")):
        sale = f"s{number}"
        await applied(catalogue, shelf, tmp_path, *steps, sale=sale)
        before = await everything(shelf.store)
        file = named(sale, tmp_path, (edit[0], edit[1], edit[2]))
        outcome = await catalogue.publish(file, shelf, actor="bob", now_ms=OPEN_NOW)
        assert isinstance(outcome, Refused), edit
        assert any(expected in text for text in told(outcome.plan, refusals=True)), outcome
        assert await everything(shelf.store) == before


async def test_the_drops_keep_their_numbers(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """A drop is known by its place, so none is renamed, left out or put in between."""
    await applied(catalogue, shelf, tmp_path)
    between = '[[drop]]\nid = "between"\nopens_at = 2014-03-05T12:00:00Z\n\n[[drop]]\nid = "second"'
    file = named(SALE, tmp_path, (TOML, '[[drop]]\nid = "second"', between))
    plan = await catalogue.plan(file, shelf, now_ms=NOW)
    assert told(plan, refusals=True) == [
        "drop second: must stay the drop number 2; new drops go to the end"
    ]


async def test_the_lanes_keep_their_numbers(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """A place names its lane by number: a lane is not renamed or put in between, others come."""
    await applied(catalogue, shelf, tmp_path)
    between = '[[lane]]\nname = "press"\nclaim = "job"\nis = "press"\n\n[[lane]]'
    plan = await catalogue.plan(
        named(SALE, tmp_path, (TOML, "[[lane]]", between)), shelf, now_ms=NOW
    )
    assert told(plan, refusals=True) == [
        "lane members: must stay the lane number 1; new lanes go to the end"
    ]
    last = '[[lane]]\nname = "press"\nclaim = "job"\nis = "press"\n\n[[login]]'
    changes = (TOML, "[[login]]", last), (TOML, "weight = 3", "weight = 4")
    plan = await catalogue.plan(named(SALE, tmp_path, *changes), shelf, now_ms=NOW)
    assert told(plan, refusals=True) == []
    assert [str(step) for step in (*plan.additions, *plan.changes)] == [
        "lane press",
        "lane members: weight: 3 → 4",
    ]


async def test_an_allotment_takes_what_is_left_and_no_more(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """What buyers took is not there for a new allotment."""
    await applied(catalogue, shelf, tmp_path, "open")
    await sell_two(shelf)
    new = ("allotments.csv", "club.coded", "new,club,pool,79\nclub.coded")
    plan = await catalogue.plan(named(SALE, tmp_path, new), shelf, now_ms=OPEN_NOW)
    assert told(plan, refusals=True) == ["allotment new: takes 1 more of pool than are left"]


async def test_all_refusals_are_told_at_once(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """One run tells everything that may not be done."""
    await applied(catalogue, shelf, tmp_path, "open")
    file = named(
        SALE,
        tmp_path,
        (TOML, "limit_per_buyer = 2", "limit_per_buyer = 1"),
        (TOML, "hold_s = 60", "hold_s = 61"),
        (OFFERS, ",,100,380,", ",,90,390,"),
        (SEATS, "hall,A,1,3", "hall,A,1,4"),
    )
    plan = await catalogue.plan(file, shelf, now_ms=OPEN_NOW)
    assert [f"{step.part} {step.told.split(' ')[0]}" for step in plan.refusals] == [
        *("sale hold_s", "sale limit_per_buyer", "layout may"),
        *("offer price_minor", "offer units"),
    ]


async def test_an_opening_in_the_past_stays(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """While the sale is open no opening moves out of the past or into it."""
    await applied(catalogue, shelf, tmp_path, "open")
    for edit in (
        (TOML, "2014-03-05T10:00:00Z", "2014-03-05T10:30:00Z"),
        (TOML, "T14:00:00Z", "T10:15:00Z"),
    ):
        file = named(SALE, tmp_path, edit)
        late = FIRST_DROP_MS + 3_600_000
        plan = await catalogue.plan(file, shelf, now_ms=late)
        assert "may not move" in str(plan.refusals[0])
        [_] = plan.refusals


async def test_a_closed_sale_takes_nothing(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """After the close not even a text changes, but the same file is still no error."""
    await applied(catalogue, shelf, tmp_path, "close")
    plan = await catalogue.plan(
        named(SALE, tmp_path, (TOML, '"Spring"', '"Summer"')), shelf, now_ms=NOW
    )
    assert "is closed; nothing of it may change" in str(plan.refusals[0])
    same = await catalogue.publish(named(SALE, tmp_path), shelf, actor="bob", now_ms=NOW)
    assert same == Published(SALE, 1, 1, 0, changed=False)


async def test_a_price_stands_once_a_unit_was_taken(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """Units that a partner has were told with their price, even before the opening."""
    await applied(catalogue, shelf, tmp_path)
    plan = await catalogue.plan(
        named(SALE, tmp_path, (OFFERS, ",,100,380,", ",,100,390,")), shelf, now_ms=NOW
    )
    assert "units of the offer were taken" in str(plan.refusals[0])


async def test_never_fewer_than_what_is_sold(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """With units sold, neither the units nor the limit sink, and more units can be brought."""
    await applied(catalogue, shelf, tmp_path, "open")
    await sell_two(shelf)
    for edit in ((TOML, "limit_per_buyer = 2", "limit_per_buyer = 1"), (OFFERS, ",,100,", ",,99,")):
        plan = await catalogue.plan(named(SALE, tmp_path, edit), shelf, now_ms=OPEN_NOW)
        [_] = plan.refusals
    more = named(SALE, tmp_path, (OFFERS, ",,100,380,", ",,103,380,"))
    outcome = await catalogue.publish(more, shelf, actor="bob", now_ms=OPEN_NOW)
    assert isinstance(outcome, Published)
    assert (await counted(shelf))[1] == (103, 81, 20)


async def test_parts_without_which_nothing_hangs_may_go_before_the_opening(
    catalogue: Catalogue, shelf: Shelf, tmp_path: Path
) -> None:
    """An unused venue, hall or partner is taken out before the opening, and stays after it."""
    extra = (
        ("venues.csv", "north,North", "east,East,X,Asia/Tokyo\nnorth,North"),
        ("partners.csv", "club,Club", "club,Club\nnew,New"),
        (SEATS, "hall,A,1,3", "hall,A,1,3\nnew,A,1,9"),
    )
    await catalogue.publish(named(SALE, tmp_path, *extra), shelf, actor="ada", now_ms=NOW)
    outcome = await catalogue.publish(named(SALE, tmp_path), shelf, actor="ada", now_ms=NOW)
    assert isinstance(outcome, Published)
    browsed = await SaleCatalogue.load(shelf.store, SALE, CODES)
    assert browsed is not None
    assert set(browsed.partners) == {"market", "club"}
    await catalogue.publish(named(SALE, tmp_path, *extra), shelf, actor="ada", now_ms=NOW)
    await shelf.sales.change(await view(shelf), "open", actor="ada", now_ms=OPEN_NOW)
    plan = await catalogue.plan(named(SALE, tmp_path), shelf, now_ms=OPEN_NOW)
    assert [f"{step.part} {step.name}" for step in plan.refusals] == ["venue east", "partner new"]


def test_no_field_is_forgotten_by_the_policy() -> None:
    """Every field of every part of a sale has its place in the rules of what may change."""
    for kind in POLICY:
        assert set(POLICY[kind]) == set(kind.__struct_fields__), kind
    assert {kind.__name__ for kind in POLICY} == {
        *("SaleRules", "RoomLine", "Drop", "Login", "Payment", "Venue", "Partner", "Offer"),
        *("AllotmentLine", "LaneLine"),
    }
