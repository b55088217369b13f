"""Wash sales: IRC 1091; Reg. 1.1091-1, -2; Pub. 550, p. 86–88.

A loss is matched share by share with identical shares acquired from 30 days before to 30 days after the sale:
losses earliest first, replacements in the order of their acquisition, one replacement share for one loss.
Because an earlier loss always comes first, one chronological pass decides everything: a loss looks back at
the shares that are still held and free, and what it cannot find waits for the purchases of the next 30 days.
For short sales the same holds with the closing as the sale and another short sale as the acquisition (1091(e)).

The specification this project started from skipped purchases on the day of the sale; the regulation counts
that day, and so does this module.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from tickledger.domain.account import AccountKind
from tickledger.tax.cents import Pool
from tickledger.tax.holding_period import tacked_start
from tickledger.tax.lots import Disposition, OpenLot, OrderKey, Sublot, Wash
from tickledger.tax.methods import basis_changed
from tickledger.tax.policies import OlderShares, PartlyAdjustedLot, Policies, SpousePurchase

#: Days on either side of the sale.
WINDOW_DAYS: Final = 30

RULE_PURCHASE: Final = "IRC 1091(a), (d); Reg. 1.1091-1"
RULE_IRA: Final = "Rev. Rul. 2008-5: bought in an IRA, the loss is lost"
RULE_SPOUSE: Final = "Pub. 550: bought by the spouse, basis carried (policy P8)"
RULE_SPOUSE_PERMANENT: Final = "Pub. 550: bought by the spouse, the loss is lost (policy P8)"
RULE_SHORT: Final = "IRC 1091(e)(2): another short sale"
RULE_SHORT_SALE: Final = "IRC 1091(e)(1): identical stock sold after the closing"

_IRAS: Final = frozenset({AccountKind.IRA, AccountKind.ROTH_IRA, AccountKind.SPOUSE_IRA})


def is_ira(kind: AccountKind) -> bool:
    """Whether gains and losses of the account are nobody's taxable ones."""
    return kind in _IRAS


