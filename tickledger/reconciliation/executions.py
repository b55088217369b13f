"""Executions of the ledger beside those of a broker: what is missing, what is too much, what differs in a figure.

Prices are compared by what they come to (a difference under half a cent is how a price was printed), charges to a
hundredth of a cent, or to half a cent where a file prints cents. A charge is the commission with the regulatory fees
and taxes: which part is which brokers divide differently.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.errors import Problem
from tickledger.domain.execution import Execution
from tickledger.domain.money import PRICE_INCREMENT
from tickledger.reconciliation import corrections
from tickledger.reconciliation.breaks import BreakCause, ProposedCorrection, Subject
from tickledger.reconciliation.findings import CENT, HALF_CENT, ZERO, Against, Finding, Findings, is_small, plain
from tickledger.reconciliation.ledger_view import LedgerView
from tickledger.reconciliation.matching import Match, MatchedBy, Matching, matched
from tickledger.reconciliation.period import Period
from tickledger.reconciliation.trade_rows import TradeRow, is_brokers, our_rows

#: IB bills to a hundredth of a cent and finer.
CHARGE_TOLERANCE: Final = Decimal("0.0001")
_CLOCKS: Final = timedelta(seconds=60)
_NEAR: Final = 10


@dataclass(frozen=True, slots=True)
class Trades:
    """The other side's executions: those in force, those it takes back without having told them, what is odd."""

    rows: Sequence[TradeRow]
    taken_back: Sequence[TradeRow] = ()
    problems: Sequence[Problem] = ()


@dataclass(slots=True)
class _Comparing:
    """One comparison of executions at work."""

    view: LedgerView
    against: Against
    period: Period
    prints_cents: bool
    splits: Mapping[str, Sequence[CorporateAction]]
    findings: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    matched: int = 0
    charged: int = 0
    drift: Decimal = ZERO

    def add(self, subject: Subject, row: TradeRow, cause: BreakCause, **said: object) -> None:
        shares, cash, if_right = said.pop("shares", ZERO), said.pop("cash", ZERO), said.pop("if_right", None)
        on = said.pop("on", min(max(row.booked, self.period.start), self.period.end))
        key = said.pop("key", row.identity or _key(row))
        found = self.against.found(subject, key, cause, on, symbol=row.symbol, **said)  # type: ignore[arg-type]  # the names are those of Said
        self.findings.append(Finding(found, shares, cash, if_right))  # type: ignore[arg-type]


def compare_executions(view: LedgerView, trades: Trades, *, against: Against, period: Period) -> Findings:
    """Every execution of both sides in the period, each once."""
    theirs = trades.rows
    rows, superseded = _newest(our_rows(view.executions, view.names))
    stems = {row.stem for row in theirs if row.stem}
    first, last = period.around(_NEAR)
    near = [row for row in rows if first <= row.booked <= last or row.stem in stems]
    found = matched(near, theirs)
    splits: dict[str, list[CorporateAction]] = {}
    for action in view.corporate_actions:
        if action.ratio is not None:
            splits.setdefault(action.symbol, []).append(action)
    comparing = _Comparing(view, against, period, _prints_cents(theirs), splits)
    for row in superseded:
        _superseded(comparing, row)
    for match in found.matches:
        _compare(comparing, match)
    _clocks(comparing, found.matches)
    left = _taken_back(comparing, found, rows, trades.taken_back)
    for row in left:
        _extra(comparing, row)
    for row in found.missing:
        _missing(comparing, row)
    problems = [*trades.problems, *comparing.problems]
    counts = {Subject.EXECUTION: comparing.matched, Subject.COMMISSION: comparing.charged}
    return Findings(comparing.findings, counts, problems, comparing.drift)


def _newest(rows: Iterable[TradeRow]) -> tuple[list[TradeRow], list[TradeRow]]:
    """The last revision of each of our executions, and those that stand beside one."""
    last: dict[tuple[str, str], TradeRow] = {}
    superseded = []
    for row in rows:
        key = (row.stem, row.family)
        known = last.get(key)
        if known is None:
            last[key] = row
        else:
            older, newer = sorted((known, row), key=lambda each: each.revision)
            last[key] = newer
            superseded.append(older)
    return list(last.values()), superseded


