"""Form 8949, Schedule D and trades as tables: signs, order, and what is added up."""

from datetime import UTC, date, datetime
from decimal import Decimal

from tests import tax
from tests.unit.reporting.books import ACCOUNTS, column, standing
from tickledger.domain.execution import CashKind, CashTransaction
from tickledger.reporting.tax_reports_forms import Movement, form_8949_report, schedule_d_report, trades_report

HISTORY = """
B1 2025-01-02 buys 100 X @ 10 fee 1
S1 2025-02-03 sells 60 X @ 7 fee 0.50
B2 2025-02-10 buys 10 X @ 8 in T2
I1 2025-02-11 buys 5 X @ 8 in IRA
"""


def test_form_8949_has_the_rows_that_the_engine_s_form_has() -> None:
    basis = standing(HISTORY, "2025-12-31", accounts=ACCOUNTS)
    (form,) = basis.forms([2025])
    section = form_8949_report(basis).sections[0]
    assert column(section, "line_id") == [line.line_id for line in form.lines]
    assert column(section, "gain_loss") == [line.gain_loss for line in form.lines]
    assert column(section, "direct_entry") == ["no" if line.codes else "yes" for line in form.lines]


def test_schedule_d_takes_away_what_stands_in_parentheses() -> None:
    """A loss of 5,000 in 2024: 3,000 deducted, 2,000 carried into 2025 as line 6."""
    history = "B1 2024-01-02 buys 100 X @ 100\nS1 2024-02-03 sells 100 X @ 50\n"
    before, after = (schedule_d_report(standing(history, "2025-12-31", year=year)).sections for year in (2024, 2025))
    of_2024, of_2025 = ({row["line"]: row["gain_loss"] for row in one[0].as_dicts()} for one in (before, after))
    assert (of_2024["7"], of_2024["21"]) == (Decimal(-5000), Decimal(-3000))
    assert column(before[1], "amount") == [Decimal(2000), 0]
    assert (of_2025["6"], of_2025["16"], of_2025["21"]) == (Decimal(-2000), Decimal(-2000), Decimal(-2000))


def test_trades_and_cash_of_the_year_of_the_accounts_that_are_asked_for() -> None:
    basis = standing(HISTORY, "2025-02-10", accounts=ACCOUNTS, account="T1")
    at = datetime(2025, 1, 2, 14, 31, 5, tzinfo=UTC)
    cash = [
        CashTransaction("c2", "T1", CashKind.DIVIDEND, Decimal("5.25"), date(2025, 2, 3), symbol="X"),
        CashTransaction("c1", "T1", CashKind.DEPOSIT, Decimal(1000), date(2025, 1, 1)),
        CashTransaction("c3", "T2", CashKind.DEPOSIT, Decimal(1000), date(2025, 1, 1)),
        CashTransaction("c4", "T1", CashKind.DEPOSIT, Decimal(1000), date(2025, 2, 11)),
        CashTransaction("c5", "T1", CashKind.DEPOSIT, Decimal(1000), date(2024, 12, 31)),
    ]
    trades, moved = trades_report(basis, [Movement(fill, at) for fill in tax.fills(HISTORY)], cash).sections
    assert column(trades, "execution_id") == ["B1", "S1"]
    assert column(trades, "cash") == [Decimal(-1001), Decimal("419.50")]
    assert trades.totals == {"costs": Decimal("1.50"), "cash": Decimal("-581.50")}
    assert column(trades, "executed_at")[0] == "14:31:05"
    assert column(moved, "cash_transaction_id") == ["c1", "c2"]
    assert moved.totals["amount"] == Decimal("1005.25")
