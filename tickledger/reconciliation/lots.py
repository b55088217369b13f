"""Open lots at the end of a day, ours beside the broker's: shares and basis by the day on which they were bought.

Shares that differ in all are a position's difference. As many shares of other days are a choice of lots that some
sale made; the same shares at another basis are losses that one side carries and the other does not, capital that was
returned, or a price.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tickledger.domain.corporate_action import CorporateActionKind
from tickledger.domain.lot import Lot
from tickledger.reconciliation.breaks import BreakCause, Subject
from tickledger.reconciliation.findings import CENT, ZERO, Against, Finding, Findings, is_small, plain, told_shares
from tickledger.reconciliation.ledger_view import LedgerView
from tickledger.reconciliation.statement import StatementOpenLot

_MOVING = frozenset({CorporateActionKind.RETURN_OF_CAPITAL, CorporateActionKind.SPINOFF, CorporateActionKind.MERGER})


@dataclass(frozen=True, slots=True)
class OpenThere:
    """A lot as the other side has it: signed shares, USD of basis."""

    symbol: str
    opened: date | None
    quantity: Decimal
    basis: Decimal | None
    where: str = ""


@dataclass(slots=True)
class _Held:
    """Shares and basis of one day of purchase; `basis` is None where a row does not tell it."""

    quantity: Decimal = ZERO
    basis: Decimal | None = ZERO
    original: Decimal = ZERO
    rows: int = 0
    where: str = ""

    def add(self, quantity: Decimal, basis: Decimal | None, original: Decimal = ZERO, where: str = "") -> None:
        self.quantity += quantity
        self.basis = None if self.basis is None or basis is None else self.basis + basis
        self.original += original
        self.rows += 1
        self.where = self.where or where


_Days = Mapping[date | None, _Held]


def open_there(view: LedgerView, lots: Iterable[StatementOpenLot]) -> list[OpenThere]:
    """The open lots of a statement, in USD."""
    return [
        OpenThere(
            view.names.ours(lot.symbol, conid=lot.conid),
            lot.opened_date,
            lot.quantity,
            None if lot.cost_basis is None else abs(lot.cost_basis),
            f"{lot.where}:{lot.row}" if lot.where else "",
        )
        for lot in lots
        if lot.currency == "USD" and lot.quantity
    ]


def compare_open_lots(
    view: LedgerView,
    ours: Iterable[Lot],
    theirs: Iterable[OpenThere],
    *,
    as_of: date,
    against: Against,
    proves_absence: bool = True,
) -> Findings:
    """Every open lot of both sides on `as_of`. `ours` are those of the account by the broker's rules."""
    mine: defaultdict[str, dict[date | None, _Held]] = defaultdict(dict)
    for lot in ours:
        of_day = mine[lot.symbol].setdefault(lot.acquired_date, _Held())
        of_day.add(lot.quantity, lot.adjusted_basis, lot.original_basis)
    others: defaultdict[str, dict[date | None, _Held]] = defaultdict(dict)
    for row in theirs:
        others[row.symbol].setdefault(row.opened, _Held()).add(row.quantity, row.basis, where=row.where)
    findings: list[Finding] = []
    matched = 0
    for symbol in sorted({*mine, *others}):
        if symbol not in others and not proves_absence:
            continue
        found = _of_symbol(view, symbol, mine.get(symbol, {}), others.get(symbol, {}), as_of=as_of, against=against)
        findings += found
        matched += 0 if found else len(others[symbol])
    return Findings(findings, {Subject.OPEN_LOT: matched})


