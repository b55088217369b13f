from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.unit.reconciliation.statements.flex_text import element, fill, flex, section, statement, trades
from tickledger.domain.lot import Term
from tickledger.domain.order import OrderSide
from tickledger.reconciliation.accounting import Fate
from tickledger.reconciliation.statement import Correction, ExecutionLevel, Statement, StatementFile
from tickledger.reconciliation.statements.flex import read_flex

D = Decimal


def read(content: bytes) -> StatementFile:
    return read_flex([content], name="march.xml")


def only(content: bytes) -> Statement:
    (found,) = read(content).statements
    return found


def told(content: bytes) -> list[str]:
    return [str(problem) for problem in read(content).all_problems]


def test_a_fill_has_its_ids_its_instant_and_positive_costs() -> None:
    found = only(trades(fill()))
    (execution,) = found.executions
    assert (found.account_id, found.base_currency, found.broker) == ("U7654321", "USD", "Interactive Brokers")
    assert (found.start_date, found.end_date) == (date(2025, 3, 1), date(2025, 3, 31))
    assert found.generated_at == datetime(2025, 4, 1, 12, 15, tzinfo=UTC)
    assert execution.executed_at == datetime(2025, 3, 10, 14, 15, 30, tzinfo=UTC)
    assert (execution.trade_date, execution.settle_date) == (date(2025, 3, 10), date(2025, 3, 11))
    assert (execution.ib_exec_id, execution.order_ref, execution.conid) == ("0000aaaa.0001.01.01", "tl-1", "900001")
    assert (execution.side, execution.quantity, execution.price) == (OrderSide.BUY, D(100), D("25.5"))
    assert (execution.commission, execution.taxes, execution.codes) == (D("1.0003"), D(0), ("P",))
    assert (execution.where, execution.row) == ("march.xml", 6)
    assert not found.problems


def test_a_sale_is_written_negative_and_read_positive() -> None:
    (execution,) = only(trades(fill(buySell="SELL", quantity="-100", ibCommission="0.2"))).executions
    assert (execution.side, execution.quantity, execution.signed_quantity) == (OrderSide.SELL, D(100), D(-100))
    assert execution.commission == D("-0.2")


def test_fractions_of_shares_are_exact() -> None:
    (execution,) = only(trades(fill(quantity="0.0031"))).executions
    assert execution.quantity == D("0.0031")


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("20250310;101530", datetime(2025, 3, 10, 14, 15, 30, tzinfo=UTC)),
        ("20250310101530", datetime(2025, 3, 10, 14, 15, 30, tzinfo=UTC)),
        ("2025-03-10 10:15:30", datetime(2025, 3, 10, 14, 15, 30, tzinfo=UTC)),
        ("2025-03-10;10:15:30", datetime(2025, 3, 10, 14, 15, 30, tzinfo=UTC)),
        ("2025-03-10, 10:15:30", datetime(2025, 3, 10, 14, 15, 30, tzinfo=UTC)),
        ("2025-03-1010:15:30", datetime(2025, 3, 10, 14, 15, 30, tzinfo=UTC)),
        ("2025-03-10T10:15:30", datetime(2025, 3, 10, 14, 15, 30, tzinfo=UTC)),
        ("03/10/2025;101530", datetime(2025, 3, 10, 14, 15, 30, tzinfo=UTC)),
        ("10-MAR-25;101530", datetime(2025, 3, 10, 14, 15, 30, tzinfo=UTC)),
        ("20250310;101530 EST", datetime(2025, 3, 10, 15, 15, 30, tzinfo=UTC)),
        ("20250310;101530 EDT", datetime(2025, 3, 10, 14, 15, 30, tzinfo=UTC)),
        ("2025-03-10 10:15:30 US/Central", datetime(2025, 3, 10, 15, 15, 30, tzinfo=UTC)),
        ("2025-03-10 10:15:30 -0700", datetime(2025, 3, 10, 17, 15, 30, tzinfo=UTC)),
    ],
)
def test_every_format_of_a_query_gives_the_same_instant(written: str, instant: datetime) -> None:
    (execution,) = only(trades(fill(dateTime=written))).executions
    assert execution.executed_at == instant


def test_date_and_time_in_attributes_of_their_own_make_an_instant() -> None:
    (execution,) = only(trades(fill(dateTime=None, tradeDate="20250310", tradeTime="101530"))).executions
    assert execution.executed_at == datetime(2025, 3, 10, 14, 15, 30, tzinfo=UTC)


