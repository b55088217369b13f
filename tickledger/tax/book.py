"""The book of one household's lots while its history is worked through.

A household is what the law looks at together: one taxpayer's accounts (and the spouse's), of one mode, so that
simulated money never touches real money. The numbers are in the tables of `kernel.columns`; what they stand for is
here: accounts, symbols, securities, and what is wrong. A security is a symbol with all that is identical to it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np

from tickledger.domain.account import Account, AccountKind
from tickledger.domain.errors import Problem
from tickledger.domain.instrument import AssetClass, OptionContract, OptionRight
from tickledger.tax.fill_columns import FillColumns, units_of
from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.columns import Book, Table
from tickledger.tax.kernel.room import ROWS, ROWS_PER_SUBLOT
from tickledger.tax.kernel.running import INTERPRETED, Kernel
from tickledger.tax.methods import Method
from tickledger.tax.policies import (
    OlderShares,
    OverlappingDays,
    PartlyAdjustedLot,
    Policies,
    SameOrder,
    SpousePurchase,
)

_IRAS: Final = frozenset({AccountKind.IRA, AccountKind.ROTH_IRA, AccountKind.SPOUSE_IRA})
_SPOUSES: Final = frozenset({AccountKind.SPOUSE_TAXABLE, AccountKind.SPOUSE_IRA})
_ORDERINGS: Final[Mapping[Method, int]] = {
    Method.HIFO: c.BY_PRICE,
    Method.MINGAIN: c.SMALLEST_GAIN,
    Method.MAXGAIN: c.LARGEST_GAIN,
}
_ROWS_AT_FIRST: Final = 64
_GROWTH: Final = 4
#: Rows that a dense history makes of a fill: the longer, the more; at first there is room for this many at most.
_ROWS_PER_FILL: Final = 24
_FILLS_PER_ROW: Final = 1_000
_MOST_ROWS_AT_FIRST: Final = 1 << 21


@dataclass(slots=True, eq=False)
class HouseholdBook:
    """The tables of one household, and what their numbers stand for.

    `identity` maps a symbol to what it is identical to. Positions come in pairs: the short of a long position is
    the next one; `parcels` has the transfer by which what a position holds is on its way, or none. `links` are
    securities whose lots became others', `renamed` follows ticker changes. `events_told` counts the events of the
    kernel that have become problems; `boxed` are the securities whose shorts beside shares were told; `sent_early`
    are transfers that were entered when the shares arrived, earlier on the same day.
    """

    accounts: Mapping[str, Account]
    columns: FillColumns
    identity: Mapping[str, str]
    kernel: Kernel
    book: Book
    methods_used: Mapping[str, frozenset[Method]]
    contracts: Mapping[str, OptionContract] = field(default_factory=dict)
    asset_classes: dict[str, AssetClass] = field(default_factory=dict)
    opening_ids: list[str] = field(default_factory=list)
    symbols: list[str] = field(default_factory=list)
    account_ids: list[str] = field(default_factory=list)
    action_ids: list[tuple[str, str | None]] = field(default_factory=list)
    parcels: list[int] = field(default_factory=list)
    numbers: dict[tuple[str, str, int], int] = field(default_factory=dict)
    securities: dict[str, int] = field(default_factory=dict)
    symbol_numbers: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    links: set[tuple[str, str]] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    boxed: set[str] = field(default_factory=set)
    sent_early: set[int] = field(default_factory=set)
    events_told: int = 0

    @property
    def share_units(self) -> int:
        """Units in a share."""
        return self.columns.share_units

    @property
    def is_compiled(self) -> bool:
        """Whether the tables are arrays."""
        return self.kernel is not INTERPRETED

    def units_of(self, quantity: Decimal | Fraction) -> int:
        """Shares in units."""
        return units_of(quantity, self.share_units)

    # Securities

    def security_name(self, symbol: str) -> str:
        """What `symbol` is substantially identical to, as one name."""
        return self.identity.get(symbol, symbol)

    def security(self, symbol: str) -> int:
        """The number of what `symbol` is substantially identical to; its groups are 2 × and 2 × + 1 of that."""
        name = self.security_name(symbol)
        number = self.securities.get(name)
        if number is None:
            number = self.securities[name] = len(self.securities)
            for is_short in (0, 1):
                group = [c.NONE] * c.GROUP_WIDTH
                group[c.GROUP_OTHER] = 2 * number + 1 - is_short
                group[c.GROUP_LAST_GONE] = 0
                self._append("groups", group)
            self._replace(left_out=self._longer(self.book.left_out, 0))
        return number

    def symbol_number(self, symbol: str) -> int:
        """The number by which positions in all accounts know their symbol."""
        return self.symbol_numbers.setdefault(symbol, len(self.symbol_numbers))

    def is_left_out(self, symbol: str) -> bool:
        """Whether the security cannot be computed because part of its history is missing or wrong."""
        security = self.security(symbol)
        return bool(self.book.left_out[security])

    def leave_out(self, symbol: str, problem: Problem | None = None) -> None:
        """Give a security up, with all that is identical to it, and say why."""
        if problem is not None:
            self.problems.append(problem)
        security = self.security(symbol)
        self.book.left_out[security] = 1

    def current_symbol(self, symbol: str) -> str:
        """What a security that was sold as `symbol` is called now."""
        seen = {symbol}
        while (symbol := self.renamed.get(symbol, symbol)) not in seen:
            seen.add(symbol)
        return symbol

    # Positions

    def position(self, account_id: str, symbol: str, *, is_short: bool, parcel: int = c.NONE) -> int:
        """The position of an account in a security; it is made where it was not there.

        What has left the account by a transfer and not arrived is a position of its own, of that `parcel`.
        """
        number = self.numbers.get((account_id, symbol, parcel))
        if number is None:
            number = self.numbers[account_id, symbol, parcel] = len(self.account_ids)
            for side in (False, True):
                self._append("positions", self._new_position(account_id, symbol, is_short=side))
                self.account_ids.append(account_id)
                self.symbols.append(symbol)
                self.parcels.append(parcel)
        found = number + is_short
        self._chain(found)
        return found

    def beside(self, position: int, symbol: str) -> int:
        """The position of the same side in another symbol, of the same account or parcel."""
        account_id, is_short = self.account_ids[position], self.is_short(position)
        return self.position(account_id, symbol, is_short=is_short, parcel=self.parcels[position])

    def positions_in(self, symbol: str) -> list[int]:
        """Every account's positions in a symbol that are not empty, long ones first."""
        found = [n for n in range(len(self.symbols)) if self.symbols[n] == symbol and self.held(n)]
        return sorted(found, key=lambda number: number % 2)

    def held(self, position: int) -> int:
        """Units that a position holds."""
        return int(self.book.positions[position][c.POSITION_HELD])

    def is_short(self, position: int) -> bool:
        """Whether it is a short."""
        return bool(position % 2)

    def lots_of(self, position: int) -> list[int]:
        """The lots of a position that hold shares, earliest first."""
        lot, found = int(self.book.positions[position][c.POSITION_FIRST_LOT]), []
        while lot != c.NONE:
            if self.book.lots[lot][c.LOT_UNITS]:
                found.append(lot)
            lot = int(self.book.lots[lot][c.LOT_NEXT])
        return found

    def sublots_of(self, lot: int) -> list[int]:
        """The sublots of a lot, in order."""
        sublot, found = int(self.book.lots[lot][c.LOT_FIRST]), []
        while sublot != c.NONE:
            found.append(sublot)
            sublot = int(self.book.sublots[sublot][c.SUBLOT_NEXT])
        return found

    def open_sublots(self, position: int) -> Iterator[int]:
        """Everything that a position holds, in order."""
        return (sublot for lot in self.lots_of(position) for sublot in self.sublots_of(lot))

    def opening_id(self, fill: int) -> str:
        """The execution that opened a lot, from LOT_FILL: a fill, or an opening lot."""
        return self.columns.execution_ids[fill] if fill >= 0 else self.opening_ids[-2 - fill]

    def _new_position(self, account_id: str, symbol: str, *, is_short: bool) -> list[int]:
        kind, security = self.accounts[account_id].kind, self.security(symbol)
        row = [c.NONE] * c.POSITION_WIDTH
        row[c.POSITION_SYMBOL] = self.symbol_number(symbol)
        row[c.POSITION_SHORT], row[c.POSITION_IRA] = int(is_short), int(kind in _IRAS)
        row[c.POSITION_SPOUSE], row[c.POSITION_SECURITY], row[c.POSITION_HELD] = int(kind in _SPOUSES), security, 0
        row[c.POSITION_FACTOR] = 1
        row[c.POSITION_HEAPS] = sum(
            1 << _ORDERINGS[method] for method in self.methods_used.get(account_id, ()) if method in _ORDERINGS
        )
        if self.book.policies[c.HAS_WASH_SALES] and self.asset_classes.get(symbol) is not AssetClass.CRYPTO:
            row[c.POSITION_GROUP] = 2 * security + is_short
            contract = self.contracts.get(symbol)
            if contract is not None and contract.right is OptionRight.CALL and not is_short:
                row[c.POSITION_CALL_GROUP] = 2 * self.security(contract.underlying)
                row[c.POSITION_FACTOR] = int(contract.multiplier)
        return row

    def _chain(self, position: int) -> None:
        """Let the position be found from its group, from its first use on."""
        row = self.book.positions[position]
        group = row[c.POSITION_GROUP]
        if group == c.NONE or row[c.POSITION_NEXT] != c.NONE:
            return
        of_group = self.book.groups[group]
        if of_group[c.GROUP_FIRST_POSITION] == position or self._is_chained(position, int(group)):
            return
        row[c.POSITION_NEXT] = of_group[c.GROUP_FIRST_POSITION]
        of_group[c.GROUP_FIRST_POSITION] = position

    def _is_chained(self, position: int, group: int) -> bool:
        found = int(self.book.groups[group][c.GROUP_FIRST_POSITION])
        while found not in {c.NONE, position}:
            found = int(self.book.positions[found][c.POSITION_NEXT])
        return found == position

    # Tables

    def ensure(self, rows: int) -> None:
        """Make room for so many more rows in every table that grows, beside what one fill may need.

        Rows that were taken out of a table before are not those of the longer table.
        """
        need = rows + ROWS_PER_SUBLOT * int(self.book.counts[c.LIVE] + self.book.counts[c.WAITING]) + ROWS
        for number, name in enumerate(c.GROWING):
            table, used = getattr(self.book, name), int(self.book.counts[number])
            if used + need > len(table):
                self._grow(name, max(len(table) * (_GROWTH if self.is_compiled else 2), used + need), used=used)

    def settle(self) -> None:
        """Give everything its cents, with room for the largest closing and for what the checks may find."""
        counts = self.book.counts
        pieces = int(counts[c.PIECES])
        spare = {"heap": pieces, "events": 2 * pieces + int(counts[c.LOTS] + counts[c.WASHES] + counts[c.POOLS])}
        for number, name in enumerate(c.GROWING):
            used = int(counts[number])
            if name in spare and used + spare[name] > len(getattr(self.book, name)):
                self._grow(name, used + spare[name], used=used)
        self.kernel.settle(self.book)

    def set_table(self, name: str, rows: Sequence[Sequence[int]]) -> None:
        """Fill a table that does not grow."""
        self._replace(**{name: table_of(rows, c.WIDTHS[name], is_compiled=self.is_compiled)})

    def set_orders(self, count: int) -> None:
        """Make room for orders without reservations, and for one that closings without an order have."""
        self._replace(orders=new_row([c.NONE] * (count + 1), is_compiled=self.is_compiled))

    def _grow(self, name: str, rows: int, *, used: int) -> None:
        table, width = getattr(self.book, name), c.WIDTHS[name]
        if self.is_compiled:
            longer = np.zeros((rows, width), dtype=np.int64)
            # Rows that nobody has used are not even read: memory that was never touched stays so.
            longer[:used] = table[:used]
            self._replace(**{name: longer})
        else:
            table.extend([0] * width for _ in range(rows - len(table)))

    def _append(self, name: str, row: Sequence[int]) -> None:
        table = getattr(self.book, name)
        if self.is_compiled:
            self._replace(**{name: np.vstack((table, np.array([row], dtype=np.int64)))})
        else:
            table.append(list(row))

    def _longer(self, row: Any, value: int) -> Any:  # noqa: ANN401  a list or an array
        return np.append(row, value) if self.is_compiled else [*row, value]

    def _replace(self, **tables: Any) -> None:  # noqa: ANN401  lists or arrays
        self.book = self.book._replace(**tables)


