"""What is made of columns for long histories is what is made of rows for short ones: form lines, CSV tables."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from tests.examples import examples
from tests.unit.tax.kernel.anything import Told, anything, result_of
from tickledger.domain.account import Mode
from tickledger.reporting.tax_columns import form_8949_columns_of, gains_columns, lots_columns, wash_sales_columns
from tickledger.reporting.tax_tables import (
    GAIN_COLUMNS,
    WASH_SALE_COLUMNS,
    form_8949_rows,
    gains_rows,
    lots_rows,
    wash_sales_rows,
)
from tickledger.tax import form_columns
from tickledger.tax.form_8949 import WATERMARKS, BasisReporting, form_lines
from tickledger.tax.form_columns import form_columns_of
from tickledger.tax.gains import gain_rows, open_lot_rows, wash_sale_rows
from tickledger.tax.result import TaxResult
from tickledger.tax.result_columns import HouseholdColumns
from tickledger.tax.schedule_d import totals_of
from tickledger.tax.whole_dollars import line_in_dollars

YEARS = (2024, 2025)
OWN = frozenset({"T1", "T2", "IRA", "SPOUSE"})


def _years(result: TaxResult) -> list[tuple[int, HouseholdColumns]]:
    return [(year, columns.of(tax_year=year, account_ids=OWN)) for columns in result.households for year in YEARS]


def _texts(table: pa.Table) -> list[tuple[str, ...]]:
    return [tuple(_text(cell) for cell in row.values()) for row in table.to_pylist()]


def _text(cell: object) -> str:
    match cell:
        case None:
            return ""
        case date():
            return cell.isoformat()
        case Decimal():
            return format(cell, "f")
        case _:
            return str(cell)


@given(told=anything())
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow])
def test_form_lines_of_columns_are_those_of_rows(told: Told) -> None:
    for year, columns in _years(result_of(told)):
        gains = tuple(gain_rows(columns))
        closings = {gain.close_execution_id for gain in gains[::3]}
        for reporting in BasisReporting:
            of_rows = form_lines(gains, tax_year=year, mode=Mode.PAPER, reporting=reporting, distributions=closings)
            of_columns = form_columns_of(columns, tax_year=year, reporting=reporting, distributions=closings)
            assert tuple(of_columns.lines(mode=Mode.PAPER)) == of_rows
            for whole in (False, True):
                assert of_columns.totals(in_whole_dollars=whole) == totals_of(of_rows, in_whole_dollars=whole)
                printed = map(line_in_dollars, of_rows) if whole else of_rows
                table = form_8949_columns_of(of_columns, in_whole_dollars=whole, watermark=WATERMARKS[Mode.PAPER])
                assert _texts(table) == list(form_8949_rows(printed, with_watermark=True))


@given(told=anything())
@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.too_slow])
def test_groups_are_the_same_where_keys_do_not_fit_one_number(told: Told) -> None:
    for year, columns in _years(result_of(told)):
        plain = tuple(form_columns_of(columns, tax_year=year).lines(mode=Mode.LIVE))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(form_columns, "_WIDEST", 1)
            assert tuple(form_columns_of(columns, tax_year=year).lines(mode=Mode.LIVE)) == plain


@given(told=anything())
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow])
def test_tables_of_columns_say_what_those_of_rows_say(told: Told) -> None:
    for year, columns in _years(result_of(told)):
        gains, washes = gains_columns(columns), wash_sales_columns(columns)
        assert tuple(gains.column_names) == GAIN_COLUMNS
        assert tuple(washes.column_names) == WASH_SALE_COLUMNS
        assert _texts(lots_columns(columns)) == list(lots_rows(open_lot_rows(columns)))
        assert _texts(gains) == list(gains_rows(gain_rows(columns), tax_year=year))
        of_columns = [(*row[:4], row[4], row[5]) for row in _texts(washes)]
        assert of_columns == list(wash_sales_rows(wash_sale_rows(columns)))


@given(told=anything())
@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.too_slow])
def test_the_years_of_a_household_are_all_of_its_gains(told: Told) -> None:
    result = result_of(told)
    by_year = [gain for _, columns in _years(result) for gain in gain_rows(columns)]
    assert sorted(gain.gain_id for gain in by_year) == sorted(
        gain.gain_id for gain in result.gains if gain.tax_year in YEARS
    )
