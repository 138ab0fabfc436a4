"""The names of the store's keys that the feed reads. inventory makes them; a test compares both.

Here because settlement knows of inventory nothing but its facts.
"""

from lua.tags import tag

SALES = "dropgate:sales"
"""Set of the ids of all sales in this store."""


def record(sale: str, stripe: int) -> str:
    """Hash: the slot record of a sale's stripe."""
    return f"{{{tag(sale, stripe)}}}:sale"


def facts(sale: str, stripe: int) -> str:
    """Stream of facts."""
    return f"{{{tag(sale, stripe)}}}:facts"


def offers(sale: str, stripe: int) -> str:
    """Hash: offer number → packed record, whose fourth value is the venue."""
    return f"{{{tag(sale, stripe)}}}:offers"
