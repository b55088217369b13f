"""Positions at the end of a day, ours beside the broker's; what fills and corporate actions explain is told of these.

A difference that findings about executions add up to follows from them and has nothing at stake of its own. What is
left is looked at for a split that one side has not worked in: its shares are a plain multiple of ours, and what they
cost is the same. A position under another name is a ticker change. The rest is a quantity that nobody explains.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind, in_order
from tickledger.reconciliation.breaks import BreakCause, Subject
from tickledger.reconciliation.findings import ZERO, Against, Finding, Findings, plain, told_shares
from tickledger.reconciliation.ledger_view import LedgerView

#: What companies split and merge their shares by; a multiple beyond is no evidence.
_MOST: Final = 100
_MOST_BELOW: Final = 20
_AROUND: Final = timedelta(days=15)
_WHOLE: Final = Decimal(1)
BasisOf = Callable[[str], Decimal | None]


@dataclass(frozen=True, slots=True)
class HeldThere:
    """A position as the other side has it: signed shares, and USD where it tells them."""

    symbol: str
    quantity: Decimal
    value: Decimal | None = None
    cost_basis: Decimal | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class _Case:
    """One symbol on which the two sides differ; `left` is what the roots do not explain."""

    symbol: str
    ours: Decimal
    theirs: HeldThere
    roots: tuple[Finding, ...]
    left: Decimal
    price: Decimal


def compare_holdings(
    view: LedgerView,
    held: Sequence[HeldThere],
    *,
    as_of: date,
    against: Against,
    roots: Sequence[Finding] = (),
    executions_agree: bool = True,
    basis_of: BasisOf = lambda _symbol: None,
) -> Findings:
    """Every position of both sides on `as_of`; `executions_agree` says that executions were compared up to then.

    `basis_of` is what our open lots of a symbol cost, where that is known; it is asked where positions differ.
    Where no close up to `as_of` is recorded there is nothing to compare.
    """
    ours = view.holdings_on(as_of)
    if ours is None:
        return Findings()
    theirs = _summed(held)
    cases = [
        _case(
            view,
            ours.get(symbol, ZERO),
            theirs.get(symbol, HeldThere(symbol, ZERO)),
            roots=roots,
            as_of=as_of,
        )
        for symbol in sorted({*ours, *theirs})
    ]
    differing = [case for case in cases if told_shares(case.ours - case.theirs.quantity)]
    renamed = _renamed(view, differing, basis_of)
    findings = []
    for case in differing:
        cause, detail = BreakCause.UNEXPLAINED, ""
        if case.left:
            cause, detail = renamed.get(case.symbol) or _cause(
                view, case, as_of, executions_agree=executions_agree, basis_of=basis_of
            )
        findings.append(_finding(case, cause, detail, against=against, as_of=as_of))
    return Findings(findings, {Subject.POSITION: len(cases) - len(differing)})


def _summed(held: Iterable[HeldThere]) -> dict[str, HeldThere]:
    """One position of each symbol."""
    found: dict[str, HeldThere] = {}
    for each in held:
        known = found.get(each.symbol)
        found[each.symbol] = each if known is None else _joined(known, each)
    return {symbol: each for symbol, each in found.items() if each.quantity}


def _joined(one: HeldThere, other: HeldThere) -> HeldThere:
    return HeldThere(
        one.symbol,
        one.quantity + other.quantity,
        None if one.value is None or other.value is None else one.value + other.value,
        None if one.cost_basis is None or other.cost_basis is None else one.cost_basis + other.cost_basis,
        one.where or other.where,
    )


def _case(
    view: LedgerView,
    mine: Decimal,
    there: HeldThere,
    *,
    roots: Sequence[Finding],
    as_of: date,
) -> _Case:
    symbol = there.symbol
    of_symbol = tuple(
        root for root in roots if root.shares and root.on <= as_of and _becomes(view, root, as_of) == symbol
    )
    explained = sum((root.shares * grown(view, root, as_of) for root in of_symbol), ZERO)
    price = (
        abs(there.value / there.quantity) if there.value is not None and there.quantity else _last_price(view, symbol)
    )
    left = told_shares(there.quantity - mine - explained)
    # A fraction that a split leaves is paid out: the explanation is as good as whole shares can tell.
    is_split = any(grown(view, root, as_of) != 1 for root in of_symbol)
    return _Case(symbol, mine, there, of_symbol, ZERO if is_split and abs(left) < _WHOLE else left, price)


def _later_actions(view: LedgerView, root: Finding, as_of: date) -> Iterable[CorporateAction]:
    return (action for action in in_order(view.corporate_actions) if root.on < action.ex_date <= as_of)


def _becomes(view: LedgerView, root: Finding, as_of: date) -> str:
    """The name that the shares of a root have on `as_of`."""
    symbol = root.found.symbol
    for action in _later_actions(view, root, as_of):
        if action.kind in {CorporateActionKind.TICKER_CHANGE, CorporateActionKind.MERGER} and action.symbol == symbol:
            symbol = action.new_symbol or symbol
    return symbol


def grown(view: LedgerView, root: Finding, as_of: date) -> Decimal:
    """How many shares of `as_of` one share of the root's day is."""
    symbol, grown = root.found.symbol, Fraction(1)
    for action in _later_actions(view, root, as_of):
        if action.symbol != symbol:
            continue
        if action.kind in {CorporateActionKind.SPLIT, CorporateActionKind.MERGER} and action.ratio is not None:
            grown *= action.ratio
        if action.kind in {CorporateActionKind.TICKER_CHANGE, CorporateActionKind.MERGER}:
            symbol = action.new_symbol or symbol
    return Decimal(grown.numerator) / Decimal(grown.denominator)


