"""The order manager on a ledger: what is sent is committed, what comes later changes no row, a restart knows it all."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Connection, Engine, func, select, text, update
from sqlalchemy.exc import IntegrityError

from resources.session_account import bought_by_others
from tests.integration.db.story import ACCOUNT, AGAIN_DAY, BUY_DAY, Story
from tests.integration.db.story import at as instant
from tests.unit.execution.remote_venue import CHARGE, KilledError, Line, MemoryJournal, Venue
from tickledger.db import tax, trading
from tickledger.db.accounts import read_accounts
from tickledger.db.lineage import explain
from tickledger.db.order_journal import LedgerJournal
from tickledger.db.tables import executions, foreign_executions, order_events, orders
from tickledger.domain.broker import CommissionReport
from tickledger.domain.errors import FencedError, LedgerError
from tickledger.domain.execution import Execution
from tickledger.domain.order import Order, OrderModification, OrderStatus, OrderType, TimeInForce
from tickledger.domain.position import Holding, PortfolioState
from tickledger.execution.clock import ReplayClock
from tickledger.execution.order_book import OrderBook
from tickledger.execution.order_fills import FillBook
from tickledger.execution.order_journal import CommissionEntry, ExecutionCorrection, ForeignExecution, JournalEntry
from tickledger.execution.order_manager import OrderManager
from tickledger.tax.engine import compute
from tickledger.tax.fills import from_executions

#: The session after the story's last.
TODAY = date(2012, 1, 10)
START = instant(TODAY, 15)


def fresh(story: Story, number: int = 0, **changes: object) -> Order:
    """A new order, which the story's signal and risk decision let pass."""
    first = replace(
        story.record.orders[0],
        order_id=f"ord_new_{number}",
        order_type=OrderType.LIMIT,
        limit_price=Decimal(10),
        time_in_force=TimeInForce.DAY,
    )
    return replace(first, **changes)  # type: ignore[arg-type]


class Desk:
    """A manager on the ledger, its clock and its venue; `restart` begins another on what is there."""

    def __init__(self, ledger: Engine, guard: Callable[[Connection, str], None] | None = None) -> None:
        self.clock = ReplayClock(START)
        self.venue = Venue(self.clock)
        self.sent: list[str] = []
        self.journal = LedgerJournal(ledger, guard=guard)
        self.restart()

    def restart(self) -> None:
        self.line = Line(self.venue, self.sent)
        self.manager = OrderManager(self.line, self.journal, self.clock, ACCOUNT.account_id)
        asyncio.run(self.manager.start())

    def place(self, order: Order) -> None:
        asyncio.run(self.manager.place(order))

    def pump(self) -> None:
        asyncio.run(self.manager.take_reports())

    def wait(self) -> None:
        self.clock.advance(self.clock.now() + timedelta(minutes=6))


def test_an_order_is_committed_with_its_event_before_it_is_sent(ledger: Engine, story: Story) -> None:
    desk = Desk(ledger)
    seen: list[tuple[int, int]] = []

    async def place(order: Order) -> None:
        with ledger.connect() as other:
            rows = (select(func.count()).where(table.c.order_id == order.order_id) for table in (orders, order_events))
            found = [other.execute(row).scalar_one() for row in rows]
        seen.append((found[0], found[1]))

    desk.line.place = place  # type: ignore[method-assign]
    desk.place(fresh(story))
    assert seen == [(1, 1)]


def test_a_fenced_process_writes_nothing_and_sends_nothing(ledger: Engine, story: Story) -> None:
    def guard(_: Connection, account_id: str) -> None:
        raise FencedError(f"another session trades {account_id}")

    desk = Desk(ledger, guard)
    with pytest.raises(FencedError, match="another session trades SIM0001"):
        desk.place(fresh(story))
    assert desk.sent == []
    assert desk.journal.find_order(ACCOUNT.account_id, "ord_new_0") == ()


def test_what_the_record_refuses_is_not_sent(ledger: Engine, story: Story) -> None:
    desk = Desk(ledger)
    with pytest.raises(LedgerError, match="risk_decisions"):
        desk.place(fresh(story, risk_decision_id="risk_of_nobody"))
    assert desk.sent == []


