"""An IB broker of ours on a simulated gateway of ours, over a real socket on loopback, inside one event loop.

The market stands at noon of a session: market orders fill at once at about 100, limit orders away from it rest.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from tests.unit.ib.messages import ACCOUNT, order
from tickledger.domain.broker import BrokerFill, CommissionReport, Connectivity, ConnectivityChange
from tickledger.domain.order import Order, OrderReport, OrderStatus
from tickledger.domain.ports import RemoteReport
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import MarketTape
from tickledger.execution.algos.broker_algos import BrokerAlgo
from tickledger.execution.clock import WallClock
from tickledger.gateway.gateway_settings import GatewaySettings
from tickledger.gateway.server import Gateway
from tickledger.ib.broker import IBBroker, no_objection
from tickledger.ib.ib_settings import IBSettings
from tickledger.ib.order_ids import InMemoryOrderIds, OrderIds

NOON: Final = datetime(2013, 3, 27, 16, 0, tzinfo=UTC)
CASH: Final = Decimal(1_000_000)
SYMBOLS: Final = ("AAPL", "BRK B", "MSFT")
SETTINGS: Final = IBSettings(
    host="127.0.0.1",
    port=0,
    client_id=1,
    account_id=ACCOUNT,
    connect_timeout=2.0,
    request_timeout=2.0,
    completed_orders_timeout=0.5,
    acknowledgement_timeout=0.3,
    fill_grace=0.1,
    liveness_interval=0.2,
    liveness_timeout=1.0,
    first_backoff=0.05,
    longest_backoff=0.2,
)
PATIENCE: Final = 5.0
MARKET: Final = "BUY 100 AAPL MARKET"
RESTING: Final = "BUY 100 AAPL LIMIT 90.00"


def tape(symbols: Iterable[str] = SYMBOLS) -> MarketTape:
    """Two calm sessions of a few symbols at about 100."""
    days = [datetime(2013, 3, day, tzinfo=UTC) for day in (26, 27)]
    rows = [(symbol, day, 100.0, 100.5, 99.5, 100.0, 1_000_000) for symbol in symbols for day in days]
    return MarketTape.from_bars(
        pd.DataFrame(rows, columns=["symbol", "timestamp", "open", "high", "low", "close", "volume"])
    )


class Desk:
    """A gateway, a broker on it, and all that the broker has told."""

    def __init__(self, gateway: Gateway, broker: IBBroker) -> None:
        self.gateway = gateway
        self.broker = broker
        self.told: list[RemoteReport] = []

    async def place(self, order_id: str, text: str = MARKET, **changed: Any) -> Order:
        placed = order(order_id, text, **changed)
        await self.broker.place(placed)
        return placed

    def fault(self, do: str, **parameters: Any) -> None:
        self.gateway.apply({"do": do, **parameters})

    async def until(self, holds: Callable[[], object], *, seconds: float = PATIENCE) -> None:
        """Read reports until `holds`; fails with all that was told."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            self.told += await self.broker.reports()
            if holds():
                return
            if loop.time() > deadline:
                raise AssertionError("\n".join(map(str, self.told)))
            with suppress(TimeoutError):
                await asyncio.wait_for(self.broker.something_to_report(), 0.02)

    async def until_status(self, order_id: str, status: OrderStatus) -> None:
        await self.until(lambda: self.statuses(order_id)[-1:] == [status])

    async def settle(self, seconds: float = 0.1) -> None:
        """Let everything that is under way arrive."""
        await asyncio.sleep(seconds)
        self.told += await self.broker.reports()

    def reports(self, order_id: str) -> list[OrderReport]:
        return [told for told in self.told if isinstance(told, OrderReport) and told.order_id == order_id]

    def statuses(self, order_id: str) -> list[OrderStatus]:
        return [report.status for report in self.reports(order_id)]

    def fills(self, order_id: str | None = None) -> list[BrokerFill]:
        fills = [told for told in self.told if isinstance(told, BrokerFill)]
        return [fill for fill in fills if order_id in {None, fill.execution.order_id}]

    def commissions(self) -> list[CommissionReport]:
        return [told for told in self.told if isinstance(told, CommissionReport)]

    def changes(self) -> list[ConnectivityChange]:
        return [told for told in self.told if isinstance(told, ConnectivityChange)]

    def connectivity(self) -> Connectivity | None:
        changes = self.changes()
        return changes[-1].connectivity if changes else None


def on_desk(
    scenario: Callable[[Desk], Awaitable[None]],
    *,
    order_ids: OrderIds | None = None,
    gateway_settings: GatewaySettings | None = None,
    market: MarketTape | None = None,
    starts: bool = True,
    objection: Callable[[], str | None] = no_objection,
    algos: Mapping[str, BrokerAlgo] | None = None,
    prepare: Callable[[IBBroker], None] = lambda _: None,
    **settings: Any,
) -> None:
    """Run a scenario on a fresh desk, whose broker is connected unless `starts` says otherwise.

    `prepare` is called with the broker before it connects.
    """

    async def run() -> None:
        venue = VenueSettings(accounts={ACCOUNT: CASH}, starts_at=NOON, stands=True)
        terms = gateway_settings or GatewaySettings(port=0, account=ACCOUNT)
        async with Gateway(market or tape(), venue, terms) as gateway:
            broker = IBBroker(
                replace(SETTINGS, port=gateway.port, **settings),
                clock=WallClock(),
                order_ids=order_ids or InMemoryOrderIds(),
                objection=objection,
                algos=algos,
            )
            prepare(broker)
            if starts:
                await broker.start()
            try:
                await scenario(Desk(gateway, broker))
            finally:
                await broker.stop()

    asyncio.run(run())
