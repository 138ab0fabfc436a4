"""Programs of the machine that some tests need: there, or the tests that need them are skipped.

Where everything must be there (`CI` is `true`) a missing program is a failure.
"""

import os
import shutil

import pytest


def program(name: str, package: str) -> str:
    """The path of a program; without it the test that asks is skipped, with the reason."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is not None:
        return found
    said = f"{name} is not installed (Debian: apt-get install {package})"
    if os.environ.get("CI") == "true":
        pytest.fail(said)
    pytest.skip(said)
