"""docs/metrics.md is what processes tell, what alerts ask, and nothing else."""

from gateway.fleet import LARGEST
from gateway.instruments import Described
from gateway.metrics import Metrics
from gateway.settlement_metrics import SettlementMetrics
from tests.watching.asked import (
    alerts,
    metrics_of,
    recorded_on_the_page,
    recordings,
    rows,
)

SHARED_PORT_ALONE = "dropgate_missing_processes"


def described() -> dict[str, Described]:
    """Every metric that a process of ours makes itself."""
    made = (*Metrics("1").described, *SettlementMetrics("1").described)
    return {one.name: one for one in made}


def of_the_process() -> dict[str, tuple[str, str]]:
    """The figures of the process itself: name → type and meaning."""
    found = {}
    for family in Metrics("1").registry.collect():
        if family.name.startswith("process_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            found[name] = (family.type, family.documentation)
    return found


def test_every_metric_is_on_the_page_and_only_those() -> None:
    """Nothing is told that the page does not list, and nothing is listed that nobody tells."""
    told = [*described(), *of_the_process(), SHARED_PORT_ALONE]
    assert sorted(row.name for row in rows()) == sorted(told)


def test_types_labels_and_meanings_are_those_of_the_code() -> None:
    """A row says what the process itself says of its metric."""
    made, process = described(), of_the_process()
    for row in rows():
        if row.name in made:
            one = made[row.name]
            assert (row.kind, row.labels, row.meaning) == (one.kind, one.labels, one.text), row.name
        elif row.name in process:
            assert (row.kind, row.meaning) == process[row.name], row.name
            assert row.labels == ()


def test_the_same_name_means_the_same_everywhere() -> None:
    """What gateways and settlement workers both tell has one description."""
    gateway = {one.name: one for one in Metrics("1").described}
    for one in SettlementMetrics("1").described:
        assert gateway.get(one.name, one) == one


def test_the_shared_port_sums_what_the_page_says() -> None:
    """Of a gauge that all see alike the largest is taken, and the page says of which."""
    assert {row.name for row in rows() if row.shared == "largest"} == LARGEST
    assert {row.shared for row in rows()} == {"sum", "largest"}
    assert {row.kind for row in rows() if row.shared == "largest"} == {"gauge"}


def test_a_row_names_every_alert_that_asks_for_it_and_no_other() -> None:
    """Who reads a row finds its alerts, and whose alert went finds it named no more."""
    asked: dict[str, set[str]] = {}
    for alert in alerts():
        for name in metrics_of(alert["expr"]):
            asked.setdefault(name, set()).add(alert["alert"])
    assert {row.name: set(row.alerts) for row in rows() if row.alerts} == asked


def test_the_recording_rules_are_on_the_page() -> None:
    """Each by its name, and no other."""
    assert recorded_on_the_page() == set(recordings())
