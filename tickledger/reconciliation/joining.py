"""Several statements of one account as one.

Statements overlap, and one fill is told by many: a daily file, a monthly one, the same file twice. A row counts once.
Rows that have an id are the same where the id is; others (an activity statement has no ids) where all that tells them
apart is the same, and then as often as the file that tells it most often has it: two fills alike within one file are
two fills. What one file leaves open another fills in. Where two contradict, the statement generated later is
believed, and a Problem names both.

Files that are given twice, periods that overlap and sessions of which no file tells are named; `Statement.covers` knows
the gaps, in which nothing is missing.

Joining is idempotent: a file that is joined again changes nothing, and the order of the statements does not matter.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tickledger.domain.errors import Problem
from tickledger.reconciliation.accounting import Accounted, summed
from tickledger.reconciliation.row_merging import Identity, merged, text_of
from tickledger.reconciliation.statement import ExecutionLevel, Source, Statement, StatementExecution
from tickledger.reconciliation.statement_periods import names_of, period_problems, periods_of
from tickledger.tax.engine import collector_at_rest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Row = TypeVar("Row", bound=DataclassInstance)

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Joined:
    """One statement for each account and base currency, and what contradicts: rows, accounts, currencies."""

    statements: tuple[Statement, ...]
    problems: tuple[Problem, ...]


def joined(statements: Iterable[Statement]) -> Joined:
    """Statements of any accounts, joined by account; that there are several is named, as are base currencies.

    Problems of the single statements stay with them; those that come of the comparison are in `problems`.
    """
    groups: dict[str, list[Statement]] = {}
    for statement in statements:
        groups.setdefault(statement.account_id, []).append(statement)
    with collector_at_rest():
        return _joined_groups(groups)


def _joined_groups(groups: Mapping[str, Sequence[Statement]]) -> Joined:
    problems = list(_several_accounts(groups))
    results: list[Statement] = []
    for _, group in sorted(groups.items()):
        for part in _by_currency(group, problems):
            statement, contradictions = _joined(part)
            problems += contradictions
            results.append(statement)
    return Joined(tuple(results), tuple(problems))


def of_account(statements: Iterable[Statement], account_id: str) -> Joined:
    """As `joined`, of one account; a statement of another one is named and left out."""
    own, problems = list[Statement](), list[Problem]()
    for statement in statements:
        if statement.account_id in {"", account_id}:
            own.append(replace(statement, account_id=account_id))
        else:
            problems.append(
                Problem(names_of(statement), f"a statement of {account_id}", f"one of {statement.account_id}")
            )
    together = joined(own)
    return Joined(together.statements, (*problems, *together.problems))


def _several_accounts(groups: Mapping[str, Sequence[Statement]]) -> Iterable[Problem]:
    if len(groups) < 2:  # noqa: PLR2004 - one account, or none
        return
    for account_id, group in sorted(groups.items()):
        where = ", ".join(sorted({names_of(statement) for statement in group}))
        found = f"account {account_id}" if account_id else "no account"
        yield Problem(where, "statements of one account", found, severity="warning")


def _by_currency(group: Sequence[Statement], problems: list[Problem]) -> list[list[Statement]]:
    """Statements of one base currency each; those that name none belong to the most frequent one."""
    named: dict[str, list[Statement]] = {}
    for statement in group:
        named.setdefault(statement.base_currency, []).append(statement)
    unnamed = named.pop("", [])
    parts = sorted(named.items(), key=lambda part: (-len(part[1]), part[0]))
    if not parts:
        return [unnamed]
    for currency, others in parts[1:]:
        where = ", ".join(sorted({names_of(statement) for statement in others}))
        problems.append(Problem(where, f"the base currency {parts[0][0]}, as in the other statements", currency))
    return [[*parts[0][1], *unnamed], *(part for _, part in parts[1:])]


def _joined(group: Sequence[Statement]) -> tuple[Statement, list[Problem]]:
    ordered = sorted(group, key=_age)
    problems = period_problems(ordered)
    identities = _identities(ordered)
    rows: dict[str, Any] = {
        name: merged([getattr(one, name) for one in ordered], identity, problems)
        for name, identity in identities.items()
        if name != "executions"
    }
    statement = replace(
        ordered[-1],
        account_alias=_latest(one.account_alias for one in ordered),
        broker=_latest(one.broker for one in ordered),
        base_currency=_latest(one.base_currency for one in ordered),
        start_date=min((one.start_date for one in ordered if one.start_date is not None), default=None),
        end_date=max((one.end_date for one in ordered if one.end_date is not None), default=None),
        periods=periods_of(ordered),
        sources=_sources(ordered),
        is_complete=all(one.is_complete for one in ordered),
        executions=_executions(ordered, identities["executions"], problems),
        accounting=summed(_tables(ordered)),
        problems=tuple(dict.fromkeys(problem for one in ordered for problem in one.problems)),
        **rows,
    )
    return _settled(statement), list(dict.fromkeys(problems))


def _age(statement: Statement) -> tuple[datetime, date, int, tuple[str, ...], str]:
    """When it was generated; what else is there only settles the order of statements that are as old.

    An earlier join comes after its parts, so that it changes nothing.
    """
    hashes = tuple(sorted(source.sha256 for source in statement.sources))
    rest = f"{statement.start_date} {statement.base_currency} {len(statement.accounting)}"
    return (statement.generated_at or _LONG_AGO, statement.end_date or date.min, len(hashes), hashes, rest)


def _sources(group: Sequence[Statement]) -> tuple[Source, ...]:
    unique = {source.sha256: source for one in group for source in one.sources}
    return tuple(sorted(unique.values(), key=lambda source: (source.name, source.sha256)))


def _latest(texts: Iterable[str]) -> str:
    return next((text for text in reversed(list(texts)) if text), "")


def _tables(group: Sequence[Statement]) -> list[tuple[Accounted, ...]]:
    """The accounts of all files, each once: those of a file that an earlier join holds are in that join's."""
    counted: list[Statement] = []
    for statement in sorted(group, key=lambda one: (-len(one.sources), -sum(line.count for line in one.accounting))):
        if not any(_holds(one, statement) for one in counted):
            counted.append(statement)
    return [statement.accounting for statement in counted]


