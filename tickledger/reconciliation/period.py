"""What part of time another's record speaks of, and which of our rows it should know."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from tickledger.reconciliation.trade_rows import NEW_YORK, TradeRow

#: From here on IB counts a trade on the next trading day (its overnight session).
OVERNIGHT: Final = time(20)
_LAST: Final = date.max


@dataclass(frozen=True, slots=True)
class Period:
    """Both dates included. `known_at` is when the record was made; what happened later it cannot have.

    `proves_absence` says that the record is whole: what it does not have of the period did not happen. What `is_joined`
    of several records may not know of a sale what a purchase after the earlier record made of it.
    """

    start: date
    end: date
    known_at: datetime | None = None
    proves_absence: bool = True
    is_joined: bool = False

    def has(self, day: date) -> bool:
        """Whether the period includes `day`."""
        return self.start <= day <= self.end

    def should_have(self, row: TradeRow) -> bool:
        """Whether our execution would be in the record."""
        is_later = self.known_at is not None and row.at is not None and row.at > self.known_at
        return self.proves_absence and self.has(row.booked) and not is_later

    def is_late(self, row: TradeRow) -> bool:
        """Whether the broker may count an execution of the last evening on the day after the period."""
        return row.booked == self.end and row.at is not None and row.at.astimezone(NEW_YORK).time() >= OVERNIGHT

    def around(self, days: int) -> tuple[date, date]:
        """The period with so many days before and after it."""
        before = self.start - timedelta(days) if self.start > date.min + timedelta(days) else date.min
        return before, self.end + timedelta(days) if self.end < _LAST - timedelta(days) else _LAST
