"""Starting in order, restarting what dies, stopping the last first: on real processes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.state import State
from gateway.supervisor import Service, Supervisor
from lua.process import Program, ProgramFailed

WAIT_S = 60.0


class Stage:
    """Programs that write what happens to them into one diary, and the supervisor over them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.diary = home / "diary"
        self.diary.touch()
        self.said: list[str] = []
        self.state = State(home / "state")
        self.state.make()
        self.supervisor = Supervisor(self.state, self.said.append)

    def service(self, name: str, on_term: str = "exit 0") -> Service:
        """A program that starts unless a file `<name>.broken` exists."""
        broken, up = self.home / f"{name}.broken", self.home / f"{name}.up"
        script = (
            f"rm -f {up}; if [ -e {broken} ]; then echo cannot start; exit 3; fi\n"
            f"trap 'echo {name} stopped >> {self.diary}; {on_term}' TERM\n"
            f"echo {name} started >> {self.diary}; echo $$ > {up}\n"
            "while :; do sleep 0.02; done\n"
        )

        async def ready() -> bool:
            return up.exists()

        def describe() -> Program:
            up.unlink(missing_ok=True)
            return Program(name=name, argv=("/bin/sh", "-c", script), ready=ready, stop_s=5.0)

        return Service(name, describe, {"it": name})

    def events(self) -> list[str]:
        """What the diary says."""
        return self.diary.read_text().splitlines()

    def process(self, name: str) -> int:
        """The process of that name, 0 for none."""
        note = self.state.note(name)
        return note.pid if note else 0


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A supervisor whose programs are ended after the test."""
    made = Stage(tmp_path)
    yield made
    made.supervisor.hurry()
    await made.supervisor.stop()


async def until(condition: Callable[[], bool]) -> None:
    """Return when it is true; the test fails when it does not become true."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.01)


async def test_stages_start_in_order_and_stop_the_last_first(stage: Stage) -> None:
    """A stage starts when the one before is ready, and stops before it."""
    for name in ("servers", "worker", "gateways"):
        await stage.supervisor.start([stage.service(name)])
    await stage.supervisor.stop()
    names = ("servers", "worker", "gateways")
    expected = [f"{name} started" for name in names]
    assert stage.events() == expected + [f"{name} stopped" for name in reversed(names)]
    assert stage.state.notes() == []


@pytest.mark.fault
async def test_what_is_killed_is_started_again(stage: Stage) -> None:
    """After kill -9 the program is back as another process; its neighbours are not touched."""
    await stage.supervisor.start([stage.service("a"), stage.service("b")])
    first, neighbour = stage.process("a"), stage.process("b")
    for times in (2, 3):
        os.kill(stage.process("a"), signal.SIGKILL)
        await until(lambda times=times: stage.events().count("a started") == times)  # type: ignore[misc]
    assert stage.process("b") == neighbour
    assert stage.process("a") != first
    assert stage.said[0] == "a was ended by SIGKILL; starting it again"


@pytest.mark.fault
async def test_a_program_that_does_not_come_back_is_tried_again(stage: Stage) -> None:
    """Restarts go on, with pauses that grow, until what was wrong is mended."""
    await stage.supervisor.start([stage.service("a")])
    (stage.home / "a.broken").touch()
    os.kill(stage.process("a"), signal.SIGKILL)
    await until(lambda: sum("trying again in" in line for line in stage.said) >= 3)
    (stage.home / "a.broken").unlink()
    await until(lambda: any("a is back" in line for line in stage.said))
    pauses = [line.rpartition(" in ")[2] for line in stage.said if "trying again" in line]
    assert pauses[:3] == ["0.1 s", "0.2 s", "0.4 s"]


@pytest.mark.fault
async def test_a_full_disk_does_not_end_the_restarting(stage: Stage) -> None:
    """An error of the machine while restarting is told and tried again, like any other failure."""
    healthy = stage.service("a")
    troubles = [OSError(28, "No space left on device")]

    def describe() -> Program:
        if len(stage.events()) and troubles:
            raise troubles.pop()
        return healthy.describe()

    await stage.supervisor.start([Service("a", describe)])
    os.kill(stage.process("a"), signal.SIGKILL)
    await until(lambda: any("a is back" in line for line in stage.said))
    assert "No space left on device" in stage.said[1]


async def test_a_first_start_that_fails_is_told_with_its_log(stage: Stage) -> None:
    """A program that never came up is an error that shows what it said; nothing is retried."""
    (stage.home / "b.broken").touch()
    await stage.supervisor.start([stage.service("a")])
    with pytest.raises(ProgramFailed, match=r"status 3 before it was ready(.|\n)*cannot start"):
        await stage.supervisor.start([stage.service("b")])
    await stage.supervisor.stop()
    assert stage.events() == ["a started", "a stopped"]


async def test_stopping_ends_the_restarting(stage: Stage) -> None:
    """What dies while everything stops stays dead."""
    await stage.supervisor.start([stage.service("a")])
    os.kill(stage.process("a"), signal.SIGKILL)
    await stage.supervisor.stop()
    assert stage.events().count("a started") == 1
    assert stage.process("a") == 0


@pytest.mark.fault
async def test_a_hurry_kills_the_stage_that_does_not_end(stage: Stage) -> None:
    """A second Ctrl-C ends a program that is still finishing, and never the servers."""
    await stage.supervisor.start([stage.service("server")])
    await stage.supervisor.start([stage.service("slow", on_term="")])
    stopping = asyncio.create_task(stage.supervisor.stop())
    await until(lambda: "slow stopped" in stage.events())
    stage.supervisor.hurry()
    await stopping
    assert stage.events()[-1] == "server stopped"


async def test_a_program_run_once_must_succeed(stage: Stage) -> None:
    """A migration that fails is an error with its log; one that succeeds lets the rest start."""

    async def never() -> bool:
        return False

    def once(script: str) -> Program:
        return Program(name="once", argv=("/bin/sh", "-c", script), ready=never)

    await stage.supervisor.run_once(once("exit 0"))
    with pytest.raises(ProgramFailed, match=r"once ended with status 4(.|\n)*no such table"):
        await stage.supervisor.run_once(once("echo no such table; exit 4"))
