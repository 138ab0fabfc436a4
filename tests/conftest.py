"""The real servers that every test may ask for: one Valkey and one PostgreSQL for each pytest run.

They live in a short directory of their own, die with the pytest process, and several runs may go on
at the same time. A test gets an empty store and a fresh, migrated database.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import gateway.gathering
import inventory.searching
import lua.embedded
import lua.node
import lua.store
import settlement.embedded
from gateway.keyring import NAMES, Key, Keyring
from loadtest.installation import Installation
from lua.process import Program, start, stop, wait_ready
from lua.store import Store
from settlement import migrate
from tests import warm
from tests.databases import TEMPLATE, Databases, command, other_database
from tests.patience import SLOWER, patiently
from tests.scheduling import ByFile, turn_of

STALL_S = 5.0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Whole files for each process; xdist's own groups are lost on the pytest of today."""
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A slower machine has more time; where processes share the files, long ones come first."""
    for item in items:
        limit = item.get_closest_marker("timeout")
        if limit is not None:
            item.add_marker(pytest.mark.timeout(limit.args[0] * SLOWER), append=False)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: turn_of(item.nodeid))


@pytest.fixture(scope="session")
def server_directory() -> Iterator[Path]:
    """A short directory, so that the sockets in it have short paths."""
    directory = Path(tempfile.mkdtemp(prefix="dgt-", dir="/tmp"))
    yield directory
    shutil.rmtree(directory)


@asynccontextmanager
async def running(program: Program, log: Path) -> AsyncIterator[None]:
    """The program, ready, for as long as the block lasts."""
    with log.open("ab") as output:
        process = start(program, output)
    try:
        await wait_ready(program, process)
        yield
    finally:
        await stop(program, process)


@pytest.fixture(scope="session")
async def valkey_url(server_directory: Path) -> AsyncIterator[str]:
    """One embedded Valkey with its append-only file, fsynced always, on a unix socket."""
    home = server_directory / "valkey"
    async with running(lua.embedded.prepare(home), server_directory / "valkey.log"):
        yield lua.embedded.url(home)


@pytest.fixture(autouse=True)
def patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store in this process waits out a machine that stalls, where the wait is not the matter.

    Tests of the product's own limits are marked `hurried`; processes that a test starts have them
    always.
    """
    if request.node.get_closest_marker("hurried") is None:
        for limit in ("CONNECT_TIMEOUT_S", "ANSWER_TIMEOUT_S", "POOL_WAIT_S"):
            monkeypatch.setattr(lua.node, limit, STALL_S)
        monkeypatch.setattr(lua.store, "CALL_TIMEOUT_S", 4 * STALL_S)
        for limit in ("WAIT_MAX_S", "FIRST_WAIT_MAX_S"):
            monkeypatch.setattr(gateway.gathering, limit, 4 * STALL_S)
        monkeypatch.setattr(inventory.searching, "SEARCH_S", 4 * STALL_S)


async def _emptied(url: str) -> Store:
    opened = await Store.connect(url)
    try:
        await opened.write("FLUSHALL")
    except BaseException:
        await opened.close()
        raise
    return opened


@pytest.fixture(scope="session", autouse=True)
def warm_commands() -> None:
    """Commands that install and ask are run by who has loaded the program."""
    Installation.commands = staticmethod(warm.prefix)  # type: ignore[method-assign]


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[Store]:
    """The store, emptied, behind the one door."""
    opened = await patiently(lambda: _emptied(valkey_url))
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def postgres_url(server_directory: Path) -> AsyncIterator[str]:
    """One embedded PostgreSQL; the database in the URL is its own empty one."""
    home = server_directory / "postgres"
    async with running(settlement.embedded.prepare(home), server_directory / "postgres.log"):
        yield settlement.embedded.url(home)


@pytest.fixture(scope="session")
async def databases(postgres_url: str) -> Databases:
    """Databases of that server; each is a copy of one with every migration."""
    await command(postgres_url, f"create database {TEMPLATE}")
    await migrate(other_database(postgres_url, TEMPLATE))
    return Databases(postgres_url)


@pytest.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    """A migrated database without a row, of the test's own."""
    url = await databases.take()
    yield url
    await databases.give_back(url)


@pytest.fixture(scope="session")
def keys(server_directory: Path) -> Keyring:
    """Secrets that are the same in every run, so that what is made with them can be compared."""
    fixed = {name: (Key(1, sha256(name.encode()).digest()),) for name in NAMES}
    return Keyring(server_directory / "keys", fixed)
