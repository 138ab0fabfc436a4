"""What gateways hand in becomes one picture: nothing twice, nothing stale, nobody alone decides."""

import pytest

from lua.store import Store
from queueing.keys import Line
from queueing.measures import TIMES_MS, Measured, Measures, Meter, Report, Times, Window

ON = Line(1, 1)


def report(calls: int = 0, failed: int = 0, lag_ms: int = -1, **spent: float) -> Report:
    """A report in which all calls took `took_ms`, and as many store calls `store_ms`."""
    times, store_times = Times(), Times()
    for _ in range(calls):
        times.took(spent.get("took_ms", 8.0) / 1000)
        store_times.took(spent.get("store_ms", 2.0) / 1000)
    return Report(calls, failed, times.counts, store_times.counts, lag_ms)


def seen(second: int, passes: int = 0, **reports: Report) -> Measured:
    """What the store replied in that second."""
    return Measured(second * 1000, passes, 0, 0, reports)


def test_calls_count_from_one_second_to_the_next() -> None:
    """Of counts since a process began, those of the last second count, added over gateways."""
    window = Window()
    window.take(seen(1, a=report(100), b=report(7)), 10.0)
    second = window.take(seen(2, a=report(120, 3), b=report(12, 1)), 10.0)
    assert (second.calls, second.failed) == (25, 4)


def test_a_gateway_that_comes_or_goes_is_no_flood() -> None:
    """One that is new counts from now on; one that is gone, or began anew, takes nothing away."""
    window = Window()
    window.take(seen(1, a=report(100)), 10.0)
    assert window.take(seen(2, a=report(100), b=report(5_000)), 10.0).calls == 0
    assert window.take(seen(3, b=report(5_010)), 10.0).calls == 10
    assert window.take(seen(4, b=report(2)), 10.0).calls == 0
    assert window.take(seen(5, a=report(400), b=report(2)), 10.0).calls == 0


def test_a_report_that_is_read_twice_counts_once() -> None:
    """Gateways do not hand in at the same moment: the same report again adds nothing."""
    window = Window()
    found = [window.take(seen(second, a=report(100, 50)), 10.0) for second in (1, 2, 3)]
    assert [(one.calls, one.failed) for one in found] == [(0, 0)] * 3


@pytest.mark.parametrize("took_ms", [3.0, 8.0, 120.0, 450.0, 1_500.0])
def test_the_p95_is_within_its_class(took_ms: float) -> None:
    """A time that all calls took is told as one of the same class."""
    window = Window()
    window.take(seen(1, a=report()), 10.0)
    told = window.take(seen(2, a=report(100, took_ms=took_ms)), 10.0).purchase_ms
    assert told is not None
    above = min(bound for bound in TIMES_MS if bound >= took_ms)
    below = max([0, *(bound for bound in TIMES_MS if bound < took_ms)])
    assert below < told <= above


def test_what_is_above_all_classes_counts_as_the_highest() -> None:
    """A minute is as slow as it gets."""
    window = Window()
    window.take(seen(1, a=report()), 10.0)
    second = window.take(seen(2, a=report(100, took_ms=60_000.0)), 10.0)
    assert second.purchase_ms == TIMES_MS[-1]


def test_few_calls_have_no_p95_and_old_ones_are_forgotten() -> None:
    """Under five calls in half a minute nothing is said, however many there were before."""
    window = Window()
    window.take(seen(1, a=report()), 10.0)
    assert window.take(seen(2, a=report(4)), 10.0).purchase_ms is None
    assert window.take(seen(3, a=report(100)), 10.0).purchase_ms is not None
    found = [window.take(seen(second, a=report(100)), 10.0) for second in range(4, 40)]
    assert found[10].purchase_ms is not None
    assert (found[-1].purchase_ms, found[-1].store_ms) == (None, None)


