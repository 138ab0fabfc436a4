"""Processes of a crowd: one that fails is told as one thing, in words."""

from pathlib import Path

import pytest

from loadtest.crowd.driver import crowd
from loadtest.installation import Failed


async def test_a_process_of_a_crowd_that_fails_is_told_in_words(tmp_path: Path) -> None:
    """Each engine catches Failed alone: a group of errors would end it in a trace."""
    log = tmp_path / "crowd.log"
    with pytest.raises(Failed, match=f"a process of the crowd failed; see {log}"):
        await crowd([("no-such-role",), ("no-such-role",)], lambda _ends, _counts: None, log)
