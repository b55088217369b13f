"""Where the pass over a taxpayer's history keeps its state, and the two things a fill does to it: open and close.

One book holds the accounts that the law looks at together: one taxpayer's (and the spouse's), of one mode, so
that simulated money never touches real money.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from tickledger.domain.account import Account
from tickledger.domain.errors import Problem
from tickledger.domain.instrument import AssetClass
from tickledger.tax.cents import TOLERANCE, Pool, nearest_cent
from tickledger.tax.lots import Closing, Disposition, JournalEntry, OpenLot, OrderKey, Piece, Position, Sublot
from tickledger.tax.methods import lot_opened, price_key
from tickledger.tax.policies import Policies, SameOrder
from tickledger.tax.wash_sales import WashGroup, is_ira

#: What orders with several fills still take of each lot, named by its opening execution and symbol.
Reservations = dict[OrderKey, dict[tuple[str, str], Fraction]]


@dataclass(slots=True, eq=False)
class Book:
    """Lots, wash groups and the journal of one scope; `identity` maps a symbol to what it is identical to.

    `share_units` is the number of units in a share, fine enough for every quantity and split of the history.
    `left_out` names the securities that cannot be computed; `links` the securities whose lots became others'.
    `boxed` are those about whose shorts beside shares a warning was given; `renamed` follows ticker changes.
    `paid_cents` is what all lots cost when they were opened, less what shorts brought in.
    """

    accounts: Mapping[str, Account]
    policies: Policies
    identity: Mapping[str, str]
    share_units: int
    has_wash_sales: bool = True
    reserved: Reservations = field(default_factory=dict)
    asset_classes: dict[str, AssetClass] = field(default_factory=dict)
    positions: dict[tuple[str, str, bool], Position] = field(default_factory=dict)
    by_security: "defaultdict[tuple[str, bool], list[Position]]" = field(default_factory=lambda: defaultdict(list))
    groups: dict[tuple[str, bool], WashGroup] = field(default_factory=dict)
    journal: list[JournalEntry] = field(default_factory=list)
    lots: list[OpenLot] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    links: set[tuple[str, str]] = field(default_factory=set)
    boxed: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    paid_cents: int = 0
    sequence: int = 0

    def units_of(self, quantity: Decimal | Fraction) -> int:
        """Shares in units; `share_units` is chosen so that this is exact."""
        numerator, denominator = quantity.as_integer_ratio()
        return numerator * self.share_units // denominator

    def security(self, symbol: str) -> str:
        """What `symbol` is substantially identical to, as one name."""
        return self.identity.get(symbol, symbol)

    def is_left_out(self, symbol: str) -> bool:
        """Whether the security cannot be computed because part of its history is missing or wrong."""
        return self.security(symbol) in self.left_out

    def leave_out(self, symbol: str, problem: Problem) -> None:
        """Give a security up, with all that is identical to it, and say why."""
        self.problems.append(problem)
        self.left_out.add(self.security(symbol))

    def current_symbol(self, symbol: str) -> str:
        """What a security that was sold as `symbol` is called now."""
        seen = {symbol}
        while (symbol := self.renamed.get(symbol, symbol)) not in seen:
            seen.add(symbol)
        return symbol

    def position(self, account_id: str, symbol: str, *, is_short: bool) -> Position:
        """The position of an account in a security, empty where there was none."""
        key = (account_id, symbol, is_short)
        found = self.positions.get(key)
        if found is None:
            found = Position(account_id, self.accounts[account_id].kind, symbol, is_short)
            self.positions[key] = found
            self.by_security[self.security(symbol), is_short].append(found)
        return found

    def positions_in(self, symbol: str) -> list[Position]:
        """Every account's positions in a symbol that are not empty, long ones first."""
        sides = (self.by_security[self.security(symbol), is_short] for is_short in (False, True))
        return [found for side in sides for found in side if found.symbol == symbol and found.held]

    def wash_group(self, symbol: str, *, is_short: bool) -> WashGroup | None:
        """Where losses of `symbol` meet replacements; None for what section 1091 does not cover."""
        if not self.has_wash_sales or self.asset_classes.get(symbol) is AssetClass.CRYPTO:
            return None
        key = (self.security(symbol), is_short)
        found = self.groups.get(key)
        if found is None:
            found = self.groups[key] = WashGroup(self.policies, self.reserved)
        return found

    def open_lot(
        self, position: Position, *, execution_id: str, order: OrderKey, acquired: int, units: int, cost: int
    ) -> OpenLot:
        """A new lot of one sublot, at the end of its position."""
        self.sequence += 1
        lot = OpenLot(
            position=position,
            execution_id=execution_id,
            order=order,
            acquired=acquired,
            sequence=self.sequence,
            units=units,
            cost_pool=Pool(exact=cost, cents=nearest_cent(cost)),
            price_key=price_key(cost, units),
            free=units,
        )
        lot.sublots.append(lot.add(units=units, cost=cost, holding_start=acquired))
        position.put(lot)
        self.paid_cents += -lot.cost_pool.cents if position.is_short else lot.cost_pool.cents
        self.lots.append(lot)
        lot_opened(position, lot)
        return lot

    def succeed(self, lot: OpenLot, position: Position, ratio: Fraction, *, may_replace: bool = True) -> OpenLot:
        """What a corporate action makes of a lot: `ratio` new shares for each old one, the basis unchanged.

        The caller puts it into `position`. It keeps the lot's place among those that may replace a loss,
        unless the shares were received otherwise than by purchase.
        """
        made = OpenLot(
            position=position,
            execution_id=lot.execution_id,
            order=lot.order,
            acquired=lot.acquired,
            sequence=lot.sequence,
            units=scaled(lot.units, ratio),
            cost_pool=lot.cost_pool,
            scale=lot.scale * ratio,
            free=scaled(lot.free, ratio),
            sublots_made=lot.sublots_made,
        )
        made.sublots.extend(_succeed_sublot(made, sublot, ratio) for sublot in lot.sublots)
        made.price_key = price_key(sum(sublot.cost for sublot in made.sublots), made.units)
        self.lots.append(made)
        group = self.groups.get((self.security(lot.position.symbol), position.is_short))
        if group is not None and lot.is_listed:
            if may_replace:
                group.substitute(lot, made)
            else:
                group.unlist_lot(lot)
        return made

    def close(self, position: Position, closing: Closing, sublots: Iterator[tuple[Sublot, int]]) -> None:
        """Close `closing.units` shares of a position, the `sublots` in turn up to the units named with each."""
        counted = self.policies.same_order is SameOrder.REPLACES
        losses: list[Disposition] = []
        left = closing.units
        while left:
            sublot, most = next(sublots)
            piece = take(sublot, min(most, left))
            done = closing.units - left
            left -= piece.units
            closed = closing.net * (done + piece.units) // closing.units - closing.net * done // closing.units
            disposition = self.record(piece, closing, closed)
            self._no_longer_reserved(disposition)
            if disposition.loss and counted:
                self._match(position, [disposition])
            elif disposition.loss:
                losses.append(disposition)
        self._match(position, losses)

    def record(self, piece: Piece, closing: Closing, closed: int, *, is_distribution: bool = False) -> Disposition:
        """Enter a closed piece into the journal; its loss is on the adjusted basis."""
        position = piece.sublot.lot.position
        disposition = Disposition(
            sublot=piece.sublot,
            closing=closing,
            units=piece.units,
            cost=piece.cost,
            carried=piece.carried,
            closed=closed,
            loss=0,
            to_match=piece.units,
            is_distribution=is_distribution,
        )
        self.journal.append(disposition)
        if not is_distribution and not is_ira(position.kind):
            self._take_over_short_losses(position, disposition)
            loss = _loss(disposition, is_short=position.is_short)
            disposition.loss = loss if loss > TOLERANCE else 0
        return disposition

    def _no_longer_reserved(self, disposition: Disposition) -> None:
        reserved = self.reserved.get(disposition.closing.order)
        if reserved is not None:
            lot = disposition.sublot.lot
            reserved[lot.execution_id, lot.position.symbol] -= disposition.units / lot.scale

    def _take_over_short_losses(self, position: Position, disposition: Disposition) -> None:
        if position.is_short:
            return
        shorts = self.groups.get((self.security(position.symbol), True))
        if shorts is not None and shorts.waiting:
            shorts.match_sale(disposition)

    def _match(self, position: Position, losses: list[Disposition]) -> None:
        if not losses:
            return
        group = self.wash_group(position.symbol, is_short=position.is_short)
        if group is None:
            return
        # Losses of one sale: the shares acquired first come first (Reg. 1.1091-1(b)).
        losses.sort(key=lambda loss: (loss.sublot.lot.acquired, loss.sublot.lot.sequence))
        for loss in losses:
            group.match_loss(loss)


