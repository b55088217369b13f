"""The reader of IB's Transaction History in CSV, the report that portfolio views of IB export.

Amounts are in the base currency, rows have dates without times, and a row is an order's worth of fills; so its trades
count as orders. There are no ids.
"""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tickledger.domain.order import OrderSide
from tickledger.reconciliation.statement import ExecutionLevel, Source, StatementExecution, StatementFile, StatementKind
from tickledger.reconciliation.statement_cash import Amount, CashBalance, StatementCash, StatementCashKind
from tickledger.reconciliation.statements.activity import torn_end
from tickledger.reconciliation.statements.activity_cash import security_in
from tickledger.reconciliation.statements.activity_facts import BROKER, gathered
from tickledger.reconciliation.statements.cash_kinds import cash_kind
from tickledger.reconciliation.statements.cells import Cells
from tickledger.reconciliation.statements.csv_rows import csv_text
from tickledger.reconciliation.statements.csv_sections import section_rows
from tickledger.reconciliation.statements.drafts import Drafts
from tickledger.reconciliation.statements.place import Place
from tickledger.reconciliation.statements.sections import Accounts, Section, read_sections
from tickledger.reconciliation.statements.terms import ReadingTerms

#: Types that are trades; those of options move shares too and come without a price.
_TRADES: Final = frozenset({"Buy", "Sell", "Assignment", "Exercise", "Expiration"})
_COLUMNS: Final = frozenset(
    {
        *("Date", "Account", "Description", "Transaction Type", "Symbol", "Quantity", "Price", "Price Currency"),
        *("Gross Amount", "Commission", "Net Amount"),
    }
)
_IGNORED: Final[Mapping[str, str]] = {
    "Multiplier": "describes the instrument",
    "Exchange Rate": "amounts are in the base currency already",
}


def read_transaction_history(content: bytes, *, name: str, terms: ReadingTerms | None = None) -> StatementFile:
    """The statements of a transaction history; `name` is what Problems call it."""
    place = Place(name, terms or ReadingTerms())
    source = Source(name, hashlib.sha256(content).hexdigest(), StatementKind.TRANSACTION_HISTORY_CSV)
    text = csv_text(content)
    accounts = Accounts(place, Drafts(place, broker=BROKER))
    gathered(section_rows(text), place, accounts.common)
    summary, fields = _Summary(), frozenset({"Field Name", "Field Value"})
    sections = {
        "Statement": Section(lambda _row, _drafts: "", fields),
        "Summary": Section(summary.read, fields),
        "Transaction History": Section(_transaction, _COLUMNS, _IGNORED),
        "Notes": Section(reason="notes for people"),
        "Disclosure": Section(reason="notes for people"),
    }
    read_sections(section_rows(text), sections, accounts)
    statements = accounts.all()
    if len(statements) == 1:
        summary.finish(statements[0])
    return StatementFile(
        source, tuple(drafts.statement(source) for drafts in statements), problems=torn_end(name, text)
    )


class _Summary:
    """The cash at the start and at the end, in lines of their own."""

    def __init__(self) -> None:
        self._amounts: dict[str, Decimal] = {}
        self._row = 0

    def read(self, row: Cells, _drafts: Drafts) -> str:
        name = row.text("Field Name")
        if name in {"Starting Cash", "Change", "Ending Cash"}:
            self._amounts[name], self._row = row.needed_number("Field Value"), row.row
        elif name != "Base Currency":
            return "?"
        return ""

    def finish(self, drafts: Drafts) -> None:
        """One balance; of several accounts the summary tells the sum, which belongs to none of them."""
        if not self._amounts:
            return
        change = self._amounts.get("Change")
        drafts.cash_balances.append(
            CashBalance(
                currency=drafts.base_currency,
                start_date=drafts.start_date,
                end_date=drafts.end_date,
                starting=self._amounts.get("Starting Cash"),
                ending=self._amounts.get("Ending Cash"),
                items=(Amount("Change", change),) if change else (),
                is_base_summary=True,
                where=drafts.place.name,
                row=self._row,
            )
        )


def _transaction(row: Cells, drafts: Drafts) -> str:
    if row.text("Transaction Type") in _TRADES:
        drafts.executions.append(_execution(row, drafts))
    else:
        drafts.cash_transactions.append(_cash(row, drafts))
    return ""


def _execution(row: Cells, drafts: Drafts) -> StatementExecution:
    """Prices are in the currency of the instrument, which older files do not name; amounts in the base currency."""
    quantity, trade_date = row.needed_number("Quantity"), row.needed_day("Date")
    price, currency = row.number("Price"), row.text("Price Currency") or drafts.base_currency
    if price is None and row.text("Transaction Type") in {"Buy", "Sell"}:
        row.needed_number("Price")
    return StatementExecution(
        symbol=row.needed_text("Symbol", "a symbol"),
        side=OrderSide.BUY if quantity >= 0 else OrderSide.SELL,
        quantity=abs(quantity),
        price=price if price is not None else Decimal(0),
        currency=currency,
        executed_on=trade_date,
        trade_date=trade_date,
        description=row.text("Description"),
        proceeds=row.number("Gross Amount") if currency == drafts.base_currency else None,
        commission=row.cost("Commission"),
        commission_currency=drafts.base_currency,
        transaction_type=row.text("Transaction Type"),
        level=ExecutionLevel.ORDER,
        where=row.place.name,
        row=row.row,
    )


def _cash(row: Cells, drafts: Drafts) -> StatementCash:
    amount, description, type_text = (
        row.needed_number("Net Amount"),
        row.text("Description"),
        row.text("Transaction Type"),
    )
    kind = cash_kind(type_text, description, amount)
    if kind is None:
        row.note("Transaction Type", "a known type of transaction", repr(type_text), severity="warning")
    return StatementCash(
        kind=kind or StatementCashKind.OTHER,
        amount=amount,
        currency=drafts.base_currency,
        cash_date=row.needed_day("Date"),
        symbol=row.text("Symbol"),
        isin=security_in(description)[1],
        description=description,
        type_text=type_text,
        where=row.place.name,
        row=row.row,
    )
