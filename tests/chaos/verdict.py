"""The record beside the gateway's own books: what must be the same once everything has been told.

lost         an order or an execution of ours at the venue that the record does not have, an order in the record
             whose end nobody knows, or one that was accepted from the strategy and is nowhere
duplicated   an order that reached the gateway under two ids, or an execution that is booked twice
mismatches   anything else that differs: a status, terms, filled shares, prices, charges, positions, cash, what
             was entered by hand; an end that the record concluded by itself and that was none
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tests.chaos.process import ACCOUNT, CLIENT_ID, Durable, Process
from tickledger.domain.execution import Execution
from tickledger.domain.order import Order, OrderEvent, OrderStatus
from tickledger.execution.order_book import OrderBook
from tickledger.execution.order_journal import AccountRecord, ForeignExecution
from tickledger.execution.order_reconciliation import NEVER_ARRIVED
from tickledger.execution.order_state import TERMINAL
from tickledger.execution.portfolio import cash_effect
from tickledger.gateway.books import ExecutionRecord, OrderRecord
from tickledger.gateway.server import Gateway

_ENDS: Final[Mapping[str, frozenset[OrderStatus]]] = {
    "Filled": frozenset({OrderStatus.FILLED}),
    "Cancelled": frozenset({OrderStatus.CANCELLED}),
    # A rejection that was not seen as it came is found among the orders that are over, which says no more.
    "Inactive": frozenset({OrderStatus.REJECTED, OrderStatus.CANCELLED}),
}
_NOT_THERE: Final = frozenset({OrderStatus.REJECTED, OrderStatus.CANCELLED})
#: How the reasons of ends begin that the record concluded from what the broker does not show.
_CONCLUDED: Final = (NEVER_ARRIVED, "gone from the broker; the position agrees")


@dataclass
class Verdict:
    """What was compared and what was found."""

    orders: int = 0
    executions: int = 0
    foreign_executions: int = 0
    resurrected: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    mismatches: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.duplicated or self.mismatches)

    def __str__(self) -> str:
        told = {"lost": self.lost, "duplicated": self.duplicated, "mismatch": self.mismatches}
        return "\n".join(f"{kind}: {line}" for kind, lines in told.items() for line in lines)


def verdict(
    gateway: Gateway,
    process: Process,
    *,
    durable: Durable,
    orders: Mapping[str, Order],
    parents: Sequence[str],
    accepted: set[str],
    wire: Mapping[str, set[int]],
) -> Verdict:
    """Compare everything."""
    record = durable.journal.load(ACCOUNT)
    comparing = _Comparing(gateway, process, record, Verdict())
    comparing.sends(durable.sends, wire)
    comparing.orders(orders, parents, accepted)
    comparing.executions()
    comparing.foreign()
    comparing.account()
    comparing.conclusions()
    comparing.rest()
    return comparing.found


class _Comparing:
    def __init__(self, gateway: Gateway, process: Process, record: AccountRecord, found: Verdict) -> None:
        self.gateway = gateway
        self.process = process
        self.record = record
        self.book = OrderBook(record.entries)
        self.found = found
        self.at_venue: dict[str, list[OrderRecord]] = defaultdict(list)
        self.by_hand: list[OrderRecord] = []
        for row in gateway.floor.books._orders.values():
            if row.identity.client_id == CLIENT_ID and not row.is_by_hand:
                self.at_venue[row.placed.term("orderRef")].append(row)
            else:
                self.by_hand.append(row)

    def differ(self, what: str, in_record: object, at_venue: object) -> None:
        if in_record != at_venue:
            self.found.mismatches.append(f"{what}: in the record {in_record}, at the venue {at_venue}")

    def sends(self, sends: Counter[str], wire: Mapping[str, set[int]]) -> None:
        for order_id, count in sends.items():
            if count > 1:
                self.found.duplicated.append(f"{order_id} was handed to the broker {count} times")
        for reference, numbers in wire.items():
            if len(numbers) > 1:
                self.found.duplicated.append(f"{reference} reached the gateway under the ids {sorted(numbers)}")
            if reference not in sends:
                self.found.mismatches.append(f"{reference!r} reached the gateway and was never sent")

    def orders(self, orders: Mapping[str, Order], parents: Sequence[str], accepted: set[str]) -> None:
        for reference, rows in self.at_venue.items():
            if len(rows) > 1:
                self.found.duplicated.append(f"{reference} is at the venue {len(rows)} times")
            if reference not in self.book.orders:
                self.found.lost.append(f"{reference} is at the venue and not in the record")
        for order_id in accepted - set(self.book.orders):
            self.found.lost.append(f"{order_id} was accepted and is not in the record")
        for order_id, tracked in self.book.orders.items():
            self.differ(f"{order_id} as it was placed", tracked.placed, orders.get(order_id))
            self.differ(f"{order_id} in memory", self.process.manager.status(order_id).status, tracked.state.status)
            if order_id in parents:
                self._parent(order_id)
            else:
                self.found.orders += 1
                self._order(order_id)

    def _order(self, order_id: str) -> None:
        state = self.book.orders[order_id].state
        rows = self.at_venue.get(order_id, [])
        if state.status in {OrderStatus.UNKNOWN, OrderStatus.PENDING}:
            told = rows[0].status.status if rows else "not there"
            self.found.lost.append(f"{order_id} is {state.status}, at the venue {told}")
            return
        if not rows:
            if state.status not in _NOT_THERE or state.filled_quantity:
                self.found.mismatches.append(f"{order_id} never reached the venue, in the record it is {state.status}")
            return
        row = rows[0]
        working = OrderStatus.PARTIALLY_FILLED if row.status.filled else OrderStatus.SUBMITTED
        expected = _ENDS.get(row.status.status, frozenset({working}))
        if state.status not in expected:
            self.differ(f"status of {order_id}", state.status.value, f"{row.status.status} ({row.status.filled})")
        self.differ(f"shares filled of {order_id}", state.filled_quantity, row.status.filled)
        if not row.is_done:
            order, placed = state.order, self.gateway.venue.order(row.permanent_id)
            self.differ(f"quantity of {order_id}", order.quantity, placed.quantity)
            self.differ(f"limit of {order_id}", order.limit_price, placed.limit_price)
            self.differ(f"stop of {order_id}", order.stop_price, placed.stop_price)

    def _parent(self, order_id: str) -> None:
        if order_id in self.at_venue:
            self.found.mismatches.append(f"{order_id} is worked by its children, and reached the venue")
        state = self.book.orders[order_id].state
        filled = sum((child.state.filled_quantity for child in self.book.children(order_id)), Decimal(0))
        self.differ(f"shares filled of parent {order_id}", state.filled_quantity, filled)

    def executions(self) -> None:
        """Each fill of ours once, with the figures of its last revision."""
        at_venue = {_base(row.told.execution_id): row for rows in self.at_venue.values() for row in _latest(rows)}
        booked: dict[str, list[Execution]] = defaultdict(list)
        for execution_id, execution in self.book.fills.own.items():
            booked[_base(execution_id)].append(execution)
        self.found.executions = len(at_venue)
        for base, row in at_venue.items():
            if base not in booked:
                told = row.told
                self.found.lost.append(f"execution {told.execution_id}: {told.quantity} at {told.price}")
                continue
            ours = booked[base][0]
            self.differ(f"execution {base}", _figures(ours), _venue_figures(row))
            self.differ(
                f"charge of {base}",
                (ours.commission + ours.fees, False),
                (row.commission, ours.commission_is_estimated),
            )
        for base, rows in booked.items():
            if len(rows) > 1:
                self.found.duplicated.append(f"execution {base} is booked {len(rows)} times")
            if base not in at_venue:
                self.found.mismatches.append(f"execution {base} is in the record and not at the venue")

    def foreign(self) -> None:
        """What was entered by hand is known, and told apart."""
        at_venue = {_base(row.told.execution_id): row for row in _latest(self.by_hand)}
        ours: dict[str, list[ForeignExecution]] = defaultdict(list)
        for execution_id, entry in self.book.fills.foreign.items():
            if entry.execution.quantity:
                ours[_base(execution_id)].append(entry)
        self.found.foreign_executions = len(at_venue)
        self.differ("foreign executions", sorted(ours), sorted(at_venue))
        for base, rows in ours.items():
            if len(rows) > 1:
                self.found.duplicated.append(f"foreign execution {base} is booked {len(rows)} times")
            elif base in at_venue:
                execution, row = rows[0].execution, at_venue[base]
                expected = (row.told.quantity, row.told.price, row.commission)
                self.differ(f"foreign {base}", (execution.quantity, execution.price, execution.commission), expected)
        working = sorted(str(row.permanent_id) for row in self.by_hand if not row.is_done)
        known = sorted(order.broker_order_id for order in self.process.manager.foreign_orders)
        self.differ("foreign orders that work", known, working)

    def account(self) -> None:
        """Positions and cash from the record's own fills, beside the venue's account."""
        state = self.gateway.venue.account(ACCOUNT)
        fills = [*self.book.fills.own.values(), *(row.execution for row in self.book.fills.foreign.values())]
        held: dict[str, Decimal] = defaultdict(Decimal)
        for fill in fills:
            held[fill.symbol] += fill.side.sign * fill.quantity
        expected = {row.symbol.replace(" ", "."): row.quantity for row in state.holdings if row.quantity}
        self.differ(
            "positions",
            {name: shares for name, shares in sorted(held.items()) if shares},
            dict(sorted(expected.items())),
        )
        assert self.record.opening.cash is not None
        cash = self.record.opening.cash + sum((cash_effect(fill) for fill in fills if fill.quantity), Decimal(0))
        self.differ("cash", cash, state.cash)

    def conclusions(self) -> None:
        """An end that was concluded from what the broker does not show stays an end; others may be taken back."""
        ended: dict[str, str] = {}
        for entry in self.record.entries:
            if not isinstance(entry, OrderEvent) or entry.order_id not in self.book.orders:
                continue
            before = ended.get(entry.order_id)
            if entry.status in TERMINAL:
                ended[entry.order_id] = entry.reason
            elif before is not None:
                del ended[entry.order_id]
                self.found.resurrected += 1
                if before.startswith(_CONCLUDED):
                    self.found.mismatches.append(f"{entry.order_id} was over ({before}), and then {entry.status}")

    def rest(self) -> None:
        """The last reconciliation found nothing, and nothing waits for an answer."""
        result = self.process.manager.last_reconciliation
        if result is None or not result.is_clean:
            self.found.mismatches.append(f"the last reconciliation: {result}")
        if not self.process.manager.is_ready:
            self.found.mismatches.append("the order manager is not ready")


def _latest(rows: Sequence[OrderRecord]) -> list[ExecutionRecord]:
    """The last revision of each execution of these orders."""
    latest: dict[str, ExecutionRecord] = {}
    for row in rows:
        for execution in row.executions:
            latest[_base(execution.told.execution_id)] = execution
    return list(latest.values())


def _base(execution_id: str) -> str:
    return execution_id.rpartition(".")[0]


def _figures(execution: Execution) -> tuple[str, str, int, Decimal, Decimal]:
    symbol = execution.symbol.replace(".", " ")
    return execution.order_id, symbol, execution.side.sign, execution.quantity, execution.price


def _venue_figures(row: ExecutionRecord) -> tuple[str, str, int, Decimal, Decimal]:
    order, told = row.order, row.told
    sign = 1 if told.is_buy else -1
    return order.placed.term("orderRef"), order.listing.symbol, sign, told.quantity, told.price