def test_a_refused_transaction_keeps_nothing_and_leaves_its_connection_whole(ledger: Engine, story: Story) -> None:
    desk = Desk(ledger)
    for number in range(5):
        bad, good = fresh(story, 2 * number, risk_decision_id="risk_of_nobody"), fresh(story, 2 * number + 1)
        with pytest.raises(LedgerError, match="risk_decisions"):
            desk.place(bad)
        desk.place(good)
        assert LedgerJournal(ledger).find_order(bad.account_id, bad.order_id) == ()
        assert LedgerJournal(ledger).find_order(good.account_id, good.order_id)


def test_a_process_that_died_after_sending_finds_its_order_at_the_broker(ledger: Engine, story: Story) -> None:
    desk = Desk(ledger)
    desk.line.dies = "after"
    with pytest.raises(KilledError):
        desk.place(fresh(story))
    desk.venue.deliver()
    known = desk.venue.of("ord_new_0")
    assert known is not None
    desk.venue.fill(known, Decimal(40))
    desk.venue.outbound.clear()
    desk.restart()
    desk.place(fresh(story))
    assert desk.sent == ["ord_new_0"]
    state = desk.manager.status("ord_new_0")
    assert (state.status, state.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, Decimal(40))
    executed = trading.read_executions(ledger, account_id=ACCOUNT.account_id, start=TODAY, end=TODAY)
    assert [row.quantity for row in executed if row.order_id == "ord_new_0"] == [40]


def test_a_restart_knows_what_the_one_before_it_knew(ledger: Engine, story: Story) -> None:
    desk = Desk(ledger)
    for number in range(3):
        desk.place(fresh(story, number))
    while desk.venue.inbound:
        desk.venue.deliver()
    first, second, _ = (desk.venue.of(f"ord_new_{number}") for number in range(3))
    assert first is not None
    assert second is not None
    desk.venue.charge(desk.venue.fill(first, Decimal(60)))
    desk.venue.correct(first.fills[0], Decimal(50), Decimal(11))
    desk.venue.fill(desk.venue.enter(fresh(story, symbol="MSFT"), ""), Decimal(5))
    desk.pump()
    asyncio.run(desk.manager.modify("ord_new_1", OrderModification(quantity=Decimal(70))))
    asyncio.run(desk.manager.cancel("ord_new_2"))
    while desk.venue.inbound:
        desk.venue.deliver()
    desk.wait()
    desk.pump()
    before = {state.order.order_id: state for state in desk.manager.working()}
    assert before["ord_new_1"].order.quantity == 70
    desk.restart()
    assert {state.order.order_id: state for state in desk.manager.working()} == before
    assert desk.manager.last_reconciliation is not None
    assert desk.manager.last_reconciliation.entries == ()


def test_executions_are_read_as_they_stand_and_rows_stay_as_written(ledger: Engine, story: Story) -> None:
    bought = story.record.executions[0]
    with ledger.connect() as connection:
        before = connection.execute(select(func.clock_timestamp())).scalar_one()
    corrected = ExecutionCorrection(
        "exec_04.03", bought.execution_id, 1, "exec_04.02", Decimal(90), Decimal(412), bought.executed_at, BUY_DAY
    )
    charge = CommissionReport("exec_04.03", Decimal("1.37"), "USD", instant(BUY_DAY, 16))
    euros = replace(charge, commission=Decimal("1.20"), currency="EUR")
    entries: list[JournalEntry] = [
        corrected,
        CommissionEntry(bought.execution_id, 1, charge),
        CommissionEntry(bought.execution_id, 2, euros),
    ]
    LedgerJournal(ledger).record(ACCOUNT.account_id, entries)
    now = trading.read_executions(ledger, account_id=ACCOUNT.account_id)[0]
    expected = replace(bought, quantity=Decimal(90), price=Decimal(412), commission=Decimal("1.37"))
    assert now == replace(expected, bar_id=bought.bar_id)
    assert trading.read_executions(ledger, account_id=ACCOUNT.account_id, as_of=before)[0] == bought
    with ledger.connect() as connection:
        row = connection.execute(select(executions).where(executions.c.execution_id == bought.execution_id)).one()
    assert (row.quantity, row.price, row.commission) == (bought.quantity, bought.price, bought.commission)
    facts = explain(ledger, bought.execution_id).facts
    assert (facts["corrected_quantity"], facts["corrected_price"]) == ("90", "412")


