"""A small sale as files, with signers of its own, for stories on real processes."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loadtest.installation import ROOT

KEYS = ROOT / "examples" / "cinema-3-8" / "shop-keys.json"
PARTNER = "market"
ROWS, SEATS = "CDEFGHJK", 12
HEAD = (
    "offer,title,venue,drop,kind,layout,units,price_minor,starts_at,ends_at,"
    "redeem_from,redeem_until,together,supply,codes\n"
)


def write_sale(
    directory: Path, name: str, *, pooled: int, rate_per_s: int, ahead: bool = False
) -> dict[str, int]:
    """Write `sale.toml` and its files; the units of each offer. Its drop has just opened.

    With `ahead` there is one more offer, `ahead`, whose seats are bought from the venue.
    """
    directory.mkdir(parents=True)
    now = datetime.now(UTC).replace(microsecond=0)
    opened, starts = now - timedelta(seconds=1), now + timedelta(days=1)
    ends = starts + timedelta(hours=2)
    keys = json.loads(KEYS.read_bytes())["keys"]
    public = [{field: text for field, text in key.items() if field != "d"} for key in keys]
    (directory / "jwks.json").write_text(json.dumps({"keys": public}))
    (directory / "sale.toml").write_text(
        f'[sale]\nid = "{name}"\ntitle = "{name}"\ncurrency = "CNY"\ntimezone = "Asia/Shanghai"\n'
        f"limit_per_buyer = 2\nhold_s = 60\ncloses_at = {starts.isoformat()}\n"
        f"[room]\nrate_per_s = {rate_per_s}\nburst = {rate_per_s}\npass_s = 60\nlobby_s = 60\n"
        f'[[drop]]\nid = "now"\nopens_at = {opened.isoformat()}\n'
        '[[login]]\nname = "shop"\nissuer = "https://login.example"\naudience = "dropgate"\n'
        'jwks = "jwks.json"\n'
        '[[payment]]\nname = "pay"\nkind = "test"\nissuer = "https://pay.example"\n'
        'jwks = "jwks.json"\n'
        '[files]\nvenues = "venues.csv"\nseats = "seats.csv"\noffers = "offers.csv"\n'
        'partners = "partners.csv"\n'
    )
    (directory / "venues.csv").write_text("venue,title,city,timezone\nhall,Hall,Here,UTC\n")
    (directory / "partners.csv").write_text(f"partner,title\n{PARTNER},Market\n")
    rows = "".join(f"h1,{row},1,{SEATS}\n" for row in ROWS)
    (directory / "seats.csv").write_text("layout,row,first,last\n" + rows)
    times = ",".join(at.isoformat() for at in (starts, ends, opened, ends))
    lines = [
        f"pool-{n},Pool {n},hall,now,pooled,,{pooled},380,{times},split,file,minted" for n in "12"
    ]
    lines += [f"seats-{n},Film {n},hall,now,seated,h1,,380,{times},split,file,minted" for n in "12"]
    if ahead:
        lines.append(f"ahead,Ahead,hall,now,seated,h1,,380,{times},split,venue,outside")
    (directory / "offers.csv").write_text(HEAD + "\n".join(lines) + "\n")
    seats = len(ROWS) * SEATS
    return {"pool-1": pooled, "pool-2": pooled, "seats-1": seats, "seats-2": seats}
