"""The wash-sale rule told naively, one share at a time, to compare the engine with.

It shares nothing with the engine but the words: exact fractions instead of integers, single shares instead of
lots that are cut up, a search of all shares for every share lost on, in no particular hurry.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

WINDOW = timedelta(days=30)


@dataclass(frozen=True)
class Trade:
    """A purchase or sale of whole shares; `chosen` names the lots of a sale with their numbers of shares."""

    name: str
    order: str
    account: str
    day: date
    is_purchase: bool
    shares: int
    amount: Fraction
    chosen: tuple[tuple[str, int], ...] = ()


@dataclass
class Share:
    """One share, from its purchase to its sale."""

    lot: str
    order: str
    account: str
    bought: date
    place: int
    basis: Fraction
    since: date
    sale: Trade | None = None
    sold_at: int | None = None
    has_replaced: bool = False
    disallowed: Fraction = Fraction(0)
    lost_for_good: Fraction = Fraction(0)


def tell(trades: Sequence[Trade], *, method: str, iras: frozenset[str] = frozenset()) -> list[Share]:
    """Every share with what became of it; `trades` are in order, sales never of more than is held."""
    shares = _bought(trades)
    _sell(shares, trades, method=method)
    for moment, trade in enumerate(trades):
        if not trade.is_purchase and trade.account not in iras:
            lost = [share for share in shares if share.sold_at == moment]
            for share in sorted(lost, key=lambda share: share.place):
                _wash(share, shares, moment=moment, per_share=trade.amount / trade.shares, iras=iras)
    return shares


def _bought(trades: Sequence[Trade]) -> list[Share]:
    shares: list[Share] = []
    for moment, trade in enumerate(trades):
        if trade.is_purchase:
            cost = trade.amount / trade.shares
            shares += [
                Share(trade.name, trade.order, trade.account, trade.day, moment * 1000 + i, cost, trade.day)
                for i in range(trade.shares)
            ]
    return shares


def _sell(shares: Sequence[Share], trades: Sequence[Trade], *, method: str) -> None:
    for moment, trade in enumerate(trades):
        if trade.is_purchase:
            continue
        held = [s for s in shares if s.account == trade.account and s.place < moment * 1000 and s.sold_at is None]
        for share in _taken(held, trade, method=method):
            share.sale, share.sold_at = trade, moment


def _taken(held: list[Share], trade: Trade, *, method: str) -> list[Share]:
    if trade.chosen:
        return [share for lot, count in trade.chosen for share in [s for s in held if s.lot == lot][:count]]
    if method == "lifo":
        # The last lot first, and inside a lot its first shares first.
        held = sorted(held, key=lambda share: (-(share.place // 1000), share.place))
    return held[: trade.shares]


def _wash(lost: Share, shares: Sequence[Share], *, moment: int, per_share: Fraction, iras: frozenset[str]) -> None:
    loss = lost.basis - per_share
    if loss <= 0:
        return
    sale = lost.sale
    assert sale is not None
    for share in sorted(shares, key=lambda share: share.place):
        if share.has_replaced or share.order == lost.order or abs(share.bought - sale.day) > WINDOW:
            continue
        if share.sale is not None and share.sale.order == sale.order:
            continue
        if share.sold_at is not None and share.sold_at <= moment:
            continue
        share.has_replaced = True
        lost.disallowed = loss
        if share.account in iras:
            lost.lost_for_good = loss
        else:
            share.basis += loss
            share.since = share.bought - (sale.day - lost.since)
        return


def gains(
    shares: Sequence[Share], *, iras: frozenset[str] = frozenset()
) -> Mapping[tuple[str, ...], dict[str, Fraction]]:
    """Sold shares by sale, lot and holding period."""
    sums: dict[tuple[str, ...], dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for share in shares:
        if share.sale is not None and share.account not in iras:
            of = sums[share.sale.name, share.lot, share.since.isoformat()]
            of["quantity"] += 1
            of["proceeds"] += share.sale.amount / share.sale.shares
            of["basis"] += share.basis
            of["disallowed"] += share.disallowed
            of["permanent"] += share.lost_for_good
    return sums


def held(shares: Sequence[Share]) -> Mapping[tuple[str, ...], dict[str, Fraction]]:
    """Unsold shares by lot and holding period."""
    sums: dict[tuple[str, ...], dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for share in shares:
        if share.sale is None:
            of = sums[share.lot, share.since.isoformat()]
            of["quantity"] += 1
            of["basis"] += share.basis
    return sums
