"""Fills as the tax law sees them: what was bought or sold, on which trade date, for how much in all.

What belongs here: the input of the engine and the order in which it happened. Files of fills are read in
`tickledger.cli.tax_files`; executions of the record are converted by `from_executions`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Final

from tickledger.domain.errors import Problem
from tickledger.domain.execution import Execution
from tickledger.domain.instrument import AssetClass
from tickledger.domain.order import OrderSide

_START: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LotChoice:
    """Shares identified at the sale (Reg. 1.1012-1(c)): so many of the lot that `open_execution_id` opened."""

    open_execution_id: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill. `gross_amount` is its exact total, USD; `commission` all its costs (negative for a rebate).

    `trade_date` is the New York date; `executed_at` is None where only the date is known. `row` is the line
    of the file it was read from, for messages.
    """

    execution_id: str
    order_id: str
    account_id: str
    symbol: str
    side: OrderSide
    quantity: Decimal
    gross_amount: Decimal
    commission: Decimal
    trade_date: date
    executed_at: datetime | None = None
    lots: tuple[LotChoice, ...] = ()
    asset_class: AssetClass = AssetClass.STOCK
    row: int | None = None

    @property
    def net_amount(self) -> Decimal:
        """Cash that changed hands, positive: the cost of a purchase, the net proceeds of a sale (Pub. 550, p. 62)."""
        return self.gross_amount + self.commission * self.side.sign


def from_executions(executions: Iterable[Execution]) -> list[Fill]:
    """The fills of recorded executions; the broker's commission and the regulatory fees are both costs."""
    ordered = sorted(executions, key=lambda execution: (execution.executed_at, execution.execution_id))
    return [
        Fill(
            execution_id=execution.execution_id,
            order_id=execution.order_id,
            account_id=execution.account_id,
            symbol=execution.symbol,
            side=execution.side,
            quantity=execution.quantity,
            gross_amount=execution.price * execution.quantity,
            commission=execution.commission + execution.fees,
            trade_date=execution.trade_date,
            executed_at=execution.executed_at,
        )
        for execution in ordered
    ]


#: What the engine computes; options, futures and the rest of section 1256 are not among it.
SUPPORTED: Final = frozenset({AssetClass.STOCK, AssetClass.ETF, AssetClass.CRYPTO})


@dataclass(frozen=True, slots=True)
class Admission:
    """The fills that can be computed, and what is wrong with the others.

    `left_out` names the symbols whose history is not complete without the refused fills.
    """

    fills: list[Fill]
    problems: list[Problem]
    left_out: set[str]


def admit(fills: Iterable[Fill], *, where: str) -> Admission:
    """Refuse fills that cannot be computed: asset classes that are not supported, and ids that come twice.

    A fill that repeats another in everything is told and passed over; the security stays in.
    """
    admission = Admission([], [], set())
    seen: dict[str, Fill] = {}
    for fill in fills:
        first = seen.get(fill.execution_id)
        refusal = _refusal(fill, is_repeated=first is not None)
        seen.setdefault(fill.execution_id, fill)
        if refusal is None:
            admission.fills.append(fill)
            continue
        column, expected, found = refusal
        place = where if fill.row is not None else f"{where}, execution {fill.execution_id}"
        admission.problems.append(Problem(place, expected, found, row=fill.row, column=column))
        if first is None:
            admission.left_out.add(fill.symbol)
        elif replace(fill, row=None) != replace(first, row=None):
            admission.left_out.update((fill.symbol, first.symbol))
    return admission


def _refusal(fill: Fill, *, is_repeated: bool) -> tuple[str, str, str] | None:
    """The column, what was expected and what was found, of a fill that cannot be computed."""
    if is_repeated:
        return "execution_id", "an id that no other fill has", fill.execution_id
    if fill.asset_class not in SUPPORTED:
        classes = ", ".join(sorted(SUPPORTED))
        return "asset_class", f"{classes} (others are not computed yet: {fill.symbol} is left out)", fill.asset_class
    if not fill.quantity > 0:
        return "quantity", "a quantity above 0", str(fill.quantity)
    return None


def in_order(fills: Sequence[Fill]) -> list[Fill]:
    """The fills in the order in which they happened.

    Instants decide; on a date with a fill whose time is unknown, the order of the input does.
    """
    by_date = sorted(fills, key=lambda fill: fill.trade_date)
    ordered: list[Fill] = []
    for _, day in groupby(by_date, key=lambda fill: fill.trade_date):
        of_day = list(day)
        if all(fill.executed_at is not None for fill in of_day):
            of_day.sort(key=lambda fill: fill.executed_at or _START)
        ordered += of_day
    return ordered
