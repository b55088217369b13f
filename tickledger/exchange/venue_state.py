"""The state of a venue that its parts share: the time, what is due when, what has been told, markets and accounts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush
from itertools import count
from typing import Final

from tickledger.exchange.venue_account import VenueAccount
from tickledger.exchange.venue_book import Market, Working
from tickledger.exchange.venue_feed import NEVER, Feed
from tickledger.exchange.venue_orders import VenueEvent
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import MarketTape

#: Of one instant: minutes end (0), then sessions change, then the market moves (2), auctions open the symbols that
#: have begun to move, then messages arrive.
SESSION_RANK: Final = 1
AUCTION_RANK: Final = 3
MESSAGE_RANK: Final = 4

_A_MOMENT: Final = timedelta(microseconds=1)

Action = Callable[[], None]
#: An account's id and a symbol.
AccountSymbol = tuple[str, str]


@dataclass(slots=True)
class Agenda:
    """What is due, by instant, rank and the order in which it was planned."""

    _heap: list[tuple[datetime, int, int, Action]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def plan(self, at: datetime, rank: int, action: Action) -> None:
        """Have `action` called at `at`."""
        heappush(self._heap, (at, rank, next(self._numbers), action))

    @property
    def next_due(self) -> tuple[datetime, int]:
        """When the next thing is due, and its rank; the end of time where nothing is."""
        return self._heap[0][:2] if self._heap else (NEVER, MESSAGE_RANK)

    def pop(self) -> Action:
        """The next thing that is due."""
        return heappop(self._heap)[3]


@dataclass(slots=True)
class VenueState:
    """What all parts of a venue look at.

    `session_date` is today's session, or the next one once late trading is over. `phase_began_at` is when the
    present phase (early, regular or late trading) began; None between sessions. Corporate actions have taken effect
    up to `actions_through`. `active` are the orders that can still trade, by key; `reserved` is what those of an
    account in a symbol would add to what it holds, USD, as far as it has been reckoned since they last changed.
    """

    settings: VenueSettings
    tape: MarketTape
    feed: Feed
    now: datetime
    session_date: date
    actions_through: date = date.min
    is_before_ticks: bool = False
    is_open: bool = False
    phase_began_at: datetime | None = None
    agenda: Agenda = field(default_factory=Agenda)
    events: list[VenueEvent] = field(default_factory=list)
    markets: dict[str, Market] = field(default_factory=dict)
    accounts: dict[str, VenueAccount] = field(default_factory=dict)
    shortable: dict[str, int] | None = None
    active: dict[AccountSymbol, dict[int, Working]] = field(default_factory=dict)
    reserved: dict[AccountSymbol, Decimal] = field(default_factory=dict)

    def market(self, symbol: str) -> Market:
        """The market of a symbol, as it is now; one without bars has neither quote nor price."""
        market = self._known(symbol)
        if not self.feed.is_following(symbol):
            if market.seen_at != self.told_until:
                market.seen_at = self.told_until
                self._refresh(market, self.told_until)
        elif market.unseen_since is not None:
            since, market.unseen_since = market.unseen_since, None
            self._refresh(market, since)
        return market

    def book(self, symbol: str) -> Market:
        """The market of a symbol as the place of its orders: looked at only where a quote of it may stand."""
        market, began_at = self._known(symbol), self.phase_began_at
        until = market.unseen_since if self.feed.is_following(symbol) else self.told_until
        if began_at is None or until is None or until < began_at:
            return market
        return self.market(symbol) if self.tape.may_have_traded(symbol, began_at, until) else market

    def attend(self, symbol: str) -> Market:
        """The same, where it gets an order: its ticks are to come by themselves, as far as they can touch an order."""
        market = self.book(symbol)
        if not self.feed.is_following(symbol):
            self.feed.rest(symbol, self.now, after=self.told_until)
        return market

    @property
    def told_until(self) -> datetime:
        """Up to when the market is known: ticks come after the minutes that end then and changes of the session."""
        return self.now - _A_MOMENT if self.is_before_ticks else self.now

    def is_told(self, symbol: str) -> bool:
        """Whether what is known of a symbol comes from its ticks as they are told."""
        return self.feed.is_following(symbol) and self._known(symbol).unseen_since is None

    def _known(self, symbol: str) -> Market:
        market = self.markets.get(symbol)
        if market is None:
            cap = self.settings.max_participation if self.settings.is_capped else None
            market = self.markets[symbol] = Market(symbol, cap)
        return market

    def _refresh(self, market: Market, at: datetime) -> None:
        self.feed.refresh(
            market,
            at,
            session_date=self.session_date,
            actions_through=self.actions_through,
            phase_began_at=self.phase_began_at,
        )

    def price_of(self, symbol: str) -> Decimal:
        """The last price of a symbol, 0 where it has never traded."""
        if not self.is_told(symbol):
            closing = self.feed.closing_price(symbol, self.now, actions_through=self.actions_through)
            if closing is not None:
                return closing
        last = self.market(symbol).last
        return Decimal(0) if last is None else last.price

    def told(self) -> list[VenueEvent]:
        """What has happened since the last call."""
        events, self.events = self.events, []
        return events
