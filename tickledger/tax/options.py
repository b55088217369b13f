"""Options that are exercised: the premium goes into the basis or the proceeds of the shares (Pub. 550, Table 4-3).

| option | who        | shares are | the premium                     |
|--------|------------|------------|---------------------------------|
| call   | its holder | bought     | adds to their basis             |
| put    | its holder | sold       | comes off the amount realized   |
| call   | its writer | sold       | adds to the amount realized     |
| put    | its writer | bought     | comes off their basis           |

The holding period of shares bought starts with the exercise; where the purchase of the call had washed a loss, the
days that the shares lost on were held come before it (IRC 1223(3): "or the contract or option to acquire which"), and
the shares replace no further loss (Reg. 1.1091-1(e)). Options that expire or are closed are gains and losses of their
own; a writer's are always short-term, as the closing of any short is here.

Shares that are bought close a short that the account has in their place, those that are sold come from what it holds
or open a short.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from tickledger.domain.errors import Problem
from tickledger.domain.instrument import OptionContract
from tickledger.tax.book import HouseholdBook
from tickledger.tax.cents import to_units
from tickledger.tax.deliveries import deliver
from tickledger.tax.events import shares
from tickledger.tax.fill_columns import SIDES
from tickledger.tax.fills import Fill, FillSide, place
from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.arithmetic import mul_div, nearest_cent
from tickledger.tax.kernel.closing import new_closing
from tickledger.tax.kernel.lots import append_lot, insert_sublot, new_lot, new_pool, new_sublot, order_lot
from tickledger.tax.kernel.short_sales import short_opened
from tickledger.tax.kernel.sweep import acquired
from tickledger.tax.leaving import Taken, can_take, close_lots, pools_of, take_from, taken
from tickledger.tax.option_legs import buys_shares, shares_of
from tickledger.tax.succession import move_basis


@dataclass(frozen=True, slots=True)
class _Exercised:
    """What a fill moves: so many units of shares, for the strike with all costs, and options with their premium.

    `adds` where the premium adds to the basis or the amount realized.
    """

    fill: int
    units: int
    net: int
    options: list[Taken]
    is_written: bool
    adds: bool

    @property
    def exact(self) -> int:
        """The basis or the amount realized, money units."""
        premium = premium_of(self.options, is_written=self.is_written)
        return self.net + premium if self.adds else self.net - premium


def premium_of(options: Iterable[Taken], *, is_written: bool) -> int:
    """What options cost or brought in, on their adjusted basis, money units."""
    return sum(piece.cost - piece.carried if is_written else piece.cost + piece.carried for piece in options)


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
    source, is_purchase = book.columns.fills[fill], buys_shares(side, contract)
    units = int(book.book.fills[fill][c.FILL_UNITS]) * int(contract.multiplier)
    target = book.position(book.account_ids[position], contract.underlying, is_short=False)
    held = book.held(target)
    if not is_purchase and 0 < held < units:
        book.leave_out(contract.underlying, _too_few(book, source, contract, held))
        return
    strike = shares_of(source, contract) * contract.strike
    covered = min(units, book.held(target + 1)) if is_purchase and not held else 0
    exercised = _Exercised(
        fill=fill,
        units=units,
        net=to_units(strike + source.commission if is_purchase else strike - source.commission),
        options=list(taken(book, fill, options)),
        is_written=side is FillSide.ASSIGN,
        adds=(side is FillSide.EXERCISE) is is_purchase,
    )
    if is_purchase:
        _buy(book, target, exercised, covered=covered)
    elif held:
        _close(book, target, exercised)
    else:
        short = _open(book, target + 1, exercised)
        acquired(book.book, short)
        short_opened(book.book, short)


def _too_few(book: HouseholdBook, source: Fill, contract: OptionContract, held: int) -> Problem:
    expected = f"all or none of the {shares_of(source, contract)} shares of {contract.underlying} held that are sold"
    return Problem(place(source, "fills"), expected, shares(book, held), row=source.row, column="quantity")


def _buy(book: HouseholdBook, position: int, exercised: _Exercised, *, covered: int) -> None:
    """Shares bought; `covered` of them close a short that the account has instead of shares."""
    lot, pieces = _open(book, position, exercised), list[Taken]()
    while covered:
        pieces.append(take_from(book, int(book.book.lots[lot][c.LOT_FIRST]), covered, is_disposal=True))
        covered -= pieces[-1].units
    if pieces:
        deliver(book, exercised.fill, position + 1, pieces)
    if book.book.lots[lot][c.LOT_UNITS]:
        acquired(book.book, lot)


def _open(book: HouseholdBook, position: int, exercised: _Exercised) -> int:
    """A lot of shares whose basis (or, of a short, proceeds) the premium adds to or comes off."""
    book.ensure(2 * len(exercised.options) + 4)
    row, cents = book.book.fills[exercised.fill], nearest_cent(exercised.net)
    pool, day = new_pool(book.book, exercised.exact, cents), int(row[c.FILL_DATE])
    book.book.counts[c.SPENT] += -cents if book.is_short(position) else cents
    _move_premium(book, exercised, target=pool, to=(c.TO_POOL, c.OFF_POOL))
    lot = new_lot(book.book, position, exercised.fill, int(row[c.FILL_ORDER]), day, exercised.units, pool)
    if exercised.is_written or book.is_short(position):
        insert_sublot(book.book, new_sublot(book.book, lot, exercised.units, exercised.exact, day), c.NONE)
    else:
        _fill_with_exercised(book, lot, exercised)
    append_lot(book.book, position, lot)
    order_lot(book.book, lot)
    return lot


def _fill_with_exercised(book: HouseholdBook, lot: int, exercised: _Exercised) -> None:
    """The shares that each part of a call has become, with what it cost and what its purchase had replaced."""
    of_lot, done, whole = book.book.lots[lot], 0, sum(piece.units for piece in exercised.options)
    for days, parts in groupby(exercised.options, key=lambda piece: _days_of_replaced(book, piece)):
        options = list(parts)
        before, done = done, done + exercised.units * sum(piece.units for piece in options) // whole
        strike = mul_div(exercised.net, done, exercised.units) - mul_div(exercised.net, before, exercised.units)
        cost = strike + premium_of(options, is_written=False)
        sublot = new_sublot(book.book, lot, done - before, cost, int(of_lot[c.LOT_ACQUIRED]) - (days or 0))
        if days is not None:
            book.book.sublots[sublot][c.SUBLOT_USED] = 1
            of_lot[c.LOT_FREE] -= done - before
        insert_sublot(book.book, sublot, c.NONE)


def _days_of_replaced(book: HouseholdBook, option: Taken) -> int | None:
    """For how many days the shares were held whose loss the purchase of an option washed; none where it did not."""
    row = book.book.sublots[option.sublot]
    if not row[c.SUBLOT_USED]:
        return None
    return max(int(book.book.lots[row[c.SUBLOT_LOT]][c.LOT_ACQUIRED]) - int(row[c.SUBLOT_START]), 0)


def _close(book: HouseholdBook, position: int, exercised: _Exercised) -> None:
    """A sale of shares whose amount realized the premium adds to or comes off."""
    book.ensure(2 * len(exercised.options) + 4)
    row = book.book.fills[exercised.fill]
    order, day = int(row[c.FILL_ORDER]), int(row[c.FILL_DATE])
    closing = new_closing(book.book, exercised.fill, position, order, day, exercised.units, exercised.exact, c.BY_TRADE)
    book.book.closings[closing][c.CLOSING_CENTS] = nearest_cent(exercised.net)
    _move_premium(book, exercised, target=closing, to=(c.TO_PROCEEDS, c.OFF_PROCEEDS))
    close_lots(book, closing, int(row[c.FILL_METHOD]))


def _move_premium(book: HouseholdBook, exercised: _Exercised, *, target: int, to: tuple[int, int]) -> None:
    """Move what is in the options' pools; a loss that a written option carries comes off its premium."""
    for piece in exercised.options:
        for number, (pool, amount) in enumerate(pools_of(book, piece)):
            is_added = exercised.adds is not (exercised.is_written and number == 1)
            move_basis(book, pool, amount, where=to[0] if is_added else to[1], target=target)
