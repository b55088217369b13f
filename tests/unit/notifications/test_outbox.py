"""One lane in a time that jumps: against a service that answers by a script, and any script by Hypothesis."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from tests.alerts import alert, fill
from tickledger.domain.alert import Alert, AlertSeverity
from tickledger.notifications.channel import Delivery, Outcome, Pace
from tickledger.notifications.outbox import LONGEST_WAIT_SECONDS, Outbox, Parcel, Policy

SENT = Delivery(Outcome.SENT)
FAILED = Delivery(Outcome.FAILED, "no answer")
REFUSED = Delivery(Outcome.REFUSED, "answered 404")
CRITICAL = AlertSeverity.CRITICAL


@dataclass
class Lane:
    """An outbox whose waits take no time. `attempts` are the times and parcels that were sent."""

    outbox: Outbox
    answer: Callable[[Parcel, float], Delivery]
    now: float = 0.0
    attempts: list[tuple[float, Parcel]] = field(default_factory=list)

    def add(self, *alerts: Alert) -> None:
        for one in alerts:
            self.outbox.add(one, self.now)

    def run(self, until: float = float("inf")) -> None:
        """Send and wait until nothing is left to do, or until a time."""
        for _ in range(100_000):
            parcel = self.outbox.next_parcel(self.now)
            if parcel is not None:
                self.attempts.append((self.now, parcel))
                self.outbox.settle(parcel, self.answer(parcel, self.now), self.now)
                continue
            ready_at = self.outbox.ready_at(self.now)
            if ready_at is None or ready_at > until:
                self.now = max(self.now, until) if until != float("inf") else self.now
                return
            self.now = max(self.now + 1e-6, ready_at)
        raise AssertionError("the outbox never comes to rest")

    @property
    def times(self) -> list[float]:
        return [round(at, 3) for at, _ in self.attempts]

    @property
    def titles(self) -> list[str]:
        return [parcel.items[-1].alert.title for _, parcel in self.attempts]


def lane(
    answers: Iterator[Delivery] | Callable[[Parcel, float], Delivery],
    *,
    pace: Pace = Pace(600, 100),  # noqa: B008  an immutable value
    is_urgent: bool = False,
    policy: Policy = Policy(fill_window=0),  # noqa: B008  the same
) -> Lane:
    outbox = Outbox(pace, policy, is_urgent=is_urgent, random=lambda: 0.0, now=0)
    if callable(answers):
        return Lane(outbox, answers)
    script = answers
    return Lane(outbox, lambda _parcel, _now: next(script, SENT))


def test_a_failed_attempt_is_made_again_after_doubling_waits() -> None:
    trying = lane(iter([FAILED] * 3))
    trying.add(alert())
    trying.run()
    assert trying.times == [0, 1, 3, 7]
    assert trying.outbox.counts.sent == 1


def test_the_service_is_left_alone_as_long_as_it_asks() -> None:
    trying = lane(iter([Delivery(Outcome.FAILED, "429", wait_seconds=30)]))
    trying.add(alert(title="a"), alert(title="b"))
    trying.run()
    assert trying.times == [0, 30, 30]


def test_a_wait_that_is_asked_for_with_a_success_is_kept_too() -> None:
    trying = lane(iter([Delivery(Outcome.SENT, wait_seconds=5)]))
    trying.add(alert(title="a"), alert(title="b"))
    trying.run()
    assert trying.times == [0, 5]


def test_nobody_can_ask_for_more_than_an_hour() -> None:
    trying = lane(iter([Delivery(Outcome.FAILED, "429", wait_seconds=1e12)]))
    trying.add(alert())
    trying.run()
    assert trying.times == [0, LONGEST_WAIT_SECONDS]


def test_what_is_refused_is_not_sent_again_and_is_told_with_the_next() -> None:
    trying = lane(iter([REFUSED]))
    trying.add(alert(title="a"), alert(title="b"))
    trying.run()
    assert trying.titles == ["a", "b"]
    assert trying.attempts[1][1].losses.undelivered == 1
    assert (trying.outbox.counts.sent, trying.outbox.counts.failed) == (1, 1)


def test_a_service_that_is_down_is_tried_more_and_more_rarely_and_then_the_alert_is_given_up() -> None:
    trying = lane(lambda _parcel, _now: FAILED)
    trying.add(alert(title="a"))
    trying.run()
    assert trying.times == [0, 1, 3, 7, 15, 75, 195, 435, 915, 1515]
    assert trying.outbox.counts.failed == 1
    trying.now = 3000
    trying.add(alert(title="b"))
    trying.run(until=3001)
    assert trying.times[-1] == 3000


def test_an_outage_of_minutes_loses_nothing_and_what_waited_is_merged() -> None:
    down = lane(lambda _parcel, now: FAILED if now < 400 else SENT)
    for minute in range(5):
        down.add(*(fill(symbol, at=minute) for symbol in ("AAPL", "MSFT")), alert("reject", f"{minute}"))
        down.run(until=60.0 * (minute + 1))
    down.run()
    counts = down.outbox.counts
    assert (counts.sent, counts.failed, counts.dropped) == (15, 0, 0)
    assert counts.messages == 3


def test_the_pace_is_kept_and_waiting_fills_merge() -> None:
    trying = lane(iter([]), pace=Pace(per_minute=60, burst=2))
    for second in range(60):
        trying.add(fill("AAPL", at=second), fill("MSFT", at=second))
        trying.run(until=second + 0.999)
    trying.run()
    assert trying.outbox.counts.sent == 120
    assert len(trying.attempts) <= 62


def test_the_kill_switch_is_sent_while_the_lane_waits_for_another_attempt_or_a_pause() -> None:
    asked_to_wait = lane(iter([Delivery(Outcome.FAILED, "429", wait_seconds=600)]), is_urgent=True)
    asked_to_wait.add(alert("broker_down", severity=CRITICAL))
    asked_to_wait.run(until=10)
    asked_to_wait.add(alert("kill_switch"))
    asked_to_wait.run(until=11)
    assert asked_to_wait.titles == ["broker_down", "kill_switch"]
    assert asked_to_wait.times == [0, 10]


def test_the_kill_switch_is_tried_for_twenty_minutes() -> None:
    trying = lane(lambda _parcel, now: FAILED if now < 1200 else SENT, is_urgent=True)
    trying.add(alert("kill_switch"))
    trying.run()
    assert trying.outbox.counts.sent == 1
    assert 1200 <= trying.times[-1] <= 1230


def test_one_critical_alert_that_fails_does_not_keep_others_back() -> None:
    poison = lane(
        lambda parcel, _now: FAILED if parcel.items[0].alert.title == "poison" else SENT,
        is_urgent=True,
    )
    poison.add(alert("broker_down", title="poison", severity=CRITICAL))
    poison.run(until=5)
    poison.add(alert("database_down", severity=CRITICAL))
    poison.run(until=6)
    assert poison.titles[-1] == "database_down"
    assert poison.times[-1] == 5


def test_draining_waits_neither_for_fills_nor_for_the_pace() -> None:
    ending = lane(iter([]), pace=Pace(per_minute=1, burst=1), policy=Policy())
    ending.add(fill("AAPL"), alert("reject", "a"), alert("reject", "a"), alert("session", "b"))
    ending.outbox.drain()
    ending.run()
    assert ending.now < 1
    assert ending.outbox.counts.sent == 4
    assert ending.outbox.is_empty


def test_draining_tries_once_more_at_once_what_waits_for_another_attempt() -> None:
    ending = lane(iter([FAILED, FAILED, FAILED]))
    ending.add(alert())
    ending.run(until=6)
    ending.outbox.drain()
    ending.run(until=6)
    assert ending.times == [0, 1, 3, 6]


answers = st.one_of(
    st.just(SENT),
    st.just(FAILED),
    st.just(REFUSED),
    st.builds(Delivery, st.sampled_from(Outcome), st.just("x"), st.floats(0, 1e5)),
)


@given(
    offered=st.lists(
        st.tuples(
            st.sampled_from(["fill", "reject", "kill_switch"]), st.sampled_from(["", "a", "b"]), st.floats(0, 100)
        ),
        max_size=40,
    ),
    script=st.lists(answers, max_size=80),
    capacity=st.integers(1, 50),
    is_urgent=st.booleans(),
)
def test_whatever_the_service_answers_every_alert_is_sent_failed_or_dropped(
    offered: list[tuple[str, str, float]], script: list[Delivery], capacity: int, *, is_urgent: bool
) -> None:
    trying = lane(iter(script), is_urgent=is_urgent, policy=Policy(capacity=capacity))
    for kind, key, wait in offered:
        trying.add(alert(kind, key))
        trying.run(until=trying.now + wait)
    trying.run()
    counts = trying.outbox.counts
    assert counts.sent + counts.failed + counts.dropped == len(offered)
    assert trying.outbox.is_empty
