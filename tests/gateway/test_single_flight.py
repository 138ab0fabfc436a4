"""Two readings at once never leave the older one in force, whatever is read."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from gateway.counting import Counts
from gateway.credentials import Credentials
from gateway.frames import Frames
from gateway.shelves import Shelves
from gateway.single_flight import SingleFlight
from inventory.catalogue import Credential, OutsideCodes
from inventory.codes import CodeKey
from inventory.stock import Stock
from lua.catalogue import Script
from lua.faults import Fault, NothingHappened
from lua.store import Argument, Store
from queueing import PassKeys, Rooms, RoomSettings
from tests.gateway.world import SALE, World

Read = Callable[[], Awaitable[object]]
OVERTAKES_S = 0.5
"""How long a newer reading has to end before the older one, where nothing keeps it from that."""


class Late:
    """Holds back one answer that passes through it: the first, or a later one."""

    def __init__(self, skip: int = 0) -> None:
        self.skip = skip
        self.came = asyncio.Event()
        self.may_go = asyncio.Event()

    async def hold(self, answer: Any) -> Any:
        """The answer, once it may go."""
        self.skip -= 1
        if self.skip == -1:
            self.came.set()
            await self.may_go.wait()
        return answer


class LateStore(Store):
    """The store, whose first answer is on its way for as long as the test wants."""

    late: Late | None = None

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> list[Any]:
        """As `Store.run`."""
        answer = await super().run(script, keys, args)
        return answer if self.late is None else await self.late.hold(answer)

    async def read(self, *command: Argument, at: str = "", durable: bool = False) -> Any:
        """As `Store.read`."""
        answer = await super().read(*command, at=at, durable=durable)
        return answer if self.late is None else await self.late.hold(answer)


async def overtaken(late: Late, first: Read, change: Read, *, second: Read | None = None) -> None:
    """A reading is on its way, the world changes, and somebody else reads again."""
    older = asyncio.create_task(_awaited(first()))
    await late.came.wait()
    await change()
    newer = asyncio.create_task(_awaited((second or first)()))
    await asyncio.wait([newer], timeout=OVERTAKES_S)
    late.may_go.set()
    await asyncio.gather(older, newer)


async def _awaited(some: Awaitable[object]) -> None:
    await some


@pytest.fixture
async def slow(valkey_url: str, world: World) -> AsyncIterator[LateStore]:
    """A second way into the world's store; hold its next answer by setting `late`."""
    opened = await LateStore.connect(valkey_url)
    yield opened
    await opened.close()


async def test_one_reading_at_a_time_and_a_later_caller_gets_a_later_one() -> None:
    """Who asks while one is under way shares the next; nobody is told of one begun before."""
    begun, gate = 0, asyncio.Event()

    async def read() -> int:
        nonlocal begun
        begun += 1
        mine = begun
        await gate.wait()
        return mine

    flight: SingleFlight[int] = SingleFlight()
    first = asyncio.create_task(flight.run(read))
    while not begun:
        await asyncio.sleep(0)
    later = [asyncio.create_task(flight.run(read)) for _ in range(5)]
    await asyncio.sleep(0)
    gate.set()
    assert await first == 1
    assert await asyncio.gather(*later) == [2] * 5
    assert await flight.run(read) == 3, "a call after all of them reads anew"


async def test_a_fault_is_shared_and_forgotten() -> None:
    """Those who share a reading share its fault; the next caller reads anew."""
    calls = 0

    async def read() -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        if calls <= 2:
            raise NothingHappened("gone")
        return calls

    flight: SingleFlight[int] = SingleFlight()
    told = await asyncio.gather(*(flight.run(read) for _ in range(9)), return_exceptions=True)
    assert all(isinstance(one, Fault) for one in told)
    assert calls == 2, "one for the first, one for all the others"
    assert await flight.run(read) == 3


async def test_a_reader_that_goes_away_leaves_the_reading_to_the_next() -> None:
    """A cancelled reading is nobody's answer."""
    begun = asyncio.Event()

    async def for_ever() -> int:
        begun.set()
        return await asyncio.Event().wait()

    async def read() -> int:
        return 7

    flight: SingleFlight[int] = SingleFlight()
    gone = asyncio.create_task(flight.run(for_ever))
    await begun.wait()
    stays = asyncio.create_task(flight.run(read))
    gone.cancel()
    assert await stays == 7


async def test_a_key_that_was_read_stays_known() -> None:
    """A list of keys that was asked for before a key was made does not make it unknown again."""
    late, listed = Late(), [_key("old")]

    async def load() -> Sequence[Credential]:
        return await late.hold(list(listed))  # type: ignore[no-any-return]  # what it was given

    async def make() -> None:
        listed.append(_key("new"))

    credentials = Credentials(load)
    await overtaken(late, credentials.refresh, make)
    assert credentials.known("new") is not None


def _key(id: str) -> Credential:
    return Credential(id, "partner", "market", "", b"\0" * 32, None)


@pytest.mark.parametrize("which", ["all", "one", "one, all", "all, one"])
async def test_a_sale_that_was_read_does_not_go_back(
    world: World, slow: LateStore, which: str
) -> None:
    """Neither the loop's reading nor another one's puts an older record over a newer one."""
    services = world.services
    shelves = Shelves(slow, OutsideCodes(seal=[CodeKey(1, b"s" * 32)], digest_key=b"d" * 32))
    await shelves.refresh()
    reads: dict[str, Read] = {"all": shelves.refresh, "one": lambda: shelves.refresh_sale(SALE)}
    first, _, second = which.partition(", ")
    slow.late = Late(skip=1 if first == "all" else 0)  # all begins with the list of names

    async def change() -> None:
        await services.operators.change(services.shelves.standing(SALE), "pause", actor="test")

    await overtaken(slow.late, reads[first], change, second=reads[second or first])
    assert shelves.standing(SALE).view.state == "paused"


async def test_a_frame_that_was_read_does_not_go_back(world: World, slow: LateStore) -> None:
    """A frame on its way does not replace a newer one."""
    secret = [(1, b"k" * 32)]
    frames = Frames(Rooms(slow, secret, PassKeys(b"names", secret, secret), b"draw" * 8))
    slow.late = Late()

    async def change() -> None:
        await world.services.rooms.set_room(SALE, RoomSettings(rate_per_s=2.5), actor="test")

    await overtaken(slow.late, lambda: frames.refresh(SALE), change)
    assert frames.of(SALE).frame.rate_per_s == 2.5


async def test_counters_that_were_read_do_not_go_back(world: World, slow: LateStore) -> None:
    """Counters on their way do not replace newer ones."""
    counts, shelf = Counts(Stock(slow)), world.services.shelves.standing(SALE)
    slow.late = Late(skip=1)  # how many offers there are is asked first

    async def change() -> None:
        assert (await world.sell("one")).status == 201

    await overtaken(slow.late, lambda: counts.read(shelf), change)
    kept = counts.kept(SALE)
    assert kept is not None
    assert kept.total.sold == 2
