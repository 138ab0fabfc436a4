"""The sale that a load of its own buys: scarce seats, scarce vouchers, and vouchers for everybody.

What is scarce sells out on the way, so that refusals are seen; what is plenty lasts to the end.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loadtest.installation import ROOT

SALE, DROP, PARTNER = "load", "now", "market"
VENUES = ("lotus", "sirius")
SHOP_KEYS = ROOT / "examples" / "cinema-3-8" / "shop-keys.json"
RATE_PER_S, BURST = 150, 150
HOLD_S, PASS_S = 6, 20
ROWS, SEATS = "CDEFGHJK", 12
SEATED, SCARCE, PLENTY = 6, 4, 8
SCARCE_UNITS = 300
SOLD_MAX_PER_S = 1_000
"""More units a second than two cores sell; what is plenty is so many for each second of the load.
The audit looks at every unit, so that too many of them would be waited for at the end."""
HEAD = (
    "offer,title,venue,drop,kind,layout,units,price_minor,starts_at,ends_at,"
    "redeem_from,redeem_until,together,supply,codes\n"
)


def write(directory: Path, *, seconds: int) -> Path:
    """Write the files of a sale for so long; its sale.toml. When its drop opens `apply` says."""
    directory.mkdir(parents=True)
    keys = json.loads(SHOP_KEYS.read_bytes())["keys"]
    public = [{field: text for field, text in key.items() if field != "d"} for key in keys]
    opens = datetime.now(UTC).replace(microsecond=0)
    over = opens + timedelta(days=30)
    files = {
        "jwks.json": json.dumps({"keys": public}),
        "sale.toml": _sale(opens, over),
        "venues.csv": "venue,title,city,timezone\n"
        + "".join(f"{venue},{venue.title()},Here,UTC\n" for venue in VENUES),
        "partners.csv": f"partner,title\n{PARTNER},Market\n",
        "seats.csv": "layout,row,first,last\n" + "".join(f"hall,{row},1,{SEATS}\n" for row in ROWS),
        "offers.csv": HEAD
        + "".join(_offers(opens, over, plenty=SOLD_MAX_PER_S * seconds // PLENTY)),
    }
    for name, text in files.items():
        (directory / name).write_text(text)
    return directory / "sale.toml"


def _sale(opens: datetime, over: datetime) -> str:
    return f"""[sale]
id = "{SALE}"
title = "A load"
currency = "CNY"
timezone = "UTC"
limit_per_buyer = 2
hold_s = {HOLD_S}
closes_at = {over.isoformat()}
[room]
rate_per_s = {RATE_PER_S}
burst = {BURST}
pass_s = {PASS_S}
lobby_s = 900
[[drop]]
id = "{DROP}"
opens_at = {opens.isoformat()}
[[login]]
name = "shop"
issuer = "https://login.example"
audience = "dropgate"
jwks = "jwks.json"
[[payment]]
name = "pay"
kind = "test"
issuer = "https://pay.example"
jwks = "jwks.json"
[files]
venues = "venues.csv"
seats = "seats.csv"
offers = "offers.csv"
partners = "partners.csv"
"""


def _offers(opens: datetime, over: datetime, *, plenty: int) -> list[str]:
    times = ",".join(at.isoformat() for at in (over - timedelta(hours=2), over, opens, over))
    kinds = [("seats", "seated,hall,", SEATED)]
    kinds.append(("scarce", f"pooled,,{SCARCE_UNITS}", SCARCE))
    kinds.append(("plenty", f"pooled,,{plenty}", PLENTY))
    return [
        f"{name}-{n},{name} {n},{VENUES[n % len(VENUES)]},{DROP},{kind},380,{times},"
        "split,file,minted\n"
        for name, kind, many in kinds
        for n in range(many)
    ]
