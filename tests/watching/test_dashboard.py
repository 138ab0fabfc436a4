"""The dashboard is what its generator makes, asks for what there is, and can be seen."""

import json
from itertools import combinations
from typing import Any

import pytest
import yaml

from deploy.grafana.make_dashboard import COLUMNS, dashboard
from tests.house.sources import HOUSE
from tests.watching.asked import (
    DASHBOARD,
    dashboard_queries,
    metrics_of,
    panels,
    recorded_in,
    recordings,
    rows,
)

PROVISIONING = HOUSE / "deploy" / "grafana" / "provisioning"


def test_the_file_is_what_the_generator_writes() -> None:
    """To the letter; and a second run writes the same."""
    assert DASHBOARD.read_text(encoding="utf-8") == json.dumps(dashboard(), indent=2) + "\n"


@pytest.mark.parametrize(("panel", "query"), dashboard_queries())
def test_a_panel_asks_for_what_there_is(panel: str, query: str) -> None:
    """No query names a metric that no process tells, or a recording that no rule makes."""
    assert metrics_of(query) <= {row.name for row in rows()}, panel
    assert recorded_in(query) <= set(recordings()), panel


def test_rows_stand_in_the_order_of_the_questions() -> None:
    """First whether it sells, then whether it is right, fast; then who is refused, and the rest."""
    asked = [panel["title"] for panel in panels() if panel["type"] == "row"]
    assert asked[:3] == ["Is it selling?", "Is it right?", "Is it fast?"]
    assert asked[3:] == ["Who is refused?", "Kiosks", "Settlement", "Processes"]


def test_no_panel_covers_another() -> None:
    """Each has a number and a place of its own, within the width."""
    assert len({panel["id"] for panel in panels()}) == len(panels())
    assert all(one["gridPos"]["x"] + one["gridPos"]["w"] <= COLUMNS for one in panels())
    pairs = combinations(panels(), 2)
    assert not [(a["title"], b["title"]) for a, b in pairs if _overlap(a["gridPos"], b["gridPos"])]


def _overlap(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return bool(
        a["x"] < b["x"] + b["w"]
        and b["x"] < a["x"] + a["w"]
        and a["y"] < b["y"] + b["h"]
        and b["y"] < a["y"] + a["h"]
    )


def test_grafana_finds_its_source_and_its_dashboard() -> None:
    """The provisioned source is the dashboard's first choice; compose.yaml mounts what it reads."""
    source = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yml").read_text())
    chosen = dashboard()["templating"]["list"][0]["current"]["value"]
    assert [one["uid"] for one in source["datasources"]] == [chosen]
    provider = yaml.safe_load((PROVISIONING / "dashboards" / "dropgate.yml").read_text())
    path = provider["providers"][0]["options"]["path"]
    compose = (HOUSE / "compose.yaml").read_text(encoding="utf-8")
    assert f"./deploy/grafana/dashboards:{path}:ro" in compose
