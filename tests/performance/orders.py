"""Orders through everything they pass: risk, the durable journal, the order manager, the IB broker, the gateway.

An order's time begins when it is due, not when the loop got round to it, and ends when SUBMITTED is in the journal.
IB takes 50 messages a second of a client, so the pacing of both sides is opened for this; with it, the broker sends 48
a second and what is more waits. The kill switch is measured with the pacing as it is.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pandas as pd
import psycopg
from sqlalchemy import Engine

from tests.performance.loopback import HOST, SYMBOLS, gateway_process, until
from tests.performance.market_data import opened_broker
from tests.performance.risk import LIMITS, exposure
from tests.unit.ib.messages import ACCOUNT, order
from tickledger.db.accounts import ensure_account
from tickledger.db.embedded import EmbeddedServer, ensure_databases
from tickledger.db.engine import create_ledger_engine
from tickledger.db.features import write_feature_snapshots
from tickledger.db.ingestion import IngestionSource
from tickledger.db.market_data import ingest_bars
from tickledger.db.migrate import upgrade
from tickledger.db.order_journal import LedgerJournal
from tickledger.db.signals import replace_signals
from tickledger.db.symbols import upsert_symbols
from tickledger.domain.account import Account, Mode
from tickledger.domain.bar import BarKey
from tickledger.domain.execution import Execution
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind, KillSwitchState
from tickledger.domain.order import (
    Order,
    OrderEvent,
    OrderReport,
    OrderSide,
    OrderStatus,
    OrderType,
    RiskDecision,
    TimeInForce,
)
from tickledger.domain.signal import OrderIntent, Signal, SignalType
from tickledger.domain.wash_sale import WashSaleEffect
from tickledger.execution.clock import WallClock
from tickledger.execution.intent_orders import order_of
from tickledger.execution.kill_switch import engage
from tickledger.execution.order_journal import NewOrder
from tickledger.execution.order_manager import OrderManager
from tickledger.gateway.journal import Entry, read_journal
from tickledger.ib import library
from tickledger.ib.broker import IBBroker
from tickledger.ib.ib_settings import IBSettings
from tickledger.ib.order_ids import InMemoryOrderIds
from tickledger.risk.order_controls import OrderControls, OrderFacts
from tickledger.risk.order_flow import OrderFlow
from tickledger.risk.pre_trade import PreTradeRisk

RATE: Final = 100
#: IB's limit to a client, which the gateway holds it to.
BROKER_LIMIT: Final = 50
#: Of the orders before the kill switch; the steady ones go round all symbols.
_SYMBOL: Final = "AAPL"
_DAY: Final = date(2012, 2, 1)
_PRICES: Final = 3_000
_GLANCE: Final = 0.5


# What the ledger needs before an order can stand in it.


@contextmanager
def ledger(server: EmbeddedServer, *, signals: int, name: str = "bench") -> Iterator[Engine]:
    """A durable ledger with an account and so many signals; orders are lined up with them."""
    ensure_databases(server, [name])
    engine = create_ledger_engine(server.url(name))
    try:
        upgrade(engine)
        _tell_market(engine)
        ensure_account(engine, Account(ACCOUNT, Mode.PAPER))
        replace_signals(engine, [_signal(number) for number in range(signals)], start=_DAY, end=_DAY)
        yield engine
    finally:
        engine.dispose()


def _tell_market(engine: Engine) -> None:
    """A bar and a feature row of every symbol, which signals refer to."""
    stamp = pd.Timestamp(_DAY, tz="UTC").as_unit("us")
    bars = pd.DataFrame(
        [(symbol, stamp, 100.0, 100.5, 99.5, 100.0, 1_000_000) for symbol in SYMBOLS],
        columns=["symbol", "timestamp", "open", "high", "low", "close", "volume"],
    )
    upsert_symbols(engine, pd.DataFrame({"symbol": SYMBOLS, "company_name": SYMBOLS}))
    ingest_bars(engine, bars, rejects=[], source=IngestionSource("bench.csv", "ab" * 32, _DAY, _DAY))
    rows = [
        (f"feat_{symbol}", str(BarKey(symbol, "1day", datetime(2012, 2, 1, tzinfo=UTC), 1)), symbol, stamp, 0.1)
        for symbol in SYMBOLS
    ]
    names = ["feature_row_id", "bar_id", "symbol", "timestamp", "return_1"]
    write_feature_snapshots(engine, pd.DataFrame(rows, columns=names))


def _symbol(number: int) -> str:
    return SYMBOLS[number % len(SYMBOLS)]


def _signal(number: int) -> Signal:
    return Signal(
        signal_id=f"sig_{number}",
        symbol=_symbol(number),
        session_date=_DAY,
        signalled_at=datetime(2012, 2, 1, 21, tzinfo=UTC),
        signal_type=SignalType.BUY,
        confidence=0.5,
        strategy="composite",
        feature_row_id=f"feat_{_symbol(number)}",
    )


def _intent(number: int, at: datetime) -> OrderIntent:
    """A share at a price that rests, another one than those of the orders just before it."""
    return OrderIntent(
        account_id=ACCOUNT,
        symbol=_symbol(number),
        side=OrderSide.BUY,
        quantity=Decimal(1),
        order_type=OrderType.LIMIT,
        reference_price=Decimal(100),
        signal_id=f"sig_{number}",
        intended_at=at,
        session_date=_DAY,
        limit_price=Decimal(60) + Decimal(number % _PRICES) / 100,
    )


def _risk() -> PreTradeRisk:
    facts = OrderFacts(flow=OrderFlow(), kill_switch=KillSwitchState(), wash_sale=WashSaleEffect())
    controls = OrderControls(facts=lambda _: facts, average_daily_volumes=dict.fromkeys(SYMBOLS, Decimal(10**9)))
    return PreTradeRisk(
        [replace(limit, account_id=ACCOUNT, effective_from=_DAY) for limit in LIMITS], _cost, controls=controls
    )


def _cost(side: OrderSide, quantity: Decimal, price: Decimal, _on: date) -> Decimal:
    return side.sign * quantity * price + 1


# From the decision to SUBMITTED.


@dataclass
class Flow:
    """Milliseconds from due to SUBMITTED of each order, seconds they took in all, and CPU seconds of this process."""

    placed: int = 0
    times: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0


def decision_to_submitted(engine: Engine, *, rate: float = RATE, seconds: float) -> Flow:
    """Risk check, its row, the order's row, the wire, and the row of SUBMITTED, at a steady rate."""
    with gateway_process() as gateway:
        return asyncio.run(_decide(engine, gateway.port, rate, seconds))