def test_a_busy_shop_is_judged_by_its_last_seconds() -> None:
    """With calls enough, what was slow six seconds ago says nothing of now."""
    window = Window()
    window.take(seen(1, a=report()), 10.0)
    slow, quick = report(100, took_ms=900.0), report(30, took_ms=8.0)
    window.take(seen(2, a=slow), 10.0)
    found = []
    for more in range(1, 7):
        times = [old + more * new for old, new in zip(slow.times, quick.times, strict=True)]
        told = Report(100 + more * 30, 0, times, slow.store_times, -1)
        found.append(window.take(seen(2 + more, a=told), 10.0))
    assert found[0].purchase_ms is not None
    assert found[0].purchase_ms > 700
    assert found[-1].purchase_ms is not None
    assert found[-1].purchase_ms <= 10
    assert found[-1].calls_per_s == 30


def test_one_gateway_does_not_speak_for_all() -> None:
    """Of the lags the middle one counts; who does not know has no voice; nobody knowing is None."""
    window = Window()
    told = seen(1, a=report(lag_ms=0), b=report(lag_ms=900), c=report(lag_ms=90_000), d=report())
    assert window.take(told, 10.0).settlement_ms == 900
    assert window.take(seen(2, a=report(), d=report()), 10.0).settlement_ms is None


async def test_every_gateway_hears_of_all(store: Store) -> None:
    """Two that hand in hear of each other, and the same sums."""
    first, second = Measures(store), Measures(store)
    meter = Meter(passes=3, orders=2, units=4)
    await first.measure("spring", ON, meter, report(5), 1_000)
    heard = await second.measure("spring", ON, Meter(), report(6), 1_200)
    assert sorted(one.calls for one in heard.reports.values()) == [5, 6]


async def test_sums_grow_by_what_is_new_and_by_nothing_twice(store: Store) -> None:
    """A process's first report is where it is counted from; a repeat of one adds nothing."""
    measures, other = Measures(store), Measures(store)
    await measures.measure("spring", ON, Meter(passes=100, orders=80, units=90), report(), 1_000)
    grown = Meter(passes=110, orders=88, units=100)
    for _ in range(2):
        await measures.measure("spring", ON, grown, report(), 2_000)
    told = await measures.measure("spring", ON, grown, report(), 2_000)
    assert (told.passes, told.orders, told.units) == (10, 8, 10)
    await other.measure("spring", ON, Meter(), report(), 2_100)
    told = await other.measure("spring", ON, Meter(1, 0, 1, 1, 2), report(), 2_200)
    assert (told.passes, told.orders, told.units) == (11, 9, 12)


async def test_a_stale_report_is_not_heard(store: Store) -> None:
    """After five seconds a gateway that is silent has no voice, nor when a clock was set back."""
    first, second = Measures(store), Measures(store)
    await first.measure("spring", ON, Meter(), report(5), 100_000)
    for now_ms, heard in ((105_000, 2), (105_001, 1), (94_999, 1), (100_000, 2)):
        told = await second.measure("spring", ON, Meter(), report(6), now_ms)
        assert len(told.reports) == heard


async def test_a_gateway_that_is_gone_is_forgotten(store: Store) -> None:
    """After a minute nothing of it is kept but what it had added to the sums."""
    first, second = Measures(store), Measures(store)
    await first.measure("spring", ON, Meter(), report(), 1_000)
    await first.measure("spring", ON, Meter(passes=5), report(), 2_000)
    told = await second.measure("spring", ON, Meter(), report(), 62_001)
    assert told.passes == 5
    assert await store.read("HLEN", "{spring:room}:measured:1.1") == 4


async def test_each_line_has_sums_of_its_own(store: Store) -> None:
    """What was bought in one drop says nothing of the next."""
    measures = Measures(store)
    await measures.measure("spring", ON, Meter(), report(), 1_000)
    await measures.measure("spring", ON, Meter(passes=9), report(), 2_000)
    told = await measures.measure("spring", Line(2, 1), Meter(passes=9), report(), 3_000)
    assert told.passes == 0


async def test_a_report_of_another_version_is_left_out(store: Store) -> None:
    """During a release a gateway that speaks differently is not heard, and does no harm."""
    await store.write(
        "HSET", "{spring:room}:measured:1.1", "stranger", "1000 1 1 1 not ours at all"
    )
    told = await Measures(store).measure("spring", ON, Meter(), report(4), 1_100)
    assert [one.calls for one in told.reports.values()] == [4]
