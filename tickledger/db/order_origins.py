"""What every order has to come from: a risk decision that let it out, and the signal behind that decision."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Engine, and_, select

from tickledger.db.tables import orders, risk_decisions, signals
from tickledger.db.versions import current, refusals


@dataclass(frozen=True, slots=True)
class OrderOrigins:
    """How many orders an account placed in a session, and the ids of those whose origin does not hold."""

    orders: int
    undecided: tuple[str, ...]
    unsignalled: tuple[str, ...]

    @property
    def are_complete(self) -> bool:
        """Whether every order was let out by a decision on its own signal."""
        return not (self.undecided or self.unsignalled)


def read_order_origins(engine: Engine, account_id: str, session_date: date) -> OrderOrigins:
    """Look up decision and signal of every order that `account_id` placed in a session.

    A decision counts where it approved the order's symbol; a signal where decision and order name the same. Whether
    that is one of the symbol, or of what became it, the record has seen to.
    """
    decision = and_(
        risk_decisions.c.risk_decision_id == orders.c.risk_decision_id,
        risk_decisions.c.symbol_id == orders.c.symbol_id,
        risk_decisions.c.is_approved,
    )
    signal = and_(
        signals.c.signal_id == orders.c.signal_id,
        risk_decisions.c.signal_id.is_(None) | (risk_decisions.c.signal_id == signals.c.signal_id),
    )
    statement = (
        select(orders.c.order_id, risk_decisions.c.risk_decision_id.label("decided"), signals.c.signal_id)
        .select_from(orders.outerjoin(risk_decisions, decision).outerjoin(signals, signal))
        .where(current(orders), orders.c.account_id == account_id, orders.c.session_date == session_date)
        .order_by(orders.c.order_id)
    )
    with refusals("orders"), engine.connect() as connection:
        rows = connection.execute(statement).all()
    return OrderOrigins(
        orders=len(rows),
        undecided=tuple(row.order_id for row in rows if row.decided is None),
        unsignalled=tuple(row.order_id for row in rows if row.signal_id is None),
    )
