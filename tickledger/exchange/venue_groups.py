"""Orders that depend on each other: brackets, and groups of which one cancels the others (OCA).

    type 1   a fill of one, whole or in part, cancels the others
    type 2   a fill of one takes the same part off the others; they are blocked, so that none can fill too much
    type 3   as 2, but the others learn of it only after the latency: in between they may fill too much

The children of one parent are such a group (type 2) where they name no other. A request to cancel one cancels all; an
order that expires leaves the others.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Final

from tickledger.exchange.venue_book import Working
from tickledger.exchange.venue_orders import VenueOrder

CANCEL: Final = 1
REDUCE_WITHOUT_BLOCK: Final = 3
_REDUCE: Final = 2
_WHOLE_SHARE: Final = Decimal(1)

GroupKey = tuple[str, str]


def group_of(order: VenueOrder) -> GroupKey | None:
    """The group of an order; None where it has none."""
    if order.oca_group:
        return order.account_id, f"oca {order.oca_group}"
    if order.parent_key is not None:
        return order.account_id, f"bracket {order.parent_key}"
    return None


def group_type(order: VenueOrder) -> int:
    """How the group reacts to a fill of the order."""
    if not order.oca_group:
        return _REDUCE
    return order.oca_type if order.oca_type in {CANCEL, _REDUCE, REDUCE_WITHOUT_BLOCK} else CANCEL


def reduced(remaining: Decimal, *, before: Decimal, after: Decimal) -> Decimal:
    """What remains of an order, in whole shares, when `before` remaining shares of another became `after`."""
    return (remaining * after / before).quantize(_WHOLE_SHARE, rounding=ROUND_DOWN)


@dataclass(slots=True)
class Groups:
    """Every order by its group and by its parent, done or not."""

    _members: dict[GroupKey, list[Working]] = field(default_factory=lambda: defaultdict(list))
    _children: dict[int, list[Working]] = field(default_factory=lambda: defaultdict(list))

    def add(self, working: Working) -> None:
        """Take an order in."""
        group = group_of(working.order)
        if group is not None:
            self._members[group].append(working)
        if working.order.parent_key is not None:
            self._children[working.order.parent_key].append(working)

    def siblings(self, working: Working) -> Sequence[Working]:
        """The other active orders of its group."""
        group = group_of(working.order)
        members = [] if group is None else self._members.get(group, [])
        return [member for member in members if member is not working and member.is_active]

    def children(self, working: Working) -> Sequence[Working]:
        """The active orders that it is the parent of."""
        return [child for child in self._children.get(working.order.order_key, []) if child.is_active]
