"""Facts for risk: the kill switch is read for every turn, and again within one that takes long."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tickledger.domain.kill_switch import KillSwitchState
from tickledger.domain.order import OrderSide, OrderType
from tickledger.domain.signal import OrderIntent
from tickledger.execution import order_facts
from tickledger.execution.order_facts import AT_ONCE, AccountFacts

NOW = datetime(2013, 3, 27, 14, 30, tzinfo=UTC)
INTENT = OrderIntent(
    account_id="DU1",
    symbol="AAPL",
    side=OrderSide.BUY,
    quantity=Decimal(1),
    order_type=OrderType.MARKET,
    reference_price=Decimal(1),
    signal_id="sig_1",
    intended_at=NOW,
    session_date=date(2013, 3, 27),
)


class Switch:
    """A kill switch that is engaged once it was read so many times, and a clock of the machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads = 0
        self.now = 100.0
        monkeypatch.setattr(order_facts, "monotonic", lambda: self.now)
        self.facts = AccountFacts(self.read)

    def read(self) -> KillSwitchState:
        self.reads += 1
        return KillSwitchState(unreadable=str(self.reads))

    def seen(self, *, turn: int = 0, later: float = 0.0) -> str:
        self.now += later
        return self.facts(replace(INTENT, intended_at=NOW + timedelta(seconds=turn))).kill_switch.unreadable


def test_the_orders_of_one_turn_are_decided_on_one_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    switch = Switch(monkeypatch)
    assert [switch.seen(later=AT_ONCE / 4) for _ in range(4)] == ["1"] * 4


def test_the_next_turn_reads_anew_however_soon_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    switch = Switch(monkeypatch)
    assert [switch.seen(), switch.seen(turn=1), switch.seen()] == ["1", "2", "3"]


def test_a_turn_that_takes_long_reads_again(monkeypatch: pytest.MonkeyPatch) -> None:
    switch = Switch(monkeypatch)
    assert [switch.seen(), switch.seen(later=AT_ONCE * 1.1), switch.seen(later=AT_ONCE * 0.9)] == ["1", "2", "2"]
