"""Every route with what it needs to be answered well: a path, a credential, a body, a query."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.endpoint import Endpoint, Keyed, Who
from gateway.routes import SHARED_PORT
from tests.gateway.world import SALE, World, sale_body

TODAY = datetime.now(UTC).date().isoformat()
LINES = [{"offer": "pool", "quantity": 1}]
BODIES: dict[str, Any] = {
    "shopper_hold": {"lines": LINES},
    "partner_order": {"sale": SALE, "buyer": "b", "lines": LINES},
    "partner_batch": {"orders": [{"key": "k", "sale": SALE, "buyer": "b", "lines": LINES}]},
    "partner_report": {"lines": [{"unit": 1, "amount_minor": 380, "reference": "r"}]},
    "partner_give_back": {"units": [1]},
    "kiosk_redeem": {"code": "0000-0000-0000-0000"},
    "operator_apply": sale_body(),
    "room_rate": {"rate_per_s": 50},
    "room_message": {"message": "In a moment."},
    "room_reset": {"epoch": 1},
    "recovery_free": {"offer": "pool"},
    "operator_stock": {"lot": "more", "offer": "pool", "units": 1},
}
QUERIES = {
    "partner_allotments": f"sale={SALE}",
    "partner_codes": f"sale={SALE}",
    "partner_report": f"sale={SALE}",
    "partner_give_back": f"sale={SALE}",
    "partner_statement": f"date={TODAY}",
}
NAMES = [endpoint.name for endpoint in SHARED_PORT]


@dataclass(frozen=True, slots=True)
class Ready:
    """A call that would be answered well, to be spoilt by a test."""

    endpoint: Endpoint
    path: str
    query: str
    auth: str | None
    body: Any
    data: bytes | None

    @property
    def url(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class Credentials:
    """One credential of every kind, and orders that they own."""

    by_kind: dict[Who, str]
    order: str
    partner_order: str


async def credentials(world: World) -> Credentials:
    """Everything that routes ask for."""
    held = (await world.hold("owner")).data["id"]
    sold = (await world.sell("somebody")).data["id"]
    by_kind = {
        Who.LOGIN: world.login("owner"),
        Who.PLACE: await world.place("waiting"),
        Who.PLACE_AT_DOOR: await world.place("waiting"),
        Who.PASS: await world.pass_("owner2"),
        Who.PASS_AT_TILL: await world.pass_("owner3"),
        Who.PARTNER: world.keys["partner"],
        Who.KIOSK: world.keys["kiosk"],
        Who.OPERATOR: world.keys["operator"],
        Who.AUDITOR: world.keys["auditor"],
    }
    return Credentials(by_kind, held, sold)


def ready(endpoint: Endpoint, known: Credentials) -> Ready:
    """A call of the endpoint that nothing is wrong with."""
    who = endpoint.who[0] if endpoint.who else None
    is_partners = who is Who.PARTNER or "operator" in endpoint.path
    path = endpoint.path.format(
        sale=SALE,
        order=known.partner_order if is_partners else known.order,
        offer="hall",
        allotment="box",
        position=1,
        date=TODAY,
    )
    body = BODIES.get(endpoint.name, {}) if endpoint.body not in (None, bytes) else None
    data = None
    if endpoint.name == "operator_apply":
        body = BODIES["operator_apply"]
    elif endpoint.body is bytes:
        data = b"line,order,reference,status,quantity,amount_minor,currency,at\n"
    if endpoint.name == "shopper_confirm":
        body = {"payment": "a.b.c"}
    query = QUERIES.get(endpoint.name, "")
    return Ready(endpoint, path, query, known.by_kind[who] if who else None, body, data)


def takes_json(endpoint: Endpoint) -> bool:
    """Whether the endpoint reads a JSON body."""
    return endpoint.body not in (None, bytes)


def is_keyed(endpoint: Endpoint) -> bool:
    """Whether the endpoint wants a key."""
    return endpoint.key is Keyed.REQUIRED
