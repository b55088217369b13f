"""What a corporate action does to a holding, to its cash and to working orders, before the open of its ex-date.

| kind                   | shares                        | average cost         | cash            | orders    |
|------------------------|-------------------------------|----------------------|-----------------|-----------|
| split                  | × ratio                       | / ratio              | in lieu         | adjusted  |
| dividend               | as they are                   | as it is             | amount × shares | stay      |
| return_of_capital      | as they are                   | − amount, 0 at least | amount × shares | stay      |
| spinoff                | as they are, × ratio new ones | spread by value      | in lieu         | lowered   |
| ticker_change          | under the new symbol          | as it is             | none            | renamed   |
| merger for stock       | × ratio of the new symbol     | / ratio              | in lieu         | cancelled |
| merger for both        | × ratio of the new symbol     | (− cash + gain) / ratio | both         | cancelled |
| merger for cash        | gone                          | gone                 | amount × shares | cancelled |
| delisting with amount  | gone                          | gone                 | amount × shares | cancelled |
| delisting without      | as they are                   | as it is             | none            | cancelled |

The lots of `tickledger.tax` follow the same record by the same rules; shares agree with them always, the cost as
far as an average can agree with lots (commissions are not in it, and a sale leaves it as it is).

Cash is paid for the shares held at the previous close, to the cent, and booked on the ex-date rather than the
later payment date. A fraction of a share is sold where `cash_in_lieu` tells what it brought, and kept otherwise;
a short position keeps its fraction. Cash beside stock in a merger is gain up to the cash (IRC 356): what is not
gain lowers the cost. Stock of a company that was delisted without a payment stays, at its last close, until
somebody decides that it is worthless.

Orders to buy at a limit and stop orders to sell are lowered by the value of what is spun off, as FINRA Rule 5330
has it for distributions; all others stay. Dividends in cash lower no order: ours are marked "do not reduce".
A purchase from a reinvested dividend is an execution like any other.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.errors import InputError, Problem
from tickledger.domain.execution import CashKind, CashTransaction
from tickledger.domain.ids import identified
from tickledger.domain.money import CENT, PRICE_INCREMENT, round_cents
from tickledger.domain.order import Order, OrderType
from tickledger.domain.position import Holding

#: Fractions of a share are kept to a millionth.
SHARE_INCREMENT: Final = Decimal("0.000001")
#: Average costs are kept finer than prices, so that thousands of shares do not turn rounding into cents.
COST_INCREMENT: Final = Decimal("0.00000001")
_WHOLE_SHARE: Final = Decimal(1)
_NOTHING: Final = Decimal(0)

#: The holdings after an action by symbol; empty where nothing is left.
Effect = Callable[[CorporateAction, Holding], Mapping[str, Holding]]
#: Why and how much cash an action pays for a holding.
Payment = Callable[[CorporateAction, Holding], tuple[CashKind, Decimal]]


def holdings_after(action: CorporateAction, holding: Holding) -> Mapping[str, Holding]:
    """What `action` turns `holding` into, by symbol; empty where it ends it. Raises InputError for missing terms."""
    return {symbol: held for symbol, held in _EFFECTS[action.kind](action, holding).items() if held.quantity}


def cash_paid(
    action: CorporateAction, holding: Holding, *, account_id: str, session_date: date
) -> list[CashTransaction]:
    """The cash that `action` pays for `holding` as it was before. Raises InputError for missing terms."""
    paid = [payment(action, holding) for payment in _PAYMENTS.get(action.kind, ())]
    return [
        _transaction(action, holding, kind=kind, amount=amount, account_id=account_id, session_date=session_date)
        for kind, amount in paid
        if amount
    ]


def _transaction(
    action: CorporateAction,
    holding: Holding,
    *,
    kind: CashKind,
    amount: Decimal,
    account_id: str,
    session_date: date,
) -> CashTransaction:
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


def leaves_alone(action: CorporateAction, order: Order) -> bool:
    """Whether a working order on the action's symbol keeps its meaning."""
    if action.kind is CorporateActionKind.SPINOFF:
        is_lowered = order.order_type is OrderType.LIMIT if order.side.sign > 0 else order.order_type in _STOPS
        return not is_lowered
    return action.kind in {CorporateActionKind.DIVIDEND, CorporateActionKind.RETURN_OF_CAPITAL}


def order_after(
    order: Order, *, remaining: Decimal, action: CorporateAction, submitted_at: datetime, session_date: date
) -> Order | None:
    """The order that takes the place of `order`, of which `remaining` shares were open; None where none does."""
    changed = _ORDERS[action.kind](order, remaining, action) if action.kind in _ORDERS else None
    if changed is None:
        return None
    successor = replace(changed, parent_order_id=order.order_id, submitted_at=submitted_at, session_date=session_date)
    return identified("ord", successor)


