"""A file of bars: each defect costs its own row, with a message a person can act on, and no other."""

import math
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.shared import shared_path
from tests.unit.bars.files import BARS_HEADER, GOOD_BAR, NEXT_BAR, csv_file
from tickledger.bars.calendars import why_closed
from tickledger.bars.reject import Reject
from tickledger.bars.sample import SAMPLE_BARS
from tickledger.bars.sources import load_bars, read_bars_file

A_PRICE = "a price above 0, from 0.0001 to 1,000,000,000 USD"
AN_INSTANT = "a date or an instant in ISO 8601, such as 2012-01-03 or 2012-01-03T14:30:00Z"
ONE_BAR = "one bar per symbol and timestamp"
SHARES = "a whole number of shares, 0 or more"


def read(folder: Path, *lines: str) -> tuple[pd.DataFrame, list[Reject]]:
    return read_bars_file(csv_file(folder, *lines))


def test_a_good_file_gives_typed_columns_and_no_rejects(tmp_path: Path) -> None:
    bars, rejects = read(tmp_path, GOOD_BAR, NEXT_BAR)
    assert rejects == []
    assert {name: str(dtype) for name, dtype in bars.dtypes.items()} == {
        "symbol": "str",
        "timestamp": "datetime64[us, UTC]",
        **dict.fromkeys(("open", "high", "low", "close"), "float64"),
        "volume": "int64",
    }
    assert bars.loc[2].to_dict() == {
        "symbol": "AAPL",
        "timestamp": pd.Timestamp("2012-01-03", tz="UTC"),
        "open": 58.49,
        "high": 58.93,
        "low": 58.43,
        "close": 58.75,
        "volume": 75555200,
    }


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("AAPL,2012-01-05,58,59,60,58.5,1", "column high: expected a high of at least the low, 60, found 59"),
        (
            "AAPL,2012-01-05,57,59,58,58.5,1",
            "column open: expected an open between the low, 58, and the high, 59, found 57",
        ),
        (
            "AAPL,2012-01-05,58,59,58,59.01,1",
            "column close: expected a close between the low, 58, and the high, 59, found 59.01",
        ),
        ("AAPL,2012-01-05,-58,59,58,58.5,1", f"column open: expected {A_PRICE}, found -58"),
        ("AAPL,2012-01-05,58,59,0,58.5,1", f"column low: expected {A_PRICE}, found 0"),
        ("AAPL,2012-01-05,58,59,58,,1", f"column close: expected {A_PRICE}, found nothing"),
        ("AAPL,2012-01-05,58,59,58,NaN,1", f"column close: expected {A_PRICE}, found NaN"),
        ("AAPL,2012-01-05,58,inf,58,58,1", f"column high: expected {A_PRICE}, found inf"),
        ("AAPL,2012-01-05,n/a,59,58,58.5,1", f"column open: expected {A_PRICE}, found 'n/a'"),
        ('AAPL,2012-01-05,"1,058.00",1059,58,58.5,1', f"column open: expected {A_PRICE}, found '1,058.00'"),
        ("AAPL,2012-01-05,0x3A,59,58,58.5,1", f"column open: expected {A_PRICE}, found '0x3A'"),
        ("AAPL,2012-01-05,58,59,58,58.5,-1", f"column volume: expected {SHARES}, found -1"),
        ("AAPL,2012-01-05,58,59,58,58.5,1.5", f"column volume: expected {SHARES}, found 1.5"),
        ("AAPL,2012-01-05,58,59,58,58.5,", f"column volume: expected {SHARES}, found nothing"),
        ("AAPL,01/05/2012,58,59,58,58.5,1", f"column timestamp: expected {AN_INSTANT}, found '01/05/2012'"),
        ("AAPL,2012-02-30,58,59,58,58.5,1", f"column timestamp: expected {AN_INSTANT}, found '2012-02-30'"),
        ("AAPL,0212-01-05,58,59,58,58.5,1", f"column timestamp: expected {AN_INSTANT}, found '0212-01-05'"),
        ("AAPL,,58,59,58,58.5,1", f"column timestamp: expected {AN_INSTANT}, found nothing"),
        (",2012-01-05,58,59,58,58.5,1", "column symbol: expected a symbol such as AAPL or BRK.B, found nothing"),
        (
            "A\\xe9,2012-01-05,58,59,58,58.5,1",
            "column symbol: expected a symbol such as AAPL or BRK.B, found 'A\\\\xe9'",
        ),
        (GOOD_BAR, f"column timestamp: expected {ONE_BAR}, found a repeat of row 2"),
        (
            "AAPL,2012-01-03,58,59,58,58.5,1",
            f"column timestamp: expected {ONE_BAR}, found another bar than row 2 has for the same time",
        ),
    ],
)
def test_each_defect_names_its_row_and_column_and_costs_no_other_row(tmp_path: Path, line: str, told: str) -> None:
    bars, rejects = read(tmp_path, GOOD_BAR, line, NEXT_BAR)
    assert [str(reject.problem) for reject in rejects] == [f"error: bars.csv, row 3, {told}"]
    assert bars.index.tolist() == [2, 4]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("AAPL,2012-01-05,58,59,58,58.5", "expected 7 cells, as many as the header, found 6"),
        ("AAPL,2012-01-05,58,59,58,58.5,1,", "expected 7 cells, as many as the header, found 8"),
        ("Source: a vendor", "expected 7 cells, as many as the header, found 1"),
        (
            '"AAPL,2012-01-05,58,59,58,58.5,1',
            'expected quotes that enclose whole cells on one line, found the line "AAPL,2012-01-05,58,59,58,58.5,1',
        ),
        (
            'AA"PL,"2012-01-05,58,59,58,58.5,1',
            'expected quotes that enclose whole cells on one line, found the line AA"PL,"2012-01-05,58,59,58,58.5,1',
        ),
    ],
)
def test_a_line_that_does_not_fit_the_header_is_kept_as_it_stands(tmp_path: Path, line: str, told: str) -> None:
    bars, rejects = read(tmp_path, GOOD_BAR, line, NEXT_BAR)
    assert [str(reject.problem) for reject in rejects] == [f"error: bars.csv, row 3: {told}"]
    assert rejects[0].record == {"line": line}
    assert bars.index.tolist() == [2, 4]


