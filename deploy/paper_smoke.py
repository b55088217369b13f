#!/usr/bin/env python
"""A smoke test against a real PAPER account at IB, to be run by hand: what the simulated gateway cannot show.

    python deploy/paper_smoke.py --i-know-this-is-paper --port 4002        # IB Gateway, or 7497 for TWS

It connects, looks at what the gateway says, places an order for ONE share at less than half of its price, changes and
cancels it, and prints what was seen beside what was expected. It refuses the ports of live logins, and every account
whose number does not begin with D, before anything is sent. Whatever happens, the order is cancelled at the end.
Ends with 0 where all was as expected, 1 where something was not, 2 where it refused to begin.
"""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from decimal import ROUND_DOWN, Decimal
from typing import Final

from rich.console import Console
from rich.table import Table

from tickledger.domain.bar import Quote
from tickledger.domain.broker import BrokerFill, BrokerOrder, BrokerSnapshot
from tickledger.domain.errors import BrokerUnavailableError, Problem, TickledgerError
from tickledger.domain.order import (
    Order,
    OrderModification,
    OrderReport,
    OrderSide,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from tickledger.execution.clock import WallClock
from tickledger.execution.order_journal import new_york_date
from tickledger.execution.order_state import TERMINAL
from tickledger.ib import library
from tickledger.ib.broker import IBBroker
from tickledger.ib.ib_settings import IBSettings
from tickledger.ib.market_data import Consumers, MarketDataFeed
from tickledger.ib.order_ids import InMemoryOrderIds

LIVE_PORTS: Final = {7496: "TWS", 4001: "IB Gateway"}
PAPER_PREFIX: Final = "D"
FARMS: Final = {2104: "market data", 2106: "history", 2158: "security definitions"}
_OLDEST_VERSION: Final = 157
_CENT: Final = Decimal("0.01")
_FARM_PATIENCE: Final = 3.0
_PIPE_WIDTH: Final = 180
_MODIFICATION_PATIENCE: Final = 2.0
_LARGEST_CLOCK_DIFFERENCE: Final = 5.0


class RefusedError(Exception):
    """The test does not begin: this is not, or may not be, a paper account."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One step: what was expected and seen, and where a real gateway is known to differ from the simulated one."""

    step: str
    is_expected: bool
    expected: str
    seen: str
    real: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """Where to connect and what to order; `limit_price` None: less than half of what the symbol costs."""

    host: str
    port: int
    client_id: int
    account: str | None
    symbol: str
    limit_price: Decimal | None
    patience: float


async def paper_account(options: Options) -> str:
    """The account to use, from a connection that sends nothing; raises RefusedError unless all accounts are paper."""
    ib = library.new_ib(time_zone="America/New_York")
    try:
        await ib.client.connectAsync(options.host, options.port, options.client_id, options.patience)
    except (OSError, TimeoutError, ConnectionError) as error:
        place = f"{options.host}:{options.port}"
        raise BrokerUnavailableError(f"{place}: expected a gateway with its API enabled, found {error!r}") from error
    accounts: list[str] = [account for account in ib.client.getAccounts() if account]
    ib.client.disconnect()
    await asyncio.sleep(0.1)
    live = [account for account in accounts if not account.startswith(PAPER_PREFIX)]
    if live or not accounts:
        raise RefusedError(f"expected paper accounts, whose numbers begin with D, found {', '.join(live) or 'none'}")
    if options.account is None and len(accounts) > 1:
        raise RefusedError(f"--account: expected one of {', '.join(accounts)}")
    if options.account is not None and options.account not in accounts:
        raise RefusedError(f"--account: expected one of {', '.join(accounts)}, found {options.account}")
    return options.account or accounts[0]


@dataclass
class Smoke:
    """The steps on one broker, and what they found."""

    options: Options
    broker: IBBroker
    clock: WallClock
    findings: list[Finding] = field(default_factory=list)
    codes: dict[int, str] = field(default_factory=dict)
    reports: list[OrderReport] = field(default_factory=list)
    fills: list[BrokerFill] = field(default_factory=list)
    quotes: list[Quote] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def found(self, step: str, *, is_expected: bool, expected: str, seen: str, real: str = "") -> None:
        """Note a finding."""
        self.findings.append(Finding(step, is_expected, expected, seen, real))

    def listen(self) -> MarketDataFeed:
        """Hear messages of the system and market data; to be called before the connection is made."""
        self.broker.wire.listen("error", self._take_code)
        return MarketDataFeed(
            wire=self.broker.wire,
            pacer=self.broker.pacer,
            requests=self.broker.requests,
            connection=self.broker.connection,
            clock=self.clock,
            consumers=Consumers(self.quotes.append, lambda _: None, lambda _: None, self.problems.append),
        )

    def _take_code(self, _number: int, code: int, text: str, *_: object) -> None:
        self.codes.setdefault(code, text)

    async def until(self, holds: Callable[[], object], *, seconds: float | None = None) -> bool:
        """Read what the broker tells until `holds`; whether it did in time."""
        deadline = time.monotonic() + (self.options.patience if seconds is None else seconds)
        while not holds() and time.monotonic() < deadline:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.broker.something_to_report(), 0.1)
            for told in await self.broker.reports():
                if isinstance(told, OrderReport):
                    self.reports.append(told)
                elif isinstance(told, BrokerFill):
                    self.fills.append(told)
        return bool(holds())

    def statuses(self, order: Order) -> list[OrderStatus]:
        """What was told of an order so far."""
        return [report.status for report in self.reports if report.order_id == order.order_id]

    async def run(self, feed: MarketDataFeed) -> None:
        """All steps; the order does not outlive them."""
        await self._connection()
        before = await self._snapshot("account before")
        price = await self._market_data(feed)
        if price is None:
            return
        order = self._order(price)
        try:
            await self._order_through_its_life(order)
        finally:
            await self._clean_up(order)
        await self._afterwards(order, before)

    async def _connection(self) -> None:
        ib = self.broker.connection.library_object
        version = ib.client.serverVersion()
        real = "a newer gateway speaks at least this; beyond 176 the client library ends"
        self.found(
            "connection",
            is_expected=version >= _OLDEST_VERSION,
            expected=f"server version {_OLDEST_VERSION} or more",
            seen=str(version),
            real=real,
        )
        await self.until(lambda: FARMS.keys() <= self.codes.keys(), seconds=_FARM_PATIENCE)
        seen = ", ".join(f"{code}" for code in sorted(self.codes)) or "none"
        real = "2107/2108 (farm inactive, wakes on demand) and 2119 (connecting) are as good"
        self.found(
            "farm messages",
            is_expected=any(code in self.codes for code in FARMS),
            expected="2104, 2106, 2158",
            seen=seen,
            real=real,
        )
        told = await self.broker.requests.current_time(within=self.options.patience)
        difference = abs((told - self.clock.now()).total_seconds())
        real = "the simulated gateway tells its market's time, not the wall's"
        self.found(
            "clock",
            is_expected=difference <= _LARGEST_CLOCK_DIFFERENCE,
            expected="within 5 s of ours",
            seen=f"{difference:,.0f} s",
            real=real,
        )

    async def _snapshot(self, step: str) -> BrokerSnapshot:
        taken = await self.broker.snapshot()
        completed = "not told" if taken.completed_orders is None else str(len(taken.completed_orders))
        seen = (
            f"{len(taken.open_orders)} open, {completed} completed, {len(taken.fills)} fills, "
            f"{len(taken.positions)} positions, cash {taken.cash:,}"
        )
        real = "completed orders are often not told; executions are of the current day only"
        self.found(step, is_expected=True, expected="all parts answered", seen=seen, real=real)
        return taken

    async def _market_data(self, feed: MarketDataFeed) -> Decimal | None:
        """The limit price to order at: far below the market, as far as there is one."""
        symbol = self.options.symbol
        feed.subscribe(symbol)
        has_quote = await self.until(lambda: any(quote.bid > 0 for quote in self.quotes) or self.problems)
        bids = [quote.bid for quote in self.quotes if quote.bid > 0]
        seen = f"bid {bids[-1]}" if bids else "; ".join(f"{one.found}" for one in self.problems) or "silence"
        real = "without a subscription: 354, 10089 or 10167; outside of hours: silence"
        is_live = has_quote and bool(bids)
        self.found(f"market data of {symbol}", is_expected=is_live, expected="a live bid", seen=seen, real=real)
        feed.unsubscribe(symbol)
        return self._limit_price(bids[-1] if bids else None)

    def _limit_price(self, bid: Decimal | None) -> Decimal | None:
        wished = self.options.limit_price
        highest = wished if bid is None else (bid / 2).quantize(_CENT, ROUND_DOWN)
        if highest is None or (wished is not None and wished > highest):
            expected = "--limit-price, as there is no bid" if highest is None else f"at most {highest}, half of the bid"
            self.found("limit price", is_expected=False, expected=expected, seen=str(wished))
            return None
        return wished or highest

    def _order(self, price: Decimal) -> Order:
        now = self.clock.now()
        return Order(
            order_id=f"smoke_{now.astimezone(UTC):%Y%m%d%H%M%S%f}",
            account_id=self.broker.settings.account_id,
            symbol=self.options.symbol,
            side=OrderSide.BUY,
            order_type=OrderType.LIMIT,
            quantity=Decimal(1),
            time_in_force=TimeInForce.DAY,
            signal_id="smoke",
            risk_decision_id="smoke",
            submitted_at=now,
            session_date=new_york_date(now),
            limit_price=price,
        )

    async def _order_through_its_life(self, order: Order) -> None:
        await self.broker.place(order)
        is_working = await self.until(lambda: OrderStatus.SUBMITTED in self.statuses(order))
        real = "outside of hours IB holds it as PreSubmitted (399), which counts as SUBMITTED"
        self.found("place", is_expected=is_working, expected="SUBMITTED", seen=self._told(order), real=real)
        if not is_working:
            return
        listed = await self._listed(order)
        seen = "not listed" if listed is None else f"orderRef {listed.order_id}, permId {listed.broker_order_id}"
        has_number = listed is not None and listed.broker_order_id not in {"", "0"}
        self.found("listed by the gateway", is_expected=has_number, expected="our orderRef, a permId", seen=seen)
        await self._modify(order, known_as=listed.broker_order_id if listed is not None else "")

    async def _modify(self, order: Order, *, known_as: str) -> None:
        lower = (order.limit_price or _CENT) - _CENT
        await self.broker.modify(order, OrderModification(limit_price=lower))
        await self.until(lambda: False, seconds=min(_MODIFICATION_PATIENCE, self.options.patience))
        listed = await self._listed(order)
        self.found(
            "modify",
            is_expected=listed is not None and (listed.limit_price, listed.broker_order_id) == (lower, known_as),
            expected=f"limit {lower}, the same permId",
            seen="not listed" if listed is None else f"limit {listed.limit_price}, permId {listed.broker_order_id}",
            real="IB echoes openOrder; a modification while 1100 is in force has become two orders",
        )

    async def _clean_up(self, order: Order) -> None:
        """Cancel the order, whatever is known of it, unless it is certain that it is over."""
        if self.statuses(order)[-1:] and self.statuses(order)[-1] in TERMINAL:
            return
        await self.broker.cancel(order.order_id)
        is_gone = await self.until(lambda: self.statuses(order)[-1:] == [OrderStatus.CANCELLED])
        told = f"{self._told(order)}; codes {', '.join(map(str, sorted(self.codes)))}"
        self.found(
            "cancel",
            is_expected=is_gone,
            expected="CANCELLED, 202",
            seen=told if is_gone else f"{told}: IT MAY STILL WORK, cancel it in TWS",
            real="a cancel may stay unanswered until the market opens",
        )

    async def _afterwards(self, order: Order, before: BrokerSnapshot) -> None:
        after = await self._snapshot("account after")
        is_open = any(known.order_id == order.order_id for known in after.open_orders)
        self.found(
            "open orders after",
            is_expected=not is_open,
            expected="ours is not among them",
            seen="it is" if is_open else "it is not",
        )
        is_same = (after.positions, len(after.fills)) == (before.positions, len(before.fills)) and not self.fills
        real = "others may trade in the account meanwhile"
        self.found(
            "positions and fills",
            is_expected=is_same,
            expected="as before",
            seen="as before" if is_same else f"{len(self.fills)} fills told",
            real=real,
        )

    async def _listed(self, order: Order) -> BrokerOrder | None:
        taken = await self.broker.snapshot()
        return next((known for known in taken.open_orders if known.order_id == order.order_id), None)

    def _told(self, order: Order) -> str:
        reports = [report for report in self.reports if report.order_id == order.order_id]
        return " → ".join(f"{one.status}{f' ({one.reason})' if one.reason else ''}" for one in reports) or "nothing"


