"""`python -m tests.suite [PATH…]`: three files at a time; what failed is then asked again, alone.

Many tests play with real processes and real time, and a machine that stalls can fail them. Such a
test passes when nothing runs beside it, and is named at the end, because it is worth a look. Those
that play with whole installations or browsers are asked a second time alone. What is broken fails
each time, and so does the run.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
TESTS_FAILED = 1
"""pytest's exit status for tests that ran and failed; the others are troubles of another kind."""
AGAIN_MAX = 20
"""More than so many failures are no accident of the machine."""
PLAYS = ("tests/stories/", "tests/faults/", "tests/pages/", "tests/deploy/", "tests/examples/")
"""Where a test is many processes, and a machine that others use too may fail it twice."""


def pytest(*words: str) -> int:
    """Run pytest to its end; its exit status."""
    return subprocess.run(
        (sys.executable, "-m", "pytest", *words), cwd=ROOT, check=False
    ).returncode


def failed() -> list[str]:
    """The tests that failed in the run before."""
    return sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []


def main(paths: list[str]) -> int:
    """Run the tests; 0 when each has passed, at once or alone."""
    FAILED.unlink(missing_ok=True)
    # The list of failures is the second run's to print: here each has its whole story.
    status = pytest("-rsx", "--durations=15", "--numprocesses", "3", *paths)
    names = failed()
    if status != TESTS_FAILED or not 0 < len(names) <= AGAIN_MAX:
        return status
    sys.stdout.write(f"\n{len(names)} failed; they are asked again, one after the other.\n")
    sys.stdout.flush()
    status = pytest(*names)
    left = failed()
    if status == TESTS_FAILED and left and all(name.startswith(PLAYS) for name in left):
        sys.stdout.write(f"\n{len(left)} failed again; they are asked for the last time.\n")
        sys.stdout.flush()
        status = pytest(*left)
    if status == 0:
        sys.stdout.write("Unsteady: failed beside others, passed alone:\n")
        sys.stdout.writelines(f"  {name}\n" for name in names)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["tests"]))
