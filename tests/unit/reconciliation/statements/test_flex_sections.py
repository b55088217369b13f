from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.unit.reconciliation.statements.flex_text import (
    CASH,
    POSITION,
    element,
    fill,
    flex,
    section,
    statement,
    trades,
)
from tickledger.reconciliation.accounting import Accounted, Fate
from tickledger.reconciliation.statement import Statement
from tickledger.reconciliation.statement_cash import Amount, StatementCashKind
from tickledger.reconciliation.statements.flex import read_flex
from tickledger.reconciliation.statements.terms import ReadingTerms

D = Decimal


def only(*sections: str) -> Statement:
    (found,) = read_flex([flex(statement(*sections))], name="march.xml").statements
    return found


def test_a_position_and_its_lots_are_told_apart_by_their_level() -> None:
    lot = element(
        "OpenPosition",
        POSITION,
        levelOfDetail="LOT",
        position="-40",
        openDateTime="20250107;093100",
        holdingPeriodDateTime="20241201;093100",
        originatingTransactionID="70001",
    )
    found = only(section("OpenPositions", element("OpenPosition", POSITION), lot))
    (position,), (open_lot,) = found.positions, found.open_lots
    assert (position.quantity, position.value, position.cost_basis) == (D(100), D(2600), D("2551.0003"))
    assert position.as_of == date(2025, 3, 31)
    assert (open_lot.quantity, open_lot.opened_date, open_lot.holding_start) == (
        D(-40),
        date(2025, 1, 7),
        date(2024, 12, 1),
    )
    assert open_lot.opened_at == datetime(2025, 1, 7, 14, 31, tzinfo=UTC)


def test_lots_add_up_to_a_position_where_the_query_has_lots_alone() -> None:
    lots = [element("OpenPosition", POSITION, levelOfDetail="LOT", position=size) for size in ("60", "40")]
    (position,) = only(section("OpenPositions", *lots)).positions
    assert (position.quantity, position.value, position.cost_basis) == (D(100), D(5200), D("5102.0006"))


@pytest.mark.parametrize(
    ("type_text", "description", "amount", "kind"),
    [
        ("Dividends", "KITE CASH DIVIDEND (Ordinary Dividend)", "25", StatementCashKind.DIVIDEND),
        ("Dividends", "KITE CASH DIVIDEND (Return of Capital)", "25", StatementCashKind.RETURN_OF_CAPITAL),
        ("Payment In Lieu Of Dividends", "KITE", "25", StatementCashKind.PAYMENT_IN_LIEU),
        ("Withholding Tax", "KITE - US TAX", "-2.5", StatementCashKind.WITHHOLDING),
        ("Deposits/Withdrawals", "CASH RECEIPTS", "1000", StatementCashKind.DEPOSIT),
        ("Deposits & Withdrawals", "DISBURSEMENT", "-1000", StatementCashKind.WITHDRAWAL),
        ("Broker Interest Received", "USD CREDIT INT", "3", StatementCashKind.INTEREST_RECEIVED),
        ("Broker Interest Paid", "USD DEBIT INT", "-3", StatementCashKind.INTEREST_PAID),
        ("Other Fees", "DATA", "-4.5", StatementCashKind.FEE),
        ("Commission Adjustments", "REBATE", "0.3", StatementCashKind.COMMISSION_ADJUSTMENT),
    ],
)
def test_cash_is_what_its_type_says(type_text: str, description: str, amount: str, kind: StatementCashKind) -> None:
    row = element("CashTransaction", CASH, type=type_text, description=description, amount=amount)
    found = only(section("CashTransactions", row))
    (cash,) = found.cash_transactions
    assert (cash.kind, cash.amount, cash.transaction_id, cash.action_id) == (kind, D(amount), "80001", "990")
    assert not found.problems


def test_a_type_of_cash_that_nobody_knows_is_named_and_used() -> None:
    found = only(section("CashTransactions", element("CashTransaction", CASH, type="Moon Dust")))
    assert [cash.kind for cash in found.cash_transactions] == [StatementCashKind.OTHER]
    assert "found 'Moon Dust'" in str(found.problems[0])


def test_sums_of_movements_count_only_without_the_movements() -> None:
    rows = [element("CashTransaction", CASH, levelOfDetail=level) for level in ("SUMMARY", "DETAIL")]
    assert len(only(section("CashTransactions", *rows)).cash_transactions) == 1
    assert len(only(section("CashTransactions", rows[0])).cash_transactions) == 1


