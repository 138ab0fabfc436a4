"""docs/deploy.md: every line that it tells to type names things that are there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import commands_in, parse
from tests.deploy.stand import SERVICES, WHOLE
from tests.house.sources import HOUSE

PAGE = (HOUSE / "docs" / "deploy.md").read_text(encoding="utf-8")
UNITS = HOUSE / "deploy" / "systemd"
COMPOSE = {
    "up": {"--detach", "--build", "--wait", "--no-deps"},
    "exec": {"-T"},
    "run": {"--rm", "--volume"},
    "build": set(),
    "logs": {"--follow"},
}
"""What of docker compose the page uses, by its own reference."""
ENTERS = {"exec", "run"}


def _lines(program: str) -> Iterator[list[str]]:
    """The words after the program, of each line in a block of shell."""
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL):
        for line in block.replace("\\\n", " ").split("\n"):
            for part in re.split(r"&&|>", line):
                words = shlex.split(part, comments=True)
                if words[: len(program.split())] == program.split():
                    yield words[len(program.split()) :]


def test_the_page_has_commands_of_every_kind() -> None:
    """What the tests below look for is found."""
    for program in ("docker compose", "systemctl", "dropgate", "cp", "install"):
        assert len(list(_lines(program))) >= 2, program


@pytest.mark.parametrize("words", list(_lines("docker compose")), ids=shlex.join)
def test_a_compose_line_is_one(words: list[str]) -> None:
    """Verbs and options are compose's, services are ours, and what runs inside is a command."""
    if words[0] == "--profile":
        assert any(words[1] in each.get("profiles", ()) for each in SERVICES.values())
        words = words[2:]
    verb, *rest = words
    options = {word for word in rest if word.startswith("-")} & {"--volume"}
    rest = [word for word in rest if not re.fullmatch(r"\./\S+:/\S+:ro", word)]
    first = next((n for n, word in enumerate(rest) if not word.startswith("-")), len(rest))
    assert set(rest[:first]) | options <= COMPOSE[verb]
    services = rest[first : first + 1] if verb in ENTERS else rest[first:]
    assert set(services) <= SERVICES.keys()
    inside = rest[first + 1 :] if verb in ENTERS else []
    if verb == "run":
        parse(inside or SERVICES[services[0]]["command"])
    elif inside[:1] == ["dropgate"]:
        parse(inside[1:])
    elif inside:
        assert inside[0] == "pg_dump"


@pytest.mark.parametrize("words", list(_lines("systemctl")), ids=shlex.join)
def test_a_systemctl_line_names_units_of_ours(words: list[str]) -> None:
    """Every unit is a file of deploy/systemd, or an instance of one."""
    for unit in (word for word in words if "." in word):
        assert (UNITS / re.sub(r"@\d+", "@", unit)).is_file(), unit


@pytest.mark.parametrize("program", ["cp", "install"])
def test_every_file_that_is_copied_is_there(program: str) -> None:
    """Sources of cp and install exist; their places are where units and the wrapper look."""
    for words in _lines(program):
        sources = [word for word in words[:-1] if word.startswith("deploy/")]
        assert sources, words
        for source in sources:
            assert list(HOUSE.glob(source)), source


def test_every_dropgate_line_is_one() -> None:
    """Each `dropgate …` line, in blocks and within sentences, is read without complaint."""
    blocks = [line.words for line in commands_in(PAGE)]
    sentences = [shlex.split(words) for words in re.findall(r"`dropgate ([^`\n]+)`", PAGE)]
    assert len(blocks) >= 8
    for words in (*blocks, *sentences):
        if words[:2] != ["keys", "rotate"] or len(words) > 2:
            parse(words)


def test_every_link_leads_somewhere() -> None:
    """Files and headings that the page points to exist."""
    headings = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("#")
    }
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        path, _, anchor = target.partition("#")
        assert not path or (HOUSE / "docs" / path).is_file(), target
        assert not anchor or anchor in headings, target


def test_the_version_is_the_project_s() -> None:
    """What is installed is what this is, and the ports are those of compose.yaml."""
    assert f"/opt/dropgate-{SERVICES['gateway1']['image'].split(':')[1]}/bin/pip" in PAGE
    assert {"state", "store", "database"} <= set(WHOLE["volumes"])
    for name in ("front", "prometheus"):
        assert SERVICES[name]["ports"][0].rpartition(":")[0] in PAGE


def test_the_steps_of_the_image_and_of_the_page_are_the_same() -> None:
    """A machine is installed as the image is: locked, from wheels, without isolation."""
    dockerfile = (HOUSE / "Dockerfile").read_text(encoding="utf-8")
    for words in (
        "--require-hashes --only-binary :all:",
        "--requirement requirements.txt --requirement requirements-build.txt",
        "--no-deps --no-build-isolation .",
    ):
        assert words in dockerfile
        assert words in PAGE
    assert Path(HOUSE / "requirements-build.txt").is_file()
