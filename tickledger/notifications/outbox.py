"""The next step of one lane of a channel: send this, or wait until then. Everything but the waiting and sending.

A channel has two lanes, so that nothing that is routine, and no attempt that hangs, stands before what is critical.
Each lane has an outbox of its own: its backlog, its pace, its retries.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tickledger.domain.alert import Alert, AlertKind
from tickledger.notifications.backlog import Backlog
from tickledger.notifications.channel import Delivery, Outcome, Pace
from tickledger.notifications.pacing import Backoff, CircuitBreaker, TokenBucket
from tickledger.notifications.waiting import Losses, Waiting

#: However long a channel asks to be left alone, it is asked again after an hour.
LONGEST_WAIT_SECONDS: Final = 3600.0

# While so many parcels wait to be tried again, nothing new is tried: it would fail as well, and waiting alerts merge.
_MOST_RETRYING: Final = 1
_MOST_URGENT_RETRYING: Final = 3


@dataclass(frozen=True, slots=True)
class Policy:
    """How alerts are held, merged and tried again. All times are seconds.

    A message is given up after `most_attempts` failed attempts, a critical one after `most_urgent_attempts`: with the
    defaults both take about 25 minutes. Each lane holds at most `capacity` alerts.
    """

    capacity: int = 1000
    repeat_window: float = 300.0
    fill_window: float = 10.0
    most_attempts: int = 10
    most_urgent_attempts: int = 50
    first_retry: float = 1.0
    longest_retry: float = 60.0
    longest_urgent_retry: float = 30.0
    failures_to_open: int = 5
    cooldown: float = 60.0
    longest_cooldown: float = 600.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """Alerts that become one message, the losses it tells, and the attempts that failed so far."""

    items: tuple[Waiting, ...]
    losses: Losses
    attempts: int = 0
    not_before: float = 0.0

    @property
    def alerts(self) -> int:
        """How many alerts it stands for."""
        return sum(item.alerts for item in self.items)


@dataclass(slots=True)
class Counts:
    """What became of alerts so far, in alerts; `messages` counts what was sent of them."""

    sent: int = 0
    failed: int = 0
    dropped: int = 0
    messages: int = 0


class Outbox:
    """One lane. Not for several threads at once: the lane that owns it holds a lock."""

    def __init__(self, pace: Pace, policy: Policy, *, is_urgent: bool, random: Callable[[], float], now: float) -> None:
        self.counts = Counts()
        self._policy = policy
        self._is_urgent = is_urgent
        self._most_attempts = policy.most_urgent_attempts if is_urgent else policy.most_attempts
        self._backlog = Backlog(
            capacity=policy.capacity, repeat_window=policy.repeat_window, fill_window=policy.fill_window
        )
        self._bucket = TokenBucket(pace, now)
        self._breaker = CircuitBreaker(policy.failures_to_open, policy.cooldown, policy.longest_cooldown)
        longest = policy.longest_urgent_retry if is_urgent else policy.longest_retry
        self._backoff = Backoff(policy.first_retry, longest, random)
        self._retrying: list[Parcel] = []
        self._in_hand = 0
        self._dropped: Counter[str] = Counter()
        self._undelivered = 0
        self._is_draining = False

    @property
    def waiting(self) -> int:
        """How many alerts were neither sent nor given up nor dropped yet."""
        return self._backlog.waiting + sum(parcel.alerts for parcel in self._retrying) + self._in_hand

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return self.waiting == 0

    @property
    def is_open(self) -> bool:
        """Whether the channel failed so often that it is left alone for a while."""
        return self._breaker.is_open

    def add(self, alert: Alert, now: float) -> float:
        """Keep `alert` to be sent; gives when it may be told, pace and pauses apart."""
        return self._backlog.add(alert, now)

    def may_send_at(self, alert: Alert, now: float) -> float:
        """The earliest time at which the pace and pauses let `alert` go."""
        if self._is_urgent and alert.kind is AlertKind.KILL_SWITCH:
            return now
        return self._allowed_at(now) if self._takes_new else float("inf")

    def drain(self) -> None:
        """From now on wait for nothing that only makes messages fewer: all of it is to go."""
        self._is_draining = True
        self._backlog.flush()
        self._retrying = [replace(parcel, not_before=float("-inf")) for parcel in self._retrying]

    def next_parcel(self, now: float) -> Parcel | None:
        """What is to be sent now, None where it is time to wait until `ready_at`."""
        self._collect_dropped()
        parcel = self._next_of_kill_switch() or self._next_retry(now) or self._next_waiting(now)
        if parcel is not None:
            self._bucket.take(now)
            self._in_hand += parcel.alerts
        return parcel

    def ready_at(self, now: float) -> float | None:
        """When there will be something to send; None while nothing waits."""
        times = [parcel.not_before for parcel in self._retrying[:1]]
        waiting = self._backlog.ready_at() if self._takes_new else None
        if waiting is not None:
            times.append(max(waiting, self._allowed_at(now)))
        return min(times, default=None)

    def settle(self, parcel: Parcel, delivery: Delivery, now: float) -> None:
        """Take note of what the channel answered to a parcel that was given out."""
        self._in_hand -= parcel.alerts
        if delivery.wait_seconds > 0:
            self._bucket.pause(now + min(delivery.wait_seconds, LONGEST_WAIT_SECONDS))
        if delivery.outcome is Outcome.SENT:
            self._sent(parcel)
        elif delivery.outcome is Outcome.FAILED:
            self._failed(parcel, delivery, now)
        else:
            self._give_up(parcel)

    def _next_of_kill_switch(self) -> Parcel | None:
        """A first attempt for the kill switch, whatever pause the lane is in: it may be the one that gets through."""
        if not self._is_urgent or len(self._retrying) >= self._policy.capacity:
            return None
        return self._parcel(self._backlog.take_kill_switch())

    def _next_retry(self, now: float) -> Parcel | None:
        if not self._retrying or self._retrying[0].not_before > now:
            return None
        return self._retrying.pop(0)

    def _next_waiting(self, now: float) -> Parcel | None:
        if not self._takes_new or self._allowed_at(now) > now:
            return None
        return self._parcel(self._backlog.take(now))

    @property
    def _takes_new(self) -> bool:
        return len(self._retrying) < (_MOST_URGENT_RETRYING if self._is_urgent else _MOST_RETRYING)

    def _allowed_at(self, now: float) -> float:
        # A critical alert is worth an attempt at a channel that just failed, and the end of the process does not wait.
        at = now if self._is_urgent else self._breaker.ready_at(now)
        return at if self._is_draining else max(at, self._bucket.ready_at(now))

    def _parcel(self, items: Sequence[Waiting]) -> Parcel | None:
        if not items:
            return None
        losses = Losses(dict(self._dropped), self._undelivered)
        self._dropped, self._undelivered = Counter(), 0
        return Parcel(tuple(items), losses)

    def _sent(self, parcel: Parcel) -> None:
        self._breaker.succeeded()
        self.counts.sent += parcel.alerts
        self.counts.messages += 1

    def _failed(self, parcel: Parcel, delivery: Delivery, now: float) -> None:
        self._breaker.failed(now)
        attempts = parcel.attempts + 1
        if attempts >= self._most_attempts:
            self._give_up(parcel)
            return
        wait = min(max(self._backoff.wait(attempts), delivery.wait_seconds), LONGEST_WAIT_SECONDS)
        not_before = now + wait if self._is_urgent else max(now + wait, self._breaker.ready_at(now))
        self._retrying.append(replace(parcel, attempts=attempts, not_before=not_before))
        self._retrying.sort(key=lambda each: each.not_before)

    def _give_up(self, parcel: Parcel) -> None:
        self.counts.failed += parcel.alerts
        self._undelivered += parcel.alerts + parcel.losses.undelivered
        self._dropped.update(parcel.losses.dropped)
        self._backlog.forget(parcel.items)

    def _collect_dropped(self) -> None:
        dropped = self._backlog.take_dropped()
        self.counts.dropped += dropped.total()
        self._dropped.update(dropped)
