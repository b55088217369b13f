"""What every algorithm is told: how large its children may be, how they are priced, and what becomes of the rest."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from tickledger.domain.errors import ConfigurationError


class AtEnd(StrEnum):
    """What becomes of the shares that are not filled when the window ends.

    FINISH sends them as marketable limit orders shortly before the end. LEAVE sends nothing more and leaves the
    children that work to the close of the session. CANCEL takes back what works and leaves the rest unfilled.
    """

    FINISH = "finish"
    LEAVE = "leave"
    CANCEL = "cancel"


class Urgency(StrEnum):
    """Where a child is priced: at the near touch, at the middle of the spread, or through the far touch."""

    PASSIVE = "passive"
    MID = "mid"
    CROSS = "cross"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How an algorithm sends, whatever its schedule; raises ConfigurationError where the values contradict each other.

    Sizes, in shares: a child is a multiple of `round_lot` and at least `minimum_child`, but for the last one, which
    takes whatever is left; `maximum_child` caps each of them. At most `max_working_children` work at once, those that
    are being cancelled not counted.
    Prices: a crossing child reaches `collar_bps` of the far touch beyond it; one that has fallen behind the price it
    should have is moved once it has stood for `reprice_after`, by a cancellation and a new child or, where
    `is_modifying`, by a modification of its limit. A quote older than `max_quote_age` is none.
    The end: FINISH begins `finishing` before the window's end, or in its last tenth where that is shorter.
    The broker: the rest of a cancelled child counts as working for `settling` more, because fills may have crossed
    the cancellation; a cancellation that stays unanswered is repeated every `cancel_retry`; after a rejection nothing
    is sent for `rejection_pause`, and after `max_rejections` in a row the parent ends.
    """

    at_end: AtEnd = AtEnd.FINISH
    finishing: timedelta = timedelta(seconds=60)
    round_lot: Decimal = Decimal(100)
    minimum_child: Decimal = Decimal(100)
    maximum_child: Decimal | None = None
    max_working_children: int = 4
    collar_bps: Decimal = Decimal(10)
    reprice_after: timedelta = timedelta(seconds=5)
    is_modifying: bool = False
    max_quote_age: timedelta = timedelta(seconds=30)
    settling: timedelta = timedelta(seconds=2)
    cancel_retry: timedelta = timedelta(seconds=10)
    rejection_pause: timedelta = timedelta(seconds=5)
    max_rejections: int = 3

    def __post_init__(self) -> None:
        expect(self.round_lot > 0, "round_lot", "shares above 0", self.round_lot)
        expect(self.minimum_child >= 0, "minimum_child", "0 shares or more", self.minimum_child)
        expect(0 <= self.collar_bps < _WHOLE, "collar_bps", "0 to 10,000 basis points", self.collar_bps)
        expect(self.max_working_children >= 1, "max_working_children", "1 or more", self.max_working_children)
        expect(self.max_rejections >= 1, "max_rejections", "1 or more", self.max_rejections)
        if self.maximum_child is not None:
            least = max(self.round_lot, self.minimum_child)
            enough = self.maximum_child // self.round_lot * self.round_lot >= least
            expect(enough, "maximum_child", f"round lots of {least} shares or more", self.maximum_child)
        for name in ("finishing", "reprice_after", "settling", "cancel_retry", "rejection_pause"):
            span = getattr(self, name)
            expect(span >= timedelta(), name, "a span that is not negative", span)
        expect(self.max_quote_age > timedelta(), "max_quote_age", "a span above zero", self.max_quote_age)


_WHOLE = Decimal(10_000)


def expect(is_so: bool, name: str, expected: str, found: object) -> None:  # noqa: FBT001  reads as a sentence
    """Raise ConfigurationError unless `is_so`, naming the setting, what it should be and what it is."""
    if not is_so:
        raise ConfigurationError(f"{name}: expected {expected}, found {found}")
