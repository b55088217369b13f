"""Charges, by the examples that Interactive Brokers, the SEC and FINRA publish."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.domain.errors import ConfigurationError
from tickledger.domain.order import OrderSide
from tickledger.exchange.fees import Charges, OrderProgress, charges, schedule
from tickledger.exchange.regulatory_fees import FINRA_TAF, SEC_SECTION_31, RegulatoryRate, rate_on

SCHEDULES = ["none", "per_order:1", "ib_fixed", "ib_tiered"]


def fill(text: str, *, fees: str = "ib_fixed", on: str = "2012-05-01", before: OrderProgress | None = None) -> Charges:
    """The charges of a fill such as ``"SELL 100 @ 25"``."""
    side, quantity, _, price = text.split()
    return charges(
        schedule(fees),
        side=OrderSide(side),
        quantity=Decimal(quantity),
        price=Decimal(price),
        trade_date=date.fromisoformat(on),
        before=before,
    )


@pytest.mark.parametrize(
    ("bought", "commission"),
    [("BUY 100 @ 25", "1.00"), ("BUY 1000 @ 25", "5.00"), ("BUY 1000 @ 0.25", "2.50")],
)
def test_ib_fixed_charges_what_ib_publishes(bought: str, commission: str) -> None:
    assert fill(bought) == Charges(Decimal(commission), Decimal(0))


def test_the_maximum_of_one_percent_beats_the_minimum_of_a_dollar() -> None:
    assert fill("BUY 10 @ 1.00").commission == Decimal("0.10")


@pytest.mark.parametrize(
    ("sold", "fees", "total"),
    [
        # interactivebrokers.ca, "Fixed vs. Tiered Pricing Comparison Examples" of 2023: 1,000 + 8.00 + 7.27 …
        ("SELL 200000 @ 5", "ib_fixed", "1015.27"),
        ("SELL 30000000 @ 5", "ib_fixed", "151207.27"),
        # … and tiered, less the exchange's own fee (600 and 90,000), which is not in our schedule.
        ("SELL 200000 @ 5", "ib_tiered", "755.78"),
        ("SELL 30000000 @ 5", "ib_tiered", "49188.10"),
    ],
)
def test_large_sales_of_2023_cost_what_ib_s_comparison_says(sold: str, fees: str, total: str) -> None:
    assert round(fill(sold, fees=fees, on="2023-06-01").total, 2) == Decimal(total)


def test_the_section_31_fee_is_ib_s_worked_example() -> None:
    # ibkr.info, fiscal year 2016: $0.0000218 × $25.87 × 1,000 = $0.563966; TAF 1,000 × 0.000119.
    assert fill("SELL 1000 @ 25.87", on="2016-06-01").fees == Decimal("0.5640") + Decimal("0.1190")


@pytest.mark.parametrize(
    ("on", "per_million"),
    [
        ("2011-01-20", "16.90"),
        ("2011-01-21", "19.20"),
        ("2012-02-20", "19.20"),
        ("2012-02-21", "18.00"),
        ("2012-04-01", "22.40"),
        ("2013-05-24", "22.40"),
        ("2013-05-25", "17.40"),
        ("2014-03-18", "22.10"),
        ("2025-05-14", "0.00"),
    ],
)
def test_the_section_31_rate_is_that_of_the_trade_date(on: str, per_million: str) -> None:
    rate, is_estimated = rate_on(SEC_SECTION_31, date.fromisoformat(on))
    assert (rate.rate, is_estimated) == (Decimal(per_million), False)


@pytest.mark.parametrize(
    ("on", "per_share", "cap"),
    [
        ("2011-06-30", "0.000075", "3.75"),
        ("2011-07-01", "0.000090", "4.50"),
        ("2012-03-01", "0.000095", "4.75"),
        ("2012-07-01", "0.000119", "5.95"),
        ("2024-01-02", "0.000166", "8.30"),
        ("2026-11-02", "0", "0"),
    ],
)
def test_the_trading_activity_fee_is_that_of_the_trade_date(on: str, per_share: str, cap: str) -> None:
    rate, is_estimated = rate_on(FINRA_TAF, date.fromisoformat(on))
    assert (rate.rate, rate.cap, is_estimated) == (Decimal(per_share), Decimal(cap), False)


def test_the_trading_activity_fee_stops_at_its_cap() -> None:
    # 1,000,000 × 0.000119 would be 119; 10,000 USD at 22.40 per million are 0.224.
    assert fill("SELL 1000000 @ 0.01", on="2012-08-01").fees == Decimal("5.95") + Decimal("0.2240")


@pytest.mark.parametrize(
    ("on", "why"),
    [
        ("1999-12-31", "before the first row of either table"),
        ("2004-12-31", "before the first row of the trading activity fee"),
        ("2015-06-01", "the rate of that time is not certain"),
        ("2027-01-04", "after the day up to which the tables were reviewed"),
    ],
)
def test_a_date_without_a_certain_rate_is_charged_by_the_nearest_row_and_marked(on: str, why: str) -> None:
    charged = fill("SELL 1000 @ 20", on=on)
    assert charged.is_estimated, why
    assert charged.fees >= 0


def test_purchases_pay_no_regulatory_fee_and_are_never_estimates() -> None:
    assert fill("BUY 1000 @ 20", on="1999-12-31") == Charges(Decimal("5.00"), Decimal(0))


@pytest.mark.parametrize("table", [SEC_SECTION_31, FINRA_TAF])
def test_the_rows_of_a_table_are_in_order_and_say_where_they_come_from(table: Sequence[RegulatoryRate]) -> None:
    assert all(earlier.effective_from < later.effective_from for earlier, later in pairwise(table))
    assert all(row.source for row in table)


def test_two_fills_of_one_order_share_its_minimum() -> None:
    first = fill("BUY 100 @ 25")
    after = OrderProgress(Decimal(100), Decimal(2500), first.commission)
    second = fill("BUY 100 @ 25", before=after)
    third = fill("BUY 100 @ 25", before=OrderProgress(Decimal(200), Decimal(5000), Decimal(1)))
    assert [first.commission, second.commission, third.commission] == [Decimal(1), Decimal(0), Decimal("0.50")]


@given(
    fees=st.sampled_from(SCHEDULES),
    fills=st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**7)), min_size=1, max_size=6),
)
def test_an_order_costs_the_same_however_it_is_filled(fees: str, fills: list[tuple[int, int]]) -> None:
    progress = OrderProgress()
    for shares, price in fills:
        charged = fill(f"BUY {shares} @ {Decimal(price).scaleb(-4)}", fees=fees, before=progress)
        assert charged.commission >= 0
        progress = OrderProgress(
            progress.quantity + shares,
            progress.notional + shares * Decimal(price).scaleb(-4),
            progress.commission + charged.commission,
        )
    whole = schedule(fees).commission(progress.quantity, progress.notional)
    assert abs(progress.commission - whole) <= Decimal("0.00005")


def test_per_order_is_charged_once_and_nothing_else_is() -> None:
    assert fill("SELL 1000 @ 20", fees="per_order:1.5") == Charges(Decimal("1.5"), Decimal(0))
    assert fill("SELL 1000 @ 20", fees="none") == Charges(Decimal(0), Decimal(0))


@pytest.mark.parametrize("name", ["", "ib", "per_order", "per_order:", "per_order:-1", "per_order:x", "none:1"])
def test_a_schedule_that_does_not_exist_is_refused_with_those_that_do(name: str) -> None:
    with pytest.raises(ConfigurationError, match="expected none, per_order:X, ib_fixed or ib_tiered"):
        schedule(name)
