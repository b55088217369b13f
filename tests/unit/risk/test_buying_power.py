"""Cash, Regulation T and FINRA Rule 4210 before and after its change of 2026, by the figures of the rules."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.risk.orders import account, decide, facts, failed, limit_of, value_of
from tickledger.risk.buying_power import BuyingPowerRule, MarginFacts, MarginTerms

CASH = MarginTerms()
REG_T = MarginTerms(BuyingPowerRule.REG_T)
INTRADAY = MarginTerms(BuyingPowerRule.INTRADAY_MARGIN, holds_overnight=False)
OVERNIGHT = MarginTerms(BuyingPowerRule.INTRADAY_MARGIN)
DAY_TRADER = MarginTerms(BuyingPowerRule.PATTERN_DAY_TRADER, holds_overnight=False)


def test_cash_that_is_not_settled_buys_nothing_where_the_broker_tells() -> None:
    fresh = account("10000", "10000")
    assert decide("BUY 100 C @ 50", fresh, margin=CASH).is_approved
    known = facts(margin=MarginFacts(settled_cash=Decimal(5000)))
    refused = decide("BUY 100 C @ 50", fresh, known=known, margin=CASH)
    assert refused.reason == "buying_power: 5001 exceeds 5000"  # 100 × 50 and a dollar of charges
    assert decide("BUY 99 C @ 50", fresh, known=known, margin=CASH).is_approved


def test_regulation_t_asks_half_of_what_is_bought_beside_what_is_held() -> None:
    fresh = account("10000", "10000")
    assert decide("BUY 399 C @ 50", fresh, margin=REG_T).is_approved  # 9,975 and a dollar of 10,000
    refused = decide("BUY 400 C @ 50", fresh, margin=REG_T)
    assert refused.reason == "buying_power: 10001 exceeds 10000"
    # 20,000 of stock, 10,000 borrowed: all of the equity is required already.
    full = account("10000", "-10000", A="400 @ 50")
    assert limit_of(decide("BUY 1 C @ 50", full, margin=REG_T), "buying_power") == 0
    with_sma = decide("BUY 1 C @ 50", full, known=facts(margin=MarginFacts(sma=Decimal(1000))), margin=REG_T)
    assert with_sma.is_approved


def test_a_short_sale_needs_half_of_its_proceeds_in_equity() -> None:
    """12 CFR 220.12(c): 150 % of the market value, of which the proceeds are 100."""
    fresh = account("10000", "10000")
    located = facts(locates={"C": Decimal(1000)})
    decision = decide("SELL_SHORT 300 C @ 50", fresh, known=located, margin=REG_T)
    assert value_of(decision, "buying_power") == 7501
    assert decision.is_approved


def test_without_two_thousand_dollars_there_is_no_credit() -> None:
    small = account("1999", "1999")
    for terms in (REG_T, INTRADAY, OVERNIGHT):
        assert failed(decide("BUY 40 C @ 50", small, margin=terms)) == ["buying_power"]
        assert decide("BUY 39 C @ 50", small, margin=terms).is_approved
    assert decide("BUY 40 C @ 50", account("2000", "2000"), margin=REG_T).is_approved


@pytest.mark.parametrize(
    ("shares", "price", "required"),
    [
        ("100", "50", "1250"),  # 25 %
        ("-100", "50", "1500"),  # 30 %
        ("-100", "10", "500"),  # 5 a share is more than 30 %
        ("-100", "5", "500"),
        ("-100", "4", "400"),  # below 5 a share: all of it
        ("-100", "2", "250"),  # and at least 2.50 a share
    ],
)
def test_maintenance_is_that_of_rule_4210_c(shares: str, price: str, required: str) -> None:
    assert INTRADAY.maintenance("C", Decimal(shares), Decimal(price)) == Decimal(required)


def test_a_broker_may_ask_for_more() -> None:
    house = MarginTerms(BuyingPowerRule.INTRADAY_MARGIN, house_rates={"C": Decimal("0.6")})
    assert house.maintenance("C", Decimal(100), Decimal(50)) == 3000
    assert house.initial("C", Decimal(100), Decimal(50)) == 3000
    assert house.initial("A", Decimal(100), Decimal(50)) == 2500


def test_under_the_rule_of_2026_four_times_the_equity_may_be_held_within_the_day() -> None:
    fresh = account("10000", "10000")
    assert decide("BUY 799 C @ 50", fresh, margin=INTRADAY).is_approved
    refused = decide("BUY 800 C @ 50", fresh, margin=INTRADAY)
    assert refused.reason == "intraday_margin: 10001 exceeds 10000"
    assert failed(decide("BUY 799 C @ 50", fresh, margin=OVERNIGHT)) == ["buying_power"]
    assert decide("BUY 399 C @ 50", fresh, margin=OVERNIGHT).is_approved


def test_under_the_rule_of_2026_day_trades_are_not_counted() -> None:
    known = facts(margin=MarginFacts(day_trades=9))
    assert decide("BUY 1 C @ 50", account("3000", "3000"), known=known, margin=INTRADAY).is_approved


def test_what_would_increase_a_deficit_is_blocked_and_what_reduces_it_is_not() -> None:
    in_deficit = account("1000", "-9000", A="200 @ 50")
    assert "intraday_margin" in failed(decide("BUY 1 A @ 50", in_deficit, margin=INTRADAY))
    assert decide("SELL 1 A @ 50", in_deficit, margin=INTRADAY).is_approved


@pytest.mark.parametrize(
    ("equity", "day_trades", "is_allowed"),
    [("24999", 2, True), ("24999", 3, False), ("25000", 3, True), ("25000", 40, True)],
)
def test_the_fourth_day_trade_in_five_days_needs_25000_dollars(
    *, equity: str, day_trades: int, is_allowed: bool
) -> None:
    known = facts(margin=MarginFacts(day_trades=day_trades))
    decision = decide("BUY 1 C @ 50", account(equity, equity), known=known, margin=DAY_TRADER)
    assert decision.is_approved == is_allowed
    assert failed(decision) == ([] if is_allowed else ["day_trades"])
    assert value_of(decision, "day_trades") == day_trades + 1
    assert decide("SELL 1 A @ 50", account(equity, equity, A="5 @ 50"), known=known, margin=DAY_TRADER).is_approved


def test_day_trades_that_are_not_known_fail_closed() -> None:
    refused = decide("BUY 1 C @ 50", account("9000", "9000"), margin=DAY_TRADER)
    assert refused.reason == "day_trades: the day trades of the last five business days are not known"


def test_a_day_trader_s_power_is_that_of_the_last_close() -> None:
    told, grown = MarginFacts(day_trades=0, previous_equity=Decimal(26_000)), account("30000", "30000")
    assert decide("BUY 2079 C @ 50", grown, known=facts(margin=told), margin=DAY_TRADER).is_approved
    beyond = decide("BUY 2080 C @ 50", grown, known=facts(margin=told), margin=DAY_TRADER)
    assert failed(beyond) == ["day_trade_margin"]


@given(shares=st.integers(-500, 500).filter(bool), price=st.integers(1, 200), equity=st.integers(2_000, 50_000))
def test_initial_margin_is_never_below_maintenance(*, shares: int, price: int, equity: int) -> None:
    position = ("C", Decimal(shares), Decimal(price))
    assert REG_T.initial(*position) >= REG_T.maintenance(*position) > 0
    bought = f"BUY {abs(shares)} C @ {price}"
    fresh = account(str(equity), str(equity))
    if decide(bought, fresh, margin=REG_T).is_approved:
        assert decide(bought, fresh, margin=INTRADAY).is_approved
