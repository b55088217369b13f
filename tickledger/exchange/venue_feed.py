"""The tape as a stream: the ticks of all symbols that somebody follows, merged in order of time."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from heapq import heappop, heappush, heapreplace
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


@dataclass(slots=True)
class Feed:
    """Cursors into the tape by symbol; of one instant symbols come in alphabetical order."""

    tape: MarketTape
    _heap: list[tuple[datetime, int, str, Item, Iterator[Item]]] = field(default_factory=list)
    _following: set[str] = field(default_factory=set)

    def is_following(self, symbol: str) -> bool:
        """Whether the symbol's ticks come by themselves."""
        return symbol in self._following

    def follow(self, symbol: str, now: datetime) -> None:
        """Have the ticks of a symbol after `now`, if there are any."""
        if symbol not in self._following:
            items = self.tape.ticks_after(symbol, now)
            first = next(items, None)
            if first is not None:
                self._following.add(symbol)
                heappush(self._heap, (*_place(first), symbol, first, items))

    @property
    def next_due(self) -> tuple[datetime, int]:
        """When the next tick or minute's end is due, and its rank; the end of time where there is none."""
        return self._heap[0][:2] if self._heap else (NEVER, TICK_RANK)

    def pop(self) -> tuple[str, Item]:
        """The next tick, or the minute that has ended, and its symbol."""
        _, _, symbol, item, items = self._heap[0]
        following = next(items, None)
        if following is None:
            heappop(self._heap)
            self._following.discard(symbol)
        else:
            heapreplace(self._heap, (*_place(following), symbol, following, items))
        return symbol, item

    def drop(self) -> None:
        """Follow the symbol whose turn it is no longer."""
        _, _, symbol, _, _ = heappop(self._heap)
        self._following.discard(symbol)

    @property
    def next_symbol(self) -> str:
        """Whose turn it is; there must be one."""
        return self._heap[0][2]

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
