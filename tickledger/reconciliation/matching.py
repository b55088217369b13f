"""Which executions of two sides are the same: one to one, surest evidence first, whatever order the rows came in.

    1  by the broker's id, whatever its revision
    2  where one side has no such id: symbol, side, instant, quantity and price, then the same of one day
    3  orders' sums: symbol, side, day, quantity and amount (a file may tell orders only)
    4  the sums of a symbol and side on a day, where they agree to half a cent a row
    5  what is left and alike in all but one thing, and so differs in that: price, quantity, side, day

Every step is one pass over what the steps before it left, with a table by key: n log n in all. Ids are believed before
figures; two rows that both have a broker's id are never taken for one because their figures agree.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from functools import partial
from typing import Final, NamedTuple

from tickledger.reconciliation.findings import CENT, is_small
from tickledger.reconciliation.trade_rows import TradeRow, is_brokers, merged, total_of

#: How far apart two sides may book one trade: trade date and settle date, a weekend and a holiday between.
_NEAR: Final = timedelta(days=6)
Key = Callable[[TradeRow], Hashable]
_Rows = tuple[TradeRow, ...]


class MatchedBy(StrEnum):
    """What two rows were known by."""

    ID = "the broker's id"
    FIGURES = "time and figures"
    DAY = "day and figures"
    ORDER = "the sums of orders"
    DAY_SUM = "the sums of the day"
    LIKENESS = "all but what differs"
    OTHER_DAY = "figures on another day"


class Match(NamedTuple):
    """Rows of both sides that are one thing; more than one on a side where sums were compared."""

    ours: tuple[TradeRow, ...]
    theirs: tuple[TradeRow, ...]
    by: MatchedBy

    @property
    def totals(self) -> tuple[TradeRow, TradeRow]:
        """Each side as one row."""
        if len(self.ours) == len(self.theirs) == 1:
            return self.ours[0], self.theirs[0]
        return total_of(self.ours), total_of(self.theirs)


@dataclass(slots=True)
class Matching:
    """What came of it: `extra` are ours alone, `missing` theirs alone."""

    matches: list[Match] = field(default_factory=list)
    extra: list[TradeRow] = field(default_factory=list)
    missing: list[TradeRow] = field(default_factory=list)


def matched(ours: Sequence[TradeRow], theirs: Sequence[TradeRow]) -> Matching:
    """The rows of two sides, each in one match or left over; both in the order of `TradeRow.place`."""
    found = Matching(extra=list(ours), missing=list(theirs))
    _by_id(found)
    if found.extra and found.missing:
        _by_figures(found)
    if found.extra and found.missing:
        _by_orders(found)
    if found.extra and found.missing:
        _by_day_sums(found)
    if found.extra and found.missing:
        _by_likeness(found)
    return found


def _by_id(found: Matching) -> None:
    """Ids are one row's each, so this step needs no queues."""
    theirs = {(row.stem, row.family): row for row in found.missing if row.stem}
    left = []
    for row in found.extra:
        other = theirs.pop((row.stem, row.family), None)
        if other is None:
            left.append(row)
        else:
            found.matches.append(Match((row,), (other,), MatchedBy.ID))
    found.extra = left
    found.missing = [row for row in found.missing if not row.stem or (row.stem, row.family) in theirs]


def _by_figures(found: Matching) -> None:
    whole = _instants(found.missing)
    _pair(
        found,
        lambda row: (row.family, row.sign, whole(row.at), row.quantity, row.price) if row.at else None,
        MatchedBy.FIGURES,
        is_allowed=_may_be_one,
    )
    _pair(
        found,
        lambda row: (row.family, row.sign, row.day, row.quantity, row.price),
        MatchedBy.DAY,
        is_allowed=_may_be_one,
    )


def _instants(rows: Iterable[TradeRow]) -> Callable[[datetime | None], datetime | None]:
    """Instants as precisely as the rows tell them: to the second, or to the minute where no row has seconds."""
    has_seconds = any(row.at is not None and row.at.second for row in rows)

    def whole(at: datetime | None) -> datetime | None:
        return None if at is None else at.replace(microsecond=0, second=at.second if has_seconds else 0)

    return whole


def _may_be_one(one: TradeRow, other: TradeRow) -> bool:
    return not (is_brokers(one.identity) and is_brokers(other.identity))


def _pair(
    found: Matching, key: Key, by: MatchedBy, *, is_allowed: Callable[[TradeRow, TradeRow], bool] | None = None
) -> None:
    """Match what has the same key, in order; a key of None matches nothing."""
    waiting: defaultdict[Hashable, list[TradeRow]] = defaultdict(list)
    for row in reversed(found.missing):
        if (name := key(row)) is not None:
            waiting[name].append(row)
    left, taken = [], set()
    for row in found.extra:
        name = key(row)
        queue = waiting.get(name) if name is not None else None
        if queue and (is_allowed is None or is_allowed(row, queue[-1])):
            other = queue.pop()
            taken.add(id(other))
            found.matches.append(Match((row,), (other,), by))
        else:
            left.append(row)
    found.extra = left
    found.missing = [row for row in found.missing if id(row) not in taken]


