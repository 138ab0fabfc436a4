"""Sales for the bench: pooled offers that do not sell out, a partner, and shoppers of a shop."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

from loadtest.bench.asks import NUMBER, OFFER, OFFERS, VALUE, Ask, as_json
from loadtest.installation import ROOT

SALE, PARTNER = "bench", "market"
UNITS = 1_000_000
PRICE_MINOR = 380
SHOP_KEYS = ROOT / "examples" / "cinema-3-8" / "shop-keys.json"
ISSUER, AUDIENCE = "https://login.example", "dropgate"
PEOPLE_PER_S = 100_000
HEAD = (
    "offer,title,venue,drop,kind,layout,units,price_minor,starts_at,ends_at,"
    "redeem_from,redeem_until,together,supply,codes\n"
)


def write(
    directory: Path, sale: str = SALE, *, units: int = UNITS, offers: int = OFFERS, stripes: int = 1
) -> Path:
    """Write the sale's files; its sale.toml. Its drop opened an hour ago."""
    directory.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    opened, ends = now - datetime.timedelta(hours=1), now + datetime.timedelta(days=1)
    keys = json.loads(SHOP_KEYS.read_bytes())["keys"]
    public = [{field: text for field, text in key.items() if field != "d"} for key in keys]
    times = ",".join(each.isoformat() for each in (now, ends, opened, ends))
    rows = "".join(
        f"offer-{n:02},Offer {n},hall,now,pooled,,{units},{PRICE_MINOR},{times},split,file,minted\n"
        for n in range(offers)
    )
    files = {
        "sale.toml": _sale(sale, opened, ends, stripes),
        "jwks.json": json.dumps({"keys": public}),
        "venues.csv": "venue,title,city,timezone\nhall,Hall,Here,UTC\n",
        "partners.csv": f"partner,title\n{PARTNER},Market\n",
        "offers.csv": HEAD + rows,
    }
    for name, text in files.items():
        (directory / name).write_text(text)
    return directory / "sale.toml"


def _sale(sale: str, opened: datetime.datetime, ends: datetime.datetime, stripes: int) -> str:
    striped = f"stripes = {stripes}\n" if stripes > 1 else ""
    return (
        f'[sale]\nid = "{sale}"\ntitle = "Bench"\ncurrency = "CNY"\ntimezone = "UTC"\n'
        f"limit_per_buyer = 2\nhold_s = 3600\ncloses_at = {ends.isoformat()}\n{striped}"
        f"[room]\nrate_per_s = {PEOPLE_PER_S}\nburst = {PEOPLE_PER_S}\npass_s = 3600\n"
        f'lobby_s = 900\n[[drop]]\nid = "now"\nopens_at = {opened.isoformat()}\n'
        f'[[login]]\nname = "shop"\nissuer = "{ISSUER}"\naudience = "{AUDIENCE}"\n'
        'jwks = "jwks.json"\n'
        '[files]\nvenues = "venues.csv"\noffers = "offers.csv"\npartners = "partners.csv"\n'
    )


def _order(sale: str, quantity: int = 1, offer: str = OFFER) -> dict[str, object]:
    return {
        "sale": sale,
        "buyer": f"buyer-{NUMBER}",
        "lines": [{"offer": f"offer-{offer}", "quantity": quantity}],
        "mode": "sell",
        "reference": f"R{NUMBER}",
    }


def single(path: str, credential: str = "none", sale: str = SALE) -> Ask:
    """One order of one unit for a new buyer: to Dropgate, or to a reference the same bytes."""
    headers = {
        "Authorization": f"Bearer {credential}",
        "Content-Type": "application/json",
        "Idempotency-Key": f"key-{NUMBER}",
    }
    item = as_json(_order(sale))
    return Ask(method="POST", path=path, headers=headers, item=item, items=1)


def batch(
    size: int, credential: str, sale: str = SALE, *, quantity: int = 1, offer: str = OFFER
) -> Ask:
    """So many orders of new buyers in one call."""
    headers = {"Authorization": f"Bearer {credential}", "Content-Type": "application/json"}
    item = as_json({"key": f"key-{NUMBER}", **_order(sale, quantity, offer)})
    return Ask(
        method="POST", path="/v1/partner/orders/batch", headers=headers,
        head='{"orders":[', item=item, tail="]}", items=size,
    )  # fmt: skip


def hold(passes: list[str], sale: str = SALE) -> Ask:
    """A shopper's hold of one unit, each with a pass of its own."""
    headers = {
        "Authorization": f"Pass {VALUE}",
        "Content-Type": "application/json",
        "Idempotency-Key": f"hold-{NUMBER}",
    }
    item = as_json({"lines": [{"offer": f"offer-{OFFER}", "quantity": 1}]})
    return Ask(
        method="POST", path=f"/v1/sales/{sale}/orders", headers=headers,
        item=item, items=1, values=passes,
    )  # fmt: skip


def frame(sale: str = SALE) -> Ask:
    """A poll of the waiting room's public document."""
    return Ask(method="GET", path=f"/v1/sales/{sale}/frame")
