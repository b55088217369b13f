"""Executions as they stand: with the last correction of their figures, and the charge the broker told in the end.

The rows of `executions` stay as they were written. A correction and a charge that came later are rows of their own;
whoever adds up shares or money reads executions from here. An execution whose charge was never told keeps its
estimate, with `commission_is_estimated`; one that was corrected to no shares at all (a bust) is left out.

Executions of orders that are not ours are among them, with an empty `order_id`: a share is a share, whoever bought it.
Their figures are those of the row of `foreign_executions` in force.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    ScalarSelect,
    Select,
    Subquery,
    Table,
    and_,
    case,
    func,
    literal,
    select,
)

from tickledger.db.records import as_values, select_fields
from tickledger.db.tables import commission_reports, execution_corrections, executions, foreign_executions
from tickledger.db.versions import current
from tickledger.domain.execution import Execution

_CURRENCY: Final = "USD"


class EffectiveExecutions:
    """The executions as they stand now, or as they were known at `as_of`."""

    def __init__(self, as_of: datetime | None = None) -> None:
        charges = commission_reports
        self._corrections = _last(execution_corrections, as_of).subquery("last_corrections")
        self._charges = _last(charges, as_of, charges.c.currency == _CURRENCY).subquery("last_charges")
        foreign = foreign_executions
        self._foreign = select(foreign).where(current(foreign, as_of)).subquery("foreign_in_force")
        self.trade_date: ColumnElement[date] = self._figure("trade_date")
        self.executed_at: ColumnElement[datetime] = self._figure("executed_at")
        self.quantity: ColumnElement[Any] = self._figure("quantity")

    def select(self, *where: ColumnElement[bool], has_busts: bool = False) -> Select[Any]:
        """A select of the fields of `Execution`, of the rows of `executions` that hold `where`; busts where asked."""
        is_charged = self._charges.c.execution_id.is_not(None)
        statement = select_fields(
            executions,
            Execution,
            order_id=func.coalesce(executions.c.order_id, ""),
            quantity=self.quantity,
            price=self._figure("price"),
            executed_at=self.executed_at,
            trade_date=self.trade_date,
            commission=case((is_charged, self._charges.c.commission), else_=self._told("commission")),
            fees=case((is_charged, literal(0)), else_=self._told("fees")),
            commission_is_estimated=and_(~is_charged, self._told("commission_is_estimated")),
        )
        statement = statement.outerjoin(self._foreign, self._is_of_foreign())
        statement = statement.outerjoin(self._corrections, _of_execution(self._corrections))
        counted = () if has_busts else (self.quantity > 0,)
        return statement.outerjoin(self._charges, _of_execution(self._charges)).where(*counted, *where)

    def read(self, engine: Engine, *, where: Iterable[ColumnElement[bool]]) -> list[Execution]:
        """Those that hold `where`, in time; those of one instant by order."""
        with engine.connect() as connection:
            return self.found(connection, *where)

    def found(self, connection: Connection, *where: ColumnElement[bool], has_busts: bool = False) -> list[Execution]:
        """As `read`, on a connection."""
        order = (self.executed_at, executions.c.order_id, executions.c.execution_id)
        return as_values(connection, self.select(*where, has_busts=has_busts).order_by(*order), Execution)

    def _figure(self, name: str) -> ColumnElement[Any]:
        return func.coalesce(self._corrections.c[name], self._foreign.c[name], executions.c[name])

    def _told(self, name: str) -> ColumnElement[Any]:
        return func.coalesce(self._foreign.c[name], executions.c[name])

    def _is_of_foreign(self) -> ColumnElement[bool]:
        same = (self._foreign.c[name] == executions.c[name] for name in ("account_id", "execution_id"))
        return and_(executions.c.order_id.is_(None), *same)


def told_later(table: Table, figure: str) -> ScalarSelect[Any]:
    """What the last row of `table` says of an execution of the query around; NULL where there is none."""
    mine = table.c.execution_id == executions.c.execution_id
    last = select(table.c[figure]).where(mine).order_by(table.c.sequence.desc()).limit(1)
    return last.correlate(executions).scalar_subquery()


def _last(table: Table, as_of: datetime | None, *where: ColumnElement[bool]) -> Select[Any]:
    """The last row in sequence of each execution, of those known at `as_of`."""
    known = () if as_of is None else (table.c.recorded_at <= as_of,)
    key = table.c.execution_id
    return select(table).where(*known, *where).distinct(key).order_by(key, table.c.sequence.desc())


def _of_execution(rows: Subquery) -> ColumnElement[bool]:
    return rows.c.execution_id == executions.c.execution_id
