"""The files of ``tickledger gateway``: where the market begins, and what its quotes are."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tickledger.cli.gateway_market import market_start, read_market
from tickledger.cli.quotes_file import read_quotes
from tickledger.domain.errors import ConfigurationError, InputError

_BARS = "symbol,timestamp,open,high,low,close,volume\n"
_MINUTES = (
    "symbol,timestamp,bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size\n"
)


def start(folder: Path, rows: list[str], at: datetime | None = None, *, stands: bool = True) -> str:
    path = folder / "bars.csv"
    path.write_text(_BARS + "".join(f"{row},10,11,9,10,100\n" for row in rows))
    return f"{market_start(read_market(path, None, None, seed=0), at, stands=stands):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("row", "stands_at", "opens_at"),
    [
        ("A,2013-03-28T00:00:00Z", "2013-03-28 16:45", "2013-03-28 13:30"),
        ("A,2012-11-23T00:00:00Z", "2012-11-23 16:15", "2012-11-23 14:30"),  # a half day
        ("A,2013-03-28T14:30:00Z", "2013-03-28 16:45", "2013-03-28 13:30"),
        ("A,2013-03-28T19:30:00Z", "2013-03-28 19:31", "2013-03-28 13:30"),  # nothing trades before
        ("A,2013-01-05T00:30:00Z", "2013-01-04 17:45", "2013-01-04 14:30"),  # Friday evening in New York
    ],
)
def test_the_market_begins_in_the_last_session(tmp_path: Path, row: str, stands_at: str, opens_at: str) -> None:
    assert start(tmp_path, [row]) == stands_at
    assert start(tmp_path, [row], stands=False) == opens_at


@pytest.mark.parametrize("late", ["2013-03-29T00:00:00Z", "2013-03-30T15:00:00Z", "2013-03-31T00:00:00Z"])
def test_bars_of_days_without_a_session_do_not_begin_the_market_and_are_told(
    tmp_path: Path, late: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start(tmp_path, ["A,2013-03-28T00:00:00Z", f"A,{late}"]) == "2013-03-28 16:45"
    assert "warning: the bars: expected bars of the NYSE's sessions" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("day", ["2013-03-29", "1975-03-27"])
def test_bars_without_any_session_are_an_error_in_the_data(tmp_path: Path, day: str) -> None:
    with pytest.raises(InputError, match=f"expected a bar of a session of the NYSE, found {day} to {day}"):
        start(tmp_path, [f"A,{day}T00:00:00Z"])


def test_a_start_on_a_day_without_a_session_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--start: expected a session of the NYSE, found Friday 2013-03-29"):
        start(tmp_path, ["A,2013-03-28T00:00:00Z"], datetime(2013, 3, 29, tzinfo=UTC).replace(tzinfo=None))


def test_quotes_of_minutes_become_four_quotes_through_the_nearer_extreme(tmp_path: Path) -> None:
    path = tmp_path / "quotes.csv"
    path.write_text(
        _MINUTES
        + "A,2013-03-28T14:30:00Z,10.00,10.30,9.90,10.20,5,10.10,10.40,10.00,10.30,7\n"
        + "A,2013-03-28T14:31:00Z,10.20,10.30,9.90,10.00,5,10.30,10.40,9.80,10.10,7\n"
    )
    quotes, problems = read_quotes(path)
    told = [(f"{row.timestamp:%M:%S}", row.bid, row.ask) for row in quotes.sort_values("timestamp").itertuples()]
    assert not problems
    assert told == [
        *(("30:00", 10.0, 10.1), ("30:20", 9.9, 10.0), ("30:40", 10.3, 10.4), ("30:59", 10.2, 10.3)),
        *(("31:00", 10.2, 10.3), ("31:20", 10.3, 10.4), ("31:40", 9.9, 9.9), ("31:59", 10.0, 10.1)),
    ]
    assert set(quotes["bid_size"]) == {5}
    assert set(quotes["ask_size"]) == {7}


def test_bad_rows_of_quotes_are_named_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "quotes.csv"
    rows = ["A,2013-03-28T14:30:00Z,10,10.1,5,5", "A,2013-03-28T14:31:00Z,10.2,10.1,5,5", "A,soon,10,10.1,5,5"]
    rows += ["A,2013-03-28T14:33:00Z,,10.1,5,5", "A,2013-03-28T14:34:00Z,10,10.1,-5,5", ",2013-03-28T14:35:00Z,1,2,3,4"]
    path.write_text("symbol,timestamp,bid,ask,bid_size,ask_size\n" + "\n".join(rows))
    quotes, problems = read_quotes(path)
    assert len(quotes) == 1
    assert [(problem.row, problem.column) for problem in problems] == [
        *((3, "ask"), (4, "timestamp"), (5, "bid"), (6, "bid_size"), (7, "symbol")),
    ]
    assert str(problems[0]).endswith("row 3, column ask: expected a price above 0 and not below bid, found 10.1")


def test_quotes_in_neither_form_are_refused_by_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "quotes.csv"
    path.write_text("symbol,timestamp,price\nA,2013-03-28T14:30:00Z,10\n")
    with pytest.raises(InputError, match="expected a column named bid"):
        read_quotes(path)
