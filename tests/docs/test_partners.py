"""docs/partners.md, read and done as an engineer reads and does it."""

import asyncio
import csv
import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from gateway.routes import SHARED_PORT
from tests.docs.guide import Step, differs, steps
from tests.docs.sale import SALE, site as site  # noqa: PLC0414  # a fixture
from tests.gateway.conftest import state_directory as state_directory  # noqa: PLC0414  # a fixture
from tests.gateway.world import World
from tests.house.sources import HOUSE

GUIDE = HOUSE / "docs" / "partners.md"
EXAMPLE = HOUSE / "examples" / "cinema-3-8"
MARK = "---- step "
EXPORTS = re.compile(r"^export (\w+)=(\S+)$", re.M)


async def done(commands: Sequence[str], directory: Path, **given: str) -> list[str]:
    """The commands one after the other in one shell; what each has said."""
    script = "\n".join(f"{one}\necho; echo '{MARK}'" for one in commands)
    process = await asyncio.create_subprocess_exec(
        "bash", "-u", "-c", script,
        cwd=directory, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **given},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, complained = await process.communicate()
    assert complained == b"", complained.decode()
    return told.decode().split(f"{MARK}\n")[:-1]


async def settling(world: World) -> None:
    """What the settlement worker does, for as long as the guide is read."""
    while True:
        await world.settle()
        await asyncio.sleep(0.1)


def placeholders(step: Step, world: World) -> dict[str, str]:
    """What the guide's first step tells to set, with the values of this world."""
    said = dict(EXPORTS.findall(step.commands))
    assert said.keys() == {"DROPGATE", "KEY", "SALE", "OFFER"}
    assert said["SALE"] == SALE
    key = world.keys["partner"].removeprefix("Bearer ")
    return {**said, "DROPGATE": world.url, "KEY": key}


async def test_every_command_does_what_the_guide_shows(site: World, tmp_path: Path) -> None:
    """From the key to a settled day: each command as it stands, each output as it is shown."""
    first, *rest = steps(GUIDE)
    settled = asyncio.create_task(settling(site))
    told = await done([step.commands for step in rest], tmp_path, **placeholders(first, site))
    settled.cancel()
    assert len(told) == len(rest), told[-1:]
    wrong = [
        f"{step.commands}\n{difference}"
        for step, said in zip(rest, told, strict=True)
        if (difference := differs(step, said))
    ]
    assert wrong == []


def test_the_guide_sells_what_the_example_sells_first() -> None:
    """Its offer opens with the first drop of the example, so `make run` sells it at once."""
    offer = dict(EXPORTS.findall(steps(GUIDE)[0].commands))["OFFER"]
    [first, *_] = tomllib.loads((EXAMPLE / "sale.toml").read_text(encoding="utf-8"))["drop"]
    with (EXAMPLE / "offers.csv").open(newline="", encoding="utf-8") as lines:
        [line] = [line for line in csv.DictReader(lines) if line["offer"] == offer]
    assert line["drop"] == first["id"]


def test_the_guide_names_no_call_that_is_not_there() -> None:
    """Every path in the guide's prose and commands is one that is served."""
    text = GUIDE.read_text(encoding="utf-8")
    named = set(re.findall(r"/v1/[\w/.{}$-]+", text))
    served = [re.sub(r"{\w+}", "[^/]+", one.path) for one in SHARED_PORT]
    for path in named:
        assert any(re.fullmatch(form, path) for form in served), path
