"""Rows of the activity statement about money: movements of cash, the cash report, net asset value, rates."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from tickledger.reconciliation.statements.roll_forward import check_tie

_SECURITY: Final = re.compile(r"^(?P<symbol>[A-Za-z0-9.][A-Za-z0-9. ]*?)\s?\((?P<isin>[A-Z]{2}[A-Z0-9]{9}\d)\)")
_BASE_SUMMARY: Final = "base currency summary"
_ZERO: Final = Decimal(0)
#: The word of Flex for what each section holds.
SECTIONS: Final[Mapping[str, str]] = {
    "Dividends": "Dividends",
    "Payment In Lieu Of Dividends": "Payment In Lieu Of Dividends",
    "Withholding Tax": "Withholding Tax",
    "871(m) Withholding": "871(m) Withholding",
    "Deposits & Withdrawals": "Deposits & Withdrawals",
    "Interest": "interest",
    "Broker Interest Paid": "Broker Interest Paid",
    "Broker Interest Received": "Broker Interest Received",
    "Bond Interest Paid": "Bond Interest Paid",
    "Bond Interest Received": "Bond Interest Received",
    "Fees": "Other Fees",
    "Advisor Fees": "Advisor Fees",
    "Broker Fees": "Broker Fees",
    "Other Fees": "Other Fees",
    "Other Income": "Other Income",
    "Commission Adjustments": "Commission Adjustments",
    "Price Adjustments": "Price Adjustments",
    "Sales Tax": "Sales Tax",
}


def security_in(description: str) -> tuple[str, str]:
    """The symbol and the ISIN that a description begins with: ``AAPL(US0378331005) Cash Dividend …``."""
    found = _SECURITY.match(description)
    return (found["symbol"].strip(), found["isin"]) if found else ("", "")


@dataclass(frozen=True, slots=True)
class CashRows:
    """Reads one of the sections whose rows are movements of cash; `word` is Flex's word for them."""

    word: str

    def read(self, row: Cells, drafts: Drafts) -> str:
        """One movement."""
        amount, description = row.needed_number("Amount"), row.text("Description")
        symbol, isin = security_in(description)
        drafts.cash_transactions.append(
            StatementCash(
                kind=cash_kind(self.word, description, amount) or StatementCashKind.OTHER,
                amount=amount,
                currency=row.needed_text("Currency", "a currency"),
                cash_date=row.needed_day("Date", "Settle Date", "Date/Time"),
                symbol=row.text("Symbol") or symbol,
                isin=isin,
                description=description,
                type_text=row.text("Subtitle") or row.section,
                codes=row.codes("Code"),
                where=row.place.name,
                row=row.row,
            )
        )
        return ""


def read_sales_tax(row: Cells, drafts: Drafts) -> str:
    """A sales tax: cash that no other section tells."""
    drafts.cash_transactions.append(
        StatementCash(
            kind=StatementCashKind.SALES_TAX,
            amount=row.needed_number("Sales Tax"),
            currency=row.text("Currency") or drafts.base_currency,
            cash_date=row.needed_day("Date"),
            description=row.text("Taxable Description") or row.text("Description"),
            type_text=row.text("Tax Type"),
            codes=row.codes("Code"),
            where=row.place.name,
            row=row.row,
        )
    )
    return ""


@dataclass(slots=True)
class CashReportRows:
    """Reads the cash report, whose lines make a balance for each currency."""

    lines: dict[tuple[str, str], list[tuple[str, Decimal, int]]] = field(default_factory=dict)

    def read(self, row: Cells, drafts: Drafts) -> str:
        """One line of one currency."""
        line = (row.needed_text("Currency Summary", "a line of the report"), row.needed_number("Total"), row.row)
        self.lines.setdefault((drafts.account_id, row.text("Currency")), []).append(line)
        return ""

    def finish(self, drafts: Drafts) -> None:
        """The balances of an account."""
        for (account_id, currency), lines in self.lines.items():
            if account_id == drafts.account_id:
                drafts.cash_balances.append(_balance(drafts, currency, lines))


