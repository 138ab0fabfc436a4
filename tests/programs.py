"""What some tests need of the machine: there, or the tests that need it are skipped.

Where everything must be there (`CI` is `true`) a missing program is a failure.
"""

import os
import shutil
from typing import NoReturn

import pytest


def program(name: str, package: str) -> str:
    """The path of a program; without it the test that asks is skipped, with the reason."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        missing(f"{name} is not installed (Debian: apt-get install {package})")
    return found


def need_root(what: str) -> None:
    """Skip the test that asks, with the reason, where it is not run by root."""
    if os.geteuid() != 0:
        missing(f"{what} need root")


def missing(said: str) -> NoReturn:
    """Skip, or fail where everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(said)
    pytest.skip(said)
