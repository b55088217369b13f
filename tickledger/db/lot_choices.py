"""Lots that were identified at a sale, as persons had them recorded (Reg. 1.1012-1(c))."""

from sqlalchemy import Engine, select

from tickledger.db.tables import break_corrections
from tickledger.reconciliation.breaks import CorrectionKind
from tickledger.reconciliation.corrections import lots_of
from tickledger.tax.fills import LotChoice


def read_lot_choices(engine: Engine) -> dict[str, tuple[LotChoice, ...]]:
    """By closing execution, the lots that persons had recorded as identified at the sale; the last word counts."""
    table = break_corrections
    statement = (
        select(table.c.record_values)
        .where(table.c.kind == CorrectionKind.CHOOSE_LOTS)
        .order_by(table.c.recorded_at, table.c.break_correction_id)
    )
    with engine.connect() as connection:
        return dict(lots_of(values) for values in connection.execute(statement).scalars())