def _balance(drafts: Drafts, currency: str, lines: list[tuple[str, Decimal, int]]) -> CashBalance:
    named = {name.casefold(): amount for name, amount, _ in lines}
    starting, ending = named.get("starting cash"), named.get("ending cash")
    items = tuple(
        Amount(name, amount)
        for name, amount, _ in lines
        if amount and name.casefold() not in {"starting cash", "ending cash", "ending settled cash"}
    )
    is_summary, row = currency.casefold() == _BASE_SUMMARY, lines[0][2]
    balance = CashBalance(
        currency=drafts.base_currency if is_summary else currency,
        start_date=drafts.start_date,
        end_date=drafts.end_date,
        starting=starting,
        ending=ending,
        ending_settled=named.get("ending settled cash"),
        items=items,
        is_base_summary=is_summary,
        where=drafts.place.name,
        row=row,
    )
    check_tie(Cells(drafts.place, row, {}, drafts.problems, "Cash Report"), "Ending Cash", starting, items, ending)
    return balance


@dataclass(slots=True)
class NavRows:
    """Reads Net Asset Value and Change in NAV, of which each row is a line of one value."""

    values: dict[str, list[tuple[str, Decimal, int]]] = field(default_factory=dict)
    changes: dict[str, list[tuple[str, Decimal, int]]] = field(default_factory=dict)

    def read_value(self, row: Cells, drafts: Drafts) -> str:
        """The value of one class of assets at the end; the second table of the section has the broker's own return."""
        if "Asset Class" not in row.values:
            return "the broker's own rate of return"
        line = (row.needed_text("Asset Class", "a class of assets"), row.needed_number("Current Total"), row.row)
        self.values.setdefault(drafts.account_id, []).append(line)
        return ""

    def read_change(self, row: Cells, drafts: Drafts) -> str:
        """One line from the value at the start to that at the end."""
        line = (row.needed_text("Field Name", "a line"), row.needed_number("Field Value"), row.row)
        self.changes.setdefault(drafts.account_id, []).append(line)
        return ""

    def finish(self, drafts: Drafts) -> None:
        """The values of an account."""
        if values := self.values.get(drafts.account_id):
            drafts.net_asset_values.append(_net_asset_value(drafts, values))
        if changes := self.changes.get(drafts.account_id):
            drafts.nav_changes.append(_nav_change(drafts, changes))


def _net_asset_value(drafts: Drafts, lines: list[tuple[str, Decimal, int]]) -> NetAssetValue:
    items = tuple(Amount(name, amount) for name, amount, _ in lines if name != "Total" and amount)
    total, row = next((amount for name, amount, _ in lines if name == "Total"), None), lines[0][2]
    check_tie(Cells(drafts.place, row, {}, drafts.problems, "Net Asset Value"), "Current Total", _ZERO, items, total)
    currency = drafts.base_currency
    return NetAssetValue(
        as_of=drafts.end_date, currency=currency, total=total, items=items, where=drafts.place.name, row=row
    )


def _nav_change(drafts: Drafts, lines: list[tuple[str, Decimal, int]]) -> NavChange:
    named = {name.casefold(): amount for name, amount, _ in lines}
    starting, ending = named.get("starting value"), named.get("ending value")
    items = tuple(
        Amount(name, amount)
        for name, amount, _ in lines
        if amount and name.casefold() not in {"starting value", "ending value"}
    )
    row = lines[0][2]
    check_tie(Cells(drafts.place, row, {}, drafts.problems, "Change in NAV"), "Ending Value", starting, items, ending)
    return NavChange(
        start_date=drafts.start_date,
        end_date=drafts.end_date,
        starting=starting,
        ending=ending,
        items=items,
        where=drafts.place.name,
        row=row,
    )


def read_fx_rate(row: Cells, drafts: Drafts) -> str:
    """The rate of a currency at the end of the period."""
    currency, rate = row.needed_text("Currency", "a currency"), row.needed_number("Rate")
    if drafts.end_date is None:
        return "a rate without a date, as the statement has no period"
    drafts.fx_rates.append(
        FxRate(
            rate_date=drafts.end_date,
            from_currency=currency,
            to_currency=drafts.base_currency,
            rate=rate,
            where=row.place.name,
            row=row.row,
        )
    )
    return ""
