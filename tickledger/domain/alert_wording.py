"""The alert that each event deserves: its kind, how urgent it is, its words, and what makes two of them the same.

Every program that trades words its alerts here, so that a person reads the same thing the same way everywhere.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal

from tickledger.domain.account import Mode
from tickledger.domain.alert import Alert, AlertKind, AlertSeverity
from tickledger.domain.execution import Execution
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind
from tickledger.domain.money import round_cents
from tickledger.domain.order import Order

#: A break that has been open so long is urgent.
_LONG_OPEN_DAYS: Final = 7


class SessionNews(StrEnum):
    """What may happen to a session's process."""

    STARTED = "started"
    ENDED = "ended"
    RESTARTED = "restarted"
    FENCED = "fenced"
    JOURNAL_LOST = "journal_lost"


_OF_SESSIONS: Final = {
    SessionNews.STARTED: (AlertSeverity.INFO, "Trading session started"),
    SessionNews.ENDED: (AlertSeverity.INFO, "Trading session ended"),
    SessionNews.RESTARTED: (AlertSeverity.WARNING, "Trading session was restarted"),
    SessionNews.FENCED: (AlertSeverity.ERROR, "Session may not trade any more"),
    SessionNews.JOURNAL_LOST: (AlertSeverity.ERROR, "Session trades on without its journal of inputs"),
}

#: How urgent a step of the kill switch is; cancellations are told by the step that ends them.
_OF_KILL_SWITCH: Final = {
    KillSwitchEventKind.ENGAGED: "KILL SWITCH engaged",
    KillSwitchEventKind.RESUMED: "Kill switch released, trading resumes",
    KillSwitchEventKind.CANCEL_SENT: "Kill switch: cancellations sent",
    KillSwitchEventKind.FLATTEN_SENT: "Kill switch: position is being closed",
    KillSwitchEventKind.FLATTEN_SKIPPED: "Kill switch: position was left open",
    KillSwitchEventKind.FAILED: "KILL SWITCH step failed",
    KillSwitchEventKind.CARRIED_OUT: "Kill switch carried out",
}


def fill_alert(execution: Execution, *, mode: Mode) -> Alert:
    """An order was filled, wholly or in part. No fill is like another, so none is held back as a repeat."""
    notional = round_cents(execution.quantity * execution.price)
    deal = f"{execution.side.replace('_', ' ')} {number(execution.quantity)} {execution.symbol}"
    return Alert(
        kind=AlertKind.FILL,
        severity=AlertSeverity.INFO,
        title=f"{deal} at {number(execution.price)}, {notional:,} USD",
        body="",
        occurred_at=execution.executed_at,
        account_id=execution.account_id,
        mode=mode,
        facts={
            "symbol": execution.symbol,
            "charges": f"{round_cents(execution.commission + execution.fees):,} USD",
            "order": execution.order_id,
            "execution": execution.execution_id,
        },
    )


def reject_alert(order: Order, *, reason: str, occurred_at: datetime, mode: Mode) -> Alert:
    """The broker refused an order."""
    return Alert(
        kind=AlertKind.REJECT,
        severity=AlertSeverity.WARNING,
        title=f"Rejected: {order.side.replace('_', ' ')} {number(order.quantity)} {order.symbol}",
        body=reason,
        occurred_at=occurred_at,
        account_id=order.account_id,
        mode=mode,
        dedup_key=f"reject:{order.account_id}:{order.symbol}:{order.side}:{reason}",
        facts={"symbol": order.symbol, "order": order.order_id, "type": str(order.order_type)},
    )


def risk_stop_alert(
    *, account_id: str, mode: Mode, limit: str, reason: str, occurred_at: datetime, symbol: str | None = None
) -> Alert:
    """A limit of the account stopped something that the strategy wanted, or closed what it held."""
    return Alert(
        kind=AlertKind.RISK_STOP,
        severity=AlertSeverity.ERROR,
        title=f"Risk stop: {limit}" + (f", {symbol}" if symbol else ""),
        body=reason,
        occurred_at=occurred_at,
        account_id=account_id,
        mode=mode,
        dedup_key=f"risk_stop:{account_id}:{limit}:{symbol or ''}",
        facts={"limit": limit} | ({"symbol": symbol} if symbol else {}),
    )


def stale_data_alert(
    *, account_id: str, mode: Mode, symbol: str, last_at: datetime | None, occurred_at: datetime
) -> Alert:
    """No market data of a symbol came for longer than the session accepts; `last_at` is when the latest did."""
    seen = "nothing since the session began" if last_at is None else f"last seen {last_at:%Y-%m-%d %H:%M:%S} UTC"
    return Alert(
        kind=AlertKind.STALE_DATA,
        severity=AlertSeverity.WARNING,
        title=f"Stale market data: {symbol}",
        body=f"{seen}. No new positions are opened until data come again.",
        occurred_at=occurred_at,
        account_id=account_id,
        mode=mode,
        dedup_key=f"stale_data:{account_id}:{symbol}",
        facts={"symbol": symbol},
    )


