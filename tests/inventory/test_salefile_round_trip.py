"""Sales out of nothing: written down and read back; and files that were damaged."""

import csv
import io
import json
import operator
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings, strategies as st

from inventory.salefile import Problem, SaleFile, from_json, load, to_json
from tests.inventory.sale_files import FILES, FIRST_DROP_MS, write

HOUR_MS = 3_600_000
slugs = st.from_regex(r"[a-z0-9][a-z0-9-]{0,6}", fullmatch=True)
titles = st.text(
    st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(' ,"\'#;'), min_size=1,
    max_size=20,
).filter(lambda text: text == text.strip())  # fmt: skip
moments = st.integers(FIRST_DROP_MS // 1000, FIRST_DROP_MS // 1000 + 10**7).map(lambda s: s * 1000)

values = st.from_regex(r"[\x21-\x7e]{1,8}", fullmatch=True)
lanes = st.fixed_dictionaries(
    {"name": slugs, "weight": st.integers(1, 100), "claim": values, "is": values}
)

_NAME, _CLAIM = operator.itemgetter("name"), operator.itemgetter("claim")


@st.composite
def sales(draw: st.DrawFn) -> dict[str, Any]:
    """A sale as plain JSON values."""
    opens = sorted(draw(st.sets(st.integers(1, 50), min_size=1, max_size=4)))
    drops = [{"id": f"d{at}", "opens_at_ms": FIRST_DROP_MS + at * HOUR_MS} for at in opens]
    venues = [
        {"venue": name, "title": draw(titles), "city": draw(titles), "timezone": "Asia/Tokyo"}
        for name in sorted(draw(st.sets(slugs, min_size=1, max_size=4)))
    ]
    seats = [
        {"layout": "hall", "row": row, "first": first, "last": first + draw(st.integers(0, 9))}
        for row in draw(st.lists(st.sampled_from(["A", "B", "C", "2D"]), unique=True, min_size=1))
        for first in (1, 20)
    ]
    offers: list[dict[str, Any]] = []
    codes: list[dict[str, str]] = []
    for name in sorted(draw(st.sets(slugs, min_size=1, max_size=5))):
        kind = draw(st.sampled_from(["pooled", "seated"]))
        outside = draw(st.booleans())
        starts = FIRST_DROP_MS + draw(st.integers(100, 200)) * HOUR_MS
        offers.append(
            {
                **{"offer": name, "title": draw(titles), "kind": kind},
                "venue": draw(st.sampled_from(venues))["venue"],
                "drop": draw(st.sampled_from(drops))["id"],
                "layout": "hall" if kind == "seated" else "",
                "units": 0 if outside or kind == "seated" else draw(st.integers(1, 10**6)),
                "price_minor": draw(st.integers(0, 10**9)),
                **{"starts_at_ms": starts, "ends_at_ms": starts + HOUR_MS},
                **{"redeem_from_ms": starts - HOUR_MS, "redeem_until_ms": starts + HOUR_MS},
                "together": draw(st.sampled_from(["split", "refuse"])),
                **{"supply": "file", "codes": "outside" if outside else "minted"},
            }
        )
        if outside:
            seat = f"{seats[0]['row']}{seats[0]['first']}" if kind == "seated" else ""
            codes.append({"offer": name, "seat": seat, "code": f"code {len(codes):04d}"})
    return {
        "sale": {
            **{"id": draw(slugs), "title": draw(titles), "currency": "JPY"},
            **{"timezone": "Asia/Tokyo", "limit_per_buyer": draw(st.integers(1, 100))},
            **{"hold_s": draw(st.integers(5, 86_400)), "carry_over": draw(st.booleans())},
            **{"stripes": 1, "closes_at_ms": FIRST_DROP_MS + 10**9},
        },
        "room": {
            "rate_per_s": draw(st.integers(1, 100_000) | st.floats(0.001, 100_000)),
            **{
                "burst": 1,
                "pass_s": 60,
                "lobby_s": draw(st.integers(0, 3_600)),
                "active_max": 0,
                "grace_s": 45,
            },
        },
        "lanes": draw(
            st.lists(
                lanes, max_size=2, unique_by=(lambda one: one["name"], lambda one: one["claim"])
            )
        ),
        **{"drops": drops, "logins": [], "payments": [], "venues": venues, "seats": seats},
        **{"offers": offers, "codes": codes, "partners": [], "allotments": []},
    }


def written(sale: dict[str, Any], folder: Path) -> Path:
    """A sale of plain values as the files of a folder, times in the zone of Tokyo."""

    def iso(at_ms: int) -> str:
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        return at.astimezone(timezone(timedelta(hours=9))).isoformat()

    def plain(name: str, value: Any) -> tuple[str, Any]:
        return (name[:-3], iso(value)) if name.endswith("_ms") else (name, value)

    lines: list[str] = []
    for header, records in (("[sale]", [sale["sale"]]), ("[room]", [sale["room"]]),
                            ("[[drop]]", sale["drops"]), ("[[lane]]", sale["lanes"])):  # fmt: skip
        for record in records:
            pairs = [plain(*item) for item in record.items()]
            lines += [
                header,
                *(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in pairs),
            ]
    lines.append("[files]")
    for name in ("venues", "seats", "offers", "codes"):
        lines.append(f'{name} = "{name}.csv"')
        rows = [dict(plain(*item) for item in record.items()) for record in sale[name]]
        out = io.StringIO()
        writer = csv.DictWriter(out, rows[0] if rows else ["offer", "seat", "code"])
        writer.writeheader()
        writer.writerows(rows)
        (folder / f"{name}.csv").write_text(out.getvalue(), newline="")
    path = folder / "sale.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@settings(max_examples=60, deadline=None)
@given(sales())
def test_any_sale_survives_files_and_json(sale: dict[str, Any]) -> None:
    """What is written down as files, or as JSON, is read back as the same sale."""
    expected = msgspec.convert(sale, SaleFile)
    with tempfile.TemporaryDirectory() as folder:
        read = load(written(sale, Path(folder)))
    assert read == expected, [str(problem) for problem in read] if isinstance(read, list) else ""
    assert from_json(to_json(expected)) == expected


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(FILES)), st.integers(0, 10**6), st.integers(0, 40),
    st.binary(max_size=12),
)  # fmt: skip
def test_no_damage_to_a_file_is_an_exception(file: str, at: int, length: int, put: bytes) -> None:
    """However a file is damaged, the answer is a sale or a list of problems."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder))
        whole = (Path(folder) / file).read_bytes()
        at %= len(whole)
        (Path(folder) / file).write_bytes(whole[:at] + put + whole[at + length :])
        read = load(path)
    assert isinstance(read, SaleFile) or all(isinstance(one, Problem) for one in read)
