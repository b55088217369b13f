"""A history of bars against the calendar, the splits and itself."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tickledger.bars.calendars import sessions
from tickledger.bars.sample import SAMPLE_BARS, SAMPLE_CORPORATE_ACTIONS
from tickledger.bars.sources import read_bars_file, read_corporate_actions_file
from tickledger.bars.survey import Coverage, Finding, survey

JANUARY = sessions(date(2012, 1, 1), date(2012, 1, 31))


def bars(closes: dict[str, float], *, symbol: str = "AAPL", volume: int = 100) -> pd.DataFrame:
    stamps = pd.to_datetime(pd.Series(list(closes)), utc=True, format="ISO8601").dt.as_unit("us")
    return pd.DataFrame({"symbol": symbol, "timestamp": stamps, "close": list(closes.values()), "volume": volume})


def splits(**ratios: tuple[str, float]) -> pd.DataFrame:
    rows = [(symbol, day, "split", ratio) for symbol, (day, ratio) in ratios.items()]
    frame = pd.DataFrame(rows, columns=["symbol", "ex_date", "kind", "ratio"])
    return frame.astype({"ex_date": "datetime64[us]", "ratio": "float64"})


def findings(
    frame: pd.DataFrame, actions: pd.DataFrame | None = None, *, interval: str = "1day"
) -> tuple[Finding, ...]:
    return survey(frame, splits() if actions is None else actions, interval=interval).findings


def told(found: tuple[Finding, ...]) -> list[str]:
    return [str(finding.problem) for finding in found]


def test_the_bundled_history_has_nothing_unusual() -> None:
    sample, _ = read_bars_file(SAMPLE_BARS)
    actions, _ = read_corporate_actions_file(SAMPLE_CORPORATE_ACTIONS)
    surveyed = survey(sample, actions, interval="1day")
    assert surveyed.findings == ()
    assert surveyed.coverage[1] == Coverage("FB", "1day", 196, date(2012, 5, 18), date(2013, 3, 1))
    assert sum(one.bars for one in surveyed.coverage) == 12_154


def test_a_date_that_is_no_session_is_an_error_that_says_why() -> None:
    found = findings(bars({"2012-10-26": 604.0, "2012-10-27": 604.0, "2012-10-29": 604.0, "2012-10-31": 595.3}))
    assert told(found) == [
        (
            "error: AAPL, daily bar of 2012-10-27, column timestamp: expected a session of the New York Stock "
            "Exchange, found Saturday 2012-10-27"
        ),
        (
            "error: AAPL, daily bar of 2012-10-29, column timestamp: expected a session of the New York Stock "
            "Exchange, found Monday 2012-10-29, when the exchange was closed"
        ),
    ]


def test_a_date_beyond_the_calendar_is_an_error() -> None:
    (finding,) = findings(bars({"2150-01-05": 1.0}))
    assert (finding.kind, finding.problem.severity) == ("off_calendar", "error")
    assert "outside the calendar" in finding.problem.found


def test_dates_before_the_calendar_begins_are_not_judged() -> None:
    found = findings(bars({"1962-01-02": 7.6, "1962-01-06": 7.6, "1990-01-02": 7.7}))
    assert told(found) == [
        (
            "warning: AAPL, daily bars, column timestamp: expected dates from 1990-01-01 on, where the calendar "
            "begins, found 2 bars before it, from 1962-01-02 to 1962-01-06, which nobody judged"
        )
    ]


def test_missing_sessions_are_told_in_spans_and_holidays_are_none() -> None:
    # 2012-01-16 was Martin Luther King Jr. Day.
    present = {"2012-01-03": 1.0, "2012-01-05": 1.0, "2012-01-13": 1.0, "2012-01-17": 1.0}
    (finding,) = findings(bars(present))
    assert str(finding.problem) == (
        "warning: AAPL, daily bars: expected a bar in each of the 10 sessions from 2012-01-03 to 2012-01-17, "
        "found none in 6 of them: 2012-01-04, 2012-01-06 to 2012-01-12"
    )
    assert len(finding.dates) == 6


@given(st.data())
def test_exactly_the_sessions_left_out_are_missing_in_any_order_of_rows(data: st.DataObject) -> None:
    left_out = data.draw(st.sets(st.sampled_from(JANUARY[1:-1])))
    kept = data.draw(st.permutations([day for day in JANUARY if day not in left_out]))
    found = findings(bars({day.isoformat(): 1.0 for day in kept}))
    assert [finding.kind for finding in found] == (["missing_sessions"] if left_out else [])
    assert {day for finding in found for day in finding.dates} == left_out


def test_a_symbol_is_not_missed_before_its_first_bar_nor_after_its_last() -> None:
    long, short = ({day.isoformat(): 1.0 for day in days} for days in (JANUARY, JANUARY[5:9]))
    assert findings(pd.concat([bars(short, symbol="FB"), bars(long)])) == ()


def test_a_slipped_decimal_point_is_a_jump_up_and_a_jump_down() -> None:
    found = findings(bars({"2012-01-03": 58.75, "2012-01-04": 590.6, "2012-01-05": 59.72}))
    assert told(found) == [
        (
            "warning: AAPL, daily bar of 2012-01-04, column close: expected a close from 23.5 to 146.875, "
            "within a factor of 2.5 of the 58.75 of 2012-01-03, found 590.6, and no split recorded between the two"
        ),
        (
            "warning: AAPL, daily bar of 2012-01-05, column close: expected a close from 236.24 to 1476.5, "
            "within a factor of 2.5 of the 590.6 of 2012-01-04, found 59.72, and no split recorded between the two"
        ),
    ]


def test_a_recorded_split_explains_a_jump() -> None:
    # Apple, 7 for 1 on 2014-06-09; Citigroup, 1 for 10 on 2011-05-09; closes as published.
    apple = bars({"2014-06-06": 645.57, "2014-06-09": 93.70})
    citigroup = bars({"2011-05-06": 4.52, "2011-05-09": 44.16}, symbol="C")
    both = pd.concat([apple, citigroup], ignore_index=True)
    assert [finding.kind for finding in findings(both)] == ["jump", "jump"]
    assert findings(both, splits(AAPL=("2014-06-09", 7), C=("2011-05-09", 0.1))) == ()


def test_a_split_on_a_day_without_a_bar_takes_effect_at_the_next_one() -> None:
    frame = bars({"2014-06-06": 645.57, "2014-06-10": 94.25})
    assert [finding.kind for finding in findings(frame, splits(AAPL=("2014-06-09", 7)))] == ["missing_sessions"]


def test_a_split_that_no_close_follows_is_a_jump() -> None:
    (finding,) = findings(bars({"2014-06-06": 100.0, "2014-06-09": 100.0}), splits(AAPL=("2014-06-09", 7)))
    assert finding.problem.expected.startswith("a close from 5.71429 to 35.7143, within")
    assert finding.problem.found == "100, and a split of 7 for 1 between"


def test_splits_before_the_first_bar_and_after_the_last_explain_nothing() -> None:
    frame = bars({"2012-01-03": 10.0, "2012-01-04": 100.0})
    for day in ("2011-06-01", "2012-01-03", "2012-01-05"):
        assert [finding.kind for finding in findings(frame, splits(AAPL=(day, 0.1)))] == ["jump"]


def test_bars_without_trades_are_counted_and_their_dates_told() -> None:
    frame = bars({day.isoformat(): 1.0 for day in JANUARY})
    frame.loc[[0, *range(2, 9)], "volume"] = 0
    (finding,) = findings(frame)
    assert str(finding.problem) == (
        "warning: AAPL, daily bars, column volume: expected shares traded in every bar, found none in 8 of 20 bars: "
        "2012-01-03, 2012-01-05, 2012-01-06, 2012-01-09, 2012-01-10 and 3 more"
    )


def test_a_minute_belongs_to_its_date_in_new_york() -> None:
    friday_evening, saturday = "2012-01-07T00:30Z", "2012-01-07T14:30Z"
    assert findings(bars({"2012-01-06T20:59Z": 1.0, friday_evening: 1.0}), interval="1min") == ()
    (finding,) = findings(bars({friday_evening: 1.0, saturday: 1.0, "2012-01-07T14:31Z": 1.0}), interval="1min")
    assert finding.problem.where == "AAPL, minute bars of 2012-01-07"


def test_a_minute_that_jumps_is_told_with_its_time() -> None:
    minutes = {"2012-01-03T14:30Z": 58.5, "2012-01-03T14:31Z": 5.85, "2012-01-04T14:30Z": 5.9}
    (finding,) = findings(bars(minutes), interval="1min")
    assert finding.problem.where == "AAPL, minute bar of 2012-01-03T14:31Z"
    assert finding.dates == (date(2012, 1, 3),)


def test_nothing_recorded_is_nothing_found() -> None:
    nothing: dict[str, Any] = {"symbol": "str", "timestamp": "datetime64[us, UTC]", "close": float, "volume": np.int64}
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in nothing.items()})
    surveyed = survey(empty, splits(), interval="1day")
    assert (surveyed.coverage, surveyed.findings) == ((), ())
