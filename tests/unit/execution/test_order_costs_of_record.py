"""What orders cost by the record: examples worked out by hand, and Perold's paper portfolio less the real one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading import bar, order
from tickledger.bars.calendars import session_close, session_open
from tickledger.domain.bar import Bar, BarKey
from tickledger.domain.execution import Execution
from tickledger.domain.order import Order, OrderEvent, OrderStatus, TimeInForce
from tickledger.execution.order_costs_of_record import (
    WORKED,
    DecidedOrder,
    decided_orders,
    first_session,
    order_costs,
)
from tickledger.execution.order_journal import WORKED_BY_CHILDREN
from tickledger.execution.tca import OrderCost

D = Decimal
DAY, NEXT_DAY = date(2012, 1, 3), date(2012, 1, 4)
CLOSE, OPEN = session_close(DAY), session_open(NEXT_DAY)
PENDING, SUBMITTED, PARTLY, FILLED, CANCELLED, REJECTED = (
    OrderStatus.PENDING,
    OrderStatus.SUBMITTED,
    OrderStatus.PARTIALLY_FILLED,
    OrderStatus.FILLED,
    OrderStatus.CANCELLED,
    OrderStatus.REJECTED,
)


def decimals(*numbers: int | str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, numbers))


def ten(text: str) -> datetime:
    """An instant of the hour from ten in the morning in New York on, as ``"mm:ss"``."""
    minutes, seconds = map(int, text.split(":"))
    return datetime.combine(DAY, time(15, minutes, seconds), UTC)


def minute(start: str, prices: str, volume: int) -> Bar:
    """A minute of X, its prices as ``"open high low close"``."""
    key = BarKey("X", "1min", ten(start))
    open_, high, low, close = map(Decimal, prices.split())
    return Bar(str(key), "X", DAY, open_, high, low, close, volume)


def life(of: Order, *steps: tuple[OrderStatus, datetime], reason: str = "") -> list[OrderEvent]:
    """The events of an order; `reason` is the first one's."""
    return [
        OrderEvent(of.order_id, number, status, at, at.date(), "" if number else reason)
        for number, (status, at) in enumerate(steps)
    ]


def fill(of: Order, quantity: str, price: str, at: datetime, commission: str = "1") -> Execution:
    return Execution(
        execution_id=f"exec_{of.order_id}_{at:%H%M%S}",
        order_id=of.order_id,
        account_id=of.account_id,
        symbol=of.symbol,
        side=of.side,
        quantity=D(quantity),
        price=D(price),
        commission=D(commission),
        fees=D(0),
        executed_at=at,
        trade_date=at.date(),
    )


def decided(
    orders: Sequence[Order], events: Sequence[OrderEvent], fills: Sequence[Execution] = (), through: date = NEXT_DAY
) -> list[DecidedOrder]:
    return decided_orders(orders, events, fills, start=DAY, end=NEXT_DAY, through=session_close(through))


def cost_of(
    orders: Sequence[Order], events: Sequence[OrderEvent], fills: Sequence[Execution], bars: Sequence[Bar]
) -> OrderCost:
    (found,), problems = order_costs(decided(orders, events, fills), bars)
    assert problems == []
    return found


def evening(text: str = "BUY 100 X") -> Order:
    """An order that is decided at the close, as the tests' builder submits it."""
    assert order(text).submitted_at == CLOSE
    return order(text)


TWO_DAYS = [bar("X", "2012-01-03", "9 12 8 10", 5_000), bar("X", "2012-01-04", "10.20 11 9 10.60", 20_000)]


def test_an_evenings_order_is_held_against_the_close_at_which_it_was_decided() -> None:
    """100 at the close of 10.00, filled at 10.25 in the next morning: 25 dollars, 250 bps, and a dollar of commission.

    The market traded 20,000 on that day, at (11 + 9 + 10.60) / 3 = 10.20: a fill 49.019608 bps above it, half a percent
    of the volume.
    """
    bought = evening()
    events = life(bought, (PENDING, CLOSE), (SUBMITTED, CLOSE), (FILLED, OPEN))
    cost = cost_of([bought], events, [fill(bought, "100", "10.25", OPEN)], TWO_DAYS)
    assert (cost.parent_order_id, cost.algorithm, cost.session_date) == (bought.order_id, "market", DAY)
    assert (cost.arrival_price, cost.execution_cost, cost.opportunity_cost, cost.fees) == decimals(10, 25, 0, 1)
    assert (cost.implementation_shortfall, cost.shortfall_bps, cost.slippage_bps) == decimals(26, 260, 250)
    assert (cost.decided_at, cost.arrived_at, cost.finished_at) == (CLOSE, CLOSE, OPEN)
    assert (cost.interval_vwap, cost.market_volume) == (D("10.2"), 20_000)
    assert (cost.vwap_slippage_bps, cost.participation) == (D("49.019608"), D("0.005"))
    assert cost.spread_capture is None