def _last_price(view: LedgerView, symbol: str) -> Decimal:
    """What the symbol last traded at in our record, USD; zero where it never did."""
    traded = view.executions_of.get(symbol)
    return traded[-1].price if traded else ZERO


def _renamed(view: LedgerView, cases: Sequence[_Case], basis_of: BasisOf) -> dict[str, tuple[BreakCause, str]]:
    """Pairs of positions that only one side has each: the same shares under another name, where something says so."""
    gone = {case.left: case for case in cases if case.left and not case.theirs.quantity}
    found: dict[str, tuple[BreakCause, str]] = {}
    for case in cases:
        old = gone.get(-case.left) if case.left and not case.ours else None
        if old is None:
            continue
        same_name = view.names.family(old.symbol) == view.names.family(case.symbol)
        basis = basis_of(old.symbol)
        if same_name or (basis is not None and case.theirs.cost_basis == basis):
            detail = f"{plain(case.left)} shares are {old.symbol} here and {case.symbol} there: a change of ticker"
            found[old.symbol] = found[case.symbol] = (BreakCause.CORPORATE_ACTION, detail)
    return found


def _cause(
    view: LedgerView, case: _Case, as_of: date, *, executions_agree: bool, basis_of: BasisOf
) -> tuple[BreakCause, str]:
    if case.ours and case.theirs.quantity and not case.roots:
        split = _split(view, case, as_of, executions_agree=executions_agree, basis_of=basis_of)
        if split:
            return BreakCause.CORPORATE_ACTION, split
    late = _traded(view, case.symbol, as_of, as_of)
    if not executions_agree:
        if late and case.left == -late:
            return BreakCause.TIMING, f"the shares traded on {as_of} itself: the statement is from before that"
        for days in (1, 2, 3):
            unsettled = _traded(view, case.symbol, as_of - timedelta(days - 1), as_of)
            if unsettled and case.left == -unsettled:
                return BreakCause.TIMING, "the shares of trades that had not settled yet"
    if not case.ours:
        return BreakCause.MISSING, "our record has no such position"
    if not case.theirs.quantity:
        return BreakCause.EXTRA, "the other side has no such position"
    return BreakCause.QUANTITY, "no execution that differs explains it"


def _traded(view: LedgerView, symbol: str, first: date, last: date) -> Decimal:
    rows = (row for row in view.executions_of.get(symbol, ()) if first <= row.trade_date <= last)
    return sum((row.side.sign * row.quantity for row in rows), ZERO)


def _split(view: LedgerView, case: _Case, as_of: date, *, executions_agree: bool, basis_of: BasisOf) -> str:
    """What to say where one side has a split that the other has not; empty where nothing speaks for it."""
    ratio = Fraction(case.theirs.quantity) / Fraction(case.ours)
    if ratio <= 0:
        return ""
    for action in view.corporate_actions:
        is_near = abs(action.ex_date - as_of) <= _AROUND
        if action.symbol == case.symbol and action.ratio is not None and is_near:
            if _fits(case.ours, case.theirs.quantity, 1 / action.ratio):
                return f"the {action.kind} {action.ratio} of {action.ex_date} is not worked into theirs"
            if _fits(case.ours, case.theirs.quantity, action.ratio):
                return f"the {action.kind} {action.ratio} of {action.ex_date} is not worked into ours"
    basis, told = basis_of(case.symbol), case.theirs.cost_basis
    costs_the_same = basis is not None and told is not None and abs(told - basis) < _WHOLE
    is_plain = (
        max(ratio.numerator, ratio.denominator) <= _MOST and min(ratio.numerator, ratio.denominator) <= _MOST_BELOW
    )
    if is_plain and (costs_the_same or (executions_agree and case.theirs.cost_basis is None)):
        evidence = "at the same cost" if costs_the_same else "with the same executions"
        return f"theirs are {ratio} times our shares {evidence}: a split that is not in our record"
    return ""


def _fits(ours: Decimal, theirs: Decimal, ratio: Fraction) -> bool:
    """Whether `ratio` leads from our shares to theirs, a fraction of a share aside."""
    return abs(Fraction(ours) * ratio - Fraction(theirs)) < 1


def _finding(case: _Case, cause: BreakCause, detail: str, *, against: Against, as_of: date) -> Finding:
    follows = tuple(root.found.break_id for root in case.roots) if not case.left else ()
    if follows:
        cause, detail = _cause_of(case.roots), "follows from differing executions and corporate actions"
    elif case.roots:
        explained = case.theirs.quantity - case.ours - case.left
        detail = f"{plain(explained)} shares follow from other breaks, {plain(case.left)} do not: {detail}"
    found = against.found(
        Subject.POSITION, case.symbol, cause, as_of,
        field="quantity", symbol=case.symbol, ours=plain(case.ours), theirs=plain(case.theirs.quantity),
        difference=case.theirs.quantity - case.ours, unit="shares", stake=case.left * case.price, detail=detail,
        where=case.theirs.where, because_of=follows,
    )  # fmt: skip
    return Finding(found, shares=ZERO if follows else case.left)


def _cause_of(roots: Sequence[Finding]) -> BreakCause:
    """The cause that most of the shares have."""
    weight: defaultdict[BreakCause, Decimal] = defaultdict(Decimal)
    for root in roots:
        weight[root.found.cause] += abs(root.shares)
    return max(weight, key=lambda cause: (weight[cause], cause))
