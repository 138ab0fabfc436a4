"""The pages are complete in themselves: small files of ours, known files of others, no outside."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.sources import HOUSE
from tests.house.test_sizes import long_files

PAGES = HOUSE / "gateway" / "pages"
VENDOR = PAGES / "vendor"
LINES_MAX = 350
WRITTEN = (".html", ".css", ".js", ".svg")
ELSEWHERE = re.compile(
    r"""\b(?:https?|wss?):(?://|\\/\\/)(?!www\.w3\.org/(?:2000/svg|1999/xlink)\b)"""
    r"""|(?:=|\(|\bimport|\bfrom)\s*["'`]?//[\w[]""",
    re.IGNORECASE,
)
"""An address of another origin, written out or `//host`; the names of XML's own are none."""
ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)
COLUMNS = ["name", "version", "file", "source", "licence", "sha256"]


def written_by_us(pages: Path) -> Iterator[Path]:
    """The files that a browser reads and that are ours."""
    for path in sorted(pages.rglob("*")):
        if path.suffix in WRITTEN and "vendor" not in path.relative_to(pages).parts:
            yield path


def outside(pages: Path) -> list[str]:
    """The lines that name another origin."""
    return [
        f"{path.relative_to(pages)}:{number}: {line.strip()[:80]}"
        for path in written_by_us(pages)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if ELSEWHERE.search(line)
    ]


def unlike_their_sums(vendor: Path) -> list[str]:
    """What differs between the files of others and the table in their README."""
    text = (vendor / "README.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in row.split("|")] for row in ROW.findall(text)]
    if not rows or rows[0] != COLUMNS:
        return [f"README.md has no table of {COLUMNS}"]
    listed = {row[2].strip("`"): row[5].strip("`") for row in rows[2:]}
    there = {
        path.relative_to(vendor).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.rglob("*")
        if path.is_file() and path.name != "README.md"
    }
    wrong = [f"{name} is not listed" for name in sorted(there.keys() - listed.keys())]
    wrong += [f"{name} is not there" for name in sorted(listed.keys() - there.keys())]
    wrong += [
        f"{name} was changed" for name in there if there[name] != listed.get(name, there[name])
    ]
    folders = {name.split("/", 1)[0] for name in there}
    return wrong + [f"{one} has no LICENSE" for one in folders if f"{one}/LICENSE" not in there]


def test_no_file_of_a_page_is_too_long() -> None:
    """Pages, styles and scripts stay below the limit, as all files do."""
    assert long_files(written_by_us(PAGES), LINES_MAX) == []


def test_no_page_refers_to_another_origin() -> None:
    """A page works where there is nothing but this server."""
    assert outside(PAGES) == []


def test_the_files_of_others_are_as_published() -> None:
    """Each has its line with version, source, licence and sum, and has not been touched."""
    assert not VENDOR.exists() or unlike_their_sums(VENDOR) == []


def test_what_leads_outside_is_found(tmp_path: Path) -> None:
    """An address of another origin is found however it is written; our own paths are not."""
    good = [
        'import { h } from "../common/dom.js"; // the helper',
        '<link rel="stylesheet" href="{{assets}}/shop/shop.css">',
        'document.createElementNS("http://www.w3.org/2000/svg", tag)',
        "fetch(`/v1/sales/${sale}`) // asks",
        "a = b / c // d",
    ]
    bad = [
        '<script src="https://cdn.example/x.js">', '<link href="//cdn.example/x.css">',
        "@import '//cdn.example/x.css';", "background: url(//cdn.example/x.png)",
        'fetch("http://127.0.0.1/x")', 'new WebSocket("wss://x.example")',
        'import x from "//cdn.example/x.js"', "const a = `https://${host}`", "a = 'HTTPS://x'",
    ]  # fmt: skip
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "x.js").write_text(bad[0], encoding="utf-8")
    (tmp_path / "x.js").write_text("\n".join(good), encoding="utf-8")
    assert outside(tmp_path) == []
    (tmp_path / "x.js").write_text("\n".join(bad), encoding="utf-8")
    assert len(outside(tmp_path)) == len(bad)


def test_a_changed_file_of_others_is_found(tmp_path: Path) -> None:
    """A byte more, a file without a line, a line without a file and a lost licence are found."""
    head = f"| {' | '.join(COLUMNS)} |\n|---|---|---|---|---|---|\n"
    (tmp_path / "x").mkdir()
    for name in ("x.js", "LICENSE"):
        (tmp_path / "x" / name).write_text(name, encoding="utf-8")
    rows = [
        f"| x | 1 | x/{name} | elsewhere | MIT | {hashlib.sha256(name.encode()).hexdigest()} |\n"
        for name in ("x.js", "LICENSE")
    ]
    readme = tmp_path / "README.md"
    readme.write_text(head + "".join(rows), encoding="utf-8")
    assert unlike_their_sums(tmp_path) == []
    (tmp_path / "x" / "x.js").write_text("x.js\n", encoding="utf-8")
    assert unlike_their_sums(tmp_path) == ["x/x.js was changed"]
    (tmp_path / "x" / "LICENSE").unlink()
    readme.write_text(head + rows[1], encoding="utf-8")
    told = ["x/x.js is not listed", "x/LICENSE is not there", "x has no LICENSE"]
    assert unlike_their_sums(tmp_path) == told
    readme.write_text("nothing", encoding="utf-8")
    assert unlike_their_sums(tmp_path) == [f"README.md has no table of {COLUMNS}"]