def _holds(whole: Statement, part: Statement) -> bool:
    """Whether all that was counted in `part` was in `whole` too."""
    hashes = {source.sha256 for source in whole.sources}
    if not hashes.issuperset(source.sha256 for source in part.sources):
        return False
    starts, ends = (whole.start_date, part.start_date), (whole.end_date, part.end_date)
    if None not in starts and min(starts, key=str) != whole.start_date:
        return False
    if None not in ends and max(ends, key=str) != whole.end_date:
        return False
    return _counts(part) <= _counts(whole)


def _counts(statement: Statement) -> Counter[tuple[str, str, str]]:
    return Counter({(line.place, line.fate.value, line.reason): line.count for line in statement.accounting})


def _identities(group: Sequence[Statement]) -> dict[str, Identity]:
    """How the rows of each kind are told apart. Securities are known by conid, where any file tells it."""

    @cache
    def conids() -> dict[str, str]:
        return dict(pair for one in group for pair in _securities(one))

    def security(row: Any) -> str:  # noqa: ANN401 - rows of any kind
        return str(row.conid or conids().get(row.symbol, row.symbol))

    def by(*names: str) -> Callable[[Any], Hashable]:
        return lambda row: (security(row), *(getattr(row, name) for name in names))

    def plainly(*names: str) -> Callable[[Any], Hashable]:
        return lambda row: tuple(getattr(row, name) for name in names)

    return {
        "executions": Identity(
            by("trade_date", "executed_at", "side", "quantity", "price", "correction"),
            lambda row: row.ib_exec_id or row.transaction_id,
        ),
        "positions": Identity(by("as_of", "currency")),
        "open_lots": Identity(by("as_of", "currency", "quantity", "opened_date", "opened_at")),
        "closed_lots": Identity(by("closed_date", "opened_date", "quantity", "is_short", "currency")),
        # A purchase after a statement changes the loss that it told as disallowed, and the shares that take it over.
        "wash_sales": Identity(
            by("trade_date", "quantity", "disallowed_loss", "realized_date"), retold=by("trade_date")
        ),
        "cash_balances": Identity(plainly("start_date", "end_date", "currency", "is_base_summary")),
        "cash_transactions": Identity(by("cash_date", "kind", "currency", "amount"), lambda row: row.transaction_id),
        "corporate_actions": Identity(by("report_date", "quantity", "currency"), lambda row: row.transaction_id),
        "transfers": Identity(by("transfer_date", "quantity", "cash", "currency"), lambda row: row.transaction_id),
        "net_asset_values": Identity(plainly("as_of")),
        "nav_changes": Identity(plainly("start_date", "end_date")),
        "fx_rates": Identity(plainly("rate_date", "from_currency", "to_currency")),
        "form_1099b": Identity(
            plainly("description", "sold_date", "sold_text", "acquired_date", "acquired_text", "quantity", "proceeds")
        ),
    }


