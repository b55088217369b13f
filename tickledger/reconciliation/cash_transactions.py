"""Cash that moved without a trade: dividends, withholding, interest, fees, deposits, cash for shares.

The ledger books a dividend on its ex-date, a broker pays it weeks later, so a dividend is looked for until
`PAY_DELAY` after its ex-date; one that may still come is TIMING, not too much. Brokers take payments back and book them
anew: what they take back themselves is passed over. The kind under which something is booked may differ (a return of
capital is often a dividend at first); the amount may not.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from tickledger.domain.corporate_action import CorporateActionKind
from tickledger.domain.execution import CashTransaction
from tickledger.reconciliation.breaks import BreakCause
from tickledger.reconciliation.cash_rows import OF_SHARES, PAY_DELAY, CashGroup, CashRow, our_cash, subject_of
from tickledger.reconciliation.corrections import add_cash
from tickledger.reconciliation.findings import CENT, ZERO, Against, Finding, Findings, is_small, plain
from tickledger.reconciliation.holdings import grown
from tickledger.reconciliation.ledger_view import LedgerView
from tickledger.reconciliation.period import Period

#: Dates of postings differ by a weekend and a holiday.
_NEAR: Final = timedelta(days=5)


@dataclass(slots=True)
class _Comparing:
    """One comparison of cash movements at work."""

    view: LedgerView
    against: Against
    period: Period
    roots: Sequence[Finding]
    told: frozenset[CashGroup]
    ours: list[CashRow]
    theirs: list[CashRow]
    pairs: list[tuple[CashRow, CashRow]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    drift: Decimal = ZERO

    def add(self, row: CashRow, cause: BreakCause, *, cash: Decimal = ZERO, stake: Decimal | None = None, **said: object
    ) -> None:  # fmt: skip
        on = min(max(row.on, self.period.start), self.period.end)
        found = self.against.found(
            row.subject, row.key, cause, on,
            symbol=row.symbol, unit="USD", stake=cash if stake is None else stake, **said,  # type: ignore[arg-type]  # the names are those of Said
        )  # fmt: skip
        self.findings.append(Finding(found, cash=cash))


def compare_cash_transactions(
    view: LedgerView,
    theirs: Sequence[CashRow],
    *,
    told: frozenset[CashGroup],
    against: Against,
    period: Period,
    roots: Sequence[Finding] = (),
) -> Findings:
    """Every movement of both sides; `told` are the groups that the other side tells whole."""
    first, last = period.start - PAY_DELAY - _NEAR, period.end + _NEAR
    ours = [row for row in our_cash(view) if first <= row.on <= last]
    comparing = _Comparing(view, against, period, roots, told, ours, list(theirs))
    _pair(comparing, lambda row: (row.group, row.family, row.amount, row.on), _is_same_day)
    _pair(comparing, lambda row: (row.group, row.family, row.amount), _is_in_time)
    _pair(comparing, lambda row: (row.family, row.amount), _is_in_time)
    _pass_over_reversed(comparing)
    _pair(comparing, lambda row: (row.family, row.amount), _is_in_time)
    _net_of_tax(comparing)
    matched = Counter({subject_of(group): 0 for group in told})
    matched.update(other.subject for _, other in comparing.pairs)
    carried = sum((mine.amount for mine, other in comparing.pairs if mine.on < period.start <= other.on), ZERO)
    comparing.pairs.clear()
    _pair(comparing, lambda row: (row.group, row.family), _is_in_time)
    for mine, other in comparing.pairs:
        _other_amount(comparing, mine, other)
    for row in comparing.theirs:
        _missing(comparing, row)
    for row in comparing.ours:
        _extra(comparing, row)
    return Findings(comparing.findings, matched, drift=comparing.drift, carried=carried)


def _is_same_day(ours: CashRow, theirs: CashRow) -> bool:
    return ours.on == theirs.on


def _is_in_time(ours: CashRow, theirs: CashRow) -> bool:
    delay = PAY_DELAY if ours.group in OF_SHARES or theirs.group in OF_SHARES else _NEAR
    return -_NEAR <= theirs.on - ours.on <= delay


def _pair(comparing: _Comparing, key: Callable[[CashRow], Hashable], fits: Callable[[CashRow, CashRow], bool]) -> None:
    """Match rows of one key by their dates: each of ours with the first of theirs that is not too early."""
    waiting: defaultdict[Hashable, deque[CashRow]] = defaultdict(deque)
    for row in comparing.theirs:
        waiting[key(row)].append(row)
    left, taken = [], set()
    for row in comparing.ours:
        queue = waiting.get(key(row), deque())
        passed = []
        while queue and queue[0].on < row.on - _NEAR:
            passed.append(queue.popleft())
        if queue and fits(row, queue[0]):
            other = queue.popleft()
            taken.add(id(other))
            comparing.pairs.append((row, other))
        else:
            left.append(row)
    comparing.ours = left
    comparing.theirs = [row for row in comparing.theirs if id(row) not in taken]


def _pass_over_reversed(comparing: _Comparing) -> None:
    """Leave out what the other side booked and took back itself."""
    waiting: defaultdict[Hashable, list[CashRow]] = defaultdict(list)
    gone: set[int] = set()
    for row in comparing.theirs:
        opposite = waiting[row.group, row.family, -row.amount]
        if opposite and row.group is not CashGroup.TRANSFER:
            gone |= {id(row), id(opposite.pop())}
        else:
            waiting[row.group, row.family, row.amount].append(row)
    comparing.theirs = [row for row in comparing.theirs if id(row) not in gone]


def _net_of_tax(comparing: _Comparing) -> None:
    """Match a dividend that we have net with the other side's two lines, of the dividend and of the tax on it."""
    taxes: dict[tuple[str, date], list[CashRow]] = defaultdict(list)
    for row in comparing.theirs:
        if row.group is CashGroup.WITHHOLDING:
            taxes[row.family, row.on].append(row)
    ours = {(row.family, row.amount): row for row in comparing.ours if row.group is CashGroup.DIVIDEND}
    for row in [row for row in comparing.theirs if row.group is CashGroup.DIVIDEND]:
        withheld = taxes.get((row.family, row.on), [])
        mine = ours.get((row.family, row.amount + sum((tax.amount for tax in withheld), ZERO)))
        if withheld and mine is not None and mine in comparing.ours:
            comparing.ours.remove(mine)
            comparing.theirs = [each for each in comparing.theirs if each is not row and each not in withheld]
            comparing.pairs.append((mine, row))


