"""A client that uses ib_insync or ib_async (named by the first argument): commands in, facts out, JSON lines.

Runs with the Python of the library's own environment, so it imports nothing of this project.
"""

import asyncio
import importlib
import json
import logging
import sys
from typing import Any

library: Any = importlib.import_module(sys.argv[1])
STRANGE = ("No order found", "Unknown reqId", "Traceback", "Error for", "Error handling", "decode")
SUMMARY_SECONDS = 0.3


class Strange(logging.Handler):
    """Keeps what the library logs where it did not understand the gateway."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info or "ecoder" in record.name or any(word in text for word in STRANGE):
            self.lines.append(f"{record.name}: {text}: {record.exc_info}")


class Client:
    def __init__(self) -> None:
        self.ib: Any = None
        self.contracts: dict[str, Any] = {}
        self.orders: dict[int, Any] = {}
        self.errors: list[list[Any]] = []
        self.tickers: dict[str, Any] = {}
        self.ticks: dict[str, int] = {}
        self.bars: list[Any] = []
        self.history: Any = None
        self.executions: list[dict[str, Any]] = []
        self.commissions: dict[str, float] = {}
        self.updates = 0

    async def connect(self, port: int, client_id: int) -> Any:
        ib = self.ib = library.IB()
        ib.errorEvent += lambda number, code, text, *_: self.errors.append([number, code, text])
        ib.execDetailsEvent += lambda _, fill: self.executions.append(execution_of(fill.execution))
        ib.commissionReportEvent += lambda _, __, report: self.commissions.update({report.execId: report.commission})
        await ib.connectAsync("127.0.0.1", port, clientId=client_id, timeout=5)
        return {"accounts": ib.managedAccounts(), "next_id": ib.client._reqIdSeq, "version": ib.client.serverVersion()}

    async def disconnect(self) -> None:
        self.ib.disconnect()
        self.orders.clear()

    async def qualify(self, symbol: str) -> Any:
        found = await self.ib.reqContractDetailsAsync(library.Stock(symbol, "SMART", "USD"))
        if not found:
            return None
        details = found[0]
        self.contracts[symbol] = details.contract
        return {
            "con_id": details.contract.conId,
            "primary": details.contract.primaryExchange,
            "min_tick": details.minTick,
            "hours": details.liquidHours,
            "name": details.longName,
            "types": details.orderTypes,
        }

    async def stream(self, symbol: str) -> None:
        self.tickers[symbol] = self.ib.reqMktData(self.contracts[symbol], "233", False, False)

    async def stop_stream(self, symbol: str) -> None:
        self.ib.cancelMktData(self.contracts[symbol])

    async def tick_by_tick(self, symbol: str, kind: str) -> None:
        ticker = self.ib.reqTickByTickData(self.contracts[symbol], kind)

        def count(found: Any) -> None:
            self.ticks[kind] = self.ticks.get(kind, 0) + sum(fits(tick, kind) for tick in found.tickByTicks)

        ticker.updateEvent += count

    async def realtime_bars(self, symbol: str) -> None:
        self.bars = self.ib.reqRealTimeBars(self.contracts[symbol], 5, "TRADES", False)

    async def past(self, symbol: str, duration: str, size: str, what: str, keeps_up: bool) -> Any:  # noqa: FBT001
        found = await self.ib.reqHistoricalDataAsync(
            self.contracts[symbol], "", duration, size, what, True, 1, keepUpToDate=keeps_up
        )
        if keeps_up:
            self.history = found
            found.updateEvent += self._grown
        return [[str(bar.date), bar.open, bar.high, bar.low, bar.close, float(bar.volume)] for bar in found]

    def _grown(self, *_: Any) -> None:
        self.updates += 1

    async def place(self, symbol: str, terms: dict[str, Any]) -> int:
        order = self.orders.get(terms.pop("order_id", 0)) or library.Order()
        params = terms.pop("algoParams", None)
        for name, value in terms.items():
            setattr(order, name, value)
        if params:
            order.algoParams = [library.TagValue(tag, value) for tag, value in params.items()]
        trade = self.ib.placeOrder(self.contracts[symbol], order)
        self.orders[trade.order.orderId] = trade.order
        return int(trade.order.orderId)

    async def new_id(self) -> int:
        return int(self.ib.client.getReqId())

    async def cancel(self, order_id: int) -> None:
        self.ib.client.cancelOrder(order_id, "")

    async def cancel_all(self) -> None:
        self.ib.reqGlobalCancel()

    async def open_orders(self, of_all: bool) -> Any:  # noqa: FBT001
        ask = self.ib.reqAllOpenOrdersAsync if of_all else self.ib.reqOpenOrdersAsync
        found = await ask()
        return [told_order(getattr(one, "order", one)) for one in found]

    async def completed(self) -> Any:
        found = await self.ib.reqCompletedOrdersAsync(False)
        return [
            {
                "ref": one.order.orderRef,
                "perm_id": one.order.permId,
                "status": one.orderStatus.status,
                "filled": float(one.order.filledQuantity),
                "type": one.order.orderType,
            }
            for one in found
        ]

    async def ask_executions(self, side: str) -> Any:
        asked = library.ExecutionFilter(side=side)
        return [execution_of(fill.execution) for fill in await self.ib.reqExecutionsAsync(asked)]

    async def positions(self) -> Any:
        return {one.contract.symbol: one.position for one in self.ib.positions()}

    async def summary(self) -> Any:
        return {one.tag: one.value for one in await self.ib.accountSummaryAsync()}

    async def account(self) -> Any:
        values = {one.tag: one.value for one in self.ib.accountValues() if not one.modelCode}
        return {"values": values, "portfolio": {one.contract.symbol: one.position for one in self.ib.portfolio()}}

    async def profit(self, symbol: str) -> Any:
        account = self.ib.managedAccounts()[0]
        whole = self.ib.reqPnL(account, "")
        single = self.ib.reqPnLSingle(account, "", self.contracts[symbol].conId)
        await asyncio.sleep(SUMMARY_SECONDS)
        return {"daily": whole.dailyPnL, "unrealized": whole.unrealizedPnL, "position": single.position}

    async def what_if(self, symbol: str, terms: dict[str, Any]) -> Any:
        state = await self.ib.whatIfOrderAsync(self.contracts[symbol], library.Order(**terms))
        return {"change": float(state.initMarginChange), "after": float(state.initMarginAfter)}

    async def time(self) -> str:
        return str((await self.ib.reqCurrentTimeAsync()).isoformat())

    async def head(self, symbol: str) -> str:
        return str(await self.ib.reqHeadTimeStampAsync(self.contracts[symbol], "TRADES", True, 1))

    async def matching(self, pattern: str) -> Any:
        return [one.contract.symbol for one in await self.ib.reqMatchingSymbolsAsync(pattern)]

    async def state(self) -> Any:
        return {
            "connected": self.ib.isConnected(),
            "errors": self.errors,
            "orders": {trade.order.orderId: told_trade(trade) for trade in self.ib.trades()},
            "executions": self.executions,
            "commissions": self.commissions,
            "quotes": {
                symbol: {"bid": one.bid, "ask": one.ask, "last": one.last, "volume": one.volume, "close": one.close}
                for symbol, one in self.tickers.items()
            },
            "ticks": self.ticks,
            "bars": [[bar.open_, bar.high, bar.low, bar.close, float(bar.volume)] for bar in self.bars],
            "updates": self.updates,
            "strange": strange.lines,
        }


def fits(tick: Any, kind: str) -> bool:
    name = type(tick).__name__
    return name == {"BidAsk": "TickByTickBidAsk", "MidPoint": "TickByTickMidPoint"}.get(kind, "TickByTickAllLast")


def execution_of(one: Any) -> dict[str, Any]:
    return {
        "exec_id": one.execId,
        "order_id": one.orderId,
        "perm_id": one.permId,
        "side": one.side,
        "shares": float(one.shares),
        "price": one.price,
        "ref": one.orderRef,
    }


def told_order(order: Any) -> dict[str, Any]:
    return {
        "order_id": order.orderId,
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


def told_trade(trade: Any) -> dict[str, Any]:
    status = trade.orderStatus
    return told_order(trade.order) | {
        "status": status.status,
        "filled": float(status.filled),
        "remaining": float(status.remaining),
        "average": status.avgFillPrice,
    }


async def serve() -> None:
    client = Client()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        said = json.loads(line)
        try:
            answer = {"result": await getattr(client, said["do"])(*said["arguments"])}
        except Exception as error:  # noqa: BLE001  whatever it is, the test has to see it
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)


strange = Strange()
logging.getLogger().addHandler(strange)
logging.getLogger().setLevel(logging.INFO)
asyncio.run(serve())
