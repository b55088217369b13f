"""Plain trades as columns are the same fills, and come to the same result, as read row by row."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tickledger.cli import fills_file
from tickledger.cli.fills_file import FillsFile, read_fills
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.tax import book_building
from tickledger.tax.engine import compute
from tickledger.tax.fill_list import FillList
from tickledger.tax.fill_table import FillTable
from tickledger.tax.fills import in_order

HEADER = "execution_id,order_id,account,symbol,side,quantity,price,commission,executed_at,lots\n"
TODAY = date(2026, 1, 1)
TIMES = ("", "T10:00:00-05:00", "T09:59:59.5-05:00", "T23:30:00+00:00", "T00:00:00")

cells = st.tuples(
    st.sampled_from(("", "O1", "O2", "O3")),
    st.sampled_from(("U1", "U2")),
    st.sampled_from(("B", "A", "C")),
    st.sampled_from(("BUY", "SELL", "SELL_SHORT", "BUY_TO_COVER", "BUY")),
    st.sampled_from(("1", "10", "0.5", "3.25", "1e1", "007")),
    st.sampled_from(("10", "9.99", "10.005", "0", "11.1234")),
    st.sampled_from(("0", "1.00", "-0.35", "0.0001")),
    st.tuples(st.integers(1, 28), st.sampled_from(TIMES)).map(lambda at: f"2025-03-{at[0]:02d}{at[1]}"),
)


def read_text(text: str) -> FillsFile:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "fills.csv"
        path.write_text(text)
        return read_fills(path, today=TODAY)


def row_by_row(text: str) -> FillsFile:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fills_file, "plain_trades", lambda *_, **__: None)
        return read_text(text)


def file_of(rows: list[tuple[str, ...]]) -> str:
    return HEADER + "".join(f"E{number}," + ",".join(row) + ",\n" for number, row in enumerate(rows))


@given(rows=st.lists(cells, min_size=1, max_size=40), has_split=st.booleans(), is_compiled=st.booleans())
@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_table_is_a_list_of_fills(rows: list[tuple[str, ...]], *, has_split: bool, is_compiled: bool) -> None:
    told, listed = read_text(file_of(rows)), row_by_row(file_of(rows))
    assert isinstance(told.fills, FillTable)
    assert isinstance(listed.fills, list)
    assert list(told.fills) == listed.fills
    assert list(told.fills[1:]) == listed.fills[1:]
    assert list(told.fills.in_order()) == in_order(listed.fills)
    split = CorporateAction("A", date(2025, 3, 15), CorporateActionKind.SPLIT, ratio=Fraction(3))
    actions = [split] if has_split else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book_building, "WORTH_COMPILING", 0 if is_compiled else 10**9)
        assert compute(told.fills, corporate_actions=actions) == compute(listed.fills, corporate_actions=actions)


@given(rows=st.lists(cells, min_size=1, max_size=40))
@settings(max_examples=examples(60), deadline=None)
def test_columns_of_a_table_are_those_of_the_list(rows: list[tuple[str, ...]]) -> None:
    table = read_text(file_of(rows)).fills
    assert isinstance(table, FillTable)
    listed = FillList(list(table))
    assert table.account_ids == list(listed.account_ids)
    assert (table.asset_classes, table.contracts, table.quantities) == (
        listed.asset_classes,
        listed.contracts,
        listed.quantities,
    )
    assert table.last_date == listed.last_date
    found, expected = (of.columns(share_units=4) for of in (table, listed))
    for name in ("execution_ids", "accounts", "symbols", "account", "symbol", "side", "units", "net", "date", "order"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
    assert found.orders == expected.orders


@pytest.mark.parametrize(
    ("price", "quantity"),
    [("0.12345678", "0.25"), ("0.1234567891", "3"), ("99999999999999.99", "123456789"), ("1e25", "1")],
)
def test_amounts_beyond_64_bits_or_finer_than_money_units_are_exact_all_the_same(price: str, quantity: str) -> None:
    text = file_of(
        [
            ("", "U1", "A", "BUY", quantity, price, "0", "2025-03-03"),
            ("", "U1", "A", "SELL", quantity, "1", "0", "2025-03-04"),
        ]
    )
    told = read_text(text).fills
    assert isinstance(told, FillTable)
    result = compute(told)
    assert result == compute(row_by_row(text).fills)
    assert result.gains[0].basis == (Decimal(price) * Decimal(quantity)).quantize(Decimal("0.01"))


ODD = {
    "a choice of lots": "E9,,U1,A,SELL,1,10,0,2025-03-04,E0:1",
    "an expiry": "E9,,U1,A,EXPIRE,1,,,2025-03-04,",
    "a day to come": "E9,,U1,A,SELL,1,10,0,2026-03-04,",
    "no day": "E9,,U1,A,SELL,1,10,0,yesterday,",
    "no id": ",,U1,A,SELL,1,10,0,2025-03-04,",
    "no account": "E9,,,A,SELL,1,10,0,2025-03-04,",
    "no symbol": "E9,,U1,,SELL,1,10,0,2025-03-04,",
    "no shares": "E9,,U1,A,SELL,0,10,0,2025-03-04,",
    "a price below zero": "E9,,U1,A,SELL,1,-10,0,2025-03-04,",
    "a number that is none": "E9,,U1,A,SELL,1,ten,0,2025-03-04,",
    "a side of no order": "E9,,U1,A,HOLD,1,10,0,2025-03-04,",
    "an id that comes twice": "E0,,U1,A,SELL,1,10,0,2025-03-04,",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_a_file_with_anything_out_of_the_ordinary_is_read_row_by_row(odd: str) -> None:
    text = file_of([("", "U1", "A", "BUY", "1", "10", "0", "2025-03-03")]) + odd + "\n"
    told = read_text(text)
    assert isinstance(told.fills, list)
    assert told == row_by_row(text)
