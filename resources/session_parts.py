"""The trading of one session: its parts are made from the settings and the record, and taken down in reverse.

record ──► broker ──► history ──► terms ──► the session's loop, beside those who look after it
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from resources.market_clock import follow
from resources.session_account import (
    cash_before_fills,
    opened_account,
    opening_deposit,
    session_before,
    session_limits,
)
from resources.session_alerts import SessionAlerts
from resources.session_feed import SessionFeed, daily_volumes
from resources.session_plan import session_plan, session_policy
from resources.session_tally import SessionTally
from resources.session_view import SessionView, published
from resources.session_watch import ControlsWatch, beside
from tickledger.bars.building import BarBuilder
from tickledger.bars.calendars import session_close
from tickledger.bars.quotes import QuoteStore
from tickledger.bars.tick_checks import TickCheck
from tickledger.bars.tick_intake import TickIntake
from tickledger.cache.publisher import CachePublisher
from tickledger.db.kill_switch import RecordedKillSwitch, last_signal_ids, read_kill_switch_state
from tickledger.db.lease import LeaseKeeper
from tickledger.db.market_data import read_session_bars
from tickledger.db.order_journal import LedgerJournal
from tickledger.db.session_record import SessionRecorder
from tickledger.db.signals import read_signals
from tickledger.db.tax_history import read_tax_history
from tickledger.domain.account import Account
from tickledger.domain.bar import Bar
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError, Problem
from tickledger.domain.execution import CashTransaction
from tickledger.domain.trading_session import SessionState
from tickledger.domain.wash_sale import WashSalePolicy
from tickledger.execution.clock import LiveClock, MarketClock, WallClock
from tickledger.execution.flattening_desk import ManagedDesk
from tickledger.execution.journaled import (
    JournaledBroker,
    JournaledMarket,
    SteppedClock,
    journaled_decisions,
    journaled_facts,
)
from tickledger.execution.kill_switch import Flattening, obey
from tickledger.execution.live_market import LiveMarket, LiveMarketSettings, forward
from tickledger.execution.order_book import OrderBook
from tickledger.execution.order_facts import AccountFacts
from tickledger.execution.order_journal import OrderPlaced
from tickledger.execution.session import Onlooker, TurnNews
from tickledger.execution.session_assembly import Assembled, SessionPorts, assembled, bar_intervals, warmed
from tickledger.execution.session_journal import BEGAN, RECORD, STARTED, SessionJournalWriter
from tickledger.execution.session_terms import SessionTerms
from tickledger.execution.wash_sale_awareness import WashSaleAwareness
from tickledger.ib.broker import IBBroker
from tickledger.ib.ib_settings import IBSettings
from tickledger.ib.order_ids import FileOrderIds
from tickledger.risk.buying_power import BuyingPowerRule
from tickledger.settings import Settings
from tickledger.strategies.sizing import SizingPolicy

_RECONNECT_AFTER: Final = 1.0
#: How long the cancellations of a session that has lost its record are given to leave.
_LAST_WORDS: Final = 1.0
COMPOSITE: Final = "composite"
_MINUTE: Final = "1min"
_SECOND: Final = timedelta(seconds=1)
#: How long a bar is waited for: prints come at once, a broker's bars of five seconds some tenths of a second later.
_PATIENCE: Final = timedelta(seconds=1)
_PATIENCE_WITH_TICKS: Final = timedelta(seconds=0.25)
_WALL: Final = WallClock()


@dataclass(frozen=True, slots=True)
class Berth:
    """What a session has before its parts: the settings, the record, the account with its lease, and the day."""

    settings: Settings
    engine: Engine
    account: Account
    clock: LiveClock
    day: date
    keeper: LeaseKeeper
    tally: SessionTally
    alerts: SessionAlerts
    publisher: CachePublisher
    until: datetime | None = None

    @property
    def speed(self) -> float:
        """Seconds of the market in one of the wall."""
        return self.clock.speed if isinstance(self.clock, MarketClock) else 1.0

    @property
    def pace(self) -> float:
        """By how much waiting times of the market's are longer than the wall's: a simulated market may run fast."""
        return max(self.speed, 1.0)

    @property
    def journal_path(self) -> Path:
        """Where the session's inputs are written down."""
        return self.settings.home / "sessions" / self.day.isoformat() / f"{self.tally.session_id}.jsonl"


async def trade(berth: Berth, onlookers: Sequence[Onlooker] = ()) -> None:
    """Trade the day, until it is over or something raises.

    Where the record fails, what works at the broker is taken back as far as it can be before that is raised.
    """
    async with AsyncExitStack() as stack:
        recorder = await stack.enter_async_context(_recording(berth))
        journal = SessionJournalWriter(berth.journal_path)
        stack.callback(journal.close)
        parts = _Parts(berth, recorder, journal)
        await _connect(parts.broker, berth.tally)
        stack.push_async_callback(parts.broker.stop)
        stack.push_async_callback(parts.feed.stop)
        try:
            await parts.run(onlookers)
        except ConfigurationError:
            await parts.broker.cancel_all()
            await asyncio.sleep(_LAST_WORDS)
            raise