async def _decide(engine: Engine, port: int, rate: float, seconds: float) -> Flow:
    clock, journal, risk, held = WallClock(), LedgerJournal(engine), _risk(), exposure()
    broker = opened_broker(port)
    manager = OrderManager(broker, journal, clock, ACCOUNT)
    await broker.start()
    await manager.start()
    # The connection that was just made is in the reports still, and asks for a snapshot of its own.
    await manager.take_reports()
    due_of: dict[str, float] = {}
    flow = Flow()

    async def read() -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(broker.something_to_report(), _GLANCE)
            told = await manager.take_reports()
            now = time.perf_counter()
            for report in told:
                if isinstance(report, OrderReport) and report.status is OrderStatus.SUBMITTED:
                    flow.times.append((now - due_of.pop(report.order_id)) * 1e3)

    async def place(number: int, due: float) -> None:
        intent = _intent(number, clock.now())
        decision = risk.check(intent, held)
        if not decision.is_approved:
            raise RuntimeError(f"expected an order that risk approves, found {decision.reason}")
        due_of[(order := order_of(intent, decision)).order_id] = due
        # Where the broker is asked for all it has, the order waits, and its time runs.
        await until(lambda: manager.is_ready, "a broker that takes orders")
        await manager.place(order, decision)

    async with _reading(read()):
        await _steadily(flow, place, rate=rate, seconds=seconds)
        await until(lambda: len(flow.times) == flow.placed, f"{flow.placed} orders SUBMITTED")
    await broker.stop()
    return flow


