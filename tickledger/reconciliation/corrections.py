"""What a person may do about a break: a new record, whose fields are text that reads back to exactly the same values.

Nothing that is recorded is edited. A wrong fill gets an `ExecutionCorrection` of its figures (no shares at all, where
the fill never was), a wrong charge a report of the right one, cash that never moved a movement back. `applied` puts
accepted corrections of executions and cash on top of a view, as the ledger would have them after they are recorded.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.ids import deterministic_id, identified
from tickledger.domain.order import OrderSide
from tickledger.reconciliation.breaks import CorrectionKind, ProposedCorrection
from tickledger.reconciliation.findings import ZERO, plain
from tickledger.reconciliation.ledger_view import LedgerView
from tickledger.reconciliation.trade_rows import TradeRow
from tickledger.tax.fills import LotChoice


def add_execution(row: TradeRow, account_id: str) -> ProposedCorrection:
    """Enter a fill that only the other side has. Where no time is told it is noon UTC of the day."""
    at = row.at or datetime.fromisoformat(f"{row.day.isoformat()}T12:00:00+00:00")
    number = row.identity or deterministic_id("exec", account_id, *row.place[2:7], at, row.order)
    values = {
        "execution_id": number,
        "order_id": row.order if row.identity else "",
        "account_id": account_id,
        "symbol": row.symbol,
        "side": str(OrderSide.BUY if row.sign > 0 else OrderSide.SELL),
        "quantity": plain(row.quantity),
        "price": plain(row.price * row.multiplier),
        "commission": plain(row.charge or ZERO),
        "fees": "0",
        "executed_at": at.isoformat(),
        "trade_date": row.booked.isoformat(),
        "commission_is_estimated": "yes" if row.charge is None else "no",
    }
    return ProposedCorrection(CorrectionKind.ADD_EXECUTION, values, "Enter the fill as a new execution.")


def correct_execution(execution: Execution, why: str, **figures: str) -> ProposedCorrection:
    """New figures of a recorded fill, all of them told; `figures` are those that change."""
    values = {
        "execution_id": execution.execution_id,
        "quantity": plain(execution.quantity),
        "price": plain(execution.price),
        "executed_at": execution.executed_at.isoformat(),
        "trade_date": execution.trade_date.isoformat(),
        **figures,
    }
    return ProposedCorrection(CorrectionKind.CORRECT_EXECUTION, values, why)


def report_commission(execution_id: str, commission: Decimal) -> ProposedCorrection:
    """What a recorded fill cost, fees included."""
    values = {"execution_id": execution_id, "commission": plain(commission), "currency": "USD"}
    return ProposedCorrection(CorrectionKind.REPORT_COMMISSION, values, "Record what the fill cost, fees included.")


def add_cash(row: CashTransaction, why: str) -> ProposedCorrection:
    """Enter a movement of cash; its id follows from what it says."""
    values = {
        "account_id": row.account_id,
        "kind": str(row.kind),
        "amount": plain(row.amount),
        "session_date": row.session_date.isoformat(),
        "symbol": row.symbol or "",
        "description": row.description,
        "corporate_action_id": row.corporate_action_id or "",
    }
    return ProposedCorrection(CorrectionKind.ADD_CASH_TRANSACTION, values, why)


def add_corporate_action(action: CorporateAction) -> ProposedCorrection:
    """Enter an event that only the other side has; amounts that it does not tell are left open."""
    values = {
        "symbol": action.symbol,
        "ex_date": action.ex_date.isoformat(),
        "kind": str(action.kind),
        "ratio": "" if action.ratio is None else str(action.ratio),
        "amount": plain(action.amount),
        "new_symbol": action.new_symbol or "",
        "cash_in_lieu": plain(action.cash_in_lieu),
    }
    explanation = "Enter the corporate action; look its terms up at the company, a statement tells them in words."
    return ProposedCorrection(CorrectionKind.ADD_CORPORATE_ACTION, values, explanation)


def choose_lots(close_execution_id: str, choices: Iterable[LotChoice]) -> ProposedCorrection:
    """Identify the lots that a sale took, as the broker has them (Reg. 1.1012-1(c))."""
    lots = ";".join(f"{choice.open_execution_id}:{plain(choice.quantity)}" for choice in choices)
    values = {"execution_id": close_execution_id, "lots": lots}
    explanation = "Record the lots that were identified at the sale, if the broker's are those that were told to it."
    return ProposedCorrection(CorrectionKind.CHOOSE_LOTS, values, explanation)


def report_to_broker(about: str) -> ProposedCorrection:
    """There is nothing to record: the other side has to mend its own."""
    return ProposedCorrection(CorrectionKind.REPORT_TO_BROKER, {"about": about}, "Ask the broker for a correction.")


def execution_of(values: Mapping[str, str]) -> Execution:
    """The execution that ADD_EXECUTION proposes."""
    return Execution(
        execution_id=values["execution_id"],
        order_id=values["order_id"],
        account_id=values["account_id"],
        symbol=values["symbol"],
        side=OrderSide(values["side"]),
        quantity=Decimal(values["quantity"]),
        price=Decimal(values["price"]),
        commission=Decimal(values["commission"]),
        fees=Decimal(values["fees"]),
        executed_at=datetime.fromisoformat(values["executed_at"]),
        trade_date=date.fromisoformat(values["trade_date"]),
        commission_is_estimated=values["commission_is_estimated"] == "yes",
    )


def corrected_execution(execution: Execution, values: Mapping[str, str]) -> Execution:
    """An execution with the figures that CORRECT_EXECUTION proposes; 0 shares: it never was."""
    return replace(
        execution,
        quantity=Decimal(values["quantity"]),
        price=Decimal(values["price"]),
        executed_at=datetime.fromisoformat(values["executed_at"]),
        trade_date=date.fromisoformat(values["trade_date"]),
    )


def cash_of(values: Mapping[str, str]) -> CashTransaction:
    """The movement that ADD_CASH_TRANSACTION proposes."""
    moved = CashTransaction(
        cash_transaction_id="",
        account_id=values["account_id"],
        kind=CashKind(values["kind"]),
        amount=Decimal(values["amount"]),
        session_date=date.fromisoformat(values["session_date"]),
        symbol=values["symbol"] or None,
        description=values["description"],
        corporate_action_id=values["corporate_action_id"] or None,
    )
    return identified("cash", moved)


def action_of(values: Mapping[str, str]) -> CorporateAction:
    """The event that ADD_CORPORATE_ACTION proposes."""
    return CorporateAction(
        symbol=values["symbol"],
        ex_date=date.fromisoformat(values["ex_date"]),
        kind=CorporateActionKind(values["kind"]),
        ratio=Fraction(values["ratio"]) if values["ratio"] else None,
        amount=Decimal(values["amount"]) if values["amount"] else None,
        new_symbol=values["new_symbol"] or None,
        cash_in_lieu=Decimal(values["cash_in_lieu"]) if values["cash_in_lieu"] else None,
    )


def lots_of(values: Mapping[str, str]) -> tuple[str, tuple[LotChoice, ...]]:
    """The sale that CHOOSE_LOTS is about, and the lots."""
    pairs = (part.rsplit(":", 1) for part in values["lots"].split(";") if part)
    return values["execution_id"], tuple(LotChoice(name, Decimal(shares)) for name, shares in pairs)


def applied(view: LedgerView, corrections: Sequence[ProposedCorrection]) -> LedgerView:
    """The view after corrections of executions, charges, cash and corporate actions.

    What was recorded of later closes, and what the tax engine made of the fills, stays as it was: it is for whoever
    keeps the ledger to work out again.
    """
    executions = {row.execution_id: row for row in view.executions}
    cash, actions = list(view.cash_transactions), list(view.corporate_actions)
    for correction in corrections:
        values = correction.values
        match correction.kind:
            case CorrectionKind.ADD_EXECUTION:
                executions[values["execution_id"]] = execution_of(values)
            case CorrectionKind.CORRECT_EXECUTION:
                name = values["execution_id"]
                executions[name] = corrected_execution(executions[name], values)
            case CorrectionKind.REPORT_COMMISSION:
                name, commission = values["execution_id"], Decimal(values["commission"])
                told = replace(executions[name], commission=commission, fees=ZERO, commission_is_estimated=False)
                executions[name] = told
            case CorrectionKind.ADD_CASH_TRANSACTION:
                cash.append(cash_of(values))
            case CorrectionKind.ADD_CORPORATE_ACTION:
                actions.append(action_of(values))
            case CorrectionKind.CHOOSE_LOTS | CorrectionKind.REPORT_TO_BROKER:
                pass
    return replace(
        view,
        executions=[row for row in executions.values() if row.quantity],
        cash_transactions=cash,
        corporate_actions=actions,
    )