def _by_orders(found: Matching) -> None:
    """Match the sums of whole orders, whichever side tells fills."""
    ours, theirs = _without_ids(found)
    by_key: defaultdict[Hashable, deque[_Rows]] = defaultdict(deque)
    for total, rows in merged(theirs):
        by_key[_order_key(total, 0)].append(rows)
    pairs = []
    for total, rows in merged(ours):
        queues = (by_key.get(_order_key(total, cents)) for cents in (0, 1, -1))
        if queue := next(filter(None, queues), None):
            pairs.append((rows, queue.popleft()))
    _take(found, pairs, MatchedBy.ORDER)


def _order_key(total: TradeRow, cents: int) -> Hashable:
    amount = total.amount.quantize(CENT, rounding=ROUND_HALF_UP) + cents * CENT
    return (total.family, total.sign, total.day, total.quantity, amount)


def _without_ids(found: Matching) -> tuple[Sequence[TradeRow], Sequence[TradeRow]]:
    """What may be matched by sums: not rows that both sides know by ids of the broker."""
    theirs = [row for row in found.missing if not is_brokers(row.identity)]
    if theirs:
        return found.extra, theirs
    ours = [row for row in found.extra if not is_brokers(row.identity)]
    return ours, found.missing if ours else []


def _take(found: Matching, pairs: Sequence[tuple[_Rows, _Rows]], by: MatchedBy) -> None:
    found.matches.extend(Match(ours, theirs, by) for ours, theirs in pairs)
    gone = {id(row) for pair in pairs for rows in pair for row in rows}
    found.extra = [row for row in found.extra if id(row) not in gone]
    found.missing = [row for row in found.missing if id(row) not in gone]


def _by_day_sums(found: Matching) -> None:
    groups: defaultdict[Hashable, tuple[list[TradeRow], list[TradeRow]]] = defaultdict(lambda: ([], []))
    for side, rows in enumerate(_without_ids(found)):
        for row in rows:
            groups[_by_day(row)][side].append(row)
    agreed = [(tuple(one), tuple(other)) for one, other in groups.values() if one and other and _sums_agree(one, other)]
    _take(found, agreed, MatchedBy.DAY_SUM)


def _sums_agree(ours: Sequence[TradeRow], theirs: Sequence[TradeRow]) -> bool:
    shares = sum((row.quantity for row in ours), Decimal(0)) - sum((row.quantity for row in theirs), Decimal(0))
    amounts = sum((row.amount for row in ours), Decimal(0)) - sum((row.amount for row in theirs), Decimal(0))
    return not shares and is_small(amounts, len(ours) + len(theirs))


def _by_likeness(found: Matching) -> None:
    """Match what differs in one thing, so that the break can name it."""
    if any(row.is_order for row in found.missing):
        _orders_by_likeness(found)
    whole = _instants(found.missing)
    alike: Sequence[Key] = (
        lambda row: (row.family, row.sign, whole(row.at), row.quantity) if row.at else None,
        lambda row: (row.family, row.sign, whole(row.at), row.price) if row.at else None,
        lambda row: (row.family, row.sign, row.day, row.quantity),
        lambda row: (row.family, row.sign, row.day, row.price),
        lambda row: (row.family, row.day, row.quantity, row.price),
        lambda row: (row.family, row.sign, whole(row.at)) if row.at else None,
    )
    for key in alike:
        _pair(found, partial(_of_fill, key), MatchedBy.LIKENESS, is_allowed=_may_be_one)
    _on_other_days(found)


def _of_fill(key: Key, row: TradeRow) -> Hashable:
    """The key of a row that stands for a fill; that of an order is compared with orders alone."""
    return None if row.is_order else key(row)


def _orders_by_likeness(found: Matching) -> None:
    """Orders whose sums differ: by their names, their shares, their first instant, else in turn on a day."""
    whole = _instants(found.missing)
    alike: Sequence[Key] = (
        _by_name,
        lambda row: (row.family, row.sign, row.day, row.quantity),
        lambda row: (row.family, row.sign, whole(row.at)) if row.at else None,
        _by_day,
    )
    for key in alike:
        theirs: defaultdict[Hashable, deque[_Rows]] = defaultdict(deque)
        for total, rows in merged(row for row in found.missing if row.is_order):
            theirs[key(total)].append(rows)
        pairs = []
        for total, rows in merged(found.extra):
            name = key(total)
            if name is not None and theirs[name]:
                pairs.append((rows, theirs[name].popleft()))
        _take(found, pairs, MatchedBy.LIKENESS)


def _by_name(row: TradeRow) -> Hashable:
    return (row.family, row.sign, row.order) if row.order else None


def _by_day(row: TradeRow) -> Hashable:
    return (row.family, row.sign, row.day)


def _on_other_days(found: Matching) -> None:
    """The same trade on another day, near enough for a settle date or a late booking; the earliest of both first."""
    waiting: defaultdict[Hashable, deque[TradeRow]] = defaultdict(deque)
    for row in found.missing:
        waiting[row.family, row.sign, row.quantity, row.price].append(row)
    pairs = []
    for row in found.extra:
        others = waiting[row.family, row.sign, row.quantity, row.price]
        while others and others[0].day < row.day - _NEAR:
            others.popleft()
        if others and others[0].day <= row.day + _NEAR and _may_be_one(row, others[0]):
            pairs.append(((row,), (others.popleft(),)))
    _take(found, pairs, MatchedBy.OTHER_DAY)
