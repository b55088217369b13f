"""The slippage that past orders teach a backtest: by bucket, by money, and with a fallback for what is not known."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.unit.execution.test_tca import fill, parent, seen
from tickledger.domain.errors import ConfigurationError
from tickledger.domain.order import OrderSide
from tickledger.exchange.fill_models import FillModel
from tickledger.execution.slippage import SlippageEstimate, slippage_model
from tickledger.execution.tca import OrderCost, order_cost

D = Decimal


def cost(symbol: str, participation: str | None, slippage: str | None, shares: int = 100) -> OrderCost:
    """An order's cost that says only what the model reads."""
    worked = parent(f"BUY {shares} X")
    known = order_cost(worked, [fill(1, shares, "50", worked.starts_at, worked=worked)], seen(), algorithm="TWAP")
    return replace(
        known,
        symbol=symbol,
        slippage_bps=None if slippage is None else D(slippage),
        participation=None if participation is None else D(participation),
    )


def test_a_bucket_is_the_mean_of_its_orders_by_the_money_they_traded() -> None:
    """100 shares at 2 bps and 300 at 6 bps, at the same price: (2 + 18) / 4 = 5 bps."""
    model = slippage_model([cost("X", "0.02", "2"), cost("X", "0.04", "6", shares=300)], enough=2)
    assert model.estimate("X", D("0.03")) == SlippageEstimate(D(5), 2)


def test_buckets_begin_at_their_edges() -> None:
    costs = [cost("X", "0.0099", "1"), cost("X", "0.01", "2"), cost("X", "0.05", "3"), cost("X", "3", "4")]
    model = slippage_model(costs, enough=1)
    found = [model.estimate("X", D(part)).slippage_bps for part in ("0", "0.01", "0.0499", "0.05", "0.2", "1")]
    assert found == [1, 2, 2, 3, 4, 4]


def test_what_is_not_known_of_a_symbol_is_taken_from_others_then_from_all_then_from_the_default() -> None:
    costs = [
        *(cost("X", "0.02", "2") for _ in range(3)),
        *(cost("Y", "0.02", "8") for _ in range(3)),
        *(cost("X", "0.06", "10") for _ in range(2)),
    ]
    model = slippage_model(costs, enough=3, default=FillModel(slippage_bps=D(7)))
    assert model.estimate("X", D("0.02")) == SlippageEstimate(D(2), 3)  # its own bucket
    assert model.estimate("Z", D("0.02")) == SlippageEstimate(D(5), 6)  # that bucket of all symbols
    assert model.estimate("X", D("0.06")) == SlippageEstimate(D("5.20"), 5)  # all of X: (3 × 2 + 2 × 10) / 5
    assert model.estimate("Z", D("0.06")) == SlippageEstimate(D("6.25"), 8)  # all: (6 + 24 + 20) / 8
    assert slippage_model(costs, enough=9).estimate("X", D("0.02")) == SlippageEstimate(FillModel().slippage_bps, 0)


def test_orders_without_fills_or_known_volume_say_nothing() -> None:
    model = slippage_model([cost("X", None, "5"), cost("X", "0.02", None)], enough=1)
    assert model.estimate("X", D("0.02")).orders == 0


def test_a_backtest_does_not_earn_by_trading() -> None:
    model = slippage_model([cost("X", "0.02", "-3")], enough=1)
    assert model.estimate("X", D("0.02")) == SlippageEstimate(D(0), 1)


def test_the_fill_model_is_the_default_with_that_slippage() -> None:
    default = FillModel(slippage_bps=D(7), max_participation=D("0.1"))
    model = slippage_model([cost("X", "0.02", "2.5")], enough=1, default=default).fill_model("X", D("0.02"))
    assert model == FillModel(slippage_bps=D("2.50"), max_participation=D("0.1"))
    assert model.slipped(D(100), OrderSide.BUY) == D("100.0250")


def test_buckets_that_do_not_rise_from_zero_are_refused() -> None:
    for buckets in ((), (D("0.1"),), (D(0), D("0.2"), D("0.1"))):
        with pytest.raises(ConfigurationError, match="expected buckets that rise from 0"):
            slippage_model([], buckets=buckets)
    with pytest.raises(ValueError, match="participation of 0 or more"):
        slippage_model([]).estimate("X", D(-1))
