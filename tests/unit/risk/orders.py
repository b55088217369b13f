"""Builders of the risk tests: intents in a line of text, an account, controls that nothing reaches."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.trading import ACCOUNT, limits
from tickledger.domain.kill_switch import KillSwitchState
from tickledger.domain.order import OrderSide, OrderType, RiskDecision, RiskLimit
from tickledger.domain.signal import OrderIntent
from tickledger.domain.wash_sale import WashSaleEffect
from tickledger.risk.exposure import Exposure
from tickledger.risk.order_controls import OrderControls, OrderFacts
from tickledger.risk.order_flow import OrderFlow
from tickledger.risk.pre_trade import PreTradeRisk

DAY = date(2026, 6, 10)
NOW = datetime(2026, 6, 10, 15, tzinfo=UTC)
#: 100 A at 50, 200 B at 10, 100 S short at 20; equity 20,000 of which 15,000 are cash.
HELD = Exposure(
    equity=Decimal(20_000),
    cash=Decimal(15_000),
    quantities={"A": Decimal(100), "B": Decimal(200), "S": Decimal(-100)},
    prices={"A": Decimal(50), "B": Decimal(10), "S": Decimal(20)},
    average_costs={"A": Decimal(50), "B": Decimal(10), "S": Decimal(20)},
)
VOLUMES = {name: Decimal(1_000_000) for name in "ABCS"}
ROOMY_CONTROLS = {
    "max_single_name_exposure": "10",
    "max_order_quantity": "1000000",
    "max_order_notional": "100000000",
    "max_price_deviation": "1000",
    "max_price_deviation_bps": "10000",
    "max_volume_participation": "1",
    "max_orders_per_second": "1000",
    "max_orders_per_minute": "1000",
    "max_orders_per_day": "1000",
}


def intent(text: str, *, after: float = 0, signal: str = "sig_1") -> OrderIntent:
    """An intent such as ``"BUY 100 A @ 50"``, ``"… limit 51"``, ``"… stop 52 limit 53"``, seconds after `NOW`."""
    side, quantity, symbol, _, price, *rest = text.split()
    terms = dict(zip(rest[::2], map(Decimal, rest[1::2]), strict=True))
    kinds = {(): OrderType.MARKET, ("limit",): OrderType.LIMIT, ("stop",): OrderType.STOP}
    return OrderIntent(
        account_id=ACCOUNT.account_id,
        symbol=symbol,
        side=OrderSide(side),
        quantity=Decimal(quantity),
        order_type=kinds.get(tuple(terms), OrderType.STOP_LIMIT),
        reference_price=Decimal(price),
        signal_id=signal,
        intended_at=NOW + timedelta(seconds=after),
        session_date=DAY,
        limit_price=terms.get("limit"),
        stop_price=terms.get("stop"),
    )


def plain_cost(side: OrderSide, quantity: Decimal, price: Decimal, _on: date) -> Decimal:
    """Notional and a dollar of charges."""
    return side.sign * quantity * price + 1


def rows(**changed: str) -> list[RiskLimit]:
    """Every limit, none of which anything reaches, but for those that are named."""
    return limits(**{**ROOMY_CONTROLS, **changed})


def facts(**told: Any) -> OrderFacts:
    """Nothing sent yet, the switch never touched, and no loss that would be disallowed."""
    known = {"flow": OrderFlow(), "kill_switch": KillSwitchState(), "wash_sale": WashSaleEffect()}
    return OrderFacts(**{**known, **told})


def risk_of(known: OrderFacts, limit_rows: list[RiskLimit] | None = None, **settings: Any) -> PreTradeRisk:
    """The rules of an account with controls, whose facts are always `known`."""
    controls = OrderControls(facts=lambda _: known, **{"average_daily_volumes": VOLUMES, **settings})
    return PreTradeRisk(rows() if limit_rows is None else limit_rows, plain_cost, controls=controls)


def decide(
    text: str,
    exposure: Exposure = HELD,
    *,
    known: OrderFacts | None = None,
    limit_rows: list[RiskLimit] | None = None,
    **settings: Any,
) -> RiskDecision:
    """The decision on one intent of an account that has sent nothing yet."""
    return risk_of(known or facts(), limit_rows, **settings).check(intent(text), exposure)


def failed(decision: RiskDecision) -> list[str]:
    """The names of the checks that did not pass."""
    return [check.name for check in decision.checks if not check.is_passed]


def value_of(decision: RiskDecision, name: str) -> Decimal:
    """What a check found."""
    return next(check.value for check in decision.checks if check.name == name)


def limit_of(decision: RiskDecision, name: str) -> Decimal:
    """What a check compared with."""
    return next(check.limit for check in decision.checks if check.name == name)


def account(equity: str, cash: str, **positions: str) -> Exposure:
    """An account that holds ``A="100 @ 50"`` and so on."""
    held = {symbol: tuple(map(Decimal, text.split(" @ "))) for symbol, text in positions.items()}
    return replace(
        HELD,
        equity=Decimal(equity),
        cash=Decimal(cash),
        quantities={symbol: shares for symbol, (shares, _) in held.items()},
        prices={symbol: price for symbol, (_, price) in held.items()},
        average_costs={},
    )
