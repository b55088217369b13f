"""The ledger beside a statement and beside the broker's API: the public functions of a reconciliation.

Each takes a `LedgerView` and gives a `Comparison`; neither reads or writes anything. What cannot be compared at all
(another account, another base currency) is a Problem of the comparison, whose scope then covers nothing. Findings are
made in the order in which they explain each other: executions, corporate actions, movements of cash, then positions
and cash, then lots and gains.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.domain.broker import BrokerSnapshot
from tickledger.domain.errors import Problem
from tickledger.reconciliation.breaks import ComparedScope, Comparison, SourceName, Subject
from tickledger.reconciliation.cash import CashThere, compare_cash
from tickledger.reconciliation.cash_rows import their_cash
from tickledger.reconciliation.cash_transactions import compare_cash_transactions
from tickledger.reconciliation.corporate_action_matching import compare_corporate_actions, events_there
from tickledger.reconciliation.executions import Trades, compare_executions
from tickledger.reconciliation.findings import ZERO, Against, Finding, Findings, numbered
from tickledger.reconciliation.holdings import HeldThere, compare_holdings
from tickledger.reconciliation.joining import of_account
from tickledger.reconciliation.ledger_view import LedgerView
from tickledger.reconciliation.period import Period
from tickledger.reconciliation.statement import Statement, StatementPosition
from tickledger.reconciliation.statement_lots import basis_on, compare_lots
from tickledger.reconciliation.told_sections import ToldSections, told_sections
from tickledger.reconciliation.trade_rows import CURRENCIES, NEW_YORK, fill_rows, statement_rows
from tickledger.tax.engine import collector_at_rest

_USD: Final = frozenset({"USD", ""})


@dataclass(slots=True)
class _Result:
    """A comparison in the making."""

    view: LedgerView
    against: Against
    period: Period
    findings: list[Finding] = field(default_factory=list)
    matched: dict[Subject, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    drift: Decimal = ZERO
    carried: Decimal = ZERO

    def take(self, found: Findings) -> None:
        """Add what one part came to."""
        self.findings += numbered(found.findings)
        self.problems += found.problems
        self.drift += found.drift
        self.carried += found.carried
        for subject, count in found.matched.items():
            self.matched[subject] = self.matched.get(subject, 0) + count

    def comparison(self) -> Comparison:
        scope = ComparedScope(
            self.view.account_id,
            self.against.source,
            frozenset(self.matched),
            self.period.start,
            self.period.end,
        )
        return Comparison(scope, tuple(one.found for one in self.findings), self.matched, tuple(self.problems))


def compare_with_statement(view: LedgerView, statements: Statement | Sequence[Statement]) -> Comparison:
    """The ledger beside a statement, or beside several of one account joined to one.

    Only what lies inside the statement's period is missing or too much, and only in sections that it has; an incomplete
    file proves no absence. Positions, lots and cash are compared at the last day that the statement tells of them.
    """
    told = [statements] if isinstance(statements, Statement) else list(statements)
    with collector_at_rest():
        own, problems = _joined(told, view.account_id)
        usable = [statement for statement in own if statement.base_currency in _USD]
        problems += [_other_currency(statement) for statement in own if statement.base_currency not in _USD]
        if not usable:
            return _nothing(view, SourceName.STATEMENT, problems)
        period = _period(usable[0], is_joined=len(told) > 1)
        result = _Result(view, Against(view.account_id, SourceName.STATEMENT), period, problems=problems)
        _compare_statement(result, usable[0])
        return result.comparison()


def _joined(told: Sequence[Statement], account_id: str) -> tuple[Sequence[Statement], list[Problem]]:
    """The statements of the account as one; a single one is what it is."""
    if len(told) == 1 and told[0].account_id == account_id:
        return told, []
    one = of_account(told, account_id)
    return one.statements, [*one.problems]


def _other_currency(statement: Statement) -> Problem:
    where = statement.sources[0].name if statement.sources else f"statement of {statement.account_id}"
    return Problem(where, "base currency USD", f"{statement.base_currency}, not compared", severity="warning")


def _nothing(view: LedgerView, source: SourceName, problems: Sequence[Problem]) -> Comparison:
    """A comparison that looked at nothing, and says why."""
    scope = ComparedScope(view.account_id, source, frozenset(), date.max, date.min)
    return Comparison(scope, (), {}, tuple(problems))


def _period(statement: Statement, *, is_joined: bool) -> Period:
    """The statement's own period; where it names none, the days of its rows."""
    start, end = statement.start_date, statement.end_date
    if start is None or end is None:
        days = [
            *(row.trade_date for row in statement.executions),
            *(row.cash_date for row in statement.cash_transactions),
            *(row.as_of for row in statement.positions if row.as_of is not None),
            *(row.closed_date for row in statement.closed_lots if row.closed_date is not None),
        ]
        start = start or min(days, default=end or date.min)
        end = end or max(days, default=start)
    return Period(start, end, statement.generated_at, statement.is_complete, is_joined)