def _securities(statement: Statement) -> Iterable[tuple[str, str]]:
    """Symbols with their conids."""
    tables: tuple[tuple[Any, ...], ...] = (
        statement.positions,
        statement.executions,
        statement.cash_transactions,
        statement.corporate_actions,
    )
    for row in (row for table in tables for row in table):
        if row.conid and row.symbol:
            yield row.symbol, row.conid


def _executions(
    group: Sequence[Statement], identity: Identity, problems: list[Problem]
) -> tuple[StatementExecution, ...]:
    """Fills, and of orders those on days of which no statement has fills."""
    fills = [tuple(row for row in one.executions if row.level is ExecutionLevel.EXECUTION) for one in group]
    with_fills = [one for one, rows in zip(group, fills, strict=True) if rows and one.is_complete]
    orders = [
        tuple(
            row
            for row in one.executions
            if row.level is ExecutionLevel.ORDER and not any(other.covers(row.trade_date) for other in with_fills)
        )
        for one in group
    ]
    return (*merged(fills, identity, problems), *merged(orders, identity, problems))


def _settled(statement: Statement) -> Statement:
    """Rows in the order of their days, so that the order of files does not show."""
    return replace(
        statement,
        executions=_sorted(statement.executions, _place_of),
        cash_transactions=_sorted(statement.cash_transactions, lambda row: row.cash_date),
        corporate_actions=_sorted(statement.corporate_actions, lambda row: row.report_date),
        closed_lots=_sorted(statement.closed_lots, lambda row: row.closed_date or date.min),
        positions=_sorted(statement.positions, lambda row: row.as_of or date.min),
        open_lots=_sorted(statement.open_lots, lambda row: row.as_of or date.min),
        wash_sales=_sorted(statement.wash_sales, lambda row: row.trade_date or date.min),
        cash_balances=_sorted(statement.cash_balances, lambda row: (row.start_date or date.min, row.currency)),
        transfers=_sorted(statement.transfers, lambda row: row.transfer_date),
        net_asset_values=_sorted(statement.net_asset_values, lambda row: row.as_of or date.min),
        nav_changes=_sorted(statement.nav_changes, lambda row: row.start_date or date.min),
        fx_rates=_sorted(statement.fx_rates, lambda row: (row.rate_date, row.from_currency)),
        form_1099b=_sorted(statement.form_1099b, lambda row: row.sold_date or date.min),
    )


def _place_of(row: StatementExecution) -> tuple[date, datetime, bool, str, str]:
    """Fills of one order share their instant: ids settle their places at less cost than all that tells them apart."""
    own = row.ib_exec_id or row.transaction_id
    return row.trade_date, row.executed_at or _LONG_AGO, not own, row.ib_exec_id, row.transaction_id


def _sorted(rows: "tuple[Row, ...]", key: "Callable[[Row], Any]") -> "tuple[Row, ...]":
    """By `key`, and among equals by all that tells rows apart."""
    placed = sorted(((key(row), row) for row in rows), key=itemgetter(0))
    if shared := {one for (one, _), (next_one, _) in pairwise(placed) if one == next_one}:
        placed.sort(key=lambda pair: (pair[0], text_of(pair[1]) if pair[0] in shared else ""))
    return tuple(row for _, row in placed)
