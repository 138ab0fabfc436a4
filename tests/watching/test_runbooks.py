"""Every alert has a runbook, and what a runbook tells people to type works as written."""

import re
from pathlib import Path

import pytest

from tests.commands import commands_in, parse
from tests.house.sources import HOUSE
from tests.watching.asked import RUNBOOKS, alerts, rows

ALL = sorted(RUNBOOKS.glob("*.md"))
PARTS = ["What it means", "Who feels it", "How to look", "How to mend", "How it ends"]


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    """The address in an alert is a file that is there; no runbook is left of an alert that went."""
    for alert in alerts():
        assert alert["annotations"]["runbook_url"] == f"docs/runbooks/{alert['alert']}.md"
    assert {path.stem for path in ALL} == {alert["alert"] for alert in alerts()}


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_runbook_has_its_parts(path: Path) -> None:
    """What it means, who feels it, how to look and mend, and how it ends, in this order."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {path.stem}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_its_commands_are_ours(path: Path) -> None:
    """`dropgate` itself would take every line of it."""
    for line in commands_in(path.read_text(encoding="utf-8")):
        parse(line.words)


def test_commands_are_in_there() -> None:
    """The test above has something to hold."""
    lines = [line for path in ALL for line in commands_in(path.read_text(encoding="utf-8"))]
    assert len(lines) >= len(ALL)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_its_metrics_and_links_are_there(path: Path) -> None:
    """A metric that it names is told by a process; a page that it points to exists."""
    text = path.read_text(encoding="utf-8")
    known = {row.name for row in rows()}
    named = {re.sub(r"_(bucket|count|sum)$", "", one) for one in re.findall(r"dropgate_\w+", text)}
    assert named <= known
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (path.parent / link).resolve().is_relative_to(HOUSE)
        assert (path.parent / link).exists(), link
