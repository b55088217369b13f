"""Open lots: value, unrealized gain, the term of a sale today and the day on which it becomes long-term."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import tax
from tests.examples import examples
from tests.unit.reporting.books import ACCOUNTS, column, histories, standing
from tickledger.domain.lot import Term
from tickledger.reporting.open_lots import long_holdings, open_lot, open_lots, open_lots_report
from tickledger.reporting.open_lots_sold import Sales


def test_market_value_unrealized_gain_and_days() -> None:
    (row,) = open_lots(standing("B1 2025-01-02 buys 100 X @ 10 fee 1", "2025-12-01", closes={"X": "12.345"}))
    assert (row.market_value, row.unrealized, row.term) == (Decimal("1234.50"), Decimal("233.50"), Term.SHORT)
    assert (row.long_term_from, row.days_to_long_term) == (date(2026, 1, 3), 33)


@pytest.mark.parametrize(
    ("bought", "since"),
    [
        ("2024-01-02", date(2025, 1, 3)),
        ("2023-02-28", date(2024, 3, 1)),  # Rev. Rul. 66-7: the month's last day, so counted from 1 March
        ("2024-02-28", date(2025, 3, 1)),  # counted from 29 February, which 2025 does not have
        ("2024-02-29", date(2025, 3, 1)),
        ("2023-12-31", date(2025, 1, 1)),
    ],
)
def test_a_year_and_a_day_by_the_calendar_not_by_365_days(bought: str, since: date) -> None:
    history = f"B1 {bought} buys 1 X @ 10"
    day = since - timedelta(days=1)
    (short,), (long,) = (open_lots(standing(history, on.isoformat())) for on in (day, since))
    assert (short.term, short.days_to_long_term, short.long_term_from) == (Term.SHORT, 1, since)
    assert (long.term, long.days_to_long_term) == (Term.LONG, 0)


def test_a_wash_sale_s_basis_and_holding_period_are_the_replacement_s() -> None:
    """100 held 101 days, sold at a loss of 300; the replacement is held as if it had been bought 101 days earlier."""
    history = "B1 2025-03-03 buys 100 X @ 10\nS1 2025-06-12 sells 100 X @ 7\nB2 2025-06-20 buys 100 X @ 8\n"
    (row,) = open_lots(standing(history, "2025-12-01", closes={"X": "9"}))
    assert (row.wash_sale_basis, row.lot.adjusted_basis, row.unrealized) == (Decimal(300), Decimal(1100), Decimal(-200))
    assert row.lot.holding_start == date(2025, 6, 20) - timedelta(days=101)
    assert row.long_term_from == date(2026, 3, 12)


def test_a_short_is_worth_what_it_costs_to_buy_back_and_is_never_long_term() -> None:
    basis = standing("H1 2024-01-02 shorts 10 X @ 50", "2025-12-01", closes={"X": "40"})
    (row,) = open_lots(basis)
    assert (row.market_value, row.unrealized, row.term) == (Decimal(-400), Decimal(100), Term.SHORT)
    assert (row.long_term_from, row.days_to_long_term) == (None, None)
    assert any("1233" in note for note in open_lots_report(basis).notes)
    assert long_holdings(basis.open_lots) == []


def test_lots_of_an_ira_have_a_value_and_no_term() -> None:
    basis = standing("B1 2025-01-02 buys 10 X @ 50 in IRA", "2025-12-01", closes={"X": "40"}, accounts=ACCOUNTS)
    (row,) = open_lots(basis)
    assert (row.unrealized, row.term, row.long_term_from) == (Decimal(-100), None, None)
    assert column(open_lots_report(basis).sections[1], "kind") == ["not taxed gains", "not taxed losses"]


def test_without_a_close_nothing_is_guessed() -> None:
    report = open_lots_report(standing("B1 2025-01-02 buys 10 X @ 50", "2025-12-01"))
    assert (column(report.sections[0], "market_value"), column(report.sections[0], "unrealized")) == ([None], [None])
    assert report.sections[0].totals["unrealized"] == 0
    assert report.notes == ("No close is known of X: market value and unrealized gain are left empty.",)


def test_a_split_changes_shares_and_leaves_basis_and_days() -> None:
    split = tax.action("X 2025-06-02 split", ratio="4")
    basis = standing("B1 2025-01-02 buys 10 X @ 100", "2025-12-01", closes={"X": "30"}, corporate_actions=[split])
    (row,) = open_lots(basis)
    assert (row.lot.quantity, row.lot.adjusted_basis, row.unrealized) == (Decimal(40), Decimal(1000), Decimal(200))
    assert row.long_term_from == date(2026, 1, 3)


@settings(max_examples=examples(40))
@given(histories(), st.integers(0, 500))
def test_the_term_told_of_a_lot_is_that_of_its_sale(history: str, later: int) -> None:
    """The engine sells each holding on a later day; the lots' own terms say how."""
    last = max(fill.trade_date for fill in tax.fills(history))
    on = last + timedelta(days=later)
    basis = standing(history, on.isoformat(), accounts=ACCOUNTS, closes={"X": "13", "Y": "14"})
    sales = Sales(basis.history)
    for holding in long_holdings(basis.open_lots):
        told = {open_lot(lot, on=on, close=None).term for lot in holding.lots}
        sold = sales.sold(holding, price=basis.closes[holding.symbol].price, on=on)
        if basis.scope.is_taxed(holding.account_id):
            assert {gain.term for gain in sold.gains} <= told
            assert sum(gain.basis for gain in sold.gains) == holding.basis
        else:
            assert sold.gains == ()


@settings(max_examples=examples(40))
@given(histories())
def test_unrealized_by_term_adds_up_to_the_lots(history: str) -> None:
    basis = standing(history, "2026-12-31", accounts=ACCOUNTS, closes={"X": "13", "Y": "14"})
    lots, by_term = open_lots_report(basis).sections
    assert by_term.totals["unrealized"] == lots.totals["unrealized"]
    assert by_term.totals["market_value"] == lots.totals["market_value"]
    assert lots.totals["adjusted_basis"] == lots.totals["original_basis"] + lots.totals["wash_sale_basis"]
    assert lots.totals["unrealized"] == lots.totals["market_value"] - lots.totals["adjusted_basis"]
