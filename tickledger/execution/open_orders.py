"""The session's view of its orders: each is journalled before it is sent, and every report on it afterwards."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from tickledger.domain.errors import LedgerError
from tickledger.domain.execution import Execution
from tickledger.domain.order import Order, OrderReport, OrderStatus
from tickledger.domain.ports import Broker, Journal
from tickledger.domain.position import PortfolioState
from tickledger.execution.order_state import OrderState, filled, pending, stepped


def restored(opening: PortfolioState) -> dict[str, OrderState]:
    """The states of the orders that earlier sessions left working; raises LedgerError where the record has gaps."""
    filled_quantities: dict[str, Decimal] = {}
    for execution in opening.working_executions:
        known = filled_quantities.get(execution.order_id, Decimal(0))
        filled_quantities[execution.order_id] = known + execution.quantity
    return {order.order_id: _restored(order, filled_quantities, opening) for order in opening.working_orders}


def _restored(order: Order, filled_quantities: Mapping[str, Decimal], opening: PortfolioState) -> OrderState:
    if order.order_id not in opening.order_sequences:
        raise LedgerError(f"order {order.order_id} is working but has no events")
    quantity = filled_quantities.get(order.order_id, Decimal(0))
    status = OrderStatus.PARTIALLY_FILLED if quantity else OrderStatus.SUBMITTED
    return OrderState(order, status, quantity, opening.order_sequences[order.order_id])


def _age(state: OrderState) -> tuple[datetime, str, str]:
    return state.order.submitted_at, state.order.symbol, state.order.order_id


class OpenOrders:
    """The orders of one session that are not over, and those that ended since `forget_finished`."""

    def __init__(self, *, broker: Broker, journal: Journal, opening: PortfolioState) -> None:
        self._broker = broker
        self._journal = journal
        self._states = restored(opening)

    def working(self) -> list[OrderState]:
        """The states of the orders that may still fill, the earlier first: the same after a restart as without."""
        return sorted((state for state in self._states.values() if not state.is_terminal), key=_age)

    def state(self, order_id: str) -> OrderState:
        """What is known of an order of this session; raises LedgerError for any other."""
        try:
            return self._states[order_id]
        except KeyError:
            raise LedgerError(f"order {order_id} is not one of this session's") from None

    async def submit(self, order: Order) -> None:
        """Write the order and its first event to the journal, then send it."""
        state, event = pending(order)
        self._journal.record_order(order)
        self._journal.record_order_event(event)
        self._states[order.order_id] = state
        await self._broker.place(order)

    async def cancel(self, order_id: str) -> None:
        """Ask the broker to cancel; the order is over only when the broker says so."""
        await self._broker.cancel(order_id)

    def take_report(self, report: OrderReport, *, session_date: date) -> None:
        """Book a step of an order; raises OrderError for an impossible one, LedgerError for an unknown order."""
        state, event = stepped(self.state(report.order_id), report, session_date=session_date)
        self._states[report.order_id] = state
        self._journal.record_order_event(event)

    def take_execution(self, execution: Execution) -> None:
        """Book a fill of an order; raises OrderError for one too many, LedgerError for an unknown order."""
        self._states[execution.order_id] = filled(self.state(execution.order_id), execution)
        self._journal.record_execution(execution)

    def forget_finished(self) -> None:
        """Drop the orders that are over and whose fills are complete."""
        self._states = {state.order.order_id: state for state in self.working()}
