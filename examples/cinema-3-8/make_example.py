#!/usr/bin/env python3
"""Makes the files of this example from a seed, with the standard library alone.

    python make_example.py --seed 38 --out .

The same seed gives the same bytes on every machine: draws are digests of the seed and of what is
drawn, so that a new line does not disturb the others. Cinemas, films and codes are made up; the
cities are real. The shape is that of March 2014: 143 cinemas (25 whole, 118 with one to three
halls), nine drops on three days, 3.80 yuan, two tickets a buyer, IMAX and VIP halls left out.
"""

import argparse
import csv
import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from programme import (
    PRICE_MINOR,
    SHOW_DAY,
    Dice,
    Screening,
    deal_drops,
    drop_id,
    drop_opens_at,
    make_allotments,
    make_codes,
    make_halls,
    make_screenings,
    make_venues,
)
from shop_keys import make_keys


def sale_toml(seed: int) -> str:
    """The sale file."""
    drops = "\n".join(
        f'[[drop]]\nid = "{drop_id(number)}"\nopens_at = {drop_opens_at(number).isoformat()}\n'
        for number in range(9)
    )
    return f"""\
# Made by make_example.py --seed {seed}; do not edit, make it anew.

[sale]
id = "cinema-3-8"
title = "3.8 元看电影"
currency = "CNY"
timezone = "Asia/Shanghai"
limit_per_buyer = 2
hold_s = 300
closes_at = {(SHOW_DAY + timedelta(hours=23)).isoformat()}

[room]
rate_per_s = 200
burst = 400
pass_s = 300
lobby_s = 900
deciding_s = 60

{drops}
[[login]]
name = "shop"
issuer = "https://login.shop.example"
audience = "dropgate"
jwks = "shop-login-jwks.json"

# The test adapter takes the shop's word; it works in test mode alone.
[[payment]]
name = "shop-pay"
kind = "test"
issuer = "https://pay.shop.example"
jwks = "shop-payment-jwks.json"

[files]
venues = "venues.csv"
seats = "seats.csv"
offers = "offers.csv"
codes = "codes.csv"
partners = "partners.csv"
allotments = "allotments.csv"
"""


def write_csv(path: Path, header: str, lines: Iterable[Iterable[object]]) -> None:
    """One CSV file with Unix line ends."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(lines)


def offer_line(screening: Screening, city: str) -> tuple[object, ...]:
    """A line of offers.csv: redeemable from the drop's opening until the show's end."""
    opens_at = drop_opens_at(screening.drop).isoformat()
    starts_at, ends_at = screening.starts_at.isoformat(), screening.ends_at.isoformat()
    title = f"{screening.film} {city}{screening.hall_number}号厅"
    return (
        *(screening.id, title, screening.venue, drop_id(screening.drop), "seated"),
        *(screening.hall.id, "", PRICE_MINOR, starts_at, ends_at, opens_at, ends_at),
        *("split", screening.supply, screening.codes),
    )


def make(seed: int, out: Path) -> None:
    """Write all files of the example into the folder `out`."""
    dice = Dice(seed)
    halls, venues = make_halls(dice), make_venues(dice)
    screenings = deal_drops(dice, make_screenings(dice, halls))
    cities = {venue: city for venue, _, city, _ in venues}
    out.mkdir(parents=True, exist_ok=True)
    (out / "sale.toml").write_text(sale_toml(seed), encoding="utf-8")
    write_csv(
        out / "venues.csv",
        "venue,title,city,timezone",
        ((venue, title, city, "Asia/Shanghai") for venue, title, city, _ in venues),
    )
    write_csv(
        out / "seats.csv",
        "layout,row,first,last",
        ((hall.id, row, *run) for hall in halls for row, runs in hall.rows for run in runs),
    )
    write_csv(
        out / "offers.csv",
        "offer,title,venue,drop,kind,layout,units,price_minor,"
        "starts_at,ends_at,redeem_from,redeem_until,together,supply,codes",
        (offer_line(screening, cities[screening.venue]) for screening in screenings),
    )
    write_csv(out / "codes.csv", "offer,seat,code", make_codes(dice, screenings))
    partners = (("marketplace", "网上集市"), ("members-club", "会员俱乐部"))
    write_csv(out / "partners.csv", "partner,title", partners)
    allotments = make_allotments(dice, screenings)
    write_csv(out / "allotments.csv", "allotment,partner,offer,quantity", allotments)
    public, private = make_keys(seed)
    for key in public:  # a set for each issuer: a login signs no payment
        keys = json.dumps({"keys": [key]}, indent=1)
        (out / f"shop-{key['kid']}-jwks.json").write_text(keys + "\n")
    notice = "Private keys of the made-up shop of this example. Everybody knows them."
    keys = json.dumps({"notice": notice, "keys": private}, indent=1)
    (out / "shop-keys.json").write_text(keys + "\n")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="make the files of the cinema example")
    parser.add_argument("--seed", type=int, default=38)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    given = parser.parse_args()
    make(given.seed, given.out)


if __name__ == "__main__":
    main()
