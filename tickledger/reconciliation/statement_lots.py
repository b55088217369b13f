"""Lots, gains and wash sales of a statement beside the ledger's, by the broker's rules at the end of its period."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import cache

from tickledger.domain.errors import LedgerError, Problem
from tickledger.reconciliation.breaks import BreakCause, Subject
from tickledger.reconciliation.broker_scope import broker_scope, corrected_history
from tickledger.reconciliation.disposal_breaks import compare_disposals, later_disallowed
from tickledger.reconciliation.disposals import closed_lots, our_disposals
from tickledger.reconciliation.explained import explained
from tickledger.reconciliation.findings import CENT, ZERO, Against, Finding, Findings, Hypothesis, is_small, plain
from tickledger.reconciliation.ledger_view import LedgerView, ScopeResult
from tickledger.reconciliation.lots import compare_open_lots, open_there
from tickledger.reconciliation.period import Period
from tickledger.reconciliation.statement import Statement, StatementWashSale
from tickledger.tax.distributions import unreported_closings


def compare_lots(
    view: LedgerView, statement: Statement, *, against: Against, period: Period, roots: Sequence[Finding]
) -> Findings:
    """Closed lots, wash sales and open lots that the statement has.

    Our side is worked out of the view's history as of the end of the period, since a purchase after it changes the
    gains before it; where the view has no history, its own scope is taken if it is of that day.
    """
    lots_date = max((lot.as_of for lot in statement.open_lots if lot.as_of is not None), default=period.end)
    if not statement.closed_lots and not statement.open_lots:
        return Findings()
    first = _scope(view, lots_date, ())
    if isinstance(first, Problem):
        return Findings(problems=[first])
    matched: Counter[Subject] = Counter()

    def compare(corrections: Sequence[Hypothesis]) -> list[Finding]:
        scope = _scope(view, lots_date, corrections) if corrections else first
        if isinstance(scope, Problem):
            return []
        found = list(_compared(view, statement, scope, against=against, period=period, lots_date=lots_date))
        if not corrections:
            matched.clear()
            for part in found:
                matched.update(part.matched)
        return [finding for part in found for finding in part.findings]

    family = view.names.family
    findings = explained(compare, roots, family=family, can_recompute=view.history is not None)
    return Findings(findings, dict(matched))


def basis_on(view: LedgerView, day: date) -> Callable[[str], Decimal | None]:
    """What our open lots of a symbol cost on `day`, worked out when it is first asked; None where nobody knows."""

    @cache
    def found() -> ScopeResult | Problem:
        return _scope(view, day, ())

    def basis_of(symbol: str) -> Decimal | None:
        scope = found()
        if isinstance(scope, Problem):
            return None
        lots = [lot for lot in scope.open_lots if (lot.account_id, lot.symbol) == (view.account_id, symbol)]
        return sum((lot.adjusted_basis for lot in lots), ZERO) if lots else None

    return basis_of


def _scope(view: LedgerView, day: date, corrections: Sequence[Hypothesis]) -> ScopeResult | Problem:
    """The account by the broker's rules on `day`; a Problem where that is not known."""
    if view.history is None:
        if view.broker_scope is None or view.lots_date != day:
            found = f"lots of {view.lots_date}" if view.broker_scope is not None else "none"
            return Problem("lots of the ledger", f"those of {day}", f"{found}, not compared", severity="warning")
        return view.broker_scope
    history = corrected_history(view.history, corrections) if corrections else view.history
    try:
        return broker_scope(history, view.account_id, until=day)
    except LedgerError as error:
        if corrections:
            raise
        return Problem("lots of the ledger", "a history that can be computed", str(error))


def _compared(
    view: LedgerView, statement: Statement, scope: ScopeResult, *, against: Against, period: Period, lots_date: date
) -> Iterable[Findings]:
    if statement.closed_lots:
        left_out = unreported_closings(view.corporate_actions)
        mine = [gain for gain in scope.gains if gain.account_id == view.account_id]
        yield compare_disposals(
            view,
            scope,
            ours=our_disposals(mine, view.names, left_out=left_out),
            theirs=closed_lots(view, statement.closed_lots),
            subject=Subject.REALIZED_GAIN,
            against=against,
            period=period,
        )
    if statement.wash_sales:
        yield _wash_sales(view, scope, statement.wash_sales, against=against, period=period)
    if statement.open_lots:
        rows = [lot for lot in statement.open_lots if lot.as_of in {lots_date, None}]
        yield compare_open_lots(
            view,
            [lot for lot in scope.open_lots if lot.account_id == view.account_id],
            open_there(view, rows),
            as_of=lots_date,
            against=against,
            proves_absence=period.proves_absence,
        )


def _wash_sales(
    view: LedgerView, scope: ScopeResult, rows: Sequence[StatementWashSale], *, against: Against, period: Period
) -> Findings:
    """What was disallowed of the losses of each security on each day."""
    ours: defaultdict[tuple[str, date], list[Decimal]] = defaultdict(list)
    for gain in scope.gains:
        if gain.disallowed_loss and period.has(gain.sold_date):
            ours[view.names.family(gain.symbol), gain.sold_date].append(gain.disallowed_loss)
    theirs: defaultdict[tuple[str, date], list[Decimal]] = defaultdict(list)
    for row in rows:
        on = row.realized_date or row.trade_date
        if row.currency == "USD" and on is not None:
            name = view.names.family(view.names.ours(row.symbol, conid=row.conid))
            theirs[name, on].append(row.disallowed_loss)
    findings = []
    matched = 0
    for symbol, on in sorted({*ours, *theirs}):
        mine, other = ours.get((symbol, on), []), theirs.get((symbol, on), [])
        difference = sum(other, ZERO) - sum(mine, ZERO)
        if is_small(difference, len(mine) + len(other)) or (
            period.is_joined and -_later(view, scope, symbol, on) - CENT <= difference < 0
        ):
            matched += 1
            continue
        cause = BreakCause.UNEXPLAINED if other else BreakCause.SCOPE
        found = against.found(
            Subject.REALIZED_GAIN, f"{symbol} {on}", cause, on,
            field="wash sale", symbol=symbol, ours=plain(sum(mine, ZERO)), theirs=plain(sum(other, ZERO)),
            difference=difference, unit="USD", stake=difference, detail="the loss disallowed on the day",
        )  # fmt: skip
        findings.append(Finding(found))
    return Findings(findings, {Subject.REALIZED_GAIN: matched})


def _later(view: LedgerView, scope: ScopeResult, family: str, on: date) -> Decimal:
    """What purchases after the sales of a day disallowed of their losses: a record of before cannot have it."""
    gains = [gain for gain in scope.gains if gain.sold_date == on and view.names.family(gain.symbol) == family]
    return later_disallowed(scope, gains)
