"""Rows that are added while a session goes on: many small groups, each row once, and the same row again is no news.

`versions.insert_new` does the same for whole files, by way of a staging table; a session of a day would make half a
million of those. Here a table's columns travel as arrays, one statement for any number of rows.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from psycopg import sql
from sqlalchemy import Column, Connection, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB

from tickledger.db.copying import VERSIONING, Row, driver_of
from tickledger.domain.errors import LedgerError

Batch = tuple[Table, Sequence[Row]]
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]


def append_new(connection: Connection, batches: Iterable[Batch], *, area: str, apart_from: Iterable[str] = ()) -> int:
    """Insert those rows that their table does not hold yet, in the order of `batches`, and count them.

    Rows fill every column but the versioning and the computed ones. Writers of `area` follow each other. All of it goes
    to the server together: what takes time is each answer waited for. Raises LedgerError where a table holds a row with
    the same key and other content, which the columns `apart_from` are no part of.
    """
    sent = []
    driver = driver_of(connection)
    with driver.pipeline():
        driver.execute(_LOCK, [area])
        for table, rows in batches:
            if rows:
                statements = _statements(table, tuple(apart_from))
                given = [[_cell(column, row[column.name]) for row in rows] for column in statements.columns]
                sent.append((table, statements, given, len(rows), driver.execute(statements.insertion, given)))
    for table, statements, given, count, cursor in sent:
        if cursor.rowcount < count:
            _refuse(table, statements.content, driver.execute(statements.contradiction, given).fetchone())
    return sum(cursor.rowcount for *_, cursor in sent)


class _Statements:
    """What is said about a table: the insertion of arrays of its columns, and what contradicts what is there."""

    def __init__(self, table: Table, apart_from: tuple[str, ...]) -> None:
        self.columns = [c for c in table.c if c.name not in VERSIONING and c.computed is None and c.identity is None]
        key = [column.name for column in table.primary_key.columns]
        self.content = [*key, *(c.name for c in self.columns if c.name not in {*key, *apart_from})]
        name, names = sql.Identifier(table.name), sql.SQL(", ").join(sql.Identifier(c.name) for c in self.columns)
        arrays = sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(_type_of(c))) for c in self.columns)
        given = sql.SQL("unnest({}) AS given ({})").format(arrays, names)
        self.insertion = sql.SQL("INSERT INTO {} ({}) SELECT * FROM {} ON CONFLICT DO NOTHING").format(
            name, names, given
        )
        same = sql.SQL(" AND ").join(sql.SQL("held.{0} = given.{0}").format(sql.Identifier(column)) for column in key)
        cells = {side: _cells(side, self.content) for side in ("held", "given")}
        self.contradiction = sql.SQL(
            "SELECT {}, {} FROM {} LEFT JOIN {} AS held ON {} WHERE ({}) IS DISTINCT FROM ({}) LIMIT 1"
        ).format(cells["given"], cells["held"], given, name, same, cells["held"], cells["given"])


@cache
def _statements(table: Table, apart_from: tuple[str, ...]) -> _Statements:
    return _Statements(table, apart_from)


def _cells(side: str, names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL("{}.{}").format(sql.Identifier(side), sql.Identifier(name)) for name in names)


def _type_of(column: Column[Any]) -> Any:  # noqa: ANN401  sql.SQL wants a literal; this is a type of ours
    return str(column.type.compile(_DIALECT))


def _cell(column: Column[Any], value: object) -> object:
    if value is None:
        return None
    if isinstance(column.type, JSONB):
        return json.dumps(dict(value) if isinstance(value, Mapping) else value, allow_nan=False)
    return str(value) if isinstance(value, str) else value


def _refuse(table: Table, content: Sequence[str], pair: tuple[Any, ...] | None) -> None:
    """Raise for a row that is not held as it was given."""
    if pair is None:
        return
    new, old = pair[: len(content)], pair[len(content) :]
    if old[0] is None:
        raise LedgerError(f"{table.name}: another row has the place of {dict(zip(content, new, strict=True))}")
    column = next(i for i in range(len(content)) if old[i] != new[i])
    raise LedgerError(
        f"{table.name} {new[0]} is recorded with {content[column]} {old[column]!r}, found {new[column]!r}: "
        "an id stands for one content"
    )