def old_break_alert(
    *,
    account_id: str,
    mode: Mode,
    break_id: str,
    subject: str,
    money_at_stake: Decimal,
    age_days: int,
    occurred_at: datetime,
) -> Alert:
    """A difference that is worth money has been open for `age_days`; forms wait for it."""
    days = "1 day" if age_days == 1 else f"{age_days} days"
    return Alert(
        kind=AlertKind.RECONCILIATION_BREAK,
        severity=AlertSeverity.ERROR if age_days < _LONG_OPEN_DAYS else AlertSeverity.CRITICAL,
        title=f"Break open for {days}: {subject}, {number(money_at_stake)} USD at stake",
        body=f"The ledger and the broker have differed about {subject} for {days}. Forms wait for it: "
        f"tickledger breaks show {break_id}",
        occurred_at=occurred_at,
        account_id=account_id,
        mode=mode,
        dedup_key=f"old_break:{account_id}:{break_id}:{age_days}",
        facts={"break": break_id, "subject": subject, "days": str(age_days), "at stake": number(money_at_stake)},
    )


def reconciliation_break_alert(
    *, account_id: str, mode: Mode, subject: str, expected: str, found: str, occurred_at: datetime
) -> Alert:
    """The ledger (`expected`) and the broker (`found`) differ about `subject`, such as ``AAPL shares``."""
    return Alert(
        kind=AlertKind.RECONCILIATION_BREAK,
        severity=AlertSeverity.ERROR,
        title=f"Break: {subject}, ledger {expected}, broker {found}",
        body=f"The ledger and the broker differ about {subject}.",
        occurred_at=occurred_at,
        account_id=account_id,
        mode=mode,
        dedup_key=f"reconciliation_break:{account_id}:{subject}:{expected}:{found}",
        facts={"subject": subject, "ledger": expected, "broker": found},
    )


def run_failure_alert(
    *, job: str, partition: str | None, step: str | None, error: str, run_id: str, occurred_at: datetime, mode: Mode
) -> Alert:
    """A run of the pipelines failed; `error` is the first one, in one line."""
    facts = {"job": job, "partition": partition, "step": step, "run": run_id}
    return Alert(
        kind=AlertKind.RUN_FAILURE,
        severity=AlertSeverity.ERROR,
        title=f"Run failed: {job}" + (f", {partition}" if partition else ""),
        body=error,
        occurred_at=occurred_at,
        account_id=None,
        mode=mode,
        dedup_key=f"run_failure:{job}:{partition or ''}:{step or ''}:{error}",
        facts={name: value for name, value in facts.items() if value is not None},
    )


def kill_switch_alert(event: KillSwitchEvent, *, mode: Mode) -> Alert:
    """Somebody engaged or released the kill switch, or a session took a step to obey it."""
    closing = event.kind is KillSwitchEventKind.ENGAGED and event.flattens
    facts = {"by": event.actor, "account": event.obeying_account, "symbol": event.symbol}
    return Alert(
        kind=AlertKind.KILL_SWITCH,
        severity=AlertSeverity.CRITICAL,
        title=_OF_KILL_SWITCH[event.kind] + (f", {event.symbol}" if event.symbol else ""),
        body=(event.reason or "No reason was given.") + (" Positions are closed as well." if closing else ""),
        occurred_at=event.occurred_at,
        account_id=event.obeying_account,
        mode=mode,
        facts={name: value for name, value in facts.items() if value},
    )


def session_alert(
    news: SessionNews, *, account_id: str, mode: Mode, session_id: str, reason: str, occurred_at: datetime
) -> Alert:
    """A session's process started, ended, was restarted, or lost the right to trade."""
    severity, title = _OF_SESSIONS[news]
    return Alert(
        kind=AlertKind.SESSION,
        severity=severity,
        title=f"{title}, account {account_id}",
        body=reason,
        occurred_at=occurred_at,
        account_id=account_id,
        mode=mode,
        dedup_key=f"session:{account_id}:{session_id}:{news}",
        facts={"session": session_id},
    )


def outage_alert(
    kind: Literal[AlertKind.DATABASE_DOWN, AlertKind.BROKER_DOWN],
    *,
    account_id: str | None,
    mode: Mode,
    reason: str,
    occurred_at: datetime,
    is_over: bool = False,
) -> Alert:
    """The database or the broker does not answer, or does again."""
    name, means = {
        AlertKind.DATABASE_DOWN: ("database", "Nothing can be recorded, so nothing is sent; orders are cancelled."),
        AlertKind.BROKER_DOWN: ("broker", "No orders are sent; orders that work there go on working."),
    }[kind]
    title = f"The {name} answers again" if is_over else f"The {name} does not answer"
    return Alert(
        kind=kind,
        severity=AlertSeverity.WARNING if is_over else AlertSeverity.CRITICAL,
        title=title,
        body=reason if is_over else f"{reason}\n{means}".strip(),
        occurred_at=occurred_at,
        account_id=account_id,
        mode=mode,
        dedup_key=f"{kind}:{account_id or ''}:{'over' if is_over else 'down'}",
    )


def readiness_alert(
    problems: Sequence[str], *, account_id: str | None, mode: Mode, session_day: str, occurred_at: datetime
) -> Alert:
    """What the check before the open found; no `problems` means that the session may start."""
    return Alert(
        kind=AlertKind.READINESS,
        severity=AlertSeverity.ERROR if problems else AlertSeverity.INFO,
        title=f"NOT ready for {session_day}: {len(problems)} to mend" if problems else f"Ready for {session_day}",
        body="\n".join(f"- {problem}" for problem in problems),
        occurred_at=occurred_at,
        account_id=account_id,
        mode=mode,
        dedup_key=f"readiness:{account_id or ''}:{session_day}:{'|'.join(problems)}",
    )


def number(value: Decimal) -> str:
    """`value` without trailing zeros, thousands separated: ``1,250.5``."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
