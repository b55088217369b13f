from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.reconciliation.statements.activity_text import HEAD, TRADES, TRADES_HEADER, WHOLE
from tickledger.domain.lot import Term
from tickledger.domain.order import OrderSide
from tickledger.reconciliation.accounting import Fate
from tickledger.reconciliation.statement import ExecutionLevel, Statement, StatementFile
from tickledger.reconciliation.statement_cash import Amount, StatementCashKind
from tickledger.reconciliation.statements.activity import read_activity

D = Decimal


def read(text: str) -> StatementFile:
    return read_activity(text.encode(), name="march.csv")


def only(text: str) -> Statement:
    (found,) = read(text).statements
    return found


def test_the_head_says_whose_statement_it_is_and_of_when() -> None:
    found = only(WHOLE)
    assert (found.account_id, found.broker, found.base_currency) == ("U7654321", "Interactive Brokers LLC", "USD")
    assert (found.start_date, found.end_date) == (date(2025, 3, 1), date(2025, 3, 31))
    assert found.generated_at == datetime(2025, 4, 1, 12, 15, tzinfo=UTC)
    assert not read(WHOLE).all_problems


def test_a_statement_of_one_day_has_one_date() -> None:
    found = only(HEAD.replace('"March 1, 2025 - March 31, 2025"', '"March 3, 2025"'))
    assert (found.start_date, found.end_date) == (date(2025, 3, 3), date(2025, 3, 3))


def test_fills_count_and_the_sums_of_orders_do_not() -> None:
    executions = only(WHOLE).executions
    assert [(row.symbol, row.side, row.quantity) for row in executions] == [
        ("KITE", OrderSide.BUY, D(1000)),
        ("KITE", OrderSide.BUY, D(200)),
        ("KITE", OrderSide.SELL, D(40)),
        ("EUR.USD", OrderSide.SELL, D(1000)),
    ]
    first, forex = executions[0], executions[-1]
    assert first.executed_at == datetime(2025, 3, 10, 14, 15, 30, tzinfo=UTC)
    assert (first.conid, first.isin, first.cusip, first.asset_class) == ("900001", "US0000000001", "000000000", "STK")
    assert (first.commission, first.proceeds, first.open_close) == (D("5.0003"), D(-25500), "O")
    assert (forex.commission, forex.commission_currency, forex.asset_class) == (D(2), "USD", "CASH")


def test_orders_count_where_there_are_no_fills() -> None:
    order = 'Trades,Data,Order,Stocks,USD,KITE,"2025-03-10, 10:15:30",5,25.5,26,-127.5,-1,128.5,0,2,O\n'
    (execution,) = only(HEAD + TRADES_HEADER + order).executions
    assert execution.level is ExecutionLevel.ORDER


def test_a_lot_was_closed_by_the_trade_above_it() -> None:
    (lot,) = only(WHOLE).closed_lots
    assert (lot.opened_date, lot.closed_date, lot.quantity) == (date(2023, 1, 5), date(2025, 3, 21), D(40))
    assert (lot.basis, lot.realized, lot.term, lot.is_short) == (D("800.5"), D("278.48"), Term.LONG, False)


def test_a_lot_below_a_trade_that_is_refused_is_refused() -> None:
    broken = WHOLE.replace('"2025-03-21, 15:59:01",-40,27', '"2025-03-21, 15:59:01",-40,x')
    found = only(broken)
    assert (len(found.executions), found.closed_lots) == (3, ())
    assert [problem.column for problem in found.problems] == ["T. Price", "DataDiscriminator"]
    assert "a trade above, which closes the lot" in str(found.problems[1])


def test_a_cancelled_trade_keeps_the_side_of_what_it_takes_back() -> None:
    cancel = 'Trades,Data,Trade,Stocks,USD,KITE,"2025-03-10, 10:15:30",-5,25.5,26,127.5,1,-128.5,0,2,Ca\n'
    (execution,) = only(HEAD + TRADES_HEADER + cancel).executions
    assert (execution.side, execution.signed_quantity) == (OrderSide.BUY, D(-5))


def test_positions_and_lots_are_of_the_last_day() -> None:
    found = only(WHOLE)
    (position,), (lot,) = found.positions, found.open_lots
    assert (position.quantity, position.as_of, position.value) == (D(1160), date(2025, 3, 31), D(30160))
    assert (lot.quantity, lot.opened_date, lot.cost_basis) == (D(1000), date(2025, 3, 10), D(25505))


def test_cash_is_rolled_forward_by_currency() -> None:
    summary, dollars = only(WHOLE).cash_balances
    assert (summary.is_base_summary, summary.currency, summary.ending) == (True, "USD", D("117.9797"))
    assert summary.items == (Amount("Commissions", D("-7.0203")), Amount("Dividends", D(25)))
    assert (dollars.is_base_summary, dollars.starting, dollars.items) == (False, D(100), ())


