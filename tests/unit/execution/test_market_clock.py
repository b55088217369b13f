"""The clock of a simulated market: as fast as it was told, and never back."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.execution.clock import MarketClock
from tickledger.execution.journaled import SteppedClock

NOON: Final = datetime(2012, 1, 3, 12, tzinfo=UTC)


class Wall:
    """The wall's monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def clock(speed: float) -> tuple[MarketClock, Wall]:
    wall = Wall()
    return MarketClock(NOON, speed, wall), wall


@pytest.mark.parametrize(("speed", "passed"), [(1.0, 10), (60.0, 600), (0.5, 5), (0.0, 0)])
def test_it_runs_as_fast_as_it_was_told(speed: float, passed: int) -> None:
    market, wall = clock(speed)
    wall.seconds += 10
    assert market.now() == NOON + timedelta(seconds=passed)
    assert market.speed == speed


def test_it_stands_where_it_was_set_back_until_that_has_caught_up() -> None:
    market, wall = clock(1.0)
    wall.seconds += 10
    assert market.now() == NOON + timedelta(seconds=10)
    market.set(NOON, 2.0)
    assert market.now() == NOON + timedelta(seconds=10)
    wall.seconds += 4.5
    assert market.now() == NOON + timedelta(seconds=10)
    wall.seconds += 1
    assert market.now() == NOON + timedelta(seconds=11)


def test_it_goes_where_it_is_told_ahead() -> None:
    market, _ = clock(1.0)
    market.set(NOON + timedelta(hours=1), 0.0)
    assert market.now() == NOON + timedelta(hours=1)


def test_a_wait_is_the_walls_and_where_time_stands_it_is_a_minute() -> None:
    market, _ = clock(60.0)
    assert market.seconds_until(NOON + timedelta(minutes=10)) == 10
    assert market.seconds_until(NOON - timedelta(minutes=10)) == 0
    market.set(NOON, 0.0)
    assert market.seconds_until(NOON + timedelta(seconds=1)) == 60


STEPS: Final = st.lists(
    st.tuples(
        st.floats(0, 100), st.none() | st.tuples(st.integers(-1000, 1000), st.sampled_from([0.0, 0.5, 1.0, 60.0]))
    )
)


@given(steps=STEPS)
def test_it_never_goes_back_however_it_is_set(steps: list[tuple[float, tuple[int, float] | None]]) -> None:
    market, wall = clock(1.0)
    before = market.now()
    for seconds, setting in steps:
        wall.seconds += seconds
        if setting is not None:
            market.set(NOON + timedelta(seconds=setting[0]), setting[1])
        now = market.now()
        assert now >= before
        before = now


def test_a_stepped_clock_stands_within_an_event_and_never_goes_back() -> None:
    class Wandering:
        def __init__(self) -> None:
            self.at = NOON

        def now(self) -> datetime:
            return self.at

    wall = Wandering()
    stepped = SteppedClock(wall)
    wall.at = NOON + timedelta(seconds=5)
    assert stepped.now() == NOON
    assert stepped.step() == stepped.now() == NOON + timedelta(seconds=5)
    wall.at = NOON
    assert stepped.step() == NOON + timedelta(seconds=5)
