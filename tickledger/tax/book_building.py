"""A household's book before anything has happened: tables sized for the fills, positions, opening lots."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tickledger.domain.account import Account
from tickledger.domain.errors import Problem
from tickledger.domain.instrument import AssetClass
from tickledger.domain.lot import Lot
from tickledger.tax.book import HouseholdBook, empty_book
from tickledger.tax.cents import CENT_UNITS, to_units
from tickledger.tax.fill_columns import FillColumns
from tickledger.tax.fills import FillSide
from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.running import INTERPRETED, compiled
from tickledger.tax.methods import KERNEL_METHOD, MethodSchedule
from tickledger.tax.opening_lots import enter_opening_lots
from tickledger.tax.policies import Policies
from tickledger.tax.ratios import Ratios
from tickledger.tax.sweep import Reservations, reserve

#: From so many fills on, compiling pays.
WORTH_COMPILING: Final = 3000
#: Numbers below this can be added up and compared in 64 bits.
_WIDEST: Final = 1 << 60
_ACTION: Final[Mapping[str, int]] = {
    FillSide.BUY: c.OPEN,
    FillSide.SELL_SHORT: c.OPEN,
    FillSide.SELL: c.CLOSE,
    FillSide.BUY_TO_COVER: c.CLOSE,
    FillSide.EXPIRE: c.EXPIRE,
}
_SHORTS: Final = frozenset({FillSide.SELL_SHORT, FillSide.BUY_TO_COVER})
#: The opening of a lot that does not exist.
_NOWHERE: Final = -(1 << 40)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a book is made for: whose accounts, under which policies and methods, starting with which lots.

    `has_wash_sales` is off for what section 1091 does not apply to (a dealer, or an election under IRC 475(f)).
    """

    accounts: Mapping[str, Account]
    policies: Policies
    methods: MethodSchedule
    identity: Mapping[str, str]
    left_out: Iterable[str]
    opening_lots: Sequence[Lot]
    ratios: Ratios
    asset_classes: Mapping[str, AssetClass]
    has_wash_sales: bool = True


def new_book(
    columns: FillColumns, setting: Setting, *, reservations: Reservations, has_wash_sales: bool
) -> HouseholdBook:
    """A book with the opening lots in it and nothing else yet."""
    kernel = compiled() if len(columns) >= WORTH_COMPILING and fits(columns, setting) else INTERPRETED
    is_compiled = kernel is not INTERPRETED
    book = HouseholdBook(
        accounts=setting.accounts,
        columns=columns,
        identity=setting.identity,
        kernel=kernel,
        book=empty_book(
            policies=setting.policies,
            has_wash_sales=has_wash_sales,
            reserved_scale=setting.ratios.going_back,
            is_compiled=is_compiled,
            fills=len(columns),
        ),
        methods_used=setting.methods.used(setting.accounts),
        contracts=dict(columns.contracts),
        asset_classes=dict(setting.asset_classes),
    )
    for symbol in setting.left_out:
        book.leave_out(symbol)
    book.set_orders(columns.orders)
    _refuse_lots_bought_again(book, setting.opening_lots)
    enter_opening_lots(book, setting.opening_lots)
    enter_fills(book, setting.methods)
    reserve(book, reservations)
    return book


def fits(columns: FillColumns, setting: Setting) -> bool:
    """Whether no amount and no number of shares can leave 64 bits: those of securities that meet are added up."""
    money: dict[str, int] = defaultdict(int)
    units: dict[str, int] = defaultdict(int)
    for symbol, of_net, of_units in zip(
        columns.symbols, sizes(columns, columns.net), sizes(columns, columns.units), strict=True
    ):
        family = setting.ratios.family(symbol)
        money[family] += of_net
        units[family] += of_units
    for lot in setting.opening_lots:
        family = setting.ratios.family(lot.symbol)
        money[family] += sum(abs(to_units(amount)) for amount in (lot.original_basis, lot.adjusted_basis))
        units[family] += int(abs(lot.quantity) * columns.share_units) + 1
    multiplier = max((contract.multiplier for contract in columns.contracts.values()), default=1)
    growth = setting.ratios.growth * setting.ratios.going_back * int(multiplier)
    cents = sum(money.values()) // CENT_UNITS
    return max(cents, *money.values(), 0) < _WIDEST and max(units.values(), default=0) * growth < _WIDEST


