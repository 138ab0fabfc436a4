"""The store's side: the scripts, and the one small door to them.

Here belong the scripts, their catalogue, the client of the store, its faults, the rules of keys
and the embedded server. Decisions are made in the scripts; none is made here in Python.
"""

from lua.catalogue import BadHeader, Script, signature
from lua.condition import StoreCondition
from lua.durability import NotDurable
from lua.faults import Fault, Fenced, MayHaveHappened, NothingHappened
from lua.store import Store

__all__ = [
    "BadHeader",
    "Fault",
    "Fenced",
    "MayHaveHappened",
    "NotDurable",
    "NothingHappened",
    "Script",
    "Store",
    "StoreCondition",
    "signature",
]
