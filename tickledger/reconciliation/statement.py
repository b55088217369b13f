"""A broker's statement of one account, whatever file it came in: one type for all of them.

Signs. Quantities of executions, closed lots and wash sales are positive, and a side or a flag tells the direction;
quantities of positions, open lots, transfers and corporate actions are signed, negative for what is short or leaves.
Costs (commissions, fees, taxes) are positive where they are paid and negative where they are rebated, whatever sign the
file writes. Money is in the row's own `currency`. What the file leaves open is None, or an empty text.

Every row knows the file and the line it stands on (`where`, `row`); both are left out of comparisons, so that a row
which two files tell is one row.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from tickledger.domain.errors import Problem
from tickledger.domain.lot import Term
from tickledger.domain.order import OrderSide
from tickledger.reconciliation.accounting import Accounted
from tickledger.reconciliation.form_1099b import Form1099BRow
from tickledger.reconciliation.statement_cash import (
    CashBalance,
    FxRate,
    NavChange,
    NetAssetValue,
    StatementCash,
    StatementCorporateAction,
    StatementTransfer,
)


class StatementKind(StrEnum):
    """The format of a file."""

    FLEX_XML = "Flex query, XML"
    ACTIVITY_CSV = "activity statement, CSV"
    TRANSACTION_HISTORY_CSV = "transaction history, CSV"
    WORKSHEET_8949_CSV = "worksheet for Form 8949, CSV"
    COLUMNS_1099B_CSV = "1099-B by columns, CSV"
    COLUMNS_TRADES_CSV = "transactions by columns, CSV"
    OFX_1099B = "1099-B, OFX"


class ExecutionLevel(StrEnum):
    """What one row stands for: a fill, or the sum of an order's fills where the file has nothing finer."""

    EXECUTION = "execution"
    ORDER = "order"


class Correction(StrEnum):
    """What a row does to an earlier one."""

    NONE = ""
    CANCELS = "cancels"
    CORRECTS = "corrects"


