"""Breaks: one thing on which two sources differ, why, what it is worth, and what a person may do about it.

A break's id is a hash of what differs, not of when it was found, so that the same difference on the next evening is the
same break and has an age. Its state is the last of its events: it is opened when it is found, a person explains or
accepts it, and it is resolved by the first comparison of the same scope that does not find it any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tickledger.domain.errors import Problem
from tickledger.domain.ids import deterministic_id


class Subject(StrEnum):
    """What is compared."""

    EXECUTION = "execution"
    COMMISSION = "commission"
    POSITION = "position"
    CASH = "cash"
    CASH_TRANSACTION = "cash transaction"
    DIVIDEND = "dividend"
    CORPORATE_ACTION = "corporate action"
    OPEN_LOT = "open lot"
    REALIZED_GAIN = "realized gain"
    ORDER = "order"
    FORM_1099B = "Form 1099-B"


#: What is a state at the end of a day: the next comparison of it says whether an earlier difference is still there.
STATES: Final = frozenset({Subject.POSITION, Subject.CASH, Subject.OPEN_LOT})


class BreakCause(StrEnum):
    """Why two sources differ."""

    MISSING = "missing"  # the other source has it, our ledger does not
    EXTRA = "extra"  # our ledger has it, the other source does not
    QUANTITY = "quantity"
    PRICE = "price"
    FEE = "fee"
    LOT_CHOICE = "lot choice"
    ROUNDING = "rounding"
    CORPORATE_ACTION = "corporate action"
    TIMING = "timing"
    SCOPE = "scope"
    UNEXPLAINED = "unexplained"


class SourceName(StrEnum):
    """Who says it."""

    LEDGER = "ledger"
    BROKER = "broker"
    STATEMENT = "statement"
    FORM_1099B = "1099-B"


class CorrectionKind(StrEnum):
    """The new record that would settle a break; nothing that is recorded is ever edited."""

    ADD_EXECUTION = "add execution"
    CORRECT_EXECUTION = "correct execution"
    REPORT_COMMISSION = "report commission"
    ADD_CASH_TRANSACTION = "add cash transaction"
    ADD_CORPORATE_ACTION = "add corporate action"
    CHOOSE_LOTS = "choose lots"
    REPORT_TO_BROKER = "report to broker"


@dataclass(frozen=True, slots=True)
class ProposedCorrection:
    """What a person may apply: `values` are the fields of the new record by name, as text that reads back exactly."""

    kind: CorrectionKind
    values: Mapping[str, str]
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationBreak:
    """One difference of `account_id` between our ledger and another source; `with_id` gives it its id.

    `key` is what the row is known by: an `ibExecID`, a conid or symbol, a currency, a lot's dates. `ours` and `theirs`
    are the two values in words, empty where the source has none; `difference` is theirs less ours in `unit` (shares or
    a currency). `money_at_stake` is USD, never negative: what cash, gain or tax basis would be wrong by. `because_of`
    names the breaks that explain this one whole: it then has nothing at stake of its own.
    """

    break_id: str
    account_id: str
    subject: Subject
    key: str
    cause: BreakCause
    session_date: date
    against: SourceName
    field: str = ""
    symbol: str = ""
    ours: str = ""
    theirs: str = ""
    difference: Decimal | None = None
    unit: str = ""
    money_at_stake: Decimal = Decimal(0)
    detail: str = ""
    where: str = ""
    because_of: tuple[str, ...] = ()
    correction: ProposedCorrection | None = None

    @property
    def is_money_relevant(self) -> bool:
        """Whether a form would be wrong by it."""
        return self.money_at_stake > 0 and self.cause not in {BreakCause.ROUNDING, BreakCause.TIMING, BreakCause.SCOPE}


def with_id(found: ReconciliationBreak) -> ReconciliationBreak:
    """The break with its id: the same on every evening on which the two sources say the same."""
    parts = (found.account_id, found.subject, found.key, found.cause, found.against, found.field)
    return replace(found, break_id=deterministic_id("brk", *parts, found.ours, found.theirs))


class BreakState(StrEnum):
    """Where a break is on its way."""

    OPEN = "open"
    EXPLAINED = "explained"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class BreakEvent:
    """A step of a break: found, explained or accepted by a person, found no more, found again. Never changed."""

    break_id: str
    state: BreakState
    occurred_at: datetime
    actor: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class TrackedBreak:
    """A break with its history; `first_seen_date` is the day on which it was found since it was last resolved."""

    found: ReconciliationBreak
    state: BreakState
    first_seen_date: date
    last_seen_date: date
    events: tuple[BreakEvent, ...]

    def age(self, on: date) -> int:
        """Days since it was first seen."""
        return (on - self.first_seen_date).days

    @property
    def blocks_forms(self) -> bool:
        """Whether the forms wait for it: open, worth money, and of a statement or a 1099-B.

        What the broker's API says is of this moment, and says nothing of a year that is over.
        """
        is_of_now = self.found.against is SourceName.BROKER
        return self.state is BreakState.OPEN and self.found.is_money_relevant and not is_of_now


#: What a person may make of a break in each state; only a comparison resolves or opens one.
PERSONS_STEPS: Final[Mapping[BreakState, frozenset[BreakState]]] = {
    BreakState.OPEN: frozenset({BreakState.EXPLAINED, BreakState.ACCEPTED}),
    BreakState.EXPLAINED: frozenset({BreakState.ACCEPTED, BreakState.OPEN}),
    BreakState.ACCEPTED: frozenset({BreakState.OPEN}),
    BreakState.RESOLVED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class ComparedScope:
    """What a comparison looked at: a break outside it is neither confirmed nor resolved by it."""

    account_id: str
    against: SourceName
    subjects: frozenset[Subject]
    start_date: date
    end_date: date

    def covers(self, found: ReconciliationBreak) -> bool:
        """Whether the comparison would have found this break, if it were still there."""
        return (
            found.account_id == self.account_id
            and found.against is self.against
            and found.subject in self.subjects
            and (self.start_date <= found.session_date or found.subject in STATES)
            and found.session_date <= self.end_date
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of holding the ledger beside another source: the scope, the breaks, and how much agreed.

    `matched` counts the rows of each subject that are on both sides; `problems` say what could not be compared.
    """

    scope: ComparedScope
    breaks: tuple[ReconciliationBreak, ...]
    matched: Mapping[Subject, int]
    problems: tuple[Problem, ...] = ()


def next_events(
    known: Iterable[TrackedBreak], comparison: Comparison, *, occurred_at: datetime, actor: str = "reconciliation"
) -> Sequence[BreakEvent]:
    """The steps that a comparison makes: new breaks open, found ones that were resolved open again, others resolve."""
    by_id = {tracked.found.break_id: tracked for tracked in known}
    found = {one.break_id for one in comparison.breaks}
    opened = [name for name in sorted(found) if name not in by_id or by_id[name].state is BreakState.RESOLVED]
    resolved = [
        name
        for name, tracked in sorted(by_id.items())
        if name not in found and tracked.state is not BreakState.RESOLVED and comparison.scope.covers(tracked.found)
    ]
    return [
        *(BreakEvent(name, BreakState.OPEN, occurred_at, actor) for name in opened),
        *(BreakEvent(name, BreakState.RESOLVED, occurred_at, actor) for name in resolved),
    ]
