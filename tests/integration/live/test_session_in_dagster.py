"""A half day traded through Dagster, the books of its evening, and what a morning or an evening finds wrong."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from tests.integration.live.dagster_desk import DagsterDesk, check_results, reasons
from tests.integration.live.market import ACCOUNT, HALF_DAY, market
from tickledger.db.reports import read_daily_pnl
from tickledger.db.tax import read_gains
from tickledger.db.trading import read_balances, read_executions, read_orders
from tickledger.db.trading_sessions import latest_session, read_pause
from tickledger.domain.trading_session import SessionState

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live")]

Desks = Callable[..., DagsterDesk]
DAY = date.fromisoformat(HALF_DAY)
START = "2012-07-03T15:00:00+0000"


@pytest.mark.long
def test_a_day_is_traded_and_its_books_are_made(home: Path, dagster_desk: Desks) -> None:
    with market(home, start=START, speed=120) as place:
        desk = dagster_desk(place.settings(home))
        traded = desk.run("intraday", HALF_DAY)
        assert traded.success, reasons(traded)
        results = check_results(traded)
        # The ledger has no daily bars, which a strategy that decides by its own minutes can do without.
        assert [name for name, is_passed in results.items() if not is_passed] == ["live/readiness:market_data"]
        at_the_end = ("ledger_equals_broker", "orders_have_their_origin", "replays_to_the_same_decisions")
        assert {f"live/session:{name}" for name in at_the_end} <= results.keys()
        session = latest_session(desk.engine, ACCOUNT)
        assert session is not None
        assert (session.state, session.dagster_run_id) == (SessionState.ENDED, traded.run_id)

        orders = read_orders(desk.engine, account_id=ACCOUNT)
        fills = read_executions(desk.engine, account_id=ACCOUNT)
        assert fills
        assert desk.metadata("live", "orders")["orders"] == len(orders)
        assert desk.metadata("live", "fills")["fills"] == len(fills)
        assert desk.metadata("live", "session")["state"] == "ended"
        told = desk.instance.fetch_materializations(dg.AssetKey(["live", "bars"]), limit=50).records
        counts = [
            record.asset_materialization.metadata["bars"].value for record in told if record.asset_materialization
        ]
        # Told while it went on, and once more at its end: never the same count twice before that.
        assert len(counts) > 1
        assert len(set(counts[1:])) == len(counts) - 1

        evening = desk.tick("simulated_evening")
        assert evening.requests == [] or {request.partition_key for request in evening.requests} <= {HALF_DAY, "2012"}
        reconciled = desk.run("nightly_reconciliation", HALF_DAY)
        assert check_results(reconciled) == {"reconciliation/broker:agrees": True}

    books = desk.run("nightly_books", "2012")
    assert books.success, reasons(books)
    assert set(check_results(books).values()) == {True}
    (balance,) = read_balances(desk.engine, account_id=ACCOUNT)
    (row,) = read_daily_pnl(desk.engine, account_id=ACCOUNT)
    assert (row.session_date, row.num_trades) == (DAY, len(fills))
    assert row.total_pnl == row.portfolio_value - 100_000
    assert round(balance.equity, 2) == row.portfolio_value
    sold = sum(fill.quantity for fill in fills if fill.side == "SELL")
    assert sum(gain.quantity for gain in read_gains(desk.engine) if gain.account_id == ACCOUNT) == sold

    # A broker that has forgotten the day is no small matter: each difference is a break.
    with market(home, start=START) as another:
        broken = dagster_desk(another.settings(home)).run("nightly_reconciliation", HALF_DAY)
    assert broken.success
    assert check_results(broken) == {"reconciliation/broker:agrees": False}
    assert "cash" in desk.metadata("reconciliation", "broker")["breaks"]


def test_without_its_broker_the_session_does_not_start_and_says_why(home: Path, dagster_desk: Desks) -> None:
    with market(home) as place:
        settings = place.settings(home)
    desk = dagster_desk(settings)
    refused = desk.run("intraday", HALF_DAY)
    assert not refused.success
    results = check_results(refused)
    assert not results["live/readiness:broker"]
    assert results["live/readiness:limits"]
    assert results["live/readiness:database"]
    assert latest_session(desk.engine, ACCOUNT) is None
    assert "Connect call failed" in desk.metadata("live", "readiness")["findings"]


def test_a_person_pauses_and_resumes_trading_from_the_ui(home: Path, dagster_desk: Desks) -> None:
    with market(home) as place:
        desk = dagster_desk(place.settings(home))
        assert desk.run("pause_trading").success
        assert read_pause(desk.engine, ACCOUNT).is_paused
        assert "Dagster run" in read_pause(desk.engine, ACCOUNT).actor
        assert desk.run("resume_trading").success
        assert not read_pause(desk.engine, ACCOUNT).is_paused
