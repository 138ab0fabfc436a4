"""The processes of the installation: alive, of one version, and not in test mode."""

import asyncio
import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import aiohttp

from gateway.checkup.finding import Finding, Findings
from gateway.config import PREFIX, Settings
from gateway.state import UP, State

_ASK_S = 2.0
_VERSION = re.compile(r'^dropgate_build_info\{[^}]*version="([^"]*)"', re.MULTILINE)
_TEST_MODE = f"{PREFIX}TEST_MODE=true".encode()
_TEST_TOLD = "test mode accepts payments that nobody made"


async def processes(settings: Settings) -> list[Finding]:
    """Those that this state directory has noted, and those that --metrics-peers names."""
    found = Findings("processes")
    state = State(settings.state_dir.absolute())
    noted = {path.stem for path in (state.root / "run").glob("*.json")}
    alive = {note.name: note for note in state.notes()}
    for name in sorted(noted - alive.keys()):
        found.bad(f"{name} has ended without a word", f"dropgate up --state-dir {state.root}")
    ports = {
        note.urls["metrics"]: name for name, note in alive.items() if "metrics" in note.urls
    } | {f"http://{peer}": peer for peer in settings.metrics_peers}
    if not ports:
        found.warn(
            "no process is known here: none was started by `dropgate up`, and none is named",
            "dropgate doctor --metrics-peers HOST:9101,HOST:9101",
        )
    answers = await _ask(list(ports))
    for (url, name), told in zip(ports.items(), answers, strict=True):
        _judge(found, name, url, told)
    pids = [note.pid for name, note in alive.items() if name != UP]
    if settings.test_mode or any(_in_test_mode(pid) for pid in pids):
        found.warn(
            _TEST_TOLD,
            "dropgate up  # without --test-mode, and without DROPGATE_TEST_MODE in its environment",
        )
    return found.all


@dataclass(frozen=True, slots=True)
class _Told:
    """What a process says; status 0: nothing."""

    status: int = 0
    version: str = ""
    warnings: tuple[str, ...] = ()


async def _ask(urls: list[str]) -> list[_Told]:
    timeout = aiohttp.ClientTimeout(total=_ASK_S)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:

        async def one(url: str) -> _Told:
            try:
                async with session.get(f"{url}/readyz") as ready:
                    health = await ready.json() if ready.status == 200 else {}
                async with session.get(f"{url}/metrics") as metrics:
                    said = _VERSION.search(await metrics.text())
            except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError, ValueError):
                return _Told()
            warnings = tuple(map(str, health.get("warnings", ())))
            return _Told(ready.status, said.group(1) if said else "", warnings)

        return list(await asyncio.gather(*(one(url) for url in urls)))


def _judge(found: Findings, name: str, url: str, told: _Told) -> None:
    status, runs = told.status, told.version
    ours = version("dropgate")
    if status == 0:
        found.bad(f"{name} does not answer at {url}", f"curl {url}/livez  # and look at its log")
    elif status != 200:
        found.bad(f"{name} takes no traffic (status {status})", f"curl {url}/readyz  # says why")
    elif runs and runs != ours:
        found.bad(f"{name} runs version {runs}, and this is {ours}", f"restart {name}")
    else:
        found.ok(f"{name} is ready, version {runs or 'not told'}")
    for warning in told.warnings:
        found.bad(f"{name}: {warning}", "docs/runbooks/DropgateSaleUnreadable.md says how")


def _in_test_mode(pid: int) -> bool:
    try:
        return _TEST_MODE in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it is gone, or another account's
        return False
