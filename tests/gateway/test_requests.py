"""Bytes from outside become values, or a refusal that names the field."""

import asyncio

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request

from gateway import requests
from gateway.bodies import (
    BatchBody,
    ConfirmBody,
    HoldBody,
    PartnerOrderBody,
    RedeemBody,
    SaleQuery,
    StockBody,
)
from gateway.problems import Code, Refused
from gateway.room_bodies import RateBody

DEEP = b"[" * 60_000
BAD_HOLDS: list[tuple[bytes, str]] = [
    (b'{"lines":[{"offer":"a","quantity":0}]}', "lines/0/quantity"),
    (b'{"lines":[{"offer":"a","quantity":-2}]}', "lines/0/quantity"),
    (b'{"lines":[{"offer":"a","quantity":21}]}', "lines/0/quantity"),
    (b'{"lines":[{"offer":"a","quantity":1e400}]}', "lines/0/quantity"),
    (b'{"lines":[{"offer":"a","quantity":' + b"9" * 400 + b"}]}", "lines/0/quantity"),
    (b'{"lines":[{"offer":"a","quantity":1.5}]}', "lines/0/quantity"),
    (b'{"lines":[{"offer":"a","quantity":"2"}]}', "lines/0/quantity"),
    (b'{"lines":[{"offer":"a","quantity":true}]}', "lines/0/quantity"),
    (b'{"lines":[{"offer":"a","quantity":NaN}]}', ""),
    (b'{"lines":[{"offer":"a\\u0000","quantity":1}]}', "lines/0/offer"),
    (b'{"lines":[{"offer":"a\\n","quantity":1}]}', "lines/0/offer"),
    (b'{"lines":[{"offer":"A","quantity":1}]}', "lines/0/offer"),
    (b'{"lines":[{"offer":"' + b"a" * 65 + b'","quantity":1}]}', "lines/0/offer"),
    (b'{"lines":[{"offer":7,"quantity":1}]}', "lines/0/offer"),
    (b'{"lines":[{"offer":"\xff","quantity":1}]}', ""),
    (b'{"lines":[{"offer":"\\ud800","quantity":1}]}', ""),
    (b'{"lines":[{"quantity":1}]}', "lines/0/offer"),
    (b'{"lines":[{"offer":"a"}]}', "lines/0"),
    (b'{"lines":[{"offer":"a","quantity":1,"seats":["F7"]}]}', "lines/0"),
    (b'{"lines":[{"offer":"a","seats":["F7","F7"]}]}', "lines/0"),
    (b'{"lines":[{"offer":"a","seats":[]}]}', "lines/0/seats"),
    (b'{"lines":[{"offer":"a","seats":["F 7"]}]}', "lines/0/seats/0"),
    (b'{"lines":[{"offer":"a","quantity":1,"price":1}]}', "lines/0/price"),
    (b'{"lines":[{"offer":"a","quantity":1}],"buyer":"eve"}', "buyer"),
    (b'{"lines":[]}', "lines"),
    (b'{"lines":' + DEEP, "lines/0"),
    (DEEP, ""),
    (b'{"x":' + DEEP, "x"),
    (b"{}", "lines"),
    (b"", "lines"),
    (b"null", ""),
    (b"[]", ""),
    (b'"lines"', ""),
    (b"{", ""),
    (b"\x00", ""),
    (b"\xef\xbb\xbf{}", ""),
    (b'{"lines":[{"offer":"a","quantity":1}]} x', ""),
]


@pytest.mark.parametrize(("body", "field"), BAD_HOLDS)
def test_a_wrong_body_is_refused_and_the_field_is_named(body: bytes, field: str) -> None:
    """Whatever is wrong with a body, the refusal is a 422 that says which field it is in."""
    with pytest.raises(Refused) as refused:
        requests.decode(body, HoldBody)
    problem = refused.value.problem
    assert (problem.status, problem.code) == (422, "invalid")
    assert [error.field for error in problem.errors] == [field]
    assert all(len(error.detail) <= 200 for error in problem.errors)


