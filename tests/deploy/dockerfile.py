"""The Dockerfile as data: its stages and instructions, and which files the build may see."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction with everything after its word, as one line."""

    word: str
    rest: str

    @property
    def words(self) -> list[str]:
        """The exec form, or the words of the shell form."""
        if self.rest.startswith("["):
            listed: list[str] = json.loads(self.rest)
            return listed
        return shlex.split(self.rest)

    @property
    def command(self) -> str:
        """What RUN gives to the shell, without its own options."""
        return re.sub(r"^(--\S+\s+)+", "", self.rest)


def stages(text: str) -> list[list[Instruction]]:
    """The instructions of each stage, FROM first."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    found: list[list[Instruction]] = []
    for line in filter(None, (line.strip() for line in joined.split("\n"))):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append([])
        found[-1].append(Instruction(word, re.sub(r"\s+", " ", rest.strip())))
    return found


def settings_of(stage: list[Instruction]) -> dict[str, str]:
    """What ENV sets, LABEL and ARG likewise under their names."""
    told: dict[str, str] = {}
    for one in stage:
        if one.word == "ENV":
            told |= dict(word.split("=", 1) for word in one.words)
    return told


def one(stage: list[Instruction], word: str) -> Instruction:
    """The only instruction of that word in the stage."""
    (found,) = [each for each in stage if each.word == word]
    return found


def context(root: Path, ignore: str) -> Iterator[Path]:
    """The files of `root` that a build may see: the last rule of .dockerignore wins."""
    rules = [line for line in ignore.splitlines() if line and not line.startswith("#")]
    tops = {rule[1:].split("/")[0] for rule in rules if rule.startswith("!")}
    for top in sorted(root / top for top in tops):
        for path in [top, *sorted(top.rglob("*"))] if top.is_dir() else [top]:
            relative = path.relative_to(root)
            if path.is_file() and not _ignored(relative, rules):
                yield relative


def _ignored(path: Path, rules: list[str]) -> bool:
    ignored = False
    for rule in rules:
        pattern = rule.removeprefix("!")
        if any(_matches(prefix, pattern) for prefix in (path, *path.parents)):
            ignored = not rule.startswith("!")
    return ignored


def _matches(path: Path, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch(path.name, pattern[3:])
    return len(path.parts) == len(Path(pattern).parts) and fnmatch(str(path), pattern)
