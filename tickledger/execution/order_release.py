"""What risk lets out in one turn leaves together: written down in one transaction, and then sent, each in its turn.

An order that waits counts for whatever risk is asked meanwhile, as if it had been sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tickledger.domain.errors import TickledgerError
from tickledger.domain.order import Order, RiskDecision
from tickledger.domain.ports import Journal
from tickledger.domain.signal import OrderIntent
from tickledger.execution.account_book import AccountBook
from tickledger.execution.order_manager import OrderManager
from tickledger.execution.order_state import OrderState
from tickledger.risk.pre_trade import PreTradeRisk
from tickledger.risk.question import Moment


@dataclass(frozen=True, slots=True)
class Unsent:
    """An order that risk let out and that was not sent: what was meant, what risk said, and why it was not sent."""

    intent: OrderIntent
    decision: RiskDecision
    error: TickledgerError


class OrderRelease:
    """The orders of one turn between risk and the order manager."""

    def __init__(self, *, account: AccountBook, orders: OrderManager, risk: PreTradeRisk, journal: Journal) -> None:
        self._account = account
        self._orders = orders
        self._risk = risk
        self._journal = journal
        self._waiting: dict[Order, tuple[OrderIntent, RiskDecision]] = {}
        self._refusals: list[RiskDecision] = []

    def has(self, symbol: str) -> bool:
        """Whether an order of a symbol waits."""
        return any(order.symbol == symbol for order in self._waiting)

    def decide(self, intent: OrderIntent, moment: Sequence[Moment]) -> RiskDecision:
        """What risk says of an intent; asked anew each time, because an order just let out counts for the next one.

        A refusal is recorded with the next `send` or `drop`.
        """
        working = (*self._orders.working(), *map(OrderState, self._waiting))
        exposure = self._account.exposure(working, intent.session_date, self._risk.estimate_cost)
        decision = self._risk.check(intent, exposure, moment=moment)
        if not decision.is_approved:
            self._refusals.append(decision)
        return decision

    def add(self, order: Order, intent: OrderIntent, decision: RiskDecision) -> None:
        """Have an order wait until the others of its turn are decided."""
        self._waiting[order] = (intent, decision)

    async def send(self) -> list[Unsent]:
        """Send what waits, once all that it rests on is durable; what could not be sent, which is recorded too.

        Raises FencedError where another process trades the account, ConfigurationError and LedgerError where the
        record fails: then nothing was sent.
        """
        waiting, self._waiting = self._waiting, {}
        refused: Mapping[str, TickledgerError] = {}
        if waiting:
            await self._journal.flushed()
            refused = await self._orders.place_all({order: decision for order, (_, decision) in waiting.items()})
        unsent = [Unsent(*waiting[order], refused[order.order_id]) for order in waiting if order.order_id in refused]
        self._refusals += [each.decision for each in unsent]
        self.drop()
        return unsent

    def drop(self) -> None:
        """Forget what waits: something has failed before it could be sent."""
        self._waiting = {}
        refusals, self._refusals = self._refusals, []
        for decision in refusals:
            self._journal.record_risk_decision(decision)
