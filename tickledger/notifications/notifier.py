"""The notifier: takes alerts from the trading path and sees to it that a person gets them; never holds that path up."""

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tickledger.domain.alert import Alert, AlertSeverity
from tickledger.notifications.backlog import urgency
from tickledger.notifications.channel import Channel
from tickledger.notifications.lane import Lane
from tickledger.notifications.outbox import Outbox, Policy

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """How a channel does. Sent, failed (given up), dropped (too many at once) and waiting count alerts.

    `is_open` says that it failed so often that it is tried only now and then; `last_error` is "" where none was seen.
    """

    name: str
    sent: int
    failed: int
    dropped: int
    waiting: int
    messages: int
    is_open: bool
    last_error: str


@dataclass(frozen=True, slots=True)
class _Lanes:
    name: str
    routine: Lane
    urgent: Lane


class Notifier:
    """Alerts to all `channels`, each with two threads of its own: one for what is critical, one for the rest.

    `notify` may be called from any thread, event loop or signal handler. `seconds` is a clock that only moves forward.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        *,
        minimum_severity: AlertSeverity = AlertSeverity.INFO,
        policy: Policy | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._minimum = minimum_severity.rank
        self._is_closed = False
        self._channels = [_lanes(channel, policy or Policy(), seconds) for channel in channels]
        self._routine = [lanes.routine for lanes in self._channels]
        self._urgent = [lanes.urgent for lanes in self._channels]

    def notify(self, alert: Alert) -> None:
        """Hand `alert` over to be sent; returns at once and never raises. After `close` it does nothing."""
        try:
            severity = urgency(alert)
            if self._is_closed or severity.rank < self._minimum:
                return
            for lane in self._urgent if severity is AlertSeverity.CRITICAL else self._routine:
                lane.offer(alert)
        except Exception:  # noqa: BLE001  nothing that goes wrong with an alert may reach the code that trades
            _log.exception("an alert was lost")

    def health(self) -> tuple[ChannelHealth, ...]:
        """How each channel does."""
        return tuple(_health(lanes) for lanes in self._channels)

    def close(self, timeout: float = 10.0) -> int:
        """Send what waits, for at most `timeout` seconds; gives how many alerts still wait then, of all channels."""
        self._is_closed = True
        lanes = [*self._urgent, *self._routine]
        for lane in lanes:
            lane.close()
        deadline = time.monotonic() + timeout
        for lane in lanes:
            lane.join(max(0.0, deadline - time.monotonic()))
        return sum(health.waiting for health in self.health())


def _lanes(channel: Channel, policy: Policy, seconds: Callable[[], float]) -> _Lanes:
    def lane(kind: str, *, is_urgent: bool) -> Lane:
        jitter = random.SystemRandom().random
        outbox = Outbox(channel.pace, policy, is_urgent=is_urgent, random=jitter, now=seconds())
        return Lane(channel, outbox, name=f"alerts-{channel.name}-{kind}", seconds=seconds)

    return _Lanes(channel.name, lane("routine", is_urgent=False), lane("urgent", is_urgent=True))


def _health(lanes: _Lanes) -> ChannelHealth:
    routine, urgent = lanes.routine.health(), lanes.urgent.health()
    return ChannelHealth(
        name=lanes.name,
        sent=routine.sent + urgent.sent,
        failed=routine.failed + urgent.failed,
        dropped=routine.dropped + urgent.dropped,
        waiting=routine.waiting + urgent.waiting,
        messages=routine.messages + urgent.messages,
        is_open=routine.is_open or urgent.is_open,
        last_error=urgent.last_error or routine.last_error,
    )
