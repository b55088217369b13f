"""What a session does when the market, or what is heard of it, is not as usual; `docs/operations.md` says the same."""

import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.integration.live.floor import SYMBOLS, Running, minutes, trading_floor
from tickledger.domain.alert import AlertKind
from tickledger.domain.market import BarsClosed, Beat, ControlsChanged, MarketEvent, SessionClosed, SessionOpening
from tickledger.domain.order import OrderSide
from tickledger.domain.trading_session import SessionState

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.xdist_group("live")]


def opened(running: Running) -> int:
    """How many orders to buy were let out."""
    return sum(row.is_approved and row.side is OrderSide.BUY for row in running.heard.decisions)


def events(running: Running) -> list[MarketEvent]:
    """What the session was told, in order."""
    return [event for event in running.heard.events if not isinstance(event, Beat | ControlsChanged)]


def bars(running: Running, symbol: str) -> int:
    """How many bars of a symbol the session has seen."""
    closed = (event for event in running.heard.events if isinstance(event, BarsClosed))
    return sum(bar.symbol == symbol for event in closed for bar in event.bars)


def test_nothing_is_opened_while_all_data_are_silent_and_trading_goes_on_with_them(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor, floor.session() as running:
        running.until_traded(2)
        floor.fault("kill_feed")
        running.until_state(SessionState.DEGRADED)
        assert "market data: nothing since" in running.summary.reason
        stale = {alert.facts["symbol"] for alert in running.alerts.of_kind(AlertKind.STALE_DATA)}
        assert stale == set(SYMBOLS)
        before = opened(running)
        time.sleep(3)
        floor.fault("mend_farm")
        running.until_state(SessionState.RUNNING)
        assert opened(running) == before
        running.until_traded(2)


def test_a_farm_that_breaks_stops_orders_until_it_is_mended(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor, floor.session() as running:
        running.until_traded(1)
        floor.fault("break_farm")
        running.until_state(SessionState.DEGRADED)
        assert "the broker: error 2103" in running.summary.reason
        assert running.alerts.of_kind(AlertKind.BROKER_DOWN)
        floor.fault("mend_farm")
        running.until_state(SessionState.RUNNING)
        running.until_traded(1)


def test_a_halt_stops_one_symbol_and_its_stop_stays(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor, floor.session() as running:
        running.until(lambda: floor.held("AAPL") > 0 and floor.working("AAPL"))
        floor.fault("halt", symbol="AAPL")
        seen, others = bars(running, "AAPL"), len(running.heard.fills)
        running.until(lambda: [a for a in running.alerts.of_kind(AlertKind.STALE_DATA) if a.facts["symbol"] == "AAPL"])
        running.until(lambda: any(fill.symbol == "MSFT" for fill in running.heard.fills[others:]))
        assert bars(running, "AAPL") <= seen + 1
        assert running.recorded_state() is SessionState.RUNNING
        held = floor.held("AAPL")
        assert [order.quantity for order in floor.working("AAPL") if order.stop_price is not None] == [held]
        floor.fault("resume", symbol="AAPL")
        running.until(lambda: bars(running, "AAPL") > seen + 3)
        running.until(lambda: any(fill.symbol == "AAPL" for fill in running.heard.fills[others:]))


@pytest.mark.parametrize(("code", "text"), [(354, "not subscribed"), (101, "Max number of tickers")])
def test_a_symbol_whose_data_are_refused_is_told_and_not_traded(
    ledger: Engine, home: Path, code: int, text: str
) -> None:
    with trading_floor(ledger, home) as floor:
        if code == 354:
            floor.fault("unsubscribe", symbols=["AAPL"])
        else:
            floor.fault("refuse_request", request="reqMktData", code=code, text=text)
            floor.fault("refuse_request", request="reqRealTimeBars", code=code, text=text)
        with floor.session() as running:
            running.until_traded(2)
            assert {fill.symbol for fill in running.heard.fills} == {"MSFT"}
            assert f"error {code}" in str(running.problems("AAPL")[0])
            silent = {alert.facts["symbol"] for alert in running.alerts.of_kind(AlertKind.STALE_DATA)}
            running.until(lambda: silent or running.alerts.of_kind(AlertKind.STALE_DATA))
            assert running.recorded_state() is SessionState.RUNNING


def test_a_market_whose_clock_leaps_is_traded_on_from_where_it_has_come_to(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor, floor.session() as running:
        running.until(lambda: floor.held("AAPL") > 0 and floor.working("AAPL"))
        leapt_to = floor.now + timedelta(minutes=20)
        floor.call(lambda: floor.gateway.advance(leapt_to))
        running.until(lambda: running.summary.market_at is not None and running.summary.market_at > leapt_to)
        running.until_traded(2)
        closed_at = [event.occurred_at for event in events(running) if isinstance(event, BarsClosed)]
        assert closed_at == sorted(closed_at)
        running.until(lambda: running.summary.cash == floor.cash().quantize(running.summary.cash or Decimal(1)))
        assert running.recorded_state() is SessionState.RUNNING


@pytest.mark.parametrize(
    ("before", "day", "opens_at"),
    [
        (date(2013, 3, 8), date(2013, 3, 11), datetime(2013, 3, 11, 13, 30, tzinfo=UTC)),
        (date(2012, 11, 2), date(2012, 11, 5), datetime(2012, 11, 5, 14, 30, tzinfo=UTC)),
    ],
    ids=["an hour earlier", "an hour later"],
)
def test_the_session_after_the_clocks_have_changed(
    ledger: Engine, home: Path, before: date, day: date, opens_at: datetime
) -> None:
    # 390 minutes of the day, and the last of them flat; the history is of a day with another distance to UTC.
    begins: dict[str, Any] = {
        "starts_at": opens_at - timedelta(minutes=60),
        "speed": 240.0,
        "bars": minutes((before, day)),
    }
    with trading_floor(ledger, home, **begins) as floor, floor.session(flatten_minutes=30) as running:
        running.until(lambda: any(isinstance(event, SessionOpening) for event in running.heard.events))
        running.end(seconds=180)
        assert running.summary.state is SessionState.ENDED, running.told()
        [opening] = [event for event in events(running) if isinstance(event, SessionOpening)]
        assert opens_at <= opening.occurred_at < opens_at + timedelta(minutes=1)
        closes_at = opens_at + timedelta(hours=6, minutes=30)
        assert [event.occurred_at for event in events(running) if isinstance(event, SessionClosed)] == [closes_at]
        traded = [fill.executed_at for fill in running.heard.fills]
        assert opens_at < min(traded) < opens_at + timedelta(minutes=30)
        assert closes_at - timedelta(hours=1) < max(traded) < closes_at - timedelta(minutes=20)
        assert floor.held("AAPL") == floor.held("MSFT") == 0


def test_without_data_of_any_symbol_a_session_waits_degraded(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor:
        floor.fault("unsubscribe")
        with floor.session() as running:
            running.until_state(SessionState.DEGRADED)
            assert "nothing yet of any of 2 symbols" in running.summary.reason
            assert not running.heard.fills
