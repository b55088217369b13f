"""Corporate actions: what a row must say for its kind, and the exact values it stands for."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared import shared_path
from tests.unit.bars.files import ACTIONS_HEADER, actions_file
from tickledger.bars.corporate_actions import domain_actions, exact_ratio
from tickledger.bars.sample import SAMPLE_CORPORATE_ACTIONS
from tickledger.bars.sources import load_corporate_actions, read_corporate_actions_file
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind

DIVIDEND = "IBM,2012-02-08,dividend,,0.75"
KINDS = "split, dividend, return_of_capital, spinoff, ticker_change, merger, delisting"
FULL_HEADER = f"{ACTIONS_HEADER},new_symbol,fmv_old,fmv_new,cash_in_lieu"


def test_the_bundled_sample_holds_3_splits_and_92_dividends() -> None:
    actions, rejects = read_corporate_actions_file(SAMPLE_CORPORATE_ACTIONS)
    assert rejects == []
    assert actions["kind"].value_counts().to_dict() == {"dividend": 92, "split": 3}
    assert str(actions["ex_date"].dtype) == "datetime64[us]"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "AAPL,2014-06-09,split,,",
            "column ratio: expected a ratio above 0, new shares per old share, for a split, found nothing",
        ),
        ("AAPL,2014-06-09,split,0,", "column ratio: expected a ratio above 0, found 0"),
        ("AAPL,2014-06-09,split,seven,", "column ratio: expected a number, or nothing, found 'seven'"),
        ("AAPL,2014-06-09,split,7/0,", "column ratio: expected a number, or nothing, found '7/0'"),
        (
            "IBM,2012-05-08,dividend,,",
            "column amount: expected an amount above 0, in USD per share, for a dividend, found nothing",
        ),
        ("IBM,2012-05-08,dividend,,-0.85", "column amount: expected an amount above 0, in USD per share, found -0.85"),
        ("IBM,2012-05-08,dividend,,$0.85", "column amount: expected a number, or nothing, found '$0.85'"),
        (
            "IBM,8 May 2012,dividend,,0.85",
            "column ex_date: expected a date in ISO 8601, such as 2012-01-03, found '8 May 2012'",
        ),
        (
            "IBM,2012-05-08T09:30:00Z,dividend,,0.85",
            "column ex_date: expected a date in ISO 8601, such as 2012-01-03, found '2012-05-08T09:30:00Z'",
        ),
        (
            "IBM,2012-05-08,bonus,,0.85",
            f"column kind: expected one of {KINDS}, found 'bonus'",
        ),
        (",2012-05-08,dividend,,0.85", "column symbol: expected a symbol such as AAPL or BRK.B, found nothing"),
        (
            "FB,2022-06-09,ticker_change,,",
            "column new_symbol: expected a new symbol for a ticker_change, found nothing",
        ),
        (
            "TWX,2018-06-15,merger,,",
            "column amount: expected cash per share, or a ratio and a new_symbol, for a merger, found nothing",
        ),
        (DIVIDEND, "column ex_date: expected one row per action, found a repeat of row 2"),
    ],
)
def test_each_defect_names_its_row_and_column_and_costs_no_other_row(tmp_path: Path, line: str, told: str) -> None:
    actions, rejects = read_corporate_actions_file(
        actions_file(tmp_path, DIVIDEND, line, "MSFT,2012-02-14,dividend,,0.2")
    )
    assert [str(reject.problem) for reject in rejects] == [f"error: corporate_actions.csv, row 3, {told}"]
    assert actions.index.tolist() == [2, 4]


def test_two_different_dividends_of_one_day_are_both_good(tmp_path: Path) -> None:
    # Microsoft's regular and special dividend went ex together on 2004-11-15.
    path = actions_file(tmp_path, "MSFT,2004-11-15,dividend,,0.08", "MSFT,2004-11-15,dividend,,3.00")
    actions, rejects = read_corporate_actions_file(path)
    assert rejects == []
    assert actions["amount"].tolist() == [0.08, 3.0]


def test_optional_columns_may_be_there_or_not_and_the_frame_is_the_same(tmp_path: Path) -> None:
    short, _ = read_corporate_actions_file(actions_file(tmp_path, DIVIDEND))
    full, rejects = read_corporate_actions_file(actions_file(tmp_path, f"{DIVIDEND},,,,", header=FULL_HEADER))
    assert rejects == []
    pd.testing.assert_frame_equal(short, full)


def test_another_vendors_file_warns_of_its_notes_and_lacks_new_symbols() -> None:
    loaded = load_corporate_actions(shared_path("data/lean/corporate_actions.csv"))
    assert len(loaded.frame) == 668
    assert {(reject.problem.column, reject.record["kind"]) for reject in loaded.rejects} == {
        ("new_symbol", "ticker_change")
    }
    assert [warning.column for warning in loaded.warnings] == ["note"]


def test_a_row_stands_for_exact_values(tmp_path: Path) -> None:
    path = actions_file(
        tmp_path,
        "GE,2021-08-02,split,1/8,,,,,4.07",
        "IBM,2021-11-04,spinoff,0.2,,KD,118.23,26.38,",
        "FB,2022-06-09,ticker_change,,,META,,,",
        header=FULL_HEADER,
    )
    actions, rejects = read_corporate_actions_file(path)
    assert rejects == []
    assert domain_actions(actions) == [
        CorporateAction(
            "GE", date(2021, 8, 2), CorporateActionKind.SPLIT, Fraction(1, 8), cash_in_lieu=Decimal("4.07")
        ),
        CorporateAction(
            "IBM",
            date(2021, 11, 4),
            CorporateActionKind.SPINOFF,
            Fraction(1, 5),
            new_symbol="KD",
            fmv_old=Decimal("118.23"),
            fmv_new=Decimal("26.38"),
        ),
        CorporateAction("FB", date(2022, 6, 9), CorporateActionKind.TICKER_CHANGE, new_symbol="META"),
    ]


@given(above=st.integers(1, 1000), below=st.integers(1, 1000))
def test_a_ratio_survives_its_way_through_a_float(above: int, below: int) -> None:
    assert exact_ratio(above / below) == Fraction(above, below)


@pytest.mark.parametrize(
    ("written", "meant"), [(1.05, Fraction(21, 20)), (0.1234, Fraction(617, 5000)), (1 / 3, Fraction(1, 3))]
)
def test_a_short_decimal_is_meant_as_it_is_written(written: float, meant: Fraction) -> None:
    assert exact_ratio(written) == meant
