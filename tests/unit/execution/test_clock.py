from datetime import UTC, datetime, timedelta

import pytest

from tickledger.execution.clock import ReplayClock, WallClock

NOON = datetime(2012, 1, 3, 12, tzinfo=UTC)


def test_a_replay_clock_stands_until_it_is_moved() -> None:
    clock = ReplayClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(NOON + timedelta(hours=1))
    assert clock.now() == NOON + timedelta(hours=1)


def test_a_replay_clock_never_goes_back() -> None:
    clock = ReplayClock(NOON)
    with pytest.raises(ValueError, match="expected an instant not before 2012-01-03 12:00"):
        clock.advance(NOON - timedelta(seconds=1))


def test_the_wall_clock_says_when_it_is_in_utc() -> None:
    first, second = WallClock().now(), WallClock().now()
    assert first.tzinfo is UTC
    assert first <= second