async def smoke(options: Options) -> list[Finding]:
    """Run every step; raises RefusedError before anything is sent, TickledgerError where the gateway fails."""
    account = await paper_account(options)
    settings = IBSettings(options.host, options.port, options.client_id, account, request_timeout=options.patience)
    clock = WallClock()
    broker = IBBroker(settings, clock=clock, order_ids=InMemoryOrderIds())
    steps = Smoke(options, broker, clock)
    feed = steps.listen()
    await broker.start()
    try:
        await steps.run(feed)
    except TickledgerError as error:
        steps.found("the gateway", is_expected=False, expected="an answer", seen=str(error))
    finally:
        await broker.stop()
    return steps.findings


def options_of(arguments: list[str] | None) -> Options:
    """The command line; raises RefusedError without the flag, or with the port of a live login."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--i-know-this-is-paper", action="store_true", help="required: an order is placed")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4002, help="4002 IB Gateway, 7497 TWS")
    parser.add_argument("--client-id", type=int, default=97)
    parser.add_argument("--account", help="where the login has several")
    parser.add_argument("--symbol", default="AAPL")
    parser.add_argument("--limit-price", type=Decimal, help="at most half of the bid, which is what is taken otherwise")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds to wait for each answer")
    given = parser.parse_args(arguments)
    if not given.i_know_this_is_paper:
        raise RefusedError("expected --i-know-this-is-paper: an order for one share is placed, changed and cancelled")
    if given.port in LIVE_PORTS:
        raise RefusedError(f"--port {given.port} is that of a live login of {LIVE_PORTS[given.port]}")
    return Options(
        host=given.host,
        port=given.port,
        client_id=given.client_id,
        account=given.account,
        symbol=given.symbol,
        limit_price=given.limit_price,
        patience=given.patience,
    )


def table_of(findings: list[Finding]) -> Table:
    """The findings, a row each."""
    table = Table(
        "step", "", "expected", "seen", "where a real gateway differs", title=f"Paper smoke test, {library.NAME}"
    )
    for one in findings:
        table.add_row(one.step, "ok" if one.is_expected else "LOOK", one.expected, one.seen, one.real)
    return table


def main(arguments: list[str] | None = None) -> int:
    """Run and print; the exit code."""
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    # It logs connections that are closed on purpose as errors; what the gateway says is in the table.
    logging.getLogger(library.NAME).setLevel(logging.CRITICAL)
    try:
        findings = asyncio.run(smoke(options_of(arguments)))
    except RefusedError as error:
        console.print(f"Refused, nothing was sent: {error}", markup=False)
        return 2
    except TickledgerError as error:
        console.print(f"Failed: {error}", markup=False)
        return 1
    console.print(table_of(findings))
    return 0 if all(one.is_expected for one in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
