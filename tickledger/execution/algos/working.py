"""The rules that all algorithms share: an algorithm says how much is due and how urgently, this says what is done.

In this order, the first that applies:

1. filled whole, cancelled by request, past the window's end, or rejected again and again: take back what works, and
   once nothing does, be done (LEAVE: be done at the end of the window with the children as they are); a child that
   turns out to work after that is taken back too
2. before the window: nothing
3. more committed than the parent has (fills that came very late): take back the youngest children
4. a halt, no quote, or a stale or crossed one: take back what works, send nothing
5. otherwise: take back what is ahead of the ceiling, move the children that have fallen behind their price, and send
   what is due and not committed

A child that is to be replaced is cancelled first; its shares are free, and can be sent anew, only once the broker has
confirmed and fills that crossed the cancellation have had time to arrive.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from tickledger.domain.bar import Quote
from tickledger.domain.order import OrderModification, OrderStatus
from tickledger.execution.algos.parent import (
    AlgoState,
    Cancel,
    ChildAction,
    ChildOrder,
    Done,
    DoneReason,
    MarketView,
    Modify,
    ParentOrder,
    Place,
)
from tickledger.execution.algos.pricing import child_price, is_beyond, is_marketable, usable_quote
from tickledger.execution.algos.sizing import child_quantity
from tickledger.execution.algos.terms import AtEnd, Terms, Urgency

_TENTH: Final = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an algorithm wants now: `due` shares filled or working, never more than `ceiling`, priced by `urgency`.

    `is_last_call`: the window is about to end, so a child at the wrong price is not left to stand first.
    """

    due: Decimal
    ceiling: Decimal
    urgency: Urgency
    reason: str
    is_last_call: bool = False


def finishing_at(parent: ParentOrder, terms: Terms) -> datetime:
    """When FINISH begins to send what is left."""
    return parent.ends_at - min(terms.finishing, (parent.ends_at - parent.starts_at) / _TENTH)


def worked(
    state: AlgoState, now: datetime, market: MarketView, *, terms: Terms, wanted: Callable[[Quote], Wanted]
) -> list[ChildAction]:
    """What is done now, by the rules of this module; `wanted` is asked only where there is a market to trade in."""
    if state.done is not None:
        return _after_the_end(state, now, terms, state.done)
    reason = _end(state, now, terms)
    if reason is not None:
        return _wound_up(state, now, terms, reason)
    if now < state.parent.starts_at:
        return []
    excess = state.committed(now, terms) - state.parent.quantity
    if excess > 0:
        return _taken_back(_youngest(state, excess), now, terms, "more is committed than the parent has")
    quote = usable_quote(market, now, terms)
    if quote is None:
        why = "halted" if market.is_halted else "no quote that can be traded on"
        return _taken_back(state.working, now, terms, why)
    return _traded(state, now, quote, terms=terms, want=_finish(state, now, terms) or wanted(quote))


def _end(state: AlgoState, now: datetime, terms: Terms) -> DoneReason | None:
    """Why the parent is to end, None where it goes on."""
    if state.filled >= state.parent.quantity:
        return DoneReason.FILLED
    if state.is_cancelling:
        return DoneReason.CANCELLED
    if now >= state.parent.ends_at:
        is_left = terms.at_end is AtEnd.LEAVE and state.working
        return DoneReason.LEFT_WORKING if is_left else DoneReason.ENDED
    return DoneReason.REJECTED if len(_last_rejections(state)) >= terms.max_rejections else None


def _after_the_end(state: AlgoState, now: datetime, terms: Terms, reason: DoneReason) -> list[ChildAction]:
    """A child that was thought to be over and works after all is taken back, but for those that were left."""
    if reason is DoneReason.LEFT_WORKING and not state.is_cancelling:
        return []
    return _taken_back(state.working, now, terms, f"the parent is over: {reason}")


def _wound_up(state: AlgoState, now: datetime, terms: Terms, reason: DoneReason) -> list[ChildAction]:
    if reason is DoneReason.LEFT_WORKING or not state.working:
        return [Done(reason)]
    return _taken_back(state.working, now, terms, f"the parent is over: {reason}")