def _prints_cents(rows: Sequence[TradeRow]) -> bool:
    """Whether no charge is told more finely than to the cent."""
    return all(row.charge is None or row.charge == row.charge.quantize(CENT) for row in rows)


def _key(row: TradeRow) -> str:
    side = "BUY" if row.sign > 0 else "SELL"
    when = row.at.isoformat() if row.at is not None else row.day.isoformat()
    return f"{row.symbol} {side} {plain(row.quantity)} @ {plain(row.price)} {when}"


def _superseded(comparing: _Comparing, row: TradeRow) -> None:
    if not comparing.period.has(row.booked):
        return
    comparing.add(
        Subject.EXECUTION, row, BreakCause.EXTRA,
        ours=row.words(), difference=-row.shares, unit="shares", stake=abs(row.cash), shares=-row.shares,
        cash=-row.cash, detail=f"{row.identity} is counted beside the revision that took its place",
        correction=_bust(row, "A later revision of the fill is recorded as well: this one never was."),
    )  # fmt: skip


def _bust(row: TradeRow, why: str) -> ProposedCorrection | None:
    return corrections.correct_execution(row.source, why, quantity="0") if isinstance(row.source, Execution) else None


def _compare(comparing: _Comparing, match: Match) -> None:
    ours, theirs = match.totals
    before = len(comparing.findings)
    if ours.sign != theirs.sign:
        _other_side(comparing, ours, theirs)
    elif ours.quantity != theirs.quantity:
        _other_quantity(comparing, ours, theirs, match)
    elif ours.price != theirs.price:
        _other_price(comparing, ours, theirs, match)
    if ours.sign == theirs.sign:
        _other_charge(comparing, ours, theirs, match)
    if ours.booked != theirs.booked:
        _other_date(comparing, ours, theirs)
    comparing.matched += len(comparing.findings) == before


def _other_side(comparing: _Comparing, ours: TradeRow, theirs: TradeRow) -> None:
    """A purchase here and a sale there are two executions: ours that never was, and theirs that we lack."""
    detail = "one side has a purchase where the other has a sale"
    comparing.add(
        Subject.EXECUTION, ours, BreakCause.EXTRA,
        field="side", ours=ours.words(), difference=-ours.shares, unit="shares", stake=ours.cash, shares=-ours.shares,
        cash=-ours.cash, detail=detail, correction=_bust(ours, "Record that the fill never was."), where=theirs.where,
    )  # fmt: skip
    comparing.add(
        Subject.EXECUTION, theirs, BreakCause.MISSING,
        field="side", theirs=theirs.words(), difference=theirs.shares, unit="shares", stake=theirs.cash,
        shares=theirs.shares, cash=theirs.cash, detail=detail, where=theirs.where,
        correction=corrections.add_execution(theirs._replace(identity=""), comparing.view.account_id),
    )  # fmt: skip


def _other_quantity(comparing: _Comparing, ours: TradeRow, theirs: TradeRow, match: Match) -> None:
    shares, cash = theirs.shares - ours.shares, ours.sign * ours.amount - theirs.sign * theirs.amount
    cause, detail = BreakCause.QUANTITY, f"matched by {match.by}"
    if ours.quantity and is_small(theirs.amount - ours.amount, len(match.ours) + len(match.theirs)):
        ratio = Fraction(theirs.quantity) / Fraction(ours.quantity)
        recorded = [action for action in comparing.splits.get(ours.symbol, ()) if action.ratio in {ratio, 1 / ratio}]
        cause, detail = BreakCause.CORPORATE_ACTION, f"the same money in {ratio} times the shares"
        if recorded:
            shares = ZERO
            detail += f": the {recorded[0].kind} of {recorded[0].ex_date} is worked into one side's figures"
    elif before := _before_correction(comparing.view, ours, theirs):
        detail = before
    comparing.add(
        Subject.EXECUTION, ours, cause,
        field="quantity", ours=ours.words(), theirs=theirs.words(), difference=theirs.quantity - ours.quantity,
        unit="shares", stake=cash, shares=shares, cash=cash, detail=detail, where=theirs.where,
        correction=None if cause is BreakCause.CORPORATE_ACTION else _refigured(ours, theirs, match),
    )  # fmt: skip


