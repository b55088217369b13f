"""An account's history in the form in which P&L is worked out: whole numbers in columns, exact decimals at the edge.

Shares and money are counted in millionths (of a share, of a USD) as 64-bit integers: a price to a hundredth of a cent
times a share to a millionth is rounded to a millionth of a USD, far below the cent to which the result is told. So
ten years of five hundred symbols are sums over arrays.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.execution import CashTransaction, Execution
from tickledger.domain.position import Balance, Position

Integers = NDArray[np.int64]
Dates = NDArray[np.datetime64]

#: Millionths in a unit, of a share and of a USD.
MILLION: Final = 1_000_000
#: Millionths of a USD in a cent.
CENT_UNITS: Final = MILLION // 100
_SIX_PLACES: Final = Decimal("0.000001")


def to_units(amount: Decimal) -> int:
    """`amount` (USD or shares) in millionths, halves to even."""
    return int(amount.quantize(_SIX_PLACES, rounding=ROUND_HALF_EVEN).scaleb(6))


def to_cents(amount: Decimal) -> int:
    """`amount` USD, which is in whole cents, as their number."""
    return int(amount.scaleb(2))


def of_cents(cents: int) -> Decimal:
    """Whole cents as USD with two decimals."""
    return Decimal(cents).scaleb(-2)


def of_units(units: int) -> Decimal:
    """Millionths as an exact decimal."""
    return Decimal(units).scaleb(-6)


def notional_units(quantity: Integers, price: Integers) -> Integers:
    """Quantities × prices, in millionths, rounded down; whole shares and the rest apart, so that nothing overflows."""
    whole, rest = np.divmod(quantity, MILLION)
    product: Integers = whole * price + rest * price // MILLION
    return product


def as_days(dates: Iterable[date]) -> Dates:
    """Dates as an array of days."""
    return np.array(list(dates), dtype="datetime64[D]")


@dataclass(frozen=True, slots=True)
class PositionColumns:
    """What was held at closes, a row for each session and symbol, in any order; each is there once at most.

    `symbol` holds places in `symbols`; `quantity` is signed shares, `close` USD per share, `open_gain` quantity ×
    (close − average cost): all three in millionths.
    """

    symbols: tuple[str, ...]
    session_date: Dates
    symbol: Integers
    quantity: Integers
    close: Integers
    open_gain: Integers

    @classmethod
    def of(cls, positions: Iterable[Position]) -> Self:
        """The columns of rows."""
        rows = list(positions)
        symbols = tuple(sorted({row.symbol for row in rows}))
        places = {symbol: place for place, symbol in enumerate(symbols)}
        return cls(
            symbols=symbols,
            session_date=as_days(row.session_date for row in rows),
            symbol=np.array([places[row.symbol] for row in rows], dtype=np.int64),
            quantity=np.array([to_units(row.quantity) for row in rows], dtype=np.int64),
            close=np.array([to_units(row.close) for row in rows], dtype=np.int64),
            open_gain=np.array([to_units(row.unrealized_pnl) for row in rows], dtype=np.int64),
        )

    @property
    def value(self) -> Integers:
        """Market values, signed, in millionths of a USD."""
        return notional_units(self.quantity, self.close)


@dataclass(frozen=True, slots=True)
class AccountHistory:
    """The record of one account from its first session on: what its reports are made of. `balances` is by session."""

    account_id: str
    balances: Sequence[Balance]
    positions: PositionColumns
    executions: Sequence[Execution]
    cash_transactions: Sequence[CashTransaction]
    corporate_actions: Sequence[CorporateAction] = ()

    @property
    def session_dates(self) -> Dates:
        """The sessions that have a balance, in order."""
        return as_days(row.session_date for row in self.balances)

    def open_gains(self) -> dict[date, Decimal]:
        """The open gain of all positions at each close that has any, USD."""
        days, place = np.unique(self.positions.session_date, return_inverse=True)
        sums = np.zeros(len(days), dtype=np.int64)
        np.add.at(sums, place, self.positions.open_gain)
        return {day: of_units(units) for day, units in zip(days.tolist(), sums.tolist(), strict=True)}
