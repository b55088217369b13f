"""A statement in the making: readers add rows to it while the file goes by."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from tickledger.domain.errors import Problem
from tickledger.reconciliation.accounting import Accounted, Fate, Tally
from tickledger.reconciliation.form_1099b import Form1099BRow
from tickledger.reconciliation.statement import (
    Source,
    Statement,
    StatementClosedLot,
    StatementExecution,
    StatementOpenLot,
    StatementPosition,
    StatementWashSale,
)
from tickledger.reconciliation.statement_cash import (
    CashBalance,
    FxRate,
    NavChange,
    NetAssetValue,
    StatementCash,
    StatementCorporateAction,
    StatementTransfer,
)
from tickledger.reconciliation.statements.place import Place


@dataclass(slots=True)
class Drafts:
    """Everything found so far of one account."""

    place: Place
    account_id: str = ""
    broker: str = ""
    account_alias: str = ""
    base_currency: str = ""
    start_date: date | None = None
    end_date: date | None = None
    generated_at: datetime | None = None
    is_complete: bool = True
    executions: list[StatementExecution] = field(default_factory=list)
    orders: list[StatementExecution] = field(default_factory=list)
    positions: list[StatementPosition] = field(default_factory=list)
    open_lots: list[StatementOpenLot] = field(default_factory=list)
    closed_lots: list[StatementClosedLot] = field(default_factory=list)
    wash_sales: list[StatementWashSale] = field(default_factory=list)
    cash_balances: list[CashBalance] = field(default_factory=list)
    cash_transactions: list[StatementCash] = field(default_factory=list)
    cash_summaries: list[StatementCash] = field(default_factory=list)
    corporate_actions: list[StatementCorporateAction] = field(default_factory=list)
    transfers: list[StatementTransfer] = field(default_factory=list)
    net_asset_values: list[NetAssetValue] = field(default_factory=list)
    nav_changes: list[NavChange] = field(default_factory=list)
    fx_rates: list[FxRate] = field(default_factory=list)
    form_1099b: list[Form1099BRow] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    #: Rows by element around them, element, level, fate and reason, until they go into the tally.
    counts: Counter[tuple[str, str, str, Fate, str]] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def statement(self, source: Source) -> Statement:
        """The statement as it stands."""
        terms, accounting = self.place.terms, self.tally.table()
        return Statement(
            account_id=self.account_id or terms.account_id,
            broker=self.broker or terms.broker,
            account_alias=self.account_alias,
            base_currency=self.base_currency or terms.base_currency,
            start_date=self.start_date,
            end_date=self.end_date,
            generated_at=self.generated_at,
            sources=(source,),
            is_complete=self.is_complete,
            executions=tuple(self.executions),
            positions=tuple(self.positions),
            open_lots=tuple(self.open_lots),
            closed_lots=tuple(self.closed_lots),
            wash_sales=tuple(self.wash_sales),
            cash_balances=tuple(self.cash_balances),
            cash_transactions=tuple(self.cash_transactions),
            corporate_actions=tuple(self.corporate_actions),
            transfers=tuple(self.transfers),
            net_asset_values=tuple(self.net_asset_values),
            nav_changes=tuple(self.nav_changes),
            fx_rates=tuple(self.fx_rates),
            form_1099b=tuple(self.form_1099b),
            accounting=accounting,
            problems=(*self.problems, *_unknown(self.place, accounting)),
        )


def _unknown(place: Place, accounting: Iterable[Accounted]) -> tuple[Problem, ...]:
    """One warning with the names of all that no reader knows."""
    names = [line.place for line in accounting if line.fate is Fate.UNKNOWN]
    if not names:
        return ()
    return (Problem(place.name, "sections and columns that are known", ", ".join(names), severity="warning"),)