def library_to_submitted(*, rate: float = RATE, seconds: float) -> Flow:
    """`ib_insync` alone: its `placeOrder` to its `Submitted`, no journal, no checks, its throttle switched off."""

    async def run(port: int) -> Flow:
        ib = library.new_ib(time_zone="America/New_York")
        await ib.connectAsync(HOST, port, clientId=2)
        flow = Flow()
        due_of: dict[int, float] = {}

        def submitted(trade: Any) -> None:
            if trade.orderStatus.status == "Submitted" and trade.order.orderId in due_of:
                flow.times.append((time.perf_counter() - due_of.pop(trade.order.orderId)) * 1e3)

        async def place(number: int, due: float) -> None:
            placed = _library_order(round(60 + number % _PRICES / 100, 2))
            placed.orderId = ib.client.getReqId()
            due_of[placed.orderId] = due
            ib.placeOrder(_library_contract(_symbol(number)), placed)

        ib.orderStatusEvent += submitted
        await _steadily(flow, place, rate=rate, seconds=seconds)
        await until(lambda: len(flow.times) == flow.placed, f"{flow.placed} orders SUBMITTED")
        ib.disconnect()
        return flow

    with gateway_process() as gateway:
        return asyncio.run(run(gateway.port))


async def _steadily(flow: Flow, place: Any, *, rate: float, seconds: float) -> None:
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await place(number, due)
        flow.placed += 1
    flow.seconds, flow.cpu = time.perf_counter() - began, time.process_time() - cpu


