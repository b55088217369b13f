"""Buckets, breakers and waits, at times that the test sets."""

from hypothesis import given
from hypothesis import strategies as st

from tickledger.notifications.channel import Pace
from tickledger.notifications.pacing import Backoff, CircuitBreaker, TokenBucket


def test_a_burst_goes_at_once_and_the_next_waits_for_its_token() -> None:
    bucket = TokenBucket(Pace(per_minute=30, burst=3), now=100)
    for _ in range(3):
        assert bucket.ready_at(100) <= 100
        bucket.take(100)
    assert bucket.ready_at(100) == 102
    assert bucket.ready_at(102) <= 102


def test_what_may_not_wait_is_paid_for_by_what_comes_later() -> None:
    bucket = TokenBucket(Pace(per_minute=60, burst=1), now=0)
    for _ in range(3):
        bucket.take(0)
    assert bucket.ready_at(0) == 3


def test_a_pause_is_waited_out_whatever_tokens_there_are() -> None:
    bucket = TokenBucket(Pace(per_minute=60, burst=9), now=0)
    bucket.pause(30)
    bucket.pause(20)
    assert bucket.ready_at(1) == 30


@given(st.floats(0.1, 1000), st.integers(1, 20), st.lists(st.floats(0, 100), max_size=200))
def test_no_more_goes_through_than_burst_and_rate_allow(per_minute: float, burst: int, waits: list[float]) -> None:
    bucket, now, taken = TokenBucket(Pace(per_minute, burst), now=0), 0.0, 0
    for wait in waits:
        now += wait
        if bucket.ready_at(now) <= now:
            bucket.take(now)
            taken += 1
    assert taken <= burst + now * per_minute / 60 + 1e-6


@given(st.floats(0.1, 1000), st.floats(0, 1e6))
def test_the_time_that_is_told_is_enough(per_minute: float, start: float) -> None:
    bucket, now = TokenBucket(Pace(per_minute, 1), now=start), start
    for _ in range(5):
        bucket.take(now)
        now = bucket.ready_at(now)
        assert bucket.ready_at(now) <= now + 1e-6


def test_a_breaker_opens_after_failures_in_a_row_and_for_longer_each_time() -> None:
    breaker = CircuitBreaker(threshold=3, cooldown=60, longest=200)
    for now in (1, 2):
        breaker.failed(now)
    assert breaker.ready_at(2) == 2
    breaker.failed(3)
    assert breaker.is_open
    assert breaker.ready_at(4) == 63
    breaker.failed(63)
    assert breaker.ready_at(64) == 183
    breaker.failed(183)
    assert breaker.ready_at(184) == 383
    breaker.succeeded()
    assert breaker.ready_at(400) == 400
    breaker.failed(401)
    assert breaker.ready_at(401) == 401


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_waits_double_up_to_a_limit_and_jitter_halves_them_at_most(attempts: int, chance: float) -> None:
    full = min(60.0, 2.0 ** min(attempts - 1, 30))
    assert full / 2 <= Backoff(1, 60, lambda: chance).wait(attempts) <= full
