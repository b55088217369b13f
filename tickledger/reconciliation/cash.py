"""Cash of the account beside the broker's: the balance, where it started, and what moved it in between.

What executions, charges and movements of cash that differ add up to explains a balance; so does a balance that differed
before the period began, and a dividend that we booked on its ex-date and nobody has paid yet. What then is left differs
for a reason that nothing here shows: its line of the broker's roll-forward is named where one is as far off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Final

from tickledger.domain.execution import CashKind
from tickledger.execution.portfolio import cash_effect
from tickledger.reconciliation.breaks import BreakCause, Subject
from tickledger.reconciliation.cash_rows import CashRow, accrued
from tickledger.reconciliation.findings import CENT, ZERO, Against, Finding, Findings, is_small, numbered, plain
from tickledger.reconciliation.ledger_view import LedgerView
from tickledger.reconciliation.statement_cash import Amount

_KEY: Final = "USD"
_MOST_DAYS_TO_SETTLE: Final = 3


@dataclass(frozen=True, slots=True)
class CashThere:
    """The other side's cash in USD after the close of `as_of`, and before that of `start` where it tells a period."""

    as_of: date
    ending: Decimal
    start: date | None = None
    starting: Decimal | None = None
    items: Sequence[Amount] = ()
    where: str = ""


def compare_cash(
    view: LedgerView,
    there: CashThere,
    *,
    against: Against,
    roots: Sequence[Finding] = (),
    drift: Decimal = ZERO,
    carried: Decimal = ZERO,
    executions_agree: bool = True,
) -> Findings:
    """The balances of both sides; `roots`, `drift` and `carried` are what other comparisons say about cash.

    `executions_agree` says that executions were compared, so that trades which have not settled are no explanation.
    """
    ours = view.cash_on(there.as_of)
    if ours is None:
        return Findings()
    started = numbered(_started(view, there, against, carried))
    causes = [root for root in (*started, *roots) if root.cash and root.on <= there.as_of]
    explained = sum((root.cash for root in causes), drift)
    difference = there.ending - ours
    left = difference - explained
    if is_small(left) and is_small(difference - drift):
        return Findings(started, {Subject.CASH: 1})
    findings = [*started]
    if is_small(left):
        follows = tuple(root.found.break_id for root in causes)
        cause = max(causes, key=lambda root: (abs(root.cash), root.found.break_id)).found.cause
        findings.append(_balance(there, ours, cause, "follows from other breaks", against=against, follows=follows))
        return Findings(findings, {Subject.CASH: 0})
    cause, detail, stake = _cause(view, there, left, executions_agree=executions_agree, has_started=bool(started))
    if causes:
        detail = f"{plain(explained)} follow from other breaks, {plain(left)} do not: {detail}"
    findings.append(_balance(there, ours, cause, detail, stake=stake, against=against))
    return Findings(findings, {Subject.CASH: 0})


def _balance(
    there: CashThere,
    ours: Decimal,
    cause: BreakCause,
    detail: str,
    *,
    stake: Decimal = ZERO,
    against: Against,
    follows: tuple[str, ...] = (),
) -> Finding:
    found = against.found(
        Subject.CASH, _KEY, cause, there.as_of,
        field="ending balance", ours=plain(ours), theirs=plain(there.ending), difference=there.ending - ours,
        unit=_KEY, stake=stake, detail=detail, where=there.where, because_of=follows,
    )  # fmt: skip
    return Finding(found)


def _started(view: LedgerView, there: CashThere, against: Against, carried: Decimal) -> list[Finding]:
    """A difference that was there before the period, by what is told of its start."""
    if there.start is None or there.starting is None:
        return []
    day = there.start - timedelta(days=1)
    ours = view.cash_on(day)
    if ours is None or is_small(there.starting - ours):
        return []
    difference = there.starting - ours
    left = difference + carried
    unpaid = [] if is_small(left) else _unpaid(accrued(view, day), -left)
    cause, detail = BreakCause.UNEXPLAINED, "the difference is older than the period"
    if is_small(left):
        cause, detail = BreakCause.TIMING, "what was booked before the period and paid in it"
    elif abs(left) <= CENT:
        cause, detail = BreakCause.ROUNDING, ""
    elif unpaid:
        cause, detail = BreakCause.TIMING, f"not yet paid: {_named(unpaid)}"
    found = against.found(
        Subject.CASH, _KEY, cause, there.start,
        field="starting balance", ours=plain(ours), theirs=plain(there.starting), difference=difference, unit=_KEY,
        stake=ZERO if cause is BreakCause.TIMING else left, detail=detail, where=there.where,
    )  # fmt: skip
    # What was not paid then is in neither balance once it is paid.
    return [Finding(found, cash=ZERO if cause is BreakCause.TIMING else left)]