@dataclass(slots=True, eq=False)
class WashGroup:
    """One security, with all that is substantially identical to it, on one side (long or short) of one taxpayer.

    `oldest` starts the list of lots that still have shares to replace with, in the order of acquisition;
    `waiting` holds losses not fully matched, earliest first. `reserved` says how many shares of a lot
    (by its opening execution and symbol, in the shares that execution bought) later fills of a sale order will
    take: they leave in that order and so do not replace what it sells.
    """

    policies: Policies
    reserved: Mapping[OrderKey, dict[tuple[str, str], Fraction]] = field(default_factory=dict)
    oldest: OpenLot | None = None
    newest: OpenLot | None = None
    waiting: deque[Disposition] = field(default_factory=deque)

    def list_lot(self, lot: OpenLot) -> None:
        """Add a lot that was just acquired to those that may replace."""
        lot.is_listed = True
        lot.older, lot.newer = self.newest, None
        if self.newest is None:
            self.oldest = lot
        else:
            self.newest.newer = lot
        self.newest = lot

    def unlist_lot(self, lot: OpenLot) -> None:
        """Take a lot off the list: all its shares are used or gone, or its window is over."""
        lot.is_listed = False
        if lot.older is None:
            self.oldest = lot.newer
        else:
            lot.older.newer = lot.newer
        if lot.newer is None:
            self.newest = lot.older
        else:
            lot.newer.older = lot.older

    def substitute(self, lot: OpenLot, successor: OpenLot) -> None:
        """Put the lot that a corporate action made of `lot` in its place."""
        if not lot.is_listed:
            return
        lot.is_listed, successor.is_listed = False, True
        successor.older, successor.newer = lot.older, lot.newer
        if lot.older is None:
            self.oldest = successor
        else:
            lot.older.newer = successor
        if lot.newer is None:
            self.newest = successor
        else:
            lot.newer.older = successor

    def match_loss(self, loss: Disposition) -> None:
        """Look for replacements among the shares held; what is not found waits for purchases to come."""
        first_day = loss.closing.closed - WINDOW_DAYS
        lot = self.oldest
        while lot is not None and loss.matched < loss.to_match:
            newer = lot.newer
            if not lot.free or lot.acquired < first_day:
                # Later losses come later: a lot that is too old for this one is too old for all.
                self.unlist_lot(lot)
            else:
                self._replace(loss, lot)
            lot = newer
        if loss.matched < loss.to_match:
            self.waiting.append(loss)

    def match_acquisition(self, lot: OpenLot) -> None:
        """Offer a new lot to the losses of the last 30 days that wait, earliest first."""
        self.drop_expired(lot.acquired)
        is_passed_over = False
        for loss in self.waiting:
            if not lot.free:
                break
            self._replace(loss, lot)
            is_passed_over = is_passed_over or loss.matched < loss.to_match
        while self.waiting and self.waiting[0].matched == self.waiting[0].to_match:
            self.waiting.popleft()
        if is_passed_over:
            # Behind a loss that may not take these shares (those of its own order), others may be done.
            self.waiting = deque(loss for loss in self.waiting if loss.matched < loss.to_match)
        if lot.free:
            self.list_lot(lot)

    def match_sale(self, sale: Disposition) -> None:
        """Let a sale of shares take over losses of short sales closed in the 30 days before it (1091(e)(1)).

        A sale before the closing takes over nothing: like a replacement sold before the loss (policy P1), it
        has no basis left that could carry one.
        """
        self.drop_expired(sale.closing.closed)
        free = sale.units
        while self.waiting and free:
            loss = self.waiting[0]
            units = min(free, loss.to_match - loss.matched)
            wash = Wash(
                disposition=loss,
                replacement=sale.sublot.lot,
                replacement_id=sale.closing.close_id,
                units=units,
                amount=take_loss(loss, units),
                rule=RULE_SHORT_SALE,
                is_permanent=False,
                pool=None,
            )
            loss.washes.append(wash)
            sale.absorbed.append(wash)
            free -= units
            if loss.matched == loss.to_match:
                self.waiting.popleft()

    def drop_expired(self, today: int) -> None:
        """Let go of losses whose 30 days are over."""
        while self.waiting and self.waiting[0].closing.closed < today - WINDOW_DAYS:
            self.waiting.popleft()

    def _replace(self, loss: Disposition, lot: OpenLot) -> None:
        """Let free shares of `lot` replace what is left of `loss`, in their order within the lot."""
        if self._is_excluded(loss, lot):
            return
        leaving = self._leaving(loss, lot)
        is_last = self.policies.partly_adjusted_lot is PartlyAdjustedLot.REPLACEMENT_LAST
        while loss.matched < loss.to_match and lot.free:
            place = _free_shares(lot, leaving, is_last=is_last)
            if place is None:
                return
            index, first = place
            available = lot.sublots[index].units
            units = min(available - first, loss.to_match - loss.matched)
            start = available - units if is_last else first
            self._carry(loss, lot, _cut_out(lot, index, start=start, units=units))

    def _is_excluded(self, loss: Disposition, lot: OpenLot) -> bool:
        sold = loss.sublot.lot
        if sold.order == lot.order:
            # Rev. Rul. 56-602: shares bought in one order do not replace each other.
            return True
        return self.policies.older_shares is OlderShares.DO_NOT_REPLACE and lot.acquired < sold.acquired

    def _leaving(self, loss: Disposition, lot: OpenLot) -> int:
        """How many shares of the lot leave in later fills of the order that made the loss."""
        leaving = self.reserved.get(loss.closing.order)
        if not leaving:
            return 0
        return int(leaving.get((lot.execution_id, lot.position.symbol), Fraction(0)) * lot.scale)

    def _carry(self, loss: Disposition, lot: OpenLot, shares: Sublot) -> None:
        """Let `shares` of the lot replace part of the loss, and carry it where the law lets them."""
        rule, is_permanent = _authority(loss, lot, self.policies)
        amount = take_loss(loss, shares.units)
        pool = None if is_permanent else Pool(exact=amount, cents=0)
        shares.is_used = True
        lot.free -= shares.units
        if pool is not None:
            shares.carried = shares.whole_carried = amount
            shares.carried_pool = pool
            shares.holding_start = self._holding_start(loss, lot)
        basis_changed(lot.position, shares)
        loss.washes.append(
            Wash(
                disposition=loss,
                replacement=lot,
                replacement_id=lot.execution_id,
                units=shares.units,
                amount=amount,
                rule=rule,
                is_permanent=is_permanent,
                pool=pool,
            )
        )

    def _holding_start(self, loss: Disposition, lot: OpenLot) -> int:
        if lot.position.is_short:
            # The term of a short sale follows from the shares delivered; its own dates carry nothing.
            return lot.acquired
        return tacked_start(
            bought=lot.acquired,
            sold=loss.closing.closed,
            sold_holding_start=loss.sublot.holding_start,
            overlap=self.policies.overlapping_days,
        )