def _other_amount(comparing: _Comparing, mine: CashRow, other: CashRow) -> None:
    difference = other.amount - mine.amount
    if is_small(difference):
        comparing.drift += difference
        return
    cause, detail, follows = _why(comparing, mine, other)
    correction = None
    if cause not in {BreakCause.ROUNDING, BreakCause.TIMING} and not follows and mine.source is not None:
        why = "Record the difference as a movement of its own."
        correction = add_cash(_moved(comparing.view, other, difference), why)
    comparing.add(
        other, cause,
        cash=difference, stake=ZERO if follows else difference, field="amount", ours=plain(mine.amount),
        theirs=plain(other.amount), difference=difference, detail=detail, where=other.where, because_of=follows,
        correction=correction,
    )  # fmt: skip


def _why(comparing: _Comparing, mine: CashRow, other: CashRow) -> tuple[BreakCause, str, tuple[str, ...]]:
    """The cause of another amount, what to say, and the breaks that it follows from."""
    difference = other.amount - mine.amount
    if abs(difference) <= CENT:
        return BreakCause.ROUNDING, "", ()
    if mine.group is not CashGroup.DIVIDEND or not mine.amount:
        cause = BreakCause.FEE if mine.group is CashGroup.FEE else BreakCause.UNEXPLAINED
        return cause, "the amounts differ", ()
    rate = _rate(comparing.view, mine)
    roots = [root for root in comparing.roots if root.found.symbol == mine.symbol and root.shares and root.on < mine.on]
    shares = sum((root.shares * grown(comparing.view, root, mine.on) for root in roots), ZERO)
    if roots and rate is not None and abs(shares * rate - difference) <= CENT:
        detail = f"paid on {plain(shares)} shares of executions that differ"
        return roots[0].found.cause, detail, tuple(root.found.break_id for root in roots)
    if event := _split_between(comparing.view, mine, Fraction(other.amount) / Fraction(mine.amount)):
        return BreakCause.CORPORATE_ACTION, event, ()
    if rate is not None and (difference / rate) % 1 == 0:
        return BreakCause.QUANTITY, f"paid on {plain(difference / rate)} shares more at {plain(rate)} each", ()
    return BreakCause.PRICE, "another amount per share", ()


def _split_between(view: LedgerView, mine: CashRow, ratio: Fraction) -> str:
    """What to say where one side paid on the shares of before a split and the other on those of after it."""
    for action in view.corporate_actions:
        is_near = action.symbol == mine.symbol and abs(action.ex_date - mine.on) <= PAY_DELAY
        if is_near and ratio and action.ratio in {ratio, 1 / ratio}:
            return f"paid on shares of the other side of the {action.kind}"
    return ""


