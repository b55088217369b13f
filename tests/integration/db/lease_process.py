"""A process that trades an account under a lease, for tests that freeze, kill and replace it.

``python -m tests.integration.db.lease_process URL PORT NAME [FREEZE]``: acquires the lease, then writes orders through
the guarded journal and sends each to the port as a line, renewing as it goes, until it is told that it may not. It
prints what it does. FREEZE names a point at which it stops itself (SIGSTOP) once, after some orders: `guarded`, inside
the transaction of an order; `committed`, between the commit and the objection; `idle`, between two orders.
"""

import os
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import Connection

from tests.integration.db.story import ACCOUNT, record
from tickledger.db.engine import create_ledger_engine
from tickledger.db.lease import LeaseKeeper
from tickledger.db.order_journal import LedgerJournal
from tickledger.domain.errors import ConfigurationError, FencedError
from tickledger.domain.order import Order, OrderEvent, OrderStatus, OrderType
from tickledger.execution.order_journal import NewOrder

DURATION, MARGIN = timedelta(seconds=2), timedelta(seconds=0.5)
_ORDERS_BEFORE_FREEZING = 5


def order(name: str, number: int) -> Order:
    first = record().orders[0]
    return replace(first, order_id=f"{name}_{number}", order_type=OrderType.LIMIT, limit_price=Decimal(10))


class Trader:
    """The account's orders from this process, under a lease that it keeps."""

    def __init__(self, url: str, port: int, name: str, freeze: str = "") -> None:
        engine = create_ledger_engine(url)
        self.name, self.freeze, self.number = name, freeze, 0
        self.keeper = LeaseKeeper(engine, ACCOUNT.account_id, holder=name, duration=DURATION, margin=MARGIN)
        self.journal = LedgerJournal(engine, guard=self.guard)
        self.broker = socket.create_connection(("127.0.0.1", port))

    def guard(self, connection: Connection, account_id: str) -> None:
        self.keeper.guard(connection, account_id)
        self.stop_at("guarded")

    def stop_at(self, point: str) -> None:
        if self.freeze == point and self.number >= _ORDERS_BEFORE_FREEZING:
            self.freeze = ""
            say("freezing")
            os.kill(os.getpid(), signal.SIGSTOP)
            say("thawed")

    def trade(self) -> None:
        """One order after another until none may follow."""
        renewed = time.monotonic()
        while True:
            if time.monotonic() - renewed > self.keeper.renewal_interval.total_seconds():
                # Late on a busy machine: what counts is the objection.
                with suppress(ConfigurationError):
                    self.keeper.renew()
                renewed = time.monotonic()
            self.place()
            time.sleep(0.005)

    def place(self) -> None:
        self.number += 1
        placed = order(self.name, self.number)
        event = OrderEvent(placed.order_id, 0, OrderStatus.PENDING, placed.submitted_at, placed.session_date)
        self.journal.record_orders(placed.account_id, [NewOrder(placed, event)])
        self.stop_at("committed")
        objection = self.keeper.objection()
        if objection is not None:
            raise FencedError(objection)
        self.broker.sendall(f"{placed.order_id}\n".encode())
        self.stop_at("idle")


def say(words: str) -> None:
    print(" ".join(words.split()), flush=True)


def main(url: str, port: str, name: str, freeze: str = "") -> None:
    trader = Trader(url, int(port), name, freeze)
    while (lease := trader.keeper.acquire()) is None:
        time.sleep(0.02)
    say(f"acquired {lease.epoch}")
    try:
        trader.trade()
    except FencedError as error:
        say(f"fenced: {error}")
    except ConfigurationError as error:
        say(f"failed: {error}")
        try:
            trader.place()
        except FencedError as fenced:
            say(f"fenced: {fenced}")


if __name__ == "__main__":
    main(*sys.argv[1:])
