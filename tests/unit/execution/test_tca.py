"""Transaction costs against an example computed by hand, and against Perold's definition."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading import order
from tests.unit.execution.algos.desk import DAY, HOUR, START, at, quote
from tickledger.domain.errors import OrderError
from tickledger.domain.execution import Execution
from tickledger.execution.algos.parent import ParentOrder
from tickledger.execution.tca import MarketTrade, Observations, interval_vwap, order_cost

D = Decimal


def parent(text: str) -> ParentOrder:
    return ParentOrder(replace(order(text), submitted_at=START), START, START + HOUR)


def fill(
    number: int, quantity: int | str, price: str, when: datetime, *, worked: ParentOrder, commission: str = "0"
) -> Execution:
    return Execution(
        execution_id=f"exec_{number}",
        order_id=f"ord_child_{number}",
        account_id=worked.order.account_id,
        symbol=worked.order.symbol,
        side=worked.order.side,
        quantity=D(quantity),
        price=D(price),
        commission=D(commission),
        fees=D(0),
        executed_at=when,
        trade_date=DAY,
    )


def seen(
    decision: str = "49.99 50.01",
    end: str = "50.19 50.21",
    *,
    arrived_at: datetime | None = START,
    trades: Sequence[MarketTrade] = (),
    **at_fills: str,
) -> Observations:
    return Observations(
        at_decision=quote(decision),
        at_end=quote(end),
        finished_at=START + HOUR,
        arrived_at=arrived_at,
        trades=trades,
        at_fills={name: quote(prices) for name, prices in at_fills.items()},
    )


def test_a_purchase_that_is_filled_in_part_by_hand() -> None:
    """10,000 decided at 50.00; 4,000 at 50.02 and 3,000 at 50.05, the middle at the end 50.20.

    Execution: 4,000 × 0.02 + 3,000 × 0.05 = 230. Opportunity: 3,000 × 0.20 = 600. Charges 35. Together 865, of
    500,000 on paper 17.3 bps. Average 350,230 / 7,000 = 50.032857, 6.571429 bps above 50.00. The market traded 60,000
    at 50.01 and 40,000 at 50.04, on average 50.022, which is 2.170474 bps below. 7,000 of 100,000 are 7 %. The first
    fill paid the ask and saved nothing of 0.02, the second paid the middle and saved 0.01 of 0.02:
    30 / (80 + 60) of the spread.
    """
    worked = parent("BUY 10000 X")
    fills = [
        fill(2, 3000, "50.05", at("30:00"), worked=worked, commission="15"),
        fill(1, 4000, "50.02", at("0:12"), worked=worked, commission="20"),
    ]
    trades = [
        MarketTrade(START - timedelta(seconds=1), D(99), 10_000),
        MarketTrade(at("1:00"), D("50.01"), 60_000),
        MarketTrade(at("59:00"), D("50.04"), 40_000),
        MarketTrade(at("61:00"), D(99), 10_000),
    ]
    view = seen(arrived_at=at("0:02"), trades=trades, exec_1="50.00 50.02", exec_2="50.04 50.06")
    cost = order_cost(worked, fills, view, algorithm="TWAP")
    assert (cost.quantity, cost.filled_quantity) == (D(10_000), D(7_000))
    assert (cost.arrival_price, cost.end_price) == (D("50.00"), D("50.20"))
    assert cost.average_price == D("50.032857")
    assert cost.slippage_bps == D("6.571429")
    assert (cost.execution_cost, cost.opportunity_cost, cost.fees) == (D(230), D(600), D(35))
    assert (cost.implementation_shortfall, cost.shortfall_bps) == (D(865), D("17.3"))
    assert (cost.interval_vwap, cost.market_volume) == (D("50.022"), 100_000)
    assert cost.vwap_slippage_bps == D("2.170474")
    assert cost.participation == D("0.07")
    assert cost.spread_capture == D("0.214286")
    assert (cost.decision_to_arrival, cost.arrival_to_first_fill) == (2, 10)


def test_a_sale_that_gains_has_a_negative_cost() -> None:
    """1,000 sold at 50.03 instead of 50.00: 30 dollars, 6 basis points; beyond the ask of 50.02, 1.5 spreads saved."""
    worked = parent("SELL 1000 X")
    view = seen(end="49.00 49.02", exec_1="50.00 50.02")
    cost = order_cost(worked, [fill(1, 1000, "50.03", at("1:00"), worked=worked)], view, algorithm="VWAP")
    assert (cost.execution_cost, cost.opportunity_cost, cost.slippage_bps) == (D(-30), D(0), D(-6))
    assert cost.spread_capture == D("1.5")


def test_an_order_that_never_filled_cost_its_opportunity() -> None:
    """The sale of 1,000 at 50.00 that did not happen, at 49.01 in the end: 990 dollars."""
    cost = order_cost(parent("SELL 1000 X"), [], seen(end="49.00 49.02", arrived_at=None), algorithm="ADAPTIVE")
    assert (cost.implementation_shortfall, cost.opportunity_cost) == (D(990), D(990))
    assert cost.average_price is cost.slippage_bps is cost.participation is cost.spread_capture is None
    assert cost.first_filled_at is None
    assert cost.decision_to_arrival is cost.arrival_to_first_fill is None
    assert (cost.interval_vwap, cost.market_volume) == (None, 0)


def test_an_order_that_filled_whole_is_compared_with_the_market_up_to_its_last_fill() -> None:
    worked = parent("BUY 100 X")
    trades = [MarketTrade(at("1:00"), D(50), 100), MarketTrade(at("2:00"), D(60), 100)]
    cost = order_cost(worked, [fill(1, 100, "50", at("1:30"), worked=worked)], seen(trades=trades), algorithm="TWAP")
    assert (cost.interval_vwap, cost.market_volume, cost.participation) == (D(50), 100, D(1))


def test_a_charge_that_is_not_told_yet_is_marked_as_an_estimate() -> None:
    worked = parent("BUY 100 X")
    known = fill(1, 50, "50", at("1:00"), worked=worked)
    guessed = replace(fill(2, 50, "50", at("1:00"), worked=worked), commission_is_estimated=True)
    assert not order_cost(worked, [known], seen(), algorithm="TWAP").fees_are_estimated
    assert order_cost(worked, [known, guessed], seen(), algorithm="TWAP").fees_are_estimated


def test_a_fill_that_was_busted_counts_for_nothing() -> None:
    worked = parent("BUY 100 X")
    fills = [fill(1, 50, "50", at("1:00"), worked=worked), fill(2, 0, "70", at("0:10"), worked=worked)]
    cost = order_cost(worked, fills, seen(), algorithm="TWAP")
    assert (cost.filled_quantity, cost.execution_cost, cost.first_filled_at) == (D(50), D(0), at("1:00"))


def test_what_does_not_belong_to_the_order_is_refused() -> None:
    worked = parent("BUY 100 X")
    other = replace(fill(1, 50, "50", START, worked=worked), symbol="Y")
    with pytest.raises(OrderError, match="expected fills BUY X, found BUY Y in exec_1"):
        order_cost(worked, [other], seen(), algorithm="TWAP")
    with pytest.raises(OrderError, match="expected at most 100 filled, found 101"):
        order_cost(worked, [fill(1, 101, "50", START, worked=worked)], seen(), algorithm="TWAP")
    with pytest.raises(OrderError, match="expected at the decision a bid above 0"):
        order_cost(worked, [], seen("50.02 50.01"), algorithm="TWAP")


def test_the_same_observations_give_the_same_row() -> None:
    worked = parent("BUY 100 X")
    rows = [order_cost(worked, [fill(1, 50, "50", START, worked=worked)], seen(), algorithm="TWAP") for _ in range(2)]
    assert rows[0] == rows[1]
    assert rows[0].order_cost_id.startswith("tca_")


def test_a_market_without_trades_has_no_average() -> None:
    assert interval_vwap([MarketTrade(START, D(5), 0)], START, START) == (None, 0)


prices = st.integers(1, 20_000).map(lambda cents: D(cents).scaleb(-2))


@given(
    side=st.sampled_from(["BUY", "SELL", "SELL_SHORT", "BUY_TO_COVER"]),
    fills=st.lists(st.tuples(st.integers(1, 500), prices, prices), max_size=6),
    unfilled=st.integers(0, 1000),
    decision=prices,
    end=prices,
)
def test_the_shortfall_is_the_paper_portfolios_value_less_the_real_ones(
    side: str, fills: list[tuple[int, Decimal, Decimal]], unfilled: int, decision: Decimal, end: Decimal
) -> None:
    """Perold's definition, from the two portfolios themselves: what each is worth at the end, and what it paid."""
    quantity = sum(shares for shares, _, _ in fills) + unfilled
    worked = parent(f"{side} {max(quantity, 1)} X")
    sign, total = worked.order.side.sign, worked.quantity
    executions = [
        fill(number, shares, str(price), START, worked=worked, commission=str(commission))
        for number, (shares, price, commission) in enumerate(fills)
    ]
    paper = sign * total * end - sign * total * decision
    held = sum((D(shares) for shares, _, _ in fills), D(0))
    paid = sum((shares * price for shares, price, _ in fills), D(0))
    real = sign * (held * end - paid) - sum((commission for _, _, commission in fills), D(0))
    view = seen(f"{decision} {decision}", f"{end} {end}")
    assert order_cost(worked, executions, view, algorithm="TWAP").implementation_shortfall == paper - real
