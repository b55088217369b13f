"""A statement and a break of the story's account, for tests of what the ledger keeps of them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from sqlalchemy import Engine

from tickledger.db.breaks import record_break_correction, record_comparison
from tickledger.db.statements import record_statement_file
from tickledger.domain.account import Account
from tickledger.reconciliation.accounting import Accounted, Fate
from tickledger.reconciliation.breaks import (
    BreakCause,
    ComparedScope,
    Comparison,
    CorrectionKind,
    ProposedCorrection,
    ReconciliationBreak,
    SourceName,
    Subject,
    with_id,
)
from tickledger.reconciliation.statement import Source, Statement, StatementFile, StatementKind

CONTENT = b"<FlexQueryResponse/>"
FIRST, LAST = date(2012, 1, 3), date(2012, 1, 6)


def statement_file(name: str = "january.xml", content: bytes = CONTENT, account_id: str = "U1") -> StatementFile:
    source = Source(name, sha256(content).hexdigest(), StatementKind.FLEX_XML)
    lines = (Accounted("Trades/Trade", Fate.READ, 3),)
    statement = Statement(
        account_id=account_id,
        broker="Interactive Brokers",
        base_currency="USD",
        start_date=FIRST,
        end_date=LAST,
        sources=(source,),
        accounting=lines,
    )
    return StatementFile(source, (statement,))


def missing_fill(account: Account, **changed: Any) -> ReconciliationBreak:
    terms: dict[str, Any] = {
        "break_id": "",
        "account_id": account.account_id,
        "subject": Subject.EXECUTION,
        "key": "0000e0d5.1",
        "cause": BreakCause.MISSING,
        "session_date": date(2012, 1, 5),
        "against": SourceName.STATEMENT,
        "symbol": "AAPL",
        "theirs": "BUY 10 @ 60.00",
        "difference": Decimal(10),
        "unit": "shares",
        "money_at_stake": Decimal("600.00"),
        "detail": "The statement has a fill that the ledger does not have.",
        "where": "january.xml, row 7",
        "correction": ProposedCorrection(CorrectionKind.ADD_EXECUTION, {"quantity": "10"}, "Book the fill."),
        **changed,
    }
    return with_id(ReconciliationBreak(**terms))


def comparison(account: Account, *breaks: ReconciliationBreak, **scope: Any) -> Comparison:
    terms: dict[str, Any] = {
        "account_id": account.account_id,
        "against": SourceName.STATEMENT,
        "subjects": frozenset({Subject.EXECUTION, Subject.POSITION}),
        "start_date": FIRST,
        "end_date": LAST,
        **scope,
    }
    return Comparison(ComparedScope(**terms), breaks, {Subject.EXECUTION: 3})


def evening(day: int) -> datetime:
    return datetime(2012, 1, day, 22, tzinfo=UTC)


def tell_reconciliation(ledger: Engine, account: Account) -> None:
    """A statement with a fill that the ledger lacks, which a person then had booked."""
    recorded = record_statement_file(ledger, statement_file(), CONTENT)
    found = missing_fill(account)
    told = comparison(account, found)
    record_comparison(ledger, account, told, compared_at=evening(6), statement_ids=recorded.statement_ids)
    record_break_correction(
        ledger, found, record_id="exec_by_hand", actor="ann", note="seen in TWS", applied_at=evening(7)
    )
