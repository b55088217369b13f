"""What orders to a broker must pass besides the limits of the account."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.risk.orders import HELD, decide, facts, failed, intent, limit_of, risk_of, rows, value_of
from tickledger.domain.kill_switch import KillSwitchState
from tickledger.domain.order import CONTROL_LIMIT_UNITS, OrderSide
from tickledger.domain.wash_sale import RecentLoss, WashSaleEffect, WashSalePolicy
from tickledger.risk.buying_power import BuyingPowerRule, MarginTerms
from tickledger.risk.limits import CONTROL_LIMIT_NAMES, LIMIT_NAMES
from tickledger.risk.order_flow import OrderFlow
from tickledger.risk.restrictions import Restriction, by_symbol

MARGIN = MarginTerms(BuyingPowerRule.REG_T)


def effect(disallowed: str, *, problem: str = "") -> WashSaleEffect:
    """A purchase that disallows so much of the loss of S1."""
    loss = RecentLoss("S1", "SIM0001", "A", date(2026, 6, 1), Decimal(disallowed), Decimal(0), date(2026, 7, 1))
    return WashSaleEffect(Decimal(disallowed), losses=(loss,), problem=problem)


@pytest.mark.parametrize(
    ("name", "order", "value"),
    [
        ("max_single_name_exposure", "BUY 20 A @ 50", "0.3"),  # 120 × 50 of 20,000
        ("max_order_quantity", "BUY 20 A @ 50", "20"),
        ("max_order_notional", "BUY 20 A @ 50", "1000"),
        ("max_order_notional", "BUY 20 A @ 50 limit 51", "1020"),  # at the worst price that it may fill at
        ("max_order_notional", "BUY 20 A @ 50 stop 60 limit 61", "1220"),
        ("max_price_deviation", "BUY 20 A @ 50 limit 50.75", "0.75"),
        ("max_price_deviation_bps", "BUY 20 A @ 50 limit 50.75", "150"),
        ("max_price_deviation", "BUY 20 A @ 50 stop 60 limit 61", "1"),  # from where the stop becomes active
        ("max_volume_participation", "BUY 20 A @ 50", "0.0001"),  # 20 of 1,000,000, rounded up
        ("max_orders_per_second", "BUY 20 A @ 50", "1"),
    ],
)
def test_an_order_passes_at_the_limit_and_not_beyond(name: str, order: str, value: str) -> None:
    at_limit = decide(order, limit_rows=rows(**{name: value}))
    assert at_limit.is_approved, at_limit.reason
    assert value_of(at_limit, name) == Decimal(value)
    beyond = decide(order, limit_rows=rows(**{name: str(Decimal(value) - Decimal("0.00001"))}))
    assert failed(beyond) == [name]
    assert beyond.reason.startswith(f"{name}: ")


def test_a_limit_price_that_is_better_than_the_market_is_no_fat_finger() -> None:
    assert value_of(decide("BUY 20 A @ 50 limit 20"), "max_price_deviation") == 0
    assert value_of(decide("SELL 20 A @ 50 limit 90"), "max_price_deviation_bps") == 0
    assert value_of(decide("SELL 20 A @ 50 limit 45"), "max_price_deviation_bps") == 1000


@pytest.mark.parametrize("missing", CONTROL_LIMIT_NAMES)
def test_a_limit_without_a_row_refuses_what_opens_and_lets_out_what_closes(missing: str) -> None:
    left = [row for row in rows() if row.name != missing]
    assert decide("BUY 1 A @ 50", limit_rows=left).reason == f"{missing}: no limit in force on 2026-06-10"
    assert decide("SELL 1 A @ 50", limit_rows=left).is_approved


def test_an_average_volume_that_is_not_known_fails_closed() -> None:
    refused = decide("BUY 1 A @ 50", average_daily_volumes={})
    assert refused.reason == "max_volume_participation: the average daily volume of A is not known"
    assert decide("SELL 1 A @ 50", average_daily_volumes={}).is_approved


def test_more_orders_than_a_second_a_minute_and_a_day_may_have_are_refused_until_the_window_has_passed() -> None:
    known = facts()
    limited = rows(max_orders_per_second="2", max_orders_per_minute="3", max_orders_per_day="4")
    rules = risk_of(known, limited, duplicate_window=timedelta(0))

    def sent(after: float) -> list[str]:
        return failed(rules.check(intent("BUY 1 C @ 5", after=after, signal=f"sig_{after}"), HELD))

    assert [sent(0), sent(0.5)] == [[], []]
    assert sent(0.999) == ["max_orders_per_second"]
    assert sent(1) == []  # the order of second 0 is out of the window
    assert sent(30) == ["max_orders_per_minute"]
    assert sent(60) == []
    assert sent(200) == ["max_orders_per_day"]
    assert rules.check(intent("SELL 1 A @ 50", after=200), HELD).is_approved


def test_an_order_that_was_refused_does_not_count() -> None:
    known = facts()
    rules = risk_of(known, rows(max_orders_per_day="1", max_order_quantity="10"))
    assert failed(rules.check(intent("BUY 11 C @ 5"), HELD)) == ["max_order_quantity"]
    assert rules.check(intent("BUY 10 C @ 5"), HELD).is_approved


def test_the_same_order_again_within_the_window_is_a_mistake() -> None:
    rules = risk_of(facts(), duplicate_window=timedelta(seconds=10))
    assert rules.check(intent("BUY 10 C @ 5", signal="one"), HELD).is_approved
    again = rules.check(intent("BUY 10 C @ 5", after=9.9, signal="two"), HELD)
    assert again.reason == "duplicate_order: the same order within 10 s"
    assert rules.check(intent("BUY 11 C @ 5", after=9.9, signal="three"), HELD).is_approved
    assert rules.check(intent("BUY 10 C @ 5", after=10, signal="two"), HELD).is_approved


def test_a_signal_opens_a_position_once_a_session_and_may_close_one_again_after_the_window() -> None:
    rules = risk_of(facts(), duplicate_window=timedelta(seconds=10))
    assert rules.check(intent("BUY 10 C @ 5"), HELD).is_approved
    again = rules.check(intent("BUY 7 C @ 5", after=600), HELD)
    assert again.reason == "duplicate_order: signal sig_1 has already led to one"
    assert rules.check(intent("SELL 10 A @ 50"), HELD).is_approved
    assert failed(rules.check(intent("SELL 10 A @ 50", after=5), HELD)) == ["duplicate_order"]
    assert rules.check(intent("SELL 10 A @ 50", after=20), HELD).is_approved


def test_what_the_broker_refused_may_be_sent_again() -> None:
    known = facts()
    rules = risk_of(known)
    assert rules.check(intent("BUY 10 C @ 5"), HELD).is_approved
    known.flow.forget(intent("BUY 10 C @ 5"))
    assert rules.check(intent("BUY 10 C @ 5", after=1), HELD).is_approved


@pytest.mark.parametrize(
    ("entry", "order", "is_allowed"),
    [
        (Restriction("C", "merger", date(2026, 6, 10)), "BUY 1 C @ 5", False),
        (Restriction("C", "merger", date(2026, 6, 11)), "BUY 1 C @ 5", True),
        (Restriction("C", "merger", date(2026, 6, 1), date(2026, 6, 10)), "BUY 1 C @ 5", False),
        (Restriction("C", "merger", date(2026, 6, 1), date(2026, 6, 9)), "BUY 1 C @ 5", True),
        (Restriction("A", "merger", date(2026, 6, 1), side=OrderSide.SELL_SHORT), "BUY 1 A @ 50", True),
        (Restriction("A", "merger", date(2026, 6, 1), side=OrderSide.BUY), "BUY 1 A @ 50", False),
        (Restriction("A", "merger", date(2026, 6, 1)), "SELL 1 A @ 50", True),
        (Restriction("A", "blackout", date(2026, 6, 1), covers_reducing=True), "SELL 1 A @ 50", False),
        (Restriction("B", "merger", date(2026, 6, 1)), "BUY 1 C @ 5", True),
    ],
)
def test_the_restricted_list_stands_for_its_symbol_side_and_dates(
    *, entry: Restriction, order: str, is_allowed: bool
) -> None:
    decision = decide(order, restrictions=by_symbol([entry]))
    assert decision.is_approved == is_allowed
    side, *_ = order.split()
    assert is_allowed or decision.reason == f"restricted: {side} {entry.symbol}: {entry.reason}"


@pytest.mark.parametrize(
    ("order", "located", "reason"),
    [
        ("SELL_SHORT 50 C @ 5", None, "50 exceeds 0: no shares of C are known to be located"),
        ("SELL_SHORT 50 C @ 5", 49, "50 exceeds 49"),
        ("SELL_SHORT 50 C @ 5", 50, ""),
        ("SELL_SHORT 50 S @ 20", 50, ""),  # 100 are short already
        ("SELL_SHORT 51 S @ 20", 50, "151 exceeds 150"),
        ("SELL 101 A @ 50", 50, "1 short by an order that is marked SELL: split it at zero"),
        ("BUY_TO_COVER 100 S @ 20", None, ""),
    ],
)
def test_only_what_is_located_may_be_sold_short(order: str, located: int | None, reason: str) -> None:
    symbol = order.split()[2]
    known = facts(locates={} if located is None else {symbol: Decimal(located)})
    decision = decide(order, known=known, margin=MARGIN)
    assert decision.reason == (reason and f"short_sale: {reason}")


def test_a_cash_account_sells_nothing_short() -> None:
    decision = decide("SELL_SHORT 5 C @ 5", known=facts(locates={"C": Decimal(100)}))
    assert decision.reason == "short_sale: 5 exceeds 0: a cash account holds no short positions"


def test_the_kill_switch_and_one_that_cannot_be_read_stop_what_opens_and_nothing_else() -> None:
    known = facts(kill_switch=KillSwitchState(unreadable="connection refused"))
    refused = decide("BUY 1 A @ 50", known=known)
    assert refused.reason == "kill_switch: the kill switch could not be read: connection refused"
    assert decide("SELL 100 A @ 50", known=known).is_approved
    assert decide("BUY_TO_COVER 100 S @ 20", known=known, margin=MARGIN).is_approved


@pytest.mark.parametrize(
    ("policy", "order", "is_allowed", "reason"),
    [
        (WashSalePolicy.ALLOW, "BUY 1 A @ 50", True, ""),
        (WashSalePolicy.WARN, "BUY 1 A @ 50", True, "warning: wash_sale: {}"),
        (WashSalePolicy.BLOCK, "BUY 1 A @ 50", False, "wash_sale: {}"),
        (WashSalePolicy.BLOCK, "SELL 1 A @ 50", True, "warning: wash_sale: {}"),
    ],
)
def test_a_disallowed_loss_is_told_in_dollars_and_the_policy_decides(
    *, policy: WashSalePolicy, order: str, is_allowed: bool, reason: str
) -> None:
    decision = decide(order, known=facts(wash_sale=effect("250")), wash_sale_policy=policy)
    assert decision.is_approved == is_allowed
    assert decision.reason == reason.format("disallows 250 USD of loss (S1 of 2026-06-01)")
    assert value_of(decision, "wash_sale") == 250


def test_a_loss_sale_is_blocked_only_where_that_is_asked_for_in_as_many_words() -> None:
    known = facts(wash_sale=effect("250"))
    refused = decide("SELL 1 A @ 50", known=known, wash_sale_policy=WashSalePolicy.BLOCK, blocks_loss_sales=True)
    assert failed(refused) == ["wash_sale"]


def test_dollars_that_are_not_known_are_no_zero() -> None:
    for known in (facts(wash_sale=None), facts(wash_sale=effect("0", problem="A cannot be computed"))):
        assert failed(decide("BUY 1 A @ 50", known=known, wash_sale_policy=WashSalePolicy.BLOCK)) == ["wash_sale"]
        warned = decide("BUY 1 A @ 50", known=known, wash_sale_policy=WashSalePolicy.WARN)
        assert warned.is_approved
        assert warned.reason.startswith("warning: wash_sale: ")
        assert decide("SELL 1 A @ 50", known=known, wash_sale_policy=WashSalePolicy.BLOCK).is_approved


@given(
    order=st.sampled_from(["BUY", "SELL", "BUY_TO_COVER"]),
    policy=st.sampled_from(list(WashSalePolicy)),
    blocks_loss_sales=st.booleans(),
)
def test_no_policy_ever_blocks_where_nothing_is_disallowed(
    *, order: str, policy: WashSalePolicy, blocks_loss_sales: bool
) -> None:
    symbol = "S" if order == "BUY_TO_COVER" else "A"
    decision = decide(
        f"{order} 1 {symbol} @ 20",
        known=facts(wash_sale=WashSaleEffect()),
        wash_sale_policy=policy,
        blocks_loss_sales=blocks_loss_sales,
        margin=MARGIN,
    )
    assert decision.is_approved
    assert decision.reason == ""


@given(
    held=st.integers(-10_000, 10_000).filter(bool),
    part=st.integers(1, 10_000),
    tight=st.dictionaries(st.sampled_from([*LIMIT_NAMES, *CONTROL_LIMIT_NAMES]), st.just("0.0001")),
    dropped=st.sets(st.sampled_from([*LIMIT_NAMES, *CONTROL_LIMIT_NAMES])),
    rule=st.sampled_from(list(BuyingPowerRule)),
    equity=st.integers(-1_000, 50_000),
    sent=st.integers(0, 3),
    is_killed=st.booleans(),
)
def test_no_limit_nor_margin_nor_switch_traps_anyone_in_a_position(
    *,
    held: int,
    part: int,
    tight: dict[str, str],
    dropped: set[str],
    rule: BuyingPowerRule,
    equity: int,
    sent: int,
    is_killed: bool,
) -> None:
    known = facts(kill_switch=KillSwitchState(unreadable="down" if is_killed else ""))
    for number in range(sent):
        known.flow.note(intent(f"BUY {number + 1} B @ 10"))
    exposure = replace(
        HELD, quantities={"A": Decimal(held)}, cash=Decimal(-5), equity=Decimal(equity), day_loss=Decimal(10**6)
    )
    shares = min(part, abs(held))
    order = f"{'SELL' if held > 0 else 'BUY_TO_COVER'} {shares} A @ 50"
    left = [row for row in rows(**tight) if row.name not in dropped]
    margin = MarginTerms(rule)
    decision = decide(
        order,
        exposure,
        known=known,
        limit_rows=left,
        margin=margin,
        average_daily_volumes={},
        wash_sale_policy=WashSalePolicy.BLOCK,
    )
    assert decision.is_approved, decision.reason
    assert len(decision.checks) >= len(LIMIT_NAMES) + len(CONTROL_LIMIT_NAMES)


def test_every_check_is_in_the_decision_with_its_numbers_whatever_failed() -> None:
    decision = decide("BUY 1000 A @ 50", limit_rows=[])
    names = [check.name for check in decision.checks]
    assert set(CONTROL_LIMIT_UNITS) < set(names)
    assert len(names) == len(set(names))
    assert value_of(decision, "max_order_notional") == 50_000
    assert value_of(decision, "buying_power") == 50_001
    assert limit_of(decision, "buying_power") == 15_000


@pytest.mark.parametrize("order", ["BUY 0 A @ 50", "BUY 1 A @ 0", "BUY 1 A @ NaN", "BUY 1 A @ 50 limit -1"])
def test_what_is_no_number_above_zero_is_no_order(order: str) -> None:
    with pytest.raises(ValueError, match=r"BUY A: .*: expected a number above 0, found"):
        decide(order)


def test_a_flow_is_bounded_and_survives_a_clock_that_steps_back() -> None:
    flow = OrderFlow()
    for number in range(10_000):
        flow.note(intent(f"BUY {number + 1} C @ 5", after=number, signal=f"sig_{number}"))
    assert len(flow._instants) < 5_000
    late = intent("BUY 1 C @ 5", after=9_999)
    assert flow.sent_within(timedelta(minutes=1), late.intended_at) == 60
    back = intent("BUY 5 D @ 5", after=0)
    flow.note(back)
    assert flow.sent_within(timedelta(seconds=1), back.intended_at) == 2
    assert flow.sent_on(late.session_date) == 10_001