def sizes(columns: FillColumns, column: Sequence[int]) -> list[int]:
    """The sum of the absolute values of a column, by symbol, whatever they are."""
    numbers: object = column
    if isinstance(numbers, np.ndarray):
        weights = np.abs(numbers.astype(np.float64))
        return [int(size) for size in np.bincount(np.asarray(columns.symbol), weights, len(columns.symbols))]
    found = [0] * len(columns.symbols)
    for symbol, number in zip(columns.symbol, column, strict=True):
        found[symbol] += abs(number)
    return found


def _refuse_lots_bought_again(book: HouseholdBook, opening: Iterable[Lot]) -> None:
    lots = list(opening)
    bought = set(book.columns.execution_ids) if lots else set()
    for lot in lots:
        if lot.open_execution_id in bought and not book.is_left_out(lot.symbol):
            expected = "opening lots whose fills are not among the fills as well"
            book.leave_out(
                lot.symbol, Problem("opening lots", expected, lot.open_execution_id, column="open_execution_id")
            )


def enter_fills(book: HouseholdBook, methods: MethodSchedule) -> None:
    """Put the fills into the book's table, one column at a time."""
    columns = book.columns
    table = np.zeros((len(columns), c.FILL_WIDTH), dtype=np.int64 if book.is_compiled else object)
    if len(columns):
        side = np.asarray(columns.side, dtype=np.int64)
        table[:, c.FILL_POSITION] = _positions(book, side)
        actions = [_ACTION.get(name, c.CLOSE) for name in FillSide]
        table[:, c.FILL_SIDE] = np.array(actions)[side]
        for place, column in (
            (c.FILL_UNITS, columns.units),
            (c.FILL_NET, columns.net),
            (c.FILL_DATE, columns.date),
            (c.FILL_ORDER, columns.order),
        ):
            table[:, place] = column
        table[:, c.FILL_METHOD] = _methods(columns, methods)
    rows: Any = table if book.is_compiled else table.tolist()
    book.book = book.book._replace(fills=rows)
    _enter_choices(book)


def _positions(book: HouseholdBook, side: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> list[int]:
    """The position of each fill: the short of the pair for short sales and their covers."""
    columns = book.columns
    shorts = np.array([name in _SHORTS for name in FillSide])[side]
    account, symbol = np.asarray(columns.account, dtype=np.int64), np.asarray(columns.symbol, dtype=np.int64)
    keys = (account * len(columns.symbols) + symbol) * 2 + shorts
    found, places = np.unique(keys, return_inverse=True)
    numbers = []
    for key in found.tolist():
        account_number, symbol_number = divmod(key // 2, len(columns.symbols))
        names = columns.accounts[account_number], columns.symbols[symbol_number]
        numbers.append(book.position(*names, is_short=bool(key % 2)))
    return np.array(numbers, dtype=np.int64)[places]  # type: ignore[return-value]  # a column


def _methods(columns: FillColumns, methods: MethodSchedule) -> object:
    """The method in force in the account of each fill on its date."""
    default = KERNEL_METHOD[methods.default]
    if not methods.changes:
        return default
    changing = {number: name for number, name in enumerate(columns.accounts) if name in methods.changes}
    return [
        KERNEL_METHOD[methods.on_ordinal(changing[account], date)] if account in changing else default
        for account, date in zip(columns.account, columns.date, strict=True)
    ]


def _enter_choices(book: HouseholdBook) -> None:
    if not book.columns.choices:
        return
    numbers = {name: -2 - number for number, name in enumerate(book.opening_ids)}
    numbers |= {name: number for number, name in enumerate(book.columns.execution_ids)}
    rows: list[list[int]] = []
    for fill, choices in book.columns.choices.items():
        book.book.fills[fill][c.FILL_FIRST_CHOICE], book.book.fills[fill][c.FILL_CHOICES] = len(rows), len(choices)
        rows += [
            [numbers.get(choice.open_execution_id, _NOWHERE), book.units_of(choice.quantity)] for choice in choices
        ]
    book.set_table("choices", rows)
