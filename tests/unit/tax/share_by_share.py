"""Lots and wash sales told naively, one share at a time, to compare the engine with.

It shares nothing with the engine but the words: exact fractions instead of integers, single shares instead of
lots that are cut up, a search of all shares for every share lost on, in no particular hurry. Where a history has
splits, a share here is the part of one that no split divides.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from math import prod

from tickledger.tax.policies import (
    OlderShares,
    OverlappingDays,
    PartlyAdjustedLot,
    Policies,
    SameOrder,
    SplitInWindow,
    SpousePurchase,
)

WINDOW = timedelta(days=30)
NOTHING = Fraction(0)
#: Smallest gain takes the highest adjusted basis first, largest gain the lowest.
BY_BASIS = {"mingain": -1, "maxgain": 1}


class Side(StrEnum):
    """What a trade does."""

    BUY = "BUY"
    SELL = "SELL"
    SELL_SHORT = "SELL_SHORT"
    BUY_TO_COVER = "BUY_TO_COVER"


OPENING = frozenset({Side.BUY, Side.SELL_SHORT})
SHORT = frozenset({Side.SELL_SHORT, Side.BUY_TO_COVER})


@dataclass(frozen=True)
class Trade:
    """A trade of whole shares; `chosen` names the lots that it closes with their numbers of shares."""

    name: str
    order: str
    account: str
    day: date
    side: Side
    shares: int
    amount: Fraction
    chosen: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Split:
    """`ratio` new shares for each old one, before the first trade of the day."""

    day: date
    ratio: Fraction


@dataclass(frozen=True)
class Rules:
    """How lots are chosen, what kind each account is of (taxable where nothing is said), and the policies."""

    method: str = "fifo"
    kinds: Mapping[str, str] = field(default_factory=dict)
    policies: Policies = field(default_factory=Policies)

    def kind(self, account: str) -> str:
        return self.kinds.get(account, "taxable")

    def is_ira(self, account: str) -> bool:
        return self.kind(account) in {"ira", "roth_ira", "spouse_ira"}


@dataclass(eq=False)
class Share:
    """One share, from the trade that opened it (a purchase, or a short sale) to the one that closed it.

    `paid` is what it cost, or brought in when it was sold short; `carried` is a loss that it replaced, `absorbed`
    the loss of a short that its sale took over. `leaves` is the trade that will close it, where that is known ahead.
    """

    opened: Trade
    paid: Fraction
    since: date
    carried: Fraction = NOTHING
    absorbed: Fraction = NOTHING
    has_replaced: bool = False
    leaves: Trade | None = None
    closed: Trade | None = None
    received: Fraction = NOTHING
    disallowed: Fraction = NOTHING
    lost_for_good: Fraction = NOTHING

    @property
    def is_short(self) -> bool:
        return self.opened.side in SHORT

    @property
    def basis(self) -> Fraction:
        """What open lots show: a short's is its proceeds, less what it replaced."""
        return self.paid - self.carried if self.is_short else self.paid + self.carried

    @property
    def loss(self) -> Fraction:
        return self.received - self.basis if self.is_short else self.basis + self.absorbed - self.received


class AmbiguousError(Exception):
    """Two shares of one lot are alike in what the method looks at, and differ in what comes after."""


