"""Fills as columns of whole numbers: what the engine works on.

Shares are counted in units, `share_units` of them to the share, fine enough that every quantity is whole and every
split divides evenly; money is in the units of `tickledger.tax.cents`; dates are ordinals; accounts, symbols and
orders are numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Final

import numpy as np

from tickledger.domain.instrument import OptionContract
from tickledger.tax.cents import to_units
from tickledger.tax.fills import CLOSING, SPECIAL, Fill, FillSide, LotChoice
from tickledger.tax.ratios import Ratios

#: The sides by their number in a column.
SIDES: Final = tuple(FillSide)
NUMBER_OF_SIDE: Final[Mapping[str, int]] = {side: number for number, side in enumerate(SIDES)}
_CLOSING_NUMBERS: Final = [NUMBER_OF_SIDE[side] for side in CLOSING]
_SPECIAL_NUMBERS: Final = [NUMBER_OF_SIDE[side] for side in SPECIAL]


@dataclass(frozen=True, slots=True)
class FillColumns:
    """One column for each fact, one place for each fill, in the order in which they happened.

    `account`, `symbol` and `order` are places in `accounts`, `symbols` and among `orders` orders; `side` is one in
    `SIDES`. `net` is what was paid or received with all costs. `choices` has the shares that a sale
    identifies, `contracts` the terms of the options, and `fills` the fills themselves where the columns were made
    of them.
    """

    execution_ids: Sequence[str]
    accounts: Sequence[str]
    symbols: Sequence[str]
    account: Sequence[int]
    symbol: Sequence[int]
    side: Sequence[int]
    units: Sequence[int]
    net: Sequence[int]
    date: Sequence[int]
    order: Sequence[int]
    orders: int
    share_units: int = 1
    choices: Mapping[int, tuple[LotChoice, ...]] = field(default_factory=dict)
    contracts: Mapping[str, OptionContract] = field(default_factory=dict)
    fills: Sequence[Fill] = ()

    def __len__(self) -> int:
        return len(self.execution_ids)


def columns_of(fills: Sequence[Fill], *, share_units: int) -> FillColumns:
    """The columns of fills that are in order."""
    accounts: dict[str, int] = {}
    symbols: dict[str, int] = {}
    orders: dict[tuple[str, str], int] = {}
    units: dict[Decimal, int] = {}
    for fill in fills:
        units.setdefault(fill.quantity, 0)
    for quantity in units:
        units[quantity] = units_of(quantity, share_units)
    return FillColumns(
        account=[accounts.setdefault(fill.account_id, len(accounts)) for fill in fills],
        symbol=[symbols.setdefault(fill.symbol, len(symbols)) for fill in fills],
        order=[orders.setdefault((fill.account_id, fill.order_id), len(orders)) for fill in fills],
        execution_ids=[fill.execution_id for fill in fills],
        side=[NUMBER_OF_SIDE[fill.side] for fill in fills],
        units=[units[fill.quantity] for fill in fills],
        net=[to_units(fill.net_amount) for fill in fills],
        date=[fill.trade_date.toordinal() for fill in fills],
        accounts=list(accounts),
        symbols=list(symbols),
        orders=len(orders),
        share_units=share_units,
        choices={number: fill.lots for number, fill in enumerate(fills) if fill.lots},
        contracts={fill.symbol: fill.contract for fill in fills if fill.contract is not None},
        fills=fills,
    )


def units_of(quantity: Decimal | Fraction, share_units: int) -> int:
    """Shares in units; `share_units` is chosen so that this is exact."""
    numerator, denominator = quantity.as_integer_ratio()
    return numerator * share_units // denominator


def share_units_for(quantities: Iterable[Decimal], contracts: Iterable[OptionContract], ratios: Ratios) -> int:
    """Units in a share, so that every quantity is whole and every split divides evenly.

    A contract's multiplier makes a share's part of a contract whole.
    """
    whole = lcm(*(quantity.as_integer_ratio()[1] for quantity in set(quantities)))
    of_contracts = lcm(*(contract.multiplier.as_integer_ratio()[0] for contract in set(contracts)))
    return whole * of_contracts * ratios.fineness


def orders_closed_in_parts(columns: FillColumns) -> set[int]:
    """The orders that several closing fills belong to."""
    closing = np.isin(np.asarray(columns.side), _CLOSING_NUMBERS)
    orders, fills = np.unique(np.asarray(columns.order, dtype=np.int64)[closing], return_counts=True)
    return set(orders[fills > 1].tolist())


def special_fills(columns: FillColumns) -> list[int]:
    """The fills that more is to be known of than their numbers tell."""
    return np.flatnonzero(np.isin(np.asarray(columns.side), _SPECIAL_NUMBERS)).tolist()
