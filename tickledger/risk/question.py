"""What every check looks at, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tickledger.domain.order import RiskCheck
from tickledger.domain.signal import OrderIntent
from tickledger.risk.exposure import Exposure


@dataclass(frozen=True, slots=True)
class Question:
    """One intent with the exposure before and after it: what every check looks at.

    `cost` is what a purchase is estimated to cost and 0 for a sale, `charges` what an order costs beside its
    notional, USD. `is_reducing`: the order only takes from a position, down to flat at most.
    """

    intent: OrderIntent
    before: Exposure
    after: Exposure
    sectors: Mapping[str, str]
    adverse_move: Decimal
    cost: Decimal
    charges: Decimal
    is_reducing: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """A check and, where it failed, why; `warning` says what is worth knowing although it passed."""

    check: RiskCheck
    refusal: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """A limit of the moment, such as how old a quote may be: `value` passes up to `limit`, both in the name's unit."""

    name: str
    limit: Decimal
    value: Decimal
    refusal: str

    def finding(self, question: Question) -> Finding:
        """What the limit says of an order; one that only reduces a position passes it."""
        is_passed = question.is_reducing or self.value <= self.limit
        return found(self.name, is_passed=is_passed, limit=self.limit, value=self.value, refusal=self.refusal)


def found(
    name: str, *, is_passed: bool, limit: Decimal, value: Decimal, refusal: str = "", warning: str = ""
) -> Finding:
    """A finding that says ``name: value exceeds limit`` where it failed and `refusal` says nothing better."""
    check = RiskCheck(name, is_passed=is_passed, limit=limit, value=value)
    if is_passed:
        return Finding(check, warning=f"{name}: {warning}" if warning else "")
    return Finding(check, refusal=f"{name}: {refusal or f'{plain(value)} exceeds {plain(limit)}'}")


def row_limit(name: str, question: Question, *, value: Decimal, limit: Decimal | None) -> Finding:
    """A value against a row: an order that only reduces passes, any other fails where there is no row."""
    if limit is None:
        refusal = f"no limit in force on {question.intent.session_date}"
        return found(name, is_passed=question.is_reducing, limit=Decimal(0), value=value, refusal=refusal)
    return found(name, is_passed=question.is_reducing or value <= limit, limit=limit, value=value)


def plain(number: Decimal) -> str:
    """A number without an exponent and without trailing zeros."""
    return f"{number.normalize():f}"
