"""The reader of transactions in any CSV whose columns are told: trades, movements of cash and shares that come or go.

As with 1099-B rows a mapping is data: which column holds what, and what each word for an action means.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tickledger.domain.errors import ConfigurationError, Problem
from tickledger.domain.order import OrderSide
from tickledger.reconciliation.accounting import Fate
from tickledger.reconciliation.statement import ExecutionLevel, Source, StatementExecution, StatementFile, StatementKind
from tickledger.reconciliation.statement_cash import (
    StatementCash,
    StatementCashKind,
    StatementCorporateAction,
    StatementTransfer,
)
from tickledger.reconciliation.statements.activity import torn_end
from tickledger.reconciliation.statements.cash_kinds import cash_kind
from tickledger.reconciliation.statements.cells import Cells, RefusedRowError
from tickledger.reconciliation.statements.csv_rows import CsvRow, csv_rows, csv_text
from tickledger.reconciliation.statements.drafts import Drafts
from tickledger.reconciliation.statements.flex_holdings import ratio_in
from tickledger.reconciliation.statements.place import Place
from tickledger.reconciliation.statements.terms import ReadingTerms


class Meaning(StrEnum):
    """What an action is."""

    BUY = "buy"
    SELL = "sell"
    CASH = "cash"
    SHARES = "shares"
    TRANSFER = "transfer"


#: What a mapping may name; a column that it does not is not read.
FIELDS: Final = frozenset(
    {
        *("date", "action", "symbol", "isin", "description", "quantity", "price", "commission", "amount", "currency"),
        *("commission currency", "execution id", "order id", "time", "conid"),
    }
)
_NEEDED: Final = ("date", "action")
_AS_OF: Final = re.compile(r"\s+as of\s+.*$", re.IGNORECASE)
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class TransactionMapping:
    """Which column holds what, and what the actions mean. Raises ConfigurationError for a field that does not exist.

    Words of actions are compared without regard to capitals; an action that is not listed is cash where its word is
    known as a kind of cash, and else unknown. `commission_is_negative` says that costs are written with a minus, as
    IB does. `marks` are columns of the header by which `mapping_for` tells the file.
    """

    name: str
    columns: Mapping[str, str]
    actions: Mapping[str, Meaning]
    broker: str = ""
    currency: str = ""
    ignored: Mapping[str, str] = field(default_factory=dict)
    footers: tuple[str, ...] = ("Total", "Transactions Total")
    commission_is_negative: bool = False
    marks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        strange = sorted(self.columns.keys() - FIELDS)
        missing = [name for name in _NEEDED if name not in self.columns]
        if strange or missing:
            found = f"unknown {', '.join(strange)}" if strange else f"no {', '.join(missing)}"
            raise ConfigurationError(
                f"transaction mapping {self.name}: expected fields of a transaction, found {found}"
            )


#: Charles Schwab's history of transactions.
SCHWAB: Final = TransactionMapping(
    name="Charles Schwab transactions",
    broker="Charles Schwab",
    currency="USD",
    columns={
        "date": "Date",
        "action": "Action",
        "symbol": "Symbol",
        "description": "Description",
        "quantity": "Quantity",
        "price": "Price",
        "commission": "Fees & Comm",
        "amount": "Amount",
    },
    actions={
        "Buy": Meaning.BUY,
        "Sell": Meaning.SELL,
        "Sell Short": Meaning.SELL,
        "Buy to Open": Meaning.BUY,
        "Buy to Close": Meaning.BUY,
        "Sell to Open": Meaning.SELL,
        "Sell to Close": Meaning.SELL,
        "Reinvest Shares": Meaning.BUY,
        **dict.fromkeys(
            (
                *("Cash Merger Adj", "Stock Merger", "Reverse Split", "Stock Split", "Name Change", "Conversion"),
                *("Stock Div Dist", "Spin-off"),
            ),
            Meaning.SHARES,
        ),
        **dict.fromkeys(("Journaled Shares", "Internal Transfer", "Security Transfer"), Meaning.TRANSFER),
    },
    marks=("Action", "Fees & Comm"),
)

#: Vanguard's list of trades.
VANGUARD: Final = TransactionMapping(
    name="Vanguard trades",
    broker="Vanguard",
    currency="USD",
    columns={
        "date": "Trade Date",
        "action": "Transaction Type",
        "symbol": "Symbol",
        "description": "Investment Name",
        "quantity": "Shares",
        "amount": "Net Amount",
    },
    actions={"Buy": Meaning.BUY, "Sell": Meaning.SELL},
    ignored={"Principal Amount": "the net amount before costs, whose difference is the commission"},
    marks=("Investment Name", "Principal Amount"),
)

#: Trades of a Flex query that was made as CSV, with whichever of its columns were chosen.
FLEX_TRADES_CSV: Final = TransactionMapping(
    name="Flex query of trades, CSV",
    broker="Interactive Brokers",
    columns={
        "date": "TradeDate",
        "time": "DateTime",
        "action": "Buy/Sell",
        "symbol": "Symbol",
        "isin": "ISIN",
        "quantity": "Quantity",
        "price": "TradePrice",
        "commission": "IBCommission",
        "currency": "CurrencyPrimary",
        "commission currency": "IBCommissionCurrency",
        "execution id": "IBExecID",
        "order id": "IBOrderID",
        "conid": "Conid",
        "description": "Description",
    },
    actions={"BUY": Meaning.BUY, "SELL": Meaning.SELL},
    ignored={"TradeMoney": "computed by the broker from what is read"},
    commission_is_negative=True,
    marks=("Buy/Sell", "TradeDate"),
)

MAPPINGS: Final = (FLEX_TRADES_CSV, SCHWAB, VANGUARD)


def mapping_for(columns: list[str]) -> TransactionMapping | None:
    """The ready-made mapping whose marks a header bears."""
    found = {column.strip() for column in columns}
    return next((one for one in MAPPINGS if found.issuperset(one.marks)), None)


def read_columns_trades(
    content: bytes, *, name: str, mapping: TransactionMapping, terms: ReadingTerms | None = None
) -> StatementFile:
    """The transactions of a CSV whose first line names its columns; `name` is what Problems call the file."""
    place = Place(name, terms or ReadingTerms())
    source = Source(name, hashlib.sha256(content).hexdigest(), StatementKind.COLUMNS_TRADES_CSV)
    drafts, text = Drafts(place, broker=mapping.broker), csv_text(content)
    header, *lines = list(csv_rows(text)) or [CsvRow(1, [])]
    columns = [cell.strip() for cell in header.cells]
    missing = [mapping.columns[needed] for needed in _NEEDED if mapping.columns[needed] not in columns]
    found = ", ".join(columns) or "an empty file"
    problems = tuple(Problem(name, f"a column {column}", found, 1, column) for column in missing)
    if not problems:
        _account_columns(drafts, columns, mapping)
        actions = {word.lower(): meaning for word, meaning in mapping.actions.items()}
        for line in lines:
            _line(drafts, columns, line, mapping, actions)
    return StatementFile(source, (drafts.statement(source),), problems=(*problems, *torn_end(name, text)))


def _account_columns(drafts: Drafts, columns: list[str], mapping: TransactionMapping) -> None:
    read = set(mapping.columns.values())
    for column in columns:
        reason = mapping.ignored.get(column, "")
        fate = Fate.READ if column in read else Fate.IGNORED if reason else Fate.UNKNOWN
        drafts.tally.add(f"column {column}", fate, reason)


def _line(
    drafts: Drafts, columns: list[str], line: CsvRow, mapping: TransactionMapping, actions: Mapping[str, Meaning]
) -> None:
    if line.cells[0].strip().startswith(mapping.footers):
        drafts.tally.add("lines of sums", Fate.IGNORED, "a sum of rows that are read")
        return
    cells = dict(zip(columns, line.cells, strict=False))
    renamed = {field: _AS_OF.sub("", cells.get(column, "")) for field, column in mapping.columns.items()}
    row = Cells(drafts.place, line.row, renamed, drafts.problems)
    if line.is_torn or len(line.cells) < len(columns):
        found = "a quote that is never closed" if line.is_torn else f"{len(line.cells)} cells"
        row.note("", f"{len(columns)} cells", found)
    word, before, fate = row.text("action"), len(drafts.problems), Fate.READ
    try:
        _read(row, drafts, mapping, actions.get(word.lower(), Meaning.CASH))
    except RefusedRowError:
        fate = Fate.REFUSED
    drafts.tally.add(f"rows {word}".strip(), fate)
    # A person looks for the column by the name that the file gives it.
    drafts.problems[before:] = [
        replace(problem, column=mapping.columns.get(problem.column or "", problem.column))
        for problem in drafts.problems[before:]
    ]


def _read(row: Cells, drafts: Drafts, mapping: TransactionMapping, meaning: Meaning) -> None:
    match meaning:
        case Meaning.BUY | Meaning.SELL:
            side = OrderSide.BUY if meaning is Meaning.BUY else OrderSide.SELL
            drafts.executions.append(_execution(row, mapping, side))
        case Meaning.SHARES:
            drafts.corporate_actions.append(_shares(row, mapping))
        case Meaning.TRANSFER:
            drafts.transfers.append(_transfer(row, mapping))
        case Meaning.CASH:
            drafts.cash_transactions.append(_cash(row, mapping))


def _currency(row: Cells, mapping: TransactionMapping) -> str:
    return row.text("currency") or mapping.currency or row.place.terms.base_currency


def _execution(row: Cells, mapping: TransactionMapping, side: OrderSide) -> StatementExecution:
    quantity, amount = abs(row.needed_number("quantity")), row.number("amount")
    executed, trade_date = row.moment("time"), row.needed_day("date")
    price = row.number("price")
    if price is None and amount is not None and quantity:
        price = abs(amount) / quantity
    written = row.number("commission")
    currency = _currency(row, mapping)
    return StatementExecution(
        symbol=row.text("symbol") or row.needed_text("isin", "a symbol or an ISIN"),
        side=side,
        quantity=quantity,
        price=price if price is not None else row.needed_number("price"),
        currency=currency,
        executed_on=executed.on if executed is not None else trade_date,
        trade_date=trade_date,
        executed_at=executed.at if executed is not None else None,
        ib_exec_id=row.text("execution id"),
        order_id=row.text("order id"),
        conid=row.text("conid"),
        isin=row.text("isin"),
        description=row.text("description"),
        proceeds=amount,
        commission=None if written is None else 0 - written if mapping.commission_is_negative else written,
        commission_currency=row.text("commission currency") or currency,
        transaction_type=row.text("action"),
        level=ExecutionLevel.EXECUTION if row.text("execution id") else ExecutionLevel.ORDER,
        where=row.place.name,
        row=row.row,
    )


def _shares(row: Cells, mapping: TransactionMapping) -> StatementCorporateAction:
    description, day = row.text("description"), row.needed_day("date")
    ratio, words = ratio_in(description)
    return StatementCorporateAction(
        symbol=row.needed_text("symbol", "a symbol"),
        currency=_currency(row, mapping),
        description=f"{row.text('action')}: {description}",
        quantity=row.needed_number("quantity"),
        report_date=day,
        effective_date=day,
        ratio=ratio,
        ratio_text=words,
        proceeds=row.number("amount"),
        where=row.place.name,
        row=row.row,
    )


def _transfer(row: Cells, mapping: TransactionMapping) -> StatementTransfer:
    return StatementTransfer(
        type_text=row.text("action"),
        transfer_date=row.needed_day("date"),
        currency=_currency(row, mapping),
        symbol=row.text("symbol"),
        quantity=row.number("quantity") or _ZERO,
        price=row.number("price"),
        cash=row.number("amount"),
        description=row.text("description"),
        where=row.place.name,
        row=row.row,
    )


def _cash(row: Cells, mapping: TransactionMapping) -> StatementCash:
    amount, description, word = row.needed_number("amount"), row.text("description"), row.text("action")
    kind = cash_kind(word, description, amount)
    if kind is None:
        row.note("action", "a known action", repr(word), severity="warning")
    return StatementCash(
        kind=kind or StatementCashKind.OTHER,
        amount=amount,
        currency=_currency(row, mapping),
        cash_date=row.needed_day("date"),
        symbol=row.text("symbol"),
        isin=row.text("isin"),
        description=description,
        type_text=word,
        where=row.place.name,
        row=row.row,
    )
