"""Implementation shortfall added up: Perold's two parts by hand, and that rows add up to their session."""

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tickledger.domain.money import round_cents
from tickledger.domain.order import OrderSide
from tickledger.execution.tca import OrderCost
from tickledger.reporting.pnl_origins import Origin
from tickledger.reporting.shortfall import shortfall_table, shortfalls

DAY = date(2024, 5, 2)
AT = datetime(2024, 5, 2, 14, tzinfo=UTC)


def cost(
    order_id: str, *, symbol: str = "X", quantity: str = "100", filled: str = "100", price: str = "50", **told: str
) -> OrderCost:
    paid = {name: Decimal(told.get(name, "0")) for name in ("execution_cost", "opportunity_cost", "fees")}
    return OrderCost(
        order_cost_id=f"tca_{order_id}",
        parent_order_id=order_id,
        account_id="U1",
        symbol=symbol,
        side=OrderSide.BUY,
        algorithm="TWAP",
        session_date=DAY,
        quantity=Decimal(quantity),
        filled_quantity=Decimal(filled),
        decided_at=AT,
        arrived_at=AT,
        first_filled_at=AT,
        finished_at=AT,
        arrival_price=Decimal(price),
        end_price=Decimal(price),
        average_price=Decimal(price),
        interval_vwap=None,
        market_volume=0,
        slippage_bps=None,
        vwap_slippage_bps=None,
        fees_are_estimated=order_id == "b",
        implementation_shortfall=sum(paid.values(), Decimal(0)),
        shortfall_bps=Decimal(0),
        participation=None,
        spread_capture=None,
        **paid,
    )


def test_two_orders_of_a_strategy_weigh_by_what_was_decided() -> None:
    rows = shortfalls(
        [
            cost("a", execution_cost="10", fees="1"),
            cost("b", quantity="300", filled="150", price="50", opportunity_cost="30", fees="1"),
            cost("c", symbol="Y", execution_cost="-5"),
        ],
        {"a": Origin("alpha"), "b": Origin("alpha", "model_1")},
    )
    by_hand, alpha = rows
    assert (alpha.strategy, alpha.symbol, alpha.num_orders) == ("alpha", "X", 2)
    assert alpha.implementation_shortfall == Decimal(42)
    assert alpha.decided_notional == 20_000
    assert alpha.shortfall_bps == Decimal(21)
    assert alpha.filled_part == Decimal("0.625")
    assert alpha.fees_are_estimated
    assert (by_hand.strategy, by_hand.symbol, by_hand.shortfall_bps) == ("(by hand)", "Y", Decimal(-10))
    assert [row["strategy"] for row in shortfall_table(rows).rows] == ["(by hand)", "alpha"]


@given(st.lists(st.tuples(st.sampled_from("XYZ"), st.integers(-10_000_000, 10_000_000)), min_size=1, max_size=12))
def test_the_rows_of_a_session_add_up_to_it(costs: list[tuple[str, int]]) -> None:
    told = [
        cost(f"o{number}", symbol=symbol, execution_cost=str(Decimal(units).scaleb(-4)))
        for number, (symbol, units) in enumerate(costs)
    ]
    rows = shortfalls(told, {})
    whole = sum((each.execution_cost for each in told), Decimal(0))
    assert sum((row.implementation_shortfall for row in rows), Decimal(0)) == round_cents(whole)
    assert sum(row.num_orders for row in rows) == len(told)