def test_a_cash_report_that_does_not_add_up_is_named() -> None:
    (problem,) = only(WHOLE.replace("Base Currency Summary,25,", "Base Currency Summary,26,")).problems
    assert "expected 118.9797, the start and all lines, found 117.9797" in str(problem)


def test_movements_of_cash_have_the_kind_of_their_section() -> None:
    found = only(WHOLE).cash_transactions
    assert [(cash.kind, cash.amount, cash.symbol) for cash in found] == [
        (StatementCashKind.DIVIDEND, D(25), "KITE"),
        (StatementCashKind.WITHHOLDING, D("-2.5"), "KITE"),
        (StatementCashKind.WITHDRAWAL, D(-500), ""),
        (StatementCashKind.FEE, D("-4.5"), ""),
        (StatementCashKind.SALES_TAX, D("-0.3"), ""),
    ]
    assert found[0].isin == "US0000000001"


def test_net_asset_value_and_its_change_are_told() -> None:
    found = only(WHOLE)
    assert found.net_asset_values[0].total == D(30278)
    assert (found.nav_changes[0].starting, found.nav_changes[0].items) == (
        D(30000),
        (Amount("Mark-to-Market", D(278)),),
    )


def test_events_and_transfers_are_signed() -> None:
    found = only(WHOLE)
    (action,), (transfer,) = found.corporate_actions, found.transfers
    assert (action.symbol, action.quantity, action.ratio) == ("KITE", D(50), Fraction(3, 2))
    assert (transfer.quantity, transfer.value, transfer.other_party) == (D(-70), D(-1785), "OTHER")


def test_everything_is_accounted_for() -> None:
    table = {line.place: line for line in only(WHOLE).accounting}
    assert not [place for place, line in table.items() if line.fate in {Fate.UNKNOWN, Fate.REFUSED}]
    assert table["Trades: MTM P/L"].reason == "computed by the broker from what is read"
    assert table["Trades, SubTotal"].reason == "a sum of rows that are read"
    assert table["Codes"].reason == "what the codes mean"
    assert table["Dividends, totals"].count == 1


def test_sections_and_columns_that_nobody_knows_are_named_and_the_rest_is_used() -> None:
    found = only(
        WHOLE.replace("Open Positions,Header", "Tides,Header,Height\nTides,Data,3\nOpen Positions,Header").replace(
            "C. Price,", "Moon,"
        )
    )
    unknown = [line.place for line in found.accounting if line.fate is Fate.UNKNOWN]
    assert unknown == ["Tides", "Trades: Moon"]
    assert len(found.executions) == 4


def test_capitals_of_section_names_do_not_matter() -> None:
    lower = WHOLE
    for name in ("Open Positions", "Cash Report", "Change in NAV", "Base Currency Summary"):
        lower = lower.replace(name, name.capitalize())
    lower = lower.replace("Starting Cash", "Starting cash").replace("Ending Value", "Ending value")
    assert replace(only(lower), accounting=(), sources=()) == replace(
        only(WHOLE),
        accounting=(),
        sources=(),
    )


def test_taxes_of_trades_are_in_the_commissions_already() -> None:
    assert "SNY" not in {cash.symbol for cash in only(WHOLE).cash_transactions}


def test_rows_of_several_accounts_make_several_statements() -> None:
    trades = TRADES_HEADER.replace("Currency,", "Currency,Account,") + "".join(
        f'Trades,Data,Trade,Stocks,USD,{account},KITE,"2025-03-10, 10:15:30",5,25.5,26,-127.5,-1,128.5,0,2,O\n'
        for account in ("U0000001", "U0000002", "U0000001 (Alias)")
    )
    head = HEAD.replace("Account Information,Data,Account,U7654321\n", "")
    found = read(head + trades).statements
    assert [(one.account_id, len(one.executions)) for one in found] == [("U0000001", 2), ("U0000002", 1)]
    assert {one.end_date for one in found} == {date(2025, 3, 31)}


@given(st.integers(0, len(WHOLE)))
def test_a_file_cut_anywhere_keeps_its_whole_rows(length: int) -> None:
    cut = WHOLE[:length]
    found = read(cut)
    rows = sum(len(one.executions) for one in found.statements)
    assert rows >= sum(line.startswith("Trades,Data,Trade") for line in cut.split("\n")[:-1])
    assert cut.endswith("\n") or not cut or found.problems


@given(st.text(max_size=300))
def test_no_text_raises(text: str) -> None:
    read(HEAD + TRADES + text)
