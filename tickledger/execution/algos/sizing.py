"""How many shares a child gets: round lots, never too few, and what is odd with the last one."""

from decimal import ROUND_FLOOR, Decimal
from typing import Final

from tickledger.execution.algos.terms import Terms

_NOTHING: Final = Decimal(0)


def child_quantity(due: Decimal, uncommitted: Decimal, terms: Terms) -> Decimal:
    """The shares of the next child when `due` of the `uncommitted` ones are to be sent; 0 where it has to wait.

    Where all that is left is due it goes out whole, odd shares and all. Otherwise a child is in round lots, at least
    the minimum, and leaves no remainder that would be too small for a child of its own.
    """
    wanted = min(due, uncommitted)
    if wanted <= 0:
        return _NOTHING
    capped = wanted if terms.maximum_child is None else min(wanted, terms.maximum_child)
    if capped == uncommitted:
        return capped
    whole = whole_lots(capped, terms)
    rest = uncommitted - whole
    if wanted < uncommitted and rest < terms.minimum_child:
        whole = whole_lots(max(uncommitted - terms.minimum_child, _NOTHING), terms)
    return whole if whole >= terms.minimum_child else _NOTHING


def whole_lots(quantity: Decimal, terms: Terms) -> Decimal:
    """The largest multiple of the round lot in `quantity`."""
    return (quantity / terms.round_lot).to_integral_value(rounding=ROUND_FLOOR) * terms.round_lot
