"""Executions of either side in one form, and which of a broker's rows are in force.

IB tells a correction under the id of what it corrects with a higher last part (``….01.02`` after ``….01.01``), and
takes a trade back with a row of its own that has the trade's figures. What is in force is the last revision of each id,
less what was taken back.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from tickledger.domain.broker import BrokerFill
from tickledger.domain.errors import Problem
from tickledger.domain.execution import Execution
from tickledger.reconciliation.findings import plain
from tickledger.reconciliation.ledger_view import Names
from tickledger.reconciliation.statement import Correction, ExecutionLevel, StatementExecution

NEW_YORK: Final = ZoneInfo("America/New_York")
_START: Final = datetime.min.replace(tzinfo=UTC)
_ONE: Final = Decimal(1)
_SAME_DATE_FROM: Final = 5
#: How the ids of nearly all fills end.
_FIRST: Final = ".01"
#: What a statement books as a trade that is none of a security.
CURRENCIES: Final = frozenset({"CASH"})


class TradeRow(NamedTuple):
    """A fill, or the sum of an order's fills, as one side has it. A tuple, as they are made by the hundred thousand.

    `stem` is what the revisions of its id share, empty without an id of the broker's. `day` is its New York date,
    `booked` the date that the side counts it on. `sign` is +1 for shares that come. `charge` is all it cost, USD, None
    where that is not told. `order` names what belongs together; `source` is the row it was made of.
    """

    identity: str
    stem: str
    revision: int
    symbol: str
    family: str
    sign: int
    quantity: Decimal
    price: Decimal
    multiplier: Decimal
    day: date
    booked: date
    at: datetime | None
    charge: Decimal | None
    is_estimated: bool
    order: str
    is_order: bool
    where: str
    source: Execution | StatementExecution | None

    @property
    def amount(self) -> Decimal:
        """What was traded, USD, positive."""
        return self.quantity * self.price * self.multiplier

    @property
    def shares(self) -> Decimal:
        """What it adds to the position."""
        return self.sign * self.quantity

    @property
    def cash(self) -> Decimal:
        """What it adds to cash, USD."""
        return -self.sign * self.amount - (self.charge or Decimal(0))

    @property
    def place(self) -> tuple[date, datetime, str, str, int, Decimal, Decimal, str]:
        """Where it stands in an order that does not depend on how the rows came."""
        return (
            self.day, self.at or _START, self.identity, self.symbol, self.sign, self.quantity, self.price, self.where
        )  # fmt: skip

    def words(self) -> str:
        """The row for a person."""
        side = "bought" if self.sign > 0 else "sold"
        return f"{side} {plain(self.quantity)} {self.symbol} @ {plain(self.price)} on {self.day}"


def revision_of(identity: str) -> tuple[str, int]:
    """An id in its parts: what all revisions share and which this is. One that does not count is all of its stem."""
    if identity.endswith(_FIRST) and identity != _FIRST:
        return identity.removesuffix(_FIRST), 1
    base, dot, last = identity.rpartition(".")
    return (base, int(last)) if dot and base and last.isdigit() else (identity, 1)


def is_brokers(identity: str) -> bool:
    """Whether an id is one that IB gives out, in parts of which the last counts revisions."""
    base, dot, last = identity.rpartition(".")
    return bool(dot and "." in base and last.isdigit())


def our_rows(executions: Iterable[Execution], names: Names) -> list[TradeRow]:
    """Those of the ledger, in an order of their own."""
    rows = []
    for execution in executions:
        stem, revision = revision_of(execution.execution_id)
        rows.append(
            TradeRow(
                execution.execution_id,
                stem,
                revision,
                execution.symbol,
                names.family(execution.symbol),
                execution.side.sign,
                execution.quantity,
                execution.price,
                _ONE,
                execution.trade_date,
                execution.trade_date,
                execution.executed_at,
                execution.commission + execution.fees,
                execution.commission_is_estimated,
                execution.order_id,
                False,
                "",
                execution,
            )
        )
    return sorted(rows, key=lambda row: row.place)


def fill_rows(fills: Iterable[BrokerFill], charges: Mapping[str, Decimal], names: Names) -> list[TradeRow]:
    """Those of a broker's snapshot: the last revision of each; `charges` are those that it has told, by id."""
    rows = [
        row._replace(
            charge=charges.get(row.identity),
            is_estimated=row.identity not in charges,
        )
        for row in our_rows((fill.execution for fill in fills), names)
    ]
    return sorted(_last_revisions(rows)[0], key=lambda row: row.place)


@dataclass(frozen=True, slots=True)
class InForce:
    """A statement's rows that count, what it takes back without having told it, and what is odd."""

    rows: Sequence[TradeRow]
    taken_back: Sequence[TradeRow]
    problems: Sequence[Problem]


