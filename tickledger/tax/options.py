"""Options that are exercised: the premium goes into the basis or the proceeds of the shares (Pub. 550, Table 4-3).

| option | who        | shares are | the premium                     |
|--------|------------|------------|---------------------------------|
| call   | its holder | bought     | adds to their basis             |
| put    | its holder | sold       | comes off the amount realized   |
| call   | its writer | sold       | adds to the amount realized     |
| put    | its writer | bought     | comes off their basis           |

The holding period of shares bought starts with the exercise. Options that expire or are closed are gains and losses
of their own; a writer's are always short-term, as the closing of any short is here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from tickledger.domain.errors import Problem
from tickledger.domain.instrument import OptionContract, OptionRight
from tickledger.tax.book import HouseholdBook
from tickledger.tax.cents import nearest_cent, to_units
from tickledger.tax.fill_columns import SIDES
from tickledger.tax.fills import Fill, FillSide, place
from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.closing import new_closing
from tickledger.tax.kernel.lots import append_lot, insert_sublot, new_lot, new_pool, new_sublot, order_lot
from tickledger.tax.kernel.short_sales import short_opened
from tickledger.tax.kernel.sweep import acquired
from tickledger.tax.leaving import Taken, can_take, close_lots, pools_of, taken
from tickledger.tax.succession import move_basis

_EXERCISED: Final = frozenset({FillSide.EXERCISE, FillSide.ASSIGN})


def buys_shares(side: str, contract: OptionContract) -> bool:
    """Whether the exercise of an option acquires the underlying: a call by its holder, a put by its writer."""
    return (side == FillSide.EXERCISE) is (contract.right is OptionRight.CALL)


def shares_of(fill: Fill, contract: OptionContract) -> Decimal:
    """The number of underlying shares that an exercise moves."""
    return fill.quantity * contract.multiplier


def fold_legs(fills: Sequence[Fill]) -> list[Fill]:
    """One fill for each exercise: brokers tell it twice, as the end of the option and as a trade of shares at the strike.

    The trade, where there is one, gives the exercise its execution id and costs, and is not entered again.
    """
    legs: dict[tuple[object, ...], list[Fill]] = {}
    if not any(fill.side in _EXERCISED for fill in fills):
        return list(fills)
    for fill in fills:
        if fill.contract is None:
            legs.setdefault(_leg_key(fill), []).append(fill)
    folded: dict[str, Fill] = {}
    taken_legs: set[str] = set()
    for fill in fills:
        if fill.side in _EXERCISED and fill.contract is not None:
            leg = next(
                (
                    leg
                    for key in _legs_wanted(fill, fill.contract)
                    for leg in legs.get(key, ())
                    if leg.execution_id not in taken_legs
                ),
                None,
            )
            if leg is not None:
                taken_legs.add(leg.execution_id)
                folded[fill.execution_id] = replace(
                    fill, execution_id=leg.execution_id, commission=fill.commission + leg.commission
                )
    return [folded.get(fill.execution_id, fill) for fill in fills if fill.execution_id not in taken_legs]


def _leg_key(fill: Fill) -> tuple[object, ...]:
    return (fill.account_id, fill.symbol, str(fill.side), fill.trade_date, fill.quantity, fill.gross_amount)


def _legs_wanted(fill: Fill, contract: OptionContract) -> Iterable[tuple[object, ...]]:
    shares = shares_of(fill, contract)
    sides = ("BUY", "BUY_TO_COVER") if buys_shares(fill.side, contract) else ("SELL", "SELL_SHORT")
    for side in sides:
        yield (fill.account_id, contract.underlying, side, fill.trade_date, shares, shares * contract.strike)


def exercise(book: HouseholdBook, fill: int, position: int) -> None:
    """Turn options into a purchase or a sale of the underlying at the strike."""
    side, contract = SIDES[int(book.columns.side[fill])], book.contracts[book.symbols[position]]
    options = position if side is FillSide.EXERCISE else position + 1
    if book.is_left_out(contract.underlying):
        book.leave_out(book.symbols[position])
        return
    if not can_take(book, fill, options):
        book.leave_out(contract.underlying)
        return
    book.links.add((book.symbols[position], contract.underlying))
    source = book.columns.fills[fill]
    units = int(book.book.fills[fill][c.FILL_UNITS]) * int(contract.multiplier)
    strike = shares_of(source, contract) * contract.strike
    account_id = book.account_ids[position]
    if buys_shares(side, contract):
        target = book.position(account_id, contract.underlying, is_short=False)
        premium = list(taken(book, fill, options))
        _open(book, fill, target, units, to_units(strike + source.commission), premium, adds=side is FillSide.EXERCISE)
        return
    net, target = to_units(strike - source.commission), book.position(account_id, contract.underlying, is_short=False)
    held = book.held(target)
    if 0 < held < units:
        expected = (
            f"all or none of the {shares_of(source, contract)} shares of {contract.underlying} held that are sold"
        )
        problem = Problem(
            place(source, "fills"), expected, str(held / book.share_units), row=source.row, column="quantity"
        )
        book.leave_out(contract.underlying, problem)
        return
    premium = list(taken(book, fill, options))
    if held:
        _close(book, fill, target, units, net, premium, adds=side is FillSide.ASSIGN)
    else:
        _open(book, fill, target + 1, units, net, premium, adds=side is FillSide.ASSIGN)


def _premium(premium: Iterable[Taken], *, is_short: bool) -> int:
    """What the options cost or brought in, on their adjusted basis, money units."""
    return sum(piece.cost - piece.carried if is_short else piece.cost + piece.carried for piece in premium)


def _open(
    book: HouseholdBook, fill: int, position: int, units: int, net: int, premium: list[Taken], *, adds: bool
) -> None:
    """A lot of shares whose basis (or, of a short, proceeds) the premium adds to or comes off."""
    book.ensure(2 * len(premium) + 4)
    row, cents = book.book.fills[fill], nearest_cent(net)
    is_written = _is_written(book, fill)
    amount = _premium(premium, is_short=is_written)
    exact, day = (net + amount if adds else net - amount), int(row[c.FILL_DATE])
    pool = new_pool(book.book, exact, cents)
    book.book.counts[c.SPENT] += -cents if book.is_short(position) else cents
    _move_premium(book, premium, target=pool, adds=adds, to=(c.TO_POOL, c.OFF_POOL))
    lot = new_lot(book.book, position, fill, int(row[c.FILL_ORDER]), day, units, pool)
    insert_sublot(book.book, new_sublot(book.book, lot, units, exact, day), c.NONE)
    append_lot(book.book, position, lot)
    order_lot(book.book, lot)
    acquired(book.book, lot)
    if book.is_short(position):
        short_opened(book.book, lot)


def _close(
    book: HouseholdBook, fill: int, position: int, units: int, net: int, premium: list[Taken], *, adds: bool
) -> None:
    """A sale of shares whose amount realized the premium adds to or comes off."""
    book.ensure(2 * len(premium) + 4)
    row = book.book.fills[fill]
    amount = _premium(premium, is_short=_is_written(book, fill))
    exact, order, day = (net + amount if adds else net - amount), int(row[c.FILL_ORDER]), int(row[c.FILL_DATE])
    closing = new_closing(book.book, fill, position, order, day, units, exact, c.BY_TRADE)
    book.book.closings[closing][c.CLOSING_CENTS] = nearest_cent(net)
    _move_premium(book, premium, target=closing, adds=adds, to=(c.TO_PROCEEDS, c.OFF_PROCEEDS))
    close_lots(book, closing, int(row[c.FILL_METHOD]))


def _is_written(book: HouseholdBook, fill: int) -> bool:
    return SIDES[int(book.columns.side[fill])] is FillSide.ASSIGN


def _move_premium(
    book: HouseholdBook, premium: Iterable[Taken], *, target: int, adds: bool, to: tuple[int, int]
) -> None:
    """Move what is in the options' pools; a loss that a written option carries comes off its premium."""
    for piece in premium:
        is_short = book.is_short(int(book.book.lots[book.book.sublots[piece.sublot][c.SUBLOT_LOT]][c.LOT_POSITION]))
        for number, (pool, amount) in enumerate(pools_of(book, piece)):
            is_added = adds is not (is_short and number == 1)
            move_basis(book, pool, amount, where=to[0] if is_added else to[1], target=target)
