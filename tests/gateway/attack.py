"""Asks a gateway all that its description allows and much that it forbids, with schemathesis.

A run attacks the calls of one audience in a world of its own. Part of what is asked is random, part
is made of what is really there: sales, offers, orders, codes, and credentials of every kind, which
`attack_hooks` hands out. The seed is fixed: the same code is asked the same again.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.endpoint import Endpoint, Who
from gateway.forecasting import is_long_enough
from gateway.routes import SHARED_PORT
from inventory.catalogue import Issued
from tests.gateway.every_route import BODIES, TODAY
from tests.gateway.world import OUTSIDE, PARTNER, SALE, VENUE, World, sale_body

HOUSE = Path(__file__).parents[2]
SEED = 20140308
EXAMPLES = 20
"""Random calls for each route, after those that cover each bound of each parameter."""
STORIES = 12
STORY_STEPS_MAX = 6
MANY = 24
"""Passes, places and kiosks, each good for a few calls; logins that have not joined."""
SPARE_KEYS = 4
SETTLE_EVERY_S = 0.2
PATIENCE_S = 60

ENDS_A_SALE = {
    "operator_drain": "drained", "operator_close": "closed", "room_reset": "begun-anew",
}  # fmt: skip
"""Calls that end a sale, or its line, have one of their own, so that the other goes on."""
NEW_SALES = 8
"""Sales that are published while it goes on."""
ENDLESS = "shopper_frames"
"""A stream has no end to be judged by."""
ENDS_ITS_KEY = "partner_rotate"
TOO_WIDE = "operator_apply"
"""A sale file has so many bounds that to cover each takes minutes: random ones must do."""
HAVE_STORIES = ("shopper", "partner")
"""Whose calls bring something that the next one is about, whatever they are asked with."""
GARBAGE = (None, "nonsense", "Bearer x.y.z", "Place x", "Pass x.y.z", "Basic YTpi",
           "Bearer dgk_operator_00000000_" + "0" * 32)  # fmt: skip
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
)
GOOD = {
    name: BODIES[name]
    for name in ("shopper_hold", "partner_order", "operator_apply", "operator_stock")
}
"""Bodies of calls that chance alone would seldom make good."""
PLACES = {
    "sales": ("path.sale", "query.sale", "body.sale", "body.orders[*].sale"),
    "offers": ("path.offer", "body.offer", "body.lines[*].offer", "body.orders[*].lines[*].offer"),
    "orders": ("path.order",),
    "allotments": ("path.allotment",),
    "days": ("path.date", "query.date"),
    "codes": ("body.code",),
    "payments": ("body.payment",),
    "units": ("body.lines[*].unit", "body.units[*]"),
    "revisions": ("header.If-Match",),
}
"""Which words are tried where."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is really there to be asked for."""

    credentials: dict[Who, list[str]]
    spare_keys: list[str]
    partners: list[str]
    owners: dict[str, str]
    proofs: dict[str, str]
    words: dict[str, list[str | int]]


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended, and all that it said."""

    status: int
    text: str


def audience(endpoint: Endpoint) -> str:
    """Whose call it is: its tag in the document."""
    return endpoint.name.split("_", 1)[0]


AUDIENCES = tuple(dict.fromkeys(audience(one) for one in SHARED_PORT))


async def attack(world: World, whose: str, home: Path) -> Report:
    """Attack the calls of one audience; the files of the run are in `home`."""
    target = await prepare(world)
    await _more_sales(world, [ENDS_A_SALE[name] for name in ENDS_A_SALE if name.startswith(whose)])
    await _watched(world)
    plan, config = home / "attack.json", home / "schemathesis.toml"
    statement = "line,order,reference,status,quantity,amount_minor,currency,at\n"
    bodies = {
        "operator_apply": sale_body(),
        "partner_statement": statement,
        "recovery_free": {"offer": "pool"},
    }
    proofs = {order: {"payment": proof} for order, proof in target.proofs.items()}
    plan.write_text(json.dumps({"calls": _handed_out(target), "bodies": bodies | proofs}))
    config.write_text(_config(target, whose))
    async with _settling(world):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "schemathesis.cli", "--config-file", config,
            "run", f"{world.url}/openapi.json", "--include-tag", whose,
            "--exclude-operation-id", ENDLESS,
            cwd=HOUSE,
            env={**os.environ, "PYTHONPATH": str(HOUSE), "DROPGATE_ATTACK": str(plan)},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            told, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode is not None
    return Report(process.returncode, told.decode())


async def prepare(world: World) -> Target:
    """Orders that are held and paid, codes, and credentials of every kind."""
    owned = await _orders(world)
    units = [unit for order, _ in owned for unit in order["units"]]
    proofs = {one["id"]: world.proof(one) for one, _ in owned if one["state"] == "held"}
    return Target(
        {
            Who.LOGIN: [world.login(f"new-{n}") for n in range(MANY)],
            Who.PLACE: [await world.place(f"waiting-{n}") for n in range(MANY)],
            Who.PASS: [await world.pass_(f"inside-{n}") for n in range(MANY)],
            Who.PARTNER: [world.keys["partner"]],
            Who.KIOSK: await _issued(world, "kiosk", [f"{VENUE}/k-{n}" for n in range(MANY)]),
            Who.OPERATOR: [world.keys["operator"]],
            Who.AUDITOR: [world.keys["auditor"]],
        },
        await _issued(world, "partner", [PARTNER] * SPARE_KEYS),
        [world.keys["partner"]],
        {order["id"]: auth for order, auth in owned},
        proofs,
        {
            "sales": [SALE],
            "offers": ["pool", "hall", "lock", "later", "tiny", "late", "far"],
            "orders": [order["id"] for order, _ in owned],
            "allotments": ["box"],
            "days": [TODAY],
            "codes": [*(unit["code"] for unit in units if "code" in unit), *OUTSIDE],
            "payments": [*proofs.values()],
            "units": [unit["unit"] for unit in units],
            "revisions": ['"1"', '"2"'],
            "words": [SALE, "pool", "hall", "box", VENUE, "now", "A1", "Here", TODAY, PARTNER],
        },
    )


async def _more_sales(world: World, names: Iterable[str]) -> None:
    """Further sales like the small one, that are open."""
    for name in names:
        path, auth = f"/v1/operator/sales/{name}", world.keys["operator"]
        assert (await world.call("PUT", path, sale_body(name), auth=auth)).status == 201
        assert (await world.call("POST", f"{path}/open", {}, auth=auth)).status == 200


async def _watched(world: World) -> None:
    """Wait until the line has been watched for so long that a forecast can be made of it."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_long_enough(world.services.board.record(SALE)):
            await asyncio.sleep(SETTLE_EVERY_S)


