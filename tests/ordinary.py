"""Running something as an ordinary user, also when the tests run as root."""

import os
import shutil
from pathlib import Path

from settlement.embedded import installation

AS_ROOT = os.geteuid() == 0
USER = 65534 if AS_ROOT else os.geteuid()
# An ordinary user that may still read where this checkout and its Python lie, were it under /root.
ORDINARY = (
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
)


def as_ordinary(*words: str) -> list[str]:
    """The command, run by an ordinary user: by ourselves, if we are one."""
    return [*(ORDINARY if AS_ROOT else ()), *words]


def wheels_within_reach(directory: Path) -> Path:
    """PostgreSQL's wheel where any account finds it first, wherever this environment lies."""
    installed = installation(None)
    wheel = directory / "wheels" / installed.parent.name
    shutil.copytree(installed, wheel / installed.name, symlinks=True)
    (wheel / "__init__.py").touch()
    libraries = f"{installed.parent.name}.libs"
    shutil.copytree(installed.parents[1] / libraries, directory / "wheels" / libraries)
    return directory / "wheels"
