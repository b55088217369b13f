"""What a remote broker's words are worth: the tolerant state machine of an order, as two tables.

Messages of a remote broker come twice, late, out of order, or not at all. `tickledger.execution.order_state` is the
machine of a broker in process, which refuses an impossible step; here nothing that is told raises. Shares filled
come from fills alone, never from a status.

    told (by a report)     while the order may work                       once it is over
    SUBMITTED, PARTIALLY   SUBMITTED, or PARTIALLY_FILLED where there     stays; asked for a snapshot where it is
    _FILLED                are fills (never back from it); told partly    CANCELLED or REJECTED (it may work after
                           filled without a fill: snapshot                all), ignored where FILLED
    FILLED                 FILLED where the fills add up; otherwise as    stays; snapshot unless FILLED
                           it is, and snapshot (fills are missing)
    CANCELLED              CANCELLED (FILLED where the fills add up)      stays
    REJECTED               REJECTED, or CANCELLED where there are fills   stays
                           (either: snapshot, unless we asked for it)
    UNKNOWN                UNKNOWN, and snapshot                          stays, and snapshot
    PENDING                ignored                                        ignored

    fills change to        while the order may work                       once it is over
    all of it              FILLED                                         FILLED: what has traded has traded
    a part of it           PARTIALLY_FILLED (UNKNOWN stays so)            CANCELLED, REJECTED: stays, flagged, and
                                                                          snapshot; FILLED (a correction took shares
                                                                          away): UNKNOWN, and snapshot
    none of it (a bust)    SUBMITTED instead of PARTIALLY_FILLED          as above
    more than all of it    FILLED, flagged as a problem                   the same

A snapshot decides what reports may not: it alone brings an order that is over back to work, by way of UNKNOWN.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tickledger.domain.order import OrderStatus
from tickledger.execution.order_state import TERMINAL, OrderState

_WORKING: Final = frozenset({OrderStatus.SUBMITTED, OrderStatus.PARTIALLY_FILLED})


@dataclass(frozen=True, slots=True)
class News:
    """What to do about something told: statuses to enter in turn, whether to ask for all, and what to flag.

    `flag` is a reason to note on the order even where its status stays.
    """

    steps: tuple[OrderStatus, ...] = ()
    needs_snapshot: bool = False
    flag: str = ""


_NOTHING: Final = News()


def working_status(filled_quantity: Decimal) -> OrderStatus:
    """The status of an order that works at the broker."""
    return OrderStatus.PARTIALLY_FILLED if filled_quantity else OrderStatus.SUBMITTED


def news_of_status(state: OrderState, told: OrderStatus, *, most: Decimal) -> News:
    """What a status that a report tells changes: the first table; `most` is as for `news_of_fills`."""
    if told is OrderStatus.PENDING:
        return _NOTHING
    if state.is_terminal:
        return _news_after_the_end(state.status, told)
    match told:
        case OrderStatus.SUBMITTED | OrderStatus.PARTIALLY_FILLED:
            is_short = told is OrderStatus.PARTIALLY_FILLED and not state.filled_quantity
            return News(_changed(state, working_status(state.filled_quantity)), needs_snapshot=is_short)
        case OrderStatus.FILLED:
            is_short = state.filled_quantity < max(most, state.order.quantity)
            return News(() if is_short else (OrderStatus.FILLED,), needs_snapshot=is_short)
        case OrderStatus.CANCELLED | OrderStatus.REJECTED:
            return News((ended_status(state, told, most=most),))
    return News(_changed(state, OrderStatus.UNKNOWN), needs_snapshot=True)


def _news_after_the_end(own: OrderStatus, told: OrderStatus) -> News:
    if told is OrderStatus.UNKNOWN:
        return News(needs_snapshot=True)
    may_live = told in _WORKING or told is OrderStatus.FILLED
    return News(needs_snapshot=may_live and own is not OrderStatus.FILLED)


def ended_status(state: OrderState, told: OrderStatus, *, most: Decimal) -> OrderStatus:
    """How an order ended of which the broker says CANCELLED or REJECTED: fills decide first."""
    if state.filled_quantity >= max(most, state.order.quantity):
        return OrderStatus.FILLED
    return OrderStatus.CANCELLED if state.filled_quantity else told


def news_of_fills(state: OrderState, *, most: Decimal) -> News:
    """What shares that are filled change, `state` having them already: the second table.

    `most` is the largest quantity that the order may have at the broker, which is more than ours while a
    modification is not confirmed.
    """
    filled = state.filled_quantity
    if filled >= max(most, state.order.quantity):
        flag = f"{filled} shares filled of {state.order.quantity} ordered" if filled > most else ""
        return News(_changed(state, OrderStatus.FILLED), flag=flag)
    match state.status:
        case OrderStatus.FILLED:
            return News((OrderStatus.UNKNOWN,), needs_snapshot=True, flag=f"a correction leaves {filled} filled")
        case OrderStatus.CANCELLED | OrderStatus.REJECTED:
            return News(needs_snapshot=True, flag=f"{filled} shares filled, told after it was {state.status}")
        case OrderStatus.UNKNOWN:
            return _NOTHING
    return News(_changed(state, working_status(filled))) if filled or state.status in _WORKING else _NOTHING


def _changed(state: OrderState, status: OrderStatus) -> tuple[OrderStatus, ...]:
    return () if status is state.status else (status,)


def is_over(status: OrderStatus) -> bool:
    """Whether an order in `status` is thought to be over."""
    return status in TERMINAL
