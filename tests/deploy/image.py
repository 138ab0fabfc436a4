"""What the Dockerfile would build, built here: its own RUN lines in a clean virtual environment.

The environment lies where every account may read it; what runs from it is an ordinary user's.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy import dockerfile
from tests.house.sources import HOUSE
from tests.ordinary import as_ordinary


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


def build(home: Path) -> Image:
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
