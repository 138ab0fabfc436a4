"""A slot built anew from facts, after a store lost it or went back in time.

`Replay` folds settled facts, `Fitting` and `withhold` decide what else holds and what may have been
sold, `Rebuilding` writes the slot. Where facts come from, and who asks for it, is the gateway's.
"""

from inventory.restore.claims import Call, claims_of
from inventory.restore.fitting import Fitting
from inventory.restore.replay import Replay, Slot, SlotRules
from inventory.restore.shelf import BadStory
from inventory.restore.told import told_after
from inventory.restore.withholding import withhold
from inventory.restore.writing import Blob, LostToAnother, Rebuilding, entries_of

__all__ = [
    "BadStory",
    "Blob",
    "Call",
    "Fitting",
    "LostToAnother",
    "Rebuilding",
    "Replay",
    "Slot",
    "SlotRules",
    "claims_of",
    "entries_of",
    "told_after",
    "withhold",
]
