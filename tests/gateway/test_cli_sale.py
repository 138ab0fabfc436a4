"""The commands that work on sales, keys, venues and the books, on real servers."""

import asyncio
import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.keyring import Keyring
from inventory import keys as store_keys
from lua.store import Store
from settlement import Books, Feed
from tests import warm
from tests.simulators.processes import simulator
from tests.stories.small import PARTNER, ROWS, SEATS, write_sale

SALE = "small"
POOLED = 50
HALL = len(ROWS) * SEATS


@dataclass(slots=True)
class Done:
    """How a command ended."""

    status: int
    said: str
    complained: str

    @property
    def data(self) -> Any:
        """Its JSON document."""
        return json.loads(self.said)


@dataclass(slots=True)
class Shell:
    """Runs `dropgate` against the servers of the test."""

    environment: dict[str, str]
    folder: Path
    store: Store

    async def run(self, *words: str | Path) -> Done:
        """One command."""
        process = await asyncio.create_subprocess_exec(
            *(*warm.prefix(), *map(str, words)),
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complained = await process.communicate()
        assert process.returncode is not None
        return Done(process.returncode, said.decode(), complained.decode())

    async def ok(self, *words: str | Path) -> Done:
        """One command that must succeed."""
        done = await self.run(*words)
        assert done.status == 0, done.complained
        return done

    async def applied(self) -> None:
        """The small sale, taken in and open."""
        await self.ok("sale", "apply", self.folder / "sale.toml")
        await self.ok("sale", "open", SALE)


@pytest.fixture
async def shell(tmp_path: Path, valkey_url: str, store: Store, database_url: str) -> Shell:
    """A shell whose environment names the servers and the keys."""
    Keyring.load(tmp_path / "keys")
    write_sale(tmp_path / "sale", SALE, pooled=POOLED, rate_per_s=10, ahead=True)
    environment = {
        "PATH": "/usr/bin:/bin",
        "DROPGATE_STORE_URL": valkey_url,
        "DROPGATE_DATABASE_URL": database_url,
        "DROPGATE_KEYS_DIR": str(tmp_path / "keys"),
    }
    return Shell(environment, tmp_path / "sale", store)


async def test_every_problem_is_listed_and_nothing_changes(shell: Shell) -> None:
    """A file with mistakes is refused with the place of each; the store stays as it was."""
    offers = shell.folder / "offers.csv"
    text = offers.read_text().replace(",pooled,", ",pool,", 1).replace("Pool 2,hall", "Pool 2,hal")
    offers.write_text(text)
    done = await shell.run("sale", "apply", shell.folder / "sale.toml")
    assert done.status == 1
    *problems, last = done.complained.splitlines()
    assert [problem.split(" ")[0] for problem in problems] == ["offers.csv:2:", "offers.csv:3:"]
    assert last.startswith("dropgate: 2 problems in ")
    assert await shell.store.read("DBSIZE") == 0


async def test_a_dry_run_does_nothing(shell: Shell) -> None:
    """--dry-run says what would be added and changed, and changes nothing."""
    done = await shell.ok("sale", "apply", shell.folder / "sale.toml", "--dry-run")
    assert f"{2 * POOLED + 2 * HALL:,} units; nothing was done" in done.said
    assert "+ offer pool-1" in done.complained
    assert await shell.store.read("DBSIZE") == 0
    await shell.applied()
    done = await shell.ok("sale", "apply", shell.folder / "sale.toml", "--dry-run")
    assert done.said == f"{SALE} is at revision 1 already; nothing to do\n"


async def test_times_are_shifted_to_the_first_drop(shell: Shell) -> None:
    """--starts-in moves every time of the file so that the first drop opens in so many seconds."""
    before_ms = datetime.now(UTC).timestamp() * 1000
    await shell.ok("sale", "apply", shell.folder / "sale.toml", "--starts-in", "3600")
    [row] = (await shell.ok("sale", "list", "--json")).data
    opens = datetime.fromisoformat(row["first_opens_at"]).timestamp() * 1000
    assert 3_600_000 - 1_000 <= opens - before_ms < 3_660_000
    assert (row["sale"], row["state"], row["revision"]) == (SALE, "announced", 1)


async def test_a_sale_moves_through_its_states(shell: Shell) -> None:
    """Open, pause, resume, drain and close do what they say; any other step is refused."""
    await shell.ok("sale", "apply", shell.folder / "sale.toml")
    refused = await shell.run("sale", "pause", SALE)
    assert refused.status == 1
    assert refused.complained == f"dropgate: {SALE} is announced; from there it cannot pause\n"
    for what, state in (
        ("open", "open"),
        ("pause", "paused"),
        ("resume", "open"),
        ("drain", "draining"),
        ("close", "closed"),
    ):
        assert (await shell.ok("sale", what, SALE)).said == f"{SALE} is {state}\n"
    assert (await shell.ok("sale", "close", SALE)).said == f"{SALE} was already closed\n"


async def test_an_unknown_sale_is_told_with_the_known_ones(shell: Shell) -> None:
    """A name that is not there comes back with the names that are."""
    assert "(there are: none)" in (await shell.run("sale", "open", "x")).complained
    await shell.ok("sale", "apply", shell.folder / "sale.toml")
    done = await shell.run("sale", "counts", "x")
    assert (done.status, done.complained) == (
        1,
        f"dropgate: there is no sale 'x' (there are: {SALE})\n",
    )


async def test_counts_and_audit_agree_until_somebody_meddles(shell: Shell) -> None:
    """What is counted adds up, the audit holds; a counter changed by hand is status 3 and named."""
    await shell.applied()
    counted = (await shell.ok("sale", "counts", SALE, "--json")).data
    assert counted["total"]["available"] == counted["total"]["released"] == 2 * POOLED + 2 * HALL
    assert counted["offers"]["pool-1"]["available"] == POOLED
    assert "in all" in (await shell.ok("sale", "counts", SALE)).said
    await _posted(shell)
    audit = (await shell.ok("sale", "audit", SALE, "--json")).data
    assert audit["ok"]
    field = b"1"
    record = await shell.store.read("HGET", store_keys.offers(SALE, 0), field)
    other = await shell.store.read("HGET", store_keys.offers(SALE, 0), b"3")
    await shell.store.write("HSET", store_keys.offers(SALE, 0), field, other)
    broken = await shell.run("sale", "audit", SALE)
    await shell.store.write("HSET", store_keys.offers(SALE, 0), field, record)
    assert broken.status == 3
    assert "NO  units_agree_with_the_books" in broken.said
    assert "an invariant is broken" in broken.said


async def _posted(shell: Shell) -> None:
    books = await Books.connect(shell.environment["DROPGATE_DATABASE_URL"])
    feed = Feed(shell.store, books)
    while any(report.state == "posted" for report in await feed.run_all()):
        continue
    await books.close()


async def test_a_credential_lives_and_ends(shell: Shell) -> None:
    """A key is shown once, alone on stdout; it is listed without its secret, rotated, revoked."""
    issued = await shell.ok("credential", "issue", "partner", PARTNER, "--days", "7")
    assert issued.said.startswith("dgk_partner_")
    assert len(issued.said.splitlines()) == 1
    [listed] = (await shell.ok("credential", "list", "--json")).data
    assert listed["id"] in issued.said
    assert issued.said.strip() not in json.dumps(listed)
    rotated = await shell.ok("credential", "rotate", listed["id"], "--overlap-s", "0")
    [fresh] = (await shell.ok("credential", "list", "--json")).data
    assert fresh["id"] in rotated.said
    await shell.ok("credential", "revoke", fresh["id"])
    assert (await shell.ok("credential", "list", "--json")).data == []
    wrong = await shell.run("credential", "issue", "kiosk", "no-slash")
    assert (wrong.status, wrong.complained) == (
        1,
        "dropgate: the scope of a kiosk is <venue>/<kiosk>\n",
    )


async def test_revoking_a_key_names_what_came_from_it(shell: Shell) -> None:
    """Who stole a key may have rotated it: those that still work are named, to be revoked too."""
    await shell.ok("credential", "issue", "partner", PARTNER)
    [stolen] = (await shell.ok("credential", "list", "--json")).data
    await shell.ok("credential", "rotate", stolen["id"])
    [heir] = [
        key["id"]
        for key in (await shell.ok("credential", "list", "--json")).data
        if key["id"] != stolen["id"]
    ]
    revoked = await shell.ok("credential", "revoke", stolen["id"])
    assert revoked.complained.endswith(f"dropgate credential revoke {heir}\n")
    assert (await shell.ok("credential", "revoke", heir)).complained == ""


async def test_a_statement_is_reconciled(shell: Shell) -> None:
    """Our own statement agrees with ours; a falsified line is a break of its class, status 3."""
    await shell.applied()
    await _posted(shell)
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()
    ours = (await shell.ok("statement", PARTNER, today)).said
    assert next(csv.reader(io.StringIO(ours)))[:2] == ["line", "order"]
    theirs = shell.folder / "theirs.csv"
    theirs.write_text(ours)
    assert (await shell.ok("reconcile", PARTNER, today, theirs, "--json")).data["breaks"] == []
    theirs.write_text(ours + "1,nobody,ref,sold,1,380,CNY,2026-01-01T00:00:00+08:00\n")
    done = await shell.run("reconcile", PARTNER, today, theirs)
    assert done.status == 3
    assert "missing_here: 1" in done.said
    theirs.write_text("no,statement\n")
    done = await shell.run("reconcile", PARTNER, today, theirs)
    assert (done.status, done.said) == (1, "")
    assert done.complained.startswith(f"dropgate: {theirs}:1: ")


async def test_seats_are_bought_ahead_and_codes_come_in(shell: Shell, tmp_path: Path) -> None:
    """Buying fills the offers that a venue supplies, once; a second run finds nothing to do."""
    await shell.ok("sale", "apply", shell.folder / "sale.toml")
    fast = ("--rate-per-s", "1000", "--burst", "100", "--latency-ms", "0")
    seats = ("--seats", shell.folder / "sale.toml", "--state", tmp_path / "venue.jsonl")
    async with simulator("venue", *seats, *fast) as venue:
        buy = ("venue", "buy", SALE, "--url", venue.url, "--rate-per-s", "500")
        done = await shell.ok(*buy)
        assert done.said.startswith(f"{HALL} seats bought and on the shelf, {HALL} in all; ")
        assert (await shell.ok(*buy)).said.startswith(f"0 seats bought and on the shelf, {HALL} in")
        report = await shell.ok("venue", "report", SALE, "--url", venue.url)
    assert report.said.startswith("0 used seats told")
    counted = (await shell.ok("sale", "counts", SALE, "--json")).data
    assert counted["offers"]["ahead"]["available"] == HALL
    refused = await shell.run(
        "venue", "buy", SALE, "--venue", "none", "--url", "http://127.0.0.1:1"
    )
    assert refused.complained == f"dropgate: no offer of {SALE} is supplied by none\n"


async def test_a_store_that_is_gone_is_one_line(shell: Shell) -> None:
    """Without the store a command says so in one line and ends with status 1."""
    shell.environment["DROPGATE_STORE_URL"] = "redis://127.0.0.1:1/0"
    done = await shell.run("sale", "list")
    assert done.status == 1
    assert done.complained.startswith("dropgate: the store gave no answer: ")
    assert len(done.complained.splitlines()) == 1
