"""`dropgate doctor`: every finding is provoked once, for real, and says how to mend it."""

import asyncio
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace as with_fields
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

import lua.embedded
from gateway.checkup.finding import Findings
from gateway.checkup.machine import machine
from gateway.checkup.processes import processes
from gateway.checkup.program import program
from gateway.checkup.servers import _judge_store, database, masked
from gateway.config import Settings
from gateway.keyring import Keyring
from lua.condition import StoreCondition
from lua.process import start, stop, wait_ready
from lua.store import Store
from settlement import DatabaseCondition
from tests import warm
from tests.gateway.test_cli import run
from tests.gateway.world import World

Report = dict[str, Any]


@pytest.fixture
def state() -> Iterator[Path]:
    """A state directory with keys."""
    directory = Path(tempfile.mkdtemp(prefix="dgt-doctor-", dir="/tmp"))
    Keyring.load(directory / "keys")
    yield directory
    shutil.rmtree(directory)


async def _doctor(
    *words: str, expect: int, preexec: Callable[[], None] | None = None
) -> list[Report]:
    """What `dropgate doctor --json` finds; its status is the one expected."""
    # Limits of a process are those of who runs it, not of who asks.
    begin = warm.prefix() if preexec is None else (sys.executable, "-m", "gateway.cli")
    command = [*begin, "doctor", "--json", *words]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False, preexec_fn=preexec
    )
    assert done.returncode == expect, (done.stdout, done.stderr)
    told = json.loads(done.stdout)
    assert told["ok"] is (expect == 0)
    findings: list[Report] = told["findings"]
    assert [one for one in findings if one["mark"] != "ok" and not one["mend"]] == []
    return findings


def _only(findings: list[Report], mark: str, part: str) -> Report:
    """The one finding of that mark that says so."""
    (found,) = [one for one in findings if one["mark"] == mark and part in one["told"]]
    return found


@asynccontextmanager
async def _valkey(*settings: str) -> AsyncIterator[str]:
    """A Valkey that was started with other settings than ours."""
    home = Path(tempfile.mkdtemp(prefix="dgt-valkey-", dir="/tmp"))
    try:
        right = lua.embedded.prepare(home)
        other = with_fields(right, argv=(*right.argv, *settings))
        process = start(other)
        try:
            await wait_ready(other, process)
            yield lua.embedded.url(home)
        finally:
            await stop(other, process)
    finally:
        shutil.rmtree(home)


async def test_a_good_installation_is_told_to_be_good(
    state: Path, valkey_url: str, store: Store, database_url: str
) -> None:
    """With servers that keep their word, keys and the newest schema nothing is bad; status 0."""
    urls = ("--store-url", valkey_url, "--database-url", database_url)
    found = await _doctor("--state-dir", str(state), *urls, expect=0)
    areas = ["program", "machine", "keys", "store", "database", "processes"]
    assert list(dict.fromkeys(one["area"] for one in found)) == areas
    for told in (
        "packages are the ones of the lock", "10 keys for their owner alone", "Valkey 9.",
        "it keeps what it told", "PostgreSQL 18", "its schema is the newest",
    ):  # fmt: skip
        _only(found, "ok", told)
    left = await store.read("KEYS", "dropgate:*")
    assert all(one.startswith(b"dropgate:condition") for one in left), "the doctor leaves no trace"


async def test_strict_counts_warnings(state: Path) -> None:
    """Where nothing runs yet that is a warning; with --strict the status is 1."""
    found = await _doctor("--state-dir", str(state), expect=0)
    assert _only(found, "warn", "no --store-url was given")["mend"].startswith("dropgate up")
    await _doctor("--state-dir", str(state), "--strict", expect=1)


async def test_a_store_that_may_forget_is_bad(state: Path) -> None:
    """An fsync a second and an eviction policy are found; each mend is the command that does."""
    async with _valkey("--appendfsync", "everysec", "--maxmemory-policy", "allkeys-lru") as url:
        found = await _doctor("--state-dir", str(state), "--store-url", url, expect=1)
        mend = _only(found, "bad", "appendfsync is everysec")["mend"]
        socket = url.removeprefix("unix://")
        assert mend.startswith(f"valkey-cli -s {socket} CONFIG SET appendfsync always && ")
        assert "noeviction" in _only(found, "bad", "maxmemory-policy is allkeys-lru")["mend"]
        door = await Store.connect(url, check_durability=False)
        for words in ("appendfsync always", "maxmemory-policy noeviction"):
            await door.write("CONFIG", "SET", *words.split())
        await door.close()
        _only(await _doctor("--state-dir", str(state), "--store-url", url, expect=0), "ok", "keeps")


async def test_a_store_without_a_file_is_bad(state: Path) -> None:
    """A store that keeps everything in memory alone is found."""
    async with _valkey("--appendonly", "no") as url:
        found = await _doctor("--state-dir", str(state), "--store-url", url, expect=1)
        _only(found, "bad", "appendonly is no")


