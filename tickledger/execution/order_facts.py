"""The facts that risk asks for at the moment of an order, gathered for one account of a running session."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from time import monotonic
from typing import Final

from tickledger.domain.kill_switch import KillSwitchState
from tickledger.domain.signal import OrderIntent
from tickledger.execution.wash_sale_awareness import WashSaleAwareness
from tickledger.risk.buying_power import MarginFacts
from tickledger.risk.order_controls import OrderFacts
from tickledger.risk.order_flow import OrderFlow

#: How long the kill switch that was read for one order of a turn counts for its others, seconds of the wall.
AT_ONCE: Final = 0.05


@dataclass(slots=True)
class AccountFacts:
    """Called with an intent, it tells what `OrderControls` ask; the session keeps `locates` and `margin` current.

    `read_kill_switch` is asked anew for every order, but for those that one turn decides within `AT_ONCE` seconds:
    dozens of them leave together. Without `wash_sales` nobody looks for them, and checks say so.
    """

    read_kill_switch: Callable[[], KillSwitchState]
    wash_sales: WashSaleAwareness | None = None
    flow: OrderFlow = field(default_factory=OrderFlow)
    locates: Mapping[str, Decimal] = field(default_factory=dict)
    margin: MarginFacts = field(default_factory=MarginFacts)
    _read: tuple[datetime, float, KillSwitchState] | None = None

    def __call__(self, intent: OrderIntent) -> OrderFacts:
        """What is known at the moment of `intent`."""
        return OrderFacts(
            flow=self.flow,
            kill_switch=self._kill_switch(intent.intended_at),
            locates=self.locates,
            margin=self.margin,
            wash_sale=None if self.wash_sales is None else self.wash_sales.of_intent(intent),
        )

    def _kill_switch(self, intended_at: datetime) -> KillSwitchState:
        now = monotonic()
        if self._read is not None and self._read[0] == intended_at and now - self._read[1] < AT_ONCE:
            return self._read[2]
        state = self.read_kill_switch()
        self._read = intended_at, now, state
        return state
