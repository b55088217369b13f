"""Builders of what comes over the wire, in the words of the IB API, and an order of ours."""

from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Final

from tickledger.domain.order import Order, OrderSide, OrderType, TimeInForce
from tickledger.ib.library import UNSET_DOUBLE

ACCOUNT: Final = "DU1234567"
NOON: Final = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


def order(order_id: str = "ord_1", text: str = "BUY 100 AAPL MARKET", **changed: Any) -> Order:
    """An order such as ``"SELL_SHORT 100 AAPL LIMIT 10.50"``."""
    side, quantity, symbol, kind, *prices = text.split()
    order_type = OrderType(kind)
    limit = Decimal(prices[-1]) if order_type in {OrderType.LIMIT, OrderType.STOP_LIMIT} else None
    stop = Decimal(prices[0]) if order_type in {OrderType.STOP, OrderType.STOP_LIMIT} else None
    terms: dict[str, Any] = {
        "order_id": order_id,
        "account_id": ACCOUNT,
        "symbol": symbol,
        "side": OrderSide(side),
        "order_type": order_type,
        "quantity": Decimal(quantity),
        "time_in_force": TimeInForce.DAY,
        "signal_id": "sig_1",
        "risk_decision_id": "risk_1",
        "submitted_at": NOON,
        "session_date": date(2026, 3, 2),
        "limit_price": limit,
        "stop_price": stop,
    }
    return Order(**{**terms, **changed})


def contract(symbol: str = "AAPL") -> SimpleNamespace:
    return SimpleNamespace(symbol=symbol, secType="STK")


def execution(
    execution_id: str,
    shares: float,
    price: float = 100.0,
    *,
    order_id: str = "ord_1",
    side: str = "BOT",
    perm_id: int = 900,
    at: datetime = NOON,
) -> SimpleNamespace:
    return SimpleNamespace(
        execId=execution_id,
        shares=shares,
        price=price,
        orderRef=order_id,
        side=side,
        permId=perm_id,
        clientId=1,
        orderId=1,
        time=at,
        acctNumber=ACCOUNT,
        exchange="NASDAQ",
    )


def commission_report(execution_id: str, commission: float, realized_pnl: float = UNSET_DOUBLE) -> SimpleNamespace:
    return SimpleNamespace(execId=execution_id, commission=commission, currency="USD", realizedPNL=realized_pnl)


def open_order(order_id: str = "ord_1", quantity: float = 100, **changed: Any) -> SimpleNamespace:
    terms = {
        "orderRef": order_id,
        "orderId": 1,
        "clientId": 1,
        "permId": 900,
        "account": ACCOUNT,
        "action": "BUY",
        "totalQuantity": quantity,
        "orderType": "MKT",
        "tif": "DAY",
        "lmtPrice": UNSET_DOUBLE,
        "auxPrice": UNSET_DOUBLE,
        "whatIf": False,
    }
    return SimpleNamespace(**{**terms, **changed})
