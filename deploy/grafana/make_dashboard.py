"""The dashboard of a drop as code: its questions as Grafana reads them.

A test compares the file with what this writes:
`python -m deploy.grafana.make_dashboard > deploy/grafana/dashboards/dropgate.json`.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from deploy.grafana.questions import ROWS, Panel

COLUMNS = 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def dashboard() -> dict[str, Any]:
    """The whole of it, as Grafana reads it."""
    return {
        "uid": "dropgate-drop",
        "title": "Dropgate: a drop",
        "tags": ["dropgate"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "5s",
        "time": {"from": "now-30m", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_datasource(), _sales()]},
        "panels": list(_placed()),
    }


def _datasource() -> dict[str, Any]:
    current = {"text": "Prometheus", "value": "prometheus"}
    return {"name": "datasource", "label": "Prometheus", "type": "datasource",
            "query": "prometheus", "current": current}  # fmt: skip


def _sales() -> dict[str, Any]:
    query = "label_values(dropgate_sale_state, sale)"
    return {"name": "sale", "label": "Sale", "type": "query", "datasource": SOURCE,
            "query": {"query": query, "refId": "sales"}, "refresh": 2, "sort": 1, "multi": True,
            "includeAll": True, "allValue": ".*",
            "current": {"text": "All", "value": "$__all"}}  # fmt: skip


def _placed() -> Iterator[dict[str, Any]]:
    """Every row and panel with its number and place: left to right, then below the highest."""
    number = top = 0
    for title, panels in ROWS:
        number += 1
        yield {"id": number, "type": "row", "title": title, "collapsed": False, "panels": [],
               "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1}}  # fmt: skip
        top, left, below = top + 1, 0, 0
        for panel in panels:
            if left + panel.width > COLUMNS:
                top, left, below = top + below, 0, 0
            number += 1
            place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            yield {"id": number, "gridPos": place, **_drawn(panel)}
            left, below = left + panel.width, max(below, panel.height)
        top += below


def _drawn(panel: Panel) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": query,
         "legendFormat": legend, "range": panel.kind != "stat", "instant": panel.kind == "stat"}
        for at, (query, legend) in enumerate(panel.queries)
    ]  # fmt: skip
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad is not None:
        steps.append({"color": "red", "value": panel.bad})
    drawn = {
        "lineWidth": 1,
        "fillOpacity": 30 if panel.stacked else 8,
        "showPoints": "never",
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
    }
    return {
        "unit": panel.unit,
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": steps},
        **({"custom": drawn} if panel.kind == "timeseries" else {}),
    }


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "stat":
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": "name" if panel.names else "auto",
            "colorMode": "none" if panel.bad is None else "background",
            "graphMode": "none",
        }
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(dashboard(), indent=2) + "\n")
