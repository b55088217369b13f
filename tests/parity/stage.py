"""One tape, two ways to trade it: in process, and over a real socket at the simulated gateway, step by step."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from tickledger.bars.building import BarBuilder
from tickledger.bars.calendars import session_open
from tickledger.bars.corporate_actions import domain_actions
from tickledger.bars.quotes import QuoteStore
from tickledger.bars.sample import SAMPLE_BARS, SAMPLE_CORPORATE_ACTIONS
from tickledger.bars.sources import load_bars, load_corporate_actions
from tickledger.bars.tick_checks import TickCheck
from tickledger.bars.tick_intake import TickIntake
from tickledger.domain.bar import Bar, BarKey
from tickledger.domain.kill_switch import KillSwitchState
from tickledger.domain.market import MarketEvent
from tickledger.domain.order import CONTROL_LIMIT_UNITS, RISK_LIMIT_UNITS, RiskDecision, RiskLimit
from tickledger.domain.position import PortfolioState
from tickledger.domain.session_record import SessionRecord
from tickledger.domain.signal import Signal
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import MarketTape
from tickledger.execution.clock import ReplayClock
from tickledger.execution.journal import BufferedJournal
from tickledger.execution.live_market import LiveMarket, LiveMarketSettings, MarketDay
from tickledger.execution.order_facts import AccountFacts
from tickledger.execution.session import TurnNews
from tickledger.execution.session_assembly import Assembled, SessionPorts, assembled
from tickledger.execution.session_policy import SessionPolicy
from tickledger.execution.session_terms import SessionTerms
from tickledger.execution.venue_broker import VenueBroker
from tickledger.execution.venue_market import STEP, VenueLine, VenueMarket
from tickledger.gateway.gateway_settings import GatewaySettings
from tickledger.gateway.server import Gateway
from tickledger.ib.broker import IBBroker
from tickledger.ib.ib_settings import IBSettings
from tickledger.ib.market_data import Consumers, FeedPolicy, MarketDataFeed
from tickledger.ib.order_ids import InMemoryOrderIds
from tickledger.strategies.sizing import SizingPolicy

ACCOUNT: Final = "DU1234567"
DAY: Final = date(2012, 12, 4)
YESTERDAY: Final = date(2012, 12, 3)
SYMBOLS: Final = ("AAPL", "FB", "IBM", "MSFT")
CASH: Final = Decimal(100_000)
_ROOMY: Final = Decimal(10_000_000)


def market_tape() -> MarketTape:
    """The bundled sample, its minutes made up by a seed."""
    actions = domain_actions(load_corporate_actions(SAMPLE_CORPORATE_ACTIONS).frame)
    return MarketTape.from_bars(load_bars(SAMPLE_BARS).frame, corporate_actions=actions, seed=7)


def venue_settings(starts_at: datetime) -> VenueSettings:
    return VenueSettings(accounts={ACCOUNT: CASH}, starts_at=starts_at, seed=7)


def terms(tape: MarketTape, starts_at: datetime, **changed: object) -> SessionTerms:
    """A session that trades every few minutes, stops at the broker included."""
    names = (*RISK_LIMIT_UNITS, *CONTROL_LIMIT_UNITS)
    values = {
        "account_id": ACCOUNT,
        "session_date": DAY,
        "strategy": "mean_reversion",
        "interval": "1min",
        "policy": SessionPolicy(
            quote_limit=timedelta(seconds=60), stop_loss=Decimal("0.002"), flatten_before=timedelta(minutes=10)
        ),
        "sizing": SizingPolicy(target_weight=Decimal("0.2")),
        "limits": tuple(RiskLimit(ACCOUNT, name, _ROOMY, date(1900, 1, 1)) for name in names),
        "opening": PortfolioState(cash=CASH, previous_equity=CASH),
        "opened_on": YESTERDAY,
        "warmed_until": starts_at,
        "history": history(tape, starts_at),
        "volumes": dict.fromkeys(SYMBOLS, Decimal(10_000_000)),
        **changed,
    }
    return SessionTerms(**values)  # type: ignore[arg-type]  # each by its own name


def history(tape: MarketTape, until: datetime) -> tuple[Bar, ...]:
    """The minutes of yesterday and of today so far."""
    rows = (row for symbol in SYMBOLS for row in tape.minute_bars(symbol, since=session_open(YESTERDAY), until=until))
    return tuple(
        Bar(
            str(BarKey(row.symbol, "1min", row.starts_at)),
            row.symbol,
            row.starts_at.date(),
            row.open,
            row.high,
            row.low,
            row.close,
            row.volume,
        )
        for row in rows
    )


@dataclass
class Told:
    """What a session decided, as its onlooker hears it."""

    signals: list[Signal] = field(default_factory=list)
    decisions: list[RiskDecision] = field(default_factory=list)

    def __call__(self, news: TurnNews) -> None:
        self.signals += news.signals
        self.decisions += news.decisions


@dataclass
class Outcome:
    """One way's rows."""

    told: Told
    record: SessionRecord
    cash: Decimal
    holdings: dict[str, Decimal]


