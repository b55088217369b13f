"""Movements of cash of either side in one form, and which kinds are compared with each other."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tickledger.domain.errors import Problem
from tickledger.domain.execution import CashKind, CashTransaction
from tickledger.reconciliation.breaks import Subject
from tickledger.reconciliation.findings import plain
from tickledger.reconciliation.ledger_view import LedgerView
from tickledger.reconciliation.statement import Statement
from tickledger.reconciliation.statement_cash import (
    StatementCash,
    StatementCashKind,
    StatementCorporateAction,
    StatementTransfer,
)

#: The longest that companies take from the ex-date to the payment.
PAY_DELAY: Final = timedelta(days=60)


class CashGroup(StrEnum):
    """What movements are compared with each other."""

    DIVIDEND = "dividend"
    WITHHOLDING = "withholding tax"
    INTEREST = "interest"
    FEE = "fee"
    TRANSFER = "deposit or withdrawal"
    CORPORATE = "cash for shares"
    OTHER = "other"


_OURS: Final = {
    CashKind.DEPOSIT: CashGroup.TRANSFER,
    CashKind.WITHDRAWAL: CashGroup.TRANSFER,
    CashKind.DIVIDEND: CashGroup.DIVIDEND,
    CashKind.RETURN_OF_CAPITAL: CashGroup.DIVIDEND,
    CashKind.CASH_IN_LIEU: CashGroup.CORPORATE,
    CashKind.MERGER: CashGroup.CORPORATE,
    CashKind.INTEREST: CashGroup.INTEREST,
    CashKind.FEE: CashGroup.FEE,
}
_K: Final = StatementCashKind
#: The group of each kind of a statement, and what it would be in our record.
_THEIRS: Final = {
    _K.DEPOSIT: (CashGroup.TRANSFER, CashKind.DEPOSIT),
    _K.WITHDRAWAL: (CashGroup.TRANSFER, CashKind.WITHDRAWAL),
    _K.TRANSFER: (CashGroup.TRANSFER, CashKind.DEPOSIT),
    _K.DIVIDEND: (CashGroup.DIVIDEND, CashKind.DIVIDEND),
    _K.PAYMENT_IN_LIEU: (CashGroup.DIVIDEND, CashKind.DIVIDEND),
    _K.RETURN_OF_CAPITAL: (CashGroup.DIVIDEND, CashKind.RETURN_OF_CAPITAL),
    _K.WITHHOLDING: (CashGroup.WITHHOLDING, CashKind.FEE),
    _K.INTEREST_RECEIVED: (CashGroup.INTEREST, CashKind.INTEREST),
    _K.INTEREST_PAID: (CashGroup.INTEREST, CashKind.INTEREST),
    _K.FEE: (CashGroup.FEE, CashKind.FEE),
    _K.SALES_TAX: (CashGroup.FEE, CashKind.FEE),
    _K.TRANSACTION_TAX: (CashGroup.FEE, CashKind.FEE),
    _K.COMMISSION_ADJUSTMENT: (CashGroup.FEE, CashKind.FEE),
    _K.CASH_MERGER: (CashGroup.CORPORATE, CashKind.MERGER),
    _K.OTHER: (CashGroup.OTHER, CashKind.FEE),
}
_Placed = StatementCash | StatementCorporateAction | StatementTransfer
OF_SHARES: Final = frozenset({CashGroup.DIVIDEND, CashGroup.WITHHOLDING})


def subject_of(group: CashGroup) -> Subject:
    """What a movement of the group is a difference of."""
    if group in OF_SHARES:
        return Subject.DIVIDEND
    return Subject.CORPORATE_ACTION if group is CashGroup.CORPORATE else Subject.CASH_TRANSACTION


@dataclass(frozen=True, slots=True)
class CashRow:
    """A movement of cash of either side, USD."""

    group: CashGroup
    kind: CashKind
    symbol: str
    family: str
    amount: Decimal
    on: date
    words: str
    where: str = ""
    source: CashTransaction | None = None

    @property
    def place(self) -> tuple[date, str, str, Decimal, str]:
        """Where it stands in an order that does not depend on how the rows came."""
        return (self.on, self.group, self.symbol, self.amount, self.words)

    @property
    def subject(self) -> Subject:
        """What it is a difference of."""
        return subject_of(self.group)

    @property
    def key(self) -> str:
        """What the row is known by."""
        return f"{self.group} {self.symbol or 'USD'} {self.on}"


def our_cash(view: LedgerView) -> list[CashRow]:
    """The movements of the ledger."""
    rows = (
        CashRow(
            _OURS[row.kind], row.kind, row.symbol or "", view.names.family(row.symbol or ""), row.amount,
            row.session_date, row.description, source=row,
        )
        for row in view.cash_transactions
    )  # fmt: skip
    return sorted(rows, key=lambda row: row.place)


def their_cash(view: LedgerView, statement: Statement) -> tuple[list[CashRow], list[Problem]]:
    """The movements of a statement, cash of corporate actions and transfers among them; other currencies are told."""
    rows: list[CashRow] = []
    problems = []
    for told in statement.cash_transactions:
        if told.currency != "USD" or told.kind is _K.FX:
            problems.append(_not_compared(told))
            continue
        group, kind = _THEIRS[told.kind]
        kind = CashKind.WITHDRAWAL if kind is CashKind.DEPOSIT and told.amount < 0 else kind
        symbol = view.names.ours(told.symbol, conid=told.conid) if told.symbol else ""
        rows.append(_row(view, (group, kind, symbol), told.amount, told.cash_date, told, words=told.description))
    for action in statement.corporate_actions:
        if action.proceeds and action.currency == "USD":
            symbol, on = _action_symbol(view, action.symbol, action.conid), action.effective_date or action.report_date
            group, kind = CashGroup.CORPORATE, CashKind.MERGER if action.quantity else CashKind.CASH_IN_LIEU
            rows.append(_row(view, (group, kind, symbol), action.proceeds, on, action, words=action.description))
    for moved in statement.transfers:
        if moved.cash and moved.currency == "USD":
            kind = CashKind.DEPOSIT if moved.cash > 0 else CashKind.WITHDRAWAL
            words = moved.description or moved.type_text
            rows.append(_row(view, (CashGroup.TRANSFER, kind, ""), moved.cash, moved.transfer_date, moved, words=words))
    return sorted(rows, key=lambda row: row.place), problems


def _row(
    view: LedgerView, what: tuple[CashGroup, CashKind, str], amount: Decimal, on: date, told: _Placed, *, words: str
) -> CashRow:
    group, kind, symbol = what
    place = f"{told.where}:{told.row}" if told.where else ""
    return CashRow(group, kind, symbol, view.names.family(symbol), amount, on, words, place)


def _action_symbol(view: LedgerView, symbol: str, conid: str) -> str:
    return view.names.ours(symbol.removesuffix(".OLD"), conid=conid)


def _not_compared(told: StatementCash) -> Problem:
    found = f"{told.kind} of {plain(told.amount)} {told.currency}, not compared"
    return Problem(told.where or "cash", "cash in USD", found, row=told.row or None, severity="warning")


def accrued(view: LedgerView, before: date, rows: Iterable[CashRow] = ()) -> list[CashRow]:
    """Dividends of our record that may not have been paid by the end of `before`, the latest first."""
    known = list(rows) or our_cash(view)
    due = [row for row in known if row.group is CashGroup.DIVIDEND and before - PAY_DELAY < row.on <= before]
    return sorted(due, key=lambda row: row.place, reverse=True)
