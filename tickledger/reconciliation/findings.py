"""Breaks in the making: what one difference does to shares and cash, and which other differences it explains.

The root comes first. A fill that is missing changes the position, the cash, the lots and the gains, and each of these
comparisons sees a difference of its own. So whoever finds a difference also says what it adds to shares and cash,
theirs less ours, and from which day; a later comparison takes what the roots before it add up to from its own
difference.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, TypedDict, Unpack

from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.errors import Problem
from tickledger.reconciliation.breaks import (
    BreakCause,
    ProposedCorrection,
    ReconciliationBreak,
    SourceName,
    Subject,
    with_id,
)

ZERO: Final = Decimal(0)
CENT: Final = Decimal("0.01")
HALF_CENT: Final = Decimal("0.005")
#: Fractions of a share are told to a ten-thousandth; ours are exact, and thirds do not end.
SHARE_PART: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """A recorded corporate action, and what it would be if the other side were right: None if it never was."""

    recorded: CorporateAction
    instead: CorporateAction | None


#: What would make our history that of the other side; it need not be for anybody to record.
Hypothesis = ProposedCorrection | OtherEvent | tuple[ProposedCorrection, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A break, and what it adds to our shares of its symbol and to our cash from its `session_date` on.

    `if_right` says how our history would be if the other side were right, where the break proposes no correction that
    says so.
    """

    found: ReconciliationBreak
    shares: Decimal = ZERO
    cash: Decimal = ZERO
    if_right: Hypothesis | None = None

    @property
    def hypothesis(self) -> Hypothesis | None:
        """What to work in to see what follows from the break."""
        return self.if_right or self.found.correction

    @property
    def on(self) -> date:
        """The day from which it counts."""
        return self.found.session_date


class Said(TypedDict, total=False):
    """What a break says beside what it is of."""

    field: str
    symbol: str
    ours: str
    theirs: str
    difference: Decimal | None
    unit: str
    stake: Decimal
    detail: str
    where: str
    because_of: tuple[str, ...]
    correction: ProposedCorrection | None


@dataclass(frozen=True, slots=True)
class Against:
    """Whose record is held beside ours; makes the breaks of one comparison."""

    account_id: str
    source: SourceName

    def found(
        self, subject: Subject, key: str, cause: BreakCause, on: date, /, **said: Unpack[Said]
    ) -> ReconciliationBreak:
        """A break without its id; see `ReconciliationBreak` for the parts. `stake` is rounded to the cent."""
        stake = abs(said.get("stake", ZERO))
        return ReconciliationBreak(
            break_id="",
            account_id=self.account_id,
            subject=subject,
            key=key,
            cause=cause,
            session_date=on,
            against=self.source,
            field=said.get("field", ""),
            symbol=said.get("symbol", ""),
            ours=said.get("ours", ""),
            theirs=said.get("theirs", ""),
            difference=said.get("difference"),
            unit=said.get("unit", ""),
            money_at_stake=stake.quantize(CENT, rounding=ROUND_HALF_UP),
            detail=said.get("detail", ""),
            where=said.get("where", ""),
            because_of=said.get("because_of", ()),
            correction=said.get("correction"),
        )


@dataclass(frozen=True, slots=True)
class Findings:
    """What one part of a comparison came to: differences, how many rows agreed, and what could not be compared.

    `matched` has every subject that was looked at, with the rows of it that agree.

    `drift` is what differences too small to be told add to cash, USD, theirs less ours. `carried` is cash that we
    booked before the period and the other side in it.
    """

    findings: Sequence[Finding] = ()
    matched: Mapping[Subject, int] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    drift: Decimal = ZERO
    carried: Decimal = ZERO


def numbered(findings: Iterable[Finding]) -> list[Finding]:
    """The findings with their ids. Of rows that nothing tells apart the second is ``key #2``."""
    seen: Counter[tuple[object, ...]] = Counter()
    told = []
    for finding in findings:
        found = finding.found
        same = (found.subject, found.key, found.cause, found.field, found.ours, found.theirs)
        seen[same] += 1
        if seen[same] > 1:
            found = replace(found, key=f"{found.key} #{seen[same]}")
        told.append(replace(finding, found=with_id(found)))
    return told


def plain(number: Decimal | None) -> str:
    """A number as text, without an exponent and without zeros at its end; empty for none."""
    return "" if number is None else f"{number.normalize():f}" if number else "0"


def told_shares(shares: Decimal) -> Decimal:
    """Shares as finely as brokers tell them."""
    return shares.quantize(SHARE_PART, rounding=ROUND_HALF_UP)


def is_small(amount: Decimal, rows: int = 1) -> bool:
    """Whether sums of `rows` amounts, each rounded to the cent, may differ by as much: half a cent each."""
    return abs(amount) <= HALF_CENT * max(rows, 1)
