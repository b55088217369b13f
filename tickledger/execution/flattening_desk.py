"""The desk that closes positions for the kill switch, over the order manager and its durable journal."""

from collections.abc import Callable

from tickledger.domain.errors import OrderError
from tickledger.domain.order import Order, RiskDecision
from tickledger.execution.order_journal import DurableJournal
from tickledger.execution.order_manager import OrderManager


class ManagedDesk:
    """Orders go through the manager; `record_decision` makes what risk said durable before them."""

    def __init__(
        self, manager: OrderManager, journal: DurableJournal, record_decision: Callable[[RiskDecision], None]
    ) -> None:
        self._manager = manager
        self._journal = journal
        self._record_decision = record_decision

    async def submit(self, order: Order, decision: RiskDecision) -> bool:
        """Send an order that is not in the journal yet, and say whether it was sent; raises as `OrderManager.place`.

        Raises OrderError while an order of ours on the same side of the symbol works: the session may have sent one
        meanwhile, and the two would close the position twice.
        """
        if self._journal.find_order(order.account_id, order.order_id):
            return False
        deal = (order.symbol, order.side.sign)
        at_work = [state.order for state in self._manager.working()]
        same = [other.order_id for other in at_work if (other.symbol, other.side.sign) == deal]
        if same:
            raise OrderError(f"expected no other order to {order.side} {order.symbol}, found {', '.join(same)} at work")
        self._record_decision(decision)
        await self._manager.place(order)
        return True