@asynccontextmanager
async def _reading(work: Any) -> AsyncIterator[None]:
    """Do `work` meanwhile; what it fails of is raised."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _library_contract(symbol: str = _SYMBOL) -> Any:
    return library.Contract(secType="STK", symbol=symbol, exchange="SMART", currency="USD")


def _library_order(price: float) -> Any:
    return library.Order(
        action="BUY", totalQuantity=1, orderType="LMT", lmtPrice=price, tif="DAY", account=ACCOUNT, transmit=True
    )


# The kill switch behind a queue.


@dataclass(frozen=True)
class Kill:
    """How long the global cancel took to arrive, milliseconds, and the orders that reached the gateway after it."""

    milliseconds: float
    orders_before: int
    orders_after: int


def kill_switch(folder: Path, *, queued: int = 200) -> Kill:
    """Our kill switch, engaged right after so many orders were placed at once, with pacing as it is."""

    async def run(port: int) -> datetime:
        clock = WallClock()
        settings = IBSettings(HOST, port, client_id=1, account_id=ACCOUNT)
        broker = IBBroker(settings, clock=clock, order_ids=InMemoryOrderIds())
        await broker.start()
        await asyncio.sleep(1.0)
        for number in range(queued):
            await broker.place(order(f"ord_{number}", f"BUY 1 {_SYMBOL} LIMIT 90"))
        asked_at = clock.now()
        request = KillSwitchEvent(KillSwitchEventKind.ENGAGED, "bench", "measured", asked_at, sequence=1)
        await engage(request, record=_Memory(), account_id=ACCOUNT, broker=broker, clock=clock)
        await asyncio.sleep(2.0)
        await broker.stop()
        return asked_at

    return _killed(folder / "kill_switch.jsonl", run)


def library_kill(folder: Path, *, queued: int = 200) -> Kill:
    """`ib_insync` alone, with the throttle it comes with: its `reqGlobalCancel` behind as many orders."""

    async def run(port: int) -> datetime:
        clock = WallClock()
        ib = library.new_ib(time_zone="America/New_York")
        ib.client.MaxRequests = type(ib.client).MaxRequests
        await ib.connectAsync(HOST, port, clientId=2)
        await asyncio.sleep(1.0)
        for _ in range(queued):
            ib.placeOrder(_library_contract(), _library_order(90.0))
        asked_at = clock.now()
        ib.reqGlobalCancel()
        await asyncio.sleep(1.5 + queued / type(ib.client).MaxRequests)
        ib.disconnect()
        return asked_at

    return _killed(folder / "library.jsonl", run)


class _Memory:
    """A record of the kill switch that keeps nothing: it is told only after the cancel has left."""

    def record(self, event: KillSwitchEvent) -> KillSwitchEvent:
        return event

    def events(self) -> Sequence[KillSwitchEvent]:
        return ()


def _killed(journal: Path, run: Any) -> Kill:
    with gateway_process([_SYMBOL], journal=journal, messages_per_second=BROKER_LIMIT) as gateway:
        asked_at = asyncio.run(run(gateway.port))
    entries: list[Entry] = [entry for entry in read_journal(journal) if entry.direction == "in"]
    names = [entry.name for entry in entries]
    if "reqGlobalCancel" not in names:
        raise RuntimeError(f"{journal}: expected reqGlobalCancel among {len(entries)} messages, found none")
    place = names.index("reqGlobalCancel")
    waited = (entries[place].at - asked_at).total_seconds() * 1e3
    return Kill(waited, names[:place].count("placeOrder"), names[place:].count("placeOrder"))


# The journal alone.


@dataclass(frozen=True)
class Writing:
    """Rows and transactions written one after the other, each durable before the next, in so many seconds."""

    rows: int
    transactions: int
    seconds: float
    cpu: float

    @property
    def milliseconds(self) -> float:
        """Of one transaction."""
        return self.seconds / self.transactions * 1e3


def journal_rows(engine: Engine, *, orders: int, first: int = 0) -> Writing:
    """Each order with its PENDING, its SUBMITTED, its fill and FILLED, as the order manager writes them.

    The orders are those of the signals from `first` on.
    """
    journal, risk, held, at = LedgerJournal(engine), _risk(), exposure(), WallClock().now()
    numbers = range(first, first + orders)
    written = [_written(journal, risk.check(_intent(number, at), held), number, at) for number in numbers]
    began, cpu = time.perf_counter(), time.process_time()
    for order_, submitted, fill, filled in written:
        journal.record_orders(ACCOUNT, [NewOrder(order_, replace(submitted, sequence=0, status=OrderStatus.PENDING))])
        journal.record(ACCOUNT, [submitted])
        journal.record(ACCOUNT, [fill, filled])
    return Writing(5 * orders, 3 * orders, time.perf_counter() - began, time.process_time() - cpu)


def _written(
    journal: LedgerJournal, decision: RiskDecision, number: int, at: datetime
) -> tuple[Order, OrderEvent, Execution, OrderEvent]:
    """An order whose decision is in the ledger, and what became of it."""
    journal.record_risk_decision(decision)
    placed = order_of(replace(_intent(number, at), time_in_force=TimeInForce.GTC), decision)
    fill = Execution(
        execution_id=f"exec_{placed.order_id}",
        order_id=placed.order_id,
        account_id=ACCOUNT,
        symbol=placed.symbol,
        side=placed.side,
        quantity=placed.quantity,
        price=Decimal(60),
        commission=Decimal(1),
        fees=Decimal(0),
        executed_at=at,
        trade_date=_DAY,
    )
    submitted = OrderEvent(placed.order_id, 1, OrderStatus.SUBMITTED, at, _DAY)
    return placed, submitted, fill, replace(submitted, sequence=2, status=OrderStatus.FILLED)


def plain_inserts(server: EmbeddedServer, *, transactions: int, name: str = "bench") -> Writing:
    """The anchor: one row of text a transaction, by psycopg alone, on the same server."""
    with psycopg.connect(server.conninfo(name), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS plain (number integer PRIMARY KEY, told text NOT NULL)")
        began, cpu = time.perf_counter(), time.process_time()
        for number in range(transactions):
            connection.execute("INSERT INTO plain VALUES (%s, %s)", [number, "x" * 200])
        spent = Writing(transactions, transactions, time.perf_counter() - began, time.process_time() - cpu)
        connection.execute("DROP TABLE plain")
    return spent
