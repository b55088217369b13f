"""The exchange's calendar against days everyone can look up."""

from datetime import UTC, date, datetime

import pandas as pd
import pytest

from tests.shared import shared_path
from tickledger.bars.calendars import is_session, session_close, session_open, sessions, why_closed
from tickledger.bars.sample import SAMPLE_BARS
from tickledger.bars.sources import read_bars_file


@pytest.mark.parametrize(
    "day",
    [
        date(2012, 1, 7),  # a Saturday
        date(2012, 1, 16),  # Martin Luther King Jr. Day
        date(2012, 10, 29),  # Hurricane Sandy
        date(2001, 9, 14),  # after September 11
        date(2007, 1, 2),  # mourning for President Ford
    ],
)
def test_the_exchange_was_closed(day: date) -> None:
    assert not is_session(day)
    assert why_closed(day)


def test_the_year_2012_had_250_sessions() -> None:
    days = sessions(date(2012, 1, 1), date(2012, 12, 31))
    assert (len(days), days[0], days[-1]) == (250, date(2012, 1, 3), date(2012, 12, 31))
    assert sessions(date(2012, 1, 7), date(2012, 1, 8)) == []


def test_the_day_before_christmas_ends_early() -> None:
    assert session_close(date(2015, 12, 24)) == datetime(2015, 12, 24, 18, tzinfo=UTC)
    assert session_close(date(2015, 12, 23)) == datetime(2015, 12, 23, 21, tzinfo=UTC)


def test_daylight_saving_moves_the_opening_in_utc() -> None:
    assert session_open(date(2008, 3, 7)) == datetime(2008, 3, 7, 14, 30, tzinfo=UTC)
    assert session_open(date(2008, 3, 10)) == datetime(2008, 3, 10, 13, 30, tzinfo=UTC)


def test_asking_when_a_closed_day_opens_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="expected an NYSE session, found Saturday 2012-01-07"):
        session_open(date(2012, 1, 7))
    with pytest.raises(ValueError, match="outside the calendar, which knows 1990-01-02 to 20"):
        session_close(date(1985, 1, 7))


def test_the_bundled_sample_has_every_session_and_no_other() -> None:
    bars, _ = read_bars_file(SAMPLE_BARS)
    for _, timestamps in bars.groupby("symbol")["timestamp"]:
        days = [stamp.date() for stamp in timestamps]
        assert days == sessions(days[0], days[-1])


def test_a_published_record_of_closing_times_agrees() -> None:
    coverage = pd.read_csv(shared_path("data/lean/defects/minute_coverage.csv"))
    for session, close in zip(coverage["session"], coverage["close_utc"], strict=True):
        assert session_close(date.fromisoformat(session)) == datetime.fromisoformat(close)