def test_a_reject_carries_the_cells_as_the_source_wrote_them(tmp_path: Path) -> None:
    _, (reject,) = read(tmp_path, "AAPL, 2012-01-03,58.490,58.93,58.43,-58.750,7")
    assert reject.record == {
        "symbol": "AAPL",
        "timestamp": "2012-01-03",
        "open": "58.490",
        "high": "58.93",
        "low": "58.43",
        "close": "-58.750",
        "volume": "7",
    }


def test_of_two_bars_for_one_time_the_first_that_is_good_stays(tmp_path: Path) -> None:
    bars, rejects = read(
        tmp_path,
        "AAPL,2012-01-03,-1,59,58,58.5,1",
        "AAPL,2012-01-03,58,59,58,58.5,2",
        "AAPL,2012-01-03T00:00:00+00:00,58,59,58,58.5,2",
    )
    assert bars.index.tolist() == [3]
    assert [reject.problem.found for reject in rejects] == ["-1", "a repeat of row 3"]


def test_blank_lines_are_no_defect_and_do_not_shift_the_count(tmp_path: Path) -> None:
    bars, rejects = read(tmp_path, "", GOOD_BAR, "", ",,,,,,", "   ", "AAPL,2012-01-04,x,1,1,1,1", NEXT_BAR, "")
    assert bars.index.tolist() == [3, 8]
    assert [reject.problem.row for reject in rejects] == [7]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_byte_order_marks_quotes_and_case_of_the_header_do_not_matter(tmp_path: Path, line_end: str) -> None:
    path = tmp_path / "bars.csv"
    lines = ['"Symbol", TIMESTAMP ,Open,High,Low,Close,Volume', '"AAPL",2012-01-03,58,59,"58",58.5,1.0']
    path.write_bytes(("\ufeff" + line_end.join(lines)).encode())
    bars, rejects = read_bars_file(path)
    assert rejects == []
    assert bars["close"].tolist() == [58.5]


