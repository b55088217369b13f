"""Frames that come from no file are judged by the same rules."""

import pandas as pd
import pytest

from tickledger.bars.calendars import why_closed
from tickledger.bars.quality import check_bars


def bars(*closes: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "symbol": "AAPL",
            "timestamp": pd.date_range("2012-01-03", periods=len(closes), tz="UTC", unit="us"),
            "open": closes,
            "high": closes,
            "low": closes,
            "close": closes,
            "volume": 100,
        }
    )


def test_a_row_without_a_file_has_no_line_and_shows_its_values() -> None:
    good, (reject,) = check_bars(bars(58.0, -1.0, 59.0), where="an answer", interval="1day")
    assert good["close"].tolist() == [58.0, 59.0]
    assert str(reject.problem) == (
        "error: an answer, column open: expected a price above 0, from 0.0001 to 1,000,000,000 USD, found -1.0"
    )
    assert reject.record["timestamp"] == "2012-01-04T00:00:00+00:00"


def test_nothing_in_gives_nothing_out() -> None:
    empty = bars()
    good, rejects = check_bars(empty, where="nowhere", interval="1day", calendar=why_closed)
    assert good.empty
    assert rejects == []


def test_good_rows_come_back_untouched() -> None:
    frame = bars(58.0, 59.0)
    good, rejects = check_bars(frame, where="here", interval="1day", calendar=why_closed)
    assert rejects == []
    pd.testing.assert_frame_equal(good, frame)


def test_a_calendar_without_an_interval_cannot_tell_dates() -> None:
    with pytest.raises(ValueError, match="give it with the calendar"):
        check_bars(bars(58.0), where="here", interval=None, calendar=why_closed)


def test_a_minute_bar_is_stamped_with_a_whole_minute() -> None:
    frame = bars(58.0, 59.0)
    frame["timestamp"] += pd.to_timedelta([0, 30], unit="s")
    good, (reject,) = check_bars(frame, where="here", interval="1min")
    assert len(good) == 1
    assert reject.problem.expected == "a whole minute, the start of the bar"
    assert reject.problem.found == "'2012-01-04T00:00:30+00:00'"