def worked_parent() -> tuple[list[Order], list[OrderEvent], list[Execution]]:
    """A sale of 300 decided at 10:02:30: of two slices one fills whole, one in part; the rest is taken back."""
    parent = replace(evening("SELL 300 X"), submitted_at=ten("2:30"))
    slices = [
        replace(parent, order_id=f"slice_{at:%M}", quantity=D(150), submitted_at=at, parent_order_id=parent.order_id)
        for at in (ten("2:31"), ten("4:00"))
    ]
    events = [
        *life(
            parent, (PENDING, ten("2:30")), (PARTLY, ten("3:10")), (CANCELLED, ten("6:00")), reason=WORKED_BY_CHILDREN
        ),
        *life(slices[0], (PENDING, ten("2:31")), (SUBMITTED, ten("2:33")), (FILLED, ten("3:10"))),
        *life(slices[1], (PENDING, ten("4:00")), (SUBMITTED, ten("4:01")), (CANCELLED, ten("6:00"))),
    ]
    fills = [fill(slices[0], "150", "19.95", ten("3:10")), fill(slices[1], "50", "19.80", ten("4:30"))]
    return [parent, *slices], events, fills


MINUTES = [
    minute("0:00", "20.10 20.20 20 20.10", 900),
    minute("1:00", "20.10 20.10 20 20", 900),
    minute("2:00", "20 20 19 19", 900),
    minute("3:00", "19.95 20 19.90 19.95", 600),
    minute("4:00", "19.80 19.90 19.70 19.80", 400),
    minute("5:00", "19.60 19.60 19.50 19.50", 500),
    minute("6:00", "15 15 15 15", 100),
    bar("X", "2012-01-03", "21 22 8 10", 50_000),
]


def test_a_worked_parent_has_the_fills_of_its_slices_and_the_market_of_its_minutes() -> None:
    """The last minute that was over at 10:02:30 closed at 20.00. 150 at 19.95 and 50 at 19.80 cost 7.50 and 10.

    100 were not sold, and X was at 19.50 when the rest was taken back: 50. With 2 of commissions 69.50, of 6,000
    115.833333 bps. From 10:02:33, when the first slice arrived, to 10:06:00 the minutes of 10:03 to 10:06 began: 600 at
    19.95, 400 at 19.80, 500 at 19.533333 and 100 at 15, in all 31,156.666667 / 1,600 = 19.472917.
    """
    orders, events, fills = worked_parent()
    cost = cost_of(orders, events, fills, MINUTES)
    assert (cost.parent_order_id, cost.algorithm) == (orders[0].order_id, WORKED)
    assert (cost.arrival_price, cost.end_price, cost.filled_quantity) == decimals(20, "19.5", 200)
    assert (cost.execution_cost, cost.opportunity_cost, cost.fees) == decimals("17.5", 50, 2)
    assert (cost.implementation_shortfall, cost.shortfall_bps) == (D("69.5"), D("115.833333"))
    assert (cost.arrived_at, cost.first_filled_at, cost.finished_at) == (ten("2:33"), ten("3:10"), ten("6:00"))
    assert (cost.interval_vwap, cost.market_volume) == (D("19.472917"), 1_600)
    assert cost.participation == D("0.125")


def test_an_order_that_never_filled_cost_what_was_missed_by_the_close() -> None:
    """No terminal event was told: a day's order is over at the close of the next session, at 10.60 instead of 10."""
    wanted = evening("BUY 100 X LIMIT 9.50")
    events = life(wanted, (PENDING, CLOSE), (SUBMITTED, CLOSE))
    cost = cost_of([wanted], events, [], TWO_DAYS)
    assert (cost.algorithm, cost.finished_at) == ("limit", session_close(NEXT_DAY))
    assert (cost.opportunity_cost, cost.implementation_shortfall, cost.end_price) == decimals(60, 60, "10.6")
    assert cost.average_price is None
    assert decided([wanted], events, through=DAY) == []
    assert decided([replace(wanted, time_in_force=TimeInForce.GTC)], events) == []


def test_an_order_of_before_the_open_is_held_against_the_open() -> None:
    """Also where the day before is known: its close is that of other shares where a split took effect."""
    bought = replace(evening(), submitted_at=OPEN - timedelta(microseconds=1), session_date=NEXT_DAY)
    events = life(bought, (PENDING, bought.submitted_at), (SUBMITTED, bought.submitted_at), (FILLED, OPEN))
    cost = cost_of([bought], events, [fill(bought, "100", "10.21", OPEN)], TWO_DAYS)
    assert (cost.arrival_price, cost.execution_cost) == (D("10.2"), D(1))


def test_what_a_split_replaced_cost_nothing_and_its_successor_is_decided_anew() -> None:
    """100 decided at 10 become 200 at the open of 5.10: the first is over before any share has another price."""
    first, before_open = evening(), OPEN - timedelta(microseconds=1)
    successor = replace(
        first,
        order_id="ord_after",
        quantity=D(200),
        submitted_at=before_open,
        session_date=NEXT_DAY,
        parent_order_id=first.order_id,
    )
    events = [
        *life(first, (PENDING, CLOSE), (SUBMITTED, CLOSE), (CANCELLED, before_open)),
        *life(successor, (PENDING, before_open), (SUBMITTED, before_open), (FILLED, OPEN)),
    ]
    bars = [TWO_DAYS[0], bar("X", "2012-01-04", "5.10 5.50 5 5.30")]
    costs, problems = order_costs(decided([first, successor], events, [fill(successor, "200", "5.11", OPEN)]), bars)
    assert problems == []
    assert [(cost.implementation_shortfall, cost.execution_cost) for cost in costs] == [(D(0), D(0)), (D(3), D(2))]