def test_instants_with_and_without_offsets_become_utc(tmp_path: Path) -> None:
    stamps = [
        "2012-01-03",
        "2012-01-03T14:30:00Z",
        "2012-01-03 09:31:00-05:00",
        "2012-01-03T14:32",
        "2012-01-03T14:33:00.25Z",
    ]
    bars, rejects = read(tmp_path, *(f"AAPL,{stamp},58,59,58,58.5,1" for stamp in stamps))
    assert rejects == []
    assert [stamp.isoformat() for stamp in bars["timestamp"]] == [
        "2012-01-03T00:00:00+00:00",
        "2012-01-03T14:30:00+00:00",
        "2012-01-03T14:31:00+00:00",
        "2012-01-03T14:32:00+00:00",
        "2012-01-03T14:33:00.250000+00:00",
    ]


def test_a_file_with_only_its_header_is_an_empty_set_of_the_same_types(tmp_path: Path) -> None:
    empty, rejects = read(tmp_path)
    full, _ = read(tmp_path, GOOD_BAR)
    assert rejects == []
    assert empty.empty
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()


def test_an_unknown_column_is_named_in_a_warning_and_the_rows_are_good(tmp_path: Path) -> None:
    loaded = load_bars(csv_file(tmp_path, f"{GOOD_BAR},SIP", header=f"{BARS_HEADER},tape"))
    assert loaded.rejects == []
    assert len(loaded.frame) == 1
    (warning,) = loaded.warnings
    assert str(warning) == (
        "warning: bars.csv, row 1, column tape: expected only symbol, timestamp, open, high, low, close and volume, "
        "found a column that is not read"
    )


def test_the_three_formats_hold_the_same_bars_and_the_same_rejects(tmp_path: Path) -> None:
    lines = (GOOD_BAR, "AAPL,2012-01-05,58,59,58,-1,1", "AAPL,2012-01-06,58,59,58,58.5,", NEXT_BAR)
    plain = csv_file(tmp_path, *lines)
    packed = csv_file(tmp_path, *lines, name="bars.csv.gz")
    columnar = tmp_path / "bars.parquet"
    typed = pd.read_csv(plain, parse_dates=["timestamp"], date_format="ISO8601")
    typed["timestamp"] = pd.to_datetime(typed["timestamp"], utc=True, format="ISO8601")
    typed.to_parquet(columnar)
    expected, expected_rejects = read_bars_file(plain)
    for path in (packed, columnar):
        bars, rejects = read_bars_file(path)
        pd.testing.assert_frame_equal(bars, expected)
        assert [(reject.problem.row, reject.problem.column) for reject in rejects] == [
            (reject.problem.row, reject.problem.column) for reject in expected_rejects
        ]


@pytest.mark.parametrize("unit", ["ns", "ms"])
def test_a_parquet_file_may_hold_naive_stamps_categories_and_whole_prices(
    tmp_path: Path, unit: Literal["ns", "ms"]
) -> None:
    path = tmp_path / "bars.parquet"
    pd.DataFrame(
        {
            "symbol": pd.Categorical(["AAPL", "MSFT", None]),
            "timestamp": pd.to_datetime(["2012-01-03"] * 3).as_unit(unit),
            **{column: np.array([58, 58, 58], dtype="int32") for column in ("open", "high", "low", "close")},
            "volume": [1.0, math.nan, 3.0],
        }
    ).to_parquet(path)
    bars, rejects = read_bars_file(path)
    assert bars["symbol"].tolist() == ["AAPL"]
    assert str(bars["timestamp"].dtype) == "datetime64[us, UTC]"
    assert [(reject.problem.row, reject.problem.column) for reject in rejects] == [(3, "volume"), (4, "symbol")]


