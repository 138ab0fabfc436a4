"""The names of inventory's keys. Every key of one slot carries the slot's tag (`lua/tags.py`).

Here belongs how a key is called and how a large map is cut into buckets; ARCHITECTURE.md has the
table of what each key holds. Keys are never built in Lua.
"""

from lua.tags import tag

SALES = "dropgate:sales"
"""Set of the ids of all sales in this store."""

UNITS_PER_CHUNK = 32
"""Units whose entries share one field of the `units` hash."""
UNIT_ENTRY_BYTES = 26
"""state (1), generation (1), owner (24)."""
SERIALS_PER_REDEMPTION_BUCKET = 256
ORDER_BUCKETS_MAX = 32_768
"""An order id spends three symbols (15 bits) on its bucket."""


def _key(sale: str, stripe: int, name: str) -> str:
    return f"{{{tag(sale, stripe)}}}:{name}"


def sale(sale_id: str, stripe: int = 0) -> str:
    """Hash: the slot record of a sale."""
    return _key(sale_id, stripe, "sale")


def offers(sale_id: str, stripe: int = 0) -> str:
    """Hash: offer number → packed counters and rules."""
    return _key(sale_id, stripe, "offers")


def seats(sale_id: str, stripe: int = 0) -> str:
    """Hash: offer number → one character per seat, rows and aisles parted by `|`."""
    return _key(sale_id, stripe, "seats")


def units(sale_id: str, stripe: int = 0) -> str:
    """Hash: chunk of serials → unit entries of fixed width."""
    return _key(sale_id, stripe, "units")


def due(sale_id: str, stripe: int = 0) -> str:
    """Sorted set: order id → the hold's end in milliseconds."""
    return _key(sale_id, stripe, "due")


def facts(sale_id: str, stripe: int = 0) -> str:
    """Stream of facts."""
    return _key(sale_id, stripe, "facts")


def back(sale_id: str, stripe: int = 0) -> str:
    """Sorted set: serials of pooled offers that came back, scored by offer number."""
    return _key(sale_id, stripe, "back")


def bucket(sale_id: str, stripe: int, number: int) -> str:
    """Hash: the orders, counts and passes of a share of the buyers."""
    return f"{buckets(sale_id, stripe)}{number}"


def buckets(sale_id: str, stripe: int) -> str:
    """What the key of each bucket begins with; its number follows."""
    return _key(sale_id, stripe, "b:")


def redemptions(sale_id: str, stripe: int, serial: int) -> str:
    """Hash: serial → when and where it was redeemed."""
    return _key(sale_id, stripe, f"r:{serial // SERIALS_PER_REDEMPTION_BUCKET}")


def allotments(sale_id: str, stripe: int = 0) -> str:
    """Hash: allotment id → packed record."""
    return _key(sale_id, stripe, "allotments")


def done(sale_id: str, stripe: int = 0) -> str:
    """Hash: key of a lot, report or return → what it did; the memory of verbs without an order."""
    return _key(sale_id, stripe, "done")


def withheld(sale_id: str, stripe: int = 0) -> str:
    """Hash: offer number → ranges of units that are kept back after a rebuilding."""
    return _key(sale_id, stripe, "withheld")


def lending(sale_id: str, stripe: int = 0) -> str:
    """Hash: what this stripe lent to others and has from them; absent until it lends."""
    return _key(sale_id, stripe, "lending")


def catalogue(sale_id: str) -> str:
    """Hash: what the gateways show of a sale; written when it is published."""
    return _key(sale_id, 0, "catalogue")


def outside(sale_id: str) -> str:
    """Hash: chunk of serials → the sealed codes that the venue minted."""
    return _key(sale_id, 0, "outside")


def outside_lookup(sale_id: str, digest: str) -> str:
    """Hash: keyed digest of an outside code → serial; one of 256 buckets."""
    return _key(sale_id, 0, f"x:{digest[:2]}")


def slot(name: str) -> str:
    """The hash tag of a key: the text between its first braces."""
    return name[name.index("{") + 1 : name.index("}")]
