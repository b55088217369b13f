"""Who a position is due to: the strategy and model version behind the order behind the execution.

    execution → order → signal → strategy, model version

A composite's model version is that of the opinions it was made of. Whatever no signal led to has a group of its own,
whose name stands in parentheses where a strategy's would.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from tickledger.domain.execution import Execution


class Origin(NamedTuple):
    """A strategy and the model version it asked ("" where it asked none), or one of the groups below."""

    strategy: str
    model_version_id: str = ""

    @property
    def model(self) -> str:
        """The name of its group among model versions."""
        if self.model_version_id:
            return self.model_version_id
        return self.strategy if self.strategy.startswith("(") else NO_MODEL


#: Strategies that ask no model.
NO_MODEL: Final = "(no model)"
#: Executions of orders that are not ours.
BY_HAND: Final = Origin("(by hand)")
#: Interest, fees and whatever else moved cash that no holding explains.
ACCOUNT: Final = Origin("(account)")
#: A sale takes the shares of its own strategy first; what that is off the account's one average cost. Its total is 0.
POOLED_COST: Final = Origin("(pooled cost)")
#: What balances and positions say that executions, cash and corporate actions do not.
UNEXPLAINED: Final = Origin("(unexplained)")
#: Cents of a session without a piece to bear them.
ROUNDING: Final = Origin("(rounding)")

GROUPS: Final = (BY_HAND, ACCOUNT, POOLED_COST, UNEXPLAINED, ROUNDING)


def origin_of(execution: Execution, origins: Mapping[str, Origin]) -> Origin:
    """The origin of an execution; `origins` is by order id. An order of ours without a signal counts as by hand."""
    return origins.get(execution.order_id, BY_HAND) if execution.order_id else BY_HAND
