"""What the simulated venue knows: its seats, who bought them, what was used. Survives kill -9.

Belongs here: the seats of each screening, purchases by request id, redemptions, the journal they
are read back from. Not here: HTTP, the request limit, the faults played.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import json
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Screenings = Mapping[str, tuple[str, ...]]
"""Seat labels by offer, in the order of the file."""

CODE_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Purchase:
    """Seats of one screening sold in one request."""

    request_id: str
    offer: str
    seats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """A purchase that was refused whole: these seats are not free."""

    seats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RequestReused:
    """The request id stands for a purchase with other content."""


@dataclass(frozen=True, slots=True)
class NoSuchSeat:
    """The screening or some of the seats do not exist."""

    seats: tuple[str, ...]


def read_screenings(source: Path) -> dict[str, tuple[str, ...]]:
    """The seats to sell: a JSON file `{offer: [seat, ...]}`, or a sale.toml with its CSV files.

    Of a sale only offers with `supply` = `venue` are taken. Raises KeyError or ValueError when
    the files do not hold what they must.
    """
    if source.suffix == ".json":
        read: dict[str, list[str]] = json.loads(source.read_bytes())
        return {offer: tuple(seats) for offer, seats in read.items()}
    files = tomllib.loads(source.read_text())["files"]
    layouts: dict[str, list[str]] = {}
    for line in _rows(source.parent / files["seats"]):
        numbers = range(int(line["first"]), int(line["last"]) + 1)
        layouts.setdefault(line["layout"], []).extend(f"{line['row']}{n}" for n in numbers)
    return {
        line["offer"]: _seats_of(line, layouts)
        for line in _rows(source.parent / files["offers"])
        if line["supply"] == "venue"
    }


def _seats_of(line: Mapping[str, str], layouts: Mapping[str, list[str]]) -> tuple[str, ...]:
    if line["kind"] == "seated":
        return tuple(layouts[line["layout"]])
    return tuple(str(n) for n in range(1, int(line["units"]) + 1))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


class Books:
    """The venue's seats and their fate; every change is in the journal before it is answered."""

    def __init__(self, screenings: Screenings, journal: Path, secret: bytes) -> None:
        self.screenings = {offer: frozenset(seats) for offer, seats in screenings.items()}
        self.order = {offer: tuple(seats) for offer, seats in screenings.items()}
        self.purchases: dict[str, Purchase] = {}
        self.sold: dict[tuple[str, str], str] = {}
        self.redeemed: dict[tuple[str, str], int] = {}
        self.times_sold: Counter[tuple[str, str]] = Counter()
        self._secret = secret
        self._read_back(journal)
        self._journal = journal.open("a", encoding="utf-8")

    def close(self) -> None:
        """Close the journal; everything answered is in it already."""
        self._journal.close()

    def _read_back(self, journal: Path) -> None:
        """Replays the journal; a last line torn by a kill was never answered and is cut off."""
        if not journal.exists():
            return
        text = journal.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        for line in whole.splitlines():
            self._apply(json.loads(line))
        if whole != text:
            journal.write_text(whole, encoding="utf-8")

    def _write(self, line: dict[str, Any]) -> None:
        self._journal.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._journal.flush()
        self._apply(line)

    def _apply(self, line: dict[str, Any]) -> None:
        if "redemptions" in line:
            for offer, seat, at_ms in line["redemptions"]:
                self.redeemed.setdefault((offer, seat), at_ms)
            return
        purchase = Purchase(line["request_id"], line["offer"], tuple(line["seats"]))
        self.purchases[purchase.request_id] = purchase
        for seat in purchase.seats:
            self.sold[(purchase.offer, seat)] = purchase.request_id
            self.times_sold[(purchase.offer, seat)] += 1

    def buy(
        self, request_id: str, offer: str, seats: Sequence[str]
    ) -> Purchase | RequestReused | NoSuchSeat | Taken:
        """Sell all the seats or none; the same request id with the same content sells once."""
        wanted = Purchase(request_id, offer, tuple(seats))
        known = self.purchases.get(request_id)
        if known is not None:
            return known if known == wanted else RequestReused()
        existing = self.screenings.get(offer, frozenset())
        unknown = tuple(seat for seat in seats if seat not in existing)
        if unknown or offer not in self.screenings:
            return NoSuchSeat(unknown)
        taken = tuple(seat for seat in seats if (offer, seat) in self.sold)
        if taken:
            return Taken(taken)
        self._write({"request_id": request_id, "offer": offer, "seats": list(seats)})
        return wanted

    def redeem(self, lines: Sequence[tuple[str, str, int]]) -> tuple[int, list[tuple[str, str]]]:
        """Note used seats; says how many were new, and which are no sold seats of ours."""
        unknown = [(offer, seat) for offer, seat, _ in lines if (offer, seat) not in self.sold]
        new = {
            (offer, seat): at_ms
            for offer, seat, at_ms in lines
            if (offer, seat) in self.sold and (offer, seat) not in self.redeemed
        }
        if new:
            self._write({"redemptions": [[*place, at_ms] for place, at_ms in new.items()]})
        return len(new), unknown

    def code(self, offer: str, seat: str) -> str:
        """The venue's pickup code of a seat: a keyed function, so a repeat reads the same."""
        mac = hmac.digest(self._secret, f"{offer}/{seat}".encode(), hashlib.sha256)
        return f"{int.from_bytes(mac[:8], 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}d}"
