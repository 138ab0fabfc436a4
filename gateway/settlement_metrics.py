"""What a settlement worker counts: what it posted, where each stripe is, and what is wrong.

Here belong the names and how reports of the feed become numbers; when alarms are read again belongs
to `settling`. How far the books are behind is told by the gateways, which live when no worker does.
"""

from collections.abc import Mapping

from gateway.instruments import Instruments, invariant_broken
from settlement import Alarming, PostedReport

CHECK = "nothing_contradicts_the_books"


class SettlementMetrics(Instruments):
    """The metrics of one settlement worker."""

    process = "settlement"

    def __init__(self, version: str = "") -> None:
        super().__init__(version)
        self.number = self.gauge(
            "settlement_fact_number", "The last fact of a stripe in the books", "sale", "stripe"
        )
        self.stopped = self.gauge(
            "settlement_stopped", "1 when a stripe stands still for a person", "sale", "stripe"
        )
        self.facts = self.counter("settlement_facts", "Facts put into the books", "sale")
        self.orders = self.counter("settlement_orders", "Sold orders put into the books", "sale")
        self.quarantined = self.gauge(
            "settlement_quarantined_facts", "Facts that could not be put into the books", "sale"
        )
        self.broken = invariant_broken(self)

    def note(self, report: PostedReport) -> None:
        """What one batch of one stripe did."""
        sale, stripe = report.sale, str(report.stripe)
        self.facts.labels(sale).inc(report.posted)
        self.orders.labels(sale).inc(report.orders)
        if report.state == "busy":
            return  # another worker has the stripe and says where it is
        self.stopped.labels(sale, stripe).set(report.state == "stopped")
        if report.number:
            self.number.labels(sale, stripe).set(report.number)

    def alarm(self, found: Mapping[str, Alarming]) -> None:
        """What the books say is wrong, of every sale."""
        for sale, one in found.items():
            self.quarantined.labels(sale).set(one.quarantined)
            self.broken.labels(sale, CHECK).set(one.violated)
