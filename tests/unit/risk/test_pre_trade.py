"""What risk allows: every limit on both sides of its value, and what no limit may do."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading import ACCOUNT, limits
from tickledger.domain.order import OrderSide, OrderType, RiskDecision, RiskLimit
from tickledger.domain.signal import OrderIntent
from tickledger.risk.exposure import Exposure
from tickledger.risk.limits import LIMIT_NAMES, limits_in_force
from tickledger.risk.pre_trade import PreTradeRisk

DAY = date(2012, 1, 3)
#: 100 A at 50 bought at 60, 200 B at 10; equity 20,000 of which 13,000 are cash.
HELD = Exposure(
    equity=Decimal(20_000),
    cash=Decimal(13_000),
    quantities={"A": Decimal(100), "B": Decimal(200)},
    prices={"A": Decimal(50), "B": Decimal(10)},
    average_costs={"A": Decimal(60), "B": Decimal(10)},
)
SECTORS = {"A": "Tech", "B": "Tech", "C": "Health"}


def intent(text: str) -> OrderIntent:
    """An intent such as ``"BUY 100 A @ 50"``."""
    side, quantity, symbol, _, price = text.split()
    return OrderIntent(
        account_id=ACCOUNT.account_id,
        symbol=symbol,
        side=OrderSide(side),
        quantity=Decimal(quantity),
        order_type=OrderType.MARKET,
        reference_price=Decimal(price),
        signal_id="sig_1",
        intended_at=datetime(2012, 1, 3, 21, tzinfo=UTC),
        session_date=DAY,
    )


def plain_cost(side: OrderSide, quantity: Decimal, price: Decimal, _on: date) -> Decimal:
    """Notional and a dollar of charges."""
    return side.sign * quantity * price + 1


def decide(text: str, exposure: Exposure = HELD, rows: list[RiskLimit] | None = None, **changed: str) -> RiskDecision:
    rules = PreTradeRisk(limits(**changed) if rows is None else rows, plain_cost, SECTORS)
    return rules.check(intent(text), exposure)


def failed(decision: RiskDecision) -> list[str]:
    return [check.name for check in decision.checks if not check.is_passed]


@pytest.mark.parametrize(
    ("name", "order", "value"),
    [
        ("max_position_size", "BUY 20 A @ 50", "120"),
        ("max_portfolio_exposure", "BUY 20 A @ 50", "0.4"),  # (100 + 20) × 50 + 200 × 10 of 20,000
        ("max_sector_exposure", "BUY 20 C @ 50", "0.05"),  # nothing else in Health
        ("max_sector_exposure", "BUY 20 A @ 50", "0.4"),  # A and B are both Tech
        ("max_single_loss", "BUY 20 A @ 50", "1600"),  # 100 × (60 − 50) open, 10 % of 120 × 50 to come
        ("max_single_loss", "BUY 20 C @ 50", "100"),
    ],
)
def test_an_order_passes_at_the_limit_and_not_beyond(name: str, order: str, value: str) -> None:
    at_limit = decide(order, rows=limits(**{name: value}))
    assert at_limit.is_approved
    assert next(check.value for check in at_limit.checks if check.name == name) == Decimal(value)
    beyond = decide(order, rows=limits(**{name: str(Decimal(value) - Decimal("0.0001"))}))
    assert failed(beyond) == [name]
    assert not beyond.is_approved
    assert [beyond.requested_quantity, beyond.approved_quantity] == [20, 0]
    assert beyond.reason.startswith(f"{name}: ")


def test_a_day_that_lost_too_much_ends_opening_orders_and_no_others() -> None:
    after_loss = replace(HELD, day_loss=Decimal("500.01"))
    assert failed(decide("BUY 1 C @ 5", after_loss, max_daily_loss="500")) == ["max_daily_loss"]
    assert decide("SELL 50 A @ 50", after_loss, max_daily_loss="500").is_approved
    assert decide("BUY 1 C @ 5", replace(HELD, day_loss=Decimal(500)), max_daily_loss="500").is_approved


def test_what_a_purchase_costs_must_be_there_in_cash() -> None:
    assert decide("BUY 259 C @ 50").is_approved
    refused = decide("BUY 260 C @ 50")
    assert failed(refused) == ["buying_power"]
    assert refused.reason == "buying_power: 13001 exceeds 13000"


def test_nothing_may_be_sold_that_is_not_held() -> None:
    assert decide("SELL 100 A @ 50").is_approved
    assert failed(decide("SELL 101 A @ 50")) == ["short_sale"]
    assert failed(decide("SELL 1 C @ 50")) == ["short_sale"]


@pytest.mark.parametrize("missing", LIMIT_NAMES)
def test_a_limit_without_a_row_refuses_what_opens_and_lets_out_what_closes(missing: str) -> None:
    rows = [row for row in limits() if row.name != missing]
    refused = decide("BUY 1 A @ 50", rows=rows)
    assert refused.reason == f"{missing}: no limit in force on 2012-01-03"
    assert decide("SELL 1 A @ 50", rows=rows).is_approved


def test_what_cannot_be_valued_stops_orders_that_open_and_no_others() -> None:
    unknown = replace(HELD, quantities={**HELD.quantities, "Q": Decimal(1)})
    refused = decide("BUY 1 A @ 50", unknown)
    assert failed(refused) == ["unvalued_symbols"]
    assert decide("SELL 1 A @ 50", unknown).is_approved
    assert decide("BUY 1 Q @ 50", unknown).is_approved  # its own reference price is one


def test_symbols_without_a_sector_count_as_one() -> None:
    exposure = replace(HELD, quantities={"Y": Decimal(200)}, prices={"Y": Decimal(50)}, average_costs={})
    assert failed(decide("BUY 20 Z @ 50", exposure, max_sector_exposure="0.5")) == ["max_sector_exposure"]


def test_the_limit_in_force_is_the_latest_row_not_after_the_date() -> None:
    rows = [
        RiskLimit("SIM0001", "max_position_size", Decimal(300), date(2013, 1, 1)),
        RiskLimit("SIM0001", "max_position_size", Decimal(200), date(2012, 1, 1)),
        RiskLimit("SIM0001", "max_position_size", Decimal(100), date(2011, 1, 1)),
        RiskLimit("OTHER", "max_position_size", Decimal(1), date(2012, 1, 1)),
    ]
    in_force = {year: limits_in_force(rows, account_id="SIM0001", on=date(year, 1, 1)) for year in (2010, 2012, 2013)}
    assert in_force == {2010: {}, 2012: {"max_position_size": 200}, 2013: {"max_position_size": 300}}


def test_the_same_decision_has_the_same_id_and_one_that_asked_anything_else_another() -> None:
    same = {decide("BUY 1 A @ 50").risk_decision_id, decide("BUY 1 A @ 50").risk_decision_id}
    assert len(same) == 1
    assert decide("BUY 2 A @ 50").risk_decision_id not in same
    assert decide("BUY 1 A @ 50", rows=limits(max_position_size="7")).risk_decision_id not in same


@given(
    held=st.integers(1, 10_000),
    sold=st.integers(1, 10_000),
    tight=st.dictionaries(st.sampled_from(LIMIT_NAMES), st.just("0.0001")),
    dropped=st.sets(st.sampled_from(LIMIT_NAMES)),
    day_loss=st.integers(0, 10**6),
)
def test_no_limit_ever_traps_anyone_in_a_position(
    *, held: int, sold: int, tight: dict[str, str], dropped: set[str], day_loss: int
) -> None:
    rows = [row for row in limits(**tight) if row.name not in dropped]
    exposure = replace(HELD, quantities={"A": Decimal(held)}, cash=Decimal(-5), day_loss=Decimal(day_loss))
    assert decide(f"SELL {sold} A @ 50", exposure, rows=rows).is_approved == (sold <= held)
