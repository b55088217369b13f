"""Recorded sessions in order, played to a trading session and to the venue that its simulated broker trades at."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

import pandas as pd

from tickledger.bars.calendars import session_close, session_open, sessions
from tickledger.domain.bar import Bar
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.market import MarketEvent, SessionClosed, SessionOpening
from tickledger.domain.money import exact
from tickledger.exchange.venue import Venue
from tickledger.execution.clock import ReplayClock
from tickledger.execution.journal import BufferedJournal
from tickledger.execution.venue_broker import VenueBroker

#: No gap between two sessions is longer (in September 2001 the exchange was closed for six days).
LONGEST_CLOSING: Final = timedelta(days=14)
_INSTANT: Final = timedelta(microseconds=1)
_COLUMNS: Final = ("bar_id", "symbol", "timestamp", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class TapeSession:
    """One session of the tape: its bars by symbol and the corporate actions that take effect at its open."""

    session_date: date
    bars: Mapping[str, Bar] = field(default_factory=dict)
    corporate_actions: tuple[CorporateAction, ...] = ()


class ReplayedMarket:
    """The MarketData port over a tape: moves the clock and the venue, and has the broker hear of what happened."""

    def __init__(
        self,
        tape: Sequence[TapeSession],
        *,
        clock: ReplayClock,
        venue: Venue,
        broker: VenueBroker,
        journal: BufferedJournal,
    ) -> None:
        self._tape = tape
        self._clock = clock
        self._venue = venue
        self._broker = broker
        self._journal = journal

    async def events(self) -> AsyncIterator[MarketEvent]:
        """The opening and the close of every session."""
        for session in self._tape:
            day = session.session_date
            before_open, closes_at = session_open(day) - _INSTANT, session_close(day)
            self._move(before_open)
            self._journal.take_corporate_actions(session.corporate_actions)
            yield SessionOpening(day, before_open, session.corporate_actions)
            self._move(closes_at)
            yield SessionClosed(day, closes_at, tuple(session.bars.values()))

    def _move(self, to: datetime) -> None:
        self._clock.advance(to)
        self._broker.take(self._venue.advance(to))


def tape(bars: pd.DataFrame, actions: Iterable[CorporateAction], *, start: date, end: date) -> list[TapeSession]:
    """The sessions from `start` to the last one with a bar, `end` at most, each with its bars and actions.

    `bars` are raw daily bars with their `bar_id`; actions that took effect before `start` are left out.
    """
    by_session = bars_by_session(bars)
    last = max((day for day in by_session if day <= end), default=date.min)
    days = sessions(start, last)
    by_first_session = _by_first_session(actions, days)
    return [TapeSession(day, by_session.get(day, {}), tuple(by_first_session.get(day, ()))) for day in days]


def bars_by_session(frame: pd.DataFrame) -> Mapping[date, Mapping[str, Bar]]:
    """The rows of a frame of raw daily bars as exact values, by session date and symbol."""
    by_session: dict[date, dict[str, Bar]] = defaultdict(dict)
    rows = zip(*(frame[name].tolist() for name in _COLUMNS), strict=True)
    for bar_id, symbol, timestamp, *prices, volume in rows:
        open_, high, low, close = map(exact, prices)
        day = timestamp.date()
        by_session[day][symbol] = Bar(bar_id, symbol, day, open_, high, low, close, int(volume))
    return by_session


def _by_first_session(actions: Iterable[CorporateAction], days: Sequence[date]) -> Mapping[date, list[CorporateAction]]:
    """Each action under the first of `days` not before its ex-date, unless an earlier session has seen it."""
    taken: dict[date, list[CorporateAction]] = defaultdict(list)
    if not days:
        return taken
    earlier = sessions(days[0] - LONGEST_CLOSING, days[0] - timedelta(days=1))
    seen_until = earlier[-1] if earlier else date.min
    for action in actions:
        position = bisect_left(days, action.ex_date)
        if position < len(days) and action.ex_date > seen_until:
            taken[days[position]].append(action)
    return taken
