"""Python's collector of cycles, told what a process of ours is like."""

import gc

YOUNG_OBJECTS = 50_000
"""How many more objects than before there are when cycles among them are looked for. A hundred
calls in flight are more than Python's own 700, and looking at them again and again was a quarter of
a purchase's CPU and more than half of a rebuilding's; so many objects are a few megabytes."""


def spare_the_collector() -> None:
    """What was loaded by now lives as long as the process: it is never looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
