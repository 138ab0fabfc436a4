"""`.ci/run` brings every program that a test may ask for."""

import re
import subprocess

from tests.house.sources import HOUSE

SCRIPT = HOUSE / ".ci" / "run"


def _asked() -> set[tuple[str, str]]:
    """Every `program(name, package)` of the tests."""
    call = re.compile(r"\bprogram\(\"([\w.-]+)\", \"([\w.-]+)\"\)")
    texts = (path.read_text(encoding="utf-8") for path in (HOUSE / "tests").rglob("*.py"))
    return {found for text in texts for found in call.findall(text)}


def test_every_program_that_tests_ask_for_is_installed() -> None:
    """A test that would be skipped for a missing program is not skipped there."""
    text = SCRIPT.read_text(encoding="utf-8")
    asked = _asked()
    assert ("haproxy", "haproxy") in asked
    packages = set(re.findall(r"^    [\w-]+:([\w-]+)$", text, re.MULTILINE))
    assert {package for _, package in asked} <= packages
    assert {"chromium-headless-shell", "prometheus"} <= packages


def test_the_script_is_one() -> None:
    """The shell reads it, and it ends with the checks and the tests."""
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)
    assert SCRIPT.stat().st_mode & 0o111
    assert SCRIPT.read_text(encoding="utf-8").endswith("\nmake check test\n")
