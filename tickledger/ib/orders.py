"""Orders and fills between our words and IB's.

IB knows BUY and SELL: short sales and covers are ours to remember. A fill of an order whose side we know has that
side; of any other, BUY or SELL. Quantities are whole shares, because IB's API takes no fractions of stocks.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from tickledger.domain.broker import BrokerOrder
from tickledger.domain.errors import OrderError
from tickledger.domain.money import exact
from tickledger.domain.order import Order, OrderSide, OrderStatus, OrderType, TimeInForce
from tickledger.execution.algos.broker_algos import BrokerAlgo, algo_parameters, check_base_order
from tickledger.ib import library
from tickledger.ib.library import LibraryObject, is_set

NEW_YORK: Final = ZoneInfo("America/New_York")
_ORDER_TYPES: Final[Mapping[OrderType, str]] = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STP LMT",
}
_OUR_ORDER_TYPES: Final = {theirs: ours for ours, theirs in _ORDER_TYPES.items()}
_LIMITED: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_STOPPED: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
_SIDES: Final = {"BUY": OrderSide.BUY, "BOT": OrderSide.BUY, "SELL": OrderSide.SELL, "SLD": OrderSide.SELL}
#: What IB calls the states of an order; PendingSubmit and ApiPending say only that the gateway has it.
WORKING_STATUSES: Final = frozenset({"PreSubmitted", "Submitted", "PendingCancel"})
ENDED_STATUSES: Final = frozenset({"Cancelled", "ApiCancelled", "Inactive"})
FILLED_STATUS: Final = "Filled"


def refusal(order: Order, *, account_id: str, algo: BrokerAlgo | None = None) -> str | None:
    """Why IB would not take `order`, known before it is sent; None where nothing speaks against it."""
    if algo is not None:
        try:
            check_base_order(order, algo)
        except OrderError as error:
            return str(error)
    if order.account_id != account_id:
        return f"expected an order of account {account_id}, found {order.account_id}"
    if order.quantity <= 0 or order.quantity != order.quantity.to_integral_value():
        return f"expected a whole number of shares, found {order.quantity}: the API takes no fractions"
    if (order.limit_price is not None) != (order.order_type in _LIMITED):
        return f"expected {'a' if order.order_type in _LIMITED else 'no'} limit price of a {order.order_type} order"
    if (order.stop_price is not None) != (order.order_type in _STOPPED):
        return f"expected {'a' if order.order_type in _STOPPED else 'no'} stop price of a {order.order_type} order"
    return None


def ib_contract(symbol: str) -> LibraryObject:
    """A US stock, routed by SMART. IB writes classes of shares with a blank: BRK B."""
    return library.Contract(secType="STK", symbol=symbol.replace(".", " "), exchange="SMART", currency="USD")


def our_symbol(contract: LibraryObject) -> str:
    """The symbol of a contract as we write it."""
    return str(contract.symbol).replace(" ", ".")


def ib_order(order: Order, algo: BrokerAlgo | None = None) -> LibraryObject:
    """`order` in IB's words. The time in force is always said: a preset would set an empty one, with error 10349."""
    sent = library.Order(
        action="BUY" if order.side.sign > 0 else "SELL",
        totalQuantity=int(order.quantity),
        orderType=_ORDER_TYPES[order.order_type],
        tif=order.time_in_force.value,
        orderRef=order.order_id,
        account=order.account_id,
        transmit=True,
    )
    if order.limit_price is not None:
        sent.lmtPrice = float(order.limit_price)
    if order.stop_price is not None:
        sent.auxPrice = float(order.stop_price)
    if algo is not None:
        sent.algoStrategy, parameters = algo_parameters(algo)
        sent.algoParams = [library.TagValue(tag, value) for tag, value in parameters]
    return sent


def shares(quantity: float) -> Decimal:
    """A number of shares as a decimal, whole where it is whole."""
    return Decimal(int(quantity)) if quantity == int(quantity) else Decimal(repr(float(quantity)))


def price(number: float) -> Decimal | None:
    """A price that came over the wire; None where it is not set."""
    return exact(number) if is_set(number) and number else None


def side_of(action: str) -> OrderSide:
    """BUY or SELL, as orders (BUY, SELL) and executions (BOT, SLD) write it; raises KeyError for anything else."""
    return _SIDES[action.upper()]


def broker_order(
    contract: LibraryObject, order: LibraryObject, *, status: OrderStatus, filled: Decimal, reason: str = ""
) -> BrokerOrder:
    """An order as the broker tells it in openOrder or completedOrder."""
    order_type = _OUR_ORDER_TYPES.get(order.orderType)
    return BrokerOrder(
        order_id=order.orderRef or None,
        broker_order_id=str(order.permId),
        account_id=order.account,
        symbol=our_symbol(contract),
        side=side_of(order.action),
        quantity=shares(order.totalQuantity) if order.totalQuantity else filled,
        filled_quantity=filled,
        status=status,
        order_type=order_type,
        raw_type=order.orderType,
        time_in_force=TimeInForce(order.tif) if order.tif in set(TimeInForce) else None,
        limit_price=price(order.lmtPrice) if order_type is None or order_type in _LIMITED else None,
        stop_price=price(order.auxPrice) if order_type is None or order_type in _STOPPED else None,
        client_id=order.clientId,
        reason=reason,
    )


def open_status(ib_status: str, *, filled: Decimal) -> OrderStatus:
    """What an order's status in a list of open or completed orders is to us."""
    if ib_status == FILLED_STATUS:
        return OrderStatus.FILLED
    if ib_status in ENDED_STATUSES:
        return OrderStatus.CANCELLED
    if ib_status in WORKING_STATUSES:
        return OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.SUBMITTED
    return OrderStatus.PENDING


def trade_instant(execution: LibraryObject) -> tuple[datetime, date]:
    """When an execution happened, in UTC, and its New York date."""
    executed_at = execution.time.astimezone(UTC)
    return executed_at, executed_at.astimezone(NEW_YORK).date()
