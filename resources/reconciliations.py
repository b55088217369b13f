"""Every account beside what others say of it: recorded statements, and the broker where it answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from tickledger.db.breaks import RecordedComparison, read_breaks, record_comparison
from tickledger.db.ledger_views import read_ledger_view
from tickledger.db.statements import StoredStatement, read_statement_content, read_statements
from tickledger.db.trading import read_accounts
from tickledger.domain.account import Account
from tickledger.domain.errors import Problem
from tickledger.reconciliation.beside import compared_beside, sole_account
from tickledger.reconciliation.breaks import BreakState, Comparison, TrackedBreak
from tickledger.reconciliation.statement import Statement
from tickledger.reconciliation.statements.reading import read_statement

#: How far back statements are compared every evening: a year, and the January that its wash sales reach into.
LOOK_BACK: Final = timedelta(days=430)


@dataclass(frozen=True, slots=True)
class AccountReconciliation:
    """What came of one account beside its statements, or beside its 1099-B."""

    account: Account
    comparison: Comparison
    recorded: RecordedComparison


def reconcile_statements(engine: Engine, *, compared_at: datetime) -> list[AccountReconciliation]:
    """Compare every account with its recorded statements, joined, and record what differs.

    An account without statements is not compared; a file that names no account is that of the only one at a broker.
    Statements that ended long before the latest of the account are
    settled: they are compared when somebody asks for it (`tickledger reconcile`).
    """
    found = []
    accounts = read_accounts(engine)
    nameless = sole_account(accounts)
    every = read_statements(engine)
    for account in accounts:
        stored = _recent([one for one in every if (one.broker_account or nameless) == account.account_id])
        if not stored:
            continue
        statements = [_named(one, account) for file in _files(engine, stored) for one in file]
        mine = [one for one in statements if one.account_id == account.account_id]
        ids = sorted(one.statement_id for one in stored)
        for comparison in compared_beside(read_ledger_view(engine, account.account_id), mine):
            recorded = record_comparison(engine, account, comparison, compared_at=compared_at, statement_ids=ids)
            found.append(AccountReconciliation(account, comparison, recorded))
    return found


def unsettled_breaks(engine: Engine) -> list[TrackedBreak]:
    """The breaks of all accounts that are open or explained, the most money first."""
    return read_breaks(engine, states=(BreakState.OPEN, BreakState.EXPLAINED))


def problems_of(reconciliations: Iterable[AccountReconciliation]) -> list[Problem]:
    """What could not be compared."""
    return [problem for one in reconciliations for problem in one.comparison.problems]


def _recent(stored: Sequence[StoredStatement]) -> list[StoredStatement]:
    last = max((one.end_date for one in stored if one.end_date is not None), default=date.max)
    earliest = last - LOOK_BACK if last < date.max else date.min
    return [one for one in stored if one.end_date is None or one.end_date >= earliest]


def _files(engine: Engine, stored: Sequence[StoredStatement]) -> Iterable[Sequence[Statement]]:
    for source in dict.fromkeys(one.source for one in stored):
        content = read_statement_content(engine, source.sha256)
        if content is not None:
            yield read_statement([content], name=source.name).statements


def _named(statement: Statement, account: Account) -> Statement:
    return statement if statement.account_id else replace(statement, account_id=account.account_id)
