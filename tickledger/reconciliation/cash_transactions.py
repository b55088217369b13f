"""Cash that moved without a trade: dividends, withholding, interest, fees, deposits, cash for shares.

The ledger books a dividend on its ex-date, a broker pays it weeks later, so a dividend is looked for until
`PAY_DELAY` after its ex-date; one that may still come is TIMING, not too much. Brokers take payments back and book them
anew: what they take back themselves is passed over. The kind under which something is booked may differ (a return of
capital is often a dividend at first); the amount may not.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from tickledger.domain.corporate_action import CorporateActionKind
from tickledger.domain.errors import Problem
from tickledger.domain.execution import CashKind, CashTransaction
from tickledger.reconciliation.breaks import BreakCause, Subject
from tickledger.reconciliation.corrections import add_cash
from tickledger.reconciliation.findings import CENT, ZERO, Against, Finding, Findings, is_small, plain
from tickledger.reconciliation.holdings import grown
from tickledger.reconciliation.ledger_view import LedgerView
from tickledger.reconciliation.period import Period
from tickledger.reconciliation.statement import Statement
from tickledger.reconciliation.statement_cash import (
    StatementCash,
    StatementCashKind,
    StatementCorporateAction,
    StatementTransfer,
)

#: The longest that companies take from the ex-date to the payment.
PAY_DELAY: Final = timedelta(days=60)
#: Dates of postings differ by a weekend and a holiday.
_NEAR: Final = timedelta(days=5)


class CashGroup(StrEnum):
    """What movements are compared with each other."""

    DIVIDEND = "dividend"
    WITHHOLDING = "withholding tax"
    INTEREST = "interest"
    FEE = "fee"
    TRANSFER = "deposit or withdrawal"
    CORPORATE = "cash for shares"
    OTHER = "other"


_OURS: Final = {
    CashKind.DEPOSIT: CashGroup.TRANSFER,
    CashKind.WITHDRAWAL: CashGroup.TRANSFER,
    CashKind.DIVIDEND: CashGroup.DIVIDEND,
    CashKind.RETURN_OF_CAPITAL: CashGroup.DIVIDEND,
    CashKind.CASH_IN_LIEU: CashGroup.CORPORATE,
    CashKind.MERGER: CashGroup.CORPORATE,
    CashKind.INTEREST: CashGroup.INTEREST,
    CashKind.FEE: CashGroup.FEE,
}
_K: Final = StatementCashKind
#: The group of each kind of a statement, and what it would be in our record.
_THEIRS: Final = {
    _K.DEPOSIT: (CashGroup.TRANSFER, CashKind.DEPOSIT),
    _K.WITHDRAWAL: (CashGroup.TRANSFER, CashKind.WITHDRAWAL),
    _K.TRANSFER: (CashGroup.TRANSFER, CashKind.DEPOSIT),
    _K.DIVIDEND: (CashGroup.DIVIDEND, CashKind.DIVIDEND),
    _K.PAYMENT_IN_LIEU: (CashGroup.DIVIDEND, CashKind.DIVIDEND),
    _K.RETURN_OF_CAPITAL: (CashGroup.DIVIDEND, CashKind.RETURN_OF_CAPITAL),
    _K.WITHHOLDING: (CashGroup.WITHHOLDING, CashKind.FEE),
    _K.INTEREST_RECEIVED: (CashGroup.INTEREST, CashKind.INTEREST),
    _K.INTEREST_PAID: (CashGroup.INTEREST, CashKind.INTEREST),
    _K.FEE: (CashGroup.FEE, CashKind.FEE),
    _K.SALES_TAX: (CashGroup.FEE, CashKind.FEE),
    _K.TRANSACTION_TAX: (CashGroup.FEE, CashKind.FEE),
    _K.COMMISSION_ADJUSTMENT: (CashGroup.FEE, CashKind.FEE),
    _K.CASH_MERGER: (CashGroup.CORPORATE, CashKind.MERGER),
    _K.OTHER: (CashGroup.OTHER, CashKind.FEE),
}
_Placed = StatementCash | StatementCorporateAction | StatementTransfer
_OF_SHARES: Final = frozenset({CashGroup.DIVIDEND, CashGroup.WITHHOLDING})


def _subject(group: CashGroup) -> Subject:
    if group in _OF_SHARES:
        return Subject.DIVIDEND
    return Subject.CORPORATE_ACTION if group is CashGroup.CORPORATE else Subject.CASH_TRANSACTION


@dataclass(frozen=True, slots=True)
class CashRow:
    """A movement of cash of either side, USD."""

    group: CashGroup
    kind: CashKind
    symbol: str
    family: str
    amount: Decimal
    on: date
    words: str
    where: str = ""
    source: CashTransaction | None = None

    @property
    def place(self) -> tuple[date, str, str, Decimal, str]:
        """Where it stands in an order that does not depend on how the rows came."""
        return (self.on, self.group, self.symbol, self.amount, self.words)

    @property
    def subject(self) -> Subject:
        """What it is a difference of."""
        return _subject(self.group)

    @property
    def key(self) -> str:
        """What the row is known by."""
        return f"{self.group} {self.symbol or 'USD'} {self.on}"


def our_cash(view: LedgerView) -> list[CashRow]:
    """The movements of the ledger."""
    rows = (
        CashRow(
            _OURS[row.kind], row.kind, row.symbol or "", view.names.family(row.symbol or ""), row.amount,
            row.session_date, row.description, source=row,
        )
        for row in view.cash_transactions
    )  # fmt: skip
    return sorted(rows, key=lambda row: row.place)


def their_cash(view: LedgerView, statement: Statement) -> tuple[list[CashRow], list[Problem]]:
    """The movements of a statement, cash of corporate actions and transfers among them; other currencies are told."""
    rows: list[CashRow] = []
    problems = []
    for told in statement.cash_transactions:
        if told.currency != "USD" or told.kind is _K.FX:
            problems.append(_not_compared(told))
            continue
        group, kind = _THEIRS[told.kind]
        kind = CashKind.WITHDRAWAL if kind is CashKind.DEPOSIT and told.amount < 0 else kind
        symbol = view.names.ours(told.symbol, conid=told.conid) if told.symbol else ""
        rows.append(_row(view, (group, kind, symbol), told.amount, told.cash_date, told, words=told.description))
    for action in statement.corporate_actions:
        if action.proceeds and action.currency == "USD":
            symbol, on = _action_symbol(view, action.symbol, action.conid), action.effective_date or action.report_date
            group, kind = CashGroup.CORPORATE, CashKind.MERGER if action.quantity else CashKind.CASH_IN_LIEU
            rows.append(_row(view, (group, kind, symbol), action.proceeds, on, action, words=action.description))
    for moved in statement.transfers:
        if moved.cash and moved.currency == "USD":
            kind = CashKind.DEPOSIT if moved.cash > 0 else CashKind.WITHDRAWAL
            words = moved.description or moved.type_text
            rows.append(_row(view, (CashGroup.TRANSFER, kind, ""), moved.cash, moved.transfer_date, moved, words=words))
    return sorted(rows, key=lambda row: row.place), problems


def _row(
    view: LedgerView, what: tuple[CashGroup, CashKind, str], amount: Decimal, on: date, told: _Placed, *, words: str
) -> CashRow:
    group, kind, symbol = what
    place = f"{told.where}:{told.row}" if told.where else ""
    return CashRow(group, kind, symbol, view.names.family(symbol), amount, on, words, place)


def _action_symbol(view: LedgerView, symbol: str, conid: str) -> str:
    return view.names.ours(symbol.removesuffix(".OLD"), conid=conid)


def _not_compared(told: StatementCash) -> Problem:
    found = f"{told.kind} of {plain(told.amount)} {told.currency}, not compared"
    return Problem(told.where or "cash", "cash in USD", found, row=told.row or None, severity="warning")


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
    matched = Counter({_subject(group): 0 for group in told})
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
    delay = PAY_DELAY if ours.group in _OF_SHARES or theirs.group in _OF_SHARES else _NEAR
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


def _missing(comparing: _Comparing, row: CashRow) -> None:
    comparing.add(
        row, BreakCause.MISSING,
        cash=row.amount, theirs=plain(row.amount), difference=row.amount, detail=row.words, where=row.where,
        correction=add_cash(_moved(comparing.view, row, row.amount), "Enter the movement of cash."),
    )  # fmt: skip


def _extra(comparing: _Comparing, row: CashRow) -> None:
    period = comparing.period
    if not (period.proves_absence and period.has(row.on) and row.group in comparing.told):
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


def accrued(view: LedgerView, before: date, rows: Iterable[CashRow] = ()) -> list[CashRow]:
    """Dividends of our record that may not have been paid by the end of `before`, the latest first."""
    known = list(rows) or our_cash(view)
    due = [row for row in known if row.group is CashGroup.DIVIDEND and before - PAY_DELAY < row.on <= before]
    return sorted(due, key=lambda row: row.place, reverse=True)
