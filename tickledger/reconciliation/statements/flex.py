"""The reader of Flex query XML, statements of activity and trade confirmations alike.

It takes the file in pieces and keeps values only. Rows are given to the account that they name: a consolidated query
gives a statement for each of its accounts. Text that is no Flex file at all gives no statement and a Problem.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from tickledger.domain.errors import Problem
from tickledger.reconciliation.accounting import Fate, Tally
from tickledger.reconciliation.statement import (
    Source,
    StatementFile,
    StatementKind,
    StatementOpenLot,
    StatementPosition,
)
from tickledger.reconciliation.statements.cells import Cells, RefusedRowError
from tickledger.reconciliation.statements.drafts import Drafts
from tickledger.reconciliation.statements.flex_cash import (
    read_cash_report,
    read_cash_transaction,
    read_debit_card,
    read_fx_rate,
    read_nav_change,
    read_net_asset_value,
    read_sales_tax,
    read_transaction_tax,
)
from tickledger.reconciliation.statements.flex_fills import EXECUTION, FILLS, FillLayout, FillReader, fill_layout
from tickledger.reconciliation.statements.flex_holdings import (
    read_corporate_action,
    read_position,
    read_trade_transfer,
    read_transfer,
)
from tickledger.reconciliation.statements.flex_layout import (
    CONTAINERS,
    ENVELOPE,
    IGNORED_ROWS,
    is_read,
    row_reason,
)
from tickledger.reconciliation.statements.flex_trades import LEVELS, level_of, read_commission_detail, read_trade
from tickledger.reconciliation.statements.flex_xml import FlexElement, FlexStop, FlexText, flex_events
from tickledger.reconciliation.statements.place import Place
from tickledger.reconciliation.statements.terms import ReadingTerms
from tickledger.tax.engine import collector_at_rest

BROKER: Final = "Interactive Brokers"
#: What rows of a consolidated query have where they sum several accounts up.
_NO_ACCOUNT: Final = frozenset({"", "-", "--"})
#: What the web service answers where it has no statement.
_ANSWER: Final = "FlexStatementResponse"
_UNKNOWN: Final = "?"
_ZERO: Final = Decimal(0)
_SUMMARIES: Final = "the sum of movements, which are read one by one"
_ORDERS: Final = "the sum of an order's fills, which are read one by one"
_HANDLERS: Final[Mapping[str, Callable[[Cells, Drafts], str]]] = {
    "OpenPosition": read_position,
    "CorporateAction": read_corporate_action,
    "CashTransaction": read_cash_transaction,
    "Transfer": read_transfer,
    "TradeTransfer": read_trade_transfer,
    "SalesTax": read_sales_tax,
    "TransactionTax": read_transaction_tax,
    "DebitCardActivity": read_debit_card,
    "CashReportCurrency": read_cash_report,
    "ChangeInNAV": read_nav_change,
    "EquitySummaryByReportDateInBase": read_net_asset_value,
    "ConversionRate": read_fx_rate,
}


@dataclass(slots=True)
class _Shape:
    """The attributes of rows that follow each other, and how many rows they were."""

    names: list[str]
    count: int = 1


@dataclass(slots=True)
class _Reading:
    """Where in the file the reader is. `header` are the attributes of the statement around the rows."""

    place: Place
    header: Mapping[str, str] = field(default_factory=dict)
    header_row: int = 0
    accounts: dict[str, Drafts] = field(default_factory=dict)
    finished: list[Drafts] = field(default_factory=list)
    fees: dict[str, Decimal] = field(default_factory=dict)
    fills: FillReader = field(init=False)
    layouts: dict[tuple[str, str], FillLayout | None] = field(default_factory=dict)
    shapes: Counter[tuple[str, str, tuple[str, ...]]] = field(default_factory=Counter)
    last_shapes: dict[tuple[str, str], _Shape] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    problems: list[Problem] = field(default_factory=list)
    answer: dict[str, str] = field(default_factory=dict)
    root: str = ""

    def __post_init__(self) -> None:
        self.fills = FillReader(self.place)

    def drafts(self, account_id: str) -> Drafts:
        """The statement of an account within the statement element that is open."""
        name = self.header.get("accountId", "") if account_id in _NO_ACCOUNT else account_id
        found = self.accounts.get(name)
        if found is None:
            found = self.accounts[name] = self._started(name)
        return found

    def _started(self, name: str) -> Drafts:
        drafts = Drafts(self.place, account_id="" if name in _NO_ACCOUNT else name, broker=BROKER)
        row = Cells(self.place, self.header_row, self.header, drafts.problems)
        drafts.start_date, drafts.end_date = row.day("fromDate"), row.day("toDate")
        drafts.generated_at = row.at("whenGenerated")
        drafts.account_alias = row.text("acctAlias")
        return drafts

    def shape(self, parent: str, tag: str, attributes: Mapping[str, str]) -> None:
        """Count the attributes of a row; those of most rows are those of the row before."""
        names = list(attributes)
        last = self.last_shapes.get((parent, tag))
        if last is not None and last.names == names:
            last.count += 1
            return
        if last is not None:
            self.shapes[parent, tag, tuple(last.names)] += last.count
        self.last_shapes[parent, tag] = _Shape(names)

    def layout(self, element: FlexElement) -> FillLayout | None:
        """The plan that rows such as this are read by; None of rows that are left aside."""
        key = element.parent, element.tag
        known = self.layouts.get(key)
        if known is not None and known.names is element.names:
            return known
        self.count_fills(known)
        is_left = CONTAINERS.get(element.parent, "") or IGNORED_ROWS.get(element.tag, "")
        made = None if is_left or not element.names or self.root not in ENVELOPE else fill_layout(element)
        self.layouts[key] = made
        return made

    def count_fills(self, layout: FillLayout | None) -> None:
        """Take the rows that were read by a plan into account."""
        if layout is None:
            return
        parent, tag = layout.parent, layout.tag
        for account, count in layout.counts.items():
            self.drafts(account).counts[parent, tag, EXECUTION, Fate.READ, ""] += count
        if total := layout.counts.total():
            self.shapes[parent, tag, tuple(layout.names)] += total
        layout.counts.clear()

    def finish(self) -> None:
        """Settle what can only be settled when all rows of a statement are known."""
        for key in list(self.layouts):
            self.count_fills(self.layouts.pop(key))
        for drafts in self.accounts.values():
            _settle(drafts, self.fees)
        for (parent, tag), last in self.last_shapes.items():
            self.shapes[parent, tag, tuple(last.names)] += last.count
        self.last_shapes.clear()
        for (parent, tag, names), count in self.shapes.items():
            _account_attributes(self._tally(), f"{parent}/{tag}" if parent else tag, tag, names, count)
        self.finished += self.accounts.values()
        self.accounts, self.fees, self.header = {}, {}, {}
        self.shapes.clear()

    def _tally(self) -> Tally:
        return next(iter(self.accounts.values())).tally if self.accounts else self.tally


def read_flex(pieces: Iterable[bytes], *, name: str, terms: ReadingTerms | None = None) -> StatementFile:
    """The statements of a Flex file that comes in pieces; `name` is what Problems call it."""
    with collector_at_rest():
        return _read(pieces, _Reading(Place(name, terms or ReadingTerms())))


def _read(pieces: Iterable[bytes], reading: _Reading) -> StatementFile:
    digest = hashlib.sha256()
    hashed = _hashed(pieces, digest.update)
    for event in flex_events(hashed):
        if isinstance(event, FlexElement):
            if event.tag not in FILLS or not _plain_fill(reading, event):
                _element(reading, event)
        elif isinstance(event, FlexText):
            reading.answer[event.tag] = event.text
        else:
            _stopped(reading, event)
    # The hash is of the whole content, also where reading had to stop in its middle.
    for _ in hashed:
        pass
    reading.finish()
    _check_root(reading)
    source = Source(reading.place.name, digest.hexdigest(), StatementKind.FLEX_XML)
    statements = tuple(drafts.statement(source) for drafts in reading.finished)
    return StatementFile(source, statements, reading.tally.table(), tuple(reading.problems))


def _hashed(pieces: Iterable[bytes], update: Callable[[bytes], object]) -> Iterator[bytes]:
    for piece in pieces:
        update(piece)
        yield piece


def _plain_fill(reading: _Reading, element: FlexElement) -> bool:
    """Read a fill that leaves no doubt; whether it was one."""
    layout = reading.layout(element)
    if layout is None or (found := reading.fills.fill(layout, element)) is None:
        return False
    account, execution = found
    reading.drafts(account).executions.append(execution)
    layout.counts[account] += 1
    return True


def _element(reading: _Reading, element: FlexElement) -> None:
    tag = element.tag
    reading.root = reading.root or tag
    if tag in ENVELOPE:
        if tag == "FlexStatement":
            reading.finish()
            attributes = element.attributes
            reading.header, reading.header_row = attributes, element.row
            reading.drafts("")
            reading.shape("", tag, attributes)
        reading.tally.add(tag, Fate.READ)
        return
    if reading.root not in ENVELOPE:
        reading.tally.add(tag, Fate.READ if reading.root == _ANSWER else Fate.UNKNOWN)
    elif not element.names:
        _container(reading, element)
    else:
        _row(reading, element)


def _container(reading: _Reading, element: FlexElement) -> None:
    tally = reading.drafts("").tally if reading.header or reading.accounts else reading.tally
    reason = CONTAINERS.get(element.tag)
    if reason is None:
        tally.add(element.tag, Fate.UNKNOWN)
    else:
        tally.add(element.tag, Fate.IGNORED if reason else Fate.READ, reason)


def _row(reading: _Reading, element: FlexElement) -> None:
    tag, attributes = element.tag, element.attributes
    drafts = reading.drafts(attributes.get("accountId", ""))
    reason = CONTAINERS.get(element.parent, "") or IGNORED_ROWS.get(tag, "")
    if reason:
        if tag == "FxTransaction":
            drafts.base_currency = drafts.base_currency or attributes.get("functionalCurrency", "")
        drafts.counts[element.parent, tag, "", Fate.IGNORED, reason] += 1
        return
    row = Cells(reading.place, element.row, attributes, drafts.problems)
    level = level_of(tag, attributes) if tag in LEVELS else ""
    fate = Fate.READ
    try:
        reason = _handled(reading, tag, row, drafts)
    except RefusedRowError:
        fate = Fate.REFUSED
    if reason:
        fate, reason = (Fate.UNKNOWN, "") if reason == _UNKNOWN else (Fate.IGNORED, reason)
    else:
        reading.shape(element.parent, tag, attributes)
    drafts.counts[element.parent, tag, level, fate, reason] += 1


def _handled(reading: _Reading, tag: str, row: Cells, drafts: Drafts) -> str:
    """Read a row; the reason where it is left aside, "?" where nobody knows it."""
    if tag in LEVELS:
        return read_trade(row, drafts, level_of(tag, row.values))
    if tag == "UnbundledCommissionDetail":
        return read_commission_detail(row, reading.fees)
    if tag == "AccountInformation":
        drafts.account_alias = drafts.account_alias or row.text("acctAlias")
        drafts.base_currency = row.text("currency") or drafts.base_currency
        return ""
    handler = _HANDLERS.get(tag)
    return _UNKNOWN if handler is None else handler(row, drafts)


def _account_attributes(tally: Tally, place: str, tag: str, names: tuple[str, ...], count: int) -> None:
    for name in names:
        if is_read(tag, name, names):
            tally.add(f"{place}@{name}", Fate.READ, count=count)
        else:
            reason = row_reason(tag, name)
            tally.add(f"{place}@{name}", Fate.IGNORED if reason else Fate.UNKNOWN, reason, count=count)


def _settle(drafts: Drafts, fees: Mapping[str, Decimal]) -> None:
    for (parent, tag, level, fate, reason), count in drafts.counts.items():
        drafts.tally.add(f"{parent}/{tag} {level}".rstrip(), fate, reason, count=count)
    drafts.counts.clear()
    if drafts.executions:
        if drafts.orders:
            drafts.tally.add("Trades/orders before the first fill", Fate.IGNORED, _ORDERS, count=len(drafts.orders))
    else:
        drafts.executions = drafts.orders
    if fees:
        drafts.executions = [
            replace(execution, fees=fees[execution.trade_id]) if execution.trade_id in fees else execution
            for execution in drafts.executions
        ]
    if not drafts.cash_transactions:
        drafts.cash_transactions = drafts.cash_summaries
    elif drafts.cash_summaries:
        drafts.tally.add("CashTransactions/summaries", Fate.IGNORED, _SUMMARIES, count=len(drafts.cash_summaries))
    if drafts.open_lots and not drafts.positions:
        drafts.positions = _positions_of(drafts.open_lots)


def _positions_of(lots: Iterable[StatementOpenLot]) -> list[StatementPosition]:
    """The positions that lots add up to, of a query that tells lots alone."""
    positions = dict[tuple[str, str, str], StatementPosition]()
    for lot in lots:
        key = (lot.conid, lot.symbol, lot.currency)
        before = positions.get(key)
        positions[key] = StatementPosition(
            symbol=lot.symbol,
            quantity=lot.quantity + (before.quantity if before else _ZERO),
            currency=lot.currency,
            as_of=lot.as_of,
            conid=lot.conid,
            asset_class=lot.asset_class,
            mark_price=lot.mark_price,
            value=_sum(lot.value, before.value if before else _ZERO),
            cost_basis=_sum(lot.cost_basis, before.cost_basis if before else _ZERO),
            unrealized=_sum(lot.unrealized, before.unrealized if before else _ZERO),
            where=lot.where,
            row=lot.row,
        )
    return list(positions.values())


def _sum(first: Decimal | None, second: Decimal | None) -> Decimal | None:
    return None if first is None or second is None else first + second


def _stopped(reading: _Reading, stop: FlexStop) -> None:
    problem = Problem(
        reading.place.name,
        "well-formed XML to the end of the file; everything before this place was read",
        stop.reason,
        stop.row,
        str(stop.column),
    )
    reading.problems.append(problem)
    for drafts in reading.accounts.values():
        drafts.is_complete = False


def _check_root(reading: _Reading) -> None:
    """Say what the file is where it is no answer with statements."""
    name = reading.place.name
    if reading.root == _ANSWER:
        code, message = reading.answer.get("ErrorCode", "no code"), reading.answer.get("ErrorMessage", "no message")
        reading.problems.append(Problem(name, "a statement", f"an answer of the Flex Web Service: {code}, {message}"))
    elif reading.root and reading.root not in ENVELOPE:
        reading.problems.append(Problem(name, "a FlexQueryResponse", f"a file of <{reading.root}>"))
    elif not reading.finished:
        reading.problems.append(Problem(name, "at least one FlexStatement", "none"))