def scaled(units: int, ratio: Fraction) -> int:
    """Units after a split; `Book.share_units` makes this exact."""
    return units * ratio.numerator // ratio.denominator


def _succeed_sublot(lot: OpenLot, sublot: Sublot, ratio: Fraction) -> Sublot:
    return lot.add(
        units=scaled(sublot.units, ratio),
        cost=sublot.cost,
        holding_start=sublot.holding_start,
        carried=sublot.carried,
        carried_pool=sublot.carried_pool,
        is_used=sublot.is_used,
        returned=sublot.returned,
    )


def _loss(disposition: Disposition, *, is_short: bool) -> int:
    if is_short:
        return disposition.closed - (disposition.cost - disposition.carried)
    taken_over = sum(wash.amount for wash in disposition.absorbed)
    return disposition.cost + disposition.carried + taken_over - disposition.closed


def take(sublot: Sublot, units: int) -> Piece:
    """Take the first shares off a sublot and its lot."""
    lot = sublot.lot
    units = min(units, sublot.units)
    piece = sublot.cut(units)
    lot.units -= units
    lot.position.held -= units
    if not sublot.is_used:
        lot.free -= units
    if not sublot.units:
        if lot.sublots[0] is sublot:
            lot.sublots.popleft()
        else:
            lot.sublots.remove(sublot)
    return piece
