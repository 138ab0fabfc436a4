"""Afterwards: facts become books, books become statements, statements are reconciled.

Here belong the feed of facts, the ledger in PostgreSQL with its embedded server and migrations,
delivery to partners, statements and reconciliation. Nothing here decides about stock or turns, and
nothing is known of a sale but its facts.
"""

from settlement.migrate import migrate

__all__ = ["migrate"]
