"""The program itself: its Python, and the packages that it was tested with."""

import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gateway.checkup.finding import Finding, Findings

LOCK = Path(__file__).parents[1] / "locked.txt"
"""requirements.txt, which the distribution takes with it under this name."""
_LOCKED = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)( ;)?", re.MULTILINE)
_SHOWN_MAX = 4


def program(lock: Path = LOCK) -> list[Finding]:
    """Versions of what runs, against those of the lock."""
    found = Findings("program")
    python = ".".join(map(str, sys.version_info[:3]))
    found.ok(f"Dropgate {version('dropgate')} on Python {python}")
    locked = _LOCKED.findall(lock.read_text(encoding="utf-8"))
    wrong = [
        f"{name} {have or 'is missing'} ({wanted} is locked)"
        for name, wanted, elsewhere in locked
        if (have := _installed(name)) != wanted and not (elsewhere and have is None)
    ]
    if wrong:
        some = "; ".join(wrong[:_SHOWN_MAX]) + ("; …" if len(wrong) > _SHOWN_MAX else "")
        found.warn(
            f"{len(wrong)} packages are not what was tested: {some}",
            f"{sys.executable} -m pip install --require-hashes --requirement {lock}",
        )
    else:
        found.ok(f"{len(locked)} packages are the ones of the lock")
    return found.all


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
