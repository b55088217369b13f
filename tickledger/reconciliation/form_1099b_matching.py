"""Rows of a Form 1099-B beside our gains by the broker's own rules, box by box.

| box | what it is | compared with |
|---|---|---|
| 1a | the property | symbol and shares |
| 1b, 1c | acquired, sold | the dates of the lot and the sale; VARIOUS with the sums of the day |
| 1d, 1e | proceeds, basis | the gain's, to half a cent a row |
| 1g | wash sale loss disallowed | what the engine disallows in this account alone |
| 2 | short or long term | the term |
| 5, 12 | noncovered, basis reported | shares bought since 2011 are covered (Reg. 1.6045-1(a)(15)) |

Our side is the broker's scope. What the law adds to it across accounts is no difference of the form: it is a list of
adjustments (`scope_adjustments`).
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.domain.errors import LedgerError, Problem
from tickledger.reconciliation.breaks import (
    BreakCause,
    ComparedScope,
    Comparison,
    SourceName,
    Subject,
)
from tickledger.reconciliation.broker_scope import broker_scope, corrected_history
from tickledger.reconciliation.disposal_breaks import compare_disposals
from tickledger.reconciliation.disposals import Disposal, our_disposals
from tickledger.reconciliation.explained import explained
from tickledger.reconciliation.findings import Against, Finding, Hypothesis, numbered, plain
from tickledger.reconciliation.form_1099b import Form1099BRow
from tickledger.reconciliation.ledger_view import LedgerView, ScopeResult
from tickledger.reconciliation.period import Period
from tickledger.tax.distributions import unreported_closings

#: Stock bought from here on is covered.
COVERED_FROM: Final = date(2011, 1, 1)
_DESCRIPTION: Final = re.compile(
    r"(?P<quantity>[\d,]*\.?\d+)\s*(?:sh\.?|shs\.?|shares|contracts)?\s*(?:of\s+)?(?P<rest>.+)", re.IGNORECASE
)


def compare_with_1099b(view: LedgerView, rows: Iterable[Form1099BRow], *, tax_year: int | None = None) -> Comparison:
    """The gains of an account beside the rows of its 1099-B for one year (by default that of the rows' sales).

    Our side is `view.broker_scope`, or what comes of `view.history`; the history should reach into the January after
    the year, since purchases then disallow losses of December. Rows whose security is not known here are Problems, and
    then no sale of ours is called too much.
    """
    told = list(rows)
    years = {row.sold_date.year for row in told if row.sold_date is not None}
    year = tax_year or (max(years) if years else None)
    if year is None:
        return _nothing(view, [Problem("Form 1099-B", "rows with a date of sale", "none")])
    theirs, problems = their_disposals(view, told)
    problems += [
        Problem("Form 1099-B", f"sales of {year}", f"one of {other}", severity="warning") for other in years - {year}
    ]
    period = Period(date(year, 1, 1), date(year, 12, 31), proves_absence=not problems and bool(told))
    against = Against(view.account_id, SourceName.FORM_1099B)
    first = _scope(view, ())
    if isinstance(first, Problem):
        return _nothing(view, [*problems, first])
    matched = 0

    def compare(corrections: Sequence[Hypothesis]) -> list[Finding]:
        nonlocal matched
        scope = _scope(view, corrections) if corrections else first
        if isinstance(scope, Problem):
            return []
        mine = [gain for gain in scope.gains if gain.account_id == view.account_id]
        found = compare_disposals(
            view,
            scope,
            ours=our_disposals(mine, view.names, left_out=unreported_closings(view.corporate_actions)),
            theirs=theirs,
            subject=Subject.FORM_1099B,
            against=against,
            period=period,
        )
        if not corrections:
            matched = found.matched[Subject.FORM_1099B]
        return list(found.findings)

    findings = explained(compare, (), family=view.names.family, can_recompute=view.history is not None)
    findings += numbered(_boxes(theirs, against, period))
    scope = ComparedScope(
        view.account_id, SourceName.FORM_1099B, frozenset({Subject.FORM_1099B}), period.start, period.end
    )
    return Comparison(scope, tuple(one.found for one in findings), {Subject.FORM_1099B: matched}, tuple(problems))


def _nothing(view: LedgerView, problems: Sequence[Problem]) -> Comparison:
    scope = ComparedScope(view.account_id, SourceName.FORM_1099B, frozenset(), date.max, date.min)
    return Comparison(scope, (), {}, tuple(problems))


def _scope(view: LedgerView, corrections: Sequence[Hypothesis]) -> ScopeResult | Problem:
    if view.history is None:
        return view.broker_scope or Problem("gains of the ledger", "those of the account", "none")
    if not corrections and view.broker_scope is not None:
        return view.broker_scope
    try:
        return broker_scope(corrected_history(view.history, corrections), view.account_id)
    except LedgerError as error:
        if corrections:
            raise
        return Problem("gains of the ledger", "a history that can be computed", str(error))


def their_disposals(view: LedgerView, rows: Iterable[Form1099BRow]) -> tuple[list[Disposal], list[Problem]]:
    """The rows as disposals, and those whose security is not known here."""
    known = {row.symbol for row in view.executions}
    if view.broker_scope is not None:
        known |= {gain.symbol for gain in view.broker_scope.gains}
    found: list[Disposal] = []
    problems: list[Problem] = []
    for row in rows:
        symbol, quantity = _security(view, row, known)
        if not symbol:
            problems.append(_unknown(row))
            continue
        found.append(
            Disposal(
                symbol, view.names.family(symbol), row.sold_date, row.acquired_date, quantity, row.proceeds, row.basis,
                row.disallowed_loss, row.term, row.is_short_sale, row.is_noncovered, row.is_basis_reported,
                row.is_net_proceeds, f"{row.where}:{row.row}" if row.where else "",
            )
        )  # fmt: skip
    return found, problems


def _unknown(row: Form1099BRow) -> Problem:
    found = f"{row.description or row.cusip}, not compared"
    return Problem(row.where or "Form 1099-B", "a security of the ledger", found, row=row.row or None, column="1a")


def _security(view: LedgerView, row: Form1099BRow, known: set[str]) -> tuple[str, Decimal | None]:
    """Our symbol of what a row is about, empty where it is not known; and its shares."""
    match = _DESCRIPTION.fullmatch(row.description.strip())
    quantity = row.quantity
    if quantity is None and match is not None:
        quantity = Decimal(match["quantity"].replace(",", ""))
    if row.symbol or row.cusip in view.names.by_cusip:
        return view.names.ours(row.symbol, cusip=row.cusip), quantity
    words = re.split(r"[\s,()]+", match["rest"] if match is not None else row.description)
    return next((word for word in words if word in known), ""), quantity


def _boxes(rows: Iterable[Disposal], against: Against, period: Period) -> list[Finding]:
    """Boxes 5 and 12 of shares that are covered by their date: they decide the box of Form 8949, not the gain."""
    findings = []
    for row in rows:
        sold = row.sold or period.end
        is_covered = row.acquired is not None and row.acquired >= COVERED_FROM
        box, theirs = "", ""
        if is_covered and row.is_noncovered:
            box, theirs = "5", "noncovered"
        elif row.is_basis_reported is False and not row.is_noncovered:
            box, theirs = "12", "basis not reported"
        if box and period.has(sold):
            found = against.found(
                Subject.FORM_1099B, f"{row.symbol} {sold} of {row.acquired}", BreakCause.SCOPE, sold,
                field=box, symbol=row.symbol, ours="covered, basis reported", theirs=theirs, where=row.where,
                detail=f"{plain(row.quantity)} shares: the sale belongs under box B or E of Form 8949, with its right"
                " basis in column (e) and 0 in (g)",
            )  # fmt: skip
            findings.append(Finding(found))
    return findings
