"""What a kind of row is to a lineage: where it is kept, how it reads, and which columns name the rows it came from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, ScalarSelect, Select, Table, and_, func, literal_column, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from tickledger.db import tables as t
from tickledger.domain.ids import PREFIXES

Cells = Mapping[str, Any]
_FOREVER: Final[ColumnElement[Any]] = literal_column("'infinity'::timestamptz")


@dataclass(frozen=True)
class Kind:
    """One kind of row; `parents` pairs the prefix of a parent's kind with the column that holds its id or ids."""

    prefix: str
    table: Table
    key: ColumnElement[str]
    summary: str
    facts: tuple[str, ...]
    parents: tuple[tuple[str, str], ...] = ()
    more: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    details: Callable[[Cells], Mapping[str, Any]] = lambda _: {}
    among: Callable[[Sequence[str]], ColumnElement[bool]] | None = None

    @property
    def name(self) -> str:
        """What the kind is called."""
        return PREFIXES[self.prefix]

    def rows(self, ids: Sequence[str]) -> Select[Any]:
        """The rows of `ids`, each with its id as ``id`` and its instrument as ``symbol``."""
        extra = [column.label(name) for name, column in self.more.items()]
        statement = select(self.key.label("id"), *_told_columns(self.table), *extra).select_from(self.table)
        if "symbol_id" in self.table.c:
            statement = statement.add_columns(t.symbols.c.ticker.label("symbol"))
            statement = statement.outerjoin(t.symbols, self.table.c.symbol_id == t.symbols.c.symbol_id)
        return statement.where(self.among(ids) if self.among else self.key.in_(ids))


def _told_columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.c if column.name != "symbol_id"]


def lasts_as_long(child: Table, parent: Table) -> ColumnElement[bool]:
    """That a row of `child` was in force when the one of `parent` last was (or is): what belonged to it at its end."""
    child_end, parent_end = (func.coalesce(table.c.superseded_at, _FOREVER) for table in (child, parent))
    return and_(child.c.recorded_at < parent_end, child_end >= parent_end)


def ids_in(column: ColumnElement[str], *where: ColumnElement[bool], of: Table) -> ScalarSelect[Any]:
    """The ids in `column` of the rows that hold `where`, for each row of `of`, in one cell."""
    return select(func.array_agg(aggregate_order_by(column, column))).where(*where).correlate(of).scalar_subquery()