def test_a_calendar_rejects_the_days_the_exchange_was_closed(tmp_path: Path) -> None:
    closed = ["2012-01-07", "2012-01-16", "1985-01-07"]
    path = csv_file(tmp_path, GOOD_BAR, *(f"AAPL,{day},58,59,58,58.5,1" for day in closed))
    assert load_bars(path).rejects == []
    loaded = load_bars(path, interval="1day", calendar=why_closed)
    assert loaded.frame.index.tolist() == [2]
    session = "column timestamp: expected a session of the New York Stock Exchange"
    saturday, holiday, early = (str(reject.problem) for reject in loaded.rejects)
    assert saturday == f"error: bars.csv, row 3, {session}, found Saturday 2012-01-07"
    assert holiday == f"error: bars.csv, row 4, {session}, found Monday 2012-01-16, when the exchange was closed"
    assert early.startswith(
        f"error: bars.csv, row 5, {session}, found 1985-01-07, outside the calendar, which knows 1990-"
    )


def test_a_minute_bar_belongs_to_the_date_in_new_york(tmp_path: Path) -> None:
    friday_evening, saturday_noon = "2012-01-07T00:30:00Z", "2012-01-07T17:00:00Z"
    path = csv_file(tmp_path, *(f"AAPL,{stamp},58,59,58,58.5,1" for stamp in (friday_evening, saturday_noon)))
    loaded = load_bars(path, interval="1min", calendar=why_closed)
    assert loaded.frame.index.tolist() == [2]


def test_a_daily_bar_is_labelled_with_midnight(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "AAPL,2012-01-03T05:00:00Z,58,59,58,58.5,1")
    (reject,) = load_bars(path, interval="1day").rejects
    assert str(reject.problem) == (
        "error: bars.csv, row 2, column timestamp: expected the session date at 00:00Z, as daily bars are labelled, "
        "found '2012-01-03T05:00:00Z'"
    )


def test_the_bundled_sample_has_no_defect() -> None:
    loaded = load_bars(SAMPLE_BARS, interval="1day", calendar=why_closed)
    assert (len(loaded.frame), loaded.rejects, loaded.warnings) == (12_154, [], [])


@pytest.mark.parametrize(("name", "interval", "rows"), [("bars_1d", "1day", 63_314), ("bars_1min", "1min", 21_258)])
def test_another_vendors_files_are_read_whole(name: str, interval: str, rows: int) -> None:
    loaded = load_bars(shared_path(f"data/lean/{name}.csv.gz"), interval=interval, calendar=why_closed)
    assert (len(loaded.frame), loaded.rejects) == (rows, [])


CELL = st.one_of(
    st.text(alphabet="0123456789.-+eE\"', \tNaTZ:\\x00", max_size=12),
    st.floats().map(str),
    st.text(max_size=6),
)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=9), max_size=6), at=st.integers(0, 6))
def test_no_garbage_costs_a_good_row_its_place(tmp_path: Path, rows: list[list[str]], at: int) -> None:
    garbage = [",".join(row).replace("\r", "").replace("\n", "") for row in rows]
    at = min(at, len(garbage))
    bars, rejects = read(tmp_path, *garbage[:at], GOOD_BAR, *garbage[at:], NEXT_BAR)
    assert {at + 2, len(garbage) + 3} <= set(bars.index)
    rejected = [reject.problem.row for reject in rejects]
    assert len(set(rejected)) == len(rejected)
    assert set(rejected).isdisjoint(bars.index)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(price=st.floats(1e-4, 1e9))
def test_a_number_is_read_to_its_last_digit(tmp_path: Path, price: float) -> None:
    bars, rejects = read(tmp_path, f"AAPL,2012-01-03,{price!r},{price!r},{price!r},{price!r},1")
    assert rejects == []
    assert bars["open"].tolist() == [price]
