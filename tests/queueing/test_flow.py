"""The brakes on made-up seconds: what lowers the line's speed, what rules, how it comes back."""

from dataclasses import replace
from itertools import pairwise

import pytest

from queueing.flow import RISE, Flow, Limits, Ruling, Second

RATE = 100.0
FINE = Second(
    rate_per_s=RATE,
    calls=100,
    failed=0,
    calls_per_s=100.0,
    purchase_ms=20.0,
    store_ms=5.0,
    settlement_ms=200.0,
)


def run(flow: Flow, second: Second, seconds: int) -> list[Ruling]:
    """So many seconds like this one."""
    return [flow.step(second) for _ in range(seconds)]


def speeds(rulings: list[Ruling]) -> list[float]:
    """The speed at which the line may move, second by second."""
    return [RATE if one.ceiling_per_s is None else one.ceiling_per_s for one in rulings]


def warm(limits: Limits | None = None) -> Flow:
    """A room whose brakes have seen half a minute of good times."""
    flow = Flow(limits or Limits())
    assert all(one.ceiling_per_s is None for one in run(flow, FINE, 30))
    return flow


BAD = {
    "latency": replace(FINE, purchase_ms=900.0),
    "errors": replace(FINE, failed=40),
    "settlement": replace(FINE, settlement_ms=30_000.0),
    "store": replace(FINE, store_ms=300.0),
}


def test_nothing_is_braked_while_all_is_well() -> None:
    """With good measurements no ceiling is set and no reason is named."""
    assert run(warm(), FINE, 100)[-1] == Ruling(None, None, frozenset())


@pytest.mark.parametrize("reason", BAD)
def test_a_cause_lowers_the_rate_and_is_named(reason: str) -> None:
    """Each of the four, alone, brings the line down and says that it was this one."""
    found = run(warm(), BAD[reason], 15)[-1]
    assert found.reason == reason
    assert found.ceiling_per_s is not None
    assert found.ceiling_per_s < RATE * 0.75


@pytest.mark.parametrize("reason", BAD)
def test_recovery_is_bounded_and_complete(reason: str) -> None:
    """Back in good times no second adds more than 5 % of the operator's rate, to the last bit."""
    flow = warm()
    run(flow, BAD[reason], 30)
    back = speeds(run(flow, FINE, 60))
    steps = [after - before for before, after in pairwise(back)]
    assert max(steps) <= RISE * RATE + 1e-9
    assert back[-1] == RATE
    assert back[1] < RATE


@pytest.mark.parametrize("reason", BAD)
def test_what_is_not_known_raises_nothing(reason: str) -> None:
    """A brake whose measurement is gone stays where it is, and is told of as blind."""
    flow = warm()
    before = run(flow, BAD[reason], 12)[-1]
    unknown = Second(rate_per_s=RATE)
    after = run(flow, unknown, 30)
    low = before.ceiling_per_s
    assert low is not None
    assert low > 2.0  # above a trickle, so that a rise would show
    assert max(speeds(after)) <= low
    assert after[-1].blind == {"latency", "errors", "settlement", "store"}


@pytest.mark.parametrize("reason", BAD)
def test_a_broken_sensor_stops_nothing(reason: str) -> None:
    """A measurement that goes missing in good times slows nobody down."""
    missing: dict[str, Second] = {
        "latency": replace(FINE, purchase_ms=None),
        "errors": replace(FINE, calls=0, failed=0),
        "settlement": replace(FINE, settlement_ms=None),
        "store": replace(FINE, store_ms=None),
    }
    found = run(warm(), missing[reason], 60)
    assert all(one.ceiling_per_s is None for one in found)
    assert found[-1].blind == {reason}


@pytest.mark.parametrize("reason", ["latency", "settlement", "store"])
def test_a_trickle_is_left(reason: str) -> None:
    """However long it is bad, some go in: without purchases nothing could be measured again."""
    assert speeds(run(warm(), BAD[reason], 600))[-1] == 2.0


@pytest.mark.parametrize("reason", ["latency", "settlement", "store"])
def test_a_trickle_grows_with_the_operators_rate(reason: str) -> None:
    """A line that was braked while it hardly moved gets the trickle of the rate that is set now."""
    flow = warm()
    run(flow, replace(BAD[reason], rate_per_s=0.02), 15)
    assert speeds(run(flow, BAD[reason], 15))[-1] == 2.0


@pytest.mark.parametrize("reason", BAD)
def test_a_brake_that_is_off_says_nothing(reason: str) -> None:
    """With its limit at 0 its cause does not count, and it is not blind either."""
    off = {
        "latency": Limits(latency_ms=0),
        "errors": Limits(failing_share=0),
        "settlement": Limits(settlement_ms=0),
        "store": Limits(store_ms=0),
    }[reason]
    assert run(warm(off), BAD[reason], 60)[-1] == Ruling(None, None, frozenset())


