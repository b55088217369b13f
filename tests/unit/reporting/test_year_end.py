"""The year-end what-if: now, on the last session of the year, or long-term, netted in the year of the sale."""

from datetime import date
from decimal import Decimal

import pytest

from tests.unit.reporting.books import ACCOUNTS, column, standing
from tickledger.domain.errors import ConfigurationError
from tickledger.domain.lot import Term
from tickledger.execution.what_if import Rates, Trade, what_if
from tickledger.reporting.year_end import last_sale_date, year_end, year_end_report

RATES = Rates(Decimal("0.37"), Decimal("0.20"))
HISTORY = "B1 2025-01-10 buys 100 X @ 10\n"
ON = "2025-11-20"


def test_a_gain_waits_for_the_long_term_rate() -> None:
    found = year_end(standing(HISTORY, ON, closes={"X": "15"}), rates=RATES)
    rows = {row.when: row for row in found.scenarios}
    assert list(rows) == ["now", "year end", "long-term"]
    assert (rows["now"].sold.of_term(Term.SHORT), rows["now"].cost, rows["now"].after_tax) == (
        Decimal(500),
        Decimal(185),
        Decimal(1315),
    )
    assert (rows["year end"].sold.on, rows["year end"].cost) == (date(2025, 12, 31), Decimal(185))
    # 11 January 2026 is a Sunday.
    assert (rows["long-term"].sold.on, rows["long-term"].sold.terms) == (date(2026, 1, 12), "L")
    assert (rows["long-term"].cost, rows["long-term"].after_tax) == (Decimal(100), Decimal(1400))


def test_each_row_is_what_what_if_says_of_the_same_sale() -> None:
    """Two ways to one answer, where neither the limit nor another gain changes the rates."""
    history = HISTORY + "B2 2025-11-03 buys 40 X @ 14\nC1 2025-02-03 buys 10 Y @ 10\nC2 2025-02-10 sells 10 Y @ 999\n"
    basis = standing(history, ON, closes={"X": "8"})
    for row in year_end(basis, rates=RATES).scenarios:
        trade = Trade("T1", "X", row.holding.quantity, row.price, row.sold.on, lot=row.holding.lots[0])
        answer = what_if(basis.history, trade, rates=RATES)
        assert row.sold.disallowed_loss == answer.wash_sale.disallowed_loss
        assert [gain.gain_loss for gain in row.sold.gains] == [sold.gain.gain_loss for sold in answer.sold]
        if row.sold.on.year == 2025:
            assert (row.cost, row.after_tax) == (answer.tax, answer.after_tax)
        assert row.sold.window_end == answer.window_end or not row.sold.open_loss


def test_what_is_long_term_already_is_not_waited_for() -> None:
    found = year_end(standing("B1 2023-01-10 buys 100 X @ 10", ON, closes={"X": "15"}))
    assert [row.when for row in found.scenarios] == ["now", "year end"]
    assert found.scenarios[0].cost is None


def test_on_the_last_session_now_is_the_year_end() -> None:
    found = year_end(standing("B1 2023-01-10 buys 100 X @ 10", "2025-12-31", closes={"X": "15"}))
    assert [row.when for row in found.scenarios] == ["now"]


def test_a_sale_after_new_year_is_netted_with_what_this_year_carries() -> None:
    """A loss of 10,000 this year carries 7,000 into the next, which takes the gain of 500 there."""
    history = HISTORY + "C1 2025-02-03 buys 100 Y @ 110\nC2 2025-02-10 sells 100 Y @ 10\n"
    rows = {row.when: row for row in year_end(standing(history, ON, closes={"X": "15"}), rates=RATES).scenarios}
    assert rows["long-term"].effect.before.carryover.short_term == 4000
    assert (rows["long-term"].cost, rows["now"].cost) == (Decimal(0), Decimal(0))
    assert rows["now"].effect.carries == -500


def test_one_lot_by_a_date() -> None:
    basis = standing(HISTORY + "B2 2025-03-10 buys 5 X @ 10\n", ON, closes={"X": "15"})
    found = year_end(basis, lot="B2", by=date(2025, 12, 10))
    assert {row.holding.open_execution_id for row in found.scenarios} == {"B2"}
    assert [row.when for row in found.scenarios][-1] == "by the date"
    by_id = year_end(basis, lot=found.scenarios[0].holding.lots[0].lot_id)
    assert {row.holding.open_execution_id for row in by_id.scenarios} == {"B2"}
    with pytest.raises(ConfigurationError, match="--lot: expected an open lot"):
        year_end(basis, lot="B9")
    with pytest.raises(ConfigurationError, match="--by: expected a date not before 2025-11-20"):
        year_end(basis, by=date(2025, 11, 19))


def test_the_last_day_of_a_year_is_its_last_session() -> None:
    assert [last_sale_date(year) for year in (2021, 2022, 2023)] == [
        date(2021, 12, 31),
        date(2022, 12, 30),
        date(2023, 12, 29),
    ]


def test_the_report_has_a_row_for_each_day_and_says_what_it_left_out() -> None:
    basis = standing(HISTORY + "Z1 2025-02-03 buys 1 Z @ 1\nI1 2025-02-03 buys 1 X @ 1 in IRA\n", ON,
                     closes={"X": "9"}, accounts=ACCOUNTS)  # fmt: skip
    report = year_end_report(year_end(basis), on=basis.on)
    assert column(report.sections[0], "when") == ["now", "year end", "long-term"]
    assert column(report.sections[0], "window_end")[0] == date(2025, 12, 20)
    assert "Not judged: Z: no close is known" in report.notes
