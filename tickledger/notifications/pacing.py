"""When the next message may be sent: a token bucket, a circuit breaker, and the time before the next attempt.

All times are seconds of one clock that only moves forward.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tickledger.notifications.channel import Pace

#: What the arithmetic of refills may be short of a whole token.
_ROUNDING: Final = 1e-9


@dataclass(slots=True)
class TokenBucket:
    """Lets `pace.burst` messages through at once and refills by `pace.per_minute`; a pause is waited out first."""

    pace: Pace
    _tokens: float
    _counted_at: float
    _paused_until: float

    def __init__(self, pace: Pace, now: float) -> None:
        self.pace = pace
        self._tokens = pace.burst
        self._counted_at = now
        self._paused_until = now

    def ready_at(self, now: float) -> float:
        """When the next message may go; `now` or before it where that is at once."""
        self._refill(now)
        missing = 1 - self._tokens
        wait = missing * 60 / self.pace.per_minute if missing > _ROUNDING else 0.0
        return max(self._paused_until, now + wait)

    def take(self, now: float) -> None:
        """Count a message; one that may not wait is counted as well, and others wait for it."""
        self._refill(now)
        self._tokens -= 1

    def pause(self, until: float) -> None:
        """Let nothing through before `until`."""
        self._paused_until = max(self._paused_until, until)

    def _refill(self, now: float) -> None:
        gained = (now - self._counted_at) * self.pace.per_minute / 60
        self._tokens = min(self.pace.burst, self._tokens + gained)
        self._counted_at = now


@dataclass(slots=True)
class CircuitBreaker:
    """Leaves a channel alone after `threshold` failures in a row, for `cooldown` seconds and then ever longer.

    After the pause one attempt is let through: if it fails the next pause is twice as long, up to `longest`.
    """

    threshold: int
    cooldown: float
    longest: float
    _failures: int = 0
    _openings: int = 0
    _open_until: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the last attempts failed so often that the channel is left alone."""
        return self._openings > 0

    def ready_at(self, now: float) -> float:
        """When the next attempt may be made."""
        return self._open_until if self.is_open else now

    def succeeded(self) -> None:
        """Close: the channel works."""
        self._failures = self._openings = 0

    def failed(self, now: float) -> None:
        """Count a failure, and open where there were too many."""
        self._failures += 1
        if self._failures < self.threshold:
            return
        self._open_until = now + min(self.longest, self.cooldown * 2.0 ** min(self._openings, 30))
        self._openings += 1


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubling waits between attempts, `first` to `longest` seconds, shortened at random by up to a half.

    `random` gives numbers from 0 to 1; the randomness keeps processes that failed together from coming back together.
    """

    first: float
    longest: float
    random: Callable[[], float]

    def wait(self, attempts: int) -> float:
        """Seconds before the next attempt after `attempts` failed ones."""
        full = min(self.longest, self.first * 2.0 ** min(attempts - 1, 30))
        return full * (1 - self.random() / 2)
