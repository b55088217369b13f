"""What an account has sent lately: how many orders in a second, a minute and a day, and which of them.

An `OrderFlow` is the caller's: one for each account, for as long as the account trades.
"""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from tickledger.domain.order import OrderSide
from tickledger.domain.signal import OrderIntent

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
_PRUNE_BEYOND: Final = 4096

_Likeness = tuple[str, str, OrderSide, Decimal, Decimal | None, Decimal | None]
_Origin = tuple[str, str, OrderSide, str]


@dataclass(slots=True)
class OrderFlow:
    """Orders that were let out; windows end at the instant that is asked about and leave out their start.

    A clock that steps back makes no room: an order counts as sent no earlier than the one before it.
    """

    _instants: list[datetime] = field(default_factory=list)
    _last_alike: dict[_Likeness, datetime] = field(default_factory=dict)
    _of_signal: Counter[_Origin] = field(default_factory=Counter)
    _session_date: date = date.min
    _on_day: int = 0

    def note(self, intent: OrderIntent) -> None:
        """Count `intent` as sent at its `intended_at`."""
        at = self._not_before_last(intent.intended_at)
        self._begin(intent.session_date)
        self._instants.append(at)
        self._last_alike[_likeness(intent)] = at
        self._of_signal[_origin(intent)] += 1
        self._on_day += 1
        if len(self._instants) > _PRUNE_BEYOND:
            self._prune(at)

    def forget(self, intent: OrderIntent) -> None:
        """Let `intent` be sent once more, because the broker refused it; it still counts in the rates."""
        self._last_alike.pop(_likeness(intent), None)
        if self._of_signal[_origin(intent)] > 0:
            self._of_signal[_origin(intent)] -= 1

    def sent_within(self, window: timedelta, at: datetime) -> int:
        """The orders of the `window` that ends at `at`; at most a minute."""
        instants = self._instants
        return len(instants) - bisect_right(instants, self._not_before_last(at) - window)

    def sent_on(self, session_date: date) -> int:
        """The orders of a session; 0 for one that is not the latest."""
        return self._on_day if session_date == self._session_date else 0

    def is_alike_within(self, window: timedelta, intent: OrderIntent) -> bool:
        """Whether an order of the same symbol, side, quantity and prices was sent in the window."""
        last = self._last_alike.get(_likeness(intent))
        return last is not None and last > self._not_before_last(intent.intended_at) - window

    def has_acted_on_signal(self, intent: OrderIntent) -> bool:
        """Whether the intent's signal has already led to an order of that symbol and side in this session."""
        return intent.session_date == self._session_date and self._of_signal[_origin(intent)] > 0

    def _not_before_last(self, at: datetime) -> datetime:
        return max(at, self._instants[-1]) if self._instants else at

    def _begin(self, session_date: date) -> None:
        if session_date != self._session_date:
            self._session_date, self._on_day = session_date, 0
            self._of_signal.clear()

    def _prune(self, at: datetime) -> None:
        del self._instants[: bisect_right(self._instants, at - MINUTE)]
        if len(self._last_alike) > _PRUNE_BEYOND:
            self._last_alike = {key: last for key, last in self._last_alike.items() if last > at - 60 * MINUTE}


def _likeness(intent: OrderIntent) -> _Likeness:
    prices = (intent.limit_price, intent.stop_price)
    return (intent.account_id, intent.symbol, intent.side, intent.quantity, *prices)


def _origin(intent: OrderIntent) -> _Origin:
    return (intent.account_id, intent.symbol, intent.side, intent.signal_id)
