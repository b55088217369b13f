"""Nights of a simulated market: long enough to end a day and begin the next, and no longer."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.ib.desk import CASH, tape
from tests.unit.ib.messages import ACCOUNT
from tickledger.bars.calendars import session_close, session_open, sessions
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.gateway.gateway_settings import GatewaySettings
from tickledger.gateway.pace import Nights
from tickledger.gateway.server import Gateway

FRIDAY, MONDAY, LAST = date(2012, 11, 23), date(2012, 11, 26), date(2012, 11, 30)
HALF = timedelta(minutes=20)  # 40 seconds at 60 times the wall's speed


def nights(since: datetime | None = None) -> Nights:
    return Nights.until(LAST, since=since or session_open(FRIDAY), seconds=40, speed=60)


@pytest.mark.parametrize(
    ("now", "dawn"),
    [
        (session_open(FRIDAY), None),
        (session_close(FRIDAY) + HALF - timedelta(seconds=1), None),
        (session_close(FRIDAY) + HALF, session_open(MONDAY) - HALF),
        (session_open(MONDAY) - HALF - timedelta(seconds=1), session_open(MONDAY) - HALF),
        (session_open(MONDAY) - HALF, None),
        (session_close(LAST) + timedelta(days=1), None),
    ],
)
def test_time_leaps_from_dusk_to_dawn(now: datetime, dawn: datetime | None) -> None:
    assert nights().leap(now) == dawn


def test_before_its_first_session_a_market_goes_to_the_dawn_at_once() -> None:
    start = session_open(FRIDAY) - timedelta(hours=6)
    assert nights(start).leap(start) == session_open(FRIDAY) - HALF


def test_the_market_is_over_at_the_dusk_of_its_last_session() -> None:
    assert not nights().are_over(session_close(LAST))
    assert nights().are_over(session_close(LAST) + HALF)


@given(st.datetimes(datetime(2012, 11, 23, 12), datetime(2012, 12, 2), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_leap_goes_ahead_and_over_no_minute_of_a_session(now: datetime) -> None:
    dawn = nights().leap(now)
    if dawn is not None:
        assert dawn > now
        for day in sessions(FRIDAY, LAST):
            assert dawn <= session_open(day) or session_close(day) <= now


def test_a_gateway_trades_its_days_and_says_when_they_are_over() -> None:
    async def run() -> datetime:
        starts_at = session_open(date(2013, 3, 26)) - timedelta(minutes=30)
        venue = VenueSettings(accounts={ACCOUNT: CASH}, starts_at=starts_at)
        settings = GatewaySettings(port=0, account=ACCOUNT, speed=20_000, night_seconds=0.2)
        over = asyncio.Event()
        async with Gateway(tape(), venue, settings) as gateway:
            gateway.on_end = over.set
            # Two sessions of 6.5 hours take 2.4 seconds at this speed; their night alone would take 3.
            await asyncio.wait_for(over.wait(), 30)
            return gateway.venue.now

    ended_at = asyncio.run(run())
    assert session_close(date(2013, 3, 27)) < ended_at < session_close(date(2013, 3, 27)) + timedelta(hours=6)
