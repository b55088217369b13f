"""What a turn of a session costs after so many orders of the day, which are over and stay in the book until its end.

The session is put together over a real broker, ledger and record; a turn is a beat of the clock, in which reports are
taken, stops looked after and the end of the day approached. Beside it stands what is asked every five minutes: all
that the broker has, from which the book is made anew.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import Engine

from tests.performance.loopback import gateway_process
from tests.performance.market_data import opened_broker
from tests.performance.orders import journal_rows, ledger
from tests.unit.ib.messages import ACCOUNT
from tickledger.bars.building import BarBuilder
from tickledger.bars.quotes import QuoteStore
from tickledger.bars.tick_checks import TickCheck
from tickledger.bars.tick_intake import TickIntake
from tickledger.db.embedded import EmbeddedServer
from tickledger.db.order_journal import LedgerJournal
from tickledger.db.session_record import SessionRecorder
from tickledger.domain.kill_switch import KillSwitchState
from tickledger.domain.market import Beat
from tickledger.domain.order import CONTROL_LIMIT_UNITS, RISK_LIMIT_UNITS, RiskLimit
from tickledger.domain.position import PortfolioState
from tickledger.execution.clock import WallClock
from tickledger.execution.live_market import LiveMarket, MarketDay
from tickledger.execution.order_facts import AccountFacts
from tickledger.execution.session_assembly import SessionPorts, assembled
from tickledger.execution.session_policy import SessionPolicy
from tickledger.execution.session_terms import SessionTerms
from tickledger.strategies.sizing import SizingPolicy

#: The date of the orders that `tests.performance.orders` writes.
DAY: Final = date(2012, 2, 1)
_AT: Final = datetime(2012, 2, 1, 16, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_CASH: Final = Decimal(100_000_000)


@dataclass(frozen=True)
class TurnCost:
    """After so many orders: CPU milliseconds of a turn, and of a reconciliation."""

    orders: int
    turn: float
    reconciliation: float


def turn_costs(server: EmbeddedServer, counts: Sequence[int], *, turns: int, name: str) -> list[TurnCost]:
    """The cost after each of `counts` orders, which grow."""
    costs = []
    with ledger(server, signals=max(counts), name=name) as engine, gateway_process() as gateway:
        written = 0
        for count in counts:
            journal_rows(engine, first=written, orders=count - written)
            written = count
            costs.append(asyncio.run(_measured(engine, gateway.port, count, turns)))
    return costs


async def _measured(engine: Engine, port: int, orders: int, turns: int) -> TurnCost:
    clock, broker = WallClock(), opened_broker(port)
    market = LiveMarket(MarketDay(DAY), clock=clock, intake=TickIntake(TickCheck(), QuoteStore(), BarBuilder()))
    await broker.start()
    try:
        with SessionRecorder(engine, ACCOUNT, session_id=f"turns {orders}", session_date=DAY) as recorder:
            ports = SessionPorts(clock, market, broker, LedgerJournal(engine), recorder, AccountFacts(KillSwitchState))
            made = assembled(_terms(), ports)
            await made.session.start()
            await made.session.step(Beat(DAY, _AT))
            began = time.process_time()
            for number in range(turns):
                await made.session.step(Beat(DAY, _AT + number * _SECOND))
            turn = (time.process_time() - began) / turns
            began = time.process_time()
            await made.orders.start()
            return TurnCost(orders, turn * 1e3, (time.process_time() - began) * 1e3)
    finally:
        await broker.stop()


def _terms() -> SessionTerms:
    limit = RiskLimit(ACCOUNT, "", Decimal(10**9), date(1900, 1, 1))
    return SessionTerms(
        account_id=ACCOUNT,
        session_date=DAY,
        strategy="mean_reversion",
        interval="1min",
        policy=SessionPolicy(stop_loss=Decimal("0.5"), flatten_before=timedelta(minutes=10)),
        sizing=SizingPolicy(),
        limits=tuple(replace(limit, name=name) for name in (*RISK_LIMIT_UNITS, *CONTROL_LIMIT_UNITS)),
        opening=PortfolioState(cash=_CASH, previous_equity=_CASH),
        warmed_until=_AT,
    )