def _compare_statement(result: _Result, statement: Statement) -> None:
    view, against, period = result.view, result.against, result.period
    cash, problems = their_cash(view, statement)
    result.problems += problems
    told = told_sections(statement, cash)
    if told.executions:
        rows = statement_rows(statement.executions, view.names)
        trades = Trades(rows.rows, rows.taken_back, rows.problems)
        found = compare_executions(view, trades, against=against, period=period)
        result.take(found)
    if told.corporate_actions:
        events = events_there(view, statement.corporate_actions)
        found = compare_corporate_actions(view, events, against=against, period=period, roots=result.findings)
        result.take(found)
    if told.cash_groups:
        found = compare_cash_transactions(
            view, cash, told=told.cash_groups, against=against, period=period, roots=result.findings
        )
        result.take(found)
    if told.positions:
        _compare_positions(result, statement, told)
    _compare_cash(result, statement, told)
    result.take(compare_lots(view, statement, against=against, period=period, roots=result.findings))


def _compare_positions(result: _Result, statement: Statement, told: ToldSections) -> None:
    view = result.view
    as_of = max((row.as_of for row in statement.positions if row.as_of is not None), default=result.period.end)
    rows: list[StatementPosition] = []
    foreign: list[StatementPosition] = []
    for row in statement.positions:
        if row.as_of not in {as_of, None} or row.asset_class in CURRENCIES:
            continue
        (rows if row.currency in _USD else foreign).append(row)
    result.problems += [_foreign_position(row) for row in foreign]
    held = [_held_there(view, row) for row in rows]
    found = compare_holdings(
        view,
        held,
        as_of=as_of,
        against=result.against,
        roots=result.findings,
        executions_agree=told.executions and result.period.proves_absence and as_of == result.period.end,
        basis_of=basis_on(view, as_of),
    )
    if not result.period.proves_absence:
        found = _without_absent(found)
    result.take(found)


def _without_absent(found: Findings) -> Findings:
    """What an incomplete file says: that it does not have a position proves nothing."""
    return Findings([one for one in found.findings if one.found.theirs != "0"], found.matched)


def _foreign_position(row: StatementPosition) -> Problem:
    found = f"{row.symbol} in {row.currency}, not compared"
    return Problem(row.where or "positions", "positions in USD", found, row=row.row or None, severity="warning")


def _held_there(view: LedgerView, row: StatementPosition) -> HeldThere:
    symbol = view.names.ours(row.symbol, conid=row.conid, cusip=row.cusip)
    value = row.value
    if value is None and row.mark_price is not None:
        value = row.mark_price * row.quantity * row.multiplier
    return HeldThere(symbol, row.quantity, value, row.cost_basis, f"{row.where}:{row.row}" if row.where else "")


def _compare_cash(result: _Result, statement: Statement, told: ToldSections) -> None:
    balances = [row for row in statement.cash_balances if row.currency == "USD" and row.ending is not None]
    balances = [row for row in balances if not row.is_base_summary] or balances
    if not balances or not statement.is_complete:
        return
    last = max(balances, key=lambda row: row.end_date or result.period.end)
    first = min(balances, key=lambda row: row.start_date or result.period.start)
    there = CashThere(
        as_of=last.end_date or result.period.end,
        ending=last.ending or ZERO,
        start=first.start_date or result.period.start,
        starting=first.starting,
        items=last.items if first is last else (),
        where=f"{last.where}:{last.row}" if last.where else "",
    )
    found = compare_cash(
        result.view,
        there,
        against=result.against,
        roots=result.findings,
        drift=result.drift,
        carried=result.carried,
        executions_agree=told.executions,
    )
    result.take(found)


def compare_with_broker(view: LedgerView, snapshot: BrokerSnapshot) -> Comparison:
    """The ledger beside the broker's own view at one moment, in so far as the snapshot has it.

    A broker tells the fills of the current day only: what is older cannot be missing. Positions and cash are compared
    with what the ledger has after all its executions up to then.
    """
    if snapshot.account_id != view.account_id:
        told = f"account {snapshot.account_id}, not compared"
        problem = Problem("snapshot of the broker", f"account {view.account_id}", told)
        return _nothing(view, SourceName.BROKER, [problem])
    day = snapshot.taken_at.astimezone(NEW_YORK).date()
    period = Period(day, day, snapshot.taken_at)
    result = _Result(view, Against(view.account_id, SourceName.BROKER), period)
    charges = {report.execution_id: report.commission for report in snapshot.commissions if report.currency == "USD"}
    fills = [fill for fill in snapshot.fills if fill.execution.quantity]
    busted = [fill for fill in snapshot.fills if not fill.execution.quantity]
    gone = {row.stem for row in fill_rows(busted, {}, view.names)}
    rows = [row for row in fill_rows(fills, charges, view.names) if row.stem not in gone]
    found = compare_executions(view, Trades(rows), against=result.against, period=period)
    result.take(found)
    held = [HeldThere(row.symbol, row.quantity, None, row.average_cost * row.quantity) for row in snapshot.positions]
    held = [row for row in held if row.quantity]
    result.take(compare_holdings(view, held, as_of=day, against=result.against, roots=result.findings))
    there = CashThere(day, snapshot.cash)
    result.take(compare_cash(view, there, against=result.against, roots=result.findings, drift=result.drift))
    return result.comparison()


def compare_all(
    view: LedgerView, *, statements: Iterable[Statement] = (), snapshot: BrokerSnapshot | None = None
) -> tuple[Comparison, ...]:
    """Every comparison that there is another side for."""
    told = list(statements)
    found = [compare_with_statement(view, told)] if told else []
    return (*found, *([compare_with_broker(view, snapshot)] if snapshot is not None else []))
