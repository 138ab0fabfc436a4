"""A sale for the bench: pooled offers that do not sell out, and a partner."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator
from pathlib import Path

SALE = "bench"
OFFERS = 16
UNITS = 500_000
PRICE_MINOR = 380
QUANTITY = 2


def write(directory: Path) -> Path:
    """Write the sale's files; its sale.toml. Its drop opened an hour ago."""
    directory.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    opened, ends = now - datetime.timedelta(hours=1), now + datetime.timedelta(days=1)
    (directory / "sale.toml").write_text(
        f'[sale]\nid = "{SALE}"\ntitle = "Bench"\ncurrency = "CNY"\ntimezone = "UTC"\n'
        f"limit_per_buyer = 20\nhold_s = 300\ncloses_at = {ends.isoformat()}\n"
        "[room]\nrate_per_s = 1000\nburst = 1000\npass_s = 300\nlobby_s = 900\n"
        f'[[drop]]\nid = "now"\nopens_at = {opened.isoformat()}\n'
        '[files]\nvenues = "venues.csv"\noffers = "offers.csv"\npartners = "partners.csv"\n'
    )
    (directory / "venues.csv").write_text("venue,title,city,timezone\nhall,Hall,Here,UTC\n")
    (directory / "partners.csv").write_text("partner,title\nmarket,Market\n")
    head = (
        "offer,title,venue,drop,kind,layout,units,price_minor,starts_at,ends_at,"
        "redeem_from,redeem_until,together,supply,codes\n"
    )
    times = ",".join(each.isoformat() for each in (now, ends, opened, ends))
    lines = "".join(
        f"offer-{n},Offer {n},hall,now,pooled,,{UNITS},{PRICE_MINOR},{times},split,file,minted\n"
        for n in range(OFFERS)
    )
    (directory / "offers.csv").write_text(head + lines)
    return directory / "sale.toml"


def orders() -> Iterator[dict[str, object]]:
    """Endless orders of new buyers, without a key."""
    for number in itertools.count():
        yield {
            "sale": SALE,
            "buyer": f"buyer-{number}",
            "lines": [{"offer": f"offer-{number % OFFERS}", "quantity": QUANTITY}],
            "mode": "sell",
            "reference": f"R{number}",
        }
