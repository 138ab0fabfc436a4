"""A small sale on real servers, and a gateway that serves it in this process.

The sale's drop is open, its offers are: `pool` (pooled, minted codes), `hall` (seated), `lock`
(pooled, its venue's own codes), `later` (of a drop to come), `tiny` (two units), `late` (whose
codes wait) and `far` (of another venue).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from json import dumps, loads
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from gateway.app import own_port, shared_port
from gateway.config import Settings
from gateway.sale_desk import Applied
from gateway.services import Services
from inventory.catalogue import Issued
from inventory.salefile import SaleFile, from_json
from inventory.sales import SaleView
from settlement import Feed
from tests.gateway.described import Described
from tests.gateway.signing import Signer

SALE, PARTNER, VENUE = "spring", "market", "odeon"
PRICE = 380
LIMIT = 4
SHOP = Signer("https://login.example", "dropgate")
BANK = Signer("https://bank.example", "dropgate")
PLAY = Signer("https://play.example", "dropgate")
OUTSIDE = ("ODEON 0001", "ODEON 0002", "ODEON 0003", "ODEON 0004")
HOUR = 3_600_000
PATIENCE_S = 60.0
JSON = "application/json"


def sale_body(sale: str = SALE, **changes: Any) -> dict[str, Any]:
    """The JSON body of the small sale; `changes` replace whole parts."""
    now = int(time.time() * 1000) // 1000 * 1000
    window = {
        "starts_at_ms": now + HOUR,
        "ends_at_ms": now + 3 * HOUR,
        "redeem_from_ms": now - HOUR,
        "redeem_until_ms": now + 3 * HOUR,
        "venue": VENUE,
        "drop": "now",
        "price_minor": PRICE,
    }
    offers = [
        {"offer": "pool", "title": "Pool", "kind": "pooled", "units": 200, **window},
        {"offer": "hall", "title": "Hall", "kind": "seated", "layout": "small", **window},
        {
            **{"offer": "lock", "title": "Lock", "kind": "pooled", "codes": "outside"},
            **{"units": len(OUTSIDE), **window},
        },
        {**window, "offer": "later", "title": "Later", "kind": "pooled", "units": 5,
         "drop": "evening", "redeem_from_ms": now + 2 * HOUR},
        {"offer": "tiny", "title": "Tiny", "kind": "pooled", "units": 2, **window},
        {**window, "offer": "late", "title": "Late", "kind": "pooled", "units": 5,
         "redeem_from_ms": now + HOUR},
        {**window, "offer": "far", "title": "Far", "kind": "pooled", "units": 5,
         "venue": "lyric"},
    ]  # fmt: skip
    body: dict[str, Any] = {
        "sale": {
            "id": sale,
            "title": "Spring",
            "currency": "CNY",
            "timezone": "Asia/Shanghai",
            "limit_per_buyer": LIMIT,
            "hold_s": 600,
            "closes_at_ms": now + 4 * HOUR,
        },
        "room": {"rate_per_s": 1000, "burst": 1000, "pass_s": 600, "lobby_s": 60},
        "drops": [
            {"id": "now", "opens_at_ms": now - 60_000},
            {"id": "evening", "opens_at_ms": now + 2 * HOUR},
        ],
        "logins": [
            {"name": "shop", "issuer": SHOP.issuer, "audience": "dropgate", "jwks": _jwks(SHOP)}
        ],
        "payments": [
            {"name": "bank", "issuer": BANK.issuer, "jwks": _jwks(BANK)},
            {"name": "play", "kind": "test", "issuer": PLAY.issuer, "jwks": _jwks(PLAY)},
        ],
        "venues": [
            {"venue": VENUE, "title": "Odeon", "city": "Here", "timezone": "Asia/Shanghai"},
            {"venue": "lyric", "title": "Lyric", "city": "There", "timezone": "Asia/Shanghai"},
        ],
        "offers": offers,
        "seats": [
            {"layout": "small", "row": "A", "first": 1, "last": 6},
            {"layout": "small", "row": "B", "first": 1, "last": 6},
        ],
        "codes": [{"offer": "lock", "code": code} for code in OUTSIDE],
        "partners": [{"partner": PARTNER, "title": "Market"}],
        "allotments": [{"allotment": "box", "partner": PARTNER, "offer": "pool", "quantity": 10}],
    }
    return body | changes


def _jwks(signer: Signer) -> dict[str, Any]:
    jwk = signer.jwk
    return {"keys": [{name: jwk[name] for name in ("kty", "crv", "x", "kid", "alg")}]}


@dataclass(slots=True)
class Answer:
    """What a call got."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    data: Any = None

    @property
    def code(self) -> str:
        """The problem's code; "" for a success."""
        return str(self.data.get("code", "")) if self.status >= 400 else ""


