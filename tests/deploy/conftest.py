"""What the Dockerfile would build, built here: its own RUN lines in a clean virtual environment.

The environment lies where every account may read it; what runs from it is an ordinary user's.
"""

import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy import dockerfile
from tests.house.sources import HOUSE
from tests.ordinary import USER, as_ordinary

PATIENCE_S = 60.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Image:
    """What the Dockerfile made: the environment in place of /opt/dropgate, and its settings."""

    home: Path
    context: tuple[Path, ...]
    settings: Mapping[str, str]

    @property
    def prefix(self) -> Path:
        """In place of /opt/dropgate."""
        return self.home / "opt"

    def here(self, text: str) -> str:
        """A command of the Dockerfile with paths that are good here."""
        python = re_word("python", str(Path(sys.executable).resolve()))
        return python(text.replace("/opt/dropgate", str(self.prefix)))

    def words(self, *words: str) -> list[str]:
        """A command line whose first word is found on the image's PATH, as an ordinary user."""
        return as_ordinary(str(self.prefix / "bin" / words[0]), *words[1:])


def re_word(word: str, other: str) -> Callable[[str], str]:
    """Replace a command's first word, in each of the commands that && joins."""

    def replace(text: str) -> str:
        parts = [part.strip() for part in text.split("&&")]
        return " && ".join(
            other + part[len(word) :] if part.split()[0] == word else part for part in parts
        )

    return replace


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A directory that an ordinary user may look into."""
    directory = Path(tempfile.mkdtemp(prefix="dgt-image-", dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def image(home: Path) -> Image:
    """The build stage of the Dockerfile, line by line."""
    build, final = dockerfile.stages((HOUSE / "Dockerfile").read_text(encoding="utf-8"))
    ignore = (HOUSE / ".dockerignore").read_text(encoding="utf-8")
    files = tuple(dockerfile.context(HOUSE, ignore))
    image = Image(home, files, dockerfile.settings_of(final))
    source = home / "source"
    source.mkdir()
    for instruction in build:
        match instruction.word:
            case "COPY":
                _copy(files, instruction.words, source)
            case "RUN":
                _run(image.here(instruction.command), source)
            case "FROM" | "WORKDIR":
                continue
            case other:
                pytest.fail(f"no test knows what {other} does")
    shutil.rmtree(source)
    return image


def _copy(files: Sequence[Path], words: list[str], source: Path) -> None:
    *named, place = words
    wanted = files if named == ["."] else [Path(name) for name in named]
    for path in wanted:
        assert path in files, f"{path} is kept from the build by .dockerignore"
        (source / place / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(HOUSE / path, source / place / path, follow_symlinks=False)


def _run(command: str, source: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-ec", command],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


@dataclass(slots=True)
class Running:
    """A process of a test, and what it said."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def said(self) -> str:
        """Everything so far."""
        return self.log.read_text(errors="replace")

    def until(self, ready: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Wait for a condition; fails when the process ends before, or it does not come."""
        deadline = time.monotonic() + patience_s
        while not ready():
            assert self.process.poll() is None, f"{self.name} ended: {self.said()[-3000:]}"
            assert time.monotonic() < deadline, f"{self.name} is not ready: {self.said()[-3000:]}"
            time.sleep(_POLL_S)

    def stop(self, signal: int, within_s: float) -> int:
        """Send the signal and wait for the end; fails when it does not come in time."""
        self.process.send_signal(signal)
        return self.process.wait(within_s)


@contextmanager
def running(
    name: str, words: Sequence[str], log: Path, environment: Mapping[str, str], cwd: Path
) -> Iterator[Running]:
    """A process for as long as the block lasts."""
    with (log / f"{name}.log").open("wb") as output:
        process = subprocess.Popen(
            words, stdout=output, stderr=subprocess.STDOUT, env=dict(environment), cwd=cwd
        )
    try:
        yield Running(name, process, log / f"{name}.log")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def status(url: str) -> int:
    """The status of a GET; 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # ours
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def own_network() -> Callable[[int], str]:
    """Addresses of this machine that no other test is likely to use."""
    middle = f"{random.randint(16, 254)}.{random.randint(0, 254)}"
    return lambda number: f"127.{middle}.{number}"


def listens(host: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex((host, port)) == 0


def private(directory: Path) -> Path:
    """A directory of an ordinary user, as `install --directory --mode=0700` makes it."""
    directory.mkdir(mode=0o700)
    shutil.chown(directory, USER, USER if USER == 65534 else None)
    return directory