async def test_a_store_that_hides_its_settings_is_bad_unless_vouched_for(state: Path) -> None:
    """CONFIG forbidden: bad, and with --assume-durable a warning."""
    async with _valkey() as url:
        door = await Store.connect(url)
        await door.write("ACL", "SETUSER", "default", "-config")
        await door.close()
        where = ("--state-dir", str(state), "--store-url", url)
        hidden = _only(await _doctor(*where, expect=1), "bad", "may not be read")
        assert "--assume-durable" in hidden["mend"]
        _only(await _doctor(*where, "--assume-durable", expect=0), "warn", "may not be read")


async def test_a_full_store_is_found(state: Path) -> None:
    """A store that takes no more says so, and how to give it room."""
    async with _valkey("--maxmemory", "600kb") as url:
        found = await _doctor("--state-dir", str(state), "--store-url", url, expect=1)
        assert "CONFIG SET maxmemory" in _only(found, "bad", "of what it may")["mend"]
        assert "OOM" in _only(found, "bad", "it refuses writes")["told"]


async def test_a_replica_is_bad(state: Path, valkey_url: str) -> None:
    """A replica takes no writes: its master must be named."""
    async with _valkey("--replicaof", "127.0.0.1 1") as url:
        found = await _doctor("--state-dir", str(state), "--store-url", url, expect=1)
        _only(found, "bad", "it is a replica")


@pytest.mark.parametrize(
    ("option", "url", "told"),
    [
        ("--store-url", "redis://:secret@127.0.0.1:1/0", "redis://:***@127.0.0.1:1/0 cannot"),
        ("--database-url", "postgresql://a:secret@127.0.0.1:1/b", "a:***@127.0.0.1:1/b cannot"),
        ("--database-url", "nonsense", "nonsense cannot be used"),
        ("--store-url", "nonsense", "nonsense cannot be used"),
    ],
)
async def test_a_server_out_of_reach_is_bad(state: Path, option: str, url: str, told: str) -> None:
    """Nobody there, or no address at all: bad, without the password in the report."""
    found = await _doctor("--state-dir", str(state), option, url, expect=1)
    assert option in _only(found, "bad", told)["mend"]
    assert "secret" not in json.dumps(found)


async def test_an_old_a_missing_and_a_newer_schema_are_bad(database_url: str) -> None:
    """Any other schema than the newest is found; `dropgate migrate` mends the older ones."""
    connection = await asyncpg.connect(database_url)
    for revision, told, mend in (
        ("0001", "its schema is 0001", "dropgate migrate"),
        ("9999", "made by a newer Dropgate", "install the newer version here too"),
    ):
        await connection.execute("update alembic_version set version_num = $1", revision)
        (found,) = [one for one in await database(database_url) if one.mark == "bad"]
        assert told in found.told
        assert found.mend == mend
    await connection.execute("drop table alembic_version")
    await connection.close()
    (found,) = [one for one in await database(database_url) if one.mark == "bad"]
    assert "its schema is not there" in found.told


async def test_a_database_that_may_forget_is_bad(database_url: str) -> None:
    """A database whose commits do not wait for the disk is found."""
    connection = await asyncpg.connect(database_url)
    name = await connection.fetchval("select current_database()")
    await connection.execute(f"alter database {name} set synchronous_commit = off")
    await connection.close()
    (found,) = [one for one in await database(database_url) if one.mark == "bad"]
    assert "synchronous_commit is off" in found.told


async def test_keys_that_others_can_read_are_bad(state: Path) -> None:
    """A key file or the directory open to others is found; the mend is a chmod of just that."""
    key = state / "keys" / "place.json"
    key.chmod(0o640)
    found = await _doctor("--state-dir", str(state), expect=1)
    assert _only(found, "bad", "can be read by others")["mend"] == f"chmod go= {key}"
    subprocess.run(["chmod", "go=", str(key)], check=True)
    await _doctor("--state-dir", str(state), expect=0)
    state.chmod(0o755)
    found = await _doctor("--state-dir", str(state), expect=1)
    assert _only(found, "bad", "others may look into")["mend"] == f"chmod 700 {state}"


async def test_a_missing_key_is_bad(state: Path) -> None:
    """A ring with a key gone is no ring."""
    (state / "keys" / "order.json").unlink()
    _only(await _doctor("--state-dir", str(state), expect=1), "bad", "order.json is not")


async def test_too_few_open_files_are_bad(state: Path) -> None:
    """A process that may open fewer files than a queue of connections needs is found."""

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))

    found = await _doctor("--state-dir", str(state), expect=1, preexec=few)
    assert _only(found, "bad", "may open 512 files")["mend"].startswith("ulimit -n 65536")


async def test_a_dead_process_is_bad(state: Path) -> None:
    """A process that was noted and is gone is found."""
    (state / "run").mkdir()
    note = {"name": "gateway-1", "pid": 2**22 + 1, "started": 1, "urls": {}}
    (state / "run" / "gateway-1.json").write_text(json.dumps(note))
    found = await _doctor("--state-dir", str(state), expect=1)
    assert "dropgate up" in _only(found, "bad", "gateway-1 has ended")["mend"]


