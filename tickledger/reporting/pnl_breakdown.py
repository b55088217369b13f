"""Contributions added up by one thing at a time: symbol, strategy, sector or model version, day by day.

A breakdown only adds up whole cents of the same rows, so that all of them agree with each other and with the account.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Final

import numpy as np

from tickledger.reporting.pnl_columns import Dates, Integers, of_cents
from tickledger.reporting.pnl_contributions import ContributionColumns, Part
from tickledger.reporting.table import Table

#: The name of the group a part belongs to.
Grouping = Callable[[Part], str]


def by_symbol(part: Part) -> str:
    """Its symbol; what no symbol earned by the name of its origin."""
    return part.symbol or part.origin.strategy


def by_strategy(part: Part) -> str:
    """Its strategy, or the name of the group that no signal made."""
    return part.origin.strategy


def by_sector(part: Part) -> str:
    """Its sector as the record has it now."""
    return part.sector


def by_model(part: Part) -> str:
    """Its model version, `(no model)` for strategies that ask none, or the name of the group that no signal made."""
    return part.origin.model


#: What P&L is broken down by, and the column that names the groups in files.
GROUPINGS: Final[Mapping[str, Grouping]] = {
    "symbol": by_symbol,
    "strategy": by_strategy,
    "sector": by_sector,
    "model_version": by_model,
}


@dataclass(frozen=True, slots=True)
class PnlOfGroup:
    """What a group contributed to an account's P&L of a session, USD in whole cents."""

    account_id: str
    session_date: date
    group: str
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    dividends: Decimal
    total_pnl: Decimal


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The groups of one account by session, in cents: `day` holds places in `session_dates`, `group` in `groups`."""

    account_id: str
    session_dates: Dates
    groups: tuple[str, ...]
    day: Integers
    group: Integers
    realized_pnl: Integers
    unrealized_pnl: Integers
    dividends: Integers
    total_pnl: Integers

    def rows(self) -> list[PnlOfGroup]:
        """A value for each row, by session and name."""
        dates: list[date] = self.session_dates.tolist()
        amounts = (self.realized_pnl, self.unrealized_pnl, self.dividends, self.total_pnl)
        columns = [column.tolist() for column in (self.day, self.group, *amounts)]
        return [
            PnlOfGroup(self.account_id, dates[day], self.groups[group], *map(of_cents, cents))
            for day, group, *cents in zip(*columns, strict=True)
        ]


def breakdown(columns: ContributionColumns, grouping: Grouping) -> Breakdown:
    """The contributions of each session added up by group."""
    names = [grouping(part) for part in columns.parts]
    groups = sorted(set(names))
    places = {name: place for place, name in enumerate(groups)}
    group = np.array([places[name] for name in names], dtype=np.int64)[columns.part]
    width = max(len(groups), 1)
    place = columns.day * width + group
    size = len(columns.session_dates) * width
    is_there = np.zeros(size, dtype=bool)
    is_there[place] = True
    found = np.flatnonzero(is_there)
    sums = []
    for amount in (columns.realized_pnl, columns.unrealized_pnl, columns.dividends, columns.total_pnl):
        total = np.zeros(size, dtype=np.int64)
        some = np.flatnonzero(amount)
        np.add.at(total, place[some], amount[some])
        sums.append(total[found])
    day, group = np.divmod(found, width)
    return Breakdown(columns.account_id, columns.session_dates, tuple(groups), day, group, *sums)


def breakdown_tables(of_accounts: Iterable[ContributionColumns]) -> dict[str, Table]:
    """daily_pnl_by_symbol.csv and its like: the fields of `PnlOfGroup`, the group named by what it is."""
    accounts = list(of_accounts)
    return {
        f"daily_pnl_by_{name}.csv": _table(name, [row for each in accounts for row in breakdown(each, grouping).rows()])
        for name, grouping in GROUPINGS.items()
    }


def _table(name: str, rows: Iterable[PnlOfGroup]) -> Table:
    columns = [name if field.name == "group" else field.name for field in fields(PnlOfGroup)]
    cells = [{name if key == "group" else key: cell for key, cell in asdict(row).items()} for row in rows]
    return Table(columns=columns, rows=cells)