def test_a_stop_costs_what_it_sold_below_its_trigger_on_the_day_it_was_reached() -> None:
    """100 to be sold at 9.50 or worse, at 9.20 in a gap: 30 dollars. A stop that was never reached cost nothing."""
    stop = replace(evening("SELL 100 X STOP 9.50"), time_in_force=TimeInForce.GTC, session_date=date(2011, 12, 1))
    asleep = replace(stop, order_id="ord_asleep")
    events = [*life(stop, (SUBMITTED, CLOSE), (FILLED, OPEN)), *life(asleep, (SUBMITTED, CLOSE), (CANCELLED, OPEN))]
    cost = cost_of([stop, asleep], events, [fill(stop, "100", "9.20", OPEN)], TWO_DAYS)
    assert (cost.algorithm, cost.session_date, cost.decided_at) == ("stop", NEXT_DAY, OPEN)
    assert (cost.arrival_price, cost.execution_cost, cost.opportunity_cost) == (D("9.5"), D(30), D(0))


def test_what_was_refused_before_a_broker_had_it_is_left_out() -> None:
    refused = evening()
    assert decided([refused], life(refused, (PENDING, CLOSE), (REJECTED, CLOSE))) == []


def test_an_order_without_a_price_and_one_with_too_many_fills_are_told_and_cost_the_others_nothing() -> None:
    unknown, too_many, good = (replace(evening(f"BUY 100 {name}"), order_id=name) for name in ("Y", "X1", "X2"))
    too_many, good = (replace(each, symbol="X") for each in (too_many, good))
    events = [step for each in (unknown, too_many, good) for step in life(each, (SUBMITTED, CLOSE), (CANCELLED, OPEN))]
    found = decided([unknown, too_many, good], events, [fill(too_many, "101", "10", OPEN)])
    costs, problems = order_costs(found, TWO_DAYS)
    assert [cost.parent_order_id for cost in costs] == ["X2"]
    assert [problem.where for problem in problems] == ["order Y", "order X1"]
    assert "a bar of Y in 2012-01-03..2012-01-04" in str(problems[0])


@pytest.mark.parametrize(
    ("decided_on", "kind", "first"),
    [
        (date(2012, 1, 3), "BUY 100 X", date(2012, 1, 3)),
        (date(2011, 12, 1), "BUY 100 X LIMIT 9", date(2011, 12, 1)),
        (date(2011, 12, 1), "SELL 100 X STOP 9", date(2011, 12, 30)),
    ],
)
def test_costs_are_worked_out_from_the_first_decision_that_ended_in_the_period(
    decided_on: date, kind: str, first: date
) -> None:
    """Of a year that is the evening before it, at least; an order that worked for longer takes it farther back."""
    ended = replace(evening(kind), session_date=decided_on)
    start = date(2012, 1, 1) if first.year == 2011 else NEXT_DAY
    assert first_session([ended], life(ended, (CANCELLED, OPEN)), start=start) == first


cents = st.integers(500, 2_000).map(lambda units: D(units).scaleb(-2))


@given(
    side=st.sampled_from(["BUY", "SELL"]),
    slices=st.lists(st.tuples(st.integers(0, 100), cents), min_size=1, max_size=5),
    close=cents,
    end=cents,
)
def test_the_shortfall_is_the_paper_portfolio_less_the_real_one(
    side: str, slices: list[tuple[int, Decimal]], close: Decimal, end: Decimal
) -> None:
    """On paper all shares trade at the decision's price, without charges; both are worth the last price in the end."""
    parent = evening(f"{side} {100 * len(slices)} X")
    events = life(parent, (PENDING, CLOSE), (CANCELLED, session_close(NEXT_DAY)), reason=WORKED_BY_CHILDREN)
    orders, fills = [parent], []
    for number, (filled, price) in enumerate(slices):
        child = replace(parent, order_id=f"slice_{number}", quantity=D(100), parent_order_id=parent.order_id)
        orders.append(child)
        events += life(child, (SUBMITTED, OPEN))
        fills += [fill(child, str(filled), str(price), OPEN + timedelta(minutes=number))]
    bars = [
        bar("X", "2012-01-03", f"{close} {close} {close} {close}"),
        bar("X", "2012-01-04", f"{end} {end} {end} {end}"),
    ]
    cost = cost_of(orders, events, fills, bars)
    sign = parent.side.sign
    paper = sign * parent.quantity * (end - close)
    real = sum((sign * each.quantity * (end - each.price) - each.commission for each in fills if each.quantity), D(0))
    assert cost.implementation_shortfall == paper - real
