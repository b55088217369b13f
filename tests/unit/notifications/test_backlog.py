"""What waits: repeats are counted, fills gathered, the urgent goes first, and nothing is lost without being counted."""

from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.alerts import NOON, alert, fill
from tests.examples import examples
from tickledger.domain.account import Mode
from tickledger.domain.alert import Alert, AlertKind, AlertSeverity
from tickledger.notifications.backlog import Backlog, urgency
from tickledger.notifications.waiting import Waiting


def backlog(*, capacity: int = 100, repeat_window: float = 300, fill_window: float = 10) -> Backlog:
    return Backlog(capacity=capacity, repeat_window=repeat_window, fill_window=fill_window)


def titles(items: Sequence[Waiting]) -> list[str]:
    return [item.alert.title for item in items]


def test_a_repeat_is_held_back_and_follows_when_the_window_closes() -> None:
    waiting = backlog(repeat_window=300)
    for second in (0, 10, 20, 30):
        waiting.add(alert("reject", "a", at=second), now=second)
    assert titles(waiting.take(30)) == ["reject a"]
    assert waiting.take(299) == []
    assert waiting.ready_at() == 300
    (follow_up,) = waiting.take(300)
    assert (follow_up.repeats, follow_up.alerts, follow_up.since) == (3, 3, NOON)
    assert follow_up.alert.occurred_at == alert(at=30).occurred_at


def test_what_goes_on_is_told_once_a_window() -> None:
    waiting = backlog(repeat_window=300)
    told = []
    for second in range(0, 3600, 10):
        waiting.add(alert("reject", "a", at=second), now=second)
        told += waiting.take(second)
    # The last 30 alerts are in the window that is open still.
    assert [item.alerts for item in told] == [1, *[30] * 11]
    assert waiting.waiting == 29


def test_after_a_quiet_window_the_next_is_sent_at_once() -> None:
    waiting = backlog(repeat_window=300)
    waiting.add(alert("reject", "a"), now=0)
    assert waiting.take(0)
    assert waiting.take(301) == []
    waiting.add(alert("reject", "a"), now=302)
    assert titles(waiting.take(302)) == ["reject a"]


def test_alerts_without_a_key_are_never_taken_for_each_other() -> None:
    waiting = backlog()
    for _ in range(3):
        waiting.add(alert("reject"), now=0)
    assert [len(waiting.take(0)) for _ in range(3)] == [1, 1, 1]


def test_fills_wait_for_others_and_become_one_message() -> None:
    waiting = backlog(fill_window=10)
    for second in range(12):
        waiting.add(fill(f"S{second}", at=second), now=second)
        assert waiting.take(min(second, 9)) == []
    assert waiting.ready_at() == 10
    assert titles(waiting.take(11)) == [f"BUY 100 S{second} at 10" for second in range(12)]


def test_fills_of_accounts_and_modes_are_never_mixed() -> None:
    waiting = backlog(fill_window=0)
    for mode in (Mode.LIVE, Mode.PAPER, Mode.LIVE):
        waiting.add(fill("AAPL", mode=mode), now=0)
    waiting.add(fill("AAPL", mode=Mode.LIVE, account_id="U2"), now=0)
    taken = [waiting.take(0) for _ in range(3)]
    assert sorted(len(items) for items in taken) == [1, 1, 2]
    assert all(len({(item.alert.mode, item.alert.account_id) for item in items}) == 1 for items in taken)


def test_a_few_alerts_are_told_one_by_one_and_many_together() -> None:
    waiting = backlog()
    for number in range(3):
        waiting.add(alert("stale_data", str(number)), now=0)
    assert titles(waiting.take(0)) == ["stale_data 0"]
    for number in range(3, 6):
        waiting.add(alert("stale_data", str(number)), now=0)
    assert titles(waiting.take(0)) == [f"stale_data {number}" for number in range(1, 6)]


def test_the_urgent_goes_first_and_the_kill_switch_before_all() -> None:
    waiting = backlog(fill_window=0)
    waiting.add(fill("AAPL"), now=0)
    waiting.add(alert("broker_down", severity=AlertSeverity.CRITICAL), now=0)
    waiting.add(alert("reject", severity=AlertSeverity.WARNING), now=0)
    # Whoever words it as less urgent does not slow it down.
    waiting.add(alert("kill_switch", severity=AlertSeverity.INFO), now=0)
    assert [titles(waiting.take(0)) for _ in range(4)] == [
        ["kill_switch"],
        ["broker_down"],
        ["reject"],
        ["BUY 100 AAPL at 10"],
    ]


def test_steps_of_the_kill_switch_are_told_one_by_one() -> None:
    waiting = backlog()
    for number in range(9):
        waiting.add(alert("kill_switch", title=f"step {number}"), now=0)
    assert [titles(waiting.take(0)) for _ in range(9)] == [[f"step {number}"] for number in range(9)]