def test_a_fill_with_a_date_alone_has_no_instant() -> None:
    (execution,) = only(trades(fill(dateTime="20250310"))).executions
    assert (execution.executed_at, execution.executed_on) == (None, date(2025, 3, 10))


def test_an_hour_that_occurs_twice_is_named_and_the_row_is_used() -> None:
    content = trades(fill(dateTime="20251102;013000", tradeDate="20251102"))
    (execution,) = only(content).executions
    assert execution.executed_at == datetime(2025, 11, 2, 5, 30, tzinfo=UTC)
    assert told(content) == [
        (
            "warning: march.xml, row 6, column dateTime: expected a time that is one instant, "
            "found 01:30 in America/New_York on 2025-11-02 occurs twice; the first was taken"
        )
    ]


def test_a_named_offset_settles_the_hour_that_occurs_twice() -> None:
    content = trades(fill(dateTime="20251102;013000 EST", tradeDate="20251102"))
    (execution,) = only(content).executions
    assert execution.executed_at == datetime(2025, 11, 2, 6, 30, tzinfo=UTC)
    assert not told(content)


def test_an_hour_that_does_not_occur_is_named() -> None:
    (problem,) = told(trades(fill(dateTime="20250309;023000", tradeDate="20250309")))
    assert "does not occur" in problem


def test_a_zone_that_nobody_knows_is_named_and_the_accounts_is_taken() -> None:
    content = trades(fill(dateTime="20250310;101530 XQT"))
    (execution,) = only(content).executions
    assert execution.executed_at == datetime(2025, 3, 10, 14, 15, 30, tzinfo=UTC)
    (problem,) = told(content)
    assert "time zone XQT is not known; America/New_York was taken" in problem


def test_empty_attributes_and_dashes_are_unknown() -> None:
    unknown = fill(settleDateTarget="", ibCommission="", orderReference="--", exchange="--", cost="", taxes="-")
    (execution,) = only(trades(unknown)).executions
    assert (execution.settle_date, execution.commission, execution.basis, execution.taxes) == (None, None, None, None)
    assert (execution.order_ref, execution.exchange) == ("", "")


def test_thousands_are_separated_by_commas() -> None:
    (execution,) = only(trades(fill(quantity="12,500", proceeds="-318,750.00"))).executions
    assert (execution.quantity, execution.proceeds) == (D(12500), D("-318750.00"))


@pytest.mark.parametrize("quantity", ["1,20", "NaN", "Infinity", "1_000", "ten", "", "--", "1.234,5"])
def test_a_quantity_that_is_none_refuses_its_row_and_no_other(quantity: str) -> None:
    content = trades(fill(ibExecID="a"), fill(quantity=quantity, ibExecID="b"), fill(ibExecID="c"))
    found = only(content)
    assert [execution.ib_exec_id for execution in found.executions] == ["a", "c"]
    (problem,) = found.problems
    assert (problem.where, problem.row, problem.column, problem.expected) == ("march.xml", 7, "quantity", "a number")
    counts = {line.fate: line.count for line in found.accounting if line.place == "Trades/Trade EXECUTION"}
    assert counts == {Fate.READ: 2, Fate.REFUSED: 1}


def test_a_number_that_a_row_can_do_without_leaves_the_row_in_use() -> None:
    content = trades(fill(ibCommission="abc"))
    (execution,) = only(content).executions
    assert execution.commission is None
    assert told(content) == ["error: march.xml, row 6, column ibCommission: expected a number, found 'abc'"]


@pytest.mark.parametrize("name", ["symbol", "currency", "tradePrice"])
def test_what_a_fill_cannot_do_without_is_asked_for(name: str) -> None:
    found = only(trades(fill(**{name: ""})))
    assert not found.executions
    assert [problem.column for problem in found.problems] == [name]


def test_a_side_is_read_off_the_quantity_where_the_query_has_none() -> None:
    found = only(trades(fill(buySell=None, quantity="-5"), fill(buySell="", quantity="5")))
    assert [execution.side for execution in found.executions] == [OrderSide.SELL, OrderSide.BUY]


def test_a_side_that_is_none_refuses_the_row() -> None:
    (problem,) = told(trades(fill(buySell="HOLD")))
    assert "column buySell: expected BUY or SELL, found 'HOLD'" in problem


