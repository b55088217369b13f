"""What is settled about a session before it begins, as one value: with its inputs, it can be played again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from tickledger.domain.bar import Bar
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.execution import CashTransaction
from tickledger.domain.order import RiskLimit
from tickledger.domain.position import PortfolioState
from tickledger.domain.signal import Signal
from tickledger.domain.wash_sale import WashSalePolicy
from tickledger.execution.session_policy import SessionPolicy
from tickledger.risk.buying_power import BuyingPowerRule
from tickledger.strategies.sizing import SizingPolicy


@dataclass(frozen=True, slots=True)
class SessionTerms:
    """The terms of one session.

    `strategy` decides by bars of `interval`, or, where there are `signals`, by those at the open. `opening` is the
    close of `opened_on`, `cash` what moved since without a fill; `previous_close` is that close's instant. `origins`
    are the signals that opened what is held. `history` are the minutes of the days before and of today until
    `warmed_until`; `corporate_actions` are those that took effect since the first of them, and since `opened_on`, up
    to the session's open. `symbols` are traded, all where it is None; `ended` are those that never are again.
    `volumes` are average daily shares. `algorithm` works orders over the policy's working time. `pace` is by how much
    the market is faster than the wall.
    """

    account_id: str
    session_date: date
    strategy: str
    interval: str
    policy: SessionPolicy
    sizing: SizingPolicy
    limits: tuple[RiskLimit, ...]
    opening: PortfolioState
    warmed_until: datetime
    opened_on: date | None = None
    previous_close: datetime | None = None
    cash: tuple[CashTransaction, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    history: tuple[Bar, ...] = ()
    corporate_actions: tuple[CorporateAction, ...] = ()
    symbols: tuple[str, ...] | None = None
    ended: frozenset[str] = frozenset()
    signals: tuple[Signal, ...] | None = None
    sectors: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, Decimal] = field(default_factory=dict)
    margin_rule: BuyingPowerRule = BuyingPowerRule.CASH
    wash_sale_policy: WashSalePolicy = WashSalePolicy.WARN
    fees: str = "ib_fixed"
    algorithm: str = "none"
    pace: float = 1.0
