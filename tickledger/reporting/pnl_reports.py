"""The evening's P&L of all accounts: daily rows, what contributed to them, and the roll-forwards; and their files."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tickledger.reporting.pnl import DailyPnl, daily_pnl_from
from tickledger.reporting.pnl_breakdown import breakdown_tables
from tickledger.reporting.pnl_columns import AccountHistory
from tickledger.reporting.pnl_contributions import AMOUNTS, ContributionColumns, PnlContribution, contributions
from tickledger.reporting.pnl_origins import Origin
from tickledger.reporting.roll_forward import RollForward, roll_forward_table, roll_forwards
from tickledger.reporting.table import Table
from tickledger.reporting.trade_tables import daily_pnl_table


@dataclass(frozen=True, slots=True)
class PnlReports:
    """Whole histories: daily P&L by account, what contributed to it, account by account, and roll-forwards."""

    daily_pnl: Mapping[str, Sequence[DailyPnl]]
    contributions: tuple[ContributionColumns, ...]
    roll_forwards: tuple[RollForward, ...]

    def window(self, start: date) -> dict[str, list[DailyPnl]]:
        """The daily P&L of the sessions from `start` on, by account."""
        return {name: [row for row in rows if row.session_date >= start] for name, rows in self.daily_pnl.items()}

    def contribution_rows(self, start: date) -> list[PnlContribution]:
        """The contributions of the sessions from `start` on."""
        return [row for columns in self.contributions for row in columns.rows(start)]


def pnl_reports(
    histories: Sequence[AccountHistory], origins: Mapping[str, Origin], sectors: Mapping[str, str]
) -> PnlReports:
    """The reports of `histories`; `origins` is by order id, `sectors` by symbol."""
    rows = {history.account_id: _daily(history) for history in histories}
    return PnlReports(
        daily_pnl=rows,
        contributions=tuple(
            contributions(history, rows[history.account_id], origins, sectors) for history in histories
        ),
        roll_forwards=tuple(row for history in histories for row in roll_forwards(history)),
    )


def _daily(history: AccountHistory) -> list[DailyPnl]:
    return daily_pnl_from(history.balances, history.open_gains(), history.executions, history.cash_transactions)


def pnl_tables(reports: PnlReports) -> dict[str, Table]:
    """daily_pnl.csv, daily_pnl_by_symbol.csv and its like, roll_forward.csv, by file name."""
    rows = [row for of_account in reports.daily_pnl.values() for row in of_account]
    return {
        "daily_pnl.csv": daily_pnl_table(sorted(rows, key=lambda row: (row.session_date, row.account_id))),
        **breakdown_tables(reports.contributions),
        "roll_forward.csv": roll_forward_table(reports.roll_forwards),
    }


def sessions_that_do_not_add_up(rows: Iterable[DailyPnl], parts: Iterable[PnlContribution]) -> list[str]:
    """The sessions, with their accounts, whose contributions are not what the account's row says in every column."""
    left: dict[tuple[date, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * len(AMOUNTS))
    for sign, told in ((1, rows), (-1, parts)):
        for row in told:
            key = (row.session_date, row.account_id)
            left[key] = [amount + sign * getattr(row, name) for amount, name in zip(left[key], AMOUNTS, strict=True)]
    return [f"{account_id} {day}" for (day, account_id), amounts in sorted(left.items()) if any(amounts)]


def differences_by_account(rows: Iterable[RollForward]) -> dict[str, Decimal]:
    """What the record does not tell of each account's NAV, USD, absolute amounts added up over its sessions."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row.account_id] += max(abs(row.cash_difference), abs(row.nav_difference))
    return dict(sums)
