"""The trading of one session: its parts are made from the settings and the record, and taken down in reverse.

record ──► broker ──► history ──► terms ──► the session's loop, beside those who look after it
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from resources.berth import Berth, connect, recording, tell_lost_journal
from resources.market_clock import follow
from resources.session_account import (
    bought_by_others,
    cash_before_fills,
    opened_account,
    opening_deposit,
    session_before,
    session_limits,
)
from resources.session_distributions import distributions
from resources.session_feed import SessionFeed, daily_volumes
from resources.session_memory import settled
from resources.session_plan import session_plan, session_policy
from resources.session_tally import Hindrance
from resources.session_view import SessionView
from resources.session_watch import ControlsWatch, DataWatch, beside
from tickledger.bars.building import BarBuilder
from tickledger.bars.calendars import session_close
from tickledger.bars.quotes import QuoteStore
from tickledger.bars.tick_checks import TickCheck
from tickledger.bars.tick_intake import TickIntake
from tickledger.db.kill_switch import RecordedKillSwitch, last_signal_ids, read_kill_switch_state
from tickledger.db.market_data import read_session_bars
from tickledger.db.order_journal import LedgerJournal
from tickledger.db.session_record import SessionRecorder
from tickledger.db.signals import read_signals
from tickledger.db.tax_history import read_tax_history
from tickledger.domain.bar import Bar
from tickledger.domain.broker import Connectivity, ConnectivityChange
from tickledger.domain.errors import ConfigurationError, LedgerError, Problem
from tickledger.domain.execution import CashTransaction
from tickledger.domain.trading_session import SessionState
from tickledger.domain.wash_sale import WashSalePolicy
from tickledger.execution.clock import WallClock
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
from tickledger.execution.session_journal import BEGAN, RECORD, STARTED, SparedJournal
from tickledger.execution.session_terms import SessionTerms
from tickledger.execution.wash_sale_awareness import WashSaleAwareness
from tickledger.ib.broker import IBBroker
from tickledger.ib.ib_settings import IBSettings
from tickledger.ib.order_ids import FileOrderIds
from tickledger.risk.buying_power import BuyingPowerRule
from tickledger.strategies.sizing import SizingPolicy

#: How long the cancellations of a session that has lost its record are given to leave.
_LAST_WORDS: Final = 1.0
COMPOSITE: Final = "composite"
_MINUTE: Final = "1min"
_SECOND: Final = timedelta(seconds=1)
#: How long a bar is waited for: prints come at once, a broker's bars of five seconds some tenths of a second later.
_PATIENCE: Final = timedelta(seconds=1)
_PATIENCE_WITH_TICKS: Final = timedelta(seconds=0.25)
#: How long a symbol may be silent at least before that is told, by the wall.
_SILENCE: Final = timedelta(seconds=5)
_WALL: Final = WallClock()


async def trade(berth: Berth, onlookers: Sequence[Onlooker] = ()) -> None:
    """Trade the day, until it is over or something raises.

    Where the record fails, what would open positions is taken back as far as it can be before that is raised.
    """
    async with AsyncExitStack() as stack:
        recorder = await stack.enter_async_context(recording(berth))
        journal = SparedJournal(berth.journal_path, lambda error: tell_lost_journal(berth, error))
        stack.callback(journal.close)
        parts = _Parts(berth, recorder, journal)
        await connect(parts.broker, berth.tally)
        stack.push_async_callback(parts.broker.stop)
        stack.push_async_callback(parts.feed.stop)
        try:
            await parts.run(onlookers)
        except (ConfigurationError, LedgerError):
            await parts.take_back()
            await asyncio.sleep(_LAST_WORDS)
            raise


class _Parts:
    """The parts of one session; the broker is not connected yet."""

    def __init__(self, berth: Berth, recorder: SessionRecorder, journal: SparedJournal) -> None:
        settings, account_id = berth.settings, berth.account.account_id
        self._berth = berth
        self._recorder = recorder
        self._journal = journal
        self._opened = opened_account(berth.engine, account_id, berth.day)
        self._plan = session_plan(
            berth.engine, settings, berth.day, opened_on=self._opened.last_close, held=self._opened.opening.holdings
        )
        for problem in self._plan.problems:
            berth.tally.note(problem)
        self._order_journal = LedgerJournal(
            berth.engine, guard=berth.keeper.guard, corporate_actions=self._plan.day.corporate_actions
        )
        self.broker = IBBroker(
            IBSettings(settings.ib_host, settings.ib_port, settings.ib_client_id, account_id),
            clock=berth.clock,
            order_ids=FileOrderIds(settings.home / "order_ids"),
            objection=berth.keeper.objection,
        )
        self._made: Assembled | None = None
        self._known = [each.state for each in OrderBook(self._order_journal.load(account_id).entries).at_broker()]
        self.broker.adopt(state.order for state in self._known)
        self._quotes = QuoteStore()
        is_tick_driven = settings.bar_interval == "1sec"
        self._builder = BarBuilder(bar_intervals(settings.bar_interval), since=berth.clock.now())
        self._market = LiveMarket(
            self._plan.day,
            clock=berth.clock,
            intake=TickIntake(TickCheck(), self._quotes, self._builder),
            settings=LiveMarketSettings(
                intervals=(settings.bar_interval,),
                beat=timedelta(seconds=berth.pace),
                bar_patience=max(_PATIENCE_WITH_TICKS if is_tick_driven else _PATIENCE, _SECOND * berth.speed / 4),
                is_tick_driven=is_tick_driven,
            ),
            ends_at=berth.until,
            on_quotes=berth.publisher.publish_quotes,
            on_print=berth.publisher.publish_print,
        )
        self.broker.connection.on_change += [berth.alerts.hear_link, self._hear_link]
        self.broker.connection.on_slowed.append(self._note_slowed)
        self.feed = SessionFeed(
            self.broker,
            berth.clock,
            self._plan.symbols,
            speed=berth.speed,
            tell=berth.tally.note,
            lines=settings.ib_market_lines,
        )
        self.feed.subscribe(self._market, self._builder)
        for symbol in self._plan.watched:
            self.feed.watch(symbol)

    async def run(self, onlookers: Sequence[Onlooker]) -> None:
        """Warm, then trade beside those who look after it, until the day is over or one of them raises."""
        berth, tally = self._berth, self._berth.tally
        tally.state, tally.reason = SessionState.WARMING, "history"
        terms = await self._terms()
        self._journal.write(BEGAN, terms)
        self._journal.write(RECORD, self._order_journal.load(berth.account.account_id))
        warmed(terms.history, self._builder, terms)
        made = self._made = self._assembled(terms, onlookers)
        watch = ControlsWatch(
            berth.engine,
            berth.account.account_id,
            tally=tally,
            market=self._market,
            obey=lambda: self._obey(made),
            tell=berth.alerts.tell_kill_switch,
        )
        data = DataWatch(
            self._quotes,
            self._plan.symbols,
            session_date=berth.day,
            patience=max(terms.policy.quote_limit or _SILENCE, _SILENCE * berth.pace),
            tally=tally,
            tell=berth.alerts.tell_silence,
        )
        await watch.hear()
        self.feed.start()
        with settled():
            tally.begin_trading()
            await beside(
                made.session.run(),
                watch.look(),
                data.watch(berth.clock),
                follow(berth.clock, berth.settings.gateway_control, self._broker_time),
                forward(self.broker.something_to_report, self._market),
            )

    async def take_back(self) -> None:
        """Ask the broker to end what of ours would open positions; nothing is written down.

        Stops go on guarding what is held, sales go on, and what others have entered is theirs.
        """
        working = self._known if self._made is None else self._made.orders.working()
        for state in working:
            if state.order.side.sign > 0 and not state.is_parent:
                await self.broker.cancel(state.order.order_id)

    def _hear_link(self, change: ConnectivityChange) -> None:
        """While the broker's link is not whole nothing is sent, and nothing is kept to be sent later."""
        if change.connectivity is Connectivity.CONNECTED:
            self._berth.tally.clear(Hindrance.BROKER)
        else:
            self._berth.tally.hinder(Hindrance.BROKER, change.reason)

    def _note_slowed(self, told: str) -> None:
        expected = "no more messages than the broker takes, from all programs of the login together"
        self._berth.tally.note(Problem("messages to the broker", expected=expected, found=told, severity="warning"))

    async def _broker_time(self) -> datetime:
        return await self.broker.requests.current_time(within=self.broker.settings.liveness_timeout)

    async def _terms(self) -> SessionTerms:
        """The terms, with what the broker has to tell for them."""
        berth, settings, account_id = self._berth, self._berth.settings, self._berth.account.account_id
        opened = self._opened
        cash = await self._first_deposit() if opened.is_new else await self._cash_since_close()
        history = await self._history()
        signals = None
        if settings.strategy == COMPOSITE:
            evening = session_before(berth.day) or berth.day
            found = read_signals(berth.engine, start=evening, end=evening, strategy=COMPOSITE)
            traded = set(self._plan.symbols) - self._ordered_today()
            signals = tuple(signal for signal in found if signal.symbol in traded)
        return SessionTerms(
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
            cash=cash,
            origins=self._origins(),
            history=history,
            warmed_until=self.feed.now_minute(),
            corporate_actions=self._plan.corporate_actions,
            symbols=self._plan.symbols,
            ended=self._plan.ended,
            signals=signals,
            sectors=self._plan.sectors,
            volumes=daily_volumes(history, berth.day, self._plan.shares_today) | self._plan.average_daily_volumes(),
            margin_rule=BuyingPowerRule(settings.margin_rule),
            wash_sale_policy=WashSalePolicy(settings.wash_sale_policy),
            algorithm=settings.execution_algo,
            pace=berth.pace,
        )

    def _origins(self) -> dict[str, str]:
        """The signals behind what is held; none behind what somebody else has bought."""
        engine, account_id = self._berth.engine, self._berth.account.account_id
        theirs = bought_by_others(engine, account_id, self._opened.opening)
        return {one: known for one, known in last_signal_ids(engine, account_id).items() if one not in theirs}

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

    async def _cash_since_close(self) -> tuple[CashTransaction, ...]:
        """What moved without a fill; what corporate actions have paid comes into the record here."""
        account_id, actions = self._berth.account.account_id, self._plan.day.corporate_actions
        paid = distributions(self._berth.engine, account_id, self._opened, actions)
        for transaction in paid:
            self._recorder.record_cash_transaction(transaction)
        await self._recorder.flushed()
        return (*self._opened.cash, *paid)

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
            """Keep the tally's money current, and what somebody else has bought in sight."""
            for fill in news.fills:
                self.feed.watch(fill.symbol)
            book, tally = made[0].account, self._berth.tally
            tally.cash, unvalued = book.portfolio.cash, set(book.portfolio.holdings) - set(book.portfolio.marks)
            tally.equity = None if unvalued else book.equity()

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
