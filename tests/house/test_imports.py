"""Who may import whom, and who may read the environment: the table of the design as a test."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.sources import AROUND, HOUSE, PACKAGES, Source, sources, within

# Package: what of ours it may import.
MAY = {
    "lua": ("lua",),
    "queueing": ("queueing", "lua"),
    "inventory": ("inventory", "lua"),
    "settlement": ("settlement", "lua", "inventory.facts", "inventory.restore"),
    "gateway": ("gateway", "queueing", "inventory", "settlement", "lua", "simulators"),
    "simulators": ("simulators",),
    "loadtest": ("loadtest",),
}
# A library: the only places of our packages that may import it.
ONLY = {
    "redis": ("lua.node",),
    "asyncpg": ("inventory.catalogue", "settlement"),
    "alembic": ("settlement",),
    "sqlalchemy": ("settlement",),
    "duckdb": ("settlement",),
    "aiohttp": ("gateway", "settlement.venue.client", "settlement.delivery"),
    "prometheus_client": ("gateway",),
    "click": ("gateway.cli",),
    "rich": ("gateway.cli",),
}
READS_ENVIRONMENT = ("gateway.config", "loadtest")
"""The product's settings are in one place; loadtest stands outside of it and passes its own on."""


def broken(house: Path) -> Iterator[str]:
    """Every place that breaks a rule, as `path:line what`."""
    for source in sources(house, *PACKAGES, *AROUND):
        for line, name in source.imports():
            if not _allowed(source, name):
                yield f"{source.path}:{line} imports {name}"
        if not within(source.module, *READS_ENVIRONMENT):
            for line in _readings_of_environment(source):
                yield f"{source.path}:{line} reads the environment"


def _allowed(source: Source, name: str) -> bool:
    package, imported = source.path.parts[0], name.partition(".")[0]
    if imported in MAY:
        return within(name, *MAY[package])
    if imported in ONLY and package in PACKAGES:
        return within(source.module, *ONLY[imported])
    return True


def _readings_of_environment(source: Source) -> Iterator[int]:
    for node in ast.walk(source.tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "environb" | "getenv"):
                yield node.lineno
            case ast.ImportFrom(module="os", names=names) if any(
                name.name in ("environ", "environb", "getenv") for name in names
            ):
                yield node.lineno


def test_every_import_is_allowed() -> None:
    """No package imports what the design forbids; one module alone reads the environment."""
    assert list(broken(HOUSE)) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("lua/x.py", "import inventory"),
        ("lua/x.py", "import redis"),
        ("lua/x.py", "import aiohttp"),
        ("queueing/x.py", "from inventory import facts"),
        ("queueing/x.py", "import asyncpg"),
        ("queueing/x.py", "from prometheus_client import Counter"),
        ("inventory/x.py", "import asyncpg"),
        ("inventory/x.py", "from queueing.room import Rooms"),
        ("inventory/x.py", "def f():\n    import settlement"),
        ("settlement/x.py", "from inventory import Orders"),
        ("settlement/x.py", "import gateway.config"),
        ("settlement/x.py", "from aiohttp import web"),
        ("gateway/x.py", "import asyncpg"),
        ("gateway/x.py", "from redis.asyncio import Redis"),
        ("gateway/routes/x.py", "import click"),
        ("simulators/x.py", "from lua import Store"),
        ("loadtest/x.py", "import gateway"),
        ("inventory/x.py", "import os\nos.environ['A']"),
        ("gateway/x.py", "from os import getenv"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, path: str, text: str) -> None:
    """Each rule of the table is seen when it is broken."""
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text)
    assert len(list(broken(tmp_path))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("lua/node.py", "import redis.asyncio"),
        ("inventory/catalogue/x.py", "import asyncpg"),
        ("settlement/x.py", "from inventory.facts import Held"),
        ("settlement/venue/client.py", "import aiohttp"),
        ("gateway/config.py", "import os\nos.environ['A']"),
        ("gateway/cli/x.py", "import click"),
        ("simulators/x.py", "from simulators.serving import run"),
        ("loadtest/x.py", "import aiohttp"),
    ],
)
def test_an_allowed_import_is_let_pass(tmp_path: Path, path: str, text: str) -> None:
    """What the table allows is not found."""
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text)
    assert list(broken(tmp_path)) == []
