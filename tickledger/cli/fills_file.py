"""fills.csv: trades and what else happens to holdings, row by row.

The reader is total, as those of `tickledger.cli.tax_files` are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from tickledger.cli.file_rows import FileRow, FileRows, a_date, a_decimal, a_text, above_zero, not_negative, read_rows
from tickledger.domain.errors import Problem
from tickledger.domain.instrument import AssetClass, OptionContract, OptionRight
from tickledger.tax.fill_columns import NUMBER_OF_SIDE
from tickledger.tax.fill_table import Coded, FillTable
from tickledger.tax.fills import Fill, FillSide, LotChoice

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

Value = TypeVar("Value")

_NEW_YORK: Final = ZoneInfo("America/New_York")
_ZERO: Final = Decimal(0)
_NEVER: Final[tuple[date, datetime | None]] = (date.min, None)
_BARE_DATE: Final = len("2025-01-31")
_ONE: Final = Decimal(1)
_HUNDRED: Final = Decimal(100)
_RIGHTS: Final = frozenset({"C", "P", "CALL", "PUT"})
#: What happens to holdings without an order, and so may come without a price and costs.
_NOT_PRICED: Final = frozenset(FillSide) - frozenset(
    {FillSide.BUY, FillSide.SELL, FillSide.SELL_SHORT, FillSide.BUY_TO_COVER}
)
#: Of these, what has an amount of its own is only the arrival of shares.
_WITHOUT_MONEY: Final = _NOT_PRICED - {FillSide.TRANSFER_IN}
_PLAIN_SIDES: Final[Mapping[str, FillSide]] = {side: side for side in FillSide if side not in _NOT_PRICED}

_FILL_COLUMNS: Final = (
    "execution_id",
    "order_id",
    "account",
    "symbol",
    "side",
    "quantity",
    "price",
    "commission",
    "executed_at",
)
_MORE_FILL_COLUMNS: Final = (
    "gross_amount",
    "lots",
    "asset_class",
    "underlying",
    "expiry",
    "strike",
    "right",
    "multiplier",
)


@dataclass(slots=True)
class FillsFile:
    """The fills of a file; `left_out` are the symbols (and underlyings) of rows that cannot be used."""

    fills: Sequence[Fill] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)


def read_fills(path: Path, *, today: date) -> FillsFile:
    """The fills of `fills.csv`; none may be dated after `today`, the New York date."""
    rows = read_rows(path, required=_FILL_COLUMNS, optional=_MORE_FILL_COLUMNS)
    result = FillsFile(problems=list(rows.problems))
    table = plain_trades(rows, today=today)
    if table is not None:
        result.fills = table
        return result
    fills: list[Fill] = []
    result.fills = fills
    for number, cells in enumerate(rows.cells):
        # Most rows are plain trades without a defect; all others are read cell by cell, for the messages.
        fill = _plain_trade(cells, line=int(rows.lines[number]), today=today)
        if fill is not None:
            fills.append(fill)
            continue
        row = rows.row(number)
        fill = _fill(row, today=today)
        if not row.problems:
            fills.append(fill)
        else:
            result.problems += row.problems
            result.left_out |= {name for name in (row.text("symbol"), row.text("underlying")) if name}
    return result


def plain_trades(rows: FileRows, *, today: date) -> FillTable | None:
    """The rows as a table; None where anything is out of the ordinary in one of them."""
    import pyarrow.compute as pc

    execution, order, account, symbol, side, size, price, costs, executed = rows.columns[: len(_FILL_COLUMNS)]
    is_filled = any(pc.any(pc.not_equal(column, "")).as_py() for column in rows.columns[len(_FILL_COLUMNS) :])
    if is_filled or pc.count_distinct(execution).as_py() < len(rows):
        return None
    order = pc.if_else(pc.equal(order, ""), execution, order)
    try:
        table = FillTable(
            execution_ids=execution.to_numpy(zero_copy_only=False),
            order=_coded(order, a_text),
            account=_coded(account, a_text),
            symbol=_coded(symbol, a_text),
            side=_side_numbers(side),
            quantity=_coded(size, above_zero),
            price=_coded(price, not_negative),
            commission=_coded(costs, a_decimal),
            executed=_coded(executed, _executed),
            row=rows.lines,
        )
    except (ValueError, ArithmeticError, KeyError):
        return None
    is_known = "" not in table.execution_ids and all(day <= today for day, _ in table.executed.values)
    return table if is_known else None


def _coded(column: "pa.Array", parse: Callable[[str], Value]) -> Coded[Value]:
    """A column with each of its texts understood once."""
    encoded = column.dictionary_encode()
    places = encoded.indices.to_numpy(zero_copy_only=False).astype("int64")
    return Coded([parse(text) for text in encoded.dictionary.to_pylist()], places)


def _side_numbers(column: "pa.Array") -> "npt.NDArray[np.int64]":
    coded = _coded(column, lambda text: NUMBER_OF_SIDE[_PLAIN_SIDES[text]])
    return np.array(coded.values, dtype=np.int64)[coded.places]


def _plain_trade(cells: Sequence[str], *, line: int, today: date) -> Fill | None:
    """A trade of shares that is told in the simplest way; None where anything is out of the ordinary."""
    execution_id, order_id, account_id, symbol, name, size, price_each, costs, executed, *more = cells
    side = _PLAIN_SIDES.get(name)
    if side is None or any(more) or not (execution_id and account_id and symbol):
        return None
    try:
        quantity, price, commission = _plain_number(size), _plain_number(price_each), _plain_number(costs)
        trade_date, executed_at = _executed(executed)
    except (ValueError, ArithmeticError):
        return None
    if quantity <= 0 or price < 0 or trade_date > today:
        return None
    return Fill(
        execution_id,
        order_id or execution_id,
        account_id,
        symbol,
        side,
        quantity,
        price * quantity,
        commission,
        trade_date,
        executed_at,
        row=line,
    )


@lru_cache(maxsize=1 << 16)
def _plain_number(text: str) -> Decimal:
    """As `a_decimal`; numbers repeat."""
    return a_decimal(text)


def _fill(row: FileRow, *, today: date) -> Fill:
    execution_id = row.read("execution_id", a_text, expected="an id", otherwise="")
    quantity = row.read("quantity", above_zero, expected="a number above 0", otherwise=Decimal(1))
    side = row.choice("side", FillSide, otherwise=FillSide.BUY)
    trade_date, executed_at = row.read(
        "executed_at",
        _executed,
        expected="a date, or an instant with its offset, such as 2025-01-31T15:30:00-05:00",
        otherwise=_NEVER,
    )
    if trade_date > today:
        row.complain("executed_at", expected=f"a date not after today, {today}", found=row.text("executed_at"))
    asset_class = _asset_class(row)
    contract = _contract(row) if asset_class is AssetClass.OPTION and row.text("underlying") else None
    symbol = row.read("symbol", a_text, expected="a symbol", otherwise="")
    return Fill(
        execution_id=execution_id,
        order_id=row.text("order_id") or execution_id,
        account_id=row.read("account", a_text, expected="an account", otherwise=""),
        # Some statements name an option by its underlying alone.
        symbol=contract.name if contract is not None and symbol == contract.underlying else symbol,
        side=side,
        quantity=quantity,
        gross_amount=_gross_amount(row, side, quantity, _multiplier(row, asset_class)),
        commission=_commission(row, side),
        trade_date=trade_date,
        executed_at=executed_at,
        lots=_lot_choices(row),
        asset_class=asset_class,
        row=row.row,
        contract=contract,
    )


def _asset_class(row: FileRow) -> AssetClass:
    return (
        row.choice("asset_class", AssetClass, otherwise=AssetClass.STOCK)
        if row.text("asset_class")
        else AssetClass.STOCK
    )


def _contract(row: FileRow) -> OptionContract:
    """The terms of an option; the right is C, CALL, P or PUT."""
    return OptionContract(
        underlying=row.text("underlying"),
        expiry=row.read("expiry", a_date, expected="a date", otherwise=date.min),
        strike=row.read("strike", not_negative, expected="a number, 0 or more", otherwise=_ZERO),
        right=row.read("right", _right, expected="C or P", otherwise=OptionRight.CALL),
        multiplier=_multiplier(row, AssetClass.OPTION),
    )


def _right(text: str) -> OptionRight:
    return OptionRight(text[:1].upper()) if text.upper() in _RIGHTS else OptionRight(text)


def _multiplier(row: FileRow, asset_class: AssetClass) -> Decimal:
    """Shares in a contract, 100 unless told; a share is one."""
    if asset_class is not AssetClass.OPTION:
        return _ONE
    if not row.text("multiplier"):
        return _HUNDRED
    return row.read("multiplier", _whole_above_zero, expected="a whole number above 0", otherwise=_HUNDRED)


def _whole_above_zero(text: str) -> Decimal:
    value = above_zero(text)
    if value != value.to_integral_value():
        raise ValueError(text)
    return value


def _commission(row: FileRow, side: FillSide) -> Decimal:
    """What is no trade has costs only where it says so."""
    if side in _NOT_PRICED and not row.text("commission"):
        return _ZERO
    return row.read("commission", a_decimal, expected="a number (negative: a rebate)", otherwise=_ZERO)


@lru_cache(maxsize=1 << 16)
def _executed(text: str) -> tuple[date, datetime | None]:
    """The New York trade date, and the instant where one is given."""
    if len(text.removesuffix("T00:00:00")) == _BARE_DATE:
        return a_date(text), None
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant.astimezone(_NEW_YORK).date(), instant


def _gross_amount(row: FileRow, side: FillSide, quantity: Decimal, multiplier: Decimal) -> Decimal:
    """The exact total, or the price of all shares; what is no trade has neither."""
    expected = "a number, 0 or more"
    if row.text("gross_amount"):
        return row.read("gross_amount", not_negative, expected=expected, otherwise=_ZERO)
    if side in _NOT_PRICED and not row.text("price"):
        return _ZERO
    price = row.read("price", not_negative, expected=expected, otherwise=_ZERO)
    return price * quantity * multiplier if side not in _WITHOUT_MONEY else _ZERO


def _lot_choices(row: FileRow) -> tuple[LotChoice, ...]:
    """``OPEN_EXECUTION_ID:quantity;…``; an id may itself hold colons."""

    def choices(text: str) -> tuple[LotChoice, ...]:
        pairs = [part.rpartition(":") for part in text.split(";") if part.strip()]
        return tuple(LotChoice(a_text(name.strip()), above_zero(quantity.strip())) for name, _, quantity in pairs)

    return row.read("lots", choices, expected="OPEN_EXECUTION_ID:quantity;…", otherwise=())