class _Parts:
    """The parts of one session; the broker is not connected yet."""

    def __init__(self, berth: Berth, recorder: SessionRecorder, journal: SessionJournalWriter) -> None:
        settings, account_id = berth.settings, berth.account.account_id
        self._berth = berth
        self._recorder = recorder
        self._journal = journal
        self._problems: list[Problem] = []
        self._plan = session_plan(berth.engine, settings, berth.day)
        self._order_journal = LedgerJournal(berth.engine, guard=berth.keeper.guard)
        self.broker = IBBroker(
            IBSettings(settings.ib_host, settings.ib_port, settings.ib_client_id, account_id),
            clock=berth.clock,
            order_ids=FileOrderIds(settings.home / "order_ids"),
            objection=berth.keeper.objection,
        )
        known = OrderBook(self._order_journal.load(account_id).entries).at_broker()
        self.broker.adopt(order.state.order for order in known)
        self._builder = BarBuilder(bar_intervals(settings.bar_interval), since=berth.clock.now())
        is_tick_driven = settings.bar_interval == "1sec"
        self._market = LiveMarket(
            self._plan.day,
            clock=berth.clock,
            intake=TickIntake(TickCheck(), QuoteStore(), self._builder),
            settings=LiveMarketSettings(
                intervals=(settings.bar_interval,),
                beat=timedelta(seconds=berth.pace),
                bar_patience=max(_PATIENCE_WITH_TICKS if is_tick_driven else _PATIENCE, _SECOND * berth.speed / 4),
                is_tick_driven=is_tick_driven,
            ),
            ends_at=berth.until,
            on_tick=published(berth.publisher),
        )
        self.broker.connection.on_change.append(berth.alerts.hear_link)
        self.feed = SessionFeed(
            self.broker,
            berth.clock,
            self._plan.symbols,
            speed=berth.speed,
            tell=self._problems.append,
            lines=settings.ib_market_lines,
        )
        self.feed.subscribe(self._market, self._builder)

    async def run(self, onlookers: Sequence[Onlooker]) -> None:
        """Warm, then trade beside those who look after it, until the day is over or one of them raises."""
        berth, tally = self._berth, self._berth.tally
        tally.state, tally.reason = SessionState.WARMING, "history"
        terms = await self._terms()
        self._journal.write(BEGAN, terms)
        self._journal.write(RECORD, self._order_journal.load(berth.account.account_id))
        warmed(terms.history, self._builder, terms)
        made = self._assembled(terms, onlookers)
        watch = ControlsWatch(
            berth.engine,
            berth.account.account_id,
            tally=tally,
            market=self._market,
            obey=lambda: self._obey(made),
            tell=berth.alerts.tell_kill_switch,
        )
        self.feed.start()
        tally.state, tally.reason = SessionState.RUNNING, "trading"
        await beside(
            made.session.run(),
            watch.look(),
            follow(berth.clock, berth.settings.gateway_control),
            forward(self.broker.something_to_report, self._market),
        )

    async def _terms(self) -> SessionTerms:
        """The terms, with what the broker has to tell for them."""
        berth, settings, account_id = self._berth, self._berth.settings, self._berth.account.account_id
        opened = opened_account(berth.engine, account_id, berth.day)
        history = await self._history()
        signals = None
        if settings.strategy == COMPOSITE:
            evening = session_before(berth.day) or berth.day
            found = read_signals(berth.engine, start=evening, end=evening, strategy=COMPOSITE)
            ordered = self._ordered_today()
            signals = tuple(signal for signal in found if signal.symbol not in ordered)
        terms = SessionTerms(
            account_id=account_id,
            session_date=berth.day,
            strategy=settings.strategy,
            interval=settings.bar_interval,
            policy=session_policy(settings),
            sizing=SizingPolicy(
                target_weight=settings.target_weight,
                maximum_quantity=Decimal(min(settings.max_position_size, settings.max_order_quantity)),
            ),
            limits=tuple(session_limits(settings, account_id)),
            opening=opened.opening,
            opened_on=opened.last_close,
            previous_close=None if opened.last_close is None else session_close(opened.last_close),
            cash=opened.cash,
            origins=last_signal_ids(berth.engine, account_id),
            history=history,
            warmed_until=self.feed.now_minute(),
            signals=signals,
            sectors=self._plan.sectors,
            volumes=daily_volumes(history, berth.day) | self._plan.average_daily_volumes(),
            margin_rule=BuyingPowerRule(settings.margin_rule),
            wash_sale_policy=WashSalePolicy(settings.wash_sale_policy),
            algorithm=settings.execution_algo,
            pace=berth.pace,
        )
        return replace(terms, cash=await self._first_deposit()) if opened.is_new else terms

    def _ordered_today(self) -> set[str]:
        """What an earlier session of the day has ordered already: an evening's signal is not acted on twice."""
        entries = self._order_journal.load(self._berth.account.account_id).entries
        placed = (entry.order for entry in entries if isinstance(entry, OrderPlaced))
        return {order.symbol for order in placed if order.session_date == self._berth.day}

    async def _history(self) -> tuple[Bar, ...]:
        """The minutes of two sessions and of today so far; what the broker tells of them is recorded for next time."""
        day = self._berth.day
        days = [*filter(None, (session_before(session_before(day) or day), session_before(day))), day]
        recorded = (read_session_bars(self._berth.engine, each, interval=_MINUTE) for each in days)
        known = [bar for bars in recorded for bar in bars if bar.symbol in self._plan.symbols]
        history = await self.feed.minutes(days, known)
        told = {bar.bar_id for bar in known}
        self._recorder.record_bars([bar for bar in history if bar.bar_id not in told], _MINUTE)
        return history

    async def _first_deposit(self) -> tuple[CashTransaction, ...]:
        """The cash of an account that was never traded comes into the record with its first session."""
        snapshot = await self.broker.snapshot()
        deposit = opening_deposit(self._berth.account.account_id, cash_before_fills(snapshot), self._berth.day)
        self._recorder.record_cash_transaction(deposit)
        await self._recorder.flushed()
        return (deposit,)

    def _assembled(self, terms: SessionTerms, onlookers: Sequence[Onlooker]) -> Assembled:
        engine, clock = self._berth.engine, SteppedClock(self._berth.clock)
        facts = AccountFacts(lambda: read_kill_switch_state(engine), WashSaleAwareness(read_tax_history(engine)))
        write = self._journal.write
        write(STARTED, clock.now())
        ports = SessionPorts(
            clock=clock,
            market_data=JournaledMarket(self._market, clock, write),
            broker=JournaledBroker(self.broker, write),
            order_journal=self._order_journal,
            journal=self._recorder,
            facts=journaled_facts(facts, write),
        )
        made: list[Assembled] = []

        def value(news: TurnNews) -> None:
            """Keep the tally's money, and what the feed found, current."""
            del news
            book, tally = made[0].account, self._berth.tally
            tally.cash, unvalued = book.portfolio.cash, set(book.portfolio.holdings) - set(book.portfolio.marks)
            tally.equity = None if unvalued else book.equity()
            if self._problems:
                tally.last_problem = str(self._problems[-1])
                tally.problems += len(self._problems)
                self._problems.clear()

        looking: list[Onlooker] = [self._berth.tally, value, journaled_decisions(write), self._berth.alerts]
        made.append(assembled(terms, ports, onlookers=looking))
        looking += [
            SessionView(self._berth.publisher, self._berth.tally, made[0].account, terms, _WALL.now),
            *onlookers,
        ]
        return made[0]

    async def _obey(self, made: Assembled) -> list[str]:
        """Carry out what was asked of the kill switch; what could not be done."""
        engine, account_id = self._berth.engine, self._berth.account.account_id
        flattening = Flattening(
            risk=made.risk,
            desk=ManagedDesk(made.orders, self._order_journal, self._order_journal.record_risk_decision),
            signal_ids=last_signal_ids(engine, account_id),
            session_date=self._berth.day,
            prices={symbol: mark.close for symbol, mark in made.account.portfolio.marks.items()},
        )
        reports = await obey(
            RecordedKillSwitch(engine),
            account_id=account_id,
            broker=self.broker,
            clock=self._berth.clock,
            flattening=flattening,
        )
        return [problem for report in reports for problem in report.problems]


@asynccontextmanager
async def _recording(berth: Berth) -> AsyncIterator[SessionRecorder]:
    recorder = SessionRecorder(
        berth.engine,
        berth.account.account_id,
        session_id=berth.tally.session_id,
        session_date=berth.day,
        guard=berth.keeper.guard,
    )
    try:
        yield recorder
    finally:
        await asyncio.to_thread(recorder.close)


async def _connect(broker: IBBroker, tally: SessionTally) -> None:
    """Connect, however often that takes: a gateway may be in its daily reset, or our predecessor's socket be open."""
    while True:
        try:
            await broker.start()
        except BrokerUnavailableError as error:
            tally.reason = tally.last_problem = str(error)
            await asyncio.sleep(_RECONNECT_AFTER)
        else:
            return