def test_what_is_too_much_is_dropped_from_the_least_urgent_and_oldest_on() -> None:
    waiting = backlog(capacity=3, fill_window=0)
    waiting.add(alert("kill_switch"), now=0)
    waiting.add(alert("reject", "first", severity=AlertSeverity.ERROR), now=0)
    for symbol in ("A", "B", "C"):
        waiting.add(fill(symbol), now=0)
    assert waiting.take_dropped() == {AlertKind.FILL: 2}
    for number in range(3):
        waiting.add(alert("reject", str(number), severity=AlertSeverity.ERROR), now=0)
    assert waiting.take_dropped() == {AlertKind.FILL: 1, AlertKind.REJECT: 2}
    assert titles(waiting.take(0)) == ["kill_switch"]


def test_the_kill_switch_gives_way_to_its_own_later_events_alone() -> None:
    waiting = backlog(capacity=2)
    for number in range(3):
        waiting.add(alert("kill_switch", title=f"step {number}"), now=0)
        waiting.add(alert("broker_down", str(number), severity=AlertSeverity.CRITICAL), now=0)
    assert [titles(waiting.take(0)) for _ in range(2)] == [["step 1"], ["step 2"]]


def test_after_a_failure_the_next_like_it_is_sent_at_once() -> None:
    waiting = backlog(repeat_window=300)
    waiting.add(alert("reject", "a"), now=0)
    items = waiting.take(0)
    waiting.add(alert("reject", "a", at=5), now=5)
    waiting.forget(items)
    assert [item.repeats for item in waiting.take(6)] == [1]
    waiting.add(alert("reject", "a", at=7), now=7)
    assert titles(waiting.take(7)) == ["reject a"]


def test_flushing_tells_all_of_it_now() -> None:
    waiting = backlog()
    waiting.add(fill("AAPL"), now=0)
    waiting.add(alert("reject", "a"), now=0)
    waiting.add(alert("reject", "a"), now=0)
    waiting.flush()
    told = [item for _ in range(3) for item in waiting.take(0)]
    assert sum(item.alerts for item in told) == 3
    assert waiting.waiting == 0


class AnyUse(RuleBasedStateMachine):
    """Any order of adding, taking, failing and waiting: alerts are waiting, taken or dropped, and memory is bounded."""

    @initialize(capacity=st.integers(1, 6), repeat_window=st.floats(0, 20), fill_window=st.floats(0, 20))
    def start(self, capacity: int, repeat_window: float, fill_window: float) -> None:
        self.capacity = capacity
        self.waiting = backlog(capacity=capacity, repeat_window=repeat_window, fill_window=fill_window)
        self.now = 0.0
        self.added = self.taken = self.dropped = 0
        self.kill_switch = 0
        self.last: list[Waiting] = []

    @rule(
        kind=st.sampled_from(["fill", "reject", "broker_down", "kill_switch"]),
        key=st.sampled_from(["", "a", "b", "c", "d", "e", "f", "g", "h"]),
        severity=st.sampled_from(AlertSeverity),
        account=st.sampled_from(["U1", "U2"]),
    )
    def add(self, kind: str, key: str, severity: AlertSeverity, account: str) -> None:
        self.waiting.add(alert(kind, key, severity=severity, account_id=account), self.now)
        self.added += 1

    @rule(seconds=st.floats(0, 30))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def take(self) -> None:
        self._took(self.waiting.take(self.now))

    @rule()
    def take_when_it_says_so(self) -> None:
        """It may turn out that there is more to wait for, but never for ever."""
        for _ in range(3):
            ready_at = self.waiting.ready_at()
            if ready_at is None:
                assert self.waiting.waiting == 0
                return
            self.now = max(self.now, ready_at)
            items = self.waiting.take(self.now)
            self._took(items)
            if items:
                return
        raise AssertionError("expected something to be told")

    @rule()
    def take_kill_switch(self) -> None:
        items = self.waiting.take_kill_switch()
        assert all(item.alert.kind is AlertKind.KILL_SWITCH for item in items)
        self._took(items)

    @rule()
    def fail(self) -> None:
        self.waiting.forget(self.last)
        self.last = []

    def _took(self, items: list[Waiting]) -> None:
        self.taken += sum(item.alerts for item in items)
        self.last = items
        times = [item.alert for item in items]
        assert len({_group(one) for one in times}) <= 1

    @invariant()
    def every_alert_is_somewhere(self) -> None:
        self.dropped += self.waiting.take_dropped().total()
        assert self.added == self.waiting.waiting + self.taken + self.dropped

    @invariant()
    def memory_is_bounded(self) -> None:
        assert self.waiting._items <= self.capacity
        assert len(self.waiting._windows) <= self.capacity
        assert sum(len(groups) for groups in self.waiting._groups.values()) <= self.capacity


def _group(one: Alert) -> tuple[AlertSeverity, AlertKind, Mode, str | None]:
    return urgency(one), one.kind, one.mode, one.account_id


AnyUse.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=50)
test_any_use = AnyUse.TestCase
