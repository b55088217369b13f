"""The order that risk lets out of an intent."""

from tickledger.domain.ids import identified
from tickledger.domain.order import Order, RiskDecision
from tickledger.domain.signal import OrderIntent


def order_of(intent: OrderIntent, decision: RiskDecision) -> Order:
    """The order that `decision` lets out: the intent in the approved quantity, under an id of its own."""
    order = Order(
        order_id="",
        account_id=intent.account_id,
        symbol=intent.symbol,
        side=intent.side,
        order_type=intent.order_type,
        quantity=decision.approved_quantity,
        time_in_force=intent.time_in_force,
        signal_id=intent.signal_id,
        risk_decision_id=decision.risk_decision_id,
        submitted_at=intent.intended_at,
        session_date=intent.session_date,
        limit_price=intent.limit_price,
        stop_price=intent.stop_price,
    )
    return identified("ord", order)
