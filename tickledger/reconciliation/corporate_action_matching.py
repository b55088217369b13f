"""Corporate actions of the record beside those of a statement: which is on one side only, and whose terms differ.

IB tells an event on the evening before its ex-date, a line for each security whose shares change; what it calls
``XYZ.OLD`` are the shares from before. An event that our record lacks changes shares, and so explains a position; one
whose ratio agrees may leave a fraction of a share, which is paid out in cash (in lieu).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.errors import InputError
from tickledger.domain.position import Holding
from tickledger.exchange.corporate_actions import holdings_after
from tickledger.reconciliation.breaks import BreakCause, ProposedCorrection, Subject
from tickledger.reconciliation.corrections import add_corporate_action, report_to_broker
from tickledger.reconciliation.findings import ZERO, Against, Finding, Findings, OtherEvent, plain, told_shares
from tickledger.reconciliation.holdings import grown
from tickledger.reconciliation.ledger_view import LedgerView
from tickledger.reconciliation.period import Period
from tickledger.reconciliation.statement_cash import StatementCorporateAction

_NEAR: Final = timedelta(days=5)
_WHOLE: Final = Decimal(1)
_PAYMENTS: Final = frozenset({CorporateActionKind.DIVIDEND, CorporateActionKind.RETURN_OF_CAPITAL})
_KINDS: Final[Mapping[str, CorporateActionKind]] = {
    "FS": CorporateActionKind.SPLIT,
    "RS": CorporateActionKind.SPLIT,
    "HD": CorporateActionKind.SPLIT,
    "SO": CorporateActionKind.SPINOFF,
    "TC": CorporateActionKind.MERGER,
    "IC": CorporateActionKind.TICKER_CHANGE,
    "DW": CorporateActionKind.DELISTING,
}


@dataclass(frozen=True, slots=True)
class EventThere:
    """An event as the other side tells it: the change of shares by symbol."""

    on: date
    shares: Mapping[str, Decimal]
    lines: tuple[StatementCorporateAction, ...]

    @property
    def ratio(self) -> Fraction | None:
        """New shares per old one, where it is told."""
        return next((line.ratio for line in self.lines if line.ratio is not None), None)

    @property
    def words(self) -> str:
        """What the statement says of it."""
        return self.lines[0].description

    @property
    def where(self) -> str:
        """The file and line."""
        line = self.lines[0]
        return f"{line.where}:{line.row}" if line.where else ""


def events_there(view: LedgerView, lines: Sequence[StatementCorporateAction]) -> list[EventThere]:
    """The events that the lines tell, by date."""
    groups: defaultdict[tuple[str, date], list[StatementCorporateAction]] = defaultdict(list)
    for line in lines:
        name = line.action_id or f"{line.type_code} {line.description.partition('(')[0]}"
        groups[name, line.report_date].append(line)
    events = []
    for (_, on), group in groups.items():
        shares: defaultdict[str, Decimal] = defaultdict(Decimal)
        for line in group:
            shares[view.names.ours(line.symbol.removesuffix(".OLD"), conid=line.conid)] += line.quantity
        events.append(EventThere(on, dict(shares), tuple(group)))
    return sorted(events, key=lambda event: (event.on, sorted(event.shares)))


def compare_corporate_actions(
    view: LedgerView, theirs: Sequence[EventThere], *, against: Against, period: Period, roots: Sequence[Finding] = ()
) -> Findings:
    """Every event that changes shares; dividends and capital returned are movements of cash."""
    ours = [
        action
        for action in view.corporate_actions
        if action.kind not in _PAYMENTS and period.start - _NEAR <= action.ex_date <= period.end + _NEAR
    ]
    findings: list[Finding] = []
    matched, taken = 0, set()
    for event in theirs:
        action = next((each for each in ours if id(each) not in taken and _is_one(view, each, event)), None)
        if action is None:
            findings += _missing(view, event, against)
            continue
        taken.add(id(action))
        differing = _other_terms(view, action, event, against, roots)
        findings += differing
        matched += not differing
    for action in ours:
        if id(action) not in taken and period.proves_absence and period.has(action.ex_date):
            findings += [] if _had_nothing(view, action, roots) else _extra(view, action, against)
    return Findings(findings, {Subject.CORPORATE_ACTION: matched})


def _is_one(view: LedgerView, action: CorporateAction, event: EventThere) -> bool:
    names = {action.symbol, action.new_symbol, view.names.family(action.symbol)}
    return abs(action.ex_date - event.on) <= _NEAR and bool(names & set(event.shares))


def _held_before(view: LedgerView, action: CorporateAction) -> Decimal:
    return (view.holdings_on(action.ex_date - timedelta(days=1)) or {}).get(action.symbol, ZERO)


def _our_change(action: CorporateAction, held: Decimal) -> Mapping[str, Decimal]:
    if not held:
        return {}
    try:
        after = holdings_after(action, Holding(held, _WHOLE))
    except InputError:
        return {}
    change = {symbol: holding.quantity for symbol, holding in after.items()}
    change[action.symbol] = change.get(action.symbol, ZERO) - held
    return change


def _price(view: LedgerView, symbol: str) -> Decimal:
    traded = view.executions_of.get(symbol)
    return traded[-1].price if traded else ZERO


def _missing(view: LedgerView, event: EventThere, against: Against) -> list[Finding]:
    proposed = _proposed(view, event)
    findings = []
    for symbol, shares in sorted(event.shares.items()):
        line = event.lines[0]
        stake = abs(line.value) if line.value else abs(shares) * _price(view, symbol)
        found = against.found(
            Subject.CORPORATE_ACTION, f"{symbol} {event.on} {line.type_code}".strip(), BreakCause.MISSING, event.on,
            field="event", symbol=symbol, theirs=f"{plain(shares)} shares: {event.words}", difference=shares,
            unit="shares", stake=stake, detail="our record has no such event", where=event.where, correction=proposed,
        )  # fmt: skip
        findings.append(Finding(found, shares=shares))
        proposed = None
    return findings


def _proposed(view: LedgerView, event: EventThere) -> ProposedCorrection | None:
    """The event as our record would have it, where its kind is clear."""
    line = event.lines[0]
    kind = _KINDS.get(line.type_code)
    symbols = [symbol for symbol, shares in event.shares.items() if shares < 0] or list(event.shares)
    new = next((symbol for symbol, shares in event.shares.items() if shares > 0 and symbol != symbols[0]), None)
    if kind is None or (kind is CorporateActionKind.SPLIT and event.ratio is None):
        return None
    if kind is CorporateActionKind.SPINOFF:
        parent = view.names.ours(line.description.partition("(")[0])
        symbols, new = [parent], next(iter(event.shares))
    if kind is CorporateActionKind.SPLIT:
        new = None
    action = CorporateAction(symbols[0], event.on, kind, event.ratio, amount=line.cash_per_share, new_symbol=new)
    return add_corporate_action(action)


def _other_terms(
    view: LedgerView, action: CorporateAction, event: EventThere, against: Against, roots: Sequence[Finding]
) -> list[Finding]:
    held = _held_before(view, action)
    change = _our_change(action, held)
    is_other_ratio = event.ratio is not None and action.ratio is not None and event.ratio != action.ratio
    findings = []
    for symbol, shares in sorted(event.shares.items()):
        difference = shares - change.get(symbol, ZERO)
        if not difference:
            continue
        # Shares that differ before the event differ after it in proportion; the roots tell it.
        has_root = any(root.found.symbol == action.symbol and root.shares and root.on < event.on for root in roots)
        if has_root and not is_other_ratio:
            continue
        is_fraction = not is_other_ratio and abs(difference) < _WHOLE
        found = against.found(
            Subject.CORPORATE_ACTION, f"{symbol} {action.ex_date} {action.kind}", BreakCause.CORPORATE_ACTION, event.on,
            field="fraction" if is_fraction else "ratio" if is_other_ratio else "shares", symbol=symbol,
            ours=f"{plain(change.get(symbol, ZERO))} shares, {action.ratio or ''}".rstrip(", "),
            theirs=f"{plain(shares)} shares, {event.ratio or ''}".rstrip(", "), difference=difference, unit="shares",
            stake=difference * _price(view, symbol), where=event.where,
            detail="a fraction of a share that one side has paid out in cash" if is_fraction else event.words,
        )  # fmt: skip
        if_right = OtherEvent(action, replace(action, ratio=event.ratio)) if is_other_ratio else None
        findings.append(Finding(found, shares=difference, if_right=if_right))
    return findings


def _had_nothing(view: LedgerView, action: CorporateAction, roots: Sequence[Finding]) -> bool:
    """Whether the other side held no shares at the event, by what is known to differ: then it tells none."""
    before = [root for root in roots if root.found.symbol == action.symbol and root.shares and root.on < action.ex_date]
    shares = sum((root.shares * grown(view, root, action.ex_date - timedelta(days=1)) for root in before), ZERO)
    return bool(before) and not told_shares(_held_before(view, action) + shares)


def _extra(view: LedgerView, action: CorporateAction, against: Against) -> list[Finding]:
    findings = []
    for symbol, shares in sorted(_our_change(action, _held_before(view, action)).items()):
        if not shares:
            continue
        found = against.found(
            Subject.CORPORATE_ACTION, f"{symbol} {action.ex_date} {action.kind}", BreakCause.EXTRA, action.ex_date,
            field="event", symbol=symbol, ours=f"{plain(shares)} shares, {action.ratio or ''}".rstrip(", "),
            difference=-shares, unit="shares", stake=shares * _price(view, symbol),
            detail="the other side tells no such event",
            correction=report_to_broker(f"{action.kind} of {action.symbol} on {action.ex_date}"),
        )  # fmt: skip
        findings.append(Finding(found, shares=-shares, if_right=OtherEvent(action, None)))
    return findings
