"""Obeying the kill switch at a broker that is slow, silent or stubborn: cancelled first, each position closed once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.trading import ACCOUNT, limits
from tests.unit.risk.orders import plain_cost
from tickledger.domain.broker import BrokerOrder, BrokerPosition, BrokerSnapshot
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind
from tickledger.domain.order import (
    Order,
    OrderModification,
    OrderSide,
    OrderStatus,
    OrderType,
    RiskDecision,
    TimeInForce,
)
from tickledger.domain.ports import RemoteReport
from tickledger.execution.clock import ReplayClock
from tickledger.execution.kill_switch import Flattening, KillReport, Patience, obey
from tickledger.risk.pre_trade import PreTradeRisk

AT = datetime(2026, 6, 10, 15, tzinfo=UTC)
ME = ACCOUNT.account_id
Kind = KillSwitchEventKind


@dataclass
class Record:
    """The events in memory; `is_down` refuses to write."""

    kept: list[KillSwitchEvent] = field(default_factory=list)
    is_down: bool = False

    def record(self, event: KillSwitchEvent) -> KillSwitchEvent:
        if self.is_down:
            raise ConfigurationError("the database does not answer")
        self.kept.append(replace(event, sequence=len(self.kept) + 1))
        return self.kept[-1]

    def events(self) -> Sequence[KillSwitchEvent]:
        return list(self.kept)

    def ask(self, *, flattens: bool = False) -> None:
        self.record(KillSwitchEvent(Kind.ENGAGED, "ann", "too fast", AT, flattens=flattens))

    def steps(self) -> list[str]:
        return [" ".join(filter(None, (event.kind, event.symbol))) for event in self.kept if event.answers]


@dataclass
class Venue:
    """A broker: positions, working orders, and how many snapshots it takes until a cancellation is through.

    `silences` snapshots fail first. Orders that come in fill at once where `is_filling`.
    """

    positions: dict[str, int] = field(default_factory=dict)
    working: list[str] = field(default_factory=list)
    takes: int = 0
    silences: int = 0
    is_filling: bool = True
    calls: list[str] = field(default_factory=list)
    is_cancelling: bool = False

    async def cancel_all(self) -> None:
        self.calls.append("cancel_all")
        self.is_cancelling = True

    async def snapshot(self) -> BrokerSnapshot:
        self.calls.append("snapshot")
        if self.silences:
            self.silences -= 1
            raise BrokerUnavailableError("no answer within 5 s")
        if self.is_cancelling and self.takes:
            self.takes -= 1
        elif self.is_cancelling:
            self.is_cancelling = False
            self.working.clear()
        held = [
            BrokerPosition(ME, symbol, Decimal(shares), Decimal(10))
            for symbol, shares in self.positions.items()
            if shares
        ]
        held.append(BrokerPosition("OTHER", "A", Decimal(7), Decimal(10)))
        open_orders = tuple(_broker_order(symbol) for symbol in self.working)
        return BrokerSnapshot(ME, AT, open_orders, (), (), (), tuple(held), Decimal(1000))

    async def place(self, order: Order) -> None:
        raise AssertionError(f"{order.order_id} goes past the desk")

    async def modify(self, order: Order, modification: OrderModification) -> None:
        raise AssertionError(f"nothing is modified: {order.order_id} {modification}")

    async def cancel(self, order_id: str) -> None:
        raise AssertionError(f"all orders are cancelled at once, not {order_id}")

    async def reports(self) -> Sequence[RemoteReport]:
        return ()


@dataclass
class Desk:
    """Sends what comes in to the venue, once under each id."""

    venue: Venue
    sent: list[Order] = field(default_factory=list)
    decisions: list[RiskDecision] = field(default_factory=list)
    is_down: bool = False

    async def submit(self, order: Order, decision: RiskDecision) -> bool:
        if self.is_down:
            raise ConfigurationError("the journal does not answer")
        self.decisions.append(decision)
        if any(known.order_id == order.order_id for known in self.sent):
            return False
        self.sent.append(order)
        if self.venue.is_filling:
            self.venue.positions[order.symbol] += order.side.sign * int(order.quantity)
        else:
            self.venue.working.append(order.symbol)
        return True

    def lines(self) -> list[str]:
        return [f"{order.side} {order.quantity} {order.symbol} {order.order_type}" for order in self.sent]


def _broker_order(symbol: str) -> BrokerOrder:
    return BrokerOrder(
        order_id=None,
        broker_order_id=f"perm_{symbol}",
        account_id=ME,
        symbol=symbol,
        side=OrderSide.BUY,
        quantity=Decimal(1),
        filled_quantity=Decimal(0),
        status=OrderStatus.SUBMITTED,
        order_type=OrderType.LIMIT,
        raw_type="LMT",
        time_in_force=TimeInForce.DAY,
    )


async def _no_wait(_seconds: float) -> None:
    return


def carry_out(
    record: Record, venue: Venue, desk: Desk | None = None, *, signals: Sequence[str] = ("A", "B", "S")
) -> list[KillReport]:
    """Obey everything that is asked for, with limits that allow nothing that opens."""
    desk = desk or Desk(venue)
    flattening = Flattening(
        risk=PreTradeRisk(limits(max_position_size="1", max_daily_loss="0.01"), plain_cost),
        desk=desk,
        signal_ids={symbol: f"sig_{symbol}" for symbol in signals},
        session_date=date(2026, 6, 10),
    )
    work = obey(
        record,
        account_id=ME,
        broker=venue,
        clock=ReplayClock(AT),
        flattening=flattening,
        patience=Patience(attempts=4, sleep=_no_wait),
    )
    return asyncio.run(work)


def test_everything_is_cancelled_and_positions_stay() -> None:
    record, venue = Record(), Venue({"A": 100}, ["A", "B"])
    record.ask()
    (report,) = carry_out(record, venue)
    assert (report.is_complete, report.flattened) == (True, ())
    assert (venue.calls, venue.positions) == (["cancel_all"], {"A": 100})
    assert record.steps() == ["cancel_sent", "carried_out"]
    assert carry_out(record, venue) == []
    assert venue.calls == ["cancel_all"]


def test_flattening_closes_long_and_short_once_the_orders_are_gone() -> None:
    record, venue = Record(), Venue({"A": 100, "S": -40}, ["A"], takes=2)
    record.ask(flattens=True)
    desk = Desk(venue)
    (report,) = carry_out(record, venue, desk)
    assert venue.calls == ["cancel_all", "snapshot", "snapshot", "snapshot"]
    assert desk.lines() == ["SELL 100 A MARKET", "BUY_TO_COVER 40 S MARKET"]
    assert all(decision.is_approved for decision in desk.decisions)
    assert [order.signal_id for order in desk.sent] == ["sig_A", "sig_S"]
    assert report.is_complete
    assert record.steps() == ["cancel_sent", "flatten_sent A", "flatten_sent S", "carried_out"]
    assert venue.positions == {"A": 0, "S": 0}


def test_a_position_with_an_order_that_will_not_go_is_left_until_it_has_gone() -> None:
    record, venue = Record(), Venue({"A": 100, "B": 5}, ["A"], takes=99)
    record.ask(flattens=True)
    desk = Desk(venue)
    (report,) = carry_out(record, venue, desk)
    assert desk.lines() == ["SELL 5 B MARKET"]
    assert not report.is_complete
    assert report.problems == ("A: an order of it still works at the broker",)
    venue.takes = 0
    (again,) = carry_out(record, venue, desk)
    assert again.is_complete
    assert desk.lines() == ["SELL 5 B MARKET", "SELL 100 A MARKET"]


def test_closing_orders_that_wait_for_the_market_are_not_cancelled_nor_sent_again_by_who_comes_later() -> None:
    record, venue = Record(), Venue({"A": 100, "B": 5}, is_filling=False)
    record.ask(flattens=True)
    desk = Desk(venue)
    carry_out(record, venue, desk, signals=["A", "B"])
    record.kept = [event for event in record.kept if event.kind is not Kind.CARRIED_OUT]  # it died just before
    (report,) = carry_out(record, venue, desk)
    assert report.is_complete
    assert len(desk.sent) == 2
    assert venue.calls.count("cancel_all") == 1
    assert venue.working == ["A", "B"]


def test_asking_again_cancels_what_waits_and_closes_what_is_left() -> None:
    record, venue = Record(), Venue({"A": 100}, is_filling=False)
    record.ask(flattens=True)
    desk = Desk(venue)
    carry_out(record, venue, desk)
    venue.positions["A"] = 30  # filled in part
    record.ask(flattens=True)
    carry_out(record, venue, desk)
    assert desk.lines() == ["SELL 100 A MARKET", "SELL 30 A MARKET"]
    assert venue.calls.count("cancel_all") == 2


def test_a_broker_that_does_not_answer_is_not_flat() -> None:
    record, venue = Record(), Venue({"A": 100}, silences=99)
    record.ask(flattens=True)
    desk = Desk(venue)
    (report,) = carry_out(record, venue, desk)
    assert desk.sent == []
    assert not report.is_complete
    assert report.problems == ("the broker did not tell its orders and positions: no answer within 5 s",)
    assert record.steps() == ["cancel_sent", "failed"]
    venue.silences = 2
    (again,) = carry_out(record, venue, desk)
    assert again.is_complete
    assert desk.lines() == ["SELL 100 A MARKET"]


def test_a_database_that_is_down_holds_up_no_cancellation() -> None:
    record, venue = Record(), Venue({"A": 100}, ["A"])
    record.ask(flattens=True)
    record.is_down = True
    desk = Desk(venue, is_down=True)
    (report,) = carry_out(record, venue, desk)
    assert venue.calls[0] == "cancel_all"
    assert not report.is_complete
    assert "A: the journal does not answer" in report.problems
    assert any(problem.startswith("cancel_sent could not be recorded") for problem in report.problems)


def test_a_closing_order_that_was_cancelled_meanwhile_is_told_and_not_taken_for_sent() -> None:
    record, venue = Record(), Venue({"A": 100}, is_filling=False)
    record.ask(flattens=True)
    desk = Desk(venue)
    carry_out(record, venue, desk)
    del record.kept[2:]  # it died before it could write that the order was sent
    (report,) = carry_out(record, venue, desk)
    assert (report.flattened, list(report.skipped), len(desk.sent)) == ((), ["A"], 1)
    assert report.skipped["A"].endswith("was sent before and is over: ask again")
    record.ask(flattens=True)
    carry_out(record, venue, desk)
    assert desk.lines() == ["SELL 100 A MARKET"] * 2


def test_what_we_never_traded_is_left_to_its_owner_and_told() -> None:
    record, venue = Record(), Venue({"A": 100, "B": 5})
    record.ask(flattens=True)
    desk = Desk(venue)
    (report,) = carry_out(record, venue, desk, signals=["A"])
    assert desk.lines() == ["SELL 100 A MARKET"]
    assert report.skipped == {"B": "no order of ours opened it: close it at the broker"}
    assert report.is_complete


def test_what_was_resumed_is_not_carried_out_any_more() -> None:
    record, venue = Record(), Venue({"A": 100})
    record.ask(flattens=True)
    record.record(KillSwitchEvent(Kind.RESUMED, "ann", "", AT))
    assert carry_out(record, venue) == []
    assert venue.calls == []


@given(
    positions=st.dictionaries(st.sampled_from("ABS"), st.integers(-50, 50)),
    working=st.lists(st.sampled_from("ABS")),
    takes=st.integers(0, 6),
    silences=st.integers(0, 5),
    runs=st.integers(1, 5),
    crashes=st.sets(st.integers(0, 4)),
    is_filling=st.booleans(),
)
def test_no_position_is_ever_closed_twice_or_turned_round(
    *,
    positions: dict[str, int],
    working: list[str],
    takes: int,
    silences: int,
    runs: int,
    crashes: set[int],
    is_filling: bool,
) -> None:
    record = Record()
    venue = Venue(dict(positions), working, takes, silences, is_filling)
    desk = Desk(venue)
    record.ask(flattens=True)
    for number in range(runs):
        carry_out(record, venue, desk)
        if number in crashes and record.kept[-1].kind is not Kind.ENGAGED:
            record.kept.pop()  # the last step was not written before the process died
    sent = [order.symbol for order in desk.sent]
    assert len(sent) == len(set(sent))
    for order in desk.sent:
        assert order.quantity == abs(positions[order.symbol])
        assert order.side is (OrderSide.SELL if positions[order.symbol] > 0 else OrderSide.BUY_TO_COVER)
    assert venue.calls[0] == "cancel_all"
