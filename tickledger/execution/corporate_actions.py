"""What a corporate action does to a holding, to its cash and to working orders, before the open of its ex-date.

| kind              | shares                             | average cost     | cash                            |
|-------------------|------------------------------------|------------------|---------------------------------|
| split             | × ratio; whole, where cash in lieu | / ratio          | in lieu of the fraction         |
| dividend          | as they are                        | as it is         | amount × shares, on the ex-date |
| return_of_capital | as they are                        | − amount         | amount × shares                 |
| ticker_change     | under the new symbol               | as it is         | none                            |
| merger for cash   | gone                               | gone             | amount × shares                 |

Cash is paid for the shares held at the previous close, to the cent, and booked on the ex-date rather than the
later payment date. A split comes before a dividend of the same day, whose amount is per new share. A fraction
without cash in lieu is kept. What is not in the table (a spin-off, a merger for stock, a delisting) stops a
session that holds the symbol: InputError names the action.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.errors import InputError, Problem
from tickledger.domain.execution import CashKind, CashTransaction
from tickledger.domain.ids import identified
from tickledger.domain.money import PRICE_INCREMENT, round_cents
from tickledger.domain.order import Order
from tickledger.domain.position import Holding

#: Fractions of a share are kept to a millionth.
SHARE_INCREMENT: Final = Decimal("0.000001")
#: Average costs are kept finer than prices, so that thousands of shares do not turn rounding into cents.
COST_INCREMENT: Final = Decimal("0.00000001")
_WHOLE_SHARE: Final = Decimal(1)

#: The holding and its symbol after an action; None where nothing is left.
Effect = Callable[[CorporateAction, Holding], tuple[str, Holding] | None]
#: Why and how much cash an action pays for a holding.
Payment = Callable[[CorporateAction, Holding], tuple[CashKind, Decimal]]


def in_order(actions: Iterable[CorporateAction]) -> list[CorporateAction]:
    """The actions of one day, those that change shares before those that pay for them."""
    pays_last = {CorporateActionKind.DIVIDEND, CorporateActionKind.RETURN_OF_CAPITAL}
    return sorted(actions, key=lambda action: (action.kind in pays_last, action.symbol, action.kind))


def holding_after(action: CorporateAction, holding: Holding) -> tuple[str, Holding] | None:
    """What `action` turns `holding` into, with its symbol; None where it ends it. Raises InputError."""
    return _EFFECTS.get(action.kind, _unsupported)(action, holding)


def cash_paid(
    action: CorporateAction, holding: Holding, *, account_id: str, session_date: date
) -> CashTransaction | None:
    """The cash that `action` pays for `holding` as it was before; None where it pays none. Raises InputError."""
    if action.kind not in _PAYMENTS:
        return None
    kind, amount = _PAYMENTS[action.kind](action, holding)
    if not amount:
        return None
    paid = CashTransaction(
        cash_transaction_id="",
        account_id=account_id,
        kind=kind,
        amount=amount,
        session_date=session_date,
        symbol=action.symbol,
        description=f"{action.kind} of {action.symbol} on {holding.quantity.normalize():f} shares",
        corporate_action_id=action.corporate_action_id,
    )
    return identified("cash", paid)


def leaves_orders_alone(action: CorporateAction) -> bool:
    """Whether working orders on the symbol keep their meaning."""
    return action.kind in {CorporateActionKind.DIVIDEND, CorporateActionKind.RETURN_OF_CAPITAL}


def split_order(
    order: Order, *, remaining: Decimal, action: CorporateAction, submitted_at: datetime, session_date: date
) -> Order | None:
    """The order that takes the place of `order`, of which `remaining` shares were open, after a split.

    Whole shares, rounded down; prices divided by the ratio. None where less than a share remains.
    """
    ratio = _ratio(action)
    quantity = _times(remaining, ratio.numerator, ratio.denominator, increment=_WHOLE_SHARE)
    if quantity <= 0:
        return None
    successor = replace(
        order,
        parent_order_id=order.order_id,
        quantity=quantity,
        submitted_at=submitted_at,
        session_date=session_date,
        limit_price=None if order.limit_price is None else split_price(order.limit_price, action),
        stop_price=None if order.stop_price is None else split_price(order.stop_price, action),
    )
    return identified("ord", successor)


def split_price(price: Decimal, action: CorporateAction) -> Decimal:
    """A price of before the split in terms of the new shares, to a hundredth of a cent."""
    ratio = _ratio(action)
    return (price * ratio.denominator / ratio.numerator).quantize(PRICE_INCREMENT, rounding=ROUND_HALF_UP)


def _times(quantity: Decimal, numerator: int, denominator: int, *, increment: Decimal) -> Decimal:
    return (quantity * numerator / denominator).quantize(increment, rounding=ROUND_DOWN)


def _ratio(action: CorporateAction) -> Fraction:
    if action.ratio is None or action.ratio <= 0:
        raise _refused(action, column="ratio", expected="new shares per old share", found=str(action.ratio))
    return action.ratio


def _amount(action: CorporateAction) -> Decimal:
    if action.amount is None:
        raise _refused(action, column="amount", expected="USD per share", found="none")
    return action.amount


def _refused(action: CorporateAction, *, column: str, expected: str, found: str) -> InputError:
    where = f"corporate action {action.symbol} {action.ex_date} {action.kind}"
    return InputError([Problem(where, expected=expected, found=found, column=column)])


def _split(action: CorporateAction, holding: Holding) -> tuple[str, Holding] | None:
    ratio = _ratio(action)
    increment = SHARE_INCREMENT if action.cash_in_lieu is None else _WHOLE_SHARE
    quantity = _times(holding.quantity, ratio.numerator, ratio.denominator, increment=increment)
    if not quantity:
        return None
    average_cost = _cost(holding.average_cost * ratio.denominator / ratio.numerator)
    return action.symbol, Holding(quantity, average_cost)


def _cash_in_lieu(action: CorporateAction, holding: Holding) -> tuple[CashKind, Decimal]:
    ratio = _ratio(action)
    is_whole = holding.quantity * ratio.numerator % ratio.denominator == 0
    amount = action.cash_in_lieu if action.cash_in_lieu is not None and not is_whole else Decimal(0)
    return CashKind.CASH_IN_LIEU, amount


def _unchanged(action: CorporateAction, holding: Holding) -> tuple[str, Holding] | None:
    return action.symbol, holding


def _return_of_capital(action: CorporateAction, holding: Holding) -> tuple[str, Holding] | None:
    return action.symbol, replace(holding, average_cost=_cost(holding.average_cost - _amount(action)))


def _ticker_change(action: CorporateAction, holding: Holding) -> tuple[str, Holding] | None:
    if action.new_symbol is None:
        raise _refused(action, column="new_symbol", expected="the new ticker", found="none")
    return action.new_symbol, holding


def _merger(action: CorporateAction, _holding: Holding) -> tuple[str, Holding] | None:
    if action.ratio is not None or action.new_symbol is not None:
        raise _refused(action, column="ratio", expected="a merger for cash alone while held", found="one for stock")
    return None


def _unsupported(action: CorporateAction, _holding: Holding) -> tuple[str, Holding] | None:
    expected = f"one of {', '.join(sorted(_EFFECTS))} while the symbol is held"
    raise _refused(action, column="kind", expected=expected, found=str(action.kind))


def _per_share(kind: CashKind) -> Payment:
    def payment(action: CorporateAction, holding: Holding) -> tuple[CashKind, Decimal]:
        return kind, round_cents(holding.quantity * _amount(action))

    return payment


def _cost(price: Decimal) -> Decimal:
    return price.quantize(COST_INCREMENT, rounding=ROUND_HALF_UP)


_EFFECTS: Final[Mapping[CorporateActionKind, Effect]] = {
    CorporateActionKind.SPLIT: _split,
    CorporateActionKind.DIVIDEND: _unchanged,
    CorporateActionKind.RETURN_OF_CAPITAL: _return_of_capital,
    CorporateActionKind.TICKER_CHANGE: _ticker_change,
    CorporateActionKind.MERGER: _merger,
}
_PAYMENTS: Final[Mapping[CorporateActionKind, Payment]] = {
    CorporateActionKind.SPLIT: _cash_in_lieu,
    CorporateActionKind.DIVIDEND: _per_share(CashKind.DIVIDEND),
    CorporateActionKind.RETURN_OF_CAPITAL: _per_share(CashKind.RETURN_OF_CAPITAL),
    CorporateActionKind.MERGER: _per_share(CashKind.MERGER),
}