def test_a_bust_counts_for_nothing(ledger: Engine, story: Story) -> None:
    last = story.record.executions[-1]
    bust = ExecutionCorrection(
        "b", last.execution_id, 0, last.execution_id, Decimal(0), last.price, last.executed_at, AGAIN_DAY
    )
    LedgerJournal(ledger).record(ACCOUNT.account_id, [bust])
    assert last.execution_id not in {row.execution_id for row in trading.read_executions(ledger)}
    assert explain(ledger, last.order_id).facts["filled"] == "0"


def test_a_charge_told_later_reaches_whoever_reads_executions(ledger: Engine, story: Story) -> None:
    desk = Desk(ledger)
    desk.place(fresh(story))
    desk.venue.deliver()
    fill = desk.venue.fill(desk.venue.orders[0], Decimal(100))
    desk.pump()

    def mine() -> Execution:
        found = trading.read_executions(ledger, account_id=ACCOUNT.account_id)
        return next(row for row in found if row.order_id == "ord_new_0")

    assert mine().commission_is_estimated
    desk.venue.charge(fill)
    desk.pump()
    assert (mine().commission, mine().fees, mine().commission_is_estimated) == (CHARGE, Decimal(0), False)


def test_a_foreign_fill_has_one_row_in_force(ledger: Engine, story: Story) -> None:
    desk = Desk(ledger)
    fill = desk.venue.fill(desk.venue.enter(fresh(story, symbol="MSFT"), "by-hand"), Decimal(5))
    desk.pump()
    desk.venue.correct(fill, Decimal(4), Decimal(11))
    desk.venue.charge(fill)
    desk.pump()
    rows = foreign_executions.c
    with ledger.connect() as connection:
        told = connection.execute(select(func.count()).where(rows.order_reference == "by-hand")).scalar_one()
        statement = select(rows.quantity, rows.price, rows.commission).where(
            rows.order_reference == "by-hand", rows.superseded_at.is_(None)
        )
        in_force = connection.execute(statement).all()
    assert told == 3
    assert [tuple(row) for row in in_force] == [(4, 11, CHARGE)]
    mine = [row for row in trading.read_executions(ledger, account_id=ACCOUNT.account_id) if row.symbol == "MSFT"]
    assert [(row.order_id, row.quantity, row.price) for row in mine] == [("", Decimal(4), Decimal(11))]
    assert [(row.commission, row.fees) for row in mine] == [(CHARGE, Decimal(0))]


def test_a_foreign_fill_that_was_taken_back_is_no_execution(ledger: Engine, story: Story) -> None:
    desk = Desk(ledger)
    fill = desk.venue.fill(desk.venue.enter(fresh(story, symbol="MSFT"), "by-hand"), Decimal(5))
    desk.pump()
    desk.venue.correct(fill, Decimal(0), Decimal(11))
    desk.pump()
    assert not [row for row in trading.read_executions(ledger) if row.symbol == "MSFT"]


def test_a_fill_that_turns_out_to_be_ours_gets_its_order_and_counts_once(ledger: Engine, story: Story) -> None:
    journal, bought = LedgerJournal(ledger), story.record.executions[0]
    late = replace(bought, execution_id="exec_late", bar_id=None, quantity=Decimal(7))
    told_first = ForeignExecution(replace(late, order_id=""), "exec_late", "77")
    journal.record(ACCOUNT.account_id, [told_first])
    journal.record(
        ACCOUNT.account_id, [replace(told_first, execution=replace(told_first.execution, quantity=Decimal(0))), late]
    )
    found = [row for row in trading.read_executions(ledger) if row.execution_id == "exec_late"]
    assert found == [late]
    fills = FillBook()
    for entry in journal.find_order(ACCOUNT.account_id, bought.order_id):
        if isinstance(entry, Execution | ExecutionCorrection | CommissionEntry | ForeignExecution):
            fills.apply(entry)
    assert fills.own["exec_late"] == late


def test_the_order_of_an_execution_is_filled_in_once_and_never_changed(ledger: Engine, story: Story) -> None:
    other = story.record.orders[1].order_id
    with ledger.connect() as connection, pytest.raises(IntegrityError, match="append-only"):
        connection.execute(update(executions).where(executions.c.order_id.is_not(None)).values(order_id=other))