def take_loss(loss: Disposition, units: int) -> int:
    """The part of a loss that the next `units` replacement shares take over, money units."""
    before = loss.loss * loss.matched // loss.to_match
    loss.matched += units
    return loss.loss * loss.matched // loss.to_match - before


def _authority(loss: Disposition, lot: OpenLot, policies: Policies) -> tuple[str, bool]:
    """The rule under which `lot` replaces, and whether the loss is lost for good."""
    seller, buyer = loss.sublot.lot.position.kind, lot.position.kind
    if lot.position.is_short:
        return RULE_SHORT, False
    if is_ira(buyer):
        return RULE_IRA, True
    if seller is not buyer:
        is_permanent = policies.spouse_purchase is SpousePurchase.PERMANENT
        return (RULE_SPOUSE_PERMANENT if is_permanent else RULE_SPOUSE), is_permanent
    return RULE_PURCHASE, False


def _free_shares(lot: OpenLot, leaving: int, *, is_last: bool) -> tuple[int, int] | None:
    """Which sublot has shares that may replace, and from which of its shares on; None where none has.

    The first `leaving` shares of the lot are out of the question.
    """
    sublots = lot.sublots
    if not leaving and not is_last and sublots[-1].units == lot.free and not sublots[-1].is_used:
        return len(sublots) - 1, 0
    found, offset = None, 0
    for index, sublot in enumerate(sublots):
        first = max(leaving - offset, 0)
        if not sublot.is_used and first < sublot.units:
            found = (index, first)
            if not is_last:
                return found
        offset += sublot.units
    return found


def _cut_out(lot: OpenLot, index: int, *, start: int, units: int) -> Sublot:
    """Make `units` shares from `start` of a sublot a sublot of their own; the others stay around it."""
    whole = lot.sublots[index]
    if start:
        basis_changed(lot.position, _cut_off(lot, index, start))
        index += 1
    return _cut_off(lot, index, units) if units < whole.units else _renewed(lot, index)


def _cut_off(lot: OpenLot, index: int, units: int) -> Sublot:
    """Make the first `units` shares of a sublot one of their own, before the rest."""
    whole = lot.sublots[index]
    returned = whole.returned
    piece = whole.cut(units)
    made = lot.add(
        units=units,
        cost=piece.cost,
        holding_start=whole.holding_start,
        returned=returned - whole.returned,
    )
    lot.sublots.insert(index, made)
    return made


def _renewed(lot: OpenLot, index: int) -> Sublot:
    """The whole sublot as a new one, since its basis is about to change."""
    whole = lot.sublots[index]
    returned = whole.returned
    piece = whole.cut(whole.units)
    lot.sublots[index] = lot.add(
        units=piece.units, cost=piece.cost, holding_start=whole.holding_start, returned=returned
    )
    return lot.sublots[index]
