"""What was told after the last settled fact: blobs from many memories, as one story.

The same fact may come from several gateways and from the damaged store, and once more under the
number of a later epoch, when an earlier rebuilding had appended it again.
"""

from collections.abc import Iterable
from contextlib import suppress

import msgspec

from inventory.facts import Fact, decode_entry
from inventory.restore.writing import Blob


def told_after(blobs: Iterable[Blob], cursor: tuple[int, int]) -> list[Fact]:
    """The facts after `cursor`, each once, in the order of their numbers."""
    numbered: dict[tuple[int, int], Fact] = {}
    for epoch, last, blob in blobs:
        if (epoch, last) <= cursor:
            continue
        with suppress(msgspec.MsgspecError):  # what cannot be read can be told to nobody
            for fact in decode_entry(blob):
                if (epoch, fact.number) > cursor:
                    numbered.setdefault((epoch, fact.number), fact)
    story: dict[bytes, Fact] = {}
    for _, fact in sorted(numbered.items()):
        content = msgspec.msgpack.encode(msgspec.structs.replace(fact, number=0))
        story.setdefault(content, fact)
    return list(story.values())
