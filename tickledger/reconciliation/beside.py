"""An account beside all that its statements hold: the statement itself, and the 1099-B of each year in it."""

from collections.abc import Iterable, Sequence

from tickledger.domain.account import Account, Mode
from tickledger.reconciliation.breaks import Comparison
from tickledger.reconciliation.comparison import compare_with_statement
from tickledger.reconciliation.form_1099b import Form1099BRow
from tickledger.reconciliation.form_1099b_matching import compare_with_1099b
from tickledger.reconciliation.ledger_view import LedgerView
from tickledger.reconciliation.statement import Statement


def sole_account(accounts: Iterable[Account]) -> str | None:
    """Whose a file is that names no account: the only one at a broker, else the only one there is."""
    known = list(accounts)
    at_broker = [account for account in known if account.mode is not Mode.SIMULATED]
    chosen = at_broker or known
    return chosen[0].account_id if len(chosen) == 1 else None


def compared_beside(
    view: LedgerView, statements: Sequence[Statement], *, tax_year: int | None = None
) -> list[Comparison]:
    """The comparisons that the statements of one account allow, those of 1099-B rows by year.

    Rows that do not tell when they were sold count for `tax_year`.
    """
    rows = [row for statement in statements for row in statement.form_1099b]
    others = [statement for statement in statements if not statement.form_1099b or _has_more(statement)]
    found = [compare_with_statement(view, others)] if others else []
    return found + [compare_with_1099b(view, of_year, tax_year=year) for year, of_year in _by_year(rows, tax_year)]


def _has_more(statement: Statement) -> bool:
    """Whether a statement says anything beside its 1099-B."""
    parts = (statement.executions, statement.positions, statement.open_lots, statement.closed_lots)
    return any((*parts, statement.cash_transactions, statement.cash_balances, statement.corporate_actions))


def _by_year(rows: Sequence[Form1099BRow], otherwise: int | None) -> list[tuple[int | None, list[Form1099BRow]]]:
    """The rows of each year; where none tells its sale and no year is named, they are compared as they are."""
    dated = {row.sold_date.year for row in rows if row.sold_date is not None}
    last = otherwise or max(dated, default=None)
    groups: dict[int | None, list[Form1099BRow]] = {}
    for row in rows:
        year = last if row.sold_date is None else row.sold_date.year
        groups.setdefault(year, []).append(row)
    return sorted(groups.items(), key=lambda group: group[0] or 0)
