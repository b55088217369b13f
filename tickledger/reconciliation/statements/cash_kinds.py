"""What brokers call the movements of cash, and the kinds that they are."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tickledger.reconciliation.statement_cash import StatementCashKind as Kind

_RETURN_OF_CAPITAL: Final = "return of capital"
_IN_LIEU: Final = "payment in lieu"

#: In lower case; what may go either way is a pair for cash in and cash out.
_KINDS: Final[Mapping[str, Kind | tuple[Kind, Kind]]] = {
    # Interactive Brokers: Flex and transaction history.
    "deposits/withdrawals": (Kind.DEPOSIT, Kind.WITHDRAWAL),
    "deposits & withdrawals": (Kind.DEPOSIT, Kind.WITHDRAWAL),
    "deposit": Kind.DEPOSIT,
    "withdrawal": Kind.WITHDRAWAL,
    "electronic fund transfer": (Kind.DEPOSIT, Kind.WITHDRAWAL),
    "cash receipts": Kind.DEPOSIT,
    "dividends": Kind.DIVIDEND,
    "dividend": Kind.DIVIDEND,
    "payment in lieu of dividends": Kind.PAYMENT_IN_LIEU,
    "payment in lieu": Kind.PAYMENT_IN_LIEU,
    "withholding tax": Kind.WITHHOLDING,
    "foreign tax withholding": Kind.WITHHOLDING,
    "871(m) withholding": Kind.WITHHOLDING,
    "broker interest received": Kind.INTEREST_RECEIVED,
    "broker interest paid": Kind.INTEREST_PAID,
    "bond interest received": Kind.INTEREST_RECEIVED,
    "bond interest paid": Kind.INTEREST_PAID,
    "credit interest": (Kind.INTEREST_RECEIVED, Kind.INTEREST_PAID),
    "debit interest": Kind.INTEREST_PAID,
    "interest": (Kind.INTEREST_RECEIVED, Kind.INTEREST_PAID),
    "investment interest received": Kind.INTEREST_RECEIVED,
    "investment interest paid": Kind.INTEREST_PAID,
    "other fees": Kind.FEE,
    "other fee": Kind.FEE,
    "advisor fees": Kind.FEE,
    "broker fees": Kind.FEE,
    "other income": Kind.OTHER,
    "commission adjustments": Kind.COMMISSION_ADJUSTMENT,
    "commission adjustment": Kind.COMMISSION_ADJUSTMENT,
    "commission credits": Kind.COMMISSION_ADJUSTMENT,
    "price adjustments": Kind.OTHER,
    "sales tax": Kind.SALES_TAX,
    "transaction fee": Kind.TRANSACTION_TAX,
    "transaction fees": Kind.TRANSACTION_TAX,
    "transfer": Kind.TRANSFER,
    "cash transfer": Kind.TRANSFER,
    "adjustment": Kind.FX,
    "forex trade component": Kind.FX,
    # Charles Schwab.
    "cash dividend": Kind.DIVIDEND,
    "qualified dividend": Kind.DIVIDEND,
    "non-qualified div": Kind.DIVIDEND,
    "special dividend": Kind.DIVIDEND,
    "special qual div": Kind.DIVIDEND,
    "reinvest dividend": Kind.DIVIDEND,
    "qual div reinvest": Kind.DIVIDEND,
    "pr yr cash div": Kind.DIVIDEND,
    "pr yr div reinvest": Kind.DIVIDEND,
    "long term cap gain": Kind.DIVIDEND,
    "long term cap gain reinvest": Kind.DIVIDEND,
    "short term cap gain": Kind.DIVIDEND,
    "short term cap gain reinvest": Kind.DIVIDEND,
    "return of capital": Kind.RETURN_OF_CAPITAL,
    "cash in lieu": Kind.CASH_MERGER,
    "cash merger": Kind.CASH_MERGER,
    "bank interest": Kind.INTEREST_RECEIVED,
    "bond interest": Kind.INTEREST_RECEIVED,
    "margin interest": Kind.INTEREST_PAID,
    "nra tax adj": Kind.WITHHOLDING,
    "nra withholding": Kind.WITHHOLDING,
    "foreign tax paid": Kind.WITHHOLDING,
    "service fee": Kind.FEE,
    "adr mgmt fee": Kind.FEE,
    "advisor fee": Kind.FEE,
    "special non qual div": Kind.DIVIDEND,
    "misc cash entry": Kind.OTHER,
    "misc credits": Kind.OTHER,
    "moneylink transfer": (Kind.DEPOSIT, Kind.WITHDRAWAL),
    "moneylink deposit": Kind.DEPOSIT,
    "moneylink adj": (Kind.DEPOSIT, Kind.WITHDRAWAL),
    "wire funds": (Kind.DEPOSIT, Kind.WITHDRAWAL),
    "wire sent": Kind.WITHDRAWAL,
    "wire received": Kind.DEPOSIT,
    "wire funds received": Kind.DEPOSIT,
    "funds received": Kind.DEPOSIT,
    "journal": Kind.TRANSFER,
}


def cash_kind(type_text: str, description: str, amount: Decimal) -> Kind | None:
    """The kind of a movement, None where its word is not known. A description may tell more than the word does."""
    found = _KINDS.get(type_text.strip().lower())
    if isinstance(found, tuple):
        received, paid = found
        found = received if amount >= 0 else paid
    words = description.lower()
    if found is Kind.DIVIDEND and _RETURN_OF_CAPITAL in words:
        return Kind.RETURN_OF_CAPITAL
    return Kind.PAYMENT_IN_LIEU if found is Kind.DIVIDEND and _IN_LIEU in words else found