def test_a_purchase_with_a_negative_quantity_is_named() -> None:
    content = trades(fill(quantity="-100"))
    assert only(content).executions[0].signed_quantity == D(100)
    assert "a positive number, as this is a purchase" in told(content)[0]


def test_a_cancelled_purchase_takes_back_what_it_names() -> None:
    cancel = fill(
        buySell="BUY (Ca.)",
        quantity="-100",
        notes="Ca",
        transactionType="TradeCancel",
        ibExecID="",
        origTradeID="5001",
        tradeID="5002",
    )
    bought, cancelled = only(trades(fill(), cancel)).executions
    assert (cancelled.correction, cancelled.original_trade_id) == (Correction.CANCELS, bought.trade_id)
    assert bought.signed_quantity + cancelled.signed_quantity == 0
    assert not told(trades(fill(), cancel))


def test_a_corrected_fill_is_marked() -> None:
    (execution,) = only(trades(fill(notes="P;Co", transactionType="TradeCorrect"))).executions
    assert (execution.correction, execution.codes) == (Correction.CORRECTS, ("P", "Co"))


def test_sums_of_fills_are_left_aside_and_accounted_for() -> None:
    rows = (
        element("SymbolSummary", {"accountId": "U7654321", "symbol": "KITE", "levelOfDetail": "SYMBOL_SUMMARY"}),
        element(
            "Order", {"symbol": "KITE", "currency": "USD", "tradeDate": "20250310"}, quantity="300", tradePrice="25"
        ),
        fill(ibExecID="a"),
        fill(levelOfDetail="ORDER", quantity="300"),
        fill(levelOfDetail="SYMBOL_SUMMARY", quantity="300"),
        fill(levelOfDetail="ASSET_SUMMARY", quantity="300"),
        element("AssetSummary", {"accountId": "U7654321", "assetCategory": "STK"}),
    )
    found = only(trades(*rows))
    assert [execution.ib_exec_id for execution in found.executions] == ["a"]
    left = {line.place: line.reason for line in found.accounting if line.fate is Fate.IGNORED and "@" not in line.place}
    assert left["Trades/Trade ORDER"] == "the sum of an order's fills, which are read one by one"
    assert left["Trades/SymbolSummary SYMBOL_SUMMARY"] == "the sum of fills, which are read one by one"
    assert left["Trades/orders before the first fill"] == "the sum of an order's fills, which are read one by one"


def test_orders_count_where_the_query_has_no_fills() -> None:
    (execution,) = only(trades(fill(levelOfDetail="ORDER", ibExecID=""))).executions
    assert execution.level is ExecutionLevel.ORDER


def test_a_level_that_nobody_knows_is_counted_under_its_name() -> None:
    found = only(trades(fill(levelOfDetail="HOLOGRAM"), fill()))
    assert len(found.executions) == 1
    unknown = [line.place for line in found.accounting if line.fate is Fate.UNKNOWN]
    assert unknown == ["Trades/Trade HOLOGRAM"]


LOT = {
    "accountId": "U7654321",
    "currency": "USD",
    "symbol": "KITE",
    "conid": "900001",
    "quantity": "40",
    "tradePrice": "20",
    "cost": "800.5",
    "fifoPnlRealized": "219.1",
    "buySell": "SELL",
    "dateTime": "20250310;101530",
    "tradeDate": "20250310",
    "openDateTime": "20230105;093100",
    "holdingPeriodDateTime": "20221201;093100",
    "notes": "LT",
    "tradeID": "5001",
    "transactionID": "70001",
}


@pytest.mark.parametrize(
    "row", [element("Lot", LOT, levelOfDetail="CLOSED_LOT"), element("Trade", LOT, levelOfDetail="CLOSED_LOT")]
)
def test_a_closed_lot_is_the_same_in_both_layouts(row: str) -> None:
    (lot,) = only(trades(fill(), row)).closed_lots
    assert (lot.quantity, lot.basis, lot.realized, lot.proceeds) == (D(40), D("800.5"), D("219.1"), None)
    assert (lot.opened_date, lot.closed_date, lot.holding_start) == (
        date(2023, 1, 5),
        date(2025, 3, 10),
        date(2022, 12, 1),
    )
    assert (lot.term, lot.is_short, lot.opening_price) == (Term.LONG, False, D(20))


