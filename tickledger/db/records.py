"""How domain values become rows and rows become values again.

A column has the name of the field it keeps. Three things differ: a symbol is kept as its number, a bar as the
columns that refer to it, and an account's mode is added so that the database can hold rows to it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypedDict, TypeVar, get_type_hints

from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, select

from tickledger.db.bar_reference import bar_columns, referred_bar
from tickledger.db.symbols import symbol_ids
from tickledger.db.tables import symbols
from tickledger.db.versions import current
from tickledger.domain.account import Mode
from tickledger.domain.bar import BarKey
from tickledger.domain.errors import LedgerError

Value = TypeVar("Value")
Decoder = Callable[[Any], Any]


class Selection(TypedDict, total=False):
    """Which rows to read: of a mode, of an account, of the dates from `start` to `end`, as known at `as_of`."""

    mode: Mode | None
    account_id: str | None
    start: date | None
    end: date | None
    as_of: datetime | None


def rows_of(
    connection: Connection,
    table: Table,
    values: Iterable[Any],
    *,
    mode: Mode | None = None,
    extra: Callable[[Any], Mapping[str, Any]] = lambda _: {},
) -> list[dict[str, Any]]:
    """The rows of `table` that keep `values`; `extra` gives the columns that no field has."""
    values = list(values)
    numbers = symbol_ids(connection, {value.symbol for value in values if getattr(value, "symbol", None)})
    return numbered_rows(table, values, numbers, mode=mode, extra=extra)


def numbered_rows(
    table: Table,
    values: Iterable[Any],
    numbers: Mapping[str, int],
    *,
    mode: Mode | None = None,
    extra: Callable[[Any], Mapping[str, Any]] = lambda _: {},
) -> list[dict[str, Any]]:
    """As `rows_of`, with the numbers of the values' symbols at hand."""
    return [_row(table, value, numbers) | _mode(table, mode) | dict(extra(value)) for value in values]


def read_values(
    engine: Engine,
    table: Table,
    kind: type[Value],
    *,
    where: Iterable[ColumnElement[bool]],
    order: Iterable[ColumnElement[Any]],
    decoders: Mapping[str, Decoder] | None = None,
) -> list[Value]:
    """The rows of `table` that hold `where`, as values of the dataclass `kind`."""
    statement = select_fields(table, kind).where(*where).order_by(*order)
    with engine.connect() as connection:
        return as_values(connection, statement, kind, decoders=decoders)


def select_fields(table: Table, kind: type[Any], **instead: ColumnElement[Any]) -> Select[Any]:
    """A select of what the fields of `kind` hold, `instead` naming those that are not columns of `table`."""
    names = [field.name for field in fields(kind)]
    known = {"bar_id": referred_bar(table)} if "bar_version" in table.c and "bar_id" in names else {}
    known |= {name: column.label(name) for name, column in instead.items()}
    statement = select(*(known[name] if name in known else _column(table, name) for name in names))
    if "symbol_id" not in table.c:
        return statement.select_from(table)
    return statement.select_from(table).outerjoin(symbols, table.c.symbol_id == symbols.c.symbol_id)


def as_values(
    connection: Connection,
    statement: Select[Any],
    kind: type[Value],
    *,
    decoders: Mapping[str, Decoder] | None = None,
) -> list[Value]:
    """The rows of `statement`, whose columns are the fields of `kind`, as its values."""
    hints = get_type_hints(kind)
    plain: dict[str, Decoder] = {name: hint for name, hint in hints.items() if _is_enum(hint)}
    decode = plain | dict(decoders or {})
    result = connection.execute(statement)
    names = tuple(result.keys())
    decoded = [(place, decode[name]) for place, name in enumerate(names) if name in decode]
    return [kind(**dict(zip(names, _decoded(row, decoded), strict=True))) for row in result]


def _decoded(row: Sequence[Any], decoders: Iterable[tuple[int, Decoder]]) -> Sequence[Any]:
    """A row with some of its cells, by their places, as what they stand for."""
    cells = list(row)
    for place, decoder in decoders:
        cells[place] = decoder(cells[place])
    return cells


def selected(table: Table, day: ColumnElement[date], selection: Selection) -> list[ColumnElement[bool]]:
    """The conditions on `table` that `selection` stands for; `day` is the column its dates are about."""
    bounds: list[ColumnElement[bool]] = [current(table, selection.get("as_of"))]
    if (mode := selection.get("mode")) is not None:
        bounds.append(table.c.mode == mode)
    if (account_id := selection.get("account_id")) is not None:
        bounds.append(table.c.account_id == account_id)
    if (start := selection.get("start")) is not None:
        bounds.append(day >= start)
    if (end := selection.get("end")) is not None:
        bounds.append(day <= end)
    return bounds


def _row(table: Table, value: Any, numbers: Mapping[str, int]) -> dict[str, Any]:  # noqa: ANN401  any dataclass
    row = {field.name: getattr(value, field.name) for field in fields(value) if field.name in table.c}
    if "symbol_id" in table.c:
        row["symbol_id"] = None if value.symbol is None else numbers[value.symbol]
    if "bar_version" in table.c:
        row |= bar_columns(_own_bar(value))
    return row


def _own_bar(value: Any) -> str | None:  # noqa: ANN401  any dataclass with a bar
    bar_id: str | None = value.bar_id
    if bar_id is not None and BarKey.parse(bar_id).symbol != value.symbol:
        raise LedgerError(f"expected a bar of {value.symbol}, found {bar_id} in {value}")
    return bar_id


def _mode(table: Table, mode: Mode | None) -> dict[str, Any]:
    return {"mode": mode} if "mode" in table.c and mode is not None else {}


def _column(table: Table, name: str) -> ColumnElement[Any]:
    return symbols.c.ticker.label("symbol") if name == "symbol" else table.c[name]


def _is_enum(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, StrEnum)