async def _orders(world: World) -> list[tuple[dict[str, Any], str]]:
    """Orders of the partner and of shoppers, each with the credential of its owner."""
    partner = world.keys["partner"]
    owned = [((await world.sell(f"buyer-{n}")).data, partner) for n in range(6)]
    owned += [((await world.sell(f"taker-{n}", mode="hold")).data, partner) for n in range(2)]
    for n, offer in enumerate(("pool", "hall", "lock", "pool")):
        buyer, line = f"owner-{n}", {"offer": offer, "quantity": 1}
        order = await world.buy(buyer, line) if n % 2 else (await world.hold(buyer, line)).data
        owned.append((order, world.login(buyer)))
    return owned


async def _issued(world: World, role: Any, scopes: list[str]) -> list[str]:
    catalogue = await world.services.catalogue.get()
    issued = [await catalogue.issue_credential(role, scope, "test") for scope in scopes]
    await world.services.credentials.refresh()
    return [f"Bearer {one.text}" for one in issued if isinstance(one, Issued)]


def _handed_out(target: Target) -> dict[str, Any]:
    """For each call: the credentials that it takes, those that it must refuse, owners of orders."""
    held = target.credentials
    given = {**held, Who.PASS_AT_TILL: held[Who.PASS], Who.PLACE_AT_DOOR: held[Who.PLACE]}
    plan = {}
    for endpoint in SHARED_PORT:
        own = [text for who in endpoint.who for text in given[who]]
        if endpoint.name == ENDS_ITS_KEY:
            own = target.spare_keys
        others = [texts[0] for who, texts in given.items() if who not in endpoint.who]
        owners = target.owners if Who.LOGIN in endpoint.who else {}
        plan[endpoint.name] = {
            "own": own,
            "others": [*GARBAGE, *others],
            "owners": owners,
            "there": _there(target, endpoint),
            "body": GOOD.get(endpoint.name),
        }
    return plan