def test_sales_taxes_are_cash_that_no_other_section_tells() -> None:
    row = {"currency": "USD", "date": "20250302", "taxType": "VAT", "salesTax": "-0.3", "transactionID": "9"}
    (cash,) = only(section("SalesTaxes", element("SalesTax", row))).cash_transactions
    assert (cash.kind, cash.amount, cash.cash_date) == (StatementCashKind.SALES_TAX, D("-0.3"), date(2025, 3, 2))


def test_taxes_of_trades_are_not_counted_twice() -> None:
    row = {"currency": "USD", "symbol": "SNY", "date": "20250302", "taxDescription": "French", "taxAmount": "-0.35"}
    rows = [element("TransactionTax", row, source=source) for source in ("STANDALONE", "TRADE")]
    found = only(section("TransactionTaxes", *rows))
    assert [cash.amount for cash in found.cash_transactions] == [D("-0.35")]
    assert any(line.reason == "the tax of an execution, which its own row tells" for line in found.accounting)


CASH_REPORT = {
    "accountId": "U7654321",
    "currency": "USD",
    "fromDate": "20250301",
    "toDate": "20250331",
    "startingCash": "1000",
    "startingCashSec": "1000",
    "commissions": "-1.0003",
    "commissionsSec": "-1.0003",
    "commissionsMTD": "-1.0003",
    "depositWithdrawals": "500",
    "deposits": "600",
    "withdrawals": "-100",
    "dividends": "25",
    "brokerInterest": "0",
    "endingCash": "1523.9997",
    "endingSettledCash": "1498.9997",
}


def test_a_cash_report_is_a_roll_forward_without_its_parts() -> None:
    found = only(section("CashReport", element("CashReportCurrency", CASH_REPORT)))
    (balance,) = found.cash_balances
    assert (balance.starting, balance.ending, balance.ending_settled) == (D(1000), D("1523.9997"), D("1498.9997"))
    assert balance.items == (
        Amount("commissions", D("-1.0003")),
        Amount("depositWithdrawals", D(500)),
        Amount("dividends", D(25)),
    )
    assert not found.problems


def test_deposits_and_withdrawals_are_lines_where_their_sum_is_not() -> None:
    row = element("CashReportCurrency", CASH_REPORT, depositWithdrawals=None)
    found = only(section("CashReport", row))
    names = [item.name for item in found.cash_balances[0].items]
    assert names == ["commissions", "deposits", "withdrawals", "dividends"]
    assert not found.problems
    assert {line.fate for line in found.accounting if line.place.endswith("@deposits")} == {Fate.READ}


def test_a_cash_report_that_does_not_add_up_is_named() -> None:
    found = only(section("CashReport", element("CashReportCurrency", CASH_REPORT, endingCash="1600")))
    assert len(found.cash_balances) == 1
    assert "column endingCash: expected 1523.9997, the start and all lines, found 1600" in str(found.problems[0])


def test_the_sum_over_all_currencies_is_in_the_base_currency() -> None:
    (balance,) = only(
        section("CashReport", element("CashReportCurrency", CASH_REPORT, currency="BASE_SUMMARY"))
    ).cash_balances
    assert (balance.currency, balance.is_base_summary) == ("USD", True)


def test_net_asset_value_and_its_change_add_up() -> None:
    value = {"reportDate": "20250331", "cash": "1000", "cashLong": "1000", "stock": "2600", "total": "3600"}
    change = {"startingValue": "3500", "mtm": "80", "dividends": "25", "commissions": "-5", "endingValue": "3600"}
    found = only(
        section("EquitySummaryInBase", element("EquitySummaryByReportDateInBase", value)),
        element("ChangeInNAV", change, twr="0.6"),
    )
    assert found.net_asset_values[0].items == (Amount("cash", D(1000)), Amount("stock", D(2600)))
    assert (found.nav_changes[0].ending, found.nav_changes[0].time_weighted_return_pct) == (D(3600), D("0.6"))
    assert not found.problems


ACTION = {
    "accountId": "U7654321",
    "currency": "USD",
    "symbol": "KITE",
    "conid": "900001",
    "description": "KITE(US0000000001) SPLIT 3 FOR 2 (KITE, KITE WORKS INC, US0000000001)",
    "reportDate": "20250318",
    "dateTime": "20250317;202500",
    "quantity": "50",
    "proceeds": "0",
    "value": "0",
    "type": "FS",
    "actionID": "990",
}


