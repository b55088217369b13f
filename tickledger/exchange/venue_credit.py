"""Whether an account can carry an order: buying power under Regulation T, and shares to borrow for a short sale.

Equity must cover the initial margin of everything held and of everything that working orders would add to it, at the
order's own price where it has one, and its commission. Of the orders in an OCA group only the largest counts, as one
of them fills. An order that only reduces what is held is always carried.

Where nothing is lent, an order that waits for the session is not asked before it trades: nobody knows at what price,
nor what sales bring until then. Each fill is asked instead, its charges included.
"""

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


def margin_refusal(working: Working, state: VenueState) -> Refusal | None:
    """Why the account cannot carry the order beside those it has at work, None where it can."""
    order = working.order
    if not state.settings.is_lending and not state.is_open:
        return None
    account = state.accounts[order.account_id]
    same = _at_work(order.account_id, order.symbol, state, but=working)
    held = account.quantity(order.symbol)
    added = _added(held, [*same, working]) - _added(held, same)
    if added <= 0:
        return None
    price = expected_price(working, state)
    pending = _reserved(held, same, state) + _reserved_elsewhere(order.account_id, order.symbol, state)
    exposure = account.gross(state.price_of) + added * price + pending
    equity = account.equity(state.price_of)
    needed = exposure * state.settings.initial_margin
    needed += state.settings.fees.commission(working.remaining, working.remaining * price)
    return None if equity >= needed else _short_of(equity, needed)


def shortage(working: Working, quantity: Decimal, price: Decimal, charged: Decimal, state: VenueState) -> str | None:
    """Why an account that is lent nothing cannot settle a fill, None where it can, or is lent what it lacks."""
    if state.settings.is_lending:
        return None
    order, account = working.order, state.accounts[working.order.account_id]
    held = account.quantity(order.symbol)
    if not order.is_buy and quantity > held:
        return f"sells {quantity} shares of {order.symbol}, {held} are held"
    left = account.cash - working.sign * quantity * price - charged
    return f"cash of {account.cash} falls short by {-left}" if left < 0 else None


def _short_of(equity: Decimal, needed: Decimal) -> Refusal:
    return rejected(
        "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE "
        f"[{equity:.2f} USD] MUST EXCEED THE INITIAL MARGIN [{needed:.2f} USD]"
    )


def _at_work(account_id: str, symbol: str, state: VenueState, *, but: Working | None = None) -> list[Working]:
    """The orders of an account in a symbol that count."""
    orders = state.active.get((account_id, symbol), {}).values()
    return [order for order in orders if order is not but and order.place not in _DORMANT]


def _reserved(held: Decimal, orders: list[Working], state: VenueState) -> Decimal:
    """What orders of one symbol would add to what is held, USD."""
    added = _added(held, orders)
    return added * max(expected_price(order, state) for order in orders) if added else _NOTHING


def _reserved_elsewhere(account_id: str, symbol: str, state: VenueState) -> Decimal:
    """The same of all other symbols; reckoned anew only for those whose orders have changed."""
    total = _NOTHING
    for key in state.active:
        if key[0] != account_id or key[1] == symbol:
            continue
        if key not in state.reserved:
            held = state.accounts[account_id].quantity(key[1])
            state.reserved[key] = _reserved(held, _at_work(*key, state), state)
        total += state.reserved[key]
    return total


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


def missing_shares(working: Working, state: VenueState) -> Decimal:
    """How many shares that an order sells short cannot be borrowed; 0 where all can, or nothing is sold short."""
    symbol = working.order.symbol
    if working.sign > 0 or state.shortable is None:
        return _NOTHING
    mine, before, after = working.order.account_id, _NOTHING, _NOTHING
    for account_id in state.accounts:
        orders = _at_work(account_id, symbol, state, but=working)
        lent = [order for order in orders if order.sign < 0 and order.place is not Place.LOCATE]
        before += _short(account_id, lent, symbol, state)
        after += _short(account_id, [*lent, working] if account_id == mine else lent, symbol, state)
    if after == before:
        return _NOTHING
    return max(after - state.shortable.get(symbol, 0), _NOTHING)


def _short(account_id: str, sales: Iterable[Working], symbol: str, state: VenueState) -> Decimal:
    """The shares an account is short once its sales are filled."""
    return max(_total(sales) - state.accounts[account_id].quantity(symbol), _NOTHING)