def _other_price(comparing: _Comparing, ours: TradeRow, theirs: TradeRow, match: Match) -> None:
    rows = len(match.ours) + len(match.theirs)
    cash = ours.sign * (ours.amount - theirs.amount)
    if is_small(cash, 1 if rows == 2 else rows):  # noqa: PLR2004  one on each side
        comparing.drift += cash
        return
    is_rounding = abs(cash) <= CENT or abs(ours.price - theirs.price) <= PRICE_INCREMENT / 2
    comparing.add(
        Subject.EXECUTION, ours, BreakCause.ROUNDING if is_rounding else BreakCause.PRICE,
        field="price", ours=ours.words(), theirs=theirs.words(), difference=theirs.price - ours.price,
        unit="USD a share", stake=cash, cash=cash, where=theirs.where,
        detail=_before_correction(comparing.view, ours, theirs) or f"matched by {match.by}",
        correction=None if is_rounding else _refigured(ours, theirs, match),
    )  # fmt: skip


def _before_correction(view: LedgerView, ours: TradeRow, theirs: TradeRow) -> str:
    """What to say where the other side has the figures that our record has corrected since."""
    figures = (ours.identity, theirs.quantity, theirs.price * theirs.multiplier)
    return "the other side has the figures from before the correction" if figures in view.figures_before else ""


def _refigured(ours: TradeRow, theirs: TradeRow, match: Match) -> ProposedCorrection | None:
    if len(match.ours) != 1 or not isinstance(ours.source, Execution):
        return None
    price = theirs.price * theirs.multiplier
    why = "Record the other side's figures of the fill as a correction."
    return corrections.correct_execution(ours.source, why, quantity=plain(theirs.quantity), price=plain(price))


def _other_charge(comparing: _Comparing, ours: TradeRow, theirs: TradeRow, match: Match) -> None:
    if ours.charge is None or theirs.charge is None:
        return
    if theirs.charge == ours.charge:
        comparing.charged += len(match.theirs)
        return
    difference, rows = theirs.charge - ours.charge, max(len(match.ours), len(match.theirs))
    tolerance = (HALF_CENT if comparing.prints_cents else CHARGE_TOLERANCE) * rows
    if abs(difference) <= tolerance:
        comparing.drift -= difference
        comparing.charged += len(match.theirs)
        return
    is_rounding = abs(difference) <= CENT and not ours.is_estimated
    detail = "ours is an estimate: the broker had not told the charge" if ours.is_estimated else ""
    name = ours.identity if len(match.ours) == 1 else ""
    comparing.add(
        Subject.COMMISSION, ours, BreakCause.ROUNDING if is_rounding else BreakCause.FEE,
        field="commission", ours=plain(ours.charge), theirs=plain(theirs.charge), difference=difference, unit="USD",
        stake=difference, cash=-difference, detail=detail, where=theirs.where,
        correction=None if is_rounding or not name else corrections.report_commission(name, theirs.charge),
    )  # fmt: skip


def _other_date(comparing: _Comparing, ours: TradeRow, theirs: TradeRow) -> None:
    """The same trade on another date. Where a year lies between, the date decides in which it is taxed."""
    end = comparing.period.end
    is_between = (theirs.booked <= end) - (ours.booked <= end)
    other_year = ours.booked.year != theirs.booked.year
    settles = getattr(theirs.source, "settle_date", None)
    detail = f"ours on {ours.booked}, theirs on {theirs.booked}"
    if settles in {ours.booked, theirs.booked} and settles != theirs.day:
        detail += ": a settle date stands for a trade date"
    if other_year:
        detail += "; the trade date decides the tax year (Pub. 550, p. 81)"
    comparing.add(
        Subject.EXECUTION, ours, BreakCause.TIMING,
        field="trade_date", ours=ours.booked.isoformat(), theirs=theirs.booked.isoformat(),
        difference=Decimal((theirs.booked - ours.booked).days), unit="days",
        stake=ours.amount if other_year else ZERO, shares=is_between * theirs.shares, cash=is_between * theirs.cash,
        detail=detail, where=theirs.where, if_right=_dated(ours, theirs),
    )  # fmt: skip


def _dated(ours: TradeRow, theirs: TradeRow) -> ProposedCorrection | None:
    if not isinstance(ours.source, Execution):
        return None
    return corrections.correct_execution(ours.source, "", trade_date=theirs.booked.isoformat())


