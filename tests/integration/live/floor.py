"""A simulated market and sessions that trade in it, each in a thread of its own with an event loop of its own.

The market is the gateway behind its socket, on minutes that fall and rise again and again, so that a strategy that
buys what has fallen has something to do every few minutes. The session is `SessionRun`, which Dagster and the
terminal start too, on a real ledger. What happens to either is told to the gateway while it runs.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pandas as pd
from sqlalchemy import Engine

from resources.session_run import SessionRequest, SessionRun
from resources.session_tally import SessionSummary
from tickledger.bars.calendars import session_close, session_open
from tickledger.cache.connect import configured, in_process
from tickledger.db.trading_sessions import read_session, read_session_steps
from tickledger.domain.account import Mode
from tickledger.domain.alert import Alert, AlertKind
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.errors import Problem
from tickledger.domain.execution import Execution
from tickledger.domain.market import MarketEvent
from tickledger.domain.order import OrderStatus, RiskDecision
from tickledger.domain.trading_session import SessionState, SessionStep
from tickledger.exchange.venue_orders import VenueOrder
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import MarketTape
from tickledger.execution.order_state import OrderState
from tickledger.execution.session import TurnNews
from tickledger.gateway.gateway_settings import GatewaySettings
from tickledger.gateway.server import Gateway
from tickledger.settings import Settings

ACCOUNT: Final = "DU7000001"
CASH: Final = Decimal(200_000)
#: The market's session, and the one before it, of which only history is left.
BEFORE: Final = date(2013, 3, 26)
TODAY: Final = date(2013, 3, 27)
#: An hour and a half after the open.
AFTER_AN_HOUR: Final = datetime(2013, 3, 27, 15, 0, tzinfo=UTC)
SYMBOLS: Final = ("AAPL", "MSFT")
#: A minute of the market takes a second.
SPEED: Final = 60.0
PATIENCE: Final = 60.0
_WAVE: Final = 12


def swing(minute: int) -> float:
    """The price at the end of a minute, as a part of the usual one: six minutes down, six minutes up."""
    place = minute % _WAVE
    return 1.0 - 0.0015 * min(place, _WAVE - place)


def minutes(
    days: Iterable[date] = (BEFORE, TODAY),
    *,
    symbols: Sequence[str] = SYMBOLS,
    price: Callable[[str, date], float | None] | None = None,
    phase: int = 0,
) -> pd.DataFrame:
    """Minutes of whole sessions, which go on swinging from one to the next, at about `price`; None: no trading.

    They begin `phase` minutes into the swing. A purchase is due in its sixth minute, a sale in its ninth.
    """
    rows = []
    count = phase
    for day in days:
        opens_at = session_open(day)
        length = int((session_close(day) - opens_at) / timedelta(minutes=1))
        for offset in range(length):
            for symbol in symbols:
                usual = 100.0 if price is None else price(symbol, day)
                if usual is None:
                    continue
                start, end = (round(usual * swing(count + step), 2) for step in (0, 1))
                stamp = opens_at + timedelta(minutes=offset)
                rows.append((symbol, stamp, start, max(start, end) + 0.01, min(start, end) - 0.01, end, 50_000))
            count += 1
    return pd.DataFrame(rows, columns=["symbol", "timestamp", "open", "high", "low", "close", "volume"])


class Told:
    """What would have been sent as alerts."""

    def __init__(self) -> None:
        self.sent: list[Alert] = []

    def notify(self, alert: Alert) -> None:
        self.sent.append(alert)

    def of_kind(self, kind: AlertKind) -> list[Alert]:
        """The alerts of one kind."""
        return [alert for alert in self.sent if alert.kind is kind]


@dataclass
class Heard:
    """What a session has told its onlookers so far."""

    fills: list[Execution] = field(default_factory=list)
    decisions: list[RiskDecision] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    orders: dict[str, OrderState] = field(default_factory=dict)
    events: list[MarketEvent] = field(default_factory=list)

    def __call__(self, news: TurnNews) -> None:
        self.events.append(news.event)
        self.fills += news.fills
        self.decisions += news.decisions
        self.problems += news.problems
        self.orders.update((state.order.order_id, state) for state in news.orders)

    def of_status(self, *statuses: OrderStatus) -> list[OrderState]:
        """The orders that stand so."""
        return [state for state in self.orders.values() if state.status in statuses]

    def working(self) -> list[OrderState]:
        """The orders that are not over."""
        return [state for state in self.orders.values() if not state.is_terminal]

    def told(self, word: str) -> list[Problem]:
        """The problems with a word in them."""
        return [problem for problem in self.problems if word in str(problem)]


class Running:
    """A session in a thread, whose loop this can reach."""

    def __init__(self, settings: Settings, engine: Engine, request: SessionRequest) -> None:
        self.engine = engine
        self.heard = Heard()
        self.alerts = Told()
        self.error: BaseException | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.task: asyncio.Task[SessionSummary] | None = None
        cache = (
            configured(settings.redis_url.get_secret_value())
            if settings.redis_url
            else in_process(settings.home, problem="")
        )
        self.run = SessionRun(settings, engine, request, alerts=self.alerts, cache=cache, onlookers=[self.heard])
        self.thread = threading.Thread(target=self._trade, daemon=True)
        self.thread.start()

    def _trade(self) -> None:
        async def trade() -> None:
            self.loop = asyncio.get_running_loop()
            self.task = asyncio.create_task(self.run.run())
            await self.task

        try:
            asyncio.run(trade())
        except BaseException as error:  # noqa: BLE001  whatever it is, the test looks at it
            self.error = error

    @property
    def summary(self) -> SessionSummary:
        """The session as it stands."""
        assert self.run.tally is not None, self.error
        return self.run.tally.summary()

    @property
    def is_alive(self) -> bool:
        """Whether it goes on."""
        return self.thread.is_alive()

    def until(self, holds: Callable[[], object], *, seconds: float = PATIENCE, may_end: bool = False) -> None:
        """Wait until `holds`; fails with what is known of the session."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline or not (self.is_alive or may_end):
                raise AssertionError(self.told())
            time.sleep(0.02)

    def problems(self, word: str) -> list[str]:
        """The latest problems that say so."""
        assert self.run.tally is not None
        return [problem for problem in self.run.tally.recent_problems if word in problem]

    def until_traded(self, fills: int = 1, *, seconds: float = PATIENCE) -> None:
        """Wait for this many more fills."""
        before = len(self.heard.fills)
        self.until(lambda: len(self.heard.fills) >= before + fills, seconds=seconds)

    def until_state(self, state: SessionState, *, seconds: float = PATIENCE) -> None:
        """Wait until the record, where others look, says so."""
        self.until(lambda: self.recorded_state() is state, seconds=seconds, may_end=True)

    def recorded_state(self) -> SessionState | None:
        """The state that others see."""
        if self.run.tally is None:
            return None
        found = read_session(self.engine, self.run.tally.session_id)
        return None if found is None else found.state

    def steps(self) -> list[SessionStep]:
        """The states that the record has of it."""
        return read_session_steps(self.engine, self.summary.session_id)

    def end(self, *, seconds: float = PATIENCE) -> SessionSummary:
        """Wait until the session is over."""
        self.thread.join(seconds)
        assert not self.is_alive, self.told()
        return self.summary

    def interrupt(self) -> SessionSummary:
        """End it as an interrupt does."""
        if self.is_alive and self.loop is not None and self.task is not None:
            self.loop.call_soon_threadsafe(self.task.cancel)
        return self.end()

    def told(self) -> str:
        """What is known of it, for a test that fails."""
        known = self.run.tally.summary() if self.run.tally is not None else None
        problems = "\n".join(str(problem) for problem in self.heard.problems[-12:])
        last = self.run.tally.last_problem if self.run.tally is not None else ""
        refusals = "\n".join(row.reason for row in self.heard.decisions[-4:] if not row.is_approved)
        return (
            f"{refusals}\nalive {self.is_alive}, {self.error!r}, {last}\n{known}\n{problems}\n{self.heard.fills[-4:]}"
        )


