"""A client that uses IB's own ibapi, of 9.81 or of 10.x: commands in, facts out, JSON lines.

Runs with the Python of the library's own environment, so it imports nothing of this project.
"""
# ruff: noqa: ARG002, N802, N803, PLR0917  names and arguments are the API's

import importlib
import inspect
import json
import logging
import sys
import threading
import time
import traceback
from decimal import Decimal
from typing import Any

EClient: Any = importlib.import_module("ibapi.client").EClient
EWrapper: Any = importlib.import_module("ibapi.wrapper").EWrapper
Contract: Any = importlib.import_module("ibapi.contract").Contract
Order: Any = importlib.import_module("ibapi.order").Order
TagValue: Any = importlib.import_module("ibapi.tag_value").TagValue
ExecutionFilter: Any = importlib.import_module("ibapi.execution").ExecutionFilter
IS_NEW = "manualCancelOrderTime" in inspect.signature(EClient.cancelOrder).parameters or (
    "orderCancel" in inspect.signature(EClient.cancelOrder).parameters
)
WAIT = 5.0
ACCOUNT = "DU1234567"


def cancel_argument() -> list[Any]:
    if not IS_NEW:
        return []
    module: Any = importlib.import_module("ibapi.order_cancel")
    return [module.OrderCancel()]


