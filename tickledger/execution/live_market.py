"""The market of a running day as a session's events: opening, bars, quotes, beats, what the operator wants, the close.

Ticks are taken as they come, by plain calls that cost microseconds; the session sees them as bars and as the quotes
that have changed. `due` says what has become due by an instant and asks no clock, so that the same calls lead to the
same events; `events` waits for the next of them.

Bars come from the broker's bars of five seconds where it sends them, from prints where it does not; see
`tickledger.bars.building`. A bar is waited for a little longer than its period, for the piece that is on its way.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from tickledger.bars.calendars import session_close, session_open
from tickledger.bars.tick_checks import TickRefusal
from tickledger.bars.tick_intake import TickIntake
from tickledger.bars.trading_hours import seconds_of
from tickledger.domain.bar import Bar, BarKey, Print, Quote, TimeBar
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.market import (
    Beat,
    ControlsChanged,
    MarketEvent,
    QuotesChanged,
    SessionClosed,
    SessionOpening,
)
from tickledger.execution.clock import LiveClock

_FIVE_SECONDS: Final = "5sec"
_PIECE: Final = timedelta(seconds=5)
#: How long after the close the last bar and the auction's fills are waited for.
CLOSING_GRACE: Final = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class MarketDay:
    """One session as it is known before it opens: corporate actions, and the last daily bars before it."""

    session_date: date
    corporate_actions: tuple[CorporateAction, ...] = ()
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveMarketSettings:
    """`intervals` are those of the bars that the session sees. A beat comes every `beat` at least.

    `bar_patience` is how long a bar is waited for after its period, unless every symbol's last piece came before. Where
    `is_tick_driven`, changed quotes are told at once, and otherwise before bars and with beats.
    """

    intervals: tuple[str, ...] = ("1min",)
    beat: timedelta = timedelta(seconds=1)
    bar_patience: timedelta = timedelta(seconds=1)
    is_tick_driven: bool = False

    @property
    def step(self) -> timedelta:
        """The length of the shortest bars that the session sees."""
        return timedelta(seconds=min(map(seconds_of, self.intervals)))


class LiveMarket:
    """The MarketData port over ticks that come by themselves. `on_*` take what comes, from the loop's own thread.

    `on_quotes` hears of the quotes that have changed whenever the session does, and before the open with each beat;
    `on_print` of every print that is right, `on_refusal` of the ticks that are not. `ends_at` ends the day before its
    close, where somebody said so. `wake` is to be called whenever the broker has told something.
    """

    def __init__(
        self,
        day: MarketDay,
        *,
        clock: LiveClock,
        intake: TickIntake,
        settings: LiveMarketSettings | None = None,
        ends_at: datetime | None = None,
        on_quotes: Callable[[Iterable[Quote]], None] = lambda _: None,
        on_print: Callable[[Print], None] = lambda _: None,
        on_refusal: Callable[[TickRefusal], None] = lambda _: None,
    ) -> None:
        self._day = day
        self._clock = clock
        self._intake = intake
        self._settings = settings or LiveMarketSettings()
        self._opens_at, self._closes_at = session_open(day.session_date), session_close(day.session_date)
        self._ends_at = ends_at
        self._on_quotes = on_quotes
        self._on_print = on_print
        self._on_refusal = on_refusal
        self._changed: dict[str, Quote] = {}
        self._controls: list[ControlsChanged] = []
        self._woken = asyncio.Event()
        self._is_opened = False
        self._is_over = False
        self._due_until = datetime.min.replace(tzinfo=UTC)
        self._beat_at: datetime | None = None
        self._heard_until: dict[str, datetime] = {}

    @property
    def is_over(self) -> bool:
        """Whether the close was told, or the end that somebody set has come."""
        return self._is_over

    def on_quote(self, quote: Quote, arrived_at: datetime | None = None) -> None:
        """Take a quote, which arrives now unless it is told when it arrived by our clock."""
        refusal = self._intake.quote(quote, arrived_at or self._clock.now())
        if refusal is not None:
            self._on_refusal(refusal)
            return
        self._changed[quote.symbol] = quote
        if self._settings.is_tick_driven:
            self._woken.set()

    def on_print(self, trade: Print) -> None:
        """Take a print."""
        refusal = self._intake.print(trade, self._clock.now())
        if refusal is not None:
            self._on_refusal(refusal)
        else:
            self._on_print(trade)

    def on_bar(self, bar: TimeBar) -> None:
        """Take a bar of five seconds."""
        ends_at = self._heard_until[bar.symbol] = bar.starts_at + _PIECE
        if not ends_at.second and min(self._heard_until.values()) >= ends_at:
            # The last piece of a minute is here: nobody has to wait for it any more.
            self._woken.set()
        bar_id = str(BarKey(bar.symbol, _FIVE_SECONDS, bar.starts_at))
        prices = (bar.open, bar.high, bar.low, bar.close)
        if bar.volume:
            self._intake.bars.book_bar(Bar(bar_id, bar.symbol, self._day.session_date, *prices, bar.volume))

    def on_controls(
        self, *, is_paused: bool, reason: str = "", is_stopping: bool = False, is_killed: bool = False
    ) -> None:
        """Tell the session what the operator wants."""
        day = self._day.session_date
        change = ControlsChanged(day, self._clock.now(), is_paused, reason, is_stopping, is_killed)
        self._controls.append(change)
        self._woken.set()

    def wake(self) -> None:
        """Have the session look at once."""
        self._woken.set()

    async def events(self) -> AsyncIterator[MarketEvent]:
        """What happens until the day is over."""
        while not self._is_over:
            for event in self.due(self._clock.now()):
                yield event
            if not self._is_over:
                await self._wait()

    def due(self, now: datetime) -> Iterable[MarketEvent]:
        """What has become due by `now`, in order. Where a clock has gone back, time stands until it has caught up."""
        day = self._day.session_date
        now = self._due_until = max(now, self._due_until)
        if not self._is_opened:
            if now < self._opens_at:
                self._is_over = self._ends_at is not None and now >= self._ends_at
                self._on_quotes(self._changed.values())
                yield from self._told_controls()
                yield Beat(day, now)
                return
            self._is_opened = True
            # A session that begins under the kill switch hears of it before anything is let out.
            yield from self._told_controls()
            yield SessionOpening(day, now, self._day.corporate_actions, self._day.bars)
        yield from self._told_controls()
        closed = self._intake.bars.advance(self._complete_until(now))
        if self._changed and (closed or self._settings.is_tick_driven or self._is_beat_due(now)):
            yield self._told_quotes(now)
        yield from (bars for bars in closed if bars.interval in self._settings.intervals)
        if now >= self._closes_at + CLOSING_GRACE:
            self._is_over = True
            yield SessionClosed(day, self._closes_at)
            return
        self._is_over = self._ends_at is not None and now >= self._ends_at
        self._beat_at = now
        yield Beat(day, now)

    def _complete_until(self, now: datetime) -> datetime:
        """Until when everything has been told, or has been waited for long enough."""
        waited_until = now - self._settings.bar_patience
        return max(waited_until, min(self._heard_until.values(), default=waited_until))

    def _is_beat_due(self, now: datetime) -> bool:
        return self._beat_at is None or now - self._beat_at >= self._settings.beat

    def _told_controls(self) -> Sequence[ControlsChanged]:
        told, self._controls = self._controls, []
        return told

    def _told_quotes(self, now: datetime) -> QuotesChanged:
        changed, self._changed = self._changed, {}
        self._on_quotes(changed.values())
        return QuotesChanged(self._day.session_date, now, tuple(changed[symbol] for symbol in sorted(changed)))

    async def _wait(self) -> None:
        """Wait for the next beat, or until something wakes the market."""
        now = self._clock.now()
        due_at = min(now + self._settings.beat, self._next_bars_at(now))
        seconds = max(self._clock.seconds_until(due_at), 0.001)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
        self._woken.clear()

    def _next_bars_at(self, now: datetime) -> datetime:
        """When the next bars are waited for no longer."""
        step = self._settings.step
        return now + step - (now - self._settings.bar_patience - self._opens_at) % step


async def forward(something_to_report: Callable[[], Awaitable[None]], market: LiveMarket) -> None:
    """Wake the market whenever the broker has something to report, for as long as this runs."""
    while True:
        await something_to_report()
        market.wake()
        # The session takes the reports in its next turn, until when the broker goes on saying that there are some.
        await asyncio.sleep(0.001)