class Teller:
    """A history of one taxpayer's household in one security; trades are in order and close no more than is open."""

    def __init__(self, trades: Sequence[Trade], *, splits: Sequence[Split] = (), rules: Rules | None = None) -> None:
        self.trades = trades
        self.splits = splits
        self.rules = rules or Rules()
        self.lots = {trade.name: self._opened(trade) for trade in trades if trade.side in OPENING}
        self.waiting: list[Share] = []

    def tell(self) -> None:
        """Let every share have what becomes of it."""
        self._plan()
        for moment, trade in enumerate(self.trades):
            if trade.side not in OPENING:
                self._close(trade, moment)
            elif trade.side in SHORT:
                self._offer(self.lots[trade.name])

    def pieces(self, day: date) -> int:
        """Into how many parts a share of that day is told."""
        whole = prod(split.ratio.numerator for split in self.splits)
        so_far = prod((split.ratio for split in self.splits if split.day <= day), start=Fraction(1))
        pieces = whole / so_far
        assert pieces.denominator == 1
        return int(pieces)

    def _opened(self, trade: Trade) -> list[Share]:
        count = trade.shares * self.pieces(trade.day)
        return [Share(trade, trade.amount / count, trade.day) for _ in range(count)]

    def _plan(self) -> None:
        """Note for each share the trade that will close it, where wash sales cannot change that."""
        if self.rules.method in BY_BASIS:
            return
        for moment, trade in enumerate(self.trades):
            if trade.side not in OPENING:
                for share in self._taken(trade, moment):
                    share.closed = share.leaves = trade
        for lot in self.lots.values():
            for share in lot:
                share.closed = None

    def _open(self, trade: Trade, moment: int) -> list[Share]:
        """What the account of a closing trade has open on its side, in the order in which it was opened."""
        return [
            share
            for opening in self.trades[:moment]
            if opening.side in OPENING and opening.account == trade.account
            if (opening.side in SHORT) == (trade.side in SHORT)
            for share in self.lots[opening.name]
            if share.closed is None
        ]

    def _taken(self, trade: Trade, moment: int) -> list[Share]:
        """The shares that a trade closes: those of the lots it names, or the method's."""
        # Sorting keeps what is equal in the order in which it was opened.
        held, pieces = self._open(trade, moment), self.pieces(trade.day)
        if trade.chosen:
            return [
                share
                for name, count in trade.chosen
                for share in [share for share in held if share.opened.name == name][: count * pieces]
            ]
        if self.rules.method == "lifo":
            # The last lot first, and inside a lot its first shares first.
            held.sort(key=lambda share: -self.trades.index(share.opened))
        elif self.rules.method == "hifo":
            held.sort(key=lambda share: -share.paid)
        elif self.rules.method in BY_BASIS:
            _refuse_ambiguity(held)
            sign = BY_BASIS[self.rules.method]
            held.sort(key=lambda share: sign * share.basis)
        return held[: trade.shares * pieces]

    def _close(self, trade: Trade, moment: int) -> None:
        taken = self._taken(trade, moment)
        one_by_one = self.rules.policies.same_order is SameOrder.REPLACES
        for share in taken:
            share.closed, share.received = trade, trade.amount / len(taken)
            if not share.is_short and not self.rules.is_ira(trade.account):
                self._take_over(share)
            if one_by_one:
                self._wash([share], moment)
        if not one_by_one:
            self._wash(sorted(taken, key=lambda share: self.trades.index(share.opened)), moment)

    def _wash(self, closed: Sequence[Share], moment: int) -> None:
        """Let each share lost on find its replacements, the ones opened first before the others."""
        trade = self.trades[moment]
        if self.rules.is_ira(trade.account):
            return
        by_shares = self.rules.policies.split_in_window is SplitInWindow.SHARE_FOR_SHARE
        size = self.pieces(trade.day) if by_shares else 1
        for start in range(0, len(closed), size):
            if closed[start].loss > 0:
                self._replace(closed[start : start + size], moment)

    def _replace(self, lost: Sequence[Share], moment: int) -> None:
        """Match one share, told in so many pieces; a short's replacements of the days to come are offered later."""
        loss, left = sum((share.loss for share in lost), NOTHING), Fraction(1)
        for candidate in self._candidates(lost[0], moment):
            if not left:
                break
            # Policy P5: one of today's shares for one of the sale's, however many pieces either is told in.
            pieces = self.pieces(max(candidate.opened.day, self.trades[moment].day))
            part = Fraction(1, pieces) if len(lost) > 1 else Fraction(1)
            self._carry(lost, candidate, loss * part)
            left -= part
        assert left >= 0
        if left and lost[0].is_short:
            self.waiting += lost

    def _carry(self, lost: Sequence[Share], replacement: Share, amount: Fraction) -> None:
        replacement.has_replaced = True
        is_permanent = self._is_permanent(lost[0], replacement)
        for share in lost:
            share.disallowed += amount / len(lost)
            share.lost_for_good += amount / len(lost) if is_permanent else 0
        if not is_permanent:
            replacement.carried = amount
            if not replacement.is_short:
                replacement.since = self._tacked(lost[0], replacement)

    def _candidates(self, lost: Share, moment: int) -> Iterator[Share]:
        sale = lost.closed
        assert sale is not None
        is_last = self.rules.policies.partly_adjusted_lot is PartlyAdjustedLot.REPLACEMENT_LAST
        for number, opening in enumerate(self.trades):
            if opening.side not in OPENING or (opening.side in SHORT) != lost.is_short:
                continue
            if lost.is_short and number > moment:
                continue
            if abs(opening.day - sale.day) > WINDOW or not self._may_replace(lost, opening):
                continue
            lot = self.lots[opening.name]
            for share in reversed(lot) if is_last else lot:
                if not share.has_replaced and share.closed is None and not self._leaves_with(share, sale):
                    yield share

    def _may_replace(self, lost: Share, opening: Trade) -> bool:
        """Whether shares of that trade may replace a share at all: not if it is of the same order, see P3."""
        if (opening.account, opening.order) == (lost.opened.account, lost.opened.order):
            return False
        is_older = opening.day < lost.opened.day
        return not (is_older and self.rules.policies.older_shares is OlderShares.DO_NOT_REPLACE)

    def _leaves_with(self, share: Share, sale: Trade) -> bool:
        """Policy P2: whether the share leaves in the order of the sale."""
        if self.rules.policies.same_order is SameOrder.REPLACES or share.leaves is None:
            return False
        return (share.leaves.account, share.leaves.order) == (sale.account, sale.order)

    def _is_permanent(self, lost: Share, replacement: Share) -> bool:
        seller, buyer = lost.opened.account, replacement.opened.account
        if self.rules.is_ira(buyer):
            return True
        is_the_other_s = self.rules.kind(seller) != self.rules.kind(buyer)
        is_lost = self.rules.policies.spouse_purchase is SpousePurchase.PERMANENT
        return is_the_other_s and is_lost and not lost.is_short

    def _tacked(self, lost: Share, replacement: Share) -> date:
        """IRC 1223(3): the days that the lost share was held come before the replacement's own."""
        assert lost.closed is not None
        until = lost.closed.day
        if self.rules.policies.overlapping_days is OverlappingDays.COUNT_ONCE:
            until = min(until, replacement.opened.day)
        return replacement.opened.day - max(until - lost.since, timedelta(0))

    def _offer(self, shorts: Sequence[Share]) -> None:
        """1091(e)(2): shares sold short replace those whose closing was a loss in the 30 days before."""
        is_last = self.rules.policies.partly_adjusted_lot is PartlyAdjustedLot.REPLACEMENT_LAST
        for lost in self._waiting(shorts[0].opened.day):
            assert lost.closed is not None
            for short in reversed(shorts) if is_last else shorts:
                may_replace = self._may_replace(lost, short.opened) and not self._leaves_with(short, lost.closed)
                if may_replace and not short.has_replaced:
                    self._carry([lost], short, lost.loss)
                    self.waiting.remove(lost)
                    break

    def _take_over(self, sold: Share) -> None:
        """1091(e)(1): a sale of shares in the 30 days after the closing takes the loss of a short over."""
        assert sold.closed is not None
        for lost in self._waiting(sold.closed.day)[:1]:
            lost.disallowed = sold.absorbed = lost.loss
            self.waiting.remove(lost)

    def _waiting(self, day: date) -> list[Share]:
        return [lost for lost in self.waiting if lost.closed is not None and day - lost.closed.day <= WINDOW]