class TradingFloor:
    """A market that runs, and the sessions started in it."""

    def __init__(self, gateway: Gateway, loop: asyncio.AbstractEventLoop, engine: Engine, home: Path) -> None:
        self.gateway = gateway
        self._loop = loop
        self.engine = engine
        self.home = home

    def call(self, act: Callable[[], Any]) -> Any:
        """Do something in the gateway's own thread; what came of it."""

        async def run() -> Any:
            return act()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(PATIENCE)

    def fault(self, do: str, **parameters: Any) -> None:
        """Let a fault happen now."""
        self.call(lambda: self.gateway.apply({"do": do, **parameters}))

    @property
    def now(self) -> datetime:
        """The market's time."""
        at: datetime = self.call(lambda: self.gateway.venue.now)
        return at

    def held(self, symbol: str) -> Decimal:
        """Shares of a symbol at the broker."""
        state = self.call(lambda: self.gateway.venue.account(ACCOUNT))
        return sum((held.quantity for held in state.holdings if held.symbol == symbol), Decimal(0))

    def cash(self) -> Decimal:
        """Cash at the broker."""
        cash: Decimal = self.call(lambda: self.gateway.venue.account(ACCOUNT)).cash
        return cash

    def working(self, symbol: str | None = None) -> list[VenueOrder]:
        """The orders that work at the venue."""
        return [order for order in self.call(self.gateway.venue.working) if symbol in {None, order.symbol}]

    def settings(self, **changed: Any) -> Settings:
        """Those of a session here; positions are held overnight unless it says otherwise."""
        where = {
            "home": self.home,
            "mode": Mode.PAPER,
            "ib_port": self.gateway.port,
            "ib_account": ACCOUNT,
            "gateway_control": f"127.0.0.1:{self.gateway.control_port}",
            "symbols": ",".join(SYMBOLS),
            "flatten_minutes": 0,
        }
        return Settings(**{**where, **changed})

    @contextmanager
    def session(self, *, until: datetime | None = None, **changed: Any) -> Iterator[Running]:
        """A session from now on, which ends with the context at the latest."""
        running = Running(self.settings(**changed), self.engine, SessionRequest(until=until))
        try:
            yield running
        finally:
            running.interrupt()


@contextmanager
def trading_floor(
    engine: Engine,
    home: Path,
    *,
    starts_at: datetime = AFTER_AN_HOUR,
    bars: pd.DataFrame | None = None,
    corporate_actions: Sequence[CorporateAction] = (),
    speed: float = SPEED,
    venue: Mapping[str, Any] | None = None,
    **gateway: Any,
) -> Iterator[TradingFloor]:
    """A market from `starts_at` on, until the context ends."""
    tape = MarketTape.from_bars(minutes() if bars is None else bars, corporate_actions=corporate_actions)
    venue_settings = VenueSettings(accounts={ACCOUNT: CASH}, starts_at=starts_at, **(venue or {}))
    terms = GatewaySettings(port=0, control_port=0, account=ACCOUNT, speed=speed, has_history_pacing=False, **gateway)
    started: Future[tuple[Gateway, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        over = asyncio.Event()
        async with Gateway(tape, venue_settings, terms) as running:
            started.set_result((running, asyncio.get_running_loop(), over))
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    running, loop, over = started.result(PATIENCE)
    try:
        yield TradingFloor(running, loop, engine, home)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(PATIENCE)
