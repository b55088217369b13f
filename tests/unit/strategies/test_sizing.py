"""From signals to orders: what is wanted, what is worth a trade, and in which order it is asked for."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading import ACCOUNT, signal
from tickledger.domain.order import OrderSide
from tickledger.domain.signal import OrderIntent
from tickledger.strategies.sizing import Book, SizingPolicy, intents_of

POLICY = SizingPolicy(target_weight=Decimal("0.2"), minimum_notional=Decimal(500), rebalance_band=Decimal("0.25"))
AT = datetime(2012, 1, 3, 21, tzinfo=UTC)


def orders(signals: list[str], held: dict[str, str], policy: SizingPolicy = POLICY, **closes: str) -> list[str]:
    """The orders as ``"BUY 5 X"`` of an account of 10,000 USD that holds `held`."""
    book = Book(
        account_id=ACCOUNT.account_id,
        equity=Decimal(10_000),
        quantities={symbol: Decimal(quantity) for symbol, quantity in held.items()},
        closes={symbol: Decimal(close) for symbol, close in closes.items()},
    )
    opinions = [signal(f"{text} 2012-01-03") for text in signals]
    intents = intents_of(opinions, book, policy=policy, intended_at=AT, session_date=date(2012, 1, 3))
    return [f"{intent.side} {intent.quantity} {intent.symbol}" for intent in intents]


@pytest.mark.parametrize(
    ("said", "held", "ordered"),
    [
        ("BUY X", "0", ["BUY 66 X"]),  # 2,000 at 30 is 66.67 shares
        ("BUY X", "50", []),  # within a quarter of 66
        ("BUY X", "49", ["BUY 17 X"]),  # 17 of 66 is beyond it, and 510 USD
        ("BUY X", "83", ["SELL 17 X"]),
        ("HOLD X", "10", []),
        ("SELL X", "10", ["SELL 10 X"]),  # 300 USD: leaving is never too small
        ("CLOSE_LONG X", "10.5", ["SELL 10.5 X"]),
        ("SELL X", "0", []),
        ("CLOSE_SHORT X", "10", []),
        ("BUY X", "40.5", ["BUY 25 X"]),  # whole shares, also from a fraction
    ],
)
def test_a_signal_and_a_holding_make_an_order(said: str, held: str, ordered: list[str]) -> None:
    assert orders([said], {"X": held}, X="30") == ordered


def test_less_than_the_minimum_is_not_worth_an_order() -> None:
    tiny = SizingPolicy(target_weight=Decimal("0.04"), minimum_notional=Decimal(500))
    assert orders(["BUY X"], {}, tiny, X="30") == []


def test_a_share_dearer_than_the_weight_is_neither_bought_nor_sold() -> None:
    assert orders(["BUY X"], {}, X="2001") == []
    assert orders(["BUY X"], {"X": "1"}, X="2001") == []


def test_confidence_scales_the_weight_where_the_policy_says_so() -> None:
    scaled = SizingPolicy(target_weight=Decimal("0.2"), scales_with_confidence=True)
    assert orders(["BUY X"], {}, scaled, X="30") == ["BUY 50 X"]  # 0.75 × 2,000 / 30


def test_sales_come_first_then_purchases_each_by_symbol() -> None:
    said = ["BUY D", "SELL C", "BUY B", "SELL A"]
    held = {"A": "10", "C": "10"}
    assert orders(said, held, A="30", B="30", C="30", D="30") == ["SELL 10 A", "SELL 10 C", "BUY 66 B", "BUY 66 D"]


def test_a_symbol_that_did_not_trade_today_is_not_ordered() -> None:
    assert orders(["BUY X", "SELL Y"], {"Y": "10"}, Z="1") == []


@given(close=st.integers(100, 10**6), held=st.integers(0, 5_000), said=st.sampled_from(["BUY", "HOLD", "SELL"]))
def test_no_order_leads_to_a_short_or_beyond_the_target_weight(close: int, held: int, said: str) -> None:
    price = Decimal(close).scaleb(-2)
    book = Book(ACCOUNT.account_id, Decimal(100_000), {"X": Decimal(held)}, {"X": price})
    intents = intents_of(
        [signal(f"{said} X 2012-01-03")], book, policy=POLICY, intended_at=AT, session_date=date(2012, 1, 3)
    )
    for intent in intents:
        after = held + intent.side.sign * intent.quantity
        assert after >= 0
        assert intent.quantity == intent.quantity.to_integral_value() > 0
        if intent.side is OrderSide.BUY:
            assert after * price <= POLICY.target_weight * book.equity
    assert held == 0 or said != "SELL" or [_sold(intent) for intent in intents] == [held]


def _sold(intent: OrderIntent) -> Decimal:
    return -intent.side.sign * intent.quantity


@pytest.mark.parametrize(
    ("said", "held", "ordered"),
    [
        ("BUY X", "0", ["BUY 40 X"]),  # 66 would be the target
        ("BUY X", "40", []),
        ("BUY X", "83", ["SELL 43 X"]),
        ("SELL X", "83", ["SELL 83 X"]),  # leaving is never held up
        ("HOLD X", "83", []),
    ],
)
def test_no_position_is_meant_to_be_larger_than_the_most_shares(said: str, held: str, ordered: list[str]) -> None:
    assert orders([said], {"X": held}, replace(POLICY, maximum_quantity=Decimal(40)), X="30") == ordered


@given(price=st.integers(1, 100_000), most=st.integers(1, 2_000), held=st.integers(0, 3_000))
def test_whatever_the_price_a_purchase_leads_to_no_more_than_the_most_shares(price: int, most: int, held: int) -> None:
    policy = replace(POLICY, maximum_quantity=Decimal(most), minimum_notional=Decimal(0))
    for text in orders(["BUY X"], {"X": str(held)}, policy, X=str(Decimal(price).scaleb(-2))):
        side, quantity, _ = text.split()
        after = held + (int(quantity) if side == "BUY" else -int(quantity))
        assert 0 <= after <= most