def _there(target: Target, endpoint: Endpoint) -> dict[str, list[str]]:
    """For each parameter what is surely there, for this call."""
    partners = [order for order, auth in target.owners.items() if auth in target.partners]
    shoppers = [order for order in target.owners if order not in partners]
    sales = [ENDS_A_SALE.get(endpoint.name, SALE)]
    if endpoint.name == "operator_apply":
        sales = [f"new-{n}" for n in range(NEW_SALES)]
    orders = shoppers if audience(endpoint) == "shopper" else partners
    if endpoint.name == "shopper_confirm":
        orders = [order for order in shoppers if order in target.proofs]
    return {
        "sale": sales,
        "order": orders,
        "offer": ["hall"],
        "allotment": ["box"],
        "date": [TODAY],
    }


def _config(target: Target, whose: str) -> str:
    """The run's schemathesis.toml."""
    dictionaries = [
        f"[dictionaries.{name}]\nvalues = {json.dumps(words)}"
        for name, words in target.words.items()
    ]
    bound = [
        f'"{place}" = {{dictionary = "{name}", probability = 0.8}}'
        for name, places in PLACES.items()
        for place in places
    ]
    ends = [
        f'[[operations]]\ninclude-operation-id = "{name}"\nparameters = {{"path.sale" = "{sale}"}}'
        for name, sale in ENDS_A_SALE.items()
    ]
    return "\n".join(
        (
            f'seed = {SEED}\nhooks = "tests.gateway.attack_hooks"',
            "continue-on-failure = true\ncolor = false\nwarnings = false",
            # Nothing is held against the clock: the machine may be slow.
            f'request-timeout = {PATIENCE_S}\nsuppress-health-check = ["all"]',
            "[output]\nsanitization.enabled = false\ntruncation.enabled = false",
            f'[generation]\nmax-examples = {EXAMPLES}\ndatabase = "none"\nno-shrink = true',
            "with-security-parameters = false",
            'dictionaries.string = {dictionary = "words", probability = 0.3}',
            "[checks]\nenabled = false",
            *(f"{check}.enabled = true" for check in CHECKS),
            'negative_data_rejection.expected-statuses = ["4xx"]',
            f"[phases.stateful]\nenabled = {str(whose in HAVE_STORIES).lower()}",
            f"max-steps = {STORY_STEPS_MAX}\ngeneration.max-examples = {STORIES}",
            *dictionaries,
            "[parameters]",
            *bound,
            *ends,
            f'[[operations]]\ninclude-operation-id = "{TOO_WIDE}"',
            "phases.coverage.enabled = false",
        )
    )


@asynccontextmanager
async def _settling(world: World) -> AsyncIterator[None]:
    """The settlement worker's part, for calls that wait for the books."""

    async def settle() -> None:
        while True:
            await world.settle()
            await asyncio.sleep(SETTLE_EVERY_S)

    settling = asyncio.create_task(settle())
    try:
        yield
    finally:
        settling.cancel()
        await asyncio.gather(settling, return_exceptions=True)