def _clocks(comparing: _Comparing, matches: Sequence[Match]) -> None:
    """Instants of executions known by their ids: one shift for all is a time zone, told once."""
    told = [match.totals for match in matches if match.by is MatchedBy.ID]
    apart = [
        (ours, theirs, theirs.at - ours.at)
        for ours, theirs in told
        if ours.at != theirs.at and ours.at is not None and theirs.at is not None and abs(theirs.at - ours.at) > _CLOCKS
    ]
    if not apart:
        return
    shift, count = Counter(delta for _, _, delta in apart).most_common(1)[0]
    if count > 1 and 2 * count > len(told):
        found = f"{count} of {len(told)} told {shift.total_seconds() / 3600:+g} hours from ours"
        where = apart[0][1].where.rpartition(":")[0] or "executions"
        comparing.problems.append(Problem(where, "times of the account's zone", found, severity="warning"))
        apart = [each for each in apart if each[2] != shift]
    for ours, theirs, delta in apart:
        if ours.booked == theirs.booked:
            comparing.add(
                Subject.EXECUTION, ours, BreakCause.TIMING,
                field="executed_at", ours=str(ours.at), theirs=str(theirs.at),
                difference=Decimal(int(delta.total_seconds())), unit="seconds", where=theirs.where,
                detail="the same fill at another time of the day",
            )  # fmt: skip


def _taken_back(
    comparing: _Comparing, found: Matching, rows: Sequence[TradeRow], taken_back: Sequence[TradeRow]
) -> list[TradeRow]:
    """Tell what the other side takes back and we still have; what is left of our rows that it does not have."""
    if not taken_back:
        return found.extra
    used = {id(row) for match in found.matches for row in match.ours}
    by_stem = {row.stem: row for row in rows}
    by_figures: defaultdict[object, list[TradeRow]] = defaultdict(list)
    for row in rows:
        by_figures[_figures(row)].append(row)
    for undone in taken_back:
        candidates = [by_stem[undone.stem]] if undone.stem in by_stem else []
        candidates += [] if is_brokers(undone.identity) else by_figures[_figures(undone)]
        ours = next((row for row in candidates if id(row) not in used and row.booked <= undone.booked), None)
        if ours is None:
            comparing.matched += 1
            continue
        used.add(id(ours))
        comparing.add(
            Subject.EXECUTION, ours, BreakCause.EXTRA,
            ours=ours.words(), theirs="taken back", difference=-ours.shares, unit="shares", stake=abs(ours.cash),
            shares=-ours.shares, cash=-ours.cash, where=undone.where, on=undone.booked,
            detail="the broker cancelled the trade; ours is still in force",
            correction=_bust(ours, "The broker took the fill back: record that it never was."),
        )  # fmt: skip
    return [row for row in found.extra if id(row) not in used]


def _figures(row: TradeRow) -> tuple[object, ...]:
    return (row.family, row.sign, row.quantity, row.price)


def _extra(comparing: _Comparing, row: TradeRow) -> None:
    if not comparing.period.should_have(row):
        return
    is_late = comparing.period.is_late(row)
    detail = "executed after the hour from which the broker counts the next trading day" if is_late else ""
    comparing.add(
        Subject.EXECUTION, row, BreakCause.TIMING if is_late else BreakCause.EXTRA,
        ours=row.words(), difference=-row.shares, unit="shares", stake=ZERO if is_late else row.cash,
        shares=-row.shares, cash=-row.cash, detail=detail,
        correction=None if is_late else _bust(row, "If the broker confirms that it never was: record no shares."),
        if_right=_bust(row, "") if is_late else None,
    )  # fmt: skip


def _missing(comparing: _Comparing, row: TradeRow) -> None:
    is_busted = any(
        name in comparing.view.busted for name in (row.identity, comparing.view.other_ids.get(row.identity))
    )
    entered = row._replace(identity="") if is_busted else row
    comparing.add(
        Subject.EXECUTION, row, BreakCause.MISSING,
        theirs=row.words(), difference=row.shares, unit="shares", stake=row.cash, shares=row.shares, cash=row.cash,
        detail="our record has the fill as taken back" if is_busted else "", where=row.where,
        correction=corrections.add_execution(entered, comparing.view.account_id),
    )  # fmt: skip