def _rate(view: LedgerView, mine: CashRow) -> Decimal | None:
    """USD per share of a dividend of our record."""
    for action in view.corporate_actions:
        is_payment = action.kind in {CorporateActionKind.DIVIDEND, CorporateActionKind.RETURN_OF_CAPITAL}
        if is_payment and (action.symbol, action.ex_date) == (mine.symbol, mine.on) and action.amount:
            return action.amount
    held = (view.holdings_on(mine.on - timedelta(days=1)) or {}).get(mine.symbol)
    return mine.amount / held if held else None


def _moved(view: LedgerView, row: CashRow, amount: Decimal) -> CashTransaction:
    return CashTransaction("", view.account_id, row.kind, amount, row.on, row.symbol or None, row.words)


def _paid_on_other_shares(comparing: _Comparing, row: CashRow, amount: Decimal) -> tuple[Finding, ...]:
    """The findings whose shares one side was paid on and the other does not have."""
    if row.group is CashGroup.CORPORATE:
        return _paid_for_other_fractions(comparing, row)
    if row.group is not CashGroup.DIVIDEND:
        return ()
    for action in comparing.view.corporate_actions:
        is_it = action.symbol == row.symbol and action.amount is not None and _is_payment_of(row, action.ex_date)
        if not is_it or action.amount is None:
            continue
        roots = [
            root
            for root in comparing.roots
            if root.found.symbol == row.symbol and root.shares and root.on < action.ex_date
        ]
        shares = sum((root.shares * grown(comparing.view, root, action.ex_date) for root in roots), ZERO)
        if roots and abs(shares * action.amount - amount) <= CENT:
            return tuple(roots)
    return ()


def _paid_for_other_fractions(comparing: _Comparing, row: CashRow) -> tuple[Finding, ...]:
    """The findings by which one side held another fraction of a share when a split paid for it in cash."""
    is_split = any(
        action.symbol == row.symbol
        and action.ratio is not None
        and action.ratio.denominator > 1
        and abs(action.ex_date - row.on) <= _NEAR
        for action in comparing.view.corporate_actions
    )
    roots = (root for root in comparing.roots if root.found.symbol == row.symbol and root.shares and root.on < row.on)
    return tuple(roots) if is_split else ()


def _is_payment_of(row: CashRow, ex_date: date) -> bool:
    return row.on == ex_date if row.source is not None else -_NEAR <= row.on - ex_date <= PAY_DELAY


def _missing(comparing: _Comparing, row: CashRow) -> None:
    if roots := _paid_on_other_shares(comparing, row, row.amount):
        _follows(comparing, row, row.amount, roots)
        return
    comparing.add(
        row, BreakCause.MISSING,
        cash=row.amount, theirs=plain(row.amount), difference=row.amount, detail=row.words, where=row.where,
        correction=add_cash(_moved(comparing.view, row, row.amount), "Enter the movement of cash."),
    )  # fmt: skip


def _follows(comparing: _Comparing, row: CashRow, cash: Decimal, roots: Sequence[Finding]) -> None:
    """A payment that only one side has, on shares that only that side has."""
    is_theirs = row.source is None
    comparing.add(
        row, roots[0].found.cause,
        cash=cash, stake=ZERO, ours="" if is_theirs else plain(row.amount),
        theirs=plain(row.amount) if is_theirs else "", difference=cash, where=row.where,
        detail="paid on shares of executions that differ",
        because_of=tuple(root.found.break_id for root in roots),
    )  # fmt: skip


def _extra(comparing: _Comparing, row: CashRow) -> None:
    period = comparing.period
    if not (period.proves_absence and period.has(row.on) and row.group in comparing.told):
        return
    if roots := _paid_on_other_shares(comparing, row, -row.amount):
        _follows(comparing, row, -row.amount, roots)
        return
    may_come = row.group is CashGroup.DIVIDEND and row.on > period.end - PAY_DELAY
    comparing.add(
        row, BreakCause.TIMING if may_come else BreakCause.EXTRA,
        cash=-row.amount, stake=ZERO if may_come else row.amount, ours=plain(row.amount), difference=-row.amount,
        detail="booked on its ex-date, not yet paid" if may_come else row.words,
        correction=None
        if may_come
        else add_cash(_moved(comparing.view, row, -row.amount), "If it never came: take the movement back."),
    )  # fmt: skip
