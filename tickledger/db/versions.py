"""How rows take each other's place: the one way in which the ledger's derived tables are written.

The rows of a scope (an account and a span of sessions, say) are written as a whole. Ids are functions of
parents and content, so the new set is compared with the current one by id: a row that is in both stays as it
is; one only in the new set is inserted, or is current again if it once was; one only in the old set gets
`superseded_at`. Nothing is deleted, and what was current at an instant can be asked for again: a row was,
where ``recorded_at <= instant < superseded_at`` (a row that was superseded and came back counts as current
all the while).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

import psycopg
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tickledger.db.copying import Row, affected, staged
from tickledger.domain.errors import ConfigurationError, LedgerError

#: Waits for whoever else writes ``:area``, until the transaction ends.
LOCK_AREA: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:area, 0))")


_FAILURES: Final = (
    OperationalError,
    InterfaceError,
    PoolTimeoutError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
)


@dataclass(frozen=True, slots=True)
class ReplaceResult:
    """What writing a scope changed: rows that became current, that stayed so, and that no longer are."""

    inserted: int
    unchanged: int
    superseded: int

    @property
    def is_change(self) -> bool:
        """Whether the current rows of the scope are others than before."""
        return bool(self.inserted or self.superseded)


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows that are written together: those whose columns hold `among`'s values and lie `within` the dates.

    `such_that` is a further condition on the rows of a table with these columns.
    """

    among: Mapping[str, Sequence[object]]
    within: Mapping[str, tuple[date, date]] = field(default_factory=dict)
    such_that: Callable[[Table], ColumnElement[bool]] | None = field(default=None, repr=False)

    def holds(self, table: Table) -> ColumnElement[bool]:
        """The condition, on `table`, of lying in this scope."""
        values = (table.c[name].in_(allowed) for name, allowed in self.among.items())
        dates = (table.c[name].between(*bounds) for name, bounds in self.within.items())
        further = () if self.such_that is None else (self.such_that(table),)
        return and_(*values, *dates, *further)


@contextmanager
def writing(engine: Engine, area: str) -> Iterator[tuple[Connection, datetime]]:
    """One transaction that writes `area` alone, and the instant at which its rows count as recorded.

    A second writer of the area waits, so the instants of an area follow its commits. Raises as `refusals` does, and
    nothing of the transaction is kept then.
    """
    with refusals(area), engine.begin() as connection:
        connection.execute(LOCK_AREA, {"area": f"tickledger {area}"})
        yield connection, connection.execute(select(func.clock_timestamp())).scalar_one()


@contextmanager
def refusals(area: str) -> Iterator[None]:
    """What the database's constraints refuse is raised as LedgerError, its own failures as ConfigurationError.

    The latter are a full disk, a connection lost, or none to be had in time.
    """
    try:
        yield
    except (IntegrityError, psycopg.IntegrityError) as error:
        raise LedgerError(f"the record refuses a row: {_reason(getattr(error, 'orig', error))}") from error
    except _FAILURES as error:
        reason = _reason(error.orig if isinstance(error, DBAPIError) else error)
        raise ConfigurationError(
            f"the database could not write {area}, and kept nothing of it: {reason}. Mend that and run again."
        ) from error


def current(table: Table, as_of: datetime | None = None) -> ColumnElement[bool]:
    """The condition that a row of `table` is the one in force, now or as it was known at `as_of`."""
    if as_of is None:
        return table.c.superseded_at.is_(None)
    return and_(table.c.recorded_at <= as_of, or_(table.c.superseded_at.is_(None), table.c.superseded_at > as_of))


def replace_scope(
    connection: Connection, table: Table, rows: Sequence[Row], *, scope: Scope, at: datetime
) -> ReplaceResult:
    """Make `rows` the current rows of `scope` in `table`; the first column of `table` is its id.

    `rows` fill every column but the versioning ones. Raises LedgerError where a row lies outside the scope or
    an id already stands for another content.
    """
    if not rows:
        return ReplaceResult(0, 0, _supersede(connection, table, stale=scope.holds(table), at=at))
    with staged(connection, table, distinct(table, rows)) as staging:
        _refuse_outsiders(connection, staging, scope)
        _refuse_contradictions(connection, table, staging)
        return merge(connection, table, staging, stale=scope.holds(table), at=at)


