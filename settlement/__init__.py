"""Afterwards: facts become books, books become statements, statements are reconciled.

Here belong the feed of facts, the ledger in PostgreSQL with its embedded server and migrations,
delivery to partners, statements and reconciliation. Nothing here decides about stock or turns, and
nothing is known of a sale but its facts.
"""

from settlement.books import (
    Alarm,
    Alarming,
    Behind,
    Books,
    FeedEvent,
    OrderState,
    Quarantined,
)
from settlement.condition import DatabaseCondition
from settlement.migrate import migrate
from settlement.partner_file import NotAStatement
from settlement.proof import Difference
from settlement.reconcile import Break, Run, reconcile
from settlement.recovery import HandedIn, Recovery, Standing
from settlement.restoring import Kept
from settlement.runs import KeptBreak, KeptRun, breaks_of, newest_runs
from settlement.statement import Statement, StatementLine, TooManyLines
from settlement.stripe import PostedReport
from settlement.worker import Feed

__all__ = [
    "Alarm",
    "Alarming",
    "Behind",
    "Books",
    "Break",
    "DatabaseCondition",
    "Difference",
    "Feed",
    "FeedEvent",
    "HandedIn",
    "Kept",
    "KeptBreak",
    "KeptRun",
    "NotAStatement",
    "OrderState",
    "PostedReport",
    "Quarantined",
    "Recovery",
    "Run",
    "Standing",
    "Statement",
    "StatementLine",
    "TooManyLines",
    "breaks_of",
    "migrate",
    "newest_runs",
    "reconcile",
]