def _finish(state: AlgoState, now: datetime, terms: Terms) -> Wanted | None:
    if terms.at_end is not AtEnd.FINISH or now < finishing_at(state.parent, terms):
        return None
    quantity = state.parent.quantity
    return Wanted(quantity, quantity, Urgency.CROSS, "finishing before the window ends", is_last_call=True)


def _traded(state: AlgoState, now: datetime, quote: Quote, *, terms: Terms, want: Wanted) -> list[ChildAction]:
    ahead = state.committed(now, terms) - want.ceiling
    if ahead > 0 and state.working:
        return _taken_back(_youngest(state, ahead), now, terms, f"ahead of {want.reason}")
    side, limit = state.parent.order.side, state.parent.order.limit_price
    price = child_price(want.urgency, quote, side, limit=limit, collar_bps=terms.collar_bps)
    moved = [
        _moved(child, price, want, terms)
        for child in state.working
        if child.cancel_asked_at is None and _is_behind(child, now, quote, price=price, want=want, terms=terms)
    ]
    repeated = _taken_back((c for c in state.working if c.cancel_asked_at is not None), now, terms, "asked again")
    return [*moved, *repeated, *_placed(state, now, price, terms=terms, want=want)]


def _is_behind(child: ChildOrder, now: datetime, quote: Quote, *, price: Decimal, want: Wanted, terms: Terms) -> bool:
    """Whether a child is less aggressive than it should be and has stood long enough to be moved."""
    side = child.order.side
    if not is_beyond(price, child.limit_price, side):
        return False
    if want.urgency is Urgency.CROSS and is_marketable(child.limit_price, quote, side):
        return False
    return want.is_last_call or now - child.changed_at >= terms.reprice_after


def _moved(child: ChildOrder, price: Decimal, want: Wanted, terms: Terms) -> ChildAction:
    reason = f"{want.urgency}: from {child.limit_price} to {price}"
    # A broker that has not confirmed the order yet, or lost sight of it, could make two of one that is modified.
    if terms.is_modifying and child.status in {OrderStatus.SUBMITTED, OrderStatus.PARTIALLY_FILLED}:
        return Modify(child.order.order_id, OrderModification(limit_price=price), reason)
    return Cancel(child.order.order_id, reason)


def _placed(state: AlgoState, now: datetime, price: Decimal, *, terms: Terms, want: Wanted) -> list[ChildAction]:
    committed = state.committed(now, terms)
    quantity = child_quantity(want.due - committed, state.uncommitted(now, terms), terms)
    standing = [child for child in state.working if child.cancel_asked_at is None]
    is_open = len(standing) < terms.max_working_children and not _is_pausing(state, now, terms)
    return [Place(quantity, price, want.reason)] if quantity > 0 and price > 0 and is_open else []


def _taken_back(children: Iterable[ChildOrder], now: datetime, terms: Terms, reason: str) -> list[ChildAction]:
    """Cancellations of `children`, but for those already asked for a short while ago."""
    return [
        Cancel(child.order.order_id, reason)
        for child in children
        if child.cancel_asked_at is None or now - child.cancel_asked_at >= terms.cancel_retry
    ]


def _youngest(state: AlgoState, excess: Decimal) -> list[ChildOrder]:
    """The last children that work, as many as hold `excess` shares; those being cancelled count first."""
    chosen: list[ChildOrder] = []
    youngest = state.working[::-1]
    for child in sorted(youngest, key=lambda each: each.cancel_asked_at is None):
        if excess <= 0:
            break
        chosen.append(child)
        excess -= child.order.quantity - child.filled
    return chosen


def _last_rejections(state: AlgoState) -> list[ChildOrder]:
    """The rejected children after the last one that was not."""
    rejected: list[ChildOrder] = []
    for child in reversed(state.children):
        if child.status is not OrderStatus.REJECTED:
            break
        rejected.append(child)
    return rejected


def _is_pausing(state: AlgoState, now: datetime, terms: Terms) -> bool:
    if state.paused_until is not None and now < state.paused_until:
        return True
    return any(
        child.ended_at is not None and now - child.ended_at < terms.rejection_pause for child in _last_rejections(state)
    )
