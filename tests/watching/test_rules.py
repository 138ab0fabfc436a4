"""Prometheus' own tool finds the configuration, the rules and their unit tests good."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.programs import program
from tests.watching.asked import (
    PROMETHEUS,
    alerts,
    files,
    metrics_of,
    recorded_in,
    recordings,
    rows,
)


def promtool(*words: str, cwd: Path = PROMETHEUS) -> str:
    """What promtool says; it must find nothing wrong."""
    tool = program("promtool", "prometheus")
    done = subprocess.run([tool, *words], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_configuration_is_valid() -> None:
    """With its rules and its lists of targets; a warning is a failure too."""
    assert "WARNING" not in promtool("check", "config", "--lint=all", "prometheus.yml")


@pytest.mark.parametrize("file", files(PROMETHEUS / "rules", "*.yml"))
def test_the_rules_are_valid(file: str) -> None:
    """Every expression and template can be read, and no rule is there twice."""
    promtool("check", "rules", "--lint=none", file)


@pytest.mark.parametrize("file", files(PROMETHEUS / "tests", "*.yml"))
def test_alerts_fire_and_stay_silent(file: str) -> None:
    """Each unit test holds: for its cause the alert fires, without it there is silence."""
    assert "SUCCESS" in promtool("test", "rules", file)


def test_every_alert_is_tested_both_ways() -> None:
    """Each has a moment at which it fires, with its severity, and one at which it does not."""
    fires, silent = set(), set()
    for file in files(PROMETHEUS / "tests", "*.yml"):
        for test in yaml.safe_load(Path(file).read_text(encoding="utf-8"))["tests"]:
            for moment in test["alert_rule_test"]:
                found = moment["exp_alerts"]
                silent |= set() if found else {moment["alertname"]}
                fires |= {(moment["alertname"], one["exp_labels"]["severity"]) for one in found}
    assert fires == {(alert["alert"], alert["labels"]["severity"]) for alert in alerts()}
    assert silent == {alert["alert"] for alert in alerts()}


def test_alerts_and_rules_ask_for_what_there_is() -> None:
    """No query names a metric that no process tells, or a recording that no rule makes."""
    known = {row.name for row in rows()}
    for query in (*(alert["expr"] for alert in alerts()), *recordings().values()):
        assert metrics_of(query) <= known, query
        assert recorded_in(query) <= set(recordings()), query


def test_the_process_ports_of_the_compose_file_are_asked() -> None:
    """The targets are the services of compose.yaml that have a port with metrics, all of them."""
    compose = yaml.safe_load((PROMETHEUS.parents[1] / "compose.yaml").read_text(encoding="utf-8"))
    ours = {
        f"{name}:9101"
        for name, service in compose["services"].items()
        if service.get("command") in (["gateway"], ["settlement"])
    }
    asked = set()
    for file in files(PROMETHEUS / "targets", "*.yml"):
        for group in yaml.safe_load(Path(file).read_text(encoding="utf-8")):
            asked |= set(group["targets"])
    assert asked == ours