def _unpaid(due: Sequence[CashRow], amount: Decimal) -> Sequence[CashRow]:
    """The dividends whose sum is `amount`: one, or the latest ones; companies pay in the order of the ex-dates."""
    for row in due:
        if is_small(row.amount - amount):
            return [row]
    for count, total in enumerate(accumulate(row.amount for row in due), 1):
        if is_small(total - amount, count):
            return due[:count]
    return []


def _named(rows: Sequence[CashRow]) -> str:
    return ", ".join(f"{row.symbol} {plain(row.amount)} of {row.on}" for row in rows)


def _cause(
    view: LedgerView, there: CashThere, left: Decimal, *, executions_agree: bool, has_started: bool
) -> tuple[BreakCause, str, Decimal]:
    """The cause of what is left, what to say, and what is at stake."""
    if abs(left) <= CENT:
        return BreakCause.ROUNDING, "", left
    unpaid = _unpaid(accrued(view, there.as_of), -left)
    if unpaid:
        return BreakCause.TIMING, f"not yet paid: {_named(unpaid)}", ZERO
    if not executions_agree:
        for days in range(1, _MOST_DAYS_TO_SETTLE + 1):
            first = there.as_of - timedelta(days=days - 1)
            traded = [row for row in view.executions if first <= row.trade_date <= there.as_of]
            if traded and is_small(left + sum(map(cash_effect, traded), ZERO), len(traded)):
                return BreakCause.TIMING, "trades that had not settled yet", ZERO
    lines = [] if has_started or there.start is None else _lines(view, there, left)
    if lines:
        return BreakCause.UNEXPLAINED, f"the broker's line for {lines[0]} is as far off", left
    return BreakCause.UNEXPLAINED, "nothing that was compared explains it", left


def _lines(view: LedgerView, there: CashThere, left: Decimal) -> list[str]:
    """The lines of the roll-forward that differ from our sums by as much as is left."""
    if there.start is None:
        return []
    sums = _our_lines(view, there.start, there.as_of)
    told = {"".join(filter(str.isalpha, item.name.lower())): item for item in there.items}
    return [
        told[name].name
        for name, ours in sums.items()
        if name in told and is_small(told[name].amount - ours - left, len(view.executions))
    ]


def _our_lines(view: LedgerView, start: date, end: date) -> Mapping[str, Decimal]:
    """Our sums under the names that IB gives the lines, letters only."""
    rows = [row for row in view.executions if start <= row.trade_date <= end]
    moved = [row for row in view.cash_transactions if start <= row.session_date <= end]

    def of(*kinds: CashKind) -> Decimal:
        return sum((row.amount for row in moved if row.kind in kinds), ZERO)

    charges = -sum((row.commission + row.fees for row in rows), ZERO)
    sales = sum((row.quantity * row.price for row in rows if row.side.sign < 0), ZERO)
    purchases = -sum((row.quantity * row.price for row in rows if row.side.sign > 0), ZERO)
    interest, fees = of(CashKind.INTEREST), of(CashKind.FEE)
    deposits, withdrawals = of(CashKind.DEPOSIT), of(CashKind.WITHDRAWAL)
    return {
        "commissions": charges,
        "nettradessales": sales,
        "tradessales": sales,
        "nettradespurchases": purchases,
        "tradespurchase": purchases,
        "dividends": of(CashKind.DIVIDEND, CashKind.RETURN_OF_CAPITAL),
        "brokerinterest": interest,
        "brokerinterestpaidandreceived": interest,
        "otherfees": fees,
        "depositwithdrawals": deposits + withdrawals,
        "deposits": deposits,
        "withdrawals": withdrawals,
    }