def merge(
    connection: Connection, table: Table, staging: Table, *, stale: ColumnElement[bool], at: datetime
) -> ReplaceResult:
    """Make the rows of `staging` current in `table`, in place of those current ones that `stale` marks."""
    total = connection.execute(select(func.count()).select_from(staging)).scalar_one()
    # In this order, because at no moment may two current rows claim the same place.
    superseded = _supersede(connection, table, stale=and_(stale, ~_holds_same_row(staging, table)), at=at)
    inserted = _reinstate(connection, table, staging) + _insert_missing(connection, table, staging, at=at)
    return ReplaceResult(inserted, total - inserted, superseded)


def insert_new(connection: Connection, table: Table, rows: Sequence[Row], *, at: datetime) -> int:
    """Insert those of `rows` that `table` does not hold yet, and count them; for rows that nothing supersedes.

    The primary key may have several columns. Raises LedgerError where it already stands for another content.
    """
    if not rows:
        return 0
    with staged(connection, table, rows) as staging:
        _refuse_contradictions(connection, table, staging)
        return _insert_missing(connection, table, staging, at=at)


def distinct(table: Table, rows: Sequence[Row]) -> list[Row]:
    """`rows` with each id once; raises LedgerError where an id stands for two contents."""
    by_id: dict[object, Row] = {}
    for row in rows:
        if by_id.setdefault(row[_key(table).name], row) != row:
            raise LedgerError(f"{table.name}: {row[_key(table).name]} stands for two contents: {row}")
    return list(by_id.values())


def _supersede(connection: Connection, table: Table, *, stale: ColumnElement[bool], at: datetime) -> int:
    return affected(connection, update(table).where(stale, current(table)).values(superseded_at=at))


def _reinstate(connection: Connection, table: Table, staging: Table) -> int:
    statement = update(table).where(_same_row(table, staging), not_(current(table))).values(superseded_at=None)
    return affected(connection, statement)


def _insert_missing(connection: Connection, table: Table, staging: Table, *, at: datetime) -> int:
    names = [column.name for column in staging.c]
    rows = select(*staging.c, literal(at, table.c.recorded_at.type)).where(~_holds_same_row(table, staging))
    statement = insert(table).from_select([*names, "recorded_at"], rows)
    return affected(connection, statement)


def _refuse_outsiders(connection: Connection, staging: Table, scope: Scope) -> None:
    outside = connection.execute(select(_key(staging)).where(not_(scope.holds(staging))).limit(1)).scalar()
    if outside is not None:
        raise LedgerError(f"{staging.name}: {outside} lies outside the rows that are being replaced: {scope}")


def _refuse_contradictions(connection: Connection, table: Table, staging: Table) -> None:
    content = [column.name for column in staging.c]
    recorded, found = (tuple_(*(source.c[name] for name in content)) for source in (table, staging))
    both = select(*(table.c[name] for name in content), *(staging.c[name] for name in content))
    pair = connection.execute(both.where(_same_row(table, staging), recorded.is_distinct_from(found)).limit(1)).first()
    if pair is None:
        return
    old, new = pair[: len(content)], pair[len(content) :]
    column = next(i for i, name in enumerate(content) if old[i] != new[i])
    raise LedgerError(
        f"{table.name} {old[0]} is recorded with {content[column]} {old[column]!r}, found {new[column]!r}: "
        "an id stands for one content"
    )


def _same_row(one: Table, other: Table) -> ColumnElement[bool]:
    """That the rows of a table and of its staging table have the same key; only the former knows what that is."""
    key = one.primary_key.columns or other.primary_key.columns
    return and_(*(one.c[column.name] == other.c[column.name] for column in key))


def _holds_same_row(inner: Table, outer: Table) -> ColumnElement[bool]:
    """That `inner` holds the row of the query's `outer`."""
    return select(literal(1)).select_from(inner).where(_same_row(inner, outer)).correlate(outer).exists()


def _key(table: Table) -> Column[Any]:
    return next(iter(table.c))


def _reason(error: BaseException | None) -> str:
    """What the server, or else the driver, says is wrong."""
    told = (error.diag.message_primary, error.diag.message_detail) if isinstance(error, psycopg.Error) else ()
    return "; ".join(part for part in told if part) or str(error).strip()
