"""The two auctions of a session: market- and limit-on-open fill at the open, market- and limit-on-close at the close.

All fill at the auction's one price, orders without a limit first, then by limit and time, within what the minute's
volume leaves. What does not fill is cancelled.
"""

from decimal import Decimal

from tickledger.exchange.price_rules import is_marketable
from tickledger.exchange.venue_book import Market, Place, Working
from tickledger.exchange.venue_checks import ON_CLOSE, cancelled
from tickledger.exchange.venue_desk import Desk
from tickledger.exchange.venue_orders import VenueStatus


def opening_auction(desk: Desk, market: Market, price: Decimal) -> None:
    """Fill the on-open orders of a symbol at its open; the rest of each is cancelled."""
    _cross(desk, market, price, is_close=False)


def closing_auctions(desk: Desk) -> None:
    """Fill the on-close orders of every symbol that traded today at its last regular price."""
    today = desk.state.session_date
    symbols = sorted({working.order.symbol for working in desk.active.values() if working.place is Place.AUCTION})
    for market in map(desk.state.market, symbols):
        if market.opened_on == today and not market.is_halted and market.closing_price is not None:
            _cross(desk, market, market.closing_price, is_close=True)


def _cross(desk: Desk, market: Market, price: Decimal, *, is_close: bool) -> None:
    left = market.closing_budget if is_close else market.budget
    for working in _in_turn(desk, market, is_close=is_close):
        if working.place is not Place.AUCTION:
            continue
        quantity = working.remaining if left is None else min(working.remaining, left)
        if quantity > 0 and is_marketable(working.sign, _limit(working), price):
            if left is not None:
                left -= quantity
            desk.execute(working, quantity, price, False)
        if working.place is Place.AUCTION:
            desk.end(working, VenueStatus.CANCELLED, cancelled("The auction left it, or a part of it, unfilled."))
    if not is_close:
        market.budget = left


def _in_turn(desk: Desk, market: Market, *, is_close: bool) -> list[Working]:
    today = desk.state.session_date
    found = [
        working
        for working in desk.active.values()
        if working.place is Place.AUCTION
        and working.order.symbol == market.symbol
        and working.ends_on == today
        and (working.order.order_type in ON_CLOSE) == is_close
    ]
    return sorted(found, key=_turn)


def _turn(working: Working) -> tuple[bool, Decimal, int]:
    limit = _limit(working)
    return limit is not None, -working.sign * (limit or Decimal(0)), working.priority


def _limit(working: Working) -> Decimal | None:
    return working.limit
