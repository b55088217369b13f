"""How the entries of an order journal that hold other values become rows, and rows become entries again."""

from collections.abc import Mapping
from typing import Any

from tickledger.domain.broker import CommissionReport
from tickledger.domain.execution import Execution
from tickledger.domain.ids import deterministic_id
from tickledger.domain.order import OrderModification, OrderSide
from tickledger.execution.order_journal import AmendmentSource, CommissionEntry, ForeignExecution, OrderAmendment

Row = Mapping[str, Any]


def amendment_row(entry: OrderAmendment) -> dict[str, Any]:
    """The row of `order_modifications`, but for its account."""
    terms = entry.modification
    return {
        "order_modification_id": deterministic_id("mod", entry.order_id, entry.sequence),
        "order_id": entry.order_id,
        "sequence": entry.sequence,
        "quantity": terms.quantity,
        "limit_price": terms.limit_price,
        "stop_price": terms.stop_price,
        "source": entry.source,
        "amended_at": entry.amended_at,
        "session_date": entry.session_date,
    }


def amendment(row: Row) -> OrderAmendment:
    """The entry of a row of `order_modifications`."""
    return OrderAmendment(
        order_id=row["order_id"],
        sequence=row["sequence"],
        modification=OrderModification(row["quantity"], row["limit_price"], row["stop_price"]),
        source=AmendmentSource(row["source"]),
        amended_at=row["amended_at"],
        session_date=row["session_date"],
    )


def commission_row(entry: CommissionEntry) -> dict[str, Any]:
    """The row of `commission_reports`, but for its account."""
    report = entry.report
    return {
        "commission_report_id": deterministic_id("comm", entry.execution_id, entry.sequence),
        "execution_id": entry.execution_id,
        "sequence": entry.sequence,
        "reported_execution_id": report.execution_id,
        "commission": report.commission,
        "currency": report.currency,
        "realized_pnl": report.realized_pnl,
        "reported_at": report.reported_at,
    }


def commission(row: Row) -> CommissionEntry:
    """The entry of a row of `commission_reports`."""
    report = CommissionReport(
        execution_id=row["reported_execution_id"],
        commission=row["commission"],
        currency=row["currency"],
        reported_at=row["reported_at"],
        realized_pnl=row["realized_pnl"],
    )
    return CommissionEntry(row["execution_id"], row["sequence"], report)


def foreign_extra(entry: ForeignExecution) -> dict[str, Any]:
    """What the row of `foreign_executions` holds beyond the fields of its execution."""
    fill = entry.execution
    content = (fill.account_id, fill.execution_id, entry.reported_id, entry.broker_order_id, fill.order_id, fill.symbol)
    figures = (fill.side, fill.quantity, fill.price, fill.commission, fill.fees, fill.commission_is_estimated)
    moment = (fill.executed_at, fill.trade_date, fill.exchange, entry.corrects)
    return {
        "foreign_execution_id": deterministic_id("foreign", *content, *figures, *moment),
        "reported_execution_id": entry.reported_id,
        "broker_order_id": entry.broker_order_id,
        "order_reference": fill.order_id,
        "corrects": entry.corrects,
    }


def foreign(row: Row) -> ForeignExecution:
    """The entry of a row of `foreign_executions` with its symbol's ticker."""
    fill = Execution(
        execution_id=row["execution_id"],
        order_id=row["order_reference"],
        account_id=row["account_id"],
        symbol=row["symbol"],
        side=OrderSide(row["side"]),
        quantity=row["quantity"],
        price=row["price"],
        commission=row["commission"],
        fees=row["fees"],
        executed_at=row["executed_at"],
        trade_date=row["trade_date"],
        exchange=row["exchange"],
        commission_is_estimated=row["commission_is_estimated"],
    )
    return ForeignExecution(fill, row["reported_execution_id"], row["broker_order_id"], row["corrects"])
