"""What the tape brings to a venue: ticks and minutes of the symbols that are watched or have orders near the market."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tickledger.exchange.venue_auctions import opening_auctions
from tickledger.exchange.venue_book import Market
from tickledger.exchange.venue_desk import Desk
from tickledger.exchange.venue_lulls import touch_of
from tickledger.exchange.venue_path import TapeMinute, Tick, price_of
from tickledger.exchange.venue_state import AUCTION_RANK

_A_MOMENT: Final = timedelta(microseconds=1)


@dataclass(slots=True)
class Moves:
    """Takes what comes to the markets of a desk; tells quotes, prints and minutes of the `watched` symbols."""

    desk: Desk
    watched: set[str] = field(default_factory=set)
    _opening: list[Market] = field(default_factory=list)

    def watch(self, symbol: str) -> None:
        """Follow a symbol, whether it has orders or not."""
        self.watched.add(symbol)
        self.desk.state.market(symbol)
        self.desk.state.feed.follow(symbol, self.desk.state.now)

    def take_next(self) -> None:
        feed = self.desk.state.feed
        symbol = feed.next_symbol
        is_watched = symbol in self.watched
        if not (is_watched or self.desk.symbols[symbol]):
            feed.drop(symbol)
            return
        lull = feed.lull_of_next
        if lull is not None:
            self._attend(symbol, after=lull)
            return
        _, item = feed.pop()
        market = self.desk.state.markets[symbol]
        if isinstance(item, Tick):
            self._on_tick(market, item)
        else:
            self._on_minute(market, item)
            if not is_watched:
                self._attend(symbol, after=self.desk.state.now)

    def _attend(self, symbol: str, *, after: datetime) -> None:
        """Have the ticks of a symbol after an instant from the minute on that can touch an order of it."""
        state, feed = self.desk.state, self.desk.state.feed
        touches = touch_of(symbol, state)
        begins_at = after if touches is None else state.tape.next_touched(symbol, after, touches)
        if begins_at is None:
            feed.drop(symbol)
        elif begins_at > self.desk.state.now:
            feed.rest(symbol, begins_at, after=begins_at - _A_MOMENT)
        elif not feed.is_following(symbol):
            feed.follow(symbol, after)
            state.markets[symbol].unseen_since = after
            state.book(symbol)

    def _on_minute(self, market: Market, minute: TapeMinute) -> None:
        market.leave_minute()
        if minute.is_regular:
            market.closing_price = price_of(minute.span.close)
        if not market.is_halted and market.symbol in self.watched:
            self.desk.state.events.append(minute.bar(market.symbol))

    def _on_tick(self, market: Market, tick: Tick) -> None:
        if market.unseen_since is not None and (tick.quote is None or tick.trade is None):
            self.desk.state.market(market.symbol)
        market.unseen_since = None
        if market.minute is not tick.minute:
            market.enter_minute(tick.minute)
        market.see(tick)
        if market.is_halted:
            return
        quote, trade = tick.quote, tick.trade
        if trade is not None:
            market.last = trade
        if market.symbol in self.watched:
            self.desk.state.events += [told for told in (quote, trade) if told is not None]
        if market.opened_on != self.desk.state.session_date and tick.minute.is_regular:
            self._open(market, tick)
        if market.has_orders and market.opening_price is None:
            if quote is not None:
                self.desk.on_quote(market)
            if trade is not None:
                self.desk.on_print(market, trade)

    def _open(self, market: Market, tick: Tick) -> None:
        """The first regular tick of a symbol's day is its opening auction, at the minute's open if it began with it.

        It is held once all symbols that open at this instant have come.
        """
        market.opened_on = self.desk.state.session_date
        is_first_print = tick.opens_minute or tick.trade is None
        market.opening_price = (
            price_of(tick.minute.span.open) if is_first_print or tick.trade is None else tick.trade.price
        )
        if not self._opening:
            self.desk.state.agenda.plan(self.desk.state.now, AUCTION_RANK, self._hold_auctions)
        self._opening.append(market)

    def _hold_auctions(self) -> None:
        opened, self._opening = self._opening, []
        opening_auctions(self.desk, opened)
        for market in opened:
            price, market.opening_price = market.opening_price, None
            if market.is_live:
                self.desk.on_quote(market)
            if price is not None:
                self.desk.set_off_at(market, price)
            if market.last is not None and market.last.traded_at == self.desk.state.now:
                self.desk.on_print(market, market.last)
