"""Transaction cost analysis: what working a parent order cost against the prices at which it was decided.

With s = +1 for purchases and −1 for sales, Q the shares decided on, q_i and p_i the fills, q = Σ q_i, and the arrival
price P_0, the middle of the spread at the decision:

    average price             P = Σ q_i p_i / q
    execution cost            s (Σ q_i p_i − q P_0)
    slippage                  s (P − P_0) / P_0, in basis points; positive is a cost
    opportunity cost          s (Q − q) (P_T − P_0), P_T the middle when the order was over
    implementation shortfall  execution cost + opportunity cost + commissions and fees; in basis points of Q P_0
    interval VWAP             V = Σ v_j p_j / Σ v_j over the market's trades from arrival to the last fill (or the end,
                              where shares are left); slippage against it s (P − V) / V
    participation             q / Σ v_j
    spread capture            Σ q_i c_i / Σ q_i w_i, w_i the spread at a fill and c_i how far its price lies from the
                              far touch: 1 at the near touch, 0.5 in the middle, 0 at the far one, below 0 beyond it

Source: A. F. Perold, "The Implementation Shortfall: Paper versus Reality", Journal of Portfolio Management 14, 1988.
There the paper portfolio trades all of Q at P_0 without charges; the shortfall is its value less the real one's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from tickledger.domain.bar import Quote
from tickledger.domain.errors import OrderError
from tickledger.domain.execution import Execution
from tickledger.domain.ids import identified
from tickledger.domain.order import OrderSide
from tickledger.execution.algos.parent import ParentOrder
from tickledger.execution.algos.pricing import middle

_NOTHING: Final = Decimal(0)
_BASIS_POINTS: Final = Decimal(10_000)
_RATIO: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class MarketTrade:
    """A trade of the market's, or all those of a minute at their average price, at its start."""

    traded_at: datetime
    price: Decimal
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """What was seen while a parent order was worked.

    `at_decision` is the quote when it was decided on, `at_end` the one when it was over, `finished_at` when that was,
    `arrived_at` when the broker took its first child (None: it never did). `at_fills` are the quotes just before
    fills, by execution id, as far as they are known; `trades` the market's, of at least the time it worked.
    """

    at_decision: Quote
    at_end: Quote
    finished_at: datetime
    arrived_at: datetime | None
    trades: Sequence[MarketTrade] = ()
    at_fills: Mapping[str, Quote] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrderCost:
    """What a parent order cost: prices in USD per share, costs in USD, positive where they cost.

    Ratios and basis points are to six places; they are None where they are not defined: without a fill, without a
    known trade of the market, without a quote at a fill. `participation` is a part of the market's volume in the
    interval. `fees` are commissions and fees; `fees_are_estimated` where the broker has not told all of them.
    """

    order_cost_id: str
    parent_order_id: str
    account_id: str
    symbol: str
    side: OrderSide
    algorithm: str
    session_date: date
    quantity: Decimal
    filled_quantity: Decimal
    decided_at: datetime
    arrived_at: datetime | None
    first_filled_at: datetime | None
    finished_at: datetime
    arrival_price: Decimal
    end_price: Decimal
    average_price: Decimal | None
    interval_vwap: Decimal | None
    market_volume: int
    slippage_bps: Decimal | None
    vwap_slippage_bps: Decimal | None
    execution_cost: Decimal
    opportunity_cost: Decimal
    fees: Decimal
    fees_are_estimated: bool
    implementation_shortfall: Decimal
    shortfall_bps: Decimal
    participation: Decimal | None
    spread_capture: Decimal | None

    @property
    def decision_to_arrival(self) -> float | None:
        """Seconds from the decision until the broker had the first child."""
        return None if self.arrived_at is None else (self.arrived_at - self.decided_at).total_seconds()

    @property
    def arrival_to_first_fill(self) -> float | None:
        """Seconds from then until the first fill."""
        if self.arrived_at is None or self.first_filled_at is None:
            return None
        return (self.first_filled_at - self.arrived_at).total_seconds()


