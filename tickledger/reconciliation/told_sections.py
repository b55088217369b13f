"""Which parts of an account a statement tells at all: what a file has no section for proves nothing.

A section with rows is told. One without rows is told where the file has its empty frame, as a Flex query does; files
that leave out what has no rows do not say whether there were none or nobody asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tickledger.reconciliation.accounting import Accounted
from tickledger.reconciliation.cash_rows import CashGroup, CashRow
from tickledger.reconciliation.statement import Statement, StatementKind

_EXECUTIONS: Final = frozenset({"Trades", "TradeConfirms"})
_POSITIONS: Final = frozenset({"OpenPositions", "Open Positions"})
_CASH: Final = frozenset({"CashTransactions"})
_ACTIONS: Final = frozenset({"CorporateActions", "Corporate Actions"})
#: Files that list every movement of cash under each other.
_WHOLE_CASH: Final = frozenset({StatementKind.TRANSACTION_HISTORY_CSV, StatementKind.COLUMNS_TRADES_CSV})


@dataclass(frozen=True, slots=True)
class ToldSections:
    """What a statement speaks of."""

    executions: bool
    positions: bool
    cash_groups: frozenset[CashGroup]
    corporate_actions: bool


def told_sections(statement: Statement, cash: Iterable[CashRow]) -> ToldSections:
    """The parts that `statement` tells; `cash` are its movements of cash."""
    empty, filled = _frames(statement.accounting)
    groups = {row.group for row in cash}
    if _CASH & empty or {source.kind for source in statement.sources} & _WHOLE_CASH or _CASH & filled:
        groups |= set(CashGroup) - {CashGroup.CORPORATE}
    actions = bool(statement.corporate_actions) or bool(_ACTIONS & empty)
    if actions:
        groups.add(CashGroup.CORPORATE)
    return ToldSections(
        executions=bool(statement.executions) or bool(_EXECUTIONS & empty),
        positions=bool(statement.positions) or bool(_POSITIONS & empty),
        cash_groups=frozenset(groups),
        corporate_actions=actions,
    )


def _frames(accounting: Iterable[Accounted]) -> tuple[frozenset[str], frozenset[str]]:
    """The sections without rows and those with."""
    named, filled = set(), set()
    for line in accounting:
        section, slash, _ = line.place.partition("/")
        section = section.partition(":")[0]
        named.add(section)
        if slash:
            filled.add(section)
    return frozenset(named - filled), frozenset(filled)
