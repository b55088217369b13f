"""What orders cost by the record alone: the observations of `execution.tca`, whoever carried the orders out.

What was decided is an order that is no slice of another: a parent that an algorithm worked (its first event says so),
or a plain order. An order that took another's place because of a split or a new ticker was decided anew, at the prices
of its own shares. Of an order the record tells

    arrival    the first step, its own or of one of its slices, with which a broker had it
    end        its terminal step; else, for an order of one session, the close of the session in which it worked
    fills      the executions in force, its own and those of its slices
    prices     the close of the last bar that had ended since the session in which it was decided, or the open of the
               first bar where none had: an evening's decision is held against the close, one before the open against
               the open. Bars of a minute count where the session kept them, daily ones always
    market     the bars that began while it worked, each as one trade of its volume at (high + low + close) / 3

Quotes are not recorded: bid and ask are both that price, so half the spread is a part of the slippage, and spread
capture stays unknown.

A stop protects; it is not decided on at a price of the day, and one that is never reached costs nothing. It counts
where it filled: from its trigger on it is a market (or limit) order, so its arrival price is the stop price, and what
a gap took beyond that is its slippage. When it was triggered is not recorded; its first fill stands for that.

Left out are orders that are not over, and orders that were refused before a broker had them: nothing was given up for
them in the market. An order of a symbol without a known price is a Problem.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from tickledger.bars.calendars import session_close, session_open, sessions
from tickledger.bars.trading_hours import seconds_of
from tickledger.domain.bar import Bar, BarKey, Quote
from tickledger.domain.errors import OrderError, Problem
from tickledger.domain.execution import Execution
from tickledger.domain.market import DAILY
from tickledger.domain.order import Order, OrderEvent, OrderStatus, OrderType, TimeInForce
from tickledger.execution.algos.parent import ParentOrder
from tickledger.execution.order_journal import WORKED_BY_CHILDREN, new_york_date
from tickledger.execution.order_state import TERMINAL
from tickledger.execution.tape import LONGEST_CLOSING
from tickledger.execution.tca import MarketTrade, Observations, OrderCost, order_cost

#: How the cost of an order names the algorithm where one worked it: the record does not tell which.
WORKED: Final = "worked"
_AT_A_BROKER: Final = frozenset({OrderStatus.SUBMITTED, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED})
#: What a stop is once it was reached.
_REACHED: Final = {OrderType.STOP: OrderType.MARKET, OrderType.STOP_LIMIT: OrderType.LIMIT}
_NOTHING: Final = Decimal(0)
_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class DecidedOrder:
    """An order that is over, with what the record tells of how it was carried out.

    `executions` are in time. `arrived_at` is None where no broker ever had it.
    """

    order: Order
    is_worked: bool
    arrived_at: datetime | None
    finished_at: datetime
    executions: tuple[Execution, ...]

    @property
    def is_stop(self) -> bool:
        """Whether it waited for a price to be reached."""
        return self.order.order_type in _REACHED

    @property
    def session_date(self) -> date:
        """The session its cost belongs to: that of the decision; of a stop, that in which it was reached."""
        return self.executions[0].trade_date if self.is_stop else self.order.session_date

    @property
    def last_date(self) -> date:
        """The New York date on which it was over, not before its session."""
        return max(self.session_date, new_york_date(self.finished_at))


def first_session(orders: Iterable[Order], events: Iterable[OrderEvent], *, start: date) -> date:
    """The first session whose decisions may have ended since `start`: those of the evening before, or earlier ones.

    `events` are those since `start`. Stops are left out: their costs belong to when they were reached.
    """
    ended = {event.order_id for event in events if event.status in TERMINAL}
    before = sessions(start - LONGEST_CLOSING, start - timedelta(days=1))[-1:]
    days = [order.session_date for order in orders if order.order_id in ended and order.order_type not in _REACHED]
    return min([start, *before, *days])


def decided_orders(
    orders: Iterable[Order],
    events: Iterable[OrderEvent],
    executions: Iterable[Execution],
    *,
    start: date,
    end: date,
    through: datetime | None,
) -> list[DecidedOrder]:
    """What was decided from `start` to `end` and is over, in the order of `orders`, of one account.

    `events` and `executions` in force are those since `start`. `through` is the close of the last session that the
    record knows the end of: an order without a terminal event is over where its session closed by then.
    """
    steps, fills = _by_order(events), _fills_by_order(executions)
    candidates = [each for each in orders if each.order_type in _REACHED or start <= each.session_date <= end]
    worked = {order_id for order_id, of_order in steps.items() if _is_worked(of_order)}
    slices: dict[str, list[str]] = defaultdict(list)
    for order in candidates:
        if (parent_order_id := order.parent_order_id or "") in worked:
            slices[parent_order_id].append(order.order_id)
    found = (
        _decided(order, [order.order_id, *slices.get(order.order_id, ())], steps, fills, through=through)
        for order in candidates
        if order.parent_order_id not in worked
    )
    return [each for each in found if each is not None and start <= each.session_date <= end]


def order_costs(decided: Iterable[DecidedOrder], bars: Iterable[Bar]) -> tuple[list[OrderCost], list[Problem]]:
    """The cost of each of `decided`, by the recorded `bars` of their symbols from their sessions to their ends.

    Bars may be of several intervals and symbols, in any order.
    """
    by_symbol: dict[str, list[_TimedBar]] = defaultdict(list)
    for bar in bars:
        by_symbol[bar.symbol].append(_timed(bar))
    costs, problems = [], []
    for each in decided:
        found = _cost(each, by_symbol[each.order.symbol])
        if isinstance(found, Problem):
            problems.append(found)
        else:
            costs.append(found)
    return costs, problems


@dataclass(frozen=True, slots=True)
class _TimedBar:
    bar: Bar
    is_daily: bool
    starts_at: datetime
    ends_at: datetime


def _timed(bar: Bar) -> _TimedBar:
    key = BarKey.parse(bar.bar_id)
    if key.interval == DAILY:
        return _TimedBar(
            bar, is_daily=True, starts_at=session_open(bar.session_date), ends_at=session_close(bar.session_date)
        )
    ends_at = key.bar_at + timedelta(seconds=seconds_of(key.interval))
    return _TimedBar(bar, is_daily=False, starts_at=key.bar_at, ends_at=ends_at)


def _by_order(events: Iterable[OrderEvent]) -> Mapping[str, list[OrderEvent]]:
    steps: dict[str, list[OrderEvent]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.sequence):
        steps[event.order_id].append(event)
    return steps


def _fills_by_order(executions: Iterable[Execution]) -> Mapping[str, list[Execution]]:
    fills: dict[str, list[Execution]] = defaultdict(list)
    for execution in executions:
        if execution.quantity:
            fills[execution.order_id].append(execution)
    return fills


def _is_worked(steps: Sequence[OrderEvent]) -> bool:
    return steps[0].sequence == 0 and steps[0].reason == WORKED_BY_CHILDREN


def _decided(
    order: Order,
    order_ids: Sequence[str],
    all_steps: Mapping[str, Sequence[OrderEvent]],
    all_fills: Mapping[str, Sequence[Execution]],
    *,
    through: datetime | None,
) -> DecidedOrder | None:
    """An order with its slices (`order_ids` are all of them); None where it is not over, or cost nothing by nature."""
    own = all_steps.get(order.order_id, ())
    fills = [fill for order_id in order_ids for fill in all_fills.get(order_id, ())]
    fills.sort(key=lambda fill: (fill.executed_at, fill.execution_id))
    if not fills and (order.order_type in _REACHED or (own and own[-1].status is OrderStatus.REJECTED)):
        return None
    finished_at = _finished_at(order, own, fills, through)
    if finished_at is None:
        return None
    steps = (step for order_id in order_ids for step in all_steps.get(order_id, ()))
    told = [step.occurred_at for step in steps if step.status in _AT_A_BROKER]
    arrivals = [*told, *(fill.executed_at for fill in fills[:1])]
    is_worked = bool(own) and _is_worked(own)
    return DecidedOrder(order, is_worked, min(arrivals, default=None), finished_at, tuple(fills))


def _finished_at(
    order: Order, own: Sequence[OrderEvent], fills: Sequence[Execution], through: datetime | None
) -> datetime | None:
    """When an order was over, None where it is not; a fill that was told after the end moves the end."""
    last_fill = [fill.executed_at for fill in fills[-1:]]
    ends = [step.occurred_at for step in own if step.status in TERMINAL]
    if ends or sum((fill.quantity for fill in fills), _NOTHING) >= order.quantity:
        return max([*ends, *last_fill])
    closes_at = None if order.time_in_force is TimeInForce.GTC else _close_after(order)
    return closes_at if closes_at and through and closes_at <= through else None


def _close_after(order: Order) -> datetime | None:
    """The close of the session in which an order of one session works: the first after it was submitted."""
    days = sessions(order.session_date, order.session_date + LONGEST_CLOSING)
    return next((session_close(day) for day in days if session_close(day) > order.submitted_at), None)


def _cost(decided: DecidedOrder, bars: Sequence[_TimedBar]) -> OrderCost | Problem:
    order = _as_worked(decided)
    known = [each for each in bars if decided.session_date <= each.bar.session_date <= decided.last_date]
    price = decided.order.stop_price if decided.is_stop else _price_at(known, order.submitted_at)
    if price is None:
        span = f"{decided.session_date}..{decided.last_date}"
        return Problem(f"order {order.order_id}", f"a bar of {order.symbol} in {span}", "none", severity="warning")
    end_price = _price_at(known, decided.finished_at)
    seen = Observations(
        at_decision=_quote(order.symbol, order.submitted_at, price),
        at_end=_quote(order.symbol, decided.finished_at, price if end_price is None else end_price),
        finished_at=decided.finished_at,
        arrived_at=order.submitted_at if decided.is_stop else decided.arrived_at,
        trades=_trades(known),
    )
    window_ends = max(decided.finished_at, order.submitted_at + _INSTANT)
    algorithm = WORKED if decided.is_worked else decided.order.order_type.lower()
    try:
        parent = ParentOrder(order, order.submitted_at, window_ends)
        return order_cost(parent, decided.executions, seen, algorithm=algorithm)
    except OrderError as error:
        return Problem(f"order {order.order_id}", "fills that are those of what was decided", str(error))


def _as_worked(decided: DecidedOrder) -> Order:
    """The order as it was to be carried out: a stop from when it was reached, as what it then became."""
    order = decided.order
    if not decided.is_stop:
        return order
    return replace(
        order,
        order_type=_REACHED[order.order_type],
        stop_price=None,
        submitted_at=decided.executions[0].executed_at,
        session_date=decided.session_date,
    )


def _price_at(bars: Sequence[_TimedBar], at: datetime) -> Decimal | None:
    """The last price known at an instant; the first open where no bar had ended by then, None where there is no bar.

    Of a minute and a day that end together, the day's close is the official one.
    """
    ended = [each for each in bars if each.ends_at <= at]
    if ended:
        return max(ended, key=lambda each: (each.ends_at, each.is_daily)).bar.close
    return min(bars, key=lambda each: (each.starts_at, not each.is_daily)).bar.open if bars else None


def _trades(bars: Sequence[_TimedBar]) -> list[MarketTrade]:
    """The market's trades: of the minutes in sessions that have them, else of the day."""
    with_minutes = {each.bar.session_date for each in bars if not each.is_daily}
    return [
        MarketTrade(each.starts_at, (each.bar.high + each.bar.low + each.bar.close) / 3, each.bar.volume)
        for each in bars
        if each.is_daily is (each.bar.session_date not in with_minutes)
    ]


def _quote(symbol: str, at: datetime, price: Decimal) -> Quote:
    return Quote(symbol, at, price, price, 0, 0)
