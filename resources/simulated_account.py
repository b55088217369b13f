"""The account that replays trade for: simulated by construction, so no backfill can reach a broker."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import dagster as dg

from tickledger.domain.account import Account, Mode
from tickledger.domain.order import RiskLimit

#: Limits hold from before the first bar that any source could bring.
SINCE = date(1900, 1, 1)


class SimulatedAccount(dg.ConfigurableResource[None]):
    """A simulated account: its opening cash (USD), the strategy whose signals it trades, and its risk limits.

    The units of the limits are in `tickledger.domain.order.RISK_LIMIT_UNITS`.
    """

    account_id: str
    owner: str
    opening_cash: str
    strategy: str
    risk_limits: dict[str, str]

    @property
    def account(self) -> Account:
        """The account; its mode cannot be anything but simulated."""
        return Account(self.account_id, Mode.SIMULATED, owner=self.owner)

    @property
    def cash(self) -> Decimal:
        """The cash it opens with, USD."""
        return Decimal(self.opening_cash)

    def limits(self) -> Sequence[RiskLimit]:
        """Its risk limits as the rows that the ledger keeps."""
        return [
            RiskLimit(account_id=self.account_id, name=name, value=Decimal(value), effective_from=SINCE)
            for name, value in self.risk_limits.items()
        ]