def empty_book(*, policies: Policies, has_wash_sales: bool, reserved_scale: int, is_compiled: bool, fills: int) -> Book:
    """Tables without rows; `fills` says for how many fills there is to be room at first."""
    settings = [
        int(policies.same_order is SameOrder.REPLACES),
        int(policies.older_shares is OlderShares.DO_NOT_REPLACE),
        int(policies.overlapping_days is OverlappingDays.COUNT_ONCE),
        int(policies.partly_adjusted_lot is PartlyAdjustedLot.REPLACEMENT_LAST),
        int(policies.spouse_purchase is SpousePurchase.PERMANENT),
        int(has_wash_sales),
        reserved_scale,
    ]
    rows = dict.fromkeys(c.GROWING, 2 * fills if is_compiled else max(_ROWS_AT_FIRST, fills))
    if is_compiled:
        rows_per_fill = min(fills // _FILLS_PER_ROW, _ROWS_PER_FILL)
        dense = max(2 * fills, min(rows_per_fill * fills, _MOST_ROWS_AT_FIRST))
        rows |= dict.fromkeys(("sublots", "pools", "pieces", "washes"), dense)
    tables: dict[str, Any] = {
        name: new_table(rows.get(name, 0), width, is_compiled=is_compiled) for name, width in c.WIDTHS.items()
    }
    return Book(
        **tables,
        counts=new_row([0] * c.COUNTS, is_compiled=is_compiled),
        policies=new_row(settings, is_compiled=is_compiled),
        orders=new_row([], is_compiled=is_compiled),
        left_out=new_row([], is_compiled=is_compiled),
    )


def new_table(rows: int, width: int, *, is_compiled: bool) -> Any:  # noqa: ANN401  a list of lists or an array
    """A table of zeros."""
    return np.zeros((rows, width), dtype=np.int64) if is_compiled else [[0] * width for _ in range(rows)]


def new_row(values: Iterable[int], *, is_compiled: bool) -> Any:  # noqa: ANN401  a list or an array
    """One row of numbers."""
    return np.array(list(values), dtype=np.int64) if is_compiled else list(values)


def table_of(rows: Sequence[Sequence[int]], width: int, *, is_compiled: bool) -> Table:
    """A table of those rows."""
    if is_compiled:
        filled: Any = np.array(rows, dtype=np.int64).reshape(len(rows), width)
        return filled  # type: ignore[no-any-return]  # arrays stand for tables
    return [list(row) for row in rows]
