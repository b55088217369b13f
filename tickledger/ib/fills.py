"""Fills by execution id: repeated ones are one, corrected ones take the other's place, charges are estimates at first.

IB's execution id ends in a revision: `0000e0d5.5f0a.01.02` corrects `0000e0d5.5f0a.01.01`. The client libraries keep
both, and the quantity doubles. What a fill cost comes in a message of its own, later or never: until then it is not
zero but an estimate.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tickledger.domain.broker import BrokerFill, CommissionReport
from tickledger.domain.execution import Execution
from tickledger.domain.money import exact
from tickledger.domain.order import OrderSide
from tickledger.exchange.fees import FeeSchedule, OrderProgress, charges
from tickledger.ib.library import LibraryObject, is_set
from tickledger.ib.orders import our_symbol, shares, side_of, trade_instant


@dataclass(frozen=True, slots=True, order=True)
class ExecutionKey:
    """An execution id in its parts: what all revisions share, and which this one is (1 where it says none)."""

    base: str
    revision: int

    @classmethod
    def parse(cls, execution_id: str) -> "ExecutionKey":
        """The parts of an id; one without a revision is its own base."""
        base, dot, last = execution_id.rpartition(".")
        if dot and base and last.isdigit():
            return cls(base, int(last))
        return cls(execution_id, 1)


def predecessor(execution_id: str) -> str | None:
    """The id that `execution_id` corrects, going by its number; None for a first revision."""
    base, _, last = execution_id.rpartition(".")
    revision = ExecutionKey.parse(execution_id).revision
    return f"{base}.{revision - 1:0{len(last)}d}" if revision > 1 else None


class FillBook:
    """Every fill of an account that was told, the latest revision of each, and what each was charged."""

    def __init__(self, fees: FeeSchedule) -> None:
        self._fees = fees
        self._fills: dict[str, BrokerFill] = {}
        self._commissions: dict[str, CommissionReport] = {}
        #: The fills of each order, by our id or else the broker's, by what their revisions share.
        self._of_order: dict[tuple[str, str], dict[str, BrokerFill]] = {}

    def take(self, contract: LibraryObject, execution: LibraryObject, *, side: OrderSide | None) -> BrokerFill | None:
        """The fill that a message tells, None where it was told before or corrected since.

        `side` is that of our order where it is known.
        """
        key = ExecutionKey.parse(execution.execId)
        known = self._fills.get(key.base)
        if known is not None and ExecutionKey.parse(known.execution.execution_id).revision >= key.revision:
            return None
        corrects = known.execution.execution_id if known is not None else predecessor(execution.execId)
        fill = BrokerFill(self._execution(contract, execution, key, side), str(execution.permId), corrects)
        self._fills[key.base] = fill
        self._of_order.setdefault(_order_key(execution.orderRef, str(execution.permId)), {})[key.base] = fill
        return fill

    def commission(self, report: LibraryObject, *, reported_at: datetime) -> CommissionReport | None:
        """What a message tells of charges; None where it tells nothing, or nothing new."""
        if not is_set(report.commission) or not report.execId:
            return None
        told = CommissionReport(
            execution_id=report.execId,
            commission=exact(report.commission),
            currency=report.currency,
            reported_at=reported_at,
            realized_pnl=exact(report.realizedPNL) if is_set(report.realizedPNL) else None,
        )
        known = self._commissions.get(told.execution_id)
        if known is not None and known.commission == told.commission:
            return None
        self._commissions[told.execution_id] = told
        return told

    def filled(self, *, order_id: str = "", broker_order_id: str = "") -> Decimal:
        """Shares filled of an order, by our id or else by the broker's."""
        return sum((f.execution.quantity for f in self._of(order_id, broker_order_id)), Decimal(0))

    def latest(self, execution_ids: Iterable[str]) -> tuple[BrokerFill, ...]:
        """The latest revisions of these executions, each once, in the order of their time."""
        bases = dict.fromkeys(ExecutionKey.parse(execution_id).base for execution_id in execution_ids)
        fills = [self._fills[base] for base in bases if base in self._fills]
        return tuple(sorted(fills, key=lambda fill: fill.execution.executed_at))

    def commissions_of(self, fills: Iterable[BrokerFill]) -> tuple[CommissionReport, ...]:
        """What is known of the charges of these fills."""
        ids = [fill.execution.execution_id for fill in fills]
        return tuple(self._commissions[execution_id] for execution_id in ids if execution_id in self._commissions)

    def _of(self, order_id: str, broker_order_id: str) -> list[BrokerFill]:
        return list(self._of_order.get(_order_key(order_id, broker_order_id), {}).values())

    def _execution(
        self, contract: LibraryObject, execution: LibraryObject, key: ExecutionKey, side: OrderSide | None
    ) -> Execution:
        executed_at, trade_date = trade_instant(execution)
        quantity, price = shares(execution.shares), exact(execution.price)
        their_side = side_of(execution.side)
        side = side if side is not None and side.sign == their_side.sign else their_side
        earlier = self._progress(execution, key)
        estimate = charges(self._fees, side=side, quantity=quantity, price=price, trade_date=trade_date, before=earlier)
        return Execution(
            execution_id=execution.execId,
            order_id=execution.orderRef,
            account_id=execution.acctNumber,
            symbol=our_symbol(contract),
            side=side,
            quantity=quantity,
            price=price,
            commission=estimate.commission,
            fees=estimate.fees,
            executed_at=executed_at,
            trade_date=trade_date,
            exchange=execution.exchange,
            commission_is_estimated=True,
        )

    def _progress(self, execution: LibraryObject, key: ExecutionKey) -> OrderProgress:
        """What the order's earlier fills have traded and, by our estimate, paid."""
        fills = [
            fill.execution
            for fill in self._of(execution.orderRef, str(execution.permId))
            if ExecutionKey.parse(fill.execution.execution_id).base != key.base
        ]
        return OrderProgress(
            quantity=sum((fill.quantity for fill in fills), Decimal(0)),
            notional=sum((fill.quantity * fill.price for fill in fills), Decimal(0)),
            commission=sum((fill.commission for fill in fills), Decimal(0)),
        )


def _order_key(order_id: str, broker_order_id: str) -> tuple[str, str]:
    return (order_id, "") if order_id else ("", broker_order_id)
