"""What is journalled when: the order before it is sent, and every report on it after."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.trading import order
from tickledger.domain.errors import LedgerError
from tickledger.domain.order import Order, OrderReport, OrderStatus
from tickledger.domain.ports import BrokerReport
from tickledger.domain.position import PortfolioState
from tickledger.execution.journal import BufferedJournal
from tickledger.execution.open_orders import OpenOrders

ORDER = order("BUY 5 X")
AT = datetime(2012, 1, 3, 21, tzinfo=UTC)


class ReadingBroker:
    """A broker that looks at what the journal holds at the moment an order arrives."""

    def __init__(self, journal: BufferedJournal) -> None:
        self._journal = journal
        self.seen: list[tuple[Order, ...]] = []

    async def place(self, order: Order) -> None:  # noqa: ARG002  it only looks at the journal
        self.seen.append(self._journal.record().orders)

    async def cancel(self, order_id: str) -> None:
        """Nothing works here that could be cancelled."""

    async def reports(self) -> Sequence[BrokerReport]:
        return []


def submitted() -> tuple[OpenOrders, BufferedJournal, ReadingBroker]:
    journal = BufferedJournal()
    broker = ReadingBroker(journal)
    orders = OpenOrders(broker=broker, journal=journal, opening=PortfolioState(cash=Decimal(0)))
    asyncio.run(orders.submit(ORDER))
    return orders, journal, broker


def test_an_order_is_in_the_journal_before_it_is_sent() -> None:
    _, journal, broker = submitted()
    assert broker.seen == [(ORDER,)]
    assert [event.status for event in journal.record().order_events] == [OrderStatus.PENDING]


def test_every_report_becomes_a_numbered_event_of_the_day_it_was_heard() -> None:
    orders, journal, _ = submitted()
    for status in (OrderStatus.SUBMITTED, OrderStatus.CANCELLED):
        orders.take_report(OrderReport(ORDER.order_id, status, AT, "so it was"), session_date=date(2012, 1, 4))
    last = journal.record().order_events[-1]
    assert (last.sequence, last.status, last.session_date, last.reason) == (
        2,
        OrderStatus.CANCELLED,
        date(2012, 1, 4),
        "so it was",
    )
    assert orders.working() == []


def test_an_order_that_is_over_is_known_until_it_is_forgotten() -> None:
    orders, _, _ = submitted()
    orders.take_report(OrderReport(ORDER.order_id, OrderStatus.CANCELLED, AT), session_date=date(2012, 1, 4))
    assert orders.state(ORDER.order_id).is_terminal
    orders.forget_finished()
    with pytest.raises(LedgerError, match="is not one of this session's"):
        orders.state(ORDER.order_id)