@pytest.mark.parametrize(
    ("description", "ratio", "words", "cash"),
    [
        ("KITE(US1) SPLIT 3 FOR 2 (KITE)", Fraction(3, 2), "3 FOR 2", None),
        ("KITE(US1) SPLIT 1 FOR 25 (KITE)", Fraction(1, 25), "1 FOR 25", None),
        ("KITE(US1) Merged(Acquisition) WITH US2 1 for 16 (X)", Fraction(1, 16), "1 for 16", None),
        ("KITE(US1) SPINOFF  1.5 FOR 10 (Y)", Fraction(3, 20), "1.5 FOR 10", None),
        ("KITE(US1) MERGED(Acquisition)  FOR USD 30.60000000 PER SHARE (KITE)", None, "", D("30.60000000")),
        ("KITE(US1) MERGED  FOR USD 1,030.50 PER SHARE", None, "", D("1030.50")),
        ("KITE(US1) SPLIT 1 FOR 0 (KITE)", None, "", None),
        ("KITE(US1) DELISTED", None, "", None),
    ],
)
def test_a_corporate_action_has_the_ratio_that_its_words_tell(
    description: str, ratio: Fraction | None, words: str, cash: D | None
) -> None:
    row = element("CorporateAction", ACTION, description=description)
    (action,) = only(section("CorporateActions", row)).corporate_actions
    assert (action.ratio, action.ratio_text, action.cash_per_share) == (ratio, words, cash)
    assert (action.quantity, action.report_date, action.effective_date) == (D(50), date(2025, 3, 18), date(2025, 3, 17))
    assert (action.type_code, action.action_id) == ("FS", "990")


def test_what_leaves_the_account_is_negative() -> None:
    row = {"currency": "USD", "symbol": "KITE", "date": "20250318", "type": "ACATS", "quantity": "70"}
    rows = [element("Transfer", row, direction=way, positionAmount="1785") for way in ("IN", "OUT")]
    transfers = only(section("Transfers", *rows)).transfers
    assert [(one.quantity, one.value) for one in transfers] == [(D(70), D(1785)), (D(-70), D(-1785))]


def test_rates_are_read() -> None:
    row = {"reportDate": "20250304", "fromCurrency": "GBP", "toCurrency": "USD", "rate": "1.29"}
    (rate,) = only(section("ConversionRates", element("ConversionRate", row))).fx_rates
    assert (rate.rate_date, rate.from_currency, rate.rate) == (date(2025, 3, 4), "GBP", D("1.29"))


def test_every_place_is_read_or_left_aside_for_a_reason_or_counted_as_unknown() -> None:
    found = only(
        section("Trades", fill(mtmPnl="3", moonPhase="full"), fill(moonPhase="new")),
        section("Tides", element("Tide", {"accountId": "U7654321", "height": "3"})),
        section("StmtFunds", element("StatementOfFundsLine", {"accountId": "U7654321", "amount": "3"})),
        element("Weather", {"accountId": "U7654321", "wind": "3"}),
        "<OpenPositions/>",
    )
    table = {line.place: line for line in found.accounting}
    assert table["Trades/Trade@quantity"] == Accounted("Trades/Trade@quantity", Fate.READ, 2)
    assert table["Trades/Trade@mtmPnl"].reason == "computed by the broker from what is read"
    assert table["Trades/Trade@moonPhase"] == Accounted("Trades/Trade@moonPhase", Fate.UNKNOWN, 2)
    assert table["StmtFunds/StatementOfFundsLine"].fate is Fate.IGNORED
    assert {place for place, line in table.items() if line.fate is Fate.UNKNOWN} == {
        *("Trades/Trade@moonPhase", "Tides", "Tides/Tide", "FlexStatement/Weather"),
    }
    assert len(found.executions) == 2
    assert [str(problem) for problem in found.problems] == [
        (
            "warning: march.xml: expected sections and columns that are known, "
            "found FlexStatement/Weather, Tides, Tides/Tide, Trades/Trade@moonPhase"
        )
    ]


def test_a_day_comes_first_where_the_terms_say_so() -> None:
    content = trades(fill(dateTime="03/10/2025;101530", tradeDate="03/10/2025"))
    (found,) = read_flex([content], name="x", terms=ReadingTerms(is_day_first=True)).statements
    assert found.executions[0].trade_date == date(2025, 10, 3)