def test_what_a_person_bought_is_told_from_what_a_strategy_did(ledger: Engine, story: Story) -> None:
    desk = Desk(ledger)
    for symbol in ("MSFT", "AAPL"):
        desk.venue.fill(desk.venue.enter(fresh(story, symbol=symbol), "by-hand"), Decimal(5))
    desk.pump()
    held = {symbol: Holding(Decimal(5), Decimal(10)) for symbol in ("AAPL", "MSFT", "IBM")}
    opening = PortfolioState(Decimal(0), held, opened_dates=dict.fromkeys(held, BUY_DAY))
    assert bought_by_others(ledger, ACCOUNT.account_id, opening) == {"MSFT"}
    sold_out_since = replace(opening, opened_dates=dict.fromkeys(held, TODAY))
    assert bought_by_others(ledger, ACCOUNT.account_id, sold_out_since) == {"AAPL", "MSFT"}
    assert bought_by_others(ledger, ACCOUNT.account_id, PortfolioState(Decimal(0))) == frozenset()


def test_lots_and_gains_rest_on_fills_of_others_too(ledger: Engine, story: Story) -> None:
    """A person sells at TWS what a strategy bought, and buys what it never did."""
    desk = Desk(ledger)
    theirs = replace(fresh(story, symbol="MSFT"), quantity=Decimal(5))
    desk.venue.fill(desk.venue.enter(theirs, "by-hand"), Decimal(5))
    desk.pump()
    accounts = read_accounts(ledger)
    result = compute(from_executions(trading.read_executions(ledger)), accounts=accounts)
    tax.replace_tax_result(ledger, result, account_ids=[account.account_id for account in accounts])
    lots = [lot for lot in tax.read_open_lots(ledger) if lot.symbol == "MSFT"]
    assert [lot.quantity for lot in lots] == [5]
    opened = lots[0].open_execution_id
    assert explain(ledger, opened).id == opened  # and its chain ends there: no order of ours


def test_the_ledger_and_a_list_in_memory_tell_the_same(ledger: Engine, story: Story) -> None:
    """The contract of the journal: what a manager does over one it does over the other."""
    desk = Desk(ledger)
    memory = MemoryJournal(desk.journal.load(ACCOUNT.account_id).opening)
    memory.entries = list(desk.journal.load(ACCOUNT.account_id).entries)
    other = Desk.__new__(Desk)
    other.clock, other.sent = ReplayClock(START), []
    other.venue = Venue(other.clock)
    other.journal = memory  # type: ignore[assignment]
    other.restart()
    books = []
    for one in (desk, other):
        for number in range(4):
            one.place(fresh(story, number))
        one.venue.inbound.pop(1)
        while one.venue.inbound:
            one.venue.deliver()
        first, *_ = one.venue.orders
        one.venue.fill(first, Decimal(30))
        one.venue.correct(first.fills[0], Decimal(29), Decimal(9))
        one.venue.charge(first.fills[0])
        asyncio.run(one.manager.cancel("ord_new_3"))
        one.venue.deliver()
        one.wait()
        one.pump()
        one.wait()
        one.pump()
        book = OrderBook(one.journal.load(ACCOUNT.account_id).entries)
        books.append(({key: value.state for key, value in book.orders.items()}, book.fills.own, book.fills.foreign))
    assert books[0] == books[1]


@pytest.mark.parametrize("table", ["order_modifications", "execution_corrections", "commission_reports"])
def test_what_was_told_later_is_never_superseded_either(ledger: Engine, story: Story, table: str) -> None:
    assert story.record.executions
    with ledger.connect() as connection:
        columns = {
            row.column_name
            for row in connection.execute(
                text("SELECT column_name FROM information_schema.columns WHERE table_name = :name"), {"name": table}
            )
        }
    assert "superseded_at" not in columns
    assert "recorded_at" in columns


def test_how_many_orders_a_second_are_written(ledger: Engine, story: Story) -> None:
    desk = Desk(ledger)
    many = [fresh(story, number) for number in range(300)]
    started = time.perf_counter()

    async def place_all() -> None:
        for order in many:
            await desk.manager.place(order)

    asyncio.run(place_all())
    placed = time.perf_counter() - started
    while desk.venue.inbound:
        desk.venue.deliver()
    for known in desk.venue.orders:
        desk.venue.fill(known, known.terms.quantity)
    started = time.perf_counter()
    desk.pump()
    booked = time.perf_counter() - started
    assert {desk.manager.status(order.order_id).status for order in many} == {OrderStatus.FILLED}
    print(f"\n{len(many) / placed:,.0f} orders/s placed one by one, each in its own transaction (order + event)")
    print(f"{4 * len(many) / booked:,.0f} rows/s booked in one pump (acknowledgements, fills, ends)")
