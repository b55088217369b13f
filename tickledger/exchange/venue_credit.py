"""Whether an account can carry an order: buying power under Regulation T, and shares to borrow for a short sale.

Equity must cover the initial margin of everything held and of everything that working orders would add to it, at the
order's own price where it has one, and its commission. Of the orders in an OCA group only the largest counts, as one
of them fills. An order that only reduces what is held is always carried.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from tickledger.exchange.venue_book import Place, Working
from tickledger.exchange.venue_checks import Refusal, rejected
from tickledger.exchange.venue_groups import group_of
from tickledger.exchange.venue_state import VenueState

_NOTHING: Final = Decimal(0)
_DORMANT: Final = frozenset({Place.TRANSIT, Place.UNSENT, Place.PARENT, Place.DONE})

NOT_SHORTABLE: Final = rejected("The contract is not available for short sale.")
LOCATING: Final = Refusal(
    404,
    "Shares for this order are not immediately available for short sale. "
    "The order will be held while we attempt to locate the shares.",
)


def margin_refusal(working: Working, others: Iterable[Working], state: VenueState) -> Refusal | None:
    """Why the account cannot carry the order beside its `others`, None where it can."""
    order = working.order
    account = state.accounts[order.account_id]
    mine = [other for other in others if other.order.account_id == order.account_id and _counts(other, working)]
    same = [other for other in mine if other.order.symbol == order.symbol]
    held = account.quantity(order.symbol)
    added = _added(held, [*same, working]) - _added(held, same)
    if added <= 0:
        return None
    price = expected_price(working, state)
    exposure = account.gross(state.price_of) + added * price + _pending(mine, state)
    equity = account.equity(state.price_of)
    needed = exposure * state.settings.initial_margin
    needed += state.settings.fees.commission(working.remaining, working.remaining * price)
    return None if equity >= needed else _short_of(equity, needed)


def _short_of(equity: Decimal, needed: Decimal) -> Refusal:
    return rejected(
        "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE "
        f"[{equity:.2f} USD] MUST EXCEED THE INITIAL MARGIN [{needed:.2f} USD]"
    )


def _counts(other: Working, working: Working) -> bool:
    return other is not working and other.place not in _DORMANT


def _pending(orders: Iterable[Working], state: VenueState) -> Decimal:
    """What working orders would add to what is held, USD."""
    by_symbol: dict[str, list[Working]] = defaultdict(list)
    for order in orders:
        by_symbol[order.order.symbol].append(order)
    return sum((_pending_in(symbol, found, state) for symbol, found in by_symbol.items()), _NOTHING)


def _pending_in(symbol: str, orders: list[Working], state: VenueState) -> Decimal:
    account = state.accounts[orders[0].order.account_id]
    return _added(account.quantity(symbol), orders) * max(expected_price(order, state) for order in orders)


def _added(held: Decimal, orders: Iterable[Working]) -> Decimal:
    """By how many shares the orders of a symbol could enlarge what is held, long or short."""
    orders = list(orders)
    bought, sold = (_total(order for order in orders if order.sign == sign) for sign in (1, -1))
    return max(abs(held + bought), abs(held - sold), abs(held)) - abs(held)


def _total(orders: Iterable[Working]) -> Decimal:
    """The shares of orders; of a group that cancels itself only the most that one of them has."""
    groups: dict[object, Decimal] = {}
    for order in orders:
        group = group_of(order.order) or order.order.order_key
        groups[group] = max(groups.get(group, _NOTHING), order.remaining)
    return sum(groups.values(), _NOTHING)


def expected_price(working: Working, state: VenueState) -> Decimal:
    """What a share may cost: the order's own price, else the touch, else the last price."""
    order = working.order
    own = order.limit_price if order.limit_price is not None else order.stop_price
    if own is not None:
        return own
    market = state.market(order.symbol)
    return state.price_of(order.symbol) if market.quote is None else market.touch(working.sign)


def missing_shares(working: Working, others: Iterable[Working], state: VenueState) -> Decimal:
    """How many shares that an order sells short cannot be borrowed; 0 where all can, or nothing is sold short."""
    symbol = working.order.symbol
    if working.sign > 0 or state.shortable is None:
        return _NOTHING
    sales = [other for other in others if other.order.symbol == symbol and other.sign < 0 and _counts(other, working)]
    lent = [other for other in sales if other.place is not Place.LOCATE]
    before = sum((_short(account_id, lent, symbol, state) for account_id in state.accounts), _NOTHING)
    after = sum((_short(account_id, [*lent, working], symbol, state) for account_id in state.accounts), _NOTHING)
    if after == before:
        return _NOTHING
    return max(after - state.shortable.get(symbol, 0), _NOTHING)


def _short(account_id: str, sales: Iterable[Working], symbol: str, state: VenueState) -> Decimal:
    """The shares an account is short once its sales are filled."""
    total = _total(sale for sale in sales if sale.order.account_id == account_id)
    return max(total - state.accounts[account_id].quantity(symbol), _NOTHING)
