"""The facts that risk asks for at the moment of an order, gathered for one account of a running session."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tickledger.domain.kill_switch import KillSwitchState
from tickledger.domain.signal import OrderIntent
from tickledger.execution.wash_sale_awareness import WashSaleAwareness
from tickledger.risk.buying_power import MarginFacts
from tickledger.risk.order_controls import OrderFacts
from tickledger.risk.order_flow import OrderFlow


@dataclass(slots=True)
class AccountFacts:
    """Called with an intent, it tells what `OrderControls` ask; the session keeps `locates` and `margin` current.

    `read_kill_switch` is asked anew for every order. Without `wash_sales` nobody looks for them, and checks say so.
    """

    read_kill_switch: Callable[[], KillSwitchState]
    wash_sales: WashSaleAwareness | None = None
    flow: OrderFlow = field(default_factory=OrderFlow)
    locates: Mapping[str, Decimal] = field(default_factory=dict)
    margin: MarginFacts = field(default_factory=MarginFacts)

    def __call__(self, intent: OrderIntent) -> OrderFacts:
        """What is known at the moment of `intent`."""
        return OrderFacts(
            flow=self.flow,
            kill_switch=self.read_kill_switch(),
            locates=self.locates,
            margin=self.margin,
            wash_sale=None if self.wash_sales is None else self.wash_sales.of_intent(intent),
        )