def _split_order(order: Order, remaining: Decimal, action: CorporateAction) -> Order | None:
    """Whole shares, rounded down; prices divided by the ratio. None where less than a share remains."""
    ratio = _ratio(action)
    quantity = _times(remaining, ratio, increment=_WHOLE_SHARE)
    return _priced(order, quantity, lambda price: split_price(price, action)) if quantity > 0 else None


def _renamed_order(order: Order, remaining: Decimal, action: CorporateAction) -> Order | None:
    return replace(order, symbol=_new_symbol(action), quantity=remaining)


def _lowered_order(order: Order, remaining: Decimal, action: CorporateAction) -> Order | None:
    """Lowered to the cent below (FINRA Rule 5330(a)); nothing where the value is not known or no price is left."""
    if action.ratio is None or action.fmv_new is None:
        return None
    value = spun_off_value(action)
    lowered = _priced(order, remaining, lambda price: (price - value).quantize(CENT, rounding=ROUND_DOWN))
    prices = [price for price in (lowered.limit_price, lowered.stop_price) if price is not None]
    return lowered if all(price > 0 for price in prices) else None


def _priced(order: Order, quantity: Decimal, reprice: Callable[[Decimal], Decimal]) -> Order:
    return replace(
        order,
        quantity=quantity,
        limit_price=None if order.limit_price is None else reprice(order.limit_price),
        stop_price=None if order.stop_price is None else reprice(order.stop_price),
    )


def price_after(price: Decimal, action: CorporateAction) -> Decimal:
    """The last price of a symbol that `action` changes, in terms of a share after it; as it is where that is nothing.

    A spin-off without values leaves it, and so does one that is said to be worth more than the share was.
    """
    if action.kind is CorporateActionKind.SPLIT:
        return split_price(price, action)
    if action.kind is CorporateActionKind.SPINOFF and action.ratio is not None and action.fmv_new is not None:
        lowered = (price - spun_off_value(action)).quantize(PRICE_INCREMENT, rounding=ROUND_HALF_UP)
        return lowered if lowered > 0 else price
    return price


def split_price(price: Decimal, action: CorporateAction) -> Decimal:
    """A price of before the split in terms of the new shares, to a hundredth of a cent."""
    return _divided(price, _ratio(action)).quantize(PRICE_INCREMENT, rounding=ROUND_HALF_UP)


def spun_off_value(action: CorporateAction) -> Decimal:
    """What a spin-off hands out for each old share, USD."""
    ratio = _ratio(action)
    return _amount(action, "fmv_new") * ratio.numerator / ratio.denominator


def spun_off_part(action: CorporateAction) -> Fraction:
    """The part of an old share's cost that goes with the shares spun off: by value (Pub. 550, p. 64; IRC 358)."""
    new = Fraction(_amount(action, "fmv_new")) * _ratio(action)
    whole = Fraction(_amount(action, "fmv_old")) + new
    if not whole:
        raise _refused(action, column="fmv_old", expected="values fmv_old and fmv_new above 0", found="0")
    return new / whole


def _split(action: CorporateAction, holding: Holding) -> Mapping[str, Holding]:
    return {action.symbol: _exchanged(action, holding, cost=holding.average_cost)}


def _exchanged(action: CorporateAction, holding: Holding, *, cost: Decimal) -> Holding:
    """`ratio` shares for each of the holding, which together cost what `cost` a share says; whole, where paid for."""
    ratio = _ratio(action)
    increment = _WHOLE_SHARE if _is_fraction_sold(action, holding) else SHARE_INCREMENT
    return Holding(_times(holding.quantity, ratio, increment=increment), _cost(_divided(cost, ratio)))


def _is_fraction_sold(action: CorporateAction, holding: Holding) -> bool:
    return bool(action.cash_in_lieu) and holding.quantity > 0


def _cash_in_lieu(action: CorporateAction, holding: Holding) -> tuple[CashKind, Decimal]:
    """The whole of what is paid for a fraction, where there is one."""
    is_paid = False
    if action.ratio is not None and _is_fraction_sold(action, holding):
        is_paid = holding.quantity * action.ratio.numerator % action.ratio.denominator != 0
    return CashKind.CASH_IN_LIEU, (action.cash_in_lieu or _NOTHING) if is_paid else _NOTHING


def _unchanged(action: CorporateAction, holding: Holding) -> Mapping[str, Holding]:
    return {action.symbol: holding}


def _return_of_capital(action: CorporateAction, holding: Holding) -> Mapping[str, Holding]:
    """What exceeds the cost is gain, as with lots (IRC 301(c)(3))."""
    cost = max(holding.average_cost - _amount(action, "amount"), _NOTHING)
    return {action.symbol: replace(holding, average_cost=_cost(cost))}


