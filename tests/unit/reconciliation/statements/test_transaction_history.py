from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tickledger.domain.order import OrderSide
from tickledger.reconciliation.accounting import Fate
from tickledger.reconciliation.statement import ExecutionLevel, StatementFile
from tickledger.reconciliation.statement_cash import StatementCashKind
from tickledger.reconciliation.statements.transaction_history import read_transaction_history

D = Decimal
WHOLE = """\
Statement,Header,Field Name,Field Value
Statement,Data,Title,Transaction History
Statement,Data,Period,"March 1, 2025 - March 31, 2025"
Statement,Data,WhenGenerated,"2025-04-01, 08:15:00 EDT"
Summary,Header,Field Name,Field Value
Summary,Data,Base Currency,USD
Summary,Data,Starting Cash,100.0
Summary,Data,Change,-2526.0003
Summary,Data,Ending Cash,-2426.0003
Transaction History,Header,Date,Account,Description,Transaction Type,Symbol,Quantity,Price,Price Currency,\
Gross Amount ,Commission,Net Amount
Transaction History,Data,2025-03-10,U***54321,KITE WORKS INC,Buy,KITE,100.0,25.5,USD,-2550.0,-1.0003,-2551.0003
Transaction History,Data,2025-03-20,U***54321,KITE(US0000000001) Cash Dividend USD 0.25 per Share,Dividend,KITE,\
-,-,-,25.0,-,25.0
Transaction History,Data,2025-03-21,U***54321,LARK LTD,Sell,LARK,-7.5,10,GBP,94.5,-1,93.5
"""


def read(text: str) -> StatementFile:
    return read_transaction_history(text.encode(), name="history.csv")


def test_trades_are_orders_without_times() -> None:
    (found,) = read(WHOLE).statements
    kite, lark = found.executions
    assert (found.account_id, found.base_currency, found.end_date) == ("U***54321", "USD", date(2025, 3, 31))
    assert (kite.side, kite.quantity, kite.price, kite.commission) == (OrderSide.BUY, D(100), D("25.5"), D("1.0003"))
    assert (kite.level, kite.executed_at, kite.trade_date) == (ExecutionLevel.ORDER, None, date(2025, 3, 10))
    assert (lark.side, lark.quantity, lark.currency, lark.proceeds) == (OrderSide.SELL, D("7.5"), "GBP", None)


def test_the_summary_is_a_balance() -> None:
    (found,) = read(WHOLE).statements
    (balance,) = found.cash_balances
    assert (balance.starting, balance.ending, balance.currency) == (D(100), D("-2426.0003"), "USD")
    assert [(cash.kind, cash.amount, cash.isin) for cash in found.cash_transactions] == [
        (StatementCashKind.DIVIDEND, D(25), "US0000000001")
    ]
    assert not read(WHOLE).all_problems
    assert not [line for line in found.accounting if line.fate in {Fate.UNKNOWN, Fate.REFUSED}]


def test_the_sum_of_several_accounts_is_the_balance_of_none() -> None:
    found = read(WHOLE.replace("2025-03-21,U***54321", "2025-03-21,U***00002")).statements
    assert [(one.account_id, len(one.executions), one.cash_balances) for one in found] == [
        ("U***54321", 1, ()),
        ("U***00002", 1, ()),
    ]


def test_a_type_that_nobody_knows_is_named_and_used() -> None:
    (found,) = read(WHOLE.replace(",Dividend,", ",Moon Dust,")).statements
    assert [cash.kind for cash in found.cash_transactions] == [StatementCashKind.OTHER]
    assert [problem.found for problem in found.problems] == ["'Moon Dust'"]


@given(st.integers(0, len(WHOLE)))
def test_a_file_cut_anywhere_keeps_its_whole_rows(length: int) -> None:
    cut = WHOLE[:length]
    rows = sum(len(one.executions) for one in read(cut).statements)
    assert rows >= sum("Buy" in line or "Sell" in line for line in cut.split("\n")[:-1])
