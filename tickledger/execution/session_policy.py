"""How a session trades: what it decides by, how orders are worked, what guards positions, how the day ends."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from tickledger.domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """The terms of a session that are the strategy's.

    `quote_limit` is how old a symbol's quote may be for an order that opens a position; None asks for no quote.
    `stop_loss` is the part of its average cost a position may lose before its stop order at the broker sells it;
    None sets no stops. `flatten_before` is how long before the close everything that was opened is closed; None holds
    overnight. Nothing is opened within `quiet_before` of the close. `working_time` is the window an execution
    algorithm has for a parent order, None sends orders as they are. Raises ConfigurationError for terms that
    contradict each other.
    """

    quote_limit: timedelta | None = None
    stop_loss: Decimal | None = None
    flatten_before: timedelta | None = None
    quiet_before: timedelta = timedelta(0)
    working_time: timedelta | None = None

    def __post_init__(self) -> None:
        if self.stop_loss is not None and not 0 < self.stop_loss < 1:
            raise ConfigurationError(f"stop_loss: expected a part of the cost between 0 and 1, found {self.stop_loss}")
        for name in ("quote_limit", "flatten_before", "working_time"):
            value: timedelta | None = getattr(self, name)
            if value is not None and value <= timedelta(0):
                raise ConfigurationError(f"{name}: expected a time above 0, found {value}")

    @property
    def last_opening(self) -> timedelta:
        """How long before the close nothing is opened any more."""
        return max(self.quiet_before, self.flatten_before or timedelta(0))
