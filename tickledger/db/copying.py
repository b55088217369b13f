"""Bulk transfer: rows and frames into temporary tables, the result of a query out as a frame.

COPY is the fastest way in that PostgreSQL has; what it fills is never a table of the ledger but a staging
table of the transaction, from which set operations then insert.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.csv
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Column, Connection, Insert, MetaData, Select, Table, Update, text
from sqlalchemy.dialects.postgresql import JSONB

Row = Mapping[str, Any]

#: The columns that say since when and until when a row is in force; the ledger fills them, never the domain.
VERSIONING: Final = ("recorded_at", "superseded_at")


@contextmanager
def staged(connection: Connection, table: Table, rows: Sequence[Row]) -> Iterator[Table]:
    """A temporary table of all columns of `table` but the versioning ones; it is gone when the block ends."""
    columns = [column for column in table.c if column.name not in VERSIONING]
    staging = _create(connection, f"staged_{table.name}", columns)
    with _cursor(connection) as cursor, cursor.copy(_copy_from(staging)) as copy:
        for row in rows:
            copy.write_row([_adapted(column, row[column.name]) for column in columns])
    yield staging
    connection.execute(text(f"DROP TABLE {staging.name}"))


@contextmanager
def staged_frame(connection: Connection, frame: pd.DataFrame, columns: Sequence[Column[Any]]) -> Iterator[Table]:
    """A temporary table of `columns`, which `frame` fills; it is gone when the block ends.

    Floats travel as the shortest decimal text that reads back as the same float, so a NUMERIC column keeps
    what a file said.
    """
    staging = _create(connection, "staged_frame", columns)
    payload = io.BytesIO()
    rows = pa.table({column.name: _arrow(frame[column.name]) for column in columns})
    pyarrow.csv.write_csv(rows, payload, pyarrow.csv.WriteOptions(include_header=False))
    with _cursor(connection) as cursor, cursor.copy(_copy_from(staging) + sql.SQL(" (FORMAT csv)")) as copy:
        copy.write(payload.getbuffer())
    connection.execute(text(f"ANALYZE {staging.name}"))
    yield staging
    connection.execute(text(f"DROP TABLE {staging.name}"))


def affected(connection: Connection, statement: Insert | Update) -> int:
    """Execute `statement` and count the rows it inserted or updated."""
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def driver_of(connection: Connection) -> psycopg.Connection[Any]:
    """The driver's own connection, in the same transaction."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(f"expected a connection of psycopg, found {type(driver).__name__}")
    return driver


def query_frame(connection: Connection, statement: Select[Any], types: Mapping[str, pa.DataType]) -> pd.DataFrame:
    """The rows of `statement` as a frame with the columns and Arrow types of `types`, in that order."""
    compiled = statement.compile(connection.engine)
    query = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(sql.SQL(str(compiled)))
    with _cursor(connection) as cursor, cursor.copy(query, compiled.params) as copy:
        payload = b"".join(copy)
    rows = _parsed(payload, types) if payload else pa.schema(list(types.items())).empty_table()
    frame: pd.DataFrame = rows.to_pandas()
    return frame


def _arrow(cells: "pd.Series[Any]") -> pa.Array:
    if not isinstance(cells.dtype, pd.DatetimeTZDtype):
        return pa.array(cells)
    # By way of naive UTC, because pyarrow asks aware series in a way that pandas 3 deprecates.
    return pa.array(cells.dt.tz_convert(None)).cast(pa.timestamp("us", tz="UTC"))


def _parsed(payload: bytes, types: Mapping[str, pa.DataType]) -> pa.Table:
    return pyarrow.csv.read_csv(
        io.BytesIO(payload),
        read_options=pyarrow.csv.ReadOptions(column_names=list(types)),
        convert_options=pyarrow.csv.ConvertOptions(column_types=types),
    )


def _create(connection: Connection, name: str, columns: Sequence[Column[Any]]) -> Table:
    staging = Table(name, MetaData(), *(Column(column.name, column.type) for column in columns), prefixes=["TEMPORARY"])
    staging.create(connection)
    return staging


def _copy_from(staging: Table) -> sql.Composed:
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in staging.c)
    return sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(staging.name), names)


def _cursor(connection: Connection) -> psycopg.Cursor[Any]:
    return driver_of(connection).cursor()


def _adapted(column: Column[Any], value: object) -> object:
    return Jsonb(value) if isinstance(column.type, JSONB) else value
