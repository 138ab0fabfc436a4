"""What the demo says at its end."""

from __future__ import annotations

from rich.table import Table

from loadtest.demo.figures import Figures


def summary(figures: Figures) -> Table:
    """The drop in a dozen lines."""
    table = Table(title="One drop, from start to finish", show_header=False, min_width=72)
    table.add_column(style="bold")
    table.add_column()
    lines = {
        "shoppers": f"{figures.shoppers:,} came, {figures.joined:,} joined the line, "
        f"{figures.admitted:,} were let in",
        "orders": f"{figures.orders_confirmed:,} confirmed, {figures.orders_of_partner:,} of them "
        "by the partner",
        "units of the drop": f"{figures.units_released:,} released = {figures.units_sold:,} sold "
        f"+ {figures.units_voided:,} voided + {figures.units_returned:,} returned",
        "bought ahead": f"{figures.venue_seats_bought:,} seats from the box office, "
        f"{figures.venue_seats_bought_twice} twice",
        "kiosks": f"{figures.redeemed:,} codes redeemed, {figures.double_redeemed} twice; "
        f"{figures.venue_redemptions:,} told to the box office",
        "refusals": _counted(figures.refusals),
        "how visits ended": _counted(figures.ends),
        "promises": f"{figures.oversold} oversold, {figures.over_limit} over the limit, "
        f"{figures.lost_orders} lost; {figures.paid_too_late} paid too late and "
        f"{figures.paid_too_late_refunded} got it back",
        "books": f"{figures.ledger_orders:,} orders, trial balance {figures.trial_balance}",
        "statement": f"{figures.breaks_planted} lies planted, {figures.breaks_found} found: "
        + _counted(figures.breaks),
        "requests": f"{figures.requests:,} at the origin, p50 {figures.p50_ms} ms, "
        f"p99 {figures.p99_ms} ms; {figures.polls:,} polls through the edges",
        "audit": f"{sum(figures.audit.values())} of {len(figures.audit)} checks hold",
    }
    for name, text in lines.items():
        table.add_row(name, text)
    return table


def _counted(counts: dict[str, int], most: int = 9) -> str:
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    text = ", ".join(f"{name} {count:,}" for name, count in ordered[:most])
    return text + (", …" if len(ordered) > most else "")
