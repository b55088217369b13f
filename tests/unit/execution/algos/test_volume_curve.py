"""The volume curve against ones computed by hand: few sessions, silent minutes, half days."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.bars.calendars import session_close, session_open, sessions
from tickledger.exchange.venue_orders import MinuteBar
from tickledger.execution.algos.volume_curve import even_curve, volume_curve

D = Decimal
#: The day after Thanksgiving 2012 is a half day of 210 minutes, and so is Christmas Eve.
WHOLE, HALF = date(2012, 11, 30), date(2012, 12, 24)
BEFORE = sessions(date(2012, 11, 1), date(2012, 11, 29))


def minutes(day: date, volumes: Mapping[int, int]) -> list[MinuteBar]:
    """Bars of a session with the shares of each minute that traded."""
    opens_at = session_open(day)
    price = D(10)
    return [
        MinuteBar("X", opens_at + timedelta(minutes=minute), price, price, price, price, volume)
        for minute, volume in volumes.items()
    ]


def test_without_sessions_volume_is_even() -> None:
    curve = even_curve(WHOLE)
    assert len(curve.parts) == 390
    assert curve.session_count == 0
    assert curve.traded_by(session_open(WHOLE)) == 0
    assert round(curve.traded_by(session_open(WHOLE) + timedelta(minutes=39)), 12) == D("0.1")
    assert round(curve.traded_by(session_close(WHOLE)), 12) == 1


def test_one_session_is_halfway_between_what_it_traded_and_even_trading() -> None:
    """All in the first minute: (1 + 1/390) / 2 there, (0 + 1/390) / 2 in every other."""
    curve = volume_curve(minutes(BEFORE[0], {0: 5000}), session_date=WHOLE)
    assert round(curve.parts[0], 12) == round((1 + D(1) / 390) / 2, 12)
    assert round(curve.parts[1], 12) == round(D(1) / 780, 12)
    assert curve.session_count == 1


def test_each_session_counts_alike_whatever_it_traded() -> None:
    """A million in minute 0 one day, a hundred in minute 1 the next: a third each, and a third evenly over all."""
    bars = minutes(BEFORE[0], {0: 1_000_000}) + minutes(BEFORE[1], {1: 100})
    curve = volume_curve(bars, session_date=WHOLE)
    assert curve.parts[0] == curve.parts[1]
    assert round(curve.parts[0], 12) == round((1 + D(1) / 390) / 3, 12)


def test_a_silent_session_and_bars_outside_the_session_or_of_later_days_are_not_looked_at() -> None:
    silent = minutes(BEFORE[0], {5: 0})
    outside = minutes(BEFORE[1], {-1: 900, 390: 900})
    later = minutes(WHOLE, {0: 700})
    saturday = [MinuteBar("X", datetime.fromisoformat("2012-11-10T15:00Z"), D(1), D(1), D(1), D(1), 100)]
    assert volume_curve([*silent, *outside, *later, *saturday], session_date=WHOLE).session_count == 0


def test_only_recent_sessions_count() -> None:
    """Of the last 20 one is a half day, which a whole session does not need to learn from."""
    bars = [bar for day in BEFORE for bar in minutes(day, {0: 100})]
    assert volume_curve(bars, session_date=WHOLE).session_count == 19
    assert volume_curve(bars, session_date=WHOLE, recent=3).session_count == 3
    assert volume_curve(bars, session_date=WHOLE, recent=0).session_count == 0


def test_a_half_day_squeezes_whole_sessions_where_there_are_no_half_days_to_learn_from() -> None:
    """The last minute of 390 lies in the last of 210; half of the volume still trades in the first half of the day."""
    bars = [bar for day in BEFORE[:15] for bar in minutes(day, {0: 100, 389: 100})]
    curve = volume_curve(bars, session_date=HALF)
    assert len(curve.parts) == 210
    assert curve.parts[0] > D("0.25")
    assert round(curve.parts[0], 12) == round(curve.parts[209], 12)
    middle = session_open(HALF) + timedelta(minutes=105)
    assert round(curve.traded_by(middle), 12) == D("0.5")


def test_a_whole_session_learns_from_whole_sessions_alone_where_there_are_enough() -> None:
    half_day = minutes(date(2012, 11, 23), {0: 1_000_000})
    bars = [*half_day, *(bar for day in BEFORE[:5] for bar in minutes(day, {389: 100}))]
    curve = volume_curve(bars, session_date=WHOLE)
    assert curve.session_count == 5
    assert round(curve.parts[0], 12) == round(D(1) / 390 / 6, 12)
    assert volume_curve(bars, session_date=WHOLE, enough=6).session_count == 6


def test_a_day_that_is_not_a_session_has_no_curve() -> None:
    with pytest.raises(ValueError, match="expected an NYSE session"):
        even_curve(date(2012, 11, 22))


@given(
    volumes=st.lists(st.dictionaries(st.integers(-5, 395), st.integers(0, 10**9), max_size=8), max_size=8),
    day=st.sampled_from([WHOLE, HALF]),
)
def test_a_curve_always_rises_from_nothing_to_all(volumes: list[dict[int, int]], day: date) -> None:
    bars = [bar for when, shares in zip(BEFORE, volumes, strict=False) for bar in minutes(when, shares)]
    curve = volume_curve(bars, session_date=day)
    opens, closes = session_open(day), session_close(day)
    assert all(part > 0 for part in curve.parts)
    assert curve.traded_by(opens - timedelta(hours=1)) == 0
    assert abs(curve.traded_by(closes + timedelta(hours=1)) - 1) < D("1e-20")
    at = [curve.traded_by(opens + timedelta(seconds=each)) for each in range(0, len(curve.parts) * 60, 977)]
    assert at == sorted(at)
