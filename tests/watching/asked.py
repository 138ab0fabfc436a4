"""What alerts, recording rules and the dashboard ask, and what docs/metrics.md says there is."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.house.sources import HOUSE

PROMETHEUS = HOUSE / "deploy" / "prometheus"
DASHBOARD = HOUSE / "deploy" / "grafana" / "dashboards" / "dropgate.json"
PAGE = HOUSE / "docs" / "metrics.md"
RUNBOOKS = HOUSE / "docs" / "runbooks"

_NAME = re.compile(r"(?<![\w:])(?:dropgate|process)_\w+")
_RECORDED = re.compile(r"(?<![\w:])\w+:\w+(?::\w+)?(?![\w:])")
_COMPARES = re.compile(r" (==|!=|>=|<=|>|<) (?!bool)")
_ROW = re.compile(r"^\| `(?P<name>[\w:]+)` \|(?P<rest>.*)\|$", re.MULTILINE)
_ALERT = re.compile(r"\[(\w+)\]\(runbooks/(\w+)\.md\)")


@dataclass(frozen=True, slots=True)
class Row:
    """A metric as the page describes it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    shared: str
    alerts: frozenset[str]


def rows() -> list[Row]:
    """The metrics of the page."""
    found = []
    for match in _ROW.finditer(PAGE.read_text(encoding="utf-8")):
        cells = [cell.strip() for cell in match["rest"].split("|")]
        if len(cells) == 6:
            kind, labels, _, meaning, shared, act = cells
            alerts = frozenset(name for name, _ in _ALERT.findall(act))
            names = tuple(re.findall(r"`(\w+)`", labels))
            found.append(Row(match["name"], kind, names, meaning, shared, alerts))
    return found


def recorded_on_the_page() -> set[str]:
    """The recording rules of the page."""
    names = (match["name"] for match in _ROW.finditer(PAGE.read_text(encoding="utf-8")))
    return {name for name in names if ":" in name}


def rules(file: str) -> list[dict[str, Any]]:
    """The rules of a file of rules."""
    loaded = yaml.safe_load((PROMETHEUS / "rules" / file).read_text(encoding="utf-8"))
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    """The alerts."""
    return rules("alerts.yml")


def recordings() -> dict[str, str]:
    """The recording rules: name → query."""
    return {rule["record"]: rule["expr"] for rule in rules("recording.yml")}


def panels() -> list[dict[str, Any]]:
    """The dashboard's panels, rows too."""
    loaded: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return list(loaded["panels"])


def dashboard_queries() -> list[tuple[str, str]]:
    """Panel and query, of all."""
    return [
        (panel["title"], target["expr"])
        for panel in panels()
        for target in panel.get("targets", ())
    ]


def in_full(query: str) -> str:
    """A query of the dashboard as Grafana sends it for all sales."""
    return query.replace("$__rate_interval", "1m").replace("$sale", ".*")


def uncompared(query: str) -> str:
    """The query of an alert without its filter: each comparison is 0 or 1 instead of nothing."""
    return _COMPARES.sub(r" \1 bool ", query)


def metrics_of(query: str) -> set[str]:
    """The metrics that a query asks for: those of recording rules in place of them."""
    names = set(_NAME.findall(query))
    for name in recorded_in(query):
        names |= metrics_of(recordings()[name])
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in names}


def recorded_in(query: str) -> set[str]:
    """The recording rules that a query asks for."""
    return {name for name in _RECORDED.findall(query) if not name.startswith("dropgate_")}


def files(folder: Path, pattern: str) -> list[str]:
    """The names of the files, sorted, for a command line."""
    return [str(path) for path in sorted(folder.glob(pattern))]
