"""What a settlement worker counts, from the reports of its feed and the alarms of the books."""

from gateway.settlement_metrics import CHECK, SettlementMetrics
from settlement import Alarming, PostedReport


def value(metrics: SettlementMetrics, name: str, **labels: str) -> float | None:
    """A series as it stands; None when it is not there."""
    return metrics.registry.get_sample_value(f"dropgate_{name}", {"sale": "s", **labels})


def test_what_was_posted_is_counted() -> None:
    """Facts and sold orders add up; the last fact of each stripe is shown."""
    metrics = SettlementMetrics()
    for number, posted, orders in ((7, 7, 2), (9, 2, 1), (9, 0, 0)):
        metrics.note(PostedReport("s", 1, "posted", 1, number, posted=posted, orders=orders))
    assert value(metrics, "settlement_facts_total") == 9
    assert value(metrics, "settlement_orders_total") == 3
    assert value(metrics, "settlement_fact_number", stripe="1") == 9
    assert value(metrics, "settlement_stopped", stripe="1") == 0


def test_a_stripe_that_stands_still_is_told_until_it_goes_on() -> None:
    """Stopped is 1 until a batch of that stripe is posted; where it was stays shown."""
    metrics = SettlementMetrics()
    metrics.note(PostedReport("s", 0, "posted", 1, 5, posted=5))
    metrics.note(PostedReport("s", 0, "stopped", why="the store does not know the sale"))
    assert value(metrics, "settlement_stopped", stripe="0") == 1
    assert value(metrics, "settlement_fact_number", stripe="0") == 5
    metrics.note(PostedReport("s", 0, "busy"))
    assert value(metrics, "settlement_stopped", stripe="0") == 1, "the other worker says how it is"
    metrics.note(PostedReport("s", 0, "idle", 1, 5))
    assert value(metrics, "settlement_stopped", stripe="0") == 0


def test_alarms_are_shown_and_end_with_their_cause() -> None:
    """Quarantined facts and a contradiction are told for each sale."""
    metrics = SettlementMetrics()
    metrics.alarm({"s": Alarming(3, violated=True)})
    assert value(metrics, "settlement_quarantined_facts") == 3
    assert value(metrics, "invariant_broken", check=CHECK) == 1
    metrics.alarm({"s": Alarming(0, violated=False)})
    assert value(metrics, "settlement_quarantined_facts") == 0
    assert value(metrics, "invariant_broken", check=CHECK) == 0