def _refuse_ambiguity(held: Sequence[Share]) -> None:
    alike: dict[tuple[str, Fraction], tuple[date, bool]] = {}
    for share in held:
        state = (share.since, share.has_replaced)
        if alike.setdefault((share.opened.name, share.basis), state) != state:
            raise AmbiguousError(share.opened.name)


Sums = Mapping[tuple[str, ...], Mapping[str, Fraction]]


def gains(teller: Teller) -> Sums:
    """Closed shares by closing trade, lot and holding period; an IRA's are nobody's."""
    sums: dict[tuple[str, ...], dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for share in (share for lot in teller.lots.values() for share in lot):
        if share.closed is None or teller.rules.is_ira(share.opened.account):
            continue
        # What is delivered to close a short is bought when it is closed.
        since = share.closed.day if share.is_short else share.since
        amounts = share.received, share.basis + share.absorbed
        proceeds, basis = reversed(amounts) if share.is_short else amounts
        of = sums[share.closed.name, share.opened.name, since.isoformat()]
        of["quantity"] += Fraction(1, teller.pieces(share.closed.day))
        of["proceeds"] += proceeds
        of["basis"] += basis
        of["disallowed"] += share.disallowed
        of["permanent"] += share.lost_for_good
    return sums


def held(teller: Teller) -> Sums:
    """Open shares by lot and holding period, a short's with a negative quantity."""
    sums: dict[tuple[str, ...], dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for share in (share for lot in teller.lots.values() for share in lot):
        if share.closed is None:
            of = sums[share.opened.name, share.since.isoformat()]
            of["quantity"] += Fraction(-1 if share.is_short else 1, teller.pieces(date.max))
            of["basis"] += share.basis
    return sums