@dataclass(frozen=True, slots=True)
class Source:
    """One file; `sha256` is of its content, in hexadecimal."""

    name: str
    sha256: str
    kind: StatementKind


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementExecution:
    """One fill (or one order, see `level`) as the broker states it.

    `executed_at` is None where only the day is known. `executed_on` is its date where the account is kept, `trade_date`
    the date that the broker books it on. `ib_exec_id` is the `execId` of the API. A row that cancels has the side and
    the quantity of what it takes back, see `signed_quantity`; `original_trade_id` names it. `fees` are the regulatory
    part of the commission where the statement breaks it down; the commission includes them.
    """

    symbol: str
    side: OrderSide
    quantity: Decimal
    price: Decimal
    currency: str
    executed_on: date
    trade_date: date
    executed_at: datetime | None = None
    settle_date: date | None = None
    ib_exec_id: str = ""
    trade_id: str = ""
    transaction_id: str = ""
    order_id: str = ""
    order_ref: str = ""
    original_trade_id: str = ""
    conid: str = ""
    isin: str = ""
    cusip: str = ""
    asset_class: str = ""
    description: str = ""
    multiplier: Decimal = Decimal(1)
    proceeds: Decimal | None = None
    commission: Decimal | None = None
    commission_currency: str = ""
    fees: Decimal | None = None
    taxes: Decimal | None = None
    basis: Decimal | None = None
    realized: Decimal | None = None
    fx_rate_to_base: Decimal | None = None
    exchange: str = ""
    order_type: str = ""
    open_close: str = ""
    transaction_type: str = ""
    codes: tuple[str, ...] = ()
    correction: Correction = Correction.NONE
    level: ExecutionLevel = ExecutionLevel.EXECUTION
    where: str = field(default="", compare=False)
    row: int = field(default=0, compare=False)

    @property
    def signed_quantity(self) -> Decimal:
        """Shares it adds to the position; a cancellation takes back what the original did."""
        sign = -self.side.sign if self.correction is Correction.CANCELS else self.side.sign
        return sign * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPosition:
    """A holding at the end of `as_of`; money is the whole position's, `mark_price` per share."""

    symbol: str
    quantity: Decimal
    currency: str
    as_of: date | None
    conid: str = ""
    isin: str = ""
    cusip: str = ""
    asset_class: str = ""
    description: str = ""
    multiplier: Decimal = Decimal(1)
    mark_price: Decimal | None = None
    value: Decimal | None = None
    cost_basis: Decimal | None = None
    cost_price: Decimal | None = None
    unrealized: Decimal | None = None
    fx_rate_to_base: Decimal | None = None
    where: str = field(default="", compare=False)
    row: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementOpenLot:
    """Shares of one acquisition still held at the end of `as_of`; `holding_start` differs after a wash sale."""

    symbol: str
    quantity: Decimal
    currency: str
    as_of: date | None
    opened_date: date | None
    opened_at: datetime | None = None
    holding_start: date | None = None
    conid: str = ""
    asset_class: str = ""
    mark_price: Decimal | None = None
    value: Decimal | None = None
    cost_basis: Decimal | None = None
    cost_price: Decimal | None = None
    unrealized: Decimal | None = None
    order_id: str = ""
    transaction_id: str = ""
    codes: tuple[str, ...] = ()
    where: str = field(default="", compare=False)
    row: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementClosedLot:
    """A lot, or a part of one, that was disposed of. IB leaves `proceeds` open: it is then basis plus realized.

    `basis` is what the broker counts, wash sales included; `is_short` says that a purchase closed it.
    """

    symbol: str
    quantity: Decimal
    currency: str
    closed_date: date | None
    opened_date: date | None
    closed_at: datetime | None = None
    opened_at: datetime | None = None
    holding_start: date | None = None
    is_short: bool = False
    proceeds: Decimal | None = None
    basis: Decimal | None = None
    realized: Decimal | None = None
    disallowed_loss: Decimal | None = None
    term: Term | None = None
    opening_price: Decimal | None = None
    conid: str = ""
    isin: str = ""
    cusip: str = ""
    asset_class: str = ""
    multiplier: Decimal = Decimal(1)
    ib_exec_id: str = ""
    trade_id: str = ""
    transaction_id: str = ""
    codes: tuple[str, ...] = ()
    where: str = field(default="", compare=False)
    row: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementWashSale:
    """A loss that the broker disallowed (positive), when it was realized and what took it over.

    `reopened_date` is when the replacement was bought, `holding_start` what its holding period now begins with.
    """

    symbol: str
    quantity: Decimal
    currency: str
    disallowed_loss: Decimal
    trade_date: date | None
    realized_date: date | None = None
    reopened_date: date | None = None
    holding_start: date | None = None
    conid: str = ""
    asset_class: str = ""
    trade_id: str = ""
    transaction_id: str = ""
    codes: tuple[str, ...] = ()
    where: str = field(default="", compare=False)
    row: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one broker says of one account between two dates, both included; see the module for signs and units.

    `accounting` has a line for every place of the file, `problems` what is wrong with single rows. Where `is_complete`
    is False the file ends too early, and what is missing from it proves nothing. `periods` are those of the statements
    that a joined one is made of, in order and without overlaps: between two of them nobody told anything.
    """

    account_id: str
    broker: str = ""
    account_alias: str = ""
    base_currency: str = ""
    start_date: date | None = None
    end_date: date | None = None
    generated_at: datetime | None = None
    sources: tuple[Source, ...] = ()
    is_complete: bool = True
    periods: tuple[tuple[date, date], ...] = ()
    executions: tuple[StatementExecution, ...] = ()
    positions: tuple[StatementPosition, ...] = ()
    open_lots: tuple[StatementOpenLot, ...] = ()
    closed_lots: tuple[StatementClosedLot, ...] = ()
    wash_sales: tuple[StatementWashSale, ...] = ()
    cash_balances: tuple[CashBalance, ...] = ()
    cash_transactions: tuple[StatementCash, ...] = ()
    corporate_actions: tuple[StatementCorporateAction, ...] = ()
    transfers: tuple[StatementTransfer, ...] = ()
    net_asset_values: tuple[NetAssetValue, ...] = ()
    nav_changes: tuple[NavChange, ...] = ()
    fx_rates: tuple[FxRate, ...] = ()
    form_1099b: tuple[Form1099BRow, ...] = ()
    accounting: tuple[Accounted, ...] = ()
    problems: tuple[Problem, ...] = ()

    def covers(self, day: date) -> bool:
        """Whether the statement is about `day`; one without a period is about none."""
        if self.periods:
            return any(start <= day <= end for start, end in self.periods)
        return self.start_date is not None and self.end_date is not None and self.start_date <= day <= self.end_date


@dataclass(frozen=True, slots=True)
class StatementFile:
    """A file with the statements in it, one for each account.

    `accounting` and `problems` are what belongs to no single statement: the envelope, and what is wrong with the file.
    """

    source: Source
    statements: tuple[Statement, ...]
    accounting: tuple[Accounted, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def all_problems(self) -> tuple[Problem, ...]:
        """Those of the file and those of its statements."""
        return (*self.problems, *(problem for statement in self.statements for problem in statement.problems))