def _market(clock: ReplayClock, *, since: datetime) -> LiveMarket:
    intake = TickIntake(TickCheck(), QuoteStore(), BarBuilder(("1min",), since=since))
    settings = LiveMarketSettings(intervals=("1min",), bar_patience=timedelta(0))
    return LiveMarket(MarketDay(DAY), clock=clock, intake=intake, settings=settings)


def _facts() -> AccountFacts:
    return AccountFacts(KillSwitchState)


def _outcome(made: Assembled, told: Told, journal: BufferedJournal) -> Outcome:
    portfolio = made.account.portfolio
    holdings = {symbol: held.quantity for symbol, held in portfolio.holdings.items()}
    return Outcome(told, journal.session_record(), portfolio.cash, holdings)


async def in_process(tape: MarketTape, starts_at: datetime, until: datetime, terms: SessionTerms) -> Outcome:
    """The session over the venue in this process."""
    clock = ReplayClock(starts_at)
    venue = Venue(tape, venue_settings(starts_at))
    broker = VenueBroker(venue, account_id=ACCOUNT, opening=terms.opening)
    journal, told = BufferedJournal(ACCOUNT, terms.opening, opened_on=terms.opened_on), Told()
    market = _market(clock, since=starts_at)
    line = VenueLine(broker)
    steps = VenueMarket(market, venue, line, clock, symbols=SYMBOLS)
    ports = SessionPorts(clock, steps, line, journal, journal, _facts())
    made = assembled(terms, ports, onlookers=(told,))
    await made.session.start()
    while clock.now() < until:
        await _turn(made, steps.advance(clock.now() + STEP))
    return _outcome(made, told, journal)


async def _turn(made: Assembled, events: Iterable[MarketEvent]) -> None:
    for event in events:
        await made.session.step(event)


async def over_tcp(tape: MarketTape, starts_at: datetime, until: datetime, terms: SessionTerms) -> Outcome:
    """The session over the unmodified client's socket, at a gateway whose time goes on when everything has arrived."""
    clock = ReplayClock(starts_at)
    gateway_settings = GatewaySettings(port=0, account=ACCOUNT, messages_per_second=None)
    async with Gateway(tape, venue_settings(starts_at), gateway_settings) as gateway:
        settings = IBSettings("127.0.0.1", gateway.port, 1, ACCOUNT, messages_per_second=1000)
        broker = IBBroker(settings, clock=clock, order_ids=InMemoryOrderIds())
        journal, told = BufferedJournal(ACCOUNT, terms.opening, opened_on=terms.opened_on), Told()
        market = _market(clock, since=starts_at)
        feed = MarketDataFeed(
            wire=broker.wire,
            pacer=broker.pacer,
            requests=broker.requests,
            connection=broker.connection,
            clock=clock,
            consumers=Consumers(market.on_quote, market.on_print, market.on_bar, _refuse),
            policy=FeedPolicy(),
        )
        for symbol in SYMBOLS:
            for bars in (False, True):
                assert feed.subscribe(symbol, bars=bars) is None
        await broker.start()
        try:
            ports = SessionPorts(clock, market, broker, journal, journal, _facts())
            made = assembled(terms, ports, onlookers=(told,))
            await made.session.start()
            await _arrived(broker)
            while clock.now() < until:
                to = clock.now() + STEP
                clock.advance(to)
                gateway.advance(to)
                await _arrived(broker)
                await _turn(made, market.due(to))
                await _arrived(broker)
        finally:
            await broker.stop()
        return _outcome(made, told, journal)


async def _arrived(broker: IBBroker) -> None:
    """Messages keep their order: once an answer is here, everything before it is, on both sides.

    What waits to be sent would be overtaken by the question, so it goes first.
    """
    for _ in range(3):
        while broker.pacer.keys():  # noqa: ASYNC110  the pacer tells nobody that it is empty
            await asyncio.sleep(0.001)
        await broker.requests.current_time(within=5.0)


def _refuse(problem: object) -> None:
    raise AssertionError(problem)
