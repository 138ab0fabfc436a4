"""Which process runs which test, and which files come first, when three processes share them.

A file's tests stay together, so that its servers are started once; those of some folders too. What
takes long begins first, so that all end at about the same time. It is also what plays with whole
installations, browsers and real time: two such files at once, as many as there are cores where this
must run at least. They wait for half of their time, in which the third process runs what does not.
"""

from typing import Any

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
LONG_AT_ONCE = 2


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each process whole files, in the order in which they were collected.

    While as many long ones are under way as may be, the next short one comes first.
    """

    def _assign_work_unit(self, node: Any) -> None:
        under_way = sum(
            any(is_long(group) and not all(done.values()) for group, done in groups.items())
            for other, groups in self.assigned_work.items()
            if other is not node
        )
        if under_way >= LONG_AT_ONCE:
            short = next((group for group in self.workqueue if not is_long(group)), None)
            if short is not None:
                self.workqueue.move_to_end(short, last=False)
        super()._assign_work_unit(node)

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """What is run by one process, one test after the other."""
    return next((folder for folder in TOGETHER if nodeid.startswith(folder)), _file_of(nodeid))


def is_long(nodeid: str) -> bool:
    """Whether it is one of those that come first."""
    return turn_of(nodeid) < len(LONG_FIRST)


def turn_of(nodeid: str) -> int:
    """The place of a test's file among those that are waited for."""
    starts = (at for at, prefix in enumerate(LONG_FIRST) if nodeid.startswith(prefix))
    return next(starts, len(LONG_FIRST))


def _file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]