def test_a_purchase_closes_a_short_lot() -> None:
    (lot,) = only(trades(element("Lot", LOT, buySell="BUY", notes="ST", cost="-800.5"))).closed_lots
    assert (lot.is_short, lot.term, lot.basis) == (True, Term.SHORT, D("800.5"))


WASH = {
    "accountId": "U7654321",
    "currency": "USD",
    "symbol": "KITE",
    "conid": "900001",
    "quantity": "-40",
    "fifoPnlRealized": "55.25",
    "tradeDate": "20250310",
    "whenRealized": "20250303;120000",
    "whenReopened": "20250310;101530",
    "holdingPeriodDateTime": "20241201;000000",
    "transactionID": "70001",
}


@pytest.mark.parametrize("tag", ["WashSale", "Trade"])
@pytest.mark.parametrize("loss", ["55.25", "-55.25"])
def test_a_wash_sale_is_a_positive_loss_in_both_layouts_and_signs(tag: str, loss: str) -> None:
    (wash,) = only(trades(element(tag, WASH, levelOfDetail="WASH_SALE", fifoPnlRealized=loss))).wash_sales
    assert (wash.disallowed_loss, wash.quantity) == (D("55.25"), D(40))
    assert (wash.realized_date, wash.reopened_date) == (date(2025, 3, 3), date(2025, 3, 10))
    assert wash.holding_start == date(2024, 12, 1)


def test_a_trade_confirmation_has_words_of_its_own() -> None:
    confirm = {
        "accountId": "U7654321",
        "currency": "USD",
        "symbol": "KITE",
        "conid": "900001",
        "tradeID": "5001",
        "orderID": "31001",
        "execID": "0000aaaa.0001.01.01",
        "dateTime": "20250310;101530",
        "tradeDate": "20250310",
        "settleDate": "20250311",
        "buySell": "BUY",
        "quantity": "100",
        "price": "25.5",
        "commission": "-1.0003",
        "commissionCurrency": "USD",
        "tax": "-0.5",
        "code": "P;O",
        "levelOfDetail": "EXECUTION",
    }
    (execution,) = only(flex(statement(section("TradeConfirms", element("TradeConfirm", confirm))))).executions
    assert (execution.ib_exec_id, execution.order_id, execution.price) == ("0000aaaa.0001.01.01", "31001", D("25.5"))
    assert (execution.commission, execution.taxes, execution.codes) == (D("1.0003"), D("0.5"), ("P", "O"))
    assert execution.settle_date == date(2025, 3, 11)


def test_words_of_statements_and_confirmations_may_be_mixed() -> None:
    mixed = fill(tradePrice=None, price="25.5", ibExecID=None, execID="0000aaaa.0001.01.01")
    (execution,) = only(trades(mixed)).executions
    assert (execution.price, execution.ib_exec_id, execution.commission) == (
        D("25.5"),
        "0000aaaa.0001.01.01",
        D("1.0003"),
    )


def test_the_regulatory_part_of_a_commission_is_told_where_it_is_broken_down() -> None:
    detail = {"accountId": "U7654321", "tradeID": "5001", "totalCommission": "-1.0003"}
    whole = element("UnbundledCommissionDetail", detail, thirdPartyRegulatoryCharge="-0.0003")
    parts = element("UnbundledCommissionDetail", detail, regFINRATradingActivityFee="-0.0001", regOther="-0.0002")
    for row in (whole, parts):
        content = flex(statement(section("Trades", fill()), section("UnbundledCommissionDetails", row)))
        (execution,) = only(content).executions
        assert (execution.fees, execution.commission) == (D("0.0003"), D("1.0003"))


def test_rows_go_to_the_account_that_they_name() -> None:
    found = read(trades(fill(), fill(accountId="U0000002"), fill(accountId="-"))).statements
    assert [(one.account_id, len(one.executions)) for one in found] == [("U7654321", 2), ("U0000002", 1)]


def test_each_statement_of_a_file_is_its_own() -> None:
    march = statement(section("Trades", fill()))
    april = statement(section("Trades", fill(), fill()), start="20250401", end="20250430")
    found = read(flex(march, april)).statements
    assert [(one.start_date, len(one.executions)) for one in found] == [(date(2025, 3, 1), 1), (date(2025, 4, 1), 2)]
