"""The kill switch over the real order manager: cancelled, closed once, and the journal knows all of it."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal

from tests.trading import ACCOUNT, limits, order
from tests.unit.execution.remote_venue import START, Line, MemoryJournal, Venue
from tests.unit.execution.test_kill_switch import Record
from tests.unit.risk.orders import plain_cost
from tickledger.domain.kill_switch import KillSwitchEventKind
from tickledger.domain.order import OrderStatus, RiskDecision
from tickledger.execution.clock import ReplayClock
from tickledger.execution.flattening_desk import ManagedDesk
from tickledger.execution.kill_switch import Flattening, KillReport, Patience, obey
from tickledger.execution.order_manager import OrderManager
from tickledger.risk.pre_trade import PreTradeRisk

LATER = datetime(2012, 1, 4, 15, tzinfo=UTC)


async def _no_wait(_seconds: float) -> None:
    return


class Session:
    """A process that trades at the venue, as far as the kill switch needs one."""

    def __init__(self, venue: Venue, journal: MemoryJournal, record: Record, clock: ReplayClock) -> None:
        self.venue, self.journal, self.record, self.clock = venue, journal, record, clock
        self.line = Line(venue, [])
        self.manager = OrderManager(self.line, journal, clock, ACCOUNT.account_id)
        self.decisions: list[RiskDecision] = []

    async def obey(self) -> list[KillReport]:
        desk = ManagedDesk(self.manager, self.journal, self.decisions.append)
        flattening = Flattening(
            risk=PreTradeRisk(limits(max_position_size="1"), plain_cost),
            desk=desk,
            signal_ids={"X": "sig_0"},
            session_date=date(2012, 1, 4),
        )
        return await obey(
            self.record,
            account_id=ACCOUNT.account_id,
            broker=self.line,
            clock=self.clock,
            flattening=flattening,
            patience=Patience(attempts=3, sleep=_no_wait),
        )


def started() -> Session:
    """A session at a venue that holds 50 X, with a purchase of 10 more that works."""
    clock = ReplayClock(START)
    return Session(Venue(clock), MemoryJournal(), Record(), clock)


def test_the_working_order_is_cancelled_and_the_position_closed_through_the_journal() -> None:
    async def story() -> None:
        session = started()
        await session.manager.start()
        await session.manager.place(order("BUY 10 X LIMIT 9"))
        session.venue.deliver()
        await session.manager.take_reports()
        session.record.ask(flattens=True)
        (report,) = await session.obey()
        assert report.is_complete
        (closing,) = report.flattened
        assert (closing.symbol, closing.quantity, closing.signal_id) == ("X", Decimal(50), "sig_0")
        assert [decision.risk_decision_id for decision in session.decisions] == [closing.risk_decision_id]
        session.venue.deliver()
        sold = session.venue.of(closing.order_id)
        assert sold is not None
        session.venue.fill(sold, Decimal(50))
        await session.manager.take_reports()
        assert session.manager.status(closing.order_id).status is OrderStatus.FILLED
        assert session.manager.status(order("BUY 10 X LIMIT 9").order_id).status is OrderStatus.CANCELLED
        assert session.venue.positions() == {}
        assert await session.obey() == []

    asyncio.run(story())


def test_a_process_that_died_after_sending_is_followed_by_one_that_does_not_send_again() -> None:
    async def story() -> None:
        first = started()
        await first.manager.start()
        first.record.ask(flattens=True)
        (report,) = await first.obey()
        first.venue.deliver()
        kept = [KillSwitchEventKind.ENGAGED, KillSwitchEventKind.CANCEL_SENT]
        first.record.kept = [event for event in first.record.kept if event.kind in kept]
        first.clock.advance(LATER)
        second = Session(first.venue, first.journal, first.record, first.clock)
        await second.manager.start()
        (again,) = await second.obey()
        assert second.line.sent == []
        assert again.flattened == ()
        assert again.skipped["X"].startswith(f"its closing order {report.flattened[0].order_id} was sent before")
        # Whoever asks again gets the position closed.
        await second.manager.take_reports()
        second.record.ask(flattens=True)
        (third,) = await second.obey()
        assert [str(closing.quantity) for closing in third.flattened] == ["50"]
        assert second.line.sent == [third.flattened[0].order_id]

    asyncio.run(story())


def test_before_the_manager_has_heard_of_everything_nothing_is_sent_and_it_is_taken_up_again() -> None:
    async def story() -> None:
        session = started()
        session.record.ask(flattens=True)
        (report,) = await session.obey()
        assert not report.is_complete
        assert session.line.sent == []
        await session.manager.start()
        (again,) = await session.obey()
        assert again.is_complete
        assert len(session.line.sent) == 1

    asyncio.run(story())
