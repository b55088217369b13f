"""The breaks of an account: what reconciliation found and nobody has settled yet, and when it last looked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select

from tickledger.db.breaks import read_breaks
from tickledger.db.tables import reconciliations
from tickledger.reconciliation.breaks import BreakState, TrackedBreak


@dataclass(frozen=True, slots=True)
class Compared:
    """The last comparison with one source."""

    against: str
    compared_at: datetime
    breaks: int


@dataclass(frozen=True, slots=True)
class Breaks:
    """Breaks of an account, the most money first, and the last comparison with each source."""

    tracked: Sequence[TrackedBreak]
    compared: Sequence[Compared]


#: Those that a person has still something to do about, or has just done.
UNSETTLED = (BreakState.OPEN, BreakState.EXPLAINED, BreakState.ACCEPTED)


def breaks_of(engine: Engine, account_id: str, *, with_resolved: bool = False) -> Breaks:
    """What does not agree, and what has been compared."""
    states = tuple(BreakState) if with_resolved else UNSETTLED
    r = reconciliations.c
    last = (
        select(r.against, r.compared_at, r.break_count)
        .where(r.account_id == account_id)
        .distinct(r.against)
        .order_by(r.against, r.compared_at.desc())
    )
    with engine.connect() as connection:
        compared = [Compared(*row) for row in connection.execute(last)]
    return Breaks(read_breaks(engine, account_id=account_id, states=states), compared)
