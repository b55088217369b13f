"""How rows refer to bars: three columns beside the symbol's in the table, one text in the domain."""

from typing import Any

from sqlalchemy import ColumnElement, Table, Text, case, cast, func, literal

from tickledger.db.tables import symbols
from tickledger.domain.bar import BarKey


def bar_columns(bar_id: str | None) -> dict[str, Any]:
    """The columns that refer to `bar_id`, whose symbol is the row's own; all empty without one."""
    key = None if bar_id is None else BarKey.parse(bar_id)
    return {
        "bar_interval": key.interval if key else None,
        "bar_at": key.bar_at if key else None,
        "bar_version": key.version if key else None,
    }


def bar_id(interval: ColumnElement[str], bar_at: ColumnElement[Any], version: ColumnElement[int]) -> ColumnElement[str]:
    """The bar's text form in SQL, of the symbol that the query joins: what `str(BarKey(…))` gives."""
    seconds = case((func.date_part("second", bar_at) >= 1, "SS"), else_="")
    stamp = func.to_char(func.timezone("UTC", bar_at), func.concat('YYYYMMDD"T"HH24MI', seconds, '"Z"'))
    parts = ("bar", symbols.c.ticker, interval, stamp, cast(version, Text))
    return func.concat_ws("_", *(literal(part) if isinstance(part, str) else part for part in parts))


def referred_bar(table: Table) -> ColumnElement[Any]:
    """The text form of the bar that a row of `table` refers to, labelled ``bar_id``; NULL where it refers to none."""
    text_form = bar_id(table.c.bar_interval, table.c.bar_at, table.c.bar_version)
    return case((table.c.bar_version.is_not(None), text_form)).label("bar_id")
