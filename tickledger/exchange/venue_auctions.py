"""The two auctions of a session, each at one price for all: the opening auction at a symbol's open, the closing one.

Market- and limit-on-open orders take part in the opening auction, and so does every order that waited for the
session or was on the book before it, unless it still waits for its trigger, or one of the broker's algorithms works
it. Market- and limit-on-close orders take part in the closing auction. What does not fill of orders for an auction is
cancelled; other orders stay on the book.

Symbols that open at the same instant are crossed together: sales first, so that they pay for purchases; of one symbol
orders without a limit first, then by limit and time, within what the minute's volume leaves.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter

from tickledger.exchange.price_rules import is_marketable
from tickledger.exchange.venue_book import Market, Place, Priority, Working
from tickledger.exchange.venue_checks import ON_CLOSE, cancelled
from tickledger.exchange.venue_desk import Desk
from tickledger.exchange.venue_orders import VenueStatus, VenueTerm


@dataclass(slots=True)
class _Auction:
    """The auction of one symbol: its price, who takes part, and the shares that are left for them (None: any)."""

    market: Market
    price: Decimal
    takers: Sequence[Working]
    is_close: bool

    @property
    def left(self) -> Decimal | None:
        return self.market.closing_budget if self.is_close else self.market.budget

    def take(self, quantity: Decimal) -> None:
        if self.left is None:
            return
        if self.is_close:
            self.market.closing_budget = self.left - quantity
        else:
            self.market.budget = self.left - quantity


def opening_auctions(desk: Desk, markets: Iterable[Market]) -> None:
    """Fill the orders of the symbols that open now, each at its opening price."""
    auctions = []
    for market in sorted(markets, key=attrgetter("symbol")):
        if market.opening_price is not None:
            on_book = [working for working in (*market.sales, *market.buys) if not working.order.algo]
            takers = [*_for_auction(desk, market, is_close=False), *on_book]
            auctions.append(_Auction(market, market.opening_price, takers, is_close=False))
    _hold(desk, auctions)


def closing_auctions(desk: Desk) -> None:
    """Fill the on-close orders of every symbol that traded today at its last regular price."""
    today = desk.state.session_date
    symbols = sorted({working.order.symbol for working in desk.active.values() if working.place is Place.AUCTION})
    auctions = []
    for market in map(desk.state.market, symbols):
        if market.opened_on == today and not market.is_halted and market.closing_price is not None:
            takers = _for_auction(desk, market, is_close=True)
            auctions.append(_Auction(market, market.closing_price, takers, is_close=True))
    _hold(desk, auctions)


def _for_auction(desk: Desk, market: Market, *, is_close: bool) -> list[Working]:
    today = desk.state.session_date
    return [
        working
        for working in desk.active.values()
        if working.place is Place.AUCTION
        and working.order.symbol == market.symbol
        and working.ends_on == today
        and (working.order.order_type in ON_CLOSE) == is_close
    ]


def _hold(desk: Desk, auctions: Sequence[_Auction]) -> None:
    for sign in (-1, 1):
        for auction in auctions:
            for working in sorted((taker for taker in auction.takers if taker.sign == sign), key=_turn):
                _cross(desk, auction, working)
    for auction in auctions:
        for working in auction.takers:
            if working.place is Place.AUCTION:
                desk.end(working, VenueStatus.CANCELLED, cancelled("The auction left it, or a part of it, unfilled."))


def _cross(desk: Desk, auction: _Auction, working: Working) -> None:
    if not working.is_active or not is_marketable(working.sign, working.limit, auction.price):
        return
    quantity = working.remaining if auction.left is None else min(working.remaining, auction.left)
    is_too_little = working.order.term is VenueTerm.FOK and quantity < working.remaining
    if quantity <= 0 or is_too_little:
        return
    auction.take(quantity)
    if not desk.execute(working, quantity, auction.price, False):
        auction.take(-quantity)


def _turn(working: Working) -> tuple[bool, Decimal, Priority]:
    limit = working.limit
    return limit is not None, -working.sign * (limit or Decimal(0)), working.priority
