"""load.html: the verdict and the curves of one load, in one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from loadtest.load.charts import WIDE, WIDTH, chart
from loadtest.load.figures import Figures
from loadtest.load.judging import SAID_MAX, Finding

TEMPLATE = Path(__file__).with_name("report.html")
LINES_MAX = 14
NUMBERS = {
    "answers": "Answers",
    "answers_per_s": "Answers a second",
    "p50_ms": "Half within, ms",
    "p99_ms": "99 of 100 within, ms",
    "users_most": "Users at most",
    "failures": "Failures",
}
TABLES = {"calls": "Calls", "refusals": "Refusals", "ends": "What became of people"}


def write_report(
    path: Path, told: Mapping[str, Any], figures: Figures, found: Sequence[Finding]
) -> None:
    """Write the page. `told` is what load.json says."""
    load, numbers = told["load"], told["figures"]
    red = [each.name for each in found if not each.ok]
    verdict = f"Red: {', '.join(red)}" if red else "Green: every promise was kept"
    about = (
        f"{load['shape']} of {load['users']:,} users for {load['seconds']:,} s by "
        f"{load['processes']} processes, sale {load['sale']} at {load['gateway']}"
    )
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(verdict),
        mood="bad" if red else "good",
        verdict=escape(verdict),
        about=escape(about),
        numbers="".join(
            f"<div><dt>{words}</dt><dd>{numbers[name]:,}</dd></div>"
            for name, words in NUMBERS.items()
        ),
        findings="".join(map(_finding, found)),
        charts=_charts(figures),
        tables="".join(_table(words, numbers[name]) for name, words in TABLES.items()),
    )
    path.write_text(text, encoding="utf-8")


def _charts(figures: Figures) -> str:
    """Two in a row; one without a neighbour is as wide as two."""
    titles = figures.charts()
    alone = len(titles) % 2 and list(titles)[-1]
    return "".join(
        chart(title, series, seconds=figures.lasted_s, width=WIDE if title == alone else WIDTH)
        for title, series in titles.items()
    )


def _finding(finding: Finding) -> str:
    items = "".join(f"<li>{escape(words)}</li>" for words in finding.said[:SAID_MAX])
    if len(finding.said) > SAID_MAX:
        items += f"<li>and {len(finding.said) - SAID_MAX:,} more</li>"
    said = f"<ul>{items}</ul>" if items else ""
    return (
        f'<tr><th>{escape(finding.name)}</th><td class="n {"good" if finding.ok else "bad"}">'
        f"{finding.wrong:,}</td><td>{escape(finding.looked_at)}{said}</td></tr>"
    )


def _table(title: str, counts: Mapping[str, int]) -> str:
    """The most frequent, and the rest as one line."""
    lines = list(counts.items())[:LINES_MAX]
    rest = sum(list(counts.values())[LINES_MAX:])
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td class="n">{many:,}</td></tr>'
        for name, many in [*lines, *([("others", rest)] if rest else [])]
    )
    head = f'<thead><tr><th>{title}</th><th class="n"></th></tr></thead>'
    return f'<div class="table"><table>{head}<tbody>{rows}</tbody></table></div>'
