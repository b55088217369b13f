"""What others hear and see of a session: alerts for what a person should know, and its values in the cache."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from resources.session_alerts import SessionAlerts
from resources.session_tally import SessionTally
from resources.session_view import SessionView
from tests.trading import ACCOUNT, limits, order
from tests.unit.execution.remote_venue import REJECTED
from tests.unit.execution.session_floor import DAY, SessionFloor
from tickledger.cache.in_process import MemorySink, ProcessMemory
from tickledger.cache.keys import Scope
from tickledger.cache.publisher import CachePublisher
from tickledger.domain.alert import Alert, AlertKind
from tickledger.domain.broker import Connectivity, ConnectivityChange
from tickledger.execution.session_policy import SessionPolicy
from tickledger.execution.session_terms import SessionTerms
from tickledger.strategies.sizing import SizingPolicy

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


class Heard:
    """Where alerts go in these tests."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def notify(self, alert: Alert) -> None:
        self.alerts.append(alert)

    def take(self) -> list[tuple[AlertKind, str]]:
        told, self.alerts = self.alerts, []
        return [(alert.kind, alert.title) for alert in told]


def told(floor: SessionFloor, heard: Heard) -> SessionAlerts:
    alerts = SessionAlerts(heard, ACCOUNT, "sess_1", lambda: NOW)
    for news in floor.news:
        alerts(news)
    return alerts


def test_a_fill_is_told_once_and_a_refusal_by_the_broker_too() -> None:
    floor, heard = SessionFloor(SessionPolicy()), Heard()
    floor.bars("SELL X")
    floor.deliver()
    sale = floor.at_venue("SELL 50 X")
    floor.venue.fill(sale, Decimal(20))
    floor.beat()
    floor.venue.end(sale, REJECTED, "a halt")
    floor.beat()
    floor.beat()
    told(floor, heard)
    kinds = [kind for kind, _ in heard.take()]
    assert kinds.count(AlertKind.FILL) == 1
    # A part of it is filled, so what the broker refused is over as cancelled.
    assert AlertKind.REJECT not in kinds
    floor.news.clear()
    floor.bars("SELL X")
    floor.deliver()
    floor.venue.end(floor.at_venue("SELL 30 X"), REJECTED, "a halt")
    floor.beat()
    told(floor, heard)
    assert [kind for kind, _ in heard.take()] == [AlertKind.REJECT]


def test_a_quote_that_never_came_and_one_that_is_old_are_told_apart() -> None:
    floor, heard = SessionFloor(SessionPolicy(quote_limit=timedelta(seconds=10))), Heard()
    floor.bars("BUY Y", Y="5")
    floor.quote("Z", "5")
    floor.bars("BUY Z", Z="5", after=30)
    told(floor, heard)
    bodies = [alert.body for alert in heard.alerts if alert.kind is AlertKind.STALE_DATA]
    assert bodies[0].startswith("nothing since the session began")
    assert bodies[1].startswith("last seen 2012-01-04 14:31:00 UTC")


def test_a_day_that_lost_too_much_is_told_with_its_limit() -> None:
    floor, heard = SessionFloor(SessionPolicy(), max_daily_loss="10"), Heard()
    floor.bars("BUY Y", X="9", Y="5")
    told(floor, heard)
    [alert] = heard.alerts
    assert alert.kind is AlertKind.RISK_STOP
    assert "max_daily_loss" in f"{alert.title} {alert.body}"


def test_a_link_that_is_lost_is_told_once_and_so_is_its_return() -> None:
    heard = Heard()
    alerts = SessionAlerts(heard, ACCOUNT, "sess_1", lambda: NOW)
    for connectivity in (Connectivity.CONNECTED, Connectivity.DISCONNECTED, Connectivity.DISCONNECTED):
        alerts.hear_link(ConnectivityChange(connectivity, NOW, "1100"))
    assert [kind for kind, _ in heard.take()] == [AlertKind.BROKER_DOWN]
    for _ in range(2):
        alerts.hear_link(ConnectivityChange(Connectivity.CONNECTED, NOW, "1102"))
    assert len(heard.take()) == 1


def seen(floor: SessionFloor) -> dict[str, Any]:
    """What another process reads of a session once it has seen everything."""
    memory = ProcessMemory()
    with CachePublisher(
        MemorySink(memory), Scope(ACCOUNT.mode, ACCOUNT.account_id, is_simulated_market=False)
    ) as publisher:
        terms = SessionTerms(
            account_id=ACCOUNT.account_id,
            session_date=DAY,
            strategy="mean_reversion",
            interval="1min",
            policy=floor.policy,
            sizing=SizingPolicy(),
            limits=tuple(limits()),
            opening=floor.opening,
            warmed_until=floor.clock.now(),
        )
        tally = SessionTally("sess_1", DAY)
        view = SessionView(publisher, tally, floor.account, terms, lambda: NOW)
        for news in floor.news:
            tally(news)
            view(news)
    keys = memory.keys("")
    return {key: json.loads(text) for key, text in zip(keys, memory.read(keys), strict=True) if text is not None}


def ending(values: dict[str, Any], part: str) -> Any:
    [found] = [value for key, value in values.items() if part in key]
    return found


def test_others_see_what_is_held_and_what_it_is_worth() -> None:
    floor = SessionFloor(SessionPolicy())
    floor.bars(X="11")
    values = seen(floor)
    position = ending(values, "position:current")
    assert (position["quantity"], position["price"], position["unrealized_pnl"]) == ("50", "11", "50")
    summary = ending(values, "portfolio:summary")
    assert (summary["total_value"], summary["cash"], summary["pnl"]) == ("100550", "100000", "50")


def test_a_holding_without_a_price_hides_no_other() -> None:
    floor = SessionFloor(SessionPolicy())
    foreign = floor.venue.enter(order("BUY 7 Q"), "")
    floor.venue.fill(foreign, Decimal(7), Decimal(10))
    floor.beat()
    floor.bars(X="11")
    values = seen(floor)
    held = {key.rsplit(":", 1)[1]: value["quantity"] for key, value in values.items() if "position:current" in key}
    assert held == {"X": "50", "Q": "7"}


def test_the_tally_counts_what_was_decided_ordered_and_filled() -> None:
    floor = SessionFloor(SessionPolicy(quote_limit=timedelta(seconds=10)))
    tally = SessionTally("sess_1", DAY)
    floor.bars("SELL X")
    floor.bars("BUY Y", X="10", Y="5")
    floor.deliver()
    floor.venue.fill(floor.at_venue("SELL 50 X"), Decimal(50))
    floor.beat()
    for news in floor.news:
        tally(news)
    summary = tally.summary()
    assert (summary.bars, summary.signals, summary.decisions, summary.refused) == (3, 2, 2, 1)
    assert (summary.orders, summary.fills, summary.problems) == (1, 1, 0)
    assert summary.market_at == floor.clock.now()
