"""Fills as the tax law sees them: what was bought or sold, on which trade date, for how much in all.

What belongs here: the input of the engine and the order in which it happened. Files of fills are read in
`tickledger.cli.tax_files`; executions of the record are converted by `from_executions`. `fill_columns` has the same
as columns of numbers, which is what the engine works on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import groupby
from typing import Final

from tickledger.domain.errors import Problem
from tickledger.domain.execution import Execution
from tickledger.domain.instrument import AssetClass, OptionContract
from tickledger.domain.order import OrderSide

_START: Final = datetime.min.replace(tzinfo=UTC)


class FillSide(StrEnum):
    """What a fill does to a position: the sides of orders, and what happens to holdings without an order.

    EXERCISE is a holder's, ASSIGN a writer's; both name the option. DELIVER closes a short with shares held.
    TRANSFER_OUT and TRANSFER_IN move shares between accounts, GIFT_OUT gives them away.
    """

    BUY = "BUY"
    SELL = "SELL"
    SELL_SHORT = "SELL_SHORT"
    BUY_TO_COVER = "BUY_TO_COVER"
    EXPIRE = "EXPIRE"
    EXERCISE = "EXERCISE"
    ASSIGN = "ASSIGN"
    DELIVER = "DELIVER"
    TRANSFER_IN = "TRANSFER_IN"
    TRANSFER_OUT = "TRANSFER_OUT"
    GIFT_OUT = "GIFT_OUT"


#: Where costs add to the amount: what is paid rather than received.
PAYS: Final = frozenset({FillSide.BUY, FillSide.BUY_TO_COVER, FillSide.TRANSFER_IN})
#: What takes shares away or closes a position.
CLOSING: Final = frozenset(FillSide) - {FillSide.BUY, FillSide.SELL_SHORT, FillSide.TRANSFER_IN}
#: What more is known of than a fill alone tells; see `tickledger.tax.holdings` and `tickledger.tax.options`.
SPECIAL: Final = CLOSING - {FillSide.SELL, FillSide.BUY_TO_COVER, FillSide.EXPIRE} | {FillSide.TRANSFER_IN}


@dataclass(frozen=True, slots=True)
class LotChoice:
    """Shares identified at the sale (Reg. 1.1012-1(c)): so many of the lot that `open_execution_id` opened."""

    open_execution_id: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill. `gross_amount` is its exact total, USD; `commission` all its costs (negative for a rebate).

    `trade_date` is the New York date; `executed_at` is None where only the date is known. `contract` has the terms
    of an option. `row` is the line of the file it was read from, for messages.
    """

    execution_id: str
    order_id: str
    account_id: str
    symbol: str
    side: OrderSide | FillSide
    quantity: Decimal
    gross_amount: Decimal
    commission: Decimal
    trade_date: date
    executed_at: datetime | None = None
    lots: tuple[LotChoice, ...] = ()
    asset_class: AssetClass = AssetClass.STOCK
    row: int | None = None
    contract: OptionContract | None = None

    @property
    def net_amount(self) -> Decimal:
        """Cash that changed hands, positive: the cost of a purchase, the net proceeds of a sale (Pub. 550, p. 62)."""
        return self.gross_amount + self.commission if self.side in PAYS else self.gross_amount - self.commission


def from_executions(
    executions: Iterable[Execution], *, lots: Mapping[str, tuple[LotChoice, ...]] | None = None
) -> list[Fill]:
    """The fills of recorded executions; the broker's commission and the regulatory fees are both costs.

    An execution whose order is not known, one by hand for example, is an order of its own: it may replace any other.
    `lots` are those that were identified at a sale, by its execution.
    """
    chosen = lots or {}
    ordered = sorted(executions, key=lambda execution: (execution.executed_at, execution.execution_id))
    return [
        Fill(
            execution_id=execution.execution_id,
            order_id=execution.order_id or execution.execution_id,
            account_id=execution.account_id,
            symbol=execution.symbol,
            side=execution.side,
            quantity=execution.quantity,
            gross_amount=execution.price * execution.quantity,
            commission=execution.commission + execution.fees,
            trade_date=execution.trade_date,
            executed_at=execution.executed_at,
            lots=chosen.get(execution.execution_id, ()),
        )
        for execution in ordered
    ]


#: What the engine computes.
SUPPORTED: Final = frozenset({AssetClass.STOCK, AssetClass.ETF, AssetClass.CRYPTO, AssetClass.OPTION})
#: Sides that only an option can have.
_OF_OPTIONS: Final = frozenset({FillSide.EXPIRE, FillSide.EXERCISE, FillSide.ASSIGN})


@dataclass(frozen=True, slots=True)
class Admission:
    """The fills that can be computed, and what is wrong with the others.

    `left_out` names the symbols whose history is not complete without the refused fills.
    """

    fills: list[Fill]
    problems: list[Problem]
    left_out: set[str]


def admit(fills: Iterable[Fill], *, where: str) -> Admission:
    """Refuse fills that cannot be computed: section 1256 contracts, sides without an option, ids that come twice.

    A fill that repeats another in everything is told and passed over; the security stays in.
    """
    admission = Admission([], [], set())
    seen: dict[str, Fill] = {}
    routed_out: set[str] = set()
    for fill in fills:
        first = seen.get(fill.execution_id)
        seen.setdefault(fill.execution_id, fill)
        if first is not None:
            _refuse(admission, fill, ("execution_id", "an id that no other fill has", fill.execution_id), where=where)
            if replace(fill, row=None) != replace(first, row=None):
                admission.left_out.update((fill.symbol, first.symbol))
        elif fill.asset_class not in SUPPORTED:
            if fill.symbol not in routed_out:
                admission.problems.append(_section_1256(fill, where=where))
            routed_out.add(fill.symbol)
        elif (refusal := _refusal(fill)) is not None:
            _refuse(admission, fill, refusal, where=where)
            admission.left_out.add(fill.symbol)
        else:
            admission.fills.append(fill)
    admission.left_out.update(routed_out)
    return admission


def _refuse(admission: Admission, fill: Fill, refusal: tuple[str, str, str], *, where: str) -> None:
    column, expected, found = refusal
    admission.problems.append(Problem(place(fill, where), expected, found, row=fill.row, column=column))


def place(fill: Fill, where: str) -> str:
    """Where a fill is, for messages: the file, or the execution of the record."""
    return where if fill.row is not None else f"{where}, execution {fill.execution_id}"


def _section_1256(fill: Fill, *, where: str) -> Problem:
    expected = "stocks, ETFs, options on them or digital assets; section 1256 contracts belong on Form 6781"
    found = f"{fill.asset_class} {fill.symbol}, left out"
    return Problem(place(fill, where), expected, found, row=fill.row, column="asset_class", severity="warning")


def _refusal(fill: Fill) -> tuple[str, str, str] | None:
    """The column, what was expected and what was found, of a fill that cannot be computed."""
    if not fill.quantity > 0:
        return "quantity", "a quantity above 0", str(fill.quantity)
    if fill.side in _OF_OPTIONS and fill.asset_class is not AssetClass.OPTION:
        return "side", f"an option, with asset_class option, to {fill.side}", f"{fill.asset_class} {fill.symbol}"
    if fill.side in {FillSide.EXERCISE, FillSide.ASSIGN} and fill.contract is None:
        return "underlying", f"the terms of the option to {fill.side}: underlying, expiry, strike and right", "none"
    if fill.contract is not None and (fill.contract.multiplier <= 0 or fill.contract.multiplier % 1):
        return "multiplier", "a whole number of shares above 0", str(fill.contract.multiplier)
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
