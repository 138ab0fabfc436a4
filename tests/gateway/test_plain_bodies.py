"""A body read quickly is what it is when read with every check."""

import json
from contextlib import nullcontext
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from gateway import requests
from gateway.bodies import BatchBody, HoldBody, PartnerOrderBody
from gateway.plain_bodies import read_plain
from gateway.problems import Refused

strict = msgspec.json.Decoder(BatchBody)

_plain = st.text("abz09-._ ~!é", max_size=6)
_texts = _plain | st.text(max_size=3) | st.sampled_from(["", "a" * 128, "a" * 129, "a\n", "a\x7f"])
_names = st.sampled_from(["spring", "pool", "Pool", "pool\n", "a.b", "-a", "", "a" * 65]) | _texts
_quantities = st.sampled_from([1, 2, 20, 0, 21, -1, 2.0, 1.5, "1", True, None])
_seats = st.sampled_from([None, [], ["F7"], ["F7", "F7"], ["F 7"]])
_lines = st.fixed_dictionaries(
    {"offer": _names}, optional={"quantity": _quantities, "seats": _seats, "more": st.just(1)}
)
_orders = st.fixed_dictionaries(
    {
        "key": _texts,
        "sale": _names,
        "buyer": _texts,
        "lines": st.lists(_lines, max_size=2) | st.just([{"offer": "pool", "quantity": 1}] * 9),
    },
    optional={
        "mode": st.sampled_from(["sell", "hold", "give", None]),
        "reference": _texts,
        "pad": st.just(""),
    },
)


def order(**changes: Any) -> dict[str, Any]:
    """A plain order."""
    lines = [{"offer": "pool", "quantity": 2}]
    return {"key": "k", "sale": "spring", "buyer": "ann", "lines": lines, **changes}


@given(st.lists(st.builds(order) | _orders, max_size=3))
def test_both_readings_agree(orders: list[dict[str, Any]]) -> None:
    """Any batch is taken by both or refused by both, and means the same to both."""
    body = json.dumps({"orders": orders}).encode()
    try:
        expected = strict.decode(body)
    except msgspec.ValidationError:
        assert read_plain(body, BatchBody) is None
        return
    found = requests.decode(body, BatchBody)
    assert msgspec.to_builtins(found) == msgspec.to_builtins(expected)
    for one, other in zip(found.orders, expected.orders, strict=True):
        # What a fingerprint is made of.
        assert msgspec.json.encode(one.lines) == msgspec.json.encode(other.lines)


WRONG = pytest.mark.parametrize(
    "change",
    [
        {"buyer": "a\x00"}, {"buyer": "\ud800"}, {"reference": "a\x1f"}, {"key": "a b"},
        {"key": "é"}, {"sale": "Spring"}, {"sale": "spring\n"}, {"mode": "give"},
        {"lines": [{"offer": "Pool", "quantity": 1}]}, {"lines": [{"offer": "pool"}]},
        {"lines": [{"offer": "pool", "quantity": 1, "seats": ["F7"]}]}, {"pad": 1},
    ],
)  # fmt: skip


@WRONG
def test_one_wrong_order_is_named(change: dict[str, Any]) -> None:
    """One order of many that is wrong is found among plain ones, and named by its place."""
    orders = [order(), order(**change), order()]
    with pytest.raises(Refused) as refused:
        requests.decode(json.dumps({"orders": orders}).encode(), BatchBody)
    [error] = refused.value.problem.errors
    assert error.field == "" or error.field.startswith("orders/"), error


def test_a_plain_batch_is_read_quickly() -> None:
    """What partners mostly send takes the short way; seats take the long one."""
    body = json.dumps({"orders": [order(), order(mode="hold", reference="R é")]}).encode()
    assert read_plain(body, BatchBody) == requests.decode(body, BatchBody)
    seats = [order(lines=[{"offer": "hall", "seats": ["F7"]}])]
    assert read_plain(json.dumps({"orders": seats}).encode(), BatchBody) is None


@given(
    st.sampled_from([HoldBody, PartnerOrderBody]),
    st.fixed_dictionaries({"lines": st.lists(_lines, max_size=2)})
    | _orders.map(lambda one: {name: one[name] for name in one if name != "key"})
    | st.builds(order).map(lambda one: {name: one[name] for name in one if name != "key"}),
)
def test_both_readings_of_one_purchase_agree(kind: Any, asked: dict[str, Any]) -> None:
    """So do those of a shopper's hold, and of a partner's single order."""
    body = json.dumps(asked).encode()
    try:
        expected = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        assert read_plain(body, kind) is None
        return
    found = requests.decode(body, kind)
    assert isinstance(found, kind)
    assert msgspec.to_builtins(found) == msgspec.to_builtins(expected)
    assert msgspec.json.encode(found.lines) == msgspec.json.encode(expected.lines)


def test_a_plain_purchase_is_read_quickly() -> None:
    """What is mostly sent takes the short way, and a name that was refused is refused again."""
    hold = json.dumps({"lines": [{"offer": "pool", "quantity": 1}]}).encode()
    assert read_plain(hold, HoldBody) == requests.decode(hold, HoldBody)
    plain = {name: value for name, value in order().items() if name != "key"}
    assert read_plain(json.dumps(plain).encode(), PartnerOrderBody) is not None
    wrong = json.dumps({"lines": [{"offer": "Pool", "quantity": 1}]}).encode()
    for _ in range(2):
        with pytest.raises(Refused):
            requests.decode(wrong, HoldBody)


@WRONG
def test_a_wrong_purchase_is_refused(change: dict[str, Any]) -> None:
    """Whatever is wrong in an order of a batch is wrong in a single one, and a hold's lines too."""
    change = {name: value for name, value in change.items() if name != "key"}
    single = {name: value for name, value in order(**change).items() if name != "key"}
    with pytest.raises(Refused) if change else nullcontext():
        requests.decode(json.dumps(single).encode(), PartnerOrderBody)
    with pytest.raises(Refused) if "lines" in change else nullcontext():
        requests.decode(json.dumps({"lines": single["lines"]}).encode(), HoldBody)
