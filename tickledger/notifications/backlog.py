"""What waits for a channel, in bounded memory: repeats are counted, fills gathered, and the most urgent goes first.

Nothing here waits or sends; `now` is always seconds of one clock that only moves forward. Every alert that was added
is, at any time, in exactly one of three places: waiting (those that repeats stand for included), taken, or dropped.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tickledger.domain.account import Mode
from tickledger.domain.alert import Alert, AlertKind, AlertSeverity
from tickledger.notifications.waiting import Waiting

#: More than this many waiting alerts of one kind, mode and account become one message.
MOST_SINGLE: Final = 3

_URGENT_FIRST: Final = tuple(sorted(AlertSeverity, key=lambda severity: -severity.rank))
_LEAST_URGENT_FIRST: Final = _URGENT_FIRST[::-1]

_GroupKey = tuple[AlertKind, Mode, str | None]


@dataclass(slots=True)
class _Group:
    """Waiting alerts that can be told in one message, oldest first; none of it is told before `ready_at`."""

    ready_at: float
    items: deque[Waiting]


@dataclass(slots=True)
class _Window:
    """A time in which alerts with a key are counted instead of sent: until `closes_at`, since one at `since`."""

    closes_at: float
    since: datetime
    repeats: int = 0
    latest: Alert | None = None


class Backlog:
    """Alerts that wait for one channel.

    An alert is held back for `repeat_window` seconds after one with the same `dedup_key`; the latest of those held
    back follows when the time is over, and says how many there were. Fills wait `fill_window` seconds for others. Of
    more than `capacity` waiting alerts the oldest of the least urgent are dropped; the kill switch only for the sake
    of its own later events.
    """

    def __init__(self, *, capacity: int, repeat_window: float, fill_window: float) -> None:
        self._capacity = capacity
        self._repeat_window = repeat_window
        self._fill_window = fill_window
        self._groups: dict[AlertSeverity, OrderedDict[_GroupKey, _Group]] = {
            each: OrderedDict() for each in _URGENT_FIRST
        }
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._items = 0
        self._alerts = 0
        self._held_back = 0
        self._dropped: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        """How many alerts wait, those that are counted for a repeat included."""
        return self._alerts + self._held_back

    def add(self, alert: Alert, now: float) -> float:
        """Keep `alert` to be sent, or count it where one like it was sent or waits; gives when it may be told."""
        if not alert.dedup_key:
            return self._append(Waiting(alert), now)
        window = self._windows.get(alert.dedup_key)
        if window is None:
            self._open(alert, now)
            return self._append(Waiting(alert), now)
        window.repeats += 1
        window.latest = alert
        self._held_back += 1
        return window.closes_at

    def take(self, now: float) -> list[Waiting]:
        """What the next message is made of, oldest first; empty where nothing may be told yet."""
        self._close_windows(now)
        for severity in _URGENT_FIRST:
            groups = self._groups[severity]
            for key in _kill_switch_first(groups):
                if groups[key].ready_at <= now:
                    return self._taken(severity, key)
        return []

    def take_kill_switch(self) -> list[Waiting]:
        """The oldest event of the kill switch that waits, whatever else does; empty where there is none."""
        key = next(_of_kill_switch(self._groups[AlertSeverity.CRITICAL]), None)
        return [] if key is None else self._taken(AlertSeverity.CRITICAL, key)

    def ready_at(self) -> float | None:
        """When `take` will give something, as far as it is known; None while nothing waits."""
        times = [group.ready_at for groups in self._groups.values() for group in groups.values()]
        # Windows close in the order in which they were opened; the first that counted something is the next to tell.
        times += [next((window.closes_at for window in self._windows.values() if window.repeats), float("inf"))]
        first = min(times)
        return None if first == float("inf") else first

    def flush(self) -> None:
        """Let everything that waits be told at once: fills that were gathered and repeats that were counted."""
        for window in self._windows.values():
            window.closes_at = float("-inf")
        for groups in self._groups.values():
            for group in groups.values():
                group.ready_at = float("-inf")
        self._fill_window = 0.0

    def forget(self, items: Iterable[Waiting]) -> None:
        """Send the next alert like one of `items` at once: these could not be delivered."""
        for item in items:
            window = self._windows.pop(item.alert.dedup_key, None)
            if window is not None and window.latest is not None:
                self._tell_repeats(window, float("-inf"))

    def take_dropped(self) -> Counter[str]:
        """How many alerts of each kind were dropped since this was last asked."""
        dropped, self._dropped = self._dropped, Counter()
        return dropped

    def _open(self, alert: Alert, now: float) -> None:
        if len(self._windows) >= self._capacity:
            _, oldest = self._windows.popitem(last=False)
            self._tell_repeats(oldest, now)
        self._windows[alert.dedup_key] = _Window(now + self._repeat_window, alert.occurred_at)

    def _close_windows(self, now: float) -> None:
        while self._windows:
            key, window = next(iter(self._windows.items()))
            if window.closes_at > now:
                return
            del self._windows[key]
            if window.latest is not None:
                # What goes on is told once a window, not once a window and then at once again.
                self._windows[key] = _Window(now + self._repeat_window, window.latest.occurred_at)
                self._tell_repeats(window, now)

    def _tell_repeats(self, window: _Window, now: float) -> None:
        if window.latest is None:
            return
        self._held_back -= window.repeats
        self._append(Waiting(window.latest, window.repeats, window.repeats, window.since), now)

    def _append(self, item: Waiting, now: float) -> float:
        alert = item.alert
        kind = alert.kind
        groups = self._groups[AlertSeverity.CRITICAL if kind is AlertKind.KILL_SWITCH else alert.severity]
        key = (kind, alert.mode, alert.account_id)
        group = groups.get(key)
        if group is None:
            wait = self._fill_window if kind is AlertKind.FILL else 0.0
            group = groups[key] = _Group(now + wait, deque())
        group.items.append(item)
        self._items += 1
        self._alerts += item.alerts
        if self._items > self._capacity:
            self._drop_one()
        return group.ready_at

    def _drop_one(self) -> None:
        groups = next(groups for severity in _LEAST_URGENT_FIRST if (groups := self._groups[severity]))
        key = next(iter(groups))
        if key[0] is AlertKind.KILL_SWITCH:
            key = next((key for key in groups if key[0] is not AlertKind.KILL_SWITCH), key)
        items = groups[key].items
        dropped = items.popleft()
        if not items:
            del groups[key]
        self._items -= 1
        self._alerts -= dropped.alerts
        self._dropped[dropped.alert.kind] += dropped.alerts

    def _taken(self, severity: AlertSeverity, key: _GroupKey) -> list[Waiting]:
        waiting = len(self._groups[severity][key].items)
        are_merged = key[0] is AlertKind.FILL or (waiting > MOST_SINGLE and key[0] is not AlertKind.KILL_SWITCH)
        return self._removed(severity, key, waiting if are_merged else 1)

    def _removed(self, severity: AlertSeverity, key: _GroupKey, number: int) -> list[Waiting]:
        groups = self._groups[severity]
        items = groups[key].items
        removed = [items.popleft() for _ in range(number)]
        if not items:
            del groups[key]
        else:
            groups.move_to_end(key)
        self._items -= number
        self._alerts -= sum(item.alerts for item in removed)
        return removed


def urgency(alert: Alert) -> AlertSeverity:
    """How urgent `alert` is to the queue: whatever concerns the kill switch goes ahead of all others."""
    return AlertSeverity.CRITICAL if alert.kind is AlertKind.KILL_SWITCH else alert.severity


def _of_kill_switch(groups: Iterable[_GroupKey]) -> Iterator[_GroupKey]:
    return (key for key in groups if key[0] is AlertKind.KILL_SWITCH)


def _kill_switch_first(groups: Iterable[_GroupKey]) -> Sequence[_GroupKey]:
    return sorted(groups, key=lambda key: key[0] is not AlertKind.KILL_SWITCH)
