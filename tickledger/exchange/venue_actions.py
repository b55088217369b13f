"""What corporate actions do to the venue's accounts and orders, before the first trade of their ex-date.

Holdings and cash follow `corporate_actions`, the same rules as the trading core's. Of working orders, a split adjusts
size (what is open, in whole shares) and prices; a spin-off lowers limits to buy and stops to sell by its value; a
change of ticker renames; a merger and a delisting cancel; cash leaves them alone. By setting, all that would be
changed is cancelled, as IB does on splits, for somebody else to put others in the place.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Final

from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.exchange.corporate_actions import cash_paid, holdings_after, split_price, spun_off_value
from tickledger.exchange.venue_book import Working
from tickledger.exchange.venue_checks import STOPS, TRAILS, cancelled, price_increment
from tickledger.exchange.venue_desk import Desk
from tickledger.exchange.venue_feed import restated
from tickledger.exchange.venue_orders import VenueOrder, VenueStatus
from tickledger.exchange.venue_settings import VenueSettings

_WHOLE_SHARE: Final = Decimal(1)
_ENDING: Final = frozenset({CorporateActionKind.MERGER, CorporateActionKind.DELISTING})


def take_effect(action: CorporateAction, desk: Desk) -> None:
    """Apply an action to every account and order; raises InputError where its terms are missing."""
    _restate_price(action, desk)
    for account in desk.state.accounts.values():
        holding = account.holding(action.symbol)
        if holding is not None:
            date = desk.state.session_date
            paid = cash_paid(action, holding, account_id=account.account_id, session_date=date)
            cash = sum((transaction.amount for transaction in paid), Decimal(0))
            desk.state.events.extend(paid)
            account.replace_holding(action.symbol, dict(holdings_after(action, holding)), cash)
    for working in desk.in_priority():
        if working.order.symbol == action.symbol and working.is_active:
            _change_order(action, working, desk)


def _restate_price(action: CorporateAction, desk: Desk) -> None:
    # A price that is looked up in the tape is in terms of today's shares already.
    is_told = desk.state.is_told(action.symbol)
    market = desk.state.market(action.symbol)
    if market.last is None:
        return
    if is_told:
        market.last = restated(market.last, action)
    if action.kind is CorporateActionKind.TICKER_CHANGE and action.new_symbol is not None:
        renamed = desk.state.market(action.new_symbol)
        if renamed.last is None:
            renamed.last = replace(market.last, symbol=action.new_symbol)


def _change_order(action: CorporateAction, working: Working, desk: Desk) -> None:
    is_cancelled = desk.state.settings.cancels_on_split and _is_changed(action, working.order)
    if action.kind in _ENDING or is_cancelled:
        desk.end(working, VenueStatus.CANCELLED, cancelled(f"Corporate action: {action.kind} of {action.symbol}."))
    elif action.kind is CorporateActionKind.SPLIT:
        _split(action, working, desk)
    elif action.kind is CorporateActionKind.SPINOFF and action.ratio is not None and action.fmv_new is not None:
        value = spun_off_value(action)
        _replace(desk, working, _lowered(working.order, value, desk.state.settings))
        if working.stop is not None and not working.order.is_buy:
            working.stop -= value
    elif action.kind is CorporateActionKind.TICKER_CHANGE and action.new_symbol is not None:
        desk.rename(working, action.new_symbol)


def _is_changed(action: CorporateAction, order: VenueOrder) -> bool:
    """Whether an order that goes on means another thing after the action, as `leaves_alone` has it for ours."""
    if action.kind is CorporateActionKind.SPINOFF:
        is_guarded = order.order_type in STOPS | TRAILS
        return (order.limit_price is not None and not is_guarded) if order.is_buy else is_guarded
    return action.kind in {CorporateActionKind.SPLIT, CorporateActionKind.TICKER_CHANGE}


def _split(action: CorporateAction, working: Working, desk: Desk) -> None:
    if action.ratio is None:
        return
    scaled = working.remaining * action.ratio.numerator / action.ratio.denominator
    left = scaled.quantize(_WHOLE_SHARE, rounding=ROUND_DOWN)
    if left <= 0:
        desk.end(working, VenueStatus.CANCELLED, cancelled(f"The split of {action.symbol} leaves less than a share."))
        return
    order = _priced(working.order, lambda price: _rounded(split_price(price, action), desk.state.settings))
    if working.stop is not None:
        working.stop = _rounded(split_price(working.stop, action), desk.state.settings)
    if working.limit is not None:
        working.limit = _rounded(split_price(working.limit, action), desk.state.settings)
    _replace(desk, working, replace(order, quantity=working.progress.quantity + left))


def _priced(order: VenueOrder, reprice: Callable[[Decimal], Decimal]) -> VenueOrder:
    """The order with every amount a share in other terms."""
    return replace(
        order,
        limit_price=None if order.limit_price is None else reprice(order.limit_price),
        stop_price=None if order.stop_price is None else reprice(order.stop_price),
        trail_amount=None if order.trail_amount is None else reprice(order.trail_amount),
        limit_offset=None if order.limit_offset is None else reprice(order.limit_offset),
    )


def _lowered(order: VenueOrder, value: Decimal, settings: VenueSettings) -> VenueOrder:
    """Limits to buy and stops to sell lowered by what was spun off, as FINRA Rule 5330 has it for distributions."""
    if order.is_buy:
        is_lowered = order.limit_price is not None and order.stop_price is None and order.limit_price > value
        return (
            replace(order, limit_price=_rounded((order.limit_price or value) - value, settings))
            if is_lowered
            else order
        )
    if order.stop_price is None or order.stop_price <= value:
        return order
    limit = order.limit_price
    return replace(
        order,
        stop_price=_rounded(order.stop_price - value, settings),
        limit_price=None if limit is None else _rounded(max(limit - value, Decimal("0.0001")), settings),
    )


def _rounded(price: Decimal, settings: VenueSettings) -> Decimal:
    """To the price increment, at least one."""
    increment = price_increment(price, settings)
    steps = (price / increment).to_integral_value(rounding=ROUND_HALF_UP)
    return max(steps, _WHOLE_SHARE) * increment


def _replace(desk: Desk, working: Working, order: VenueOrder) -> None:
    if order != working.order:
        desk.replace_terms(working, order)
