"""The ledger beside the broker: what does not agree, read from both, written to neither."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

import pandas as pd

from resources.ledger import Ledger
from resources.trading_session import LiveTrading
from tickledger.db.order_journal import LedgerJournal
from tickledger.db.trading import read_cash_transactions
from tickledger.domain.errors import BrokerUnavailableError
from tickledger.domain.execution import CashKind
from tickledger.domain.money import round_cents
from tickledger.execution.order_journal import AccountRecord, OrderPlaced, new_york_date
from tickledger.execution.order_reconciliation import Break, BreakKind, Reconciliation, reconciled
from tickledger.reconciliation.breaks import (
    BreakCause,
    ComparedScope,
    Comparison,
    ReconciliationBreak,
    SourceName,
    Subject,
    with_id,
)

#: How long after its ex-date a dividend is paid, by and large.
_PAID_WITHIN: Final = timedelta(days=60)
_IMPORT: Final = "what the account held before it was traded here is in no fill: bring its history into the record"


#: What each kind of difference is among the breaks that are recorded.
_SUBJECTS: Final = {
    BreakKind.FILLS: (Subject.EXECUTION, BreakCause.MISSING, "shares"),
    BreakKind.ORDER: (Subject.ORDER, BreakCause.UNEXPLAINED, "shares"),
    BreakKind.TERMS: (Subject.ORDER, BreakCause.UNEXPLAINED, "shares"),
    BreakKind.POSITION: (Subject.POSITION, BreakCause.QUANTITY, "shares"),
    BreakKind.CASH: (Subject.CASH, BreakCause.UNEXPLAINED, "USD"),
}


@dataclass(frozen=True, slots=True)
class BrokerComparison:
    """What came of comparing; `unavailable` says why the broker could not be asked, and then nothing is known."""

    account_id: str
    breaks: tuple[Break, ...] = ()
    foreign: int = 0
    unresolved: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    positions: int = 0
    unavailable: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the broker was asked and has what the ledger has; orders and fills that are not ours may be there."""
        return not (self.breaks or self.unresolved or self.problems or self.unavailable)

    def table(self) -> str:
        """The breaks as a table in Markdown."""
        rows = [{name: str(value) for name, value in asdict(one).items()} for one in self.breaks]
        return pd.DataFrame(rows).to_markdown(index=False) if rows else "none"


def compare_with_broker(ledger: Ledger, live: LiveTrading) -> BrokerComparison:
    """Ask the broker for the whole account, and hold the ledger beside it."""
    account_id = live.account.account_id
    record = LedgerJournal(ledger.engine).load(account_id)
    try:
        snapshot = live.broker.snapshot()
        found = reconciled(record, snapshot)
    except BrokerUnavailableError as error:
        return BrokerComparison(account_id, unavailable=str(error))
    return BrokerComparison(
        account_id,
        breaks=(*_explained(found.breaks, record, _unpaid(ledger, account_id, snapshot.taken_at)), *_missing(found)),
        foreign=len(found.foreign_orders) + len(found.foreign_fills),
        unresolved=found.unresolved,
        problems=tuple(str(problem) for problem in found.problems),
        positions=len(snapshot.positions),
    )


def as_comparison(found: BrokerComparison, *, on: date) -> Comparison:
    """The comparison as it is recorded among the breaks; `on` is the session that it was made after."""
    subjects = frozenset(subject for subject, _, _ in _SUBJECTS.values())
    scope = ComparedScope(found.account_id, SourceName.BROKER, subjects, on, on)
    return Comparison(scope, tuple(_recorded(one, found.account_id, on) for one in found.breaks), {})


def _recorded(found: Break, account_id: str, on: date) -> ReconciliationBreak:
    subject, cause, unit = _SUBJECTS[found.kind]
    key, field, symbol = _known_by(found)
    difference = found.at_broker - found.in_record
    return with_id(
        ReconciliationBreak(
            break_id="",
            account_id=account_id,
            subject=subject,
            key=key,
            cause=cause,
            session_date=on,
            against=SourceName.BROKER,
            field=field,
            symbol=symbol,
            ours=f"{found.in_record.normalize():f}",
            theirs=f"{found.at_broker.normalize():f}",
            difference=difference,
            unit=unit,
            money_at_stake=round_cents(abs(difference)) if found.kind is BreakKind.CASH else Decimal(0),
            detail=found.reason,
        )
    )


def _known_by(found: Break) -> tuple[str, str, str]:
    """Key, field and symbol as the same difference with a statement has them, so that the two can be paired."""
    match found.kind:
        case BreakKind.POSITION:
            return found.subject, "quantity", found.subject
        case BreakKind.CASH:
            return "USD", "ending balance", ""
        case BreakKind.FILLS if " " in found.subject:
            symbol, _, execution_id = found.subject.rpartition(" ")
            return execution_id, "", symbol
        case BreakKind.TERMS:
            return found.subject, found.kind, ""
        case _:
            return found.subject, "", ""


def _unpaid(ledger: Ledger, account_id: str, at: datetime) -> Decimal:
    """The dividends in the record that the broker may not have paid yet, USD."""
    since = new_york_date(at) - _PAID_WITHIN
    told = read_cash_transactions(ledger.engine, account_id=account_id, start=since)
    return sum((each.amount for each in told if each.kind is CashKind.DIVIDEND), Decimal(0))


def _explained(breaks: Iterable[Break], record: AccountRecord, unpaid: Decimal) -> Sequence[Break]:
    """The breaks, each with what else may be behind it and what to do."""
    ordered = {entry.order.symbol for entry in record.entries if isinstance(entry, OrderPlaced)}
    return [_with_reason(each, _also(each, ordered, unpaid)) for each in breaks]


def _with_reason(found: Break, also: str) -> Break:
    return replace(found, reason=f"{found.reason}; {also}") if also else found


def _also(found: Break, ordered: Collection[str], unpaid: Decimal) -> str:
    if found.kind is BreakKind.CASH and found.in_record > found.at_broker and unpaid:
        days = _PAID_WITHIN.days
        return f"{unpaid} of dividends of the last {days} days are in the record from their ex-dates, paid or not"
    if found.kind is BreakKind.POSITION and not found.in_record and found.subject not in ordered:
        return _IMPORT
    return ""


def _missing(found: Reconciliation) -> list[Break]:
    """Fills that the ledger does not have, sales below zero: a session that ended in good order has left none."""
    return [
        Break(
            BreakKind.FILLS,
            f"{fill.symbol} {fill.execution_id}",
            in_record=Decimal(0),
            at_broker=fill.side.sign * fill.quantity,
            reason=f"order {fill.order_id}: the fill is not in the ledger; the next session takes it in",
        )
        for fill in found.missing_fills
    ]
