"""The breaks of an account: what reconciliation found and nobody has settled yet, and when it last looked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, Engine, select

from tickledger.db.breaks import read_breaks
from tickledger.db.tables import reconciliations as r
from tickledger.reconciliation.breaks import BreakState, ComparedScope, Comparison, SourceName, Subject, TrackedBreak
from tickledger.reconciliation.three_way import ThreeWay, three_way


@dataclass(frozen=True, slots=True)
class Compared:
    """The last comparison with one source."""

    against: str
    compared_at: datetime
    breaks: int


@dataclass(frozen=True, slots=True)
class Breaks:
    """Breaks of an account, the most money first, and the last comparison with each source.

    `sides` are the differences as ledger, broker and statement have them, those that are ours to mend first; None where
    the account was not compared with both.
    """

    tracked: Sequence[TrackedBreak]
    compared: Sequence[Compared]
    sides: Sequence[ThreeWay] | None = None


#: Those that a person has still something to do about, or has just done.
UNSETTLED = (BreakState.OPEN, BreakState.EXPLAINED, BreakState.ACCEPTED)


def breaks_of(engine: Engine, account_id: str, *, with_resolved: bool = False) -> Breaks:
    """What does not agree, and what has been compared."""
    states = tuple(BreakState) if with_resolved else UNSETTLED
    last = (
        select(r.c.against, r.c.compared_at, r.c.break_count)
        .where(r.c.account_id == account_id)
        .distinct(r.c.against)
        .order_by(r.c.against, r.c.compared_at.desc())
    )
    with engine.connect() as connection:
        compared = [Compared(*row) for row in connection.execute(last)]
        scopes = _scopes(connection, account_id)
    tracked = read_breaks(engine, account_id=account_id, states=states)
    return Breaks(tracked, compared, _sides(tracked, scopes))


def _scopes(connection: Connection, account_id: str) -> Mapping[SourceName, ComparedScope]:
    """What was last compared with a statement, and with the broker on the day on which that statement ends.

    Where the broker was not asked on that day, it is the last time that it was.
    """
    told = _last_scope(connection, account_id, SourceName.STATEMENT)
    if told is None:
        return {}
    asked = _last_scope(connection, account_id, SourceName.BROKER, r.c.end_date == told.end_date)
    asked = asked or _last_scope(connection, account_id, SourceName.BROKER)
    return {SourceName.STATEMENT: told} | ({} if asked is None else {SourceName.BROKER: asked})


def _last_scope(
    connection: Connection, account_id: str, against: SourceName, *where: ColumnElement[bool]
) -> ComparedScope | None:
    mine = (r.c.account_id == account_id, r.c.against == against, *where)
    statement = select(r.c.subjects, r.c.start_date, r.c.end_date).where(*mine).order_by(r.c.compared_at.desc())
    row = connection.execute(statement.limit(1)).first()
    if row is None:
        return None
    return ComparedScope(account_id, against, frozenset(map(Subject, row.subjects)), row.start_date, row.end_date)


def _sides(tracked: Sequence[TrackedBreak], scopes: Mapping[SourceName, ComparedScope]) -> Sequence[ThreeWay] | None:
    """Each difference that is still there with the word of all three; what follows from another is left out."""
    if len(scopes) < len((SourceName.BROKER, SourceName.STATEMENT)):
        return None
    there = [one.found for one in tracked if one.state is not BreakState.RESOLVED]
    sides = {
        against: Comparison(scope, tuple(found for found in there if found.against is against), {})
        for against, scope in scopes.items()
    }
    roots = {found.break_id: found.money_at_stake for found in there if not found.because_of}
    pairs = three_way(sides[SourceName.BROKER], sides[SourceName.STATEMENT])
    shown = [pair for pair in pairs if not roots.keys().isdisjoint(pair.break_ids)]
    return sorted(shown, key=lambda pair: (not pair.is_ours_to_mend, -_worth(pair, roots)))


def _worth(pair: ThreeWay, roots: Mapping[str, Decimal]) -> Decimal:
    """The money at stake, USD, by whichever of the two comparisons it is more."""
    return max(roots.get(name, Decimal(0)) for name in pair.break_ids)
