"""From opinions to orders: Signal → TargetPosition → OrderIntent, long or flat, in whole shares.

    BUY                 hold the target weight of equity; nothing to do where that is less than a share
    HOLD                keep what is held
    SELL, CLOSE_LONG    hold nothing
    CLOSE_SHORT         nothing to do: no shorts are held

A position that exists is left alone while it is within `rebalance_band` of its target, so that a signal which
says BUY every day does not trade every day. Leaving a position is never held up by a minimum.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Final

from tickledger.domain.money import exact
from tickledger.domain.order import OrderSide, OrderType, TimeInForce
from tickledger.domain.signal import OrderIntent, Signal, SignalType, TargetPosition

_NOTHING: Final = Decimal(0)
_WHOLE_SHARE: Final = Decimal(1)
_LEAVES: Final = frozenset({SignalType.SELL, SignalType.CLOSE_LONG})


@dataclass(frozen=True, slots=True)
class SizingPolicy:
    """How large a position is and when it is worth a trade.

    `target_weight` is a part of equity, times the signal's confidence where `scales_with_confidence`;
    `minimum_notional` is USD and does not hold up a sale of everything; `rebalance_band` is a part of the target.
    No position is larger than `maximum_quantity` shares, where it is set.
    """

    target_weight: Decimal = Decimal("0.18")
    scales_with_confidence: bool = False
    minimum_notional: Decimal = Decimal(500)
    rebalance_band: Decimal = Decimal("0.25")
    time_in_force: TimeInForce = TimeInForce.DAY
    maximum_quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """What sizing sees of an account at a close: equity in USD, signed shares, closes in USD per share.

    `quantities` counts working orders as filled, so that the same wish is not ordered twice.
    """

    account_id: str
    equity: Decimal
    quantities: Mapping[str, Decimal]
    closes: Mapping[str, Decimal]

    def quantity(self, symbol: str) -> Decimal:
        """Signed shares of `symbol`, zero where there are none."""
        return self.quantities.get(symbol, _NOTHING)


def target_positions(signals: Iterable[Signal], book: Book, *, policy: SizingPolicy) -> list[TargetPosition]:
    """The holding that each signal asks for; none where it asks for no change, or its symbol has no close today."""
    targets = []
    for signal in signals:
        quantity = _wanted(signal, book, policy) if signal.symbol in book.closes else None
        if quantity is not None:
            targets.append(TargetPosition(signal.symbol, quantity, signal.signal_id))
    return targets


def order_intents(
    targets: Iterable[TargetPosition],
    book: Book,
    *,
    policy: SizingPolicy,
    intended_at: datetime,
    session_date: date,
) -> list[OrderIntent]:
    """Market orders from what is held to the targets: sales first, then purchases, each by symbol."""
    intents = [
        OrderIntent(
            account_id=book.account_id,
            symbol=target.symbol,
            side=OrderSide.BUY if change > 0 else OrderSide.SELL,
            quantity=abs(change),
            order_type=OrderType.MARKET,
            reference_price=book.closes[target.symbol],
            signal_id=target.signal_id,
            intended_at=intended_at,
            session_date=session_date,
            time_in_force=policy.time_in_force,
        )
        for target in targets
        if (change := _worthwhile_change(target, book, policy))
    ]
    return sorted(intents, key=lambda intent: (intent.side.sign, intent.symbol))


def intents_of(
    signals: Sequence[Signal], book: Book, *, policy: SizingPolicy, intended_at: datetime, session_date: date
) -> list[OrderIntent]:
    """The orders that `signals` lead to: `target_positions`, then `order_intents`."""
    targets = target_positions(signals, book, policy=policy)
    return order_intents(targets, book, policy=policy, intended_at=intended_at, session_date=session_date)


def _wanted(signal: Signal, book: Book, policy: SizingPolicy) -> Decimal | None:
    if signal.signal_type is SignalType.BUY:
        weight = policy.target_weight
        if policy.scales_with_confidence:
            weight *= exact(signal.confidence)
        shares = (weight * book.equity / book.closes[signal.symbol]).quantize(_WHOLE_SHARE, rounding=ROUND_DOWN)
        if policy.maximum_quantity is not None:
            shares = min(shares, policy.maximum_quantity)
        return shares if shares > 0 else None
    return _NOTHING if signal.signal_type in _LEAVES and book.quantity(signal.symbol) > 0 else None


def _worthwhile_change(target: TargetPosition, book: Book, policy: SizingPolicy) -> Decimal:
    """The signed change of shares that leads to `target`, zero where it is not worth an order."""
    held = book.quantity(target.symbol)
    if target.quantity == 0:
        return -held
    change = (target.quantity - held).quantize(_WHOLE_SHARE, rounding=ROUND_DOWN)
    price = book.closes[target.symbol]
    is_within_band = held > 0 and abs(change) <= policy.rebalance_band * target.quantity
    return _NOTHING if is_within_band or abs(change) * price < policy.minimum_notional else change