def order_cost(
    parent: ParentOrder, executions: Iterable[Execution], seen: Observations, *, algorithm: str
) -> OrderCost:
    """The cost of `parent`, from the fills of all its children, by the formulas of this module.

    A bust (a fill of no shares) counts for nothing. Raises OrderError for fills of another symbol or side, for more
    shares than were decided on, and for a quote without a price.
    """
    order, sign = parent.order, parent.order.side.sign
    fills = sorted(
        (each for each in executions if each.quantity), key=lambda fill: (fill.executed_at, fill.execution_id)
    )
    _check(parent, fills, seen)
    filled = sum((fill.quantity for fill in fills), _NOTHING)
    notional = sum((fill.quantity * fill.price for fill in fills), _NOTHING)
    arrival, end = middle(seen.at_decision), middle(seen.at_end)
    average = notional / filled if filled else None
    vwap, volume = _market(seen, fills, is_whole=filled == order.quantity)
    execution_cost = sign * (notional - filled * arrival)
    opportunity_cost = sign * (order.quantity - filled) * (end - arrival)
    fees = sum((fill.commission + fill.fees for fill in fills), _NOTHING)
    shortfall = execution_cost + opportunity_cost + fees
    cost = OrderCost(
        order_cost_id="",
        parent_order_id=order.order_id,
        account_id=order.account_id,
        symbol=order.symbol,
        side=order.side,
        algorithm=algorithm,
        session_date=order.session_date,
        quantity=order.quantity,
        filled_quantity=filled,
        decided_at=order.submitted_at,
        arrived_at=seen.arrived_at,
        first_filled_at=fills[0].executed_at if fills else None,
        finished_at=seen.finished_at,
        arrival_price=arrival,
        end_price=end,
        average_price=_to_places(average),
        interval_vwap=_to_places(vwap),
        market_volume=volume,
        slippage_bps=_against(average, arrival, sign),
        vwap_slippage_bps=_against(average, vwap, sign),
        execution_cost=execution_cost,
        opportunity_cost=opportunity_cost,
        fees=fees,
        fees_are_estimated=any(fill.commission_is_estimated for fill in fills),
        implementation_shortfall=shortfall,
        shortfall_bps=_rounded(shortfall / (order.quantity * arrival) * _BASIS_POINTS),
        participation=_rounded(filled / volume) if volume and filled else None,
        spread_capture=_spread_capture(fills, seen.at_fills, order.side),
    )
    return identified("tca", cost)


def _check(parent: ParentOrder, fills: Sequence[Execution], seen: Observations) -> None:
    order = parent.order
    for fill in fills:
        if (fill.symbol, fill.side) != (order.symbol, order.side):
            raise OrderError(
                f"parent order {order.order_id}: expected fills {order.side} {order.symbol}, found "
                f"{fill.side} {fill.symbol} in {fill.execution_id}"
            )
    filled = sum((fill.quantity for fill in fills), _NOTHING)
    if filled > order.quantity:
        raise OrderError(f"parent order {order.order_id}: expected at most {order.quantity} filled, found {filled}")
    for name, quote in (("the decision", seen.at_decision), ("the end", seen.at_end)):
        if not 0 < quote.bid <= quote.ask:
            raise OrderError(
                f"parent order {order.order_id}: expected at {name} a bid above 0 and not above the ask, found "
                f"{quote.bid} and {quote.ask}"
            )


def _market(seen: Observations, fills: Sequence[Execution], *, is_whole: bool) -> tuple[Decimal | None, int]:
    """The market's VWAP and volume in the interval in which the order worked."""
    if seen.arrived_at is None:
        return None, 0
    until = fills[-1].executed_at if fills and is_whole else seen.finished_at
    return interval_vwap(seen.trades, seen.arrived_at, until)


def interval_vwap(trades: Iterable[MarketTrade], start: datetime, end: datetime) -> tuple[Decimal | None, int]:
    """The volume-weighted average price of the trades from `start` to `end`, both included, and their shares."""
    inside = [trade for trade in trades if start <= trade.traded_at <= end and trade.size > 0]
    volume = sum(trade.size for trade in inside)
    notional = sum((trade.price * trade.size for trade in inside), _NOTHING)
    return (notional / volume if volume else None), volume


def _spread_capture(fills: Sequence[Execution], quotes: Mapping[str, Quote], side: OrderSide) -> Decimal | None:
    captured = spreads = _NOTHING
    for fill in fills:
        quote = quotes.get(fill.execution_id)
        if quote is None or not 0 < quote.bid < quote.ask:
            continue
        saved = quote.ask - fill.price if side.sign > 0 else fill.price - quote.bid
        captured += fill.quantity * saved
        spreads += fill.quantity * (quote.ask - quote.bid)
    return _rounded(captured / spreads) if spreads else None


def _against(price: Decimal | None, benchmark: Decimal | None, sign: int) -> Decimal | None:
    """How much worse than `benchmark` a price is, in basis points."""
    if price is None or benchmark is None:
        return None
    return _rounded(sign * (price - benchmark) / benchmark * _BASIS_POINTS)


def _to_places(value: Decimal | None) -> Decimal | None:
    return None if value is None else _rounded(value)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_RATIO, rounding=ROUND_HALF_EVEN)
