"""Files whose columns a mapping tells: 1099-B rows and transactions."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.domain.errors import ConfigurationError
from tickledger.domain.lot import Term
from tickledger.domain.order import OrderSide
from tickledger.reconciliation.accounting import Fate
from tickledger.reconciliation.statement import ExecutionLevel, StatementFile
from tickledger.reconciliation.statement_cash import StatementCashKind
from tickledger.reconciliation.statements.columns_1099b import (
    PLAIN_BOXES,
    TD_AMERITRADE,
    ColumnMapping,
    read_columns_1099b,
)
from tickledger.reconciliation.statements.columns_trades import (
    FLEX_TRADES_CSV,
    SCHWAB,
    VANGUARD,
    Meaning,
    TransactionMapping,
    read_columns_trades,
)

D = Decimal
BOXES = """\
1a,1b,1c,1d,1e,1f,1g,2,2 ordinary,3,4,5,6,7,12,8949,code,cusip
100 sh KITE WORKS INC,01/05/2025,03/10/2025,"2,550.00","2,805.25",0,(55.25),S,N,N,10,N,gross,N,Y,A,W,48800A100
50 sh WREN CO,VARIOUS,03/11/2025,1000,900,,,Long-term,,,,Y,net,,,,,
7 sh LARK,Inherited,03/12/2025,70,,,,,,,,,,,,F,,
Total,,,3620,3705.25,,,,,,,,,,,,,
"""


def sales(text: str, mapping: ColumnMapping = PLAIN_BOXES) -> StatementFile:
    return read_columns_1099b(text.encode(), name="1099b.csv", mapping=mapping)


def test_every_box_has_its_value() -> None:
    first, second, third = sales(BOXES).statements[0].form_1099b
    assert dict(first.boxes) == {
        "1a": "100 sh KITE WORKS INC",
        "1b": date(2025, 1, 5),
        "1c": date(2025, 3, 10),
        "1d": D("2550.00"),
        "1e": D("2805.25"),
        "1f": D(0),
        "1g": D("55.25"),
        "2": Term.SHORT,
        "2 ordinary": False,
        "3": False,
        "4": D(10),
        "5": False,
        "6": False,
        "7": False,
        "12": True,
    }
    assert (first.form_8949_box, first.adjustment_code, first.cusip, first.quantity) == ("A", "W", "48800A100", D(100))
    assert (second.acquired_date, second.acquired_text, second.term) == (None, "VARIOUS", Term.LONG)
    assert (second.is_noncovered, second.is_basis_reported, second.form_8949_box) == (True, False, "E")
    assert (third.acquired_text, third.term, third.basis) == ("INHERITED", Term.LONG, None)


def test_sums_are_left_aside_and_the_year_is_the_period() -> None:
    (found,) = sales(BOXES).statements
    assert (found.start_date, found.end_date) == (date(2025, 1, 1), date(2025, 12, 31))
    assert {line.place: line.count for line in found.accounting if line.fate is Fate.IGNORED} == {"lines of sums": 1}
    assert not sales(BOXES).all_problems


@pytest.mark.parametrize(
    ("good", "bad", "column"),
    [
        ('"2,550.00"', "lots", "1d"),
        ("03/10/2025", "31/31/2025", "1c"),
        ("100 sh KITE WORKS INC", "", "1a"),
    ],
)
def test_a_sale_without_what_it_needs_is_refused_alone(good: str, bad: str, column: str) -> None:
    (found,) = sales(BOXES.replace(good, bad)).statements
    assert len(found.form_1099b) == 2
    assert found.problems[0].column == column
    assert found.problems[0].row == 2


def test_a_box_that_cannot_be_read_leaves_the_sale_in_use() -> None:
    (found,) = sales(BOXES.replace(",S,N,N,10", ",soon,N,N,10")).statements
    assert found.form_1099b[0].term is Term.SHORT
    assert [str(problem) for problem in found.problems] == [
        "error: 1099b.csv, row 2, column 2: expected short-term or long-term, found 'soon'"
    ]


def test_columns_that_the_mapping_does_not_know_are_named() -> None:
    (found,) = sales("1a,1c,1d,Moon\nKITE,03/10/2025,5,full\n").statements
    assert [line.place for line in found.accounting if line.fate is Fate.UNKNOWN] == ["column Moon"]
    assert len(found.form_1099b) == 1


def test_a_file_without_the_needed_columns_says_which() -> None:
    found = sales("1a,1d\nKITE,5\n")
    assert [str(problem) for problem in found.problems] == [
        "error: 1099b.csv, row 1, column 1c: expected a column 1c, found 1a, 1d"
    ]
    assert sales("").problems


@pytest.mark.parametrize("boxes", [{"1a": "a", "1c": "c"}, {"1a": "a", "1c": "c", "1d": "d", "9z": "z"}])
def test_a_mapping_to_boxes_that_do_not_exist_is_refused(boxes: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="expected boxes of Form 1099-B"):
        ColumnMapping(name="mine", boxes=boxes)


GAIN_LOSS = """\
Security,Trans type,Qty,Open date,Adj cost,Close date,Adj proceeds,Adj gain($),Adj gain(%),Term
Kite Works Inc (KITE),Sell.FIFO,100.,1/5/2025,"2,805.25 ",3/10/2025,"2,550.00 ",(255.25),-9.1,Short-term
Total:,,,,"2,805.25 ",,"2,550.00 ",,,
"""


def test_a_report_of_gains_and_losses_is_read_by_its_mapping() -> None:
    (found,) = sales(GAIN_LOSS, TD_AMERITRADE).statements
    (sale,) = found.form_1099b
    assert (sale.symbol, sale.quantity, sale.proceeds, sale.basis) == ("KITE", D(100), D("2550.00"), D("2805.25"))
    assert (sale.acquired_date, sale.sold_date, sale.term) == (date(2025, 1, 5), date(2025, 3, 10), Term.SHORT)
    assert sale.is_net_proceeds is True
    assert not [line for line in found.accounting if line.fate is Fate.UNKNOWN]


def trades(text: str, mapping: TransactionMapping) -> StatementFile:
    return read_columns_trades(text.encode(), name="history.csv", mapping=mapping)


HISTORY = """\
Date,Action,Symbol,Description,Price,Quantity,Fees & Comm,Amount
03/10/2025,Buy,KITE,KITE WORKS INC,$25.50,100,$1,-$2551
03/11/2025 as of 03/10/2025,Sell,KITE,KITE WORKS INC,$26,40,$0.02,"$1,039.98"
03/12/2025,Cash Dividend,KITE,KITE WORKS INC,,,,$25
03/13/2025,Cash Merger Adj,KITE,KITE WORKS INC,,-60,,
03/14/2025,Journaled Shares,WREN,WREN CO,,5,,
03/15/2025,MoneyLink Transfer,,Tfr BANK,,,,-$10.00
03/16/2025,Moon Landing,,,,,,$3
Transactions Total,,,,,,,$1
"""


def test_actions_mean_what_their_mapping_says() -> None:
    (found,) = trades(HISTORY, SCHWAB).statements
    bought, sold = found.executions
    assert (bought.side, bought.quantity, bought.price, bought.commission) == (OrderSide.BUY, D(100), D("25.50"), D(1))
    assert (sold.side, sold.trade_date, sold.proceeds) == (OrderSide.SELL, date(2025, 3, 11), D("1039.98"))
    assert bought.level is ExecutionLevel.ORDER
    assert [(cash.kind, cash.amount) for cash in found.cash_transactions] == [
        (StatementCashKind.DIVIDEND, D(25)),
        (StatementCashKind.WITHDRAWAL, D(-10)),
        (StatementCashKind.OTHER, D(3)),
    ]
    assert [(action.symbol, action.quantity) for action in found.corporate_actions] == [("KITE", D(-60))]
    assert [(transfer.symbol, transfer.quantity) for transfer in found.transfers] == [("WREN", D(5))]


def test_problems_name_the_columns_of_the_file() -> None:
    (found,) = trades(HISTORY.replace("$25.50,100", "$25.50,many"), SCHWAB).statements
    assert [(problem.column, problem.found) for problem in found.problems] == [
        ("Quantity", "'many'"),
        ("Action", "'Moon Landing'"),
    ]


def test_a_price_is_the_amount_by_share_where_there_is_none() -> None:
    text = (
        "Trade Date,Transaction Type,Investment Name,Symbol,Shares,Principal Amount,Net Amount\n"
        "2025-03-10,Sell,Kite,KITE,-40,1040,1040\n"
    )
    (execution,) = trades(text, VANGUARD).statements[0].executions
    assert (execution.price, execution.quantity, execution.side) == (D(26), D(40), OrderSide.SELL)


def test_a_flex_query_as_csv_has_ids_where_they_were_chosen() -> None:
    text = (
        "Buy/Sell,TradeDate,DateTime,ISIN,Symbol,Quantity,TradePrice,CurrencyPrimary,IBCommission,IBExecID\n"
        "BUY,20250310,20250310;101530,US0000000001,KITE,100,25.5,USD,-1.0003,0000aaaa.0001.01.01\n"
    )
    (execution,) = trades(text, FLEX_TRADES_CSV).statements[0].executions
    assert (execution.ib_exec_id, execution.commission) == ("0000aaaa.0001.01.01", D("1.0003"))
    assert execution.level is ExecutionLevel.EXECUTION
    assert execution.executed_at is not None


def test_a_mapping_to_fields_that_do_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="unknown moon"):
        TransactionMapping(name="mine", columns={"date": "d", "action": "a", "moon": "m"}, actions={"b": Meaning.BUY})


@given(st.integers(0, len(BOXES)))
def test_a_file_of_sales_cut_anywhere_keeps_its_whole_rows(length: int) -> None:
    cut = BOXES[:length]
    found = sales(cut)
    rows = sum(len(one.form_1099b) for one in found.statements)
    assert rows >= sum(" sh " in line for line in cut.split("\n")[:-1])


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    sales(text)
    sales(BOXES + text)
    trades(text, SCHWAB)
    trades(HISTORY + text, SCHWAB)
