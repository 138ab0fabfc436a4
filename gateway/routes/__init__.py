"""The routes, one module for each audience; the lists here are all there is."""

from gateway.routes import (
    edges,
    health,
    kiosk,
    operator,
    pages,
    pages_fairness,
    pages_line,
    partner,
    recovery,
    room,
    shopper,
    shopper_fairness,
    shopper_window,
)

SHARED_PORT = (
    *shopper.ROUTES,
    *shopper_window.ROUTES,
    *shopper_fairness.ROUTES,
    *partner.ROUTES,
    *kiosk.ROUTES,
    *operator.ROUTES,
    *room.ROUTES,
    *recovery.ROUTES,
    *edges.ROUTES,
    *health.SHARED,
)
PAGES = (*pages.ROUTES, *pages_fairness.ROUTES, *pages_line.ROUTES)
OWN_PORT = health.OWN

__all__ = ["OWN_PORT", "PAGES", "SHARED_PORT"]