def statement_rows(executions: Iterable[StatementExecution], names: Names) -> InForce:
    """What is in force of a statement's executions; those in other currencies than USD are told and left out."""
    standing: list[tuple[TradeRow, StatementExecution]] = []
    undoing: list[tuple[TradeRow, StatementExecution]] = []
    replaced: set[str] = set()
    problems: list[Problem] = []
    for told in executions:
        if told.asset_class in CURRENCIES or told.currency != "USD":
            problems.append(_not_compared(told))
            continue
        pair = (_statement_row(told, names), told)
        if told.correction is Correction.CANCELS:
            undoing.append(pair)
            continue
        standing.append(pair)
        if told.correction is Correction.CORRECTS:
            replaced.add(told.original_trade_id)
    replaced -= {"", "0"}
    left, taken_back = _without([pair for pair in standing if pair[1].trade_id not in replaced], undoing)
    rows, repeated = _last_revisions(left)
    return InForce(sorted(rows, key=lambda row: row.place), taken_back, [*problems, *repeated])


def _without(
    standing: Sequence[tuple[TradeRow, StatementExecution]], undoing: Sequence[tuple[TradeRow, StatementExecution]]
) -> tuple[list[TradeRow], list[TradeRow]]:
    """What stands after what was taken back, and what was taken back that is not there."""
    if not undoing:
        return [row for row, _ in standing], []
    gone: set[int] = set()
    unknown: list[TradeRow] = []
    by_trade = {told.trade_id: number for number, (_, told) in enumerate(standing) if told.trade_id}
    by_stem: defaultdict[str, list[int]] = defaultdict(list)
    by_figures: defaultdict[object, list[int]] = defaultdict(list)
    for number, (row, _) in enumerate(standing):
        by_stem[row.stem].append(number)
        by_figures[_figures(row)].append(number)
    for row, told in undoing:
        named = [by_trade[told.original_trade_id]] if told.original_trade_id in by_trade else []
        of_stem = by_stem[row.stem] if row.stem else []
        candidates = (*named, *of_stem, *by_figures[_figures(row)])
        found = next((number for number in candidates if number not in gone), None)
        if found is None:
            unknown.append(row)
        else:
            gone.add(found)
    return [row for number, (row, _) in enumerate(standing) if number not in gone], unknown


def _figures(row: TradeRow) -> tuple[object, ...]:
    return (row.family, row.sign, row.quantity, row.price)


def _last_revisions(rows: Iterable[TradeRow]) -> tuple[list[TradeRow], list[Problem]]:
    """One row of each id, the last revision; rows without an id stay."""
    last: dict[str, TradeRow] = {}
    without, problems = [], []
    for row in rows:
        if not row.stem:
            without.append(row)
            continue
        known = last.get(row.stem)
        if known is not None and known.revision == row.revision:
            problems.append(
                Problem(row.where or "executions", "each execution once", f"{row.identity} again", severity="warning")
            )
        if known is None or row.revision >= known.revision:
            last[row.stem] = row
    return [*last.values(), *without], problems


def _statement_row(told: StatementExecution, names: Names) -> TradeRow:
    stem, revision = revision_of(told.ib_exec_id) if told.ib_exec_id else ("", 1)
    symbol = names.ours(told.symbol, conid=told.conid, cusip=told.cusip)
    charge = told.commission
    if told.taxes and told.commission_currency in {"", "USD"}:
        charge = (charge or Decimal(0)) + told.taxes
    if told.commission_currency not in {"", "USD"}:
        charge = None
    day = _new_york_date(told.executed_at) if told.executed_at is not None else told.executed_on
    is_order = told.level is ExecutionLevel.ORDER
    return TradeRow(
        told.ib_exec_id, stem, revision, symbol, names.family(symbol), told.side.sign, told.quantity, told.price,
        told.multiplier, day, told.trade_date, told.executed_at, charge, False, told.order_ref or told.order_id,
        is_order, f"{told.where}:{told.row}" if told.where else "", told,
    )  # fmt: skip


def _new_york_date(at: datetime) -> date:
    # New York is four or five hours behind: from five o'clock on the dates are the same.
    return at.date() if at.tzinfo is UTC and at.hour >= _SAME_DATE_FROM else at.astimezone(NEW_YORK).date()


def _not_compared(told: StatementExecution) -> Problem:
    return Problem(
        told.where or "executions",
        "trades of securities in USD",
        f"{told.asset_class or 'a trade'} {told.symbol} in {told.currency}, not compared",
        row=told.row or None,
        severity="warning",
    )


def merged(rows: Iterable[TradeRow]) -> list[tuple[TradeRow, tuple[TradeRow, ...]]]:
    """The rows of each order, side and day as one, with its average price; and what each was made of."""
    groups: defaultdict[tuple[object, ...], list[TradeRow]] = defaultdict(list)
    for row in rows:
        groups[row.family, row.sign, row.day, row.order or row.at].append(row)
    return [(total_of(group), tuple(group)) for group in groups.values()]


def total_of(group: Sequence[TradeRow]) -> TradeRow:
    """Rows of one security and side as one: sums, the average price, the first instant."""
    first = group[0]
    if len(group) == 1:
        return first
    quantity = sum((row.quantity for row in group), Decimal(0))
    amount = sum((row.amount for row in group), Decimal(0))
    charges = [row.charge for row in group]
    return first._replace(
        identity="", stem="", quantity=quantity,
        price=amount / (quantity * first.multiplier) if quantity else first.price,
        charge=None if None in charges else sum((charge for charge in charges if charge is not None), Decimal(0)),
        is_estimated=any(row.is_estimated for row in group),
        is_order=True,
        source=None,
    )  # fmt: skip
