"""Lots that were identified at a sale, as persons had them recorded (Reg. 1.1012-1(c))."""

from datetime import datetime

from sqlalchemy import Engine, select

from tickledger.db.tables import break_corrections
from tickledger.reconciliation.breaks import CorrectionKind
from tickledger.reconciliation.corrections import lots_of
from tickledger.tax.fills import LotChoice


def read_lot_choices(engine: Engine, *, as_of: datetime | None = None) -> dict[str, tuple[LotChoice, ...]]:
    """By closing execution, the lots that persons had recorded as identified at the sale; the last word counts.

    `as_of`: as they were recorded until then.
    """
    table = break_corrections
    known = () if as_of is None else (table.c.recorded_at <= as_of,)
    statement = (
        select(table.c.record_values)
        .where(table.c.kind == CorrectionKind.CHOOSE_LOTS, *known)
        .order_by(table.c.recorded_at, table.c.break_correction_id)
    )
    with engine.connect() as connection:
        return dict(lots_of(values) for values in connection.execute(statement).scalars())
