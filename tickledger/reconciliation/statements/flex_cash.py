"""Rows of the Flex sections about money: movements, balances and how they came about, net asset value, rates."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from tickledger.reconciliation.statement_cash import (
    Amount,
    CashBalance,
    FxRate,
    NavChange,
    NetAssetValue,
    StatementCash,
    StatementCashKind,
)
from tickledger.reconciliation.statements.cash_kinds import cash_kind
from tickledger.reconciliation.statements.cells import Cells
from tickledger.reconciliation.statements.drafts import Drafts
from tickledger.reconciliation.statements.flex_layout import (
    CASH_REPORT_NAMES,
    NAV_CHANGE_NAMES,
    NAV_NAMES,
    is_read,
    nav_change_reason,
    nav_reason,
)
from tickledger.reconciliation.statements.roll_forward import check_tie

_BASE_SUMMARY: Final = "BASE_SUMMARY"
_ZERO: Final = Decimal(0)


def read_cash_transaction(row: Cells, drafts: Drafts) -> str:
    """One movement; sums over several (level SUMMARY) are kept apart until it is known whether there are details."""
    amount, type_text, description = row.needed_number("amount"), row.text("type"), row.text("description")
    kind = cash_kind(type_text, description, amount)
    if kind is None:
        row.note("type", "a known type of cash transaction", repr(type_text), severity="warning")
    moved = row.moment("dateTime")
    cash = StatementCash(
        kind=kind or StatementCashKind.OTHER,
        amount=amount,
        currency=row.needed_text("currency", "a currency"),
        cash_date=row.needed_day("dateTime", "settleDate", "reportDate"),
        cash_at=moved.at if moved is not None else None,
        report_date=row.day("reportDate"),
        settle_date=row.day("settleDate"),
        symbol=row.text("symbol"),
        conid=row.text("conid"),
        isin=row.text("isin"),
        description=description,
        type_text=type_text,
        transaction_id=row.text("transactionID"),
        action_id=row.text("actionID"),
        trade_id=row.text("tradeID"),
        fx_rate_to_base=row.number("fxRateToBase"),
        codes=row.codes("code"),
        where=row.place.name,
        row=row.row,
    )
    is_summary = row.text("levelOfDetail") == "SUMMARY"
    (drafts.cash_summaries if is_summary else drafts.cash_transactions).append(cash)
    return ""


def read_sales_tax(row: Cells, drafts: Drafts) -> str:
    """A sales tax: cash that the section of cash transactions does not tell."""
    drafts.cash_transactions.append(
        StatementCash(
            kind=StatementCashKind.SALES_TAX,
            amount=row.needed_number("salesTax"),
            currency=row.needed_text("currency", "a currency"),
            cash_date=row.needed_day("date"),
            description=row.text("taxableDescription"),
            type_text=row.text("taxType"),
            transaction_id=row.text("transactionID"),
            fx_rate_to_base=row.number("fxRateToBase"),
            codes=row.codes("code"),
            where=row.place.name,
            row=row.row,
        )
    )
    return ""


def read_transaction_tax(row: Cells, drafts: Drafts) -> str:
    """A tax on trades; what belongs to a trade stands in the trade's own row."""
    if row.text("source") == "TRADE":
        return "the tax of an execution, which its own row tells"
    drafts.cash_transactions.append(
        StatementCash(
            kind=StatementCashKind.TRANSACTION_TAX,
            amount=row.needed_number("taxAmount"),
            currency=row.needed_text("currency", "a currency"),
            cash_date=row.needed_day("date", "reportDate"),
            report_date=row.day("reportDate"),
            symbol=row.text("symbol"),
            conid=row.text("conid"),
            isin=row.text("isin"),
            description=row.text("taxDescription"),
            type_text=row.text("taxDescription"),
            trade_id=row.text("tradeId"),
            fx_rate_to_base=row.number("fxRateToBase"),
            codes=row.codes("code"),
            where=row.place.name,
            row=row.row,
        )
    )
    return ""


def read_debit_card(row: Cells, drafts: Drafts) -> str:
    """A payment with the account's card."""
    drafts.cash_transactions.append(
        StatementCash(
            kind=StatementCashKind.WITHDRAWAL,
            amount=row.needed_number("amount"),
            currency=row.needed_text("currency", "a currency"),
            cash_date=row.needed_day("postingDate", "reportDate"),
            report_date=row.day("reportDate"),
            description=row.text("merchantNameLocation"),
            type_text=f"debit card, {row.text('status')}".removesuffix(", "),
            where=row.place.name,
            row=row.row,
        )
    )
    return ""


def read_cash_report(row: Cells, drafts: Drafts) -> str:
    """The cash of one currency, or of all, from the start of the period to its end."""
    currency = row.needed_text("currency", "a currency")
    items = _items(
        row,
        (
            name
            for name in row.values
            if name not in CASH_REPORT_NAMES and is_read("CashReportCurrency", name, row.values)
        ),
    )
    balance = CashBalance(
        currency=drafts.base_currency if currency == _BASE_SUMMARY else currency,
        start_date=row.day("fromDate") or drafts.start_date,
        end_date=row.day("toDate") or drafts.end_date,
        starting=row.number("startingCash"),
        ending=row.number("endingCash"),
        ending_settled=row.number("endingSettledCash"),
        items=items,
        is_base_summary=currency == _BASE_SUMMARY,
        where=row.place.name,
        row=row.row,
    )
    check_tie(row, "endingCash", balance.starting, items, balance.ending)
    drafts.cash_balances.append(balance)
    return ""


def read_nav_change(row: Cells, drafts: Drafts) -> str:
    """Net asset value from the start of the period to its end."""
    items = _items(row, (name for name in row.values if name not in NAV_CHANGE_NAMES and not nav_change_reason(name)))
    change = NavChange(
        start_date=row.day("fromDate") or drafts.start_date,
        end_date=row.day("toDate") or drafts.end_date,
        starting=row.number("startingValue"),
        ending=row.number("endingValue"),
        items=items,
        time_weighted_return_pct=row.number("twr"),
        where=row.place.name,
        row=row.row,
    )
    check_tie(row, "endingValue", change.starting, items, change.ending)
    drafts.nav_changes.append(change)
    return ""


def read_net_asset_value(row: Cells, drafts: Drafts) -> str:
    """Net asset value at the end of a day."""
    items = _items(row, (name for name in row.values if name not in NAV_NAMES and not nav_reason(name)))
    total = row.number("total")
    check_tie(row, "total", _ZERO, items, total)
    drafts.net_asset_values.append(
        NetAssetValue(
            as_of=row.day("reportDate"),
            currency=row.text("currency"),
            total=total,
            items=items,
            where=row.place.name,
            row=row.row,
        )
    )
    return ""


def read_fx_rate(row: Cells, drafts: Drafts) -> str:
    """An exchange rate of a day."""
    drafts.fx_rates.append(
        FxRate(
            rate_date=row.needed_day("reportDate"),
            from_currency=row.needed_text("fromCurrency", "a currency"),
            to_currency=row.needed_text("toCurrency", "a currency"),
            rate=row.needed_number("rate"),
            where=row.place.name,
            row=row.row,
        )
    )
    return ""


def _items(row: Cells, names: Iterable[str]) -> tuple[Amount, ...]:
    """The lines that are not zero."""
    amounts = ((name, row.number(name)) for name in names)
    return tuple(Amount(name, amount) for name, amount in amounts if amount)
