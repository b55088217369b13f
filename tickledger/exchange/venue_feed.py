"""The tape as a stream: the ticks of all symbols that somebody follows, merged in order of time."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from heapq import heappop, heappush
from itertools import count
from typing import Final

from tickledger.domain.bar import Print
from tickledger.domain.corporate_action import CorporateAction
from tickledger.exchange.corporate_actions import price_after
from tickledger.exchange.venue_book import Market
from tickledger.exchange.venue_path import MINUTE, TapeMinute, Tick
from tickledger.exchange.venue_tape import MarketTape, trading_date

#: Of one instant a minute's end comes before everything else, a tick after the changes of the session.
MINUTE_RANK: Final = 0
TICK_RANK: Final = 2
#: The end of time: nothing is due.
NEVER: Final = datetime.max.replace(tzinfo=UTC)

Item = Tick | TapeMinute


@dataclass(slots=True, eq=False)
class _Cursor:
    """The next item of a symbol and those behind it; without an item, in a lull, `after` says what has been told."""

    after: datetime
    item: Item | None = None
    items: Iterator[Item] = field(default_factory=lambda: iter(()))


@dataclass(slots=True)
class Feed:
    """Cursors into the tape by symbol; of one instant symbols come in alphabetical order.

    A symbol is followed, its items coming by themselves; or in a lull, at whose end somebody looks whether to follow
    it; or neither.
    """

    tape: MarketTape
    _heap: list[tuple[datetime, int, str, int, _Cursor]] = field(default_factory=list)
    _cursors: dict[str, _Cursor] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=count)

    def is_following(self, symbol: str) -> bool:
        """Whether the symbol's ticks come by themselves."""
        cursor = self._cursors.get(symbol)
        return cursor is not None and cursor.item is not None

    def follow(self, symbol: str, after: datetime) -> None:
        """Have the ticks of a symbol after an instant, if there are any."""
        if not self.is_following(symbol):
            items = self.tape.ticks_after(symbol, after)
            self._cursors.pop(symbol, None)
            first = next(items, None)
            if first is not None:
                self._push(symbol, _Cursor(after, first, items), _place(first))

    def rest(self, symbol: str, until: datetime, *, after: datetime) -> None:
        """Follow a symbol no longer until an instant; what comes after `after` has not been told then."""
        self._push(symbol, _Cursor(after), (until, TICK_RANK))

    def drop(self, symbol: str) -> None:
        """Follow a symbol no longer."""
        self._cursors.pop(symbol, None)

    def _push(self, symbol: str, cursor: _Cursor, place: tuple[datetime, int]) -> None:
        self._cursors[symbol] = cursor
        heappush(self._heap, (*place, symbol, next(self._numbers), cursor))

    @property
    def next_due(self) -> tuple[datetime, int]:
        """When the next tick, minute's end or end of a lull is due, and its rank; the end of time where none is."""
        heap = self._heap
        while heap and self._cursors.get(heap[0][2]) is not heap[0][4]:
            heappop(heap)
        return heap[0][:2] if heap else (NEVER, TICK_RANK)

    def pop(self) -> tuple[str, Item]:
        """The next tick, or the minute that has ended, and its symbol; only where `lull_of_next` is None."""
        _, _, symbol, _, cursor = heappop(self._heap)
        item, following = cursor.item, next(cursor.items, None)
        if item is None:
            raise ValueError(f"{symbol}: expected a tick or a minute, found a lull")
        if following is None:
            del self._cursors[symbol]
        else:
            cursor.item = following
            self._push(symbol, cursor, _place(following))
        return symbol, item

    @property
    def next_symbol(self) -> str:
        """Whose turn it is; there must be one, as `next_due` tells."""
        return self._heap[0][2]

    @property
    def lull_of_next(self) -> datetime | None:
        """Up to when all is told of the symbol whose turn it is, where that is in a lull."""
        cursor = self._heap[0][4]
        return cursor.after if cursor.item is None else None

    def refresh(
        self,
        market: Market,
        now: datetime,
        *,
        session_date: date,
        actions_through: date,
        phase_began_at: datetime | None,
    ) -> None:
        """Bring a market that is not followed up to `now`; its quote is live where it came in this phase.

        Its last price is told in terms of shares as they are since the ex-dates up to `actions_through`.
        """
        tick, last = self.tape.latest(market.symbol, now)
        if tick is None:
            market.is_live = False
        else:
            market.catch_up(tick, is_over=now >= tick.minute.starts_at + MINUTE)
            market.is_live = phase_began_at is not None and tick.at >= phase_began_at
            if market.is_live and tick.minute.is_regular:
                market.opened_on = session_date
        if last is not None and (market.last is None or last.traded_at >= market.last.traded_at):
            market.last = self._restated(last, actions_through)

    def closing_price(self, symbol: str, now: datetime, *, actions_through: date) -> Decimal | None:
        """The last price of a symbol where a daily bar alone tells it, in terms of today's shares; None elsewhere."""
        last = self.tape.closing_print(symbol, now)
        return None if last is None else self._restated(last, actions_through).price

    def _restated(self, last: Print, through: date) -> Print:
        """A price of before a corporate action in terms of the shares after it."""
        traded_on = trading_date(last.traded_at)
        for action in self.tape.corporate_actions:
            if action.symbol == last.symbol and traded_on < action.ex_date <= through:
                last = restated(last, action)
        return last


def restated(last: Print, action: CorporateAction) -> Print:
    """The last price in terms of a share after the action."""
    return replace(last, price=price_after(last.price, action))


def _place(item: Item) -> tuple[datetime, int]:
    if isinstance(item, Tick):
        return item.at, TICK_RANK
    return item.starts_at + MINUTE, MINUTE_RANK
