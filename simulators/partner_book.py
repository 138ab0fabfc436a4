"""The partner's own book: what it wants to buy, what it got, sold, gave back. Survives kill -9.

Belongs here: the JSONL file, what follows from its lines, the day's statement. Not here: HTTP and
lies. An intent is written before it is sent, so a partner that died repeats it by the same key.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Any

COLUMNS = ("line", "order", "reference", "status", "quantity", "amount_minor", "currency", "at")
SOLD, REFUNDED = "sold", "refunded"


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One thing the partner saw: an order, a refund, or a unit of an allotment that it sold."""

    order: str
    reference: str
    status: str
    quantity: int
    amount_minor: int
    currency: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class AllottedUnit:
    """A unit that the partner may sell, with its code.

    `state` is taken, selling (a report is on its way), reported, returning, returned, or refused
    (Dropgate says it is not ours to report or return). `batch` is the key of that report or return.
    """

    allotment: str
    unit: int
    offer: str
    code: str
    state: str = "taken"
    batch: str = ""
    reference: str = ""
    amount_minor: int = 0
    currency: str = ""


class Book:
    """Every line is on disk before what it says is acted on."""

    def __init__(self, path: Path) -> None:
        self.intents: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.refused: dict[str, str] = {}
        self.lines: list[StatementLine] = []
        self.allotted: dict[tuple[str, int], AllottedUnit] = {}
        self.contradictions: list[str] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._read_back(path)
        self._file = path.open("a", encoding="utf-8")

    def close(self) -> None:
        """Close the file; everything acted on is in it already."""
        self._file.close()

    def _read_back(self, path: Path) -> None:
        """Replays the file; a last line torn by a kill was never acted on and is cut off."""
        if not path.exists():
            return
        text = path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        for line in whole.splitlines():
            self._apply(json.loads(line))
        if whole != text:
            path.write_text(whole, encoding="utf-8")

    def write(self, *lines: dict[str, Any]) -> None:
        """Append lines to the file in one write and act on them."""
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        self._file.write(text)
        self._file.flush()
        for line in lines:
            self._apply(line)

    def _apply(self, line: dict[str, Any]) -> None:
        match line["what"]:
            case "intent":
                self.intents[line["key"]] = line
            case "order":
                self._bought(line)
            case "refused":
                self.refused[line["key"]] = line["code"]
            case "refund":
                order = self.orders[line["order"]]
                order["refunded"] = True
                self._line(order, REFUNDED, line["quantity"], line["amount_minor"], line["at_ms"])
            case "taken":
                unit = AllottedUnit(**line["unit"])
                self.allotted.setdefault((unit.allotment, unit.unit), unit)
            case "units":
                for number in line["units"]:
                    self._unit(line, number)
            case "contradiction":
                self.contradictions.append(line["detail"])
            case what:
                raise ValueError(f"the book has a line of an unknown kind: {what!r}")

    def _bought(self, line: dict[str, Any]) -> None:
        known = self.orders.get(line["order"])
        if known is not None:
            return
        self.orders[line["order"]] = line
        self._line(line, SOLD, line["quantity"], line["amount_minor"], line["at_ms"])

    def _line(
        self, order: Mapping[str, Any], status: str, quantity: int, amount_minor: int, at_ms: int
    ) -> None:
        self.lines.append(
            StatementLine(
                order["order"],
                order["reference"],
                status,
                quantity,
                amount_minor,
                order["currency"],
                at_ms,
            )
        )

    def _unit(self, line: dict[str, Any], number: int) -> None:
        """A step of one unit; `set` says what else became known of all units of the line."""
        key = (line["allotment"], number)
        unit = replace(self.allotted[key], state=line["state"], **line.get("set", {}))
        self.allotted[key] = unit
        if unit.state == "reported":
            name = f"{unit.allotment}/{unit.unit}"
            at_ms = line["at_ms"]
            self.lines.append(
                StatementLine(
                    name, unit.reference, SOLD, 1, unit.amount_minor, unit.currency, at_ms
                )
            )

    def open_intents(self) -> list[dict[str, Any]]:
        """What was meant and has no known outcome: to be sent again by the same key."""
        done = {order["key"] for order in self.orders.values()} | set(self.refused)
        return [intent for key, intent in self.intents.items() if key not in done]

    def units(self, state: str) -> list[AllottedUnit]:
        """The allotted units in a state, by allotment and number."""
        return [unit for _, unit in sorted(self.allotted.items()) if unit.state == state]

    def statement(self, day: date, timezone: tzinfo) -> list[StatementLine]:
        """What the partner saw on a day of that time zone, in the order it saw it."""
        return [line for line in self.lines if moment(line.at_ms, timezone).date() == day]


def moment(at_ms: int, timezone: tzinfo) -> datetime:
    """The instant in a time zone."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(timezone)


def to_csv(lines: Iterable[StatementLine], timezone: tzinfo) -> str:
    """The statement's file: a header and numbered lines (RFC 4180 with plain newlines)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number, line in enumerate(lines, start=1):
        at = moment(line.at_ms, timezone).isoformat(timespec="milliseconds")
        writer.writerow(
            (
                *(number, line.order, line.reference, line.status),
                *(line.quantity, line.amount_minor, line.currency, at),
            )
        )
    return text.getvalue()