class Strange(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or record.levelno >= logging.ERROR:
            self.lines.append(f"{record.name}: {record.getMessage()}: {record.exc_info}")


class App(EWrapper, EClient):  # type: ignore[misc]
    def __init__(self) -> None:
        EClient.__init__(self, self)
        self.next_id = 0
        self.accounts: list[str] = []
        self.errors: list[list[Any]] = []
        self.orders: dict[int, dict[str, Any]] = {}
        self.listed: list[dict[str, Any]] = []
        self.finished: list[dict[str, Any]] = []
        self.executions: list[dict[str, Any]] = []
        self.asked_executions: list[dict[str, Any]] = []
        self.commissions: dict[str, float] = {}
        self.quotes: dict[int, dict[str, float]] = {}
        self.ticks: dict[str, int] = {}
        self.bars: list[list[float]] = []
        self.past: dict[int, list[list[Any]]] = {}
        self.updates = 0
        self.held: dict[str, float] = {}
        self.summary_values: dict[str, str] = {}
        self.values: dict[str, str] = {}
        self.portfolio_held: dict[str, float] = {}
        self.profit_told: dict[str, float] = {}
        self.details: dict[int, Any] = {}
        self.margins: dict[str, float] = {}
        self.answers: dict[str, Any] = {}
        self.ended: dict[Any, threading.Event] = {}

    def wait(self, key: Any) -> None:
        if not self.ended.setdefault(key, threading.Event()).wait(WAIT):
            raise TimeoutError(f"no answer to {key}")

    def end(self, key: Any) -> None:
        self.ended.setdefault(key, threading.Event()).set()

    # What the gateway tells.

    def nextValidId(self, orderId: int) -> None:
        self.next_id = max(self.next_id, orderId)
        self.end("nextValidId")

    def managedAccounts(self, accountsList: str) -> None:
        self.accounts = accountsList.split(",")

    def error(self, reqId: int, *rest: Any) -> None:
        code, text = rest[0], rest[1]
        if IS_NEW and isinstance(rest[1], int):
            code, text = rest[1], rest[2]
        self.errors.append([reqId, code, text])
        if reqId >= 0 and code not in {202, 10167, 2104, 2106, 2158, 10349}:
            self.end(reqId)

    def contractDetails(self, reqId: int, contractDetails: Any) -> None:
        self.details[reqId] = contractDetails

    def contractDetailsEnd(self, reqId: int) -> None:
        self.end(reqId)

    def openOrder(self, orderId: int, contract: Any, order: Any, orderState: Any) -> None:
        if order.whatIf:
            self.margins = {"change": float(orderState.initMarginChange), "after": float(orderState.initMarginAfter)}
            self.end(orderId)
            return
        told = told_order(orderId, order)
        self.orders.setdefault(orderId, {}).update(told | {"status": orderState.status})
        self.listed.append(told)

    def openOrderEnd(self) -> None:
        self.end("openOrders")

    def orderStatus(self, orderId: int, status: str, filled: Any, remaining: Any, avgFillPrice: float, *_: Any) -> None:
        told = {"status": status, "filled": float(filled), "remaining": float(remaining), "average": avgFillPrice}
        if orderId not in self.orders:
            strange.lines.append(f"orderStatus of {orderId} before its openOrder")
        self.orders.setdefault(orderId, {}).update(told)

    def completedOrder(self, contract: Any, order: Any, orderState: Any) -> None:
        self.finished.append(
            {
                "ref": order.orderRef,
                "perm_id": order.permId,
                "status": orderState.status,
                "filled": float(order.filledQuantity),
                "type": order.orderType,
            }
        )

    def completedOrdersEnd(self) -> None:
        self.end("completed")

    def execDetails(self, reqId: int, contract: Any, execution: Any) -> None:
        told = {
            "exec_id": execution.execId,
            "order_id": execution.orderId,
            "perm_id": execution.permId,
            "side": execution.side,
            "shares": float(execution.shares),
            "price": execution.price,
            "ref": execution.orderRef,
        }
        (self.executions if reqId == -1 else self.asked_executions).append(told)

    def execDetailsEnd(self, reqId: int) -> None:
        self.end(reqId)

    def commissionReport(self, report: Any) -> None:
        self.commissions[report.execId] = report.commission

    def commissionAndFeesReport(self, report: Any) -> None:
        self.commissions[report.execId] = report.commissionAndFees

    def tickPrice(self, reqId: int, tickType: int, price: float, attrib: Any) -> None:
        name = {1: "bid", 2: "ask", 4: "last", 9: "close"}.get(tickType)
        if name is not None:
            self.quotes.setdefault(reqId, {})[name] = price

    def tickSize(self, reqId: int, tickType: int, size: Any) -> None:
        if tickType == 8:
            self.quotes.setdefault(reqId, {})["volume"] = float(size)

    def tickByTickAllLast(self, reqId: int, tickType: int, *_: Any) -> None:
        self.count("AllLast" if tickType == 2 else "Last")

    def tickByTickBidAsk(self, *_: Any) -> None:
        self.count("BidAsk")

    def tickByTickMidPoint(self, *_: Any) -> None:
        self.count("MidPoint")

    def count(self, kind: str) -> None:
        self.ticks[kind] = self.ticks.get(kind, 0) + 1

    def realtimeBar(
        self, reqId: int, at: int, open_: float, high: float, low: float, close: float, volume: Any, *_: Any
    ) -> None:
        self.bars.append([open_, high, low, close, float(volume)])

    def historicalData(self, reqId: int, bar: Any) -> None:
        told = [bar.date, bar.open, bar.high, bar.low, bar.close, float(bar.volume)]
        self.past.setdefault(reqId, []).append(told)

    def historicalDataEnd(self, reqId: int, start: str, end: str) -> None:
        self.end(reqId)

    def historicalDataUpdate(self, reqId: int, bar: Any) -> None:
        self.updates += 1

    def position(self, account: str, contract: Any, position: Any, avgCost: float) -> None:
        self.held[contract.symbol] = float(position)

    def positionEnd(self) -> None:
        self.end("positions")

    def accountSummary(self, reqId: int, account: str, tag: str, value: str, currency: str) -> None:
        self.summary_values[tag] = value

    def accountSummaryEnd(self, reqId: int) -> None:
        self.end(reqId)

    def updateAccountValue(self, key: str, val: str, currency: str, accountName: str) -> None:
        self.values[key] = val

    def updatePortfolio(self, contract: Any, position: Any, *_: Any) -> None:
        self.portfolio_held[contract.symbol] = float(position)

    def accountDownloadEnd(self, accountName: str) -> None:
        self.end("account")

    def pnl(self, reqId: int, dailyPnL: float, unrealizedPnL: float, realizedPnL: float) -> None:
        self.profit_told |= {"daily": dailyPnL, "unrealized": unrealizedPnL}

    def pnlSingle(self, reqId: int, pos: Any, *_: Any) -> None:
        self.profit_told["position"] = float(pos)
        self.end("profit")

    def currentTime(self, at: int) -> None:
        self.answers["time"] = at
        self.end("time")

    def headTimestamp(self, reqId: int, headTimestamp: str) -> None:
        self.answers["head"] = headTimestamp
        self.end(reqId)

    def symbolSamples(self, reqId: int, contractDescriptions: Any) -> None:
        self.answers["matching"] = [one.contract.symbol for one in contractDescriptions]
        self.end(reqId)


def told_order(order_id: int, order: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "client_id": order.clientId,
        "perm_id": order.permId,
        "ref": order.orderRef,
        "type": order.orderType,
        "limit": order.lmtPrice,
        "tif": order.tif,
        "algo": order.algoStrategy,
        "algo_params": {one.tag: one.value for one in order.algoParams or ()},
        "parent": order.parentId,
        "oca": order.ocaGroup,
    }


class Client:
    def __init__(self) -> None:
        self.app = App()
        self.contracts: dict[str, Any] = {}
        self.lines: dict[str, int] = {}
        self.placed: dict[int, Any] = {}
        self.kept: list[list[Any]] = []

    def new_id(self) -> int:
        self.app.next_id += 1
        return self.app.next_id - 1

    def connect(self, port: int, client_id: int) -> Any:
        previous, self.app = self.app, App()
        self.app.errors, self.app.executions = previous.errors, previous.executions
        self.app.commissions = previous.commissions
        app = self.app
        app.connect("127.0.0.1", port, client_id)
        threading.Thread(target=app.run, daemon=True).start()
        app.wait("nextValidId")
        first = app.next_id
        app.next_id = max(app.next_id, 1)
        app.reqPositions()
        app.wait("positions")
        app.reqOpenOrders()
        app.wait("openOrders")
        app.reqAccountUpdates(True, ACCOUNT)
        app.wait("account")
        return {"accounts": app.accounts, "next_id": first, "version": app.serverVersion()}

    def disconnect(self) -> None:
        reader, told = self.app.reader, len(strange.lines)
        self.app.disconnect()
        # The socket closes only when the library's reading thread has noticed.
        reader.join(WAIT)
        # That thread may stumble over the socket that is gone: it is the library's own race, no message is in it.
        strange.lines[told:] = [line for line in strange.lines[told:] if not line.startswith("thread: ")]

    def qualify(self, symbol: str) -> Any:
        contract = Contract()
        contract.symbol, contract.secType, contract.exchange, contract.currency = symbol, "STK", "SMART", "USD"
        number = self.new_id()
        self.app.reqContractDetails(number, contract)
        self.app.wait(number)
        details = self.app.details.get(number)
        if details is None:
            return None
        self.contracts[symbol] = details.contract
        return {
            "con_id": details.contract.conId,
            "primary": details.contract.primaryExchange,
            "min_tick": details.minTick,
            "hours": details.liquidHours,
            "name": details.longName,
            "types": details.orderTypes,
        }

    def stream(self, symbol: str) -> None:
        self.lines[symbol] = self.new_id()
        self.app.reqMktData(self.lines[symbol], self.contracts[symbol], "233", False, False, [])

    def stop_stream(self, symbol: str) -> None:
        self.app.cancelMktData(self.lines[symbol])

    def tick_by_tick(self, symbol: str, kind: str) -> None:
        self.app.reqTickByTickData(self.new_id(), self.contracts[symbol], kind, 0, False)

    def realtime_bars(self, symbol: str) -> None:
        self.app.reqRealTimeBars(self.new_id(), self.contracts[symbol], 5, "TRADES", False, [])

    def past(self, symbol: str, duration: str, size: str, what: str, keeps_up: bool) -> Any:  # noqa: FBT001
        number = self.new_id()
        self.app.reqHistoricalData(number, self.contracts[symbol], "", duration, size, what, 1, 1, keeps_up, [])
        self.app.wait(number)
        return self.app.past.get(number, [])

    def place(self, symbol: str, terms: dict[str, Any]) -> int:
        number = terms.pop("order_id", 0)
        order = self.placed.get(number)
        if order is None:
            order = Order()
            # The old library sends these by default, and TWS refuses them nowadays.
            order.eTradeOnly = order.firmQuoteOnly = False
        number = number or terms.pop("orderId", 0) or self.new_id()
        terms.pop("orderId", None)
        params = terms.pop("algoParams", None)
        for name, value in terms.items():
            setattr(order, name, Decimal(str(value)) if name == "totalQuantity" and IS_NEW else value)
        if params:
            order.algoParams = []
            for tag, value in params.items():
                order.algoParams.append(tag_value(tag, value))
        self.placed[number] = order
        self.app.placeOrder(number, self.contracts[symbol], order)
        return int(number)

    def cancel(self, order_id: int) -> None:
        self.app.cancelOrder(order_id, *cancel_argument())

    def cancel_all(self) -> None:
        self.app.reqGlobalCancel(*cancel_argument())

    def open_orders(self, of_all: bool) -> Any:  # noqa: FBT001
        self.app.listed.clear()
        self.app.ended.pop("openOrders", None)
        (self.app.reqAllOpenOrders if of_all else self.app.reqOpenOrders)()
        self.app.wait("openOrders")
        return self.app.listed

    def completed(self) -> Any:
        self.app.finished.clear()
        self.app.ended.pop("completed", None)
        self.app.reqCompletedOrders(False)
        self.app.wait("completed")
        return self.app.finished

    def ask_executions(self, side: str) -> Any:
        number = self.new_id()
        asked = ExecutionFilter()
        asked.side = side
        self.app.asked_executions.clear()
        self.app.reqExecutions(number, asked)
        self.app.wait(number)
        return self.app.asked_executions

    def positions(self) -> Any:
        return {symbol: held for symbol, held in self.app.held.items() if held}

    def summary(self) -> Any:
        number = self.new_id()
        self.app.reqAccountSummary(number, "All", "NetLiquidation,TotalCashValue,BuyingPower,$LEDGER")
        self.app.wait(number)
        self.app.cancelAccountSummary(number)
        return self.app.summary_values

    def account(self) -> Any:
        held = {symbol: one for symbol, one in self.app.portfolio_held.items() if one}
        return {"values": self.app.values, "portfolio": held}

    def profit(self, symbol: str) -> Any:
        self.app.reqPnL(self.new_id(), ACCOUNT, "")
        self.app.reqPnLSingle(self.new_id(), ACCOUNT, "", self.contracts[symbol].conId)
        self.app.wait("profit")
        return self.app.profit_told

    def what_if(self, symbol: str, terms: dict[str, Any]) -> Any:
        number = self.new_id()
        self.place(symbol, terms | {"orderId": number, "whatIf": True})
        self.app.wait(number)
        return self.app.margins

    def time(self) -> str:
        self.app.reqCurrentTime()
        self.app.wait("time")
        return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(self.app.answers["time"]))

    def head(self, symbol: str) -> str:
        number = self.new_id()
        self.app.reqHeadTimeStamp(number, self.contracts[symbol], "TRADES", 1, 1)
        self.app.wait(number)
        return str(self.app.answers["head"])

    def matching(self, pattern: str) -> Any:
        number = self.new_id()
        self.app.reqMatchingSymbols(number, pattern)
        self.app.wait(number)
        return self.app.answers["matching"]

    def state(self) -> Any:
        app = self.app
        return {
            "connected": app.isConnected(),
            "errors": app.errors,
            "orders": app.orders,
            "executions": app.executions,
            "commissions": app.commissions,
            "quotes": {symbol: app.quotes.get(number, {}) for symbol, number in self.lines.items()},
            "ticks": app.ticks,
            "bars": app.bars,
            "updates": app.updates,
            "strange": strange.lines,
        }


def tag_value(tag: str, value: str) -> Any:
    one = TagValue()
    one.tag, one.value = tag, value
    return one


def serve() -> None:
    client = Client()
    while line := sys.stdin.readline():
        said = json.loads(line)
        try:
            answer = {"result": getattr(client, said["do"])(*said["arguments"])}
        except Exception as error:  # noqa: BLE001  whatever it is, the test has to see it
            answer = {"error": f"{error!r} {traceback.format_exc()}"}
        print(json.dumps(answer, default=str), flush=True)


strange = Strange()
logging.getLogger().addHandler(strange)
threading.excepthook = lambda found: strange.lines.append(f"thread: {found.exc_type} {found.exc_value}")
serve()