def _of_symbol(
    view: LedgerView, symbol: str, ours: _Days, theirs: _Days, *, as_of: date, against: Against
) -> list[Finding]:
    one, other = told_shares(_shares(ours)), told_shares(_shares(theirs))
    if one != other:
        cause = BreakCause.MISSING if not ours else BreakCause.EXTRA if not theirs else BreakCause.QUANTITY
        found = against.found(
            Subject.OPEN_LOT, symbol, cause, as_of,
            field="quantity", symbol=symbol, ours=_words(ours), theirs=_words(theirs), difference=other - one,
            unit="shares", stake=_basis(theirs) - _basis(ours), where=_where(theirs),
        )  # fmt: skip
        return [Finding(found)]
    if None not in theirs and _by_day(ours) != _by_day(theirs):
        found = against.found(
            Subject.OPEN_LOT, symbol, BreakCause.LOT_CHOICE, as_of,
            field="lots", symbol=symbol, ours=_words(ours), theirs=_words(theirs), unit="USD",
            difference=_basis(theirs) - _basis(ours), stake=_basis(theirs) - _basis(ours), where=_where(theirs),
            detail="as many shares are left of other days",
        )  # fmt: skip
        return [Finding(found)]
    if None in theirs:
        ours, theirs = {None: _sum(ours)}, {None: _sum(theirs)}
    days = sorted(ours, key=lambda day: day or date.min)
    findings = (_of_day(view, symbol, day, ours[day], theirs[day], as_of=as_of, against=against) for day in days)
    return [finding for finding in findings if finding is not None]


def _by_day(days: _Days) -> dict[date | None, Decimal]:
    return {day: shares for day, held in days.items() if (shares := told_shares(held.quantity))}


def _shares(days: _Days) -> Decimal:
    return sum((held.quantity for held in days.values()), ZERO)


def _basis(days: _Days) -> Decimal:
    return sum((held.basis or ZERO for held in days.values()), ZERO)


def _where(days: _Days) -> str:
    return next((held.where for held in days.values()), "")


def _sum(days: _Days) -> _Held:
    total = _Held()
    for held in days.values():
        total.add(held.quantity, held.basis, held.original, held.where)
    return total


def _words(days: _Days) -> str:
    ordered = sorted(days.items(), key=lambda item: item[0] or date.min)
    return ", ".join(
        f"{plain(held.quantity)} of {day or 'several days'} at {plain(held.basis)}" for day, held in ordered
    )


def _of_day(
    view: LedgerView, symbol: str, day: date | None, ours: _Held, theirs: _Held, *, as_of: date, against: Against
) -> Finding | None:
    if ours.basis is None or theirs.basis is None:
        return None
    difference, rows = theirs.basis - ours.basis, ours.rows + theirs.rows
    if is_small(difference, rows):
        return None
    cause, detail = _why(view, symbol, day, ours, theirs)
    found = against.found(
        Subject.OPEN_LOT, f"{symbol} {day or 'several days'}", cause, as_of,
        field="basis", symbol=symbol, ours=plain(ours.basis), theirs=plain(theirs.basis), difference=difference,
        unit="USD", stake=difference, detail=detail, where=theirs.where,
    )  # fmt: skip
    return Finding(found)


def _why(view: LedgerView, symbol: str, day: date | None, ours: _Held, theirs: _Held) -> tuple[BreakCause, str]:
    rows = ours.rows + theirs.rows
    difference = (theirs.basis or ZERO) - (ours.basis or ZERO)
    if abs(difference) <= CENT * rows:
        return BreakCause.ROUNDING, ""
    carried = (ours.basis or ZERO) - ours.original
    if carried and abs(difference + carried) <= CENT * rows:
        return BreakCause.SCOPE, f"theirs leaves out {plain(carried)} of disallowed losses"
    lots: Sequence[Lot] = view.taxpayer_scope.open_lots if view.taxpayer_scope is not None else ()
    mine = [lot for lot in lots if (lot.account_id, lot.symbol) == (view.account_id, symbol)]
    of_day = [lot.adjusted_basis for lot in mine if day is None or lot.acquired_date == day]
    if of_day and abs((theirs.basis or ZERO) - sum(of_day, ZERO)) <= CENT * rows:
        return BreakCause.SCOPE, "theirs is what comes of all accounts of the taxpayer"
    for action in view.corporate_actions:
        is_of_it = symbol in {action.symbol, action.new_symbol}
        if is_of_it and action.kind in _MOVING and (day is None or action.ex_date > day):
            return BreakCause.CORPORATE_ACTION, f"the {action.kind} of {action.ex_date} moves basis"
    bought = [row for row in view.executions_of.get(symbol, ()) if row.trade_date == day]
    costs = sum((view.charges[row.execution_id] for row in bought), ZERO)
    if costs and is_small(abs(difference) - costs, rows):
        return BreakCause.FEE, "the costs of buying are in one side's basis alone"
    return BreakCause.PRICE, ""
