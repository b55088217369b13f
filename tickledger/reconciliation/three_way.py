"""Who agrees with whom: one difference as the ledger, the broker's API and the statement have it.

ledger = broker ≠ statement   the statement is wrong or older: ask the broker
broker = statement ≠ ledger   our record is wrong: apply the correction
ledger = statement ≠ broker   the API is behind, or told before something was settled
all differ                    nobody can be believed yet
not told                      one side says nothing of it, so that there is one word against another
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tickledger.reconciliation.breaks import STATES, Comparison, ReconciliationBreak, Subject
from tickledger.reconciliation.trade_rows import revision_of


class Agreement(StrEnum):
    """Which sides have the same."""

    LEDGER_AND_BROKER = "ledger = broker ≠ statement"
    BROKER_AND_STATEMENT = "broker = statement ≠ ledger"
    LEDGER_AND_STATEMENT = "ledger = statement ≠ broker"
    NOBODY = "all differ"
    BROKER_NOT_TOLD = "ledger ≠ statement, the broker does not say"
    STATEMENT_NOT_TOLD = "ledger ≠ broker, the statement does not say"


@dataclass(frozen=True, slots=True)
class ThreeWay:
    """One difference with the word of all three; a text is empty where a side has none, or does not tell it."""

    subject: Subject
    key: str
    field: str
    agreement: Agreement
    ledger: str
    broker: str
    statement: str
    break_ids: tuple[str, ...]

    @property
    def is_ours_to_mend(self) -> bool:
        """Whether both others have the same and we do not."""
        return self.agreement is Agreement.BROKER_AND_STATEMENT


def three_way(broker: Comparison | None, statement: Comparison | None) -> tuple[ThreeWay, ...]:
    """Every difference of two comparisons of one account, by subject and key; either may be absent."""
    theirs, told = _by_key(broker), _by_key(statement)
    keys = sorted({*theirs, *told})
    return tuple(_one(key, theirs.get(key), told.get(key), broker, statement) for key in keys)


_Key = tuple[Subject, str, str]


def _by_key(comparison: Comparison | None) -> dict[_Key, ReconciliationBreak]:
    found: dict[_Key, ReconciliationBreak] = {}
    for one in comparison.breaks if comparison is not None else ():
        found.setdefault(_key(one), one)
    return found


def _key(found: ReconciliationBreak) -> _Key:
    """What the same difference is known by on both sides: an execution by its id without the revision."""
    if found.subject in {Subject.EXECUTION, Subject.COMMISSION}:
        return (found.subject, revision_of(found.key)[0], found.field)
    return (found.subject, found.key, found.field)


def _one(
    key: _Key,
    broker: ReconciliationBreak | None,
    statement: ReconciliationBreak | None,
    theirs: Comparison | None,
    told: Comparison | None,
) -> ThreeWay:
    first = broker or statement
    ours = first.ours if first is not None else ""
    if broker is not None and statement is not None:
        is_one = _is_same(broker, statement)
        agreement = Agreement.BROKER_AND_STATEMENT if is_one else Agreement.NOBODY
    elif statement is not None:
        knows = _would_tell(theirs, statement)
        agreement = Agreement.LEDGER_AND_BROKER if knows else Agreement.BROKER_NOT_TOLD
    else:
        knows = broker is not None and _would_tell(told, broker)
        agreement = Agreement.LEDGER_AND_STATEMENT if knows else Agreement.STATEMENT_NOT_TOLD
    return ThreeWay(
        subject=key[0],
        key=key[1],
        field=key[2],
        agreement=agreement,
        ledger=ours,
        broker=broker.theirs if broker is not None else ours if agreement is Agreement.LEDGER_AND_BROKER else "",
        statement=statement.theirs
        if statement is not None
        else ours
        if agreement is Agreement.LEDGER_AND_STATEMENT
        else "",
        break_ids=tuple(found.break_id for found in (broker, statement) if found is not None),
    )


def _is_same(one: ReconciliationBreak, other: ReconciliationBreak) -> bool:
    if one.difference is not None and other.difference is not None:
        return one.difference == other.difference
    return one.theirs == other.theirs


def _would_tell(comparison: Comparison | None, found: ReconciliationBreak) -> bool:
    """Whether the other comparison looked at this on the same day, so that its silence is agreement."""
    if comparison is None or found.subject not in comparison.scope.subjects:
        return False
    scope = comparison.scope
    if found.subject in STATES:
        return scope.end_date == found.session_date
    return scope.start_date <= found.session_date <= scope.end_date


def to_mend(summary: Iterable[ThreeWay]) -> tuple[ThreeWay, ...]:
    """What both others have and our record has not: the differences whose corrections a person applies first."""
    return tuple(one for one in summary if one.is_ours_to_mend)
