"""Which process runs which test, and which files come first, when two processes share them.

A file's tests stay together, so that its servers are started once; those of some folders too. What
takes long begins first, so that both processes end at about the same time.
"""

from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/deploy/",)
"""Folders whose tests share what is dear to make: one process runs them all."""
LONG_FIRST = (
    "tests/loadtest/test_bench.py",
    "tests/faults/",
    "tests/stories/",
    "tests/deploy/",
    "tests/loadtest/",
    "tests/pages/",
)
"""By the seconds of their longest files; the other files are many and short."""


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each process whole files, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """What is run by one process, one test after the other."""
    return next((folder for folder in TOGETHER if nodeid.startswith(folder)), _file_of(nodeid))


def turn_of(nodeid: str) -> int:
    """The place of a test's file among those that are waited for."""
    starts = (at for at, prefix in enumerate(LONG_FIRST) if nodeid.startswith(prefix))
    return next(starts, len(LONG_FIRST))


def _file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]