def test_a_whole_number_may_be_written_with_a_point() -> None:
    """2.0 is an integer, as JSON schema says, wherever an integer is asked for."""
    hold = requests.decode(b'{"lines":[{"offer":"a","quantity":2.0}]}', HoldBody)
    assert hold.lines[0].quantity == 2
    rate = requests.decode(b'{"rate_per_s":50,"burst":10.0}', RateBody)
    assert (rate.rate_per_s, rate.burst) == (50, 10)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (ConfirmBody, b"{}"),
        (ConfirmBody, b'{"payment":"a.b.c","reference":"r"}'),
        (ConfirmBody, b'{"payment":"not a token"}'),
        (PartnerOrderBody, b'{"sale":"s","buyer":"","lines":[{"offer":"a","quantity":1}]}'),
        (
            PartnerOrderBody,
            b'{"sale":"s","buyer":"b","mode":"give","lines":[{"offer":"a","quantity":1}]}',
        ),
        (PartnerOrderBody, b'{"sale":"../s","buyer":"b","lines":[{"offer":"a","quantity":1}]}'),
        (BatchBody, b'{"orders":[]}'),
        (RedeemBody, b'{"code":""}'),
        (RedeemBody, b'{"code":"A\\u0000B"}'),
        (RateBody, b'{"rate_per_s":-1}'),
        (RateBody, b'{"rate_per_s":1e99}'),
        (StockBody, b'{"lot":"l","offer":"a"}'),
        (StockBody, b'{"lot":"l","offer":"a","units":-5}'),
        (StockBody, b'{"lot":"l","offer":"a","units":1,"seats":[{"seat":"A1"}]}'),
    ],
)
def test_wrong_bodies_of_other_calls_are_refused(kind: type, body: bytes) -> None:
    """No body type lets through an absurd, empty or contradictory value."""
    with pytest.raises(Refused):
        requests.decode(body, kind)


def test_a_batch_takes_a_thousand_orders_and_no_more() -> None:
    """The edge of a batch's size: 1,000 orders parse, 1,001 are refused."""
    one = b'{"key":"k","sale":"s","buyer":"b","lines":[{"offer":"a","quantity":1}]}'
    assert len(requests.decode(_batch(one, 1_000), BatchBody).orders) == 1_000
    with pytest.raises(Refused):
        requests.decode(_batch(one, 1_001), BatchBody)


def _batch(one: bytes, times: int) -> bytes:
    return b'{"orders":[' + b",".join([one] * times) + b"]}"


@pytest.mark.parametrize(
    "query", ["offers=2", "after=-1", "limit=0", "limit=501", "limit=x", "nothing=1", "venue=A%00"]
)
def test_a_wrong_query_is_refused(query: str) -> None:
    """A query's parameters are bounded, and one that nobody knows is refused."""
    with pytest.raises(Refused) as refused:
        requests.query(make_mocked_request("GET", f"/?{query}"), SaleQuery)
    assert refused.value.problem.errors[0].where == "query"


def test_a_parameter_may_come_once() -> None:
    """A repeated parameter is refused: two readers would take different ones."""
    with pytest.raises(Refused) as refused:
        requests.query(make_mocked_request("GET", "/?after=1&after=2"), SaleQuery)
    assert refused.value.problem.errors[0].field == "after"


@pytest.mark.parametrize("key", ["", " ", "a b", "ключ", "k" * 129, "a\tb"])
def test_a_wrong_key_is_refused(key: str) -> None:
    """An idempotency key has 1 to 128 visible ASCII characters."""
    request = make_mocked_request("POST", "/", headers={"Idempotency-Key": key})
    with pytest.raises(Refused) as refused:
        requests.idempotency_key(request, required=True)
    assert refused.value.problem.errors[0].field == "Idempotency-Key"


def test_a_missing_key_is_refused_where_it_must_be() -> None:
    """A write that adds or takes has a key; one that is repeatable by its nature need not."""
    request = make_mocked_request("POST", "/")
    assert requests.idempotency_key(request, required=False) == ""
    with pytest.raises(Refused):
        requests.idempotency_key(request, required=True)


async def test_a_body_that_does_not_come_is_given_up() -> None:
    """A body that trickles is refused after its time, not waited for."""
    request = make_mocked_request("POST", "/", payload=_reader(b'{"li', whole=False))
    with pytest.raises(Refused) as refused:
        await requests.read_body(request, timeout_s=0.05)
    assert refused.value.problem.code == Code.SLOW_BODY.code


async def test_a_body_without_end_is_given_up() -> None:
    """A body longer than allowed is refused while it comes, whatever it had declared."""
    request = make_mocked_request("POST", "/", payload=_reader(b"x" * 2_000, whole=False))
    with pytest.raises(Refused) as refused:
        await requests.read_body(request, limit=1_000)
    assert refused.value.problem.code == Code.TOO_LARGE.code


@pytest.mark.parametrize(("size", "fits"), [(1_000, True), (1_001, False)])
async def test_the_edge_of_a_bodys_size(size: int, fits: bool) -> None:
    """A body of exactly the limit is read; one byte more is refused."""
    request = make_mocked_request("POST", "/", payload=_reader(b"x" * size, whole=True))
    if fits:
        assert len(await requests.read_body(request, limit=1_000)) == size
        return
    with pytest.raises(Refused):
        await requests.read_body(request, limit=1_000)


def _reader(content: bytes, *, whole: bool) -> StreamReader:
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    protocol.connection_made(asyncio.Transport())
    reader = StreamReader(protocol, 2**16, loop=loop)
    reader.feed_data(content)
    if whole:
        reader.feed_eof()
    return reader