async def test_test_mode_is_warned_of(state: Path) -> None:
    """Payments that anybody can make are told of."""
    found = await _doctor("--state-dir", str(state), "--test-mode", expect=0)
    _only(found, "warn", "payments that nobody made")


async def test_every_named_process_is_asked(world: World, tmp_path: Path) -> None:
    """A process is ready, out of reach, draining, or of another version."""
    own = world.own_url.removeprefix("http://")
    settings = Settings(state_dir=tmp_path, metrics_peers=(own, "127.0.0.1:1"))
    ready, gone = await processes(settings)
    assert (ready.mark, gone.mark) == ("ok", "bad")
    assert "127.0.0.1:1 does not answer" in gone.told
    world.services.metrics.build_info.clear()
    world.services.metrics.build_info.labels("gateway", "0.0.9").set(1)
    settings = replace(settings, metrics_peers=(own,))
    (other,) = await processes(settings)
    assert "runs version 0.0.9" in other.told
    world.services.gate.drain()
    (draining,) = await processes(settings)
    assert "takes no traffic (status 503)" in draining.told
    assert draining.mend == f"curl {world.own_url}/readyz  # says why"


def test_packages_that_were_not_tested_are_warned_of(tmp_path: Path) -> None:
    """Another version than the lock's, and a package that is not there, are named."""
    lock = tmp_path / "lock"
    lock.write_text("click==0.1 \\\n    --hash=sha256:0\nnot-there==1\nelsewhere==1 ; win\n")
    (wrong,) = [one for one in program(lock) if one.mark == "warn"]
    assert "2 packages" in wrong.told
    assert "not-there is missing (1 is locked)" in wrong.told
    assert str(lock) in wrong.mend


async def _of(url: str) -> StoreCondition:
    door = await Store.connect(url, check_durability=False)
    try:
        return await StoreCondition.read(door)
    finally:
        await door.close()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("changed", "mark", "told"),
    [
        ({"version": (6, 2, 14)}, "bad", "Valkey 6.2.14"),
        ({"last_write_ok": False}, "bad", "last write to its file failed"),
        ({"last_rewrite_ok": False}, "warn", "rewriting of its file failed"),
        ({"clock_ahead_ms": -900.0}, "warn", "900.0 ms behind"),
        ({"clock_ahead_ms": 60_000.0}, "bad", "60,000.0 ms before"),
        ({"ping_ms": 80.0}, "warn", "it answers in 80.00 ms"),
        ({"write_ms": 400.0}, "bad", "for certain in 400.0 ms"),
        ({"clients": 1990}, "bad", "1990 of 2,000 connections"),
    ],
)
async def test_what_cannot_be_made_here_is_judged_from_what_it_would_say(
    valkey_url: str, changed: dict[str, Any], mark: str, told: str
) -> None:
    """Old, slow, a full disk, a wrong clock: the real answer with one word of it changed."""
    found = Findings("store")
    seen = with_fields(await _of(valkey_url), ping_ms=0.1, write_ms=1.0)
    _judge_store(found, with_fields(seen, **changed), valkey_url, assume_durable=False)
    (wrong,) = [one for one in found.all if one.mark != "ok"]
    assert (wrong.mark, told in wrong.told) == (mark, True)
    assert wrong.mend


async def test_clocks_are_compared(store: Store, database_url: str) -> None:
    """Store and database of this machine have this machine's clock, to within their answer."""
    seen = await StoreCondition.read(store)
    assert abs(seen.clock_ahead_ms) < seen.ping_ms + 50
    books = await DatabaseCondition.read(database_url)
    assert abs(books.clock_ahead_ms) < books.answer_ms + 50


def test_a_person_reads_a_table_and_what_to_do(state: Path) -> None:
    """Without --json: signs, areas, and below them each mend as one line to copy."""
    (state / "keys" / "place.json").chmod(0o640)
    done = run("doctor", "--state-dir", str(state))
    assert done.returncode == 1
    assert "✗ bad   keys" in done.stdout
    assert f"\n    chmod go= {state}/keys/place.json\n" in done.stdout
    assert done.stdout.rstrip().endswith("1 bad")


def test_a_disk_without_room_is_bad(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less free space than a drop may need is found."""
    full = type(shutil.disk_usage("/"))(10 << 30, 10 << 30, 5 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    found = machine(Settings(state_dir=state), embeds_store=True)
    (bad,) = [one for one in found if one.mark == "bad"]
    assert "0.0 GiB are free" in bad.told


def test_passwords_are_not_shown() -> None:
    """A URL is told without its password."""
    assert masked("redis://:pw@h:1/0") == "redis://:***@h:1/0"
    assert masked("unix:///tmp/pw") == "unix:///tmp/pw"