def _spinoff(action: CorporateAction, holding: Holding) -> Mapping[str, Holding]:
    part = spun_off_part(action)
    handed_out = holding.average_cost * part.numerator / part.denominator
    kept = replace(holding, average_cost=_cost(holding.average_cost - handed_out))
    return {action.symbol: kept, _new_symbol(action): _exchanged(action, holding, cost=handed_out)}


def _ticker_change(action: CorporateAction, holding: Holding) -> Mapping[str, Holding]:
    return {_new_symbol(action): holding}


def _merger(action: CorporateAction, holding: Holding) -> Mapping[str, Holding]:
    if action.ratio is None and action.new_symbol is None:
        _amount(action, "amount")
        return {}
    cost = _cost_beside_cash(action, holding) if action.amount else holding.average_cost
    return {_new_symbol(action): _exchanged(action, holding, cost=cost)}


def _cost_beside_cash(action: CorporateAction, holding: Holding) -> Decimal:
    """The cost of an old share less the cash paid on it, but for what of the cash is gain (IRC 356, 358(a))."""
    if holding.quantity < 0:
        raise _refused(
            action, column="amount", expected="no short position in a merger for stock and cash", found="one"
        )
    paid = _amount(action, "amount")
    gain = spun_off_value(action) + paid - holding.average_cost
    return holding.average_cost - paid + min(max(gain, _NOTHING), paid)


def _delisting(action: CorporateAction, holding: Holding) -> Mapping[str, Holding]:
    return {} if action.amount is not None else {action.symbol: holding}


def _per_share(kind: CashKind, *, is_optional: bool = False) -> Payment:
    def payment(action: CorporateAction, holding: Holding) -> tuple[CashKind, Decimal]:
        amount = _NOTHING if is_optional and action.amount is None else _amount(action, "amount")
        return kind, round_cents(holding.quantity * amount)

    return payment


def _times(quantity: Decimal, ratio: Fraction, *, increment: Decimal) -> Decimal:
    return (quantity * ratio.numerator / ratio.denominator).quantize(increment, rounding=ROUND_DOWN)


def _divided(amount: Decimal, ratio: Fraction) -> Decimal:
    return amount * ratio.denominator / ratio.numerator


def _cost(price: Decimal) -> Decimal:
    return price.quantize(COST_INCREMENT, rounding=ROUND_HALF_UP)


def _ratio(action: CorporateAction) -> Fraction:
    if action.ratio is None or action.ratio <= 0:
        raise _refused(action, column="ratio", expected="new shares per old share", found=str(action.ratio))
    return action.ratio


def _amount(action: CorporateAction, column: str) -> Decimal:
    amount: Decimal | None = getattr(action, column)
    if amount is None:
        raise _refused(action, column=column, expected="USD per share", found="none")
    return amount


def _new_symbol(action: CorporateAction) -> str:
    if action.new_symbol is None or action.new_symbol == action.symbol:
        raise _refused(action, column="new_symbol", expected="the new ticker", found=action.new_symbol or "none")
    return action.new_symbol


def _refused(action: CorporateAction, *, column: str, expected: str, found: str) -> InputError:
    where = f"corporate action {action.symbol} {action.ex_date} {action.kind}"
    return InputError([Problem(where, expected=expected, found=found, column=column)])


_STOPS: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
_EFFECTS: Final[Mapping[CorporateActionKind, Effect]] = {
    CorporateActionKind.SPLIT: _split,
    CorporateActionKind.DIVIDEND: _unchanged,
    CorporateActionKind.RETURN_OF_CAPITAL: _return_of_capital,
    CorporateActionKind.SPINOFF: _spinoff,
    CorporateActionKind.TICKER_CHANGE: _ticker_change,
    CorporateActionKind.MERGER: _merger,
    CorporateActionKind.DELISTING: _delisting,
}
_PAYMENTS: Final[Mapping[CorporateActionKind, tuple[Payment, ...]]] = {
    CorporateActionKind.SPLIT: (_cash_in_lieu,),
    CorporateActionKind.DIVIDEND: (_per_share(CashKind.DIVIDEND),),
    CorporateActionKind.RETURN_OF_CAPITAL: (_per_share(CashKind.RETURN_OF_CAPITAL),),
    CorporateActionKind.SPINOFF: (_cash_in_lieu,),
    CorporateActionKind.MERGER: (_per_share(CashKind.MERGER, is_optional=True), _cash_in_lieu),
    CorporateActionKind.DELISTING: (_per_share(CashKind.MERGER, is_optional=True),),
}
#: What becomes of working orders; of kinds that are not here nothing does.
_ORDERS: Final[Mapping[CorporateActionKind, Callable[[Order, Decimal, CorporateAction], Order | None]]] = {
    CorporateActionKind.SPLIT: _split_order,
    CorporateActionKind.SPINOFF: _lowered_order,
    CorporateActionKind.TICKER_CHANGE: _renamed_order,
}
