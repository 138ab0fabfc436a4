"""Who may do what: every route against every kind of credential."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.endpoint import Endpoint, Who
from gateway.routes import SHARED_PORT
from inventory.catalogue import Issued
from tests.gateway.every_route import Credentials, credentials, ready
from tests.gateway.world import PARTNER, SALE, World

KEY_ROLES = (Who.PARTNER, Who.KIOSK, Who.OPERATOR, Who.AUDITOR)

# The matrix, written down once more on purpose: a route that lets in somebody else fails here.
MATRIX: dict[str, set[Who]] = {
    "shopper_list_sales": set(),
    "shopper_read_sale": set(),
    "shopper_read_venues": set(),
    "shopper_read_offer": set(),
    "shopper_read_seats": set(),
    "shopper_join": {Who.LOGIN},
    "shopper_where": {Who.PLACE},
    "shopper_leave": {Who.PLACE},
    "shopper_frame": set(),
    "shopper_frames": set(),
    "shopper_fairness": set(),
    "shopper_fairness_list": set(),
    "shopper_claim": {Who.PLACE_AT_DOOR},
    "shopper_hold": {Who.PASS_AT_TILL},
    "shopper_confirm": {Who.LOGIN, Who.PASS, Who.PARTNER},
    "shopper_release": {Who.LOGIN, Who.PASS, Who.PARTNER},
    "shopper_read_order": {Who.LOGIN, Who.PASS, Who.PARTNER},
    "shopper_read_code": {Who.LOGIN, Who.PASS, Who.PARTNER},
    "partner_me": {Who.PARTNER},
    "partner_keys": {Who.PARTNER},
    "partner_rotate": {Who.PARTNER},
    "partner_order": {Who.PARTNER},
    "partner_batch": {Who.PARTNER},
    "partner_refund": {Who.PARTNER},
    "partner_allotments": {Who.PARTNER},
    "partner_codes": {Who.PARTNER},
    "partner_report": {Who.PARTNER},
    "partner_give_back": {Who.PARTNER},
    "partner_events": {Who.PARTNER},
    "partner_statement": {Who.PARTNER},
    "partner_settlement": {Who.PARTNER},
    "kiosk_me": {Who.KIOSK},
    "kiosk_redeem": {Who.KIOSK},
    "operator_sales": {Who.OPERATOR, Who.AUDITOR},
    "operator_sale": {Who.OPERATOR, Who.AUDITOR},
    "operator_history": {Who.OPERATOR, Who.AUDITOR},
    "operator_changes": {Who.OPERATOR, Who.AUDITOR},
    "operator_allotments": {Who.OPERATOR, Who.AUDITOR},
    "operator_recall": {Who.OPERATOR},
    "operator_breaks": {Who.OPERATOR, Who.AUDITOR},
    "operator_apply": {Who.OPERATOR},
    "operator_open": {Who.OPERATOR},
    "operator_pause": {Who.OPERATOR},
    "operator_resume": {Who.OPERATOR},
    "operator_drain": {Who.OPERATOR},
    "operator_close": {Who.OPERATOR},
    "room_rate": {Who.OPERATOR},
    "room_message": {Who.OPERATOR},
    "room_reset": {Who.OPERATOR},
    "room_forecast": {Who.OPERATOR, Who.AUDITOR},
    "operator_stock": {Who.OPERATOR},
    "operator_counts": {Who.OPERATOR, Who.AUDITOR},
    "operator_audit": {Who.OPERATOR, Who.AUDITOR},
    "operator_refund": {Who.OPERATOR},
    "recovery_withheld": {Who.OPERATOR, Who.AUDITOR},
    "recovery_free": {Who.OPERATOR},
    "edges_pass_keys": set(),
    "health_livez": set(),
    "health_readyz": set(),
    "health_all_metrics": set(),
    "health_openapi": set(),
}


@pytest.fixture
async def known(world: World) -> Credentials:
    """A credential of each kind."""
    return await credentials(world)


def test_the_matrix_is_of_these_routes() -> None:
    """Every route is in the matrix, with the credentials that it declares."""
    assert {one.name: set(one.who) for one in SHARED_PORT} == MATRIX


async def test_only_those_who_may_are_let_in(world: World, known: Credentials) -> None:
    """A credential that a route does not take gets 401 or 403; one that it takes never does."""
    for endpoint in SHARED_PORT:
        if not endpoint.who or endpoint.name in ("operator_close", "operator_audit"):
            continue  # closing would end the sale for the rest; the audit waits for the books
        call = ready(endpoint, known)
        for who, auth in known.by_kind.items():
            told = await world.call(endpoint.method, call.url, call.body, data=call.data, auth=auth)
            if may(endpoint, who):
                assert told.status not in (401, 403), (endpoint.name, who, told.data)
            elif who in KEY_ROLES and any(one.scheme == "Bearer" for one in endpoint.who):
                assert (told.status, told.code) == (403, "wrong_role"), (endpoint.name, who)
            else:
                assert (told.status, told.code) == (401, "bad_credential"), (endpoint.name, who)


def may(endpoint: Endpoint, who: Who) -> bool:
    """Whether a route takes a credential; one of a scheme of its own is one, however declared."""
    return any(
        who is one or (who.scheme == one.scheme and one.scheme != "Bearer") for one in endpoint.who
    )


BAD = {
    "none": (None, "no_credential"),
    "nonsense": ("nonsense", "bad_credential"),
    "Basic": ("Basic YTpi", "bad_credential"),
    "an empty Bearer": ("Bearer ", "bad_credential"),
    "no key of ours": ("Bearer " + "x" * 40, "bad_credential"),
    "an unknown key": ("Bearer dgk_operator_00000000_" + "0" * 32, "bad_credential"),
    "a key of no role": ("Bearer dgk_emperor_00000000_" + "0" * 32, "bad_credential"),
    "a huge token": ("Bearer " + "x" * 8_100, "bad_credential"),
    "not ASCII": ("Bearer ключ", "bad_credential"),
}


async def test_what_proves_nothing_is_refused_everywhere(world: World, known: Credentials) -> None:
    """No credential, or one that proves nothing, is 401 on every route that wants one."""
    for endpoint in SHARED_PORT:
        if not endpoint.who:
            continue
        call = ready(endpoint, known)
        for what, (auth, code) in BAD.items():
            told = await world.call(endpoint.method, call.url, call.body, data=call.data, auth=auth)
            assert (told.status, told.code) == (401, code), (endpoint.name, what, told.data)
            assert told.headers["WWW-Authenticate"].startswith("Bearer")


async def test_every_changed_symbol_of_a_key_is_refused(world: World) -> None:
    """No neighbour of a key is a key."""
    good = world.keys["operator"]
    path = f"/v1/operator/sales/{SALE}/counts"
    for at in range(len("Bearer "), len(good)):
        changed = good[:at] + ("0" if good[at] != "0" else "1") + good[at + 1 :]
        assert (await world.call("GET", path, auth=changed)).status == 401
    assert (await world.call("GET", path, auth=good)).status == 200


async def test_a_revoked_key_ends_and_a_rotated_one_overlaps(world: World) -> None:
    """After a rotation both keys work; a revoked one ends with the next refresh."""
    catalogue = await world.services.catalogue.get()
    issued = await catalogue.issue_credential("operator", "*", "another")
    assert isinstance(issued, Issued)
    fresh = await catalogue.rotate_credential(issued.id, 3600)
    assert isinstance(fresh, Issued)
    await world.services.credentials.refresh()
    path = f"/v1/operator/sales/{SALE}/counts"
    for text in (issued.text, fresh.text):
        assert (await world.call("GET", path, auth=f"Bearer {text}")).status == 200
    await catalogue.revoke_credential(issued.id)
    await world.services.credentials.refresh()
    assert (await world.call("GET", path, auth=f"Bearer {issued.text}")).status == 401
    assert (await world.call("GET", path, auth=f"Bearer {fresh.text}")).status == 200


async def test_a_scope_ends_at_its_sale(world: World) -> None:
    """An operator of another sale, and a partner of none of this one, are out of scope."""
    catalogue = await world.services.catalogue.get()
    issued = [
        await catalogue.issue_credential("operator", "winter", "other"),
        await catalogue.issue_credential("partner", "stranger", "other"),
    ]
    operator, partner = (f"Bearer {one.text}" for one in issued if isinstance(one, Issued))
    await world.services.credentials.refresh()
    for method, path in (
        ("GET", f"/v1/operator/sales/{SALE}/counts"),
        ("POST", f"/v1/operator/sales/{SALE}/pause"),
        ("PUT", f"/v1/operator/sales/{SALE}"),
    ):
        told = await world.call(method, path, {} if method != "GET" else None, auth=operator)
        assert (told.status, told.code) == (403, "out_of_scope"), path
    body = {"sale": SALE, "buyer": "b", "lines": [{"offer": "pool", "quantity": 1}]}
    told = await world.call("POST", "/v1/partner/orders", body, auth=partner)
    assert (told.status, told.code) == (403, "out_of_scope")
    batch = {"orders": [{"key": "k", **body}]}
    told = await world.call("POST", "/v1/partner/orders/batch", batch, auth=partner)
    assert told.data["results"][0]["problem"]["code"] == "out_of_scope"


async def test_a_body_that_names_another_buyer_is_refused(world: World) -> None:
    """Who buys is said by the pass; a body that says it is refused, and nothing is held."""
    pass_ = await world.pass_("ann")
    body = {"lines": [{"offer": "pool", "quantity": 1}], "buyer": "shop:eve"}
    told = await world.call("POST", f"/v1/sales/{SALE}/orders", body, auth=pass_)
    assert (told.status, told.data["errors"][0]["field"]) == (422, "buyer")


async def test_the_store_never_learns_a_buyers_name(world: World) -> None:
    """Neither names nor keys nor codes stand in the store in clear."""
    order = await world.buy("a-very-private-name")
    await world.sell("another-private-name", reference="R1")
    code = order["units"][0]["code"].replace("-", "")
    secret = world.keys["partner"].removeprefix("Bearer ")
    everything = await _everything(world)
    for canary in ("private-name", code, "ODEON0001", "ODEON 0001", secret, PARTNER + ":"):
        assert canary.encode() not in everything, canary
    assert hashlib.sha256(secret.encode()).digest() not in everything
    assert base64.b64encode(b"a-very-private-name") not in everything


async def _everything(world: World) -> bytes:
    """Every key and value of the store."""
    await world.services.housekeeping.stop()  # keys must not vanish while they are read
    store = world.services.store
    found = b""
    for key in await store.read("KEYS", "*"):
        found += key + b"\n"
        kind = await store.read("TYPE", key)
        command = {
            b"hash": "HGETALL",
            b"set": "SMEMBERS",
            b"stream": "XRANGE",
            b"string": "GET",
            b"zset": "ZRANGE",
        }
        more = {b"stream": ("-", "+"), b"zset": (0, -1)}.get(kind, ())
        found += b"\n".join(_bytes_of(await store.read(command[kind], key, *more))) + b"\n"
    return found


def _bytes_of(answer: Any) -> Iterator[bytes]:
    """The bytes in a store's answer, as they are: what is binary must be found too."""
    if isinstance(answer, list):
        for part in answer:
            yield from _bytes_of(part)
    else:
        yield answer if isinstance(answer, bytes) else str(answer).encode()
