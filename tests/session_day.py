"""A simulated day of a trading session in this process: venue, broker, record and journal of inputs are the real ones.

The venue and the record outlive every process of the session; each process has terms and a journal of its own, as a
live one has. Nothing waits, so a half day takes seconds.

    day = SessionDay(folder, strategy="mean_reversion")
    day.trade_until(at("12:00"))
    day.restart()
    day.trade_until(at("16:01"))
    replayed(day.journals[0]).is_same
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tickledger.bars.building import BarBuilder
from tickledger.bars.calendars import session_close, session_open, sessions
from tickledger.bars.corporate_actions import domain_actions
from tickledger.bars.quotes import QuoteStore
from tickledger.bars.sample import SAMPLE_BARS, SAMPLE_CORPORATE_ACTIONS
from tickledger.bars.sources import load_bars, load_corporate_actions
from tickledger.bars.tick_checks import TickCheck
from tickledger.bars.tick_intake import TickIntake
from tickledger.domain.bar import Bar, BarKey
from tickledger.domain.kill_switch import KillSwitchState
from tickledger.domain.order import CONTROL_LIMIT_UNITS, RISK_LIMIT_UNITS, RiskLimit
from tickledger.domain.position import PortfolioState
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import MarketTape
from tickledger.execution.clock import ReplayClock
from tickledger.execution.journal import BufferedJournal
from tickledger.execution.journaled import (
    JournaledBroker,
    JournaledMarket,
    SteppedClock,
    journaled_decisions,
    journaled_facts,
)
from tickledger.execution.live_market import LiveMarket, LiveMarketSettings, MarketDay
from tickledger.execution.order_facts import AccountFacts
from tickledger.execution.session import TurnNews
from tickledger.execution.session_assembly import Assembled, SessionPorts, assembled, bar_intervals
from tickledger.execution.session_journal import BEGAN, RECORD, STARTED, SessionJournalWriter
from tickledger.execution.session_policy import SessionPolicy
from tickledger.execution.session_terms import SessionTerms
from tickledger.execution.venue_broker import VenueBroker
from tickledger.execution.venue_market import STEP, VenueLine, VenueMarket
from tickledger.strategies.sizing import SizingPolicy

ACCOUNT: Final = "DU1234567"
#: The exchange closes at 13:00 in New York.
HALF_DAY: Final = date(2012, 7, 3)
SYMBOLS: Final = ("AAPL", "FB", "IBM", "MSFT")
CASH: Final = Decimal(100_000)
POLICY: Final = SessionPolicy(
    quote_limit=timedelta(seconds=60), stop_loss=Decimal("0.002"), flatten_before=timedelta(minutes=10)
)
_ROOMY: Final = Decimal(10_000_000)


def sample_tape(seed: int = 7) -> MarketTape:
    """The bundled sample, its minutes made up by a seed."""
    actions = domain_actions(load_corporate_actions(SAMPLE_CORPORATE_ACTIONS).frame)
    return MarketTape.from_bars(load_bars(SAMPLE_BARS).frame, corporate_actions=actions, seed=seed)


class SessionDay:
    """One account on one day. `changed` are terms that are others than the usual ones."""

    def __init__(
        self,
        folder: Path,
        *,
        day: date = HALF_DAY,
        starts_at: datetime | None = None,
        tape: MarketTape | None = None,
        settings: LiveMarketSettings | None = None,
        step: timedelta = STEP,
        **changed: Any,
    ) -> None:
        self.day = day
        self.before = sessions(day - timedelta(days=10), day - timedelta(days=1))[-1]
        self.tape = tape or sample_tape()
        self.clock = ReplayClock(starts_at or session_open(day))
        self.opening = PortfolioState(cash=CASH, previous_equity=CASH)
        self.journal = BufferedJournal(ACCOUNT, self.opening, opened_on=self.before)
        self.venue = Venue(self.tape, VenueSettings({ACCOUNT: CASH}, starts_at=self.clock.now(), seed=7))
        self.broker = VenueBroker(self.venue, account_id=ACCOUNT, opening=self.opening)
        self.news: list[TurnNews] = []
        self.journals: list[Path] = []
        self._folder = folder
        self._changed = changed
        self._settings = settings
        self._step = step
        self._begin()

    def trade_until(self, instant: datetime) -> None:
        """Let the process trade until then, or until the day is over."""
        asyncio.run(self._trade_until(instant))

    def restart(self) -> None:
        """Kill the process, with everything that was on its way to it, and start another."""
        self._writer.close()
        self._begin()

    def end(self) -> None:
        """Close the journal of the process."""
        self._writer.close()

    @property
    def account(self) -> Mapping[str, Decimal]:
        """What the session thinks it holds, signed shares by symbol."""
        return {symbol: held.quantity for symbol, held in self.made.account.portfolio.holdings.items()}

    @property
    def at_broker(self) -> Mapping[str, Decimal]:
        """What the broker has."""
        return {held.symbol: held.quantity for held in self.venue.account(ACCOUNT).holdings if held.quantity}

    def terms(self) -> SessionTerms:
        """The terms of a process that starts now."""
        names = (*RISK_LIMIT_UNITS, *CONTROL_LIMIT_UNITS)
        usual = SessionTerms(
            account_id=ACCOUNT,
            session_date=self.day,
            strategy="mean_reversion",
            interval="1min",
            policy=POLICY,
            sizing=SizingPolicy(target_weight=Decimal("0.2")),
            limits=tuple(RiskLimit(ACCOUNT, name, _ROOMY, date(1900, 1, 1)) for name in names),
            opening=self.opening,
            opened_on=self.before,
            previous_close=session_close(self.before),
            origins={order.symbol: order.signal_id for order in self.journal.session_record().orders},
            warmed_until=self.clock.now().replace(second=0, microsecond=0),
            history=self._history(),
            volumes=dict.fromkeys(SYMBOLS, Decimal(10_000_000)),
        )
        return replace(usual, **self._changed)

    def _history(self) -> tuple[Bar, ...]:
        since, until = session_open(self.before), self.clock.now()
        rows = (row for symbol in SYMBOLS for row in self.tape.minute_bars(symbol, since=since, until=until))
        return tuple(
            Bar(
                str(BarKey(row.symbol, "1min", row.starts_at)),
                row.symbol,
                row.starts_at.date(),
                *(row.open, row.high, row.low, row.close),
                row.volume,
            )
            for row in rows
        )

    def _begin(self) -> None:
        terms = self.terms()
        path = self._folder / f"{len(self.journals)}.jsonl"
        self.journals.append(path)
        self._writer = SessionJournalWriter(path)
        write = self._writer.write
        write(BEGAN, terms)
        write(RECORD, self.journal.load(ACCOUNT))
        write(STARTED, self.clock.now())
        intake = TickIntake(
            TickCheck(), QuoteStore(), BarBuilder(bar_intervals(terms.interval), since=self.clock.now())
        )
        settings = self._settings or LiveMarketSettings(intervals=(terms.interval,), bar_patience=timedelta(0))
        market = LiveMarket(MarketDay(self.day), clock=self.clock, intake=intake, settings=settings)
        line = VenueLine(self.broker)
        moved = VenueMarket(market, self.venue, line, self.clock, symbols=SYMBOLS, step=self._step)
        stepped = SteppedClock(self.clock)
        self._market = JournaledMarket(moved, stepped, write)
        ports = SessionPorts(
            clock=stepped,
            market_data=self._market,
            broker=JournaledBroker(line, write),
            order_journal=self.journal,
            journal=self.journal,
            facts=journaled_facts(AccountFacts(KillSwitchState), write),
        )
        self.made: Assembled = assembled(terms, ports, onlookers=(journaled_decisions(write), self.news.append))
        self._events = self._market.events()
        self._is_started = False

    async def _trade_until(self, instant: datetime) -> None:
        if not self._is_started:
            self._is_started = True
            await self.made.session.start()
        while self.clock.now() < instant:
            event = await anext(self._events, None)
            if event is None:
                return
            await self.made.session.step(event)
