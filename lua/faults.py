"""The faults of the rim: what can go wrong between this process and a server behind it.

Fault
├── NothingHappened   refused or never sent: the caller may repeat freely
│   └── Fenced        this slot's store may have gone back in time; it sells nothing until reopened
└── MayHaveHappened   sent, and no answer came: repeat with the same key to learn the truth

Refusals (sold out, limit reached …) are values and never appear here; bugs are assertions.
"""


class Fault(Exception):
    """A server behind us could not do its part."""


class NothingHappened(Fault):
    """The call was refused as a whole, or never left this process."""


class Fenced(NothingHappened):
    """The slot is fenced: its record names another server, or none. Nothing was written."""

    def __init__(self, slot: str) -> None:
        super().__init__(f"the slot {slot} is fenced until it is known what its store remembers")
        self.slot = slot


class MayHaveHappened(Fault):
    """The call was sent and its answer was lost; only a repeat with the same key tells."""