def test_the_smallest_rules() -> None:
    """With two causes the lower ceiling holds, and its reason is the one that is told."""
    flow = warm()
    run(flow, replace(FINE, settlement_ms=30_000.0), 6)
    both = run(flow, replace(FINE, settlement_ms=30_000.0, failed=90), 3)[-1]
    assert (both.ceiling_per_s, both.reason) == (0.0, "errors")


def test_most_purchases_failing_stops_the_line() -> None:
    """More than half failing for three seconds: nobody is let in; two such seconds: somebody is."""
    flow = warm()
    failing = replace(FINE, failed=60)
    assert all(one.ceiling_per_s != 0 for one in run(flow, failing, 2))
    assert flow.step(failing) == Ruling(0.0, "errors", frozenset())


def test_half_failing_does_not_stop_it() -> None:
    """At exactly half the line moves on, slower."""
    found = run(warm(), replace(FINE, failed=50), 20)[-1]
    assert found.ceiling_per_s is not None
    assert 40 < found.ceiling_per_s < 60


def test_a_stop_ends_with_the_first_successes() -> None:
    """When purchases work again a trickle is let in within a second, and more from then on."""
    flow = warm()
    run(flow, replace(FINE, failed=100), 10)
    back = speeds(run(flow, FINE, 3))
    assert back[0] == 2.0
    assert back[2] > back[0]


def test_a_stop_does_not_stop_its_own_end() -> None:
    """When nobody is left inside to buy, a trickle finds out after a few seconds."""
    flow = warm()
    run(flow, replace(FINE, failed=100), 10)
    quiet = speeds(run(flow, replace(FINE, calls=0, purchase_ms=None), 20))
    assert quiet[2] == 0.0
    assert quiet[10] == 2.0
    assert speeds(run(flow, replace(FINE, failed=100), 3))[-1] == 0.0


def test_a_few_failures_among_many_are_borne() -> None:
    """Up to one in twenty lowers nothing."""
    assert run(warm(), replace(FINE, calls=100, failed=5), 60)[-1].ceiling_per_s is None


def test_a_failure_among_very_few_calls_says_nothing() -> None:
    """Two of three failing in ten seconds is chance, not a cause."""
    flow = warm()
    run(flow, replace(FINE, calls=0), 10)
    assert flow.step(replace(FINE, calls=3, failed=2)).ceiling_per_s is None


def test_a_wave_is_not_a_wait() -> None:
    """Lag that comes and goes within the window lowers nothing, however high it is."""
    flow = warm()
    high = replace(FINE, settlement_ms=60_000.0, store_ms=500.0)
    found = [flow.step(high if at % 5 else FINE) for at in range(100)]
    assert all(one.ceiling_per_s is None for one in found)


def test_a_standing_wait_lowers_step_by_step() -> None:
    """One step by 0.7 for each window, not one for each second."""
    seen = speeds(run(warm(), BAD["settlement"], 15))
    assert seen[3] == RATE
    assert seen[4:9] == pytest.approx([70.0] * 5)
    assert seen[14] == pytest.approx(34.3)


def test_quick_purchases_are_never_slow() -> None:
    """From 5 ms to 100 ms is twenty times the usual, and still quick: nobody is slowed down."""
    flow = Flow(Limits())
    run(flow, replace(FINE, purchase_ms=5.0), 30)
    assert run(flow, replace(FINE, purchase_ms=100.0), 60)[-1].ceiling_per_s is None


def test_slowness_never_becomes_usual_beyond_the_limit() -> None:
    """Purchases of a second are slow after an hour too; those of the limit are borne at once."""
    flow = Flow(Limits(latency_ms=500))
    assert speeds(run(flow, replace(FINE, purchase_ms=1000.0), 3600))[-1] == 2.0
    assert run(Flow(Limits()), replace(FINE, purchase_ms=490.0), 60)[-1].ceiling_per_s is None


def test_latency_grows_nothing_that_is_not_used() -> None:
    """While fewer buy than half of the ceiling, quick purchases prove nothing."""
    flow = warm()
    low = speeds(run(flow, BAD["latency"], 6))[-1]
    idle = run(flow, replace(FINE, calls_per_s=low * 0.4), 60)
    assert max(speeds(idle)) <= low
    used = run(flow, replace(FINE, calls_per_s=low * 0.6), 1)
    assert speeds(used)[-1] > low


def test_another_process_goes_on_from_the_same_ceiling() -> None:
    """A gateway that was just started does not let loose what another one has slowed down."""
    flow = Flow(Limits())
    flow.resume(10.0, "settlement")
    assert flow.step(FINE).ceiling_per_s == pytest.approx(15.0)
    stopped = Flow(Limits())
    stopped.resume(0.0, "errors")
    assert stopped.step(replace(FINE, calls=0)) == Ruling(0.0, "errors", frozenset({"errors"}))


def test_a_lower_rate_of_the_operator_is_below_every_ceiling() -> None:
    """When the operator allows less than the brake did, the brake has nothing more to say."""
    flow = warm()
    assert run(flow, BAD["settlement"], 5)[-1].ceiling_per_s == pytest.approx(70.0)
    slow = replace(FINE, rate_per_s=10.0)
    assert flow.step(slow).ceiling_per_s is None
