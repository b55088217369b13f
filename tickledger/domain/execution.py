"""Executions: one fill each, as the broker reports it, and the cash that moves without one."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from tickledger.domain.order import OrderSide


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill. `commission` is the broker's own charge and `fees` the regulatory ones, both USD, ≥ 0.

    `commission_is_estimated` marks a charge whose dated rate is missing from the fee table.
    `trade_date` is the New York date of `executed_at`; `price` is USD per share, slippage included.
    """

    execution_id: str
    order_id: str
    account_id: str
    symbol: str
    side: OrderSide
    quantity: Decimal
    price: Decimal
    commission: Decimal
    fees: Decimal
    executed_at: datetime
    trade_date: date
    bar_id: str | None = None
    exchange: str = ""
    commission_is_estimated: bool = False


class CashKind(StrEnum):
    """Why cash moved without an execution."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    DIVIDEND = "dividend"
    CASH_IN_LIEU = "cash_in_lieu"
    RETURN_OF_CAPITAL = "return_of_capital"
    MERGER = "merger"
    INTEREST = "interest"
    FEE = "fee"


@dataclass(frozen=True, slots=True)
class CashTransaction:
    """Cash in (positive) or out (negative) of an account that no execution explains, USD.

    `corporate_action_id` names the event that moved it, where one did.
    """

    cash_transaction_id: str
    account_id: str
    kind: CashKind
    amount: Decimal
    session_date: date
    symbol: str | None = None
    description: str = ""
    corporate_action_id: str | None = None