@dataclass(slots=True)
class World:
    """A gateway with a sale, spoken to over HTTP."""

    services: Services
    http: aiohttp.ClientSession
    url: str
    own_url: str
    keys: dict[str, str] = field(default_factory=dict)
    made: int = 0
    described: Described = field(init=False)

    def __post_init__(self) -> None:
        self.described = Described(loads(self.services.openapi))

    async def call(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        auth: str | None = None,
        key: str | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call. Writes get a key of their own unless one is given; "" sends none."""
        sent = dict(headers or {})
        if auth:
            sent["Authorization"] = auth
        if key is None and method not in ("GET", "HEAD"):
            self.made += 1
            key = f"key-{self.made}"
        if key:
            sent["Idempotency-Key"] = key
        body_sent = None if data is None else BytesIO(data)
        if data is not None:
            media_type = "text/csv" if path.startswith("/v1/partner/statements") else JSON
            sent.setdefault("Content-Type", media_type)
        async with self.http.request(
            method, self.url + path, json=json, data=body_sent, headers=sent
        ) as response:
            body = await response.read()
            answer = Answer(response.status, response.headers.copy(), body)
        media_type = answer.headers.get("Content-Type", "")
        if media_type.startswith(("application/json", "application/problem+json")) and body:
            answer.data = loads(body)
        if method != "HEAD":
            self.described.check(method, path, answer.status, media_type, answer.data)
        return answer

    def login(self, name: str, **claims: Any) -> str:
        """The `Authorization` of a shopper's login."""
        return "Bearer " + SHOP.sign(**{"sub": name, **claims})

    async def place(self, name: str) -> str:
        """The `Authorization` of a place that a shopper took."""
        joined = await self.call(
            "POST", f"/v1/sales/{SALE}/places", {}, auth=self.login(name), key=f"join-{name}"
        )
        assert joined.status == 201, joined.data
        return f"Place {joined.data['place']}"

    async def pass_(self, name: str) -> str:
        """The `Authorization` of a pass: joins and claims until the turn has come."""
        place = await self.place(name)
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            claimed = await self.call("POST", f"/v1/sales/{SALE}/passes", {}, auth=place)
            if claimed.status == 201:
                return f"Pass {claimed.data['pass']}"
            assert claimed.status == 202, claimed.data
            await self.services.rooms.pump(SALE, 100)
        raise AssertionError("the turn never came")

    async def hold(self, name: str, *lines: dict[str, Any], key: str | None = None) -> Answer:
        """Hold lines (two of the pool) as a shopper with a pass of its own."""
        wanted = list(lines) or [{"offer": "pool", "quantity": 2}]
        auth = await self.pass_(name)
        return await self.call(
            "POST", f"/v1/sales/{SALE}/orders", {"lines": wanted}, auth=auth, key=key
        )

    def proof(self, order: dict[str, Any], *, id: str | None = None, **changes: Any) -> str:
        """The bank's proof that an order (or the one of `id`) was paid."""
        claims = {
            "order": id or order["id"],
            "amount_minor": order["amount_minor"],
            "currency": "CNY",
            "reference": f"pay-{order['id']}",
        }
        return BANK.sign(**{**claims, **changes})

    async def buy(self, name: str, *lines: dict[str, Any]) -> dict[str, Any]:
        """A paid order of a shopper."""
        held = await self.hold(name, *lines)
        assert held.status == 201, held.data
        paid = await self.call(
            "POST",
            f"/v1/orders/{held.data['id']}/confirm",
            {"payment": self.proof(held.data)},
            auth=self.login(name),
        )
        assert paid.status == 200, paid.data
        return dict(paid.data)

    async def sell(self, buyer: str, **changes: Any) -> Answer:
        """An order of the partner's: two of the pool, sold in one step."""
        body = {"sale": SALE, "buyer": buyer, "lines": [{"offer": "pool", "quantity": 2}]}
        return await self.call(
            "POST", "/v1/partner/orders", body | changes, auth=self.keys["partner"]
        )

    async def redeem(self, code: str, **options: Any) -> Answer:
        """A code at the kiosk."""
        return await self.call(
            "POST", "/v1/kiosk/redemptions", {"code": code}, auth=self.keys["kiosk"], **options
        )

    async def settle(self) -> None:
        """Bring the books up to date."""
        feed = Feed(self.services.store, self.services.books)
        while any(report.state == "posted" for report in await feed.run_all()):
            continue

    async def store_commands(self) -> int:
        """How many commands the store has been given since it started."""
        info = (await self.services.store.read("INFO", "stats")).decode()
        return int(info.split("total_commands_processed:")[1].split()[0])

    @property
    def sale(self) -> SaleView:
        """The sale's slot record as this process knows it."""
        return self.services.shelves.standing(SALE).view


async def serve(services: Services) -> tuple[web.AppRunner, str, web.AppRunner, str]:
    """Both ports of a process on free numbers."""
    runners: list[Any] = []
    for make in (shared_port, own_port):
        runner = make(services)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners += [runner, f"http://127.0.0.1:{runner.addresses[0][1]}"]
    return runners[0], runners[1], runners[2], runners[3]


async def furnish(
    services: Services, *, sale: str = SALE, opened: bool = True, body: dict[str, Any] | None = None
) -> dict[str, str]:
    """Publish the small sale, or the one of a body, open it, and issue a key of each role.

    Returns role → Authorization.
    """
    body = sale_body(sale) if body is None else body
    sale_file = from_json(dumps(body).encode())
    assert isinstance(sale_file, SaleFile), sale_file
    catalogue = await services.catalogue.get()
    applied = await services.sale_desk.apply(catalogue, sale_file, actor="test")
    assert isinstance(applied, Applied), applied
    shelf = await services.shelves.refresh_sale(sale)
    assert shelf is not None
    if opened:
        await services.operators.change(shelf, "open", actor="test")
    keys = {}
    for role, scope in (
        ("partner", body["partners"][0]["partner"]),
        ("kiosk", f"{VENUE}/door-1"),
        ("operator", "*"),
        ("auditor", "*"),
    ):
        issued = await catalogue.issue_credential(role, scope, "test")  # type: ignore[arg-type]
        assert isinstance(issued, Issued), issued
        keys[role] = f"Bearer {issued.text}"
    await services.credentials.refresh()
    await services.frames.refresh(sale)
    return keys


def settings_for(state: Path, store_url: str, database_url: str) -> Settings:
    """The settings of a process of the tests."""
    return Settings(state_dir=state, store_url=store_url, database_url=database_url)
