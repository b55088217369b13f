"""One session process of a scenario: the parts that `resources.session_parts` puts together, with ports that can fail.

The broker is the real one over a real socket, the market is made of what the gateway streams, the session is what
`assembled` gives for its terms, and its inputs are written to a journal. The lease, the record and the clocks are the
scenario's. A process can die or be frozen at each of its ports; what a death leaves is what was durable.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import create_engine

from resources.session_feed import SessionFeed
from resources.session_tally import SessionTally
from resources.session_watch import LifeSigns, beside
from tests.chaos.line import Line
from tests.chaos.plan import SYMBOLS
from tests.chaos.process import ACCOUNT, CLIENT_ID, KilledError
from tests.chaos.session.loops import Actor, World
from tests.chaos.session.ports import Estate, Fate, MortalMarket, MortalSessionBroker, SessionSetting
from tests.chaos.session.record import (
    FencedJournal,
    ScenarioKeeper,
    SessionRecord,
    Switch,
)
from tickledger.bars.building import BarBuilder
from tickledger.bars.quotes import QuoteStore
from tickledger.bars.tick_checks import TickCheck
from tickledger.bars.tick_intake import TickIntake
from tickledger.db.lease import DURATION, MARGIN
from tickledger.domain.errors import (
    BrokerUnavailableError,
    ConfigurationError,
    LedgerError,
    Problem,
    TickledgerError,
)
from tickledger.execution.clock import MarketClock
from tickledger.execution.flattening_desk import ManagedDesk
from tickledger.execution.journaled import (
    JournaledBroker,
    JournaledMarket,
    SteppedClock,
    journaled_decisions,
    journaled_facts,
)
from tickledger.execution.kill_switch import Flattening, obey
from tickledger.execution.live_market import LiveMarket, LiveMarketSettings, MarketDay, forward
from tickledger.execution.order_book import OrderBook
from tickledger.execution.order_facts import AccountFacts
from tickledger.execution.order_journal import OrderPlaced
from tickledger.execution.order_manager import OrderManager
from tickledger.execution.session import TurnNews
from tickledger.execution.session_assembly import Assembled, SessionPorts, assembled, warmed
from tickledger.execution.session_journal import BEGAN, RECORD, STARTED, SessionJournalWriter
from tickledger.execution.session_terms import SessionTerms
from tickledger.ib.broker import IBBroker
from tickledger.ib.ib_settings import IBSettings
from tickledger.risk.kill_switch import KillSwitch

OURS: Final = tuple(symbol.replace(" ", ".") for symbol in SYMBOLS)
_ASK_EVERY: Final = 0.5
_LEASE_PATIENCE: Final = DURATION + MARGIN + timedelta(seconds=3)
_NOWHERE: Final = create_engine("postgresql+psycopg://nobody@localhost/nowhere")


class SessionProcess:
    """One session, from its start to its end or its death. `end` is what ended it, None while it goes on."""

    def __init__(
        self,
        number: int,
        *,
        setting: SessionSetting,
        estate: Estate,
        world: World,
        actor: Actor,
        line: Line,
        log: Callable[[str], None],
        waits: bool,
    ) -> None:
        self.number = number
        self.actor = actor
        self.line = line
        self.end: BaseException | str | None = None
        self.epoch = 0
        self.is_running = False
        self._is_killed = False
        self.made: Assembled | None = None
        self.market: LiveMarket | None = None
        self.journal_path = setting.folder / f"session_{number}.jsonl"
        self._setting = setting
        self._estate = estate
        self._world = world
        self._log = log
        self._waits = waits
        self.freeze_seconds = 0.0
        self.death = Fate(bury=lambda: world.kill(actor), freeze=self._freeze_here)
        loop = actor.loop
        database = estate.database
        self.keeper = ScenarioKeeper(database, ACCOUNT, holder=f"session {number}", elapsed=loop.time)
        self.clock = MarketClock(setting.began_at.now(), setting.speed, monotonic=loop.time)
        self.broker = IBBroker(
            IBSettings("127.0.0.1", line.port, CLIENT_ID, ACCOUNT, completed_orders_timeout=4.0),
            clock=self.clock,
            order_ids=estate.durable.order_ids,
            objection=self._objection,
        )
        self.journal = FencedJournal(
            estate.durable, self.death, database=database, keeper=self.keeper, intentions=estate.intentions
        )
        self.record = SessionRecord(estate.record, database, self.death, loop.call_later)
        self.switch = Switch(estate.record, database)
        self.task = loop.create_task(self._live())

    @property
    def has_been_failed(self) -> bool:
        """Whether its record failed it, which is no input that its journal has: it cannot be played again."""
        return self.journal.has_failed or self.record.has_failed

    @property
    def is_dead(self) -> bool:
        return self.death.is_dead

    @property
    def manager(self) -> OrderManager:
        """The orders of the session, once it has any."""
        assert self.made is not None
        return self.made.orders

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.is_dead or self.end is not None

    @property
    def is_whole(self) -> bool:
        """Whether it trades: it has its lease, and the broker has told it everything."""
        made = self.made
        return not self.is_over and self.is_running and made is not None and made.orders.is_ready and self.keeper.holds

    def kill(self) -> None:
        """Die now, whatever is under way."""
        if not self.is_dead:
            self.death.is_dead = True
            self._world.kill(self.actor)

    def start(self, work: Any) -> "asyncio.Task[Any]":
        """Have the process do something more."""
        return self.actor.loop.create_task(work)

    def _freeze_here(self) -> None:
        self._log(f"    session {self.number} is frozen for {self.freeze_seconds:.1f} s")
        self._world.freeze_here(self.actor, self.freeze_seconds)
        self._log(f"    session {self.number} thaws")

    def _objection(self) -> str | None:
        reason = self.keeper.objection()
        self.death.pass_("after_objection")
        return reason

    async def _live(self) -> None:
        try:
            await self._hold_the_lease()
            await self._trade_beside_the_lease()
            self.keeper.release()
            self.end = "over"
        except KilledError:
            return
        except (TickledgerError, asyncio.CancelledError) as error:
            self.end = error
        except BaseException as error:
            self.end = error
            raise
        finally:
            if not self.is_dead:
                self._log(f"    session {self.number} ends: {self.end}")

    async def _hold_the_lease(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LEASE_PATIENCE.total_seconds()
        while (lease := self._asked()) is None:
            if not self._waits and loop.time() > deadline:
                raise ConfigurationError("the account is traded by another session")
            await asyncio.sleep(_ASK_EVERY)
        self.epoch = lease.epoch
        self._log(f"    session {self.number} has epoch {lease.epoch}")
        self.death.pass_("after_acquire")

    def _asked(self) -> Any:
        try:
            return self.keeper.acquire()
        except ConfigurationError:
            if not self._waits:
                raise
            return None

    async def _trade_beside_the_lease(self) -> None:
        tally = SessionTally(f"session_{self.number}", self._setting.terms.session_date)
        signs = LifeSigns(_NOWHERE, keeper=self.keeper, tally=tally)
        await beside(self._trade(), signs.renew())

    async def _trade(self) -> None:
        journal = SessionJournalWriter(self.journal_path)
        try:
            await self._trade_with(journal)
        finally:
            journal.close()
            if not self.is_dead:
                await self.broker.stop()

    async def _trade_with(self, journal: SessionJournalWriter) -> None:
        known = OrderBook(self.journal.load(ACCOUNT).entries).at_broker()
        self.broker.adopt(order.state.order for order in known)
        terms, clock = self._setting.terms, self.clock
        builder = BarBuilder((terms.interval,), since=clock.now())
        market = self.market = LiveMarket(
            MarketDay(terms.session_date),
            clock=clock,
            intake=TickIntake(TickCheck(), QuoteStore(), builder),
            settings=LiveMarketSettings(
                intervals=(terms.interval,),
                beat=timedelta(seconds=terms.pace),
                bar_patience=timedelta(seconds=max(1.0, self._setting.speed / 4)),
            ),
        )
        feed = SessionFeed(self.broker, clock, OURS, speed=self._setting.speed, tell=self._tell)
        feed.subscribe(market, builder)
        await self._connect()
        terms = await self._found(feed)
        journal.write(BEGAN, terms)
        journal.write(RECORD, self.journal.load(ACCOUNT))
        warmed(terms.history, builder, terms)
        made = self.made = self._assembled(terms, market, journal)
        with suppress(ConfigurationError):
            self._hear_switch(KillSwitch(self.switch.events()))
        feed.start()
        self.is_running = True
        try:
            await beside(made.session.run(), self._obey(made), forward(self.broker.something_to_report, market))
        except (ConfigurationError, LedgerError):
            # Without its record a session takes back what would open positions, and no more.
            for state in made.orders.working():
                if state.order.side.sign > 0 and not state.is_parent:
                    await self.broker.cancel(state.order.order_id)
            await asyncio.sleep(1.0)
            raise
        finally:
            self.is_running = False
            await feed.stop()

    async def _connect(self) -> None:
        while True:
            try:
                await self.broker.start()
            except BrokerUnavailableError as error:
                self._log(f"    session {self.number} cannot connect: {error}")
                await asyncio.sleep(1.0)
            else:
                return

    async def _found(self, feed: SessionFeed) -> SessionTerms:
        """The terms, with what the record and the broker tell when a session begins."""
        terms, record = self._setting.terms, self._estate.record
        history = await feed.minutes([terms.session_date], record.minutes())
        known = {bar.bar_id for bar in record.minutes()}
        self.record.record_bars([bar for bar in history if bar.bar_id not in known], "1min")
        placed = [entry.order for entry in self.journal.load(ACCOUNT).entries if isinstance(entry, OrderPlaced)]
        origins = {order.symbol: order.signal_id for order in sorted(placed, key=lambda order: order.submitted_at)}
        return replace(terms, history=history, warmed_until=feed.now_minute(), origins=origins)

    def _assembled(self, terms: SessionTerms, market: LiveMarket, journal: SessionJournalWriter) -> Assembled:
        clock = SteppedClock(self.clock)
        journal.write(STARTED, clock.now())
        facts = AccountFacts(self.switch.state)
        ports = SessionPorts(
            clock=clock,
            market_data=JournaledMarket(MortalMarket(market, self.death), clock, journal.write),
            broker=JournaledBroker(
                MortalSessionBroker(self.broker, self.death, self._estate.durable.sends), journal.write
            ),
            order_journal=self.journal,
            journal=self.record,
            facts=journaled_facts(facts, journal.write),
        )
        return assembled(terms, ports, onlookers=[journaled_decisions(journal.write), self._show])

    def _show(self, news: TurnNews) -> None:
        for problem in news.problems:
            self._log(f"    session {self.number} problem {problem}")
        for fill in news.fills:
            self._log(f"    session {self.number} fill {fill.side} {fill.quantity} {fill.symbol} {fill.execution_id}")

    def _tell(self, problem: Problem) -> None:
        self._log(f"    session {self.number} feed {problem}")

    async def _obey(self, made: Assembled) -> None:
        """See to the kill switch, as `ControlsWatch` does."""
        while True:
            await asyncio.sleep(_ASK_EVERY)
            try:
                switch = KillSwitch(self.switch.events())
                self._hear_switch(switch)
                if switch.unanswered(ACCOUNT):
                    await self._flatten(made)
            except ConfigurationError as error:
                self._log(f"    session {self.number} cannot see to the kill switch: {error}")

    def _hear_switch(self, switch: KillSwitch) -> None:
        if switch.state.is_engaged != self._is_killed and self.market is not None:
            self._is_killed = switch.state.is_engaged
            self.market.on_controls(is_paused=self._is_killed, reason=switch.state.reason, is_killed=self._is_killed)

    async def _flatten(self, made: Assembled) -> None:
        placed = [entry.order for entry in self.journal.load(ACCOUNT).entries if isinstance(entry, OrderPlaced)]
        flattening = Flattening(
            risk=made.risk,
            desk=ManagedDesk(made.orders, self.journal, self.record.record_risk_decision),
            signal_ids={order.symbol: order.signal_id for order in placed},
            session_date=self._setting.terms.session_date,
            prices={symbol: mark.close for symbol, mark in made.account.portfolio.marks.items()},
        )
        broker = MortalSessionBroker(self.broker, self.death, self._estate.durable.sends)
        for report in await obey(
            self.switch, account_id=ACCOUNT, broker=broker, clock=self.clock, flattening=flattening
        ):
            self._log(f"    session {self.number} obeyed: {report.problems or 'all'}")
