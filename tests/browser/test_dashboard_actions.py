"""A person acts on the dashboard, watches a session, and sees what it says where something is missing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine

from tests.browser.dashboards import drawn
from tests.browser.devtools import DESKTOP, PHONE, Tab, tab
from tests.cached import limits
from tests.integration.api.serving import Served, served
from tests.integration.db.story import ACCOUNT, tell
from tests.integration.reconciliation.conftest import AGAIN, BOUGHT, SOLD, dearer, flex
from tests.integration.reconciliation.conftest import trade as make_trades
from tests.integration.reconciliation.told import ask_broker, open_books, take_in
from tickledger.cache.keys import Scope
from tickledger.cache.publisher import CachePublisher
from tickledger.db.accounts import ensure_account
from tickledger.db.breaks import read_breaks
from tickledger.db.embedded import EmbeddedServer
from tickledger.db.kill_switch import read_kill_switch_state
from tickledger.domain.account import Account, Mode
from tickledger.domain.live_view import LivePosition, PortfolioSummary, SessionBeat
from tickledger.domain.trading_session import SessionState
from tickledger.execution.order_reconciliation import BreakKind
from tickledger.reconciliation.breaks import BreakState

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOON = datetime(2012, 1, 9, 17, 0, tzinfo=UTC)


@pytest.fixture
def app(ledger: Engine) -> Iterator[Served]:
    """Over an empty ledger."""
    with served(ledger) as one:
        yield one


@pytest.fixture
def page(app: Served, tmp_path: Path) -> Iterator[Tab]:
    """A browser that has been let in."""
    with tab(tmp_path / "profile") as one:
        one.open(app.access.login_address)
        drawn(one)
        yield one


def go(app: Served, page: Tab, path: str) -> None:
    page.open(app.root + path)
    drawn(page)


def test_an_empty_ledger_says_what_to_do_first(app: Served, page: Tab) -> None:
    page.until_shown("Nothing is recorded yet")
    assert "tickledger demo" in page.text()
    page.photograph("dashboard_empty")
    ensure_account(app.engine, Account("U1234567", Mode.LIVE))
    page.until_shown("No close is recorded yet")
    page.until_shown("LIVE · real money")
    for path in ("/orders", "/strategies", "/risk", "/reconciliation", "/tax", "/lineage"):
        go(app, page, path)
        assert "LIVE · real money" in page.text()
        assert "cannot be drawn" not in page.text()
    page.photograph("dashboard_empty_tax")
    assert page.said == []


def test_trading_is_stopped_and_resumed_by_words_that_are_typed(app: Served, page: Tab) -> None:
    tell(app.engine)
    go(app, page, "/risk")
    before = read_kill_switch_state(app.engine).event
    page.click("#confirm-kill")
    page.type("stop")
    page.press("Enter")
    page.run("new Promise(done => setTimeout(done, 500))")
    assert page.run("location.search") == "", "the browser itself refuses another word"
    assert read_kill_switch_state(app.engine).event == before
    page.run("document.querySelector('#confirm-kill').select()")
    page.type("STOP")
    page.press("Enter")
    page.until_shown("What sessions do about it is listed below")
    assert read_kill_switch_state(app.engine).is_engaged
    page.photograph("dashboard_risk_stopped")
    go(app, page, "/")
    page.until_shown("trading is stopped")
    go(app, page, "/risk")
    page.click("#confirm-resume")
    page.type("RESUME")
    page.click("form[action='/control/resume'] button")
    page.until_shown("Trading is resumed")
    assert not read_kill_switch_state(app.engine).is_engaged
    assert page.said == []


def test_a_break_is_worked_through(app: Served, page: Tab) -> None:
    tell(app.engine)
    go(app, page, "/reconciliation")
    page.until_shown("Money at stake")
    page.photograph("dashboard_breaks")
    page.click("#body tbody a")
    page.until_shown("Why, for the record")
    page.photograph("dashboard_break")
    page.click("form[action='/breaks/step'] input[name=note]")
    page.type("the broker told it a day late")
    page.press("Enter")
    page.until_shown("The step is recorded")
    drawn(page)
    page.until_shown("the broker told it a day late")
    (tracked,) = read_breaks(app.engine)
    assert tracked.state is BreakState.EXPLAINED
    page.look_like(PHONE, "dark")
    assert not page.is_too_wide()
    page.photograph("dashboard_break_phone_dark")
    assert page.said == []


def test_three_sides_say_who_agrees_with_whom(app: Served, page: Tab) -> None:
    make_trades(app.engine)
    open_books(app.engine)
    take_in(app.engine, flex([BOUGHT, dearer(SOLD), AGAIN]), holding=40)
    go(app, page, "/reconciliation")
    page.until_shown("once broker and statement were both compared; so far: statement.")
    held, cash = (BreakKind.POSITION, "AAPL", 50, 40), (BreakKind.CASH, "U1234567", 1000, 990)
    ask_broker(app.engine, held, cash)
    page.until_shown("broker = statement ≠ ledger")
    panel = "[...document.querySelectorAll('section')].find(one => one.innerText.startsWith('Three sides'))"
    rows = page.run(f"[...{panel}.querySelectorAll('tbody tr')].map(row => row.innerText.split('\\t'))")
    assert rows == [
        ["position AAPL quantity", "broker = statement ≠ ledger", "50", "40", "40"],
        [
            "execution AAPL price",
            "ledger ≠ statement",
            "sold 100 AAPL @ 190 on 2024-07-02",
            "does not say",
            "sold 100 AAPL @ 191 on 2024-07-02",
        ],
        ["cash USD ending balance", "ledger ≠ broker", "1000", "990", "does not say"],
    ]
    page.photograph("dashboard_three_sides")
    page.look_like(PHONE, "dark")
    assert not page.is_too_wide()
    page.photograph("dashboard_three_sides_phone_dark")
    page.look_like(DESKTOP, "light")
    page.click("section:nth-of-type(2) tbody a")
    page.until_shown("Why, for the record")
    page.run("[...document.querySelectorAll('a')].find(one => one.innerText === 'statement, rows, steps').click()")
    page.until("location.pathname === '/lineage'")
    page.until_shown("The lineage as a list")
    drawn(page)
    assert "statements brought from july.xml" in page.text()
    page.photograph("dashboard_break_lineage")
    assert page.said == []


def test_a_session_is_watched_while_it_trades(app: Served, page: Tab) -> None:
    tell(app.engine)
    scope = Scope(ACCOUNT.mode, ACCOUNT.account_id, is_simulated_market=True)
    with app.publisher(scope) as publisher:
        publisher.publish_limits(limits(max_position_size="1000", max_daily_loss="5000"))
        trade(publisher, price="421.73", value="100123.45")
        go(app, page, "/?account=SIM0001")
        page.until_shown("100,123.45")
        told = page.text()
        assert "session running, market 12:00:00" in told
        assert "live, 12:00:00 market time" in told
        assert "AAPL" in told
        trade(publisher, price="431.73", value="100723.45")
        page.until_shown("100,723.45")
        page.photograph("dashboard_live")
        page.look_like(PHONE, "dark")
        assert not page.is_too_wide()
        page.photograph("dashboard_live_phone_dark")
        page.look_like(DESKTOP, "light")
        go(app, page, "/risk?account=SIM0001")
        page.until_shown("max daily loss")


def trade(publisher: CachePublisher, *, price: str, value: str) -> None:
    held = LivePosition("AAPL", Decimal(60), Decimal("405.00"), Decimal(price), 60 * (Decimal(price) - 405), NOON)
    worth = 60 * Decimal(price)
    publisher.publish_position(held)
    publisher.publish_portfolio(PortfolioSummary(Decimal(value), Decimal(value) - worth, worth, Decimal("50.10"), NOON))
    publisher.publish_state(SessionBeat("sess_1", NOON.date(), SessionState.RUNNING, NOON, NOON))


def test_a_ledger_that_is_away_is_said_and_the_page_recovers(app: Served, page: Tab, server: EmbeddedServer) -> None:
    tell(app.engine)
    go(app, page, "/?account=SIM0001")
    page.until_shown("Net asset value")
    name = str(app.engine.url.database)
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        page.until_shown("The ledger does not answer")
        assert "SIMULATED · no real money" in page.text()
        page.photograph("dashboard_away")
        sent = app.ask("POST", "/control/kill", {"key": app.access.form_key, "confirmation": "STOP"}, **app.own)
        assert sent.headers["location"] == "/risk?told=failed"
        go(app, page, "/risk?told=failed")
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))
    page.until_shown("Limits")
    page.until_shown("cancel or close at the broker by hand")


def test_another_account_is_chosen_from_the_menu(app: Served, page: Tab) -> None:
    tell(app.engine)
    ensure_account(app.engine, replace(ACCOUNT, account_id="DU2222222", mode=Mode.PAPER))
    go(app, page, "/orders?account=SIM0001")
    page.click("details.menu summary")
    page.until("document.querySelector('details.menu').open")
    page.photograph("dashboard_accounts", whole=False)
    page.press("Escape")
    page.until("!document.querySelector('details.menu').open")
    page.press("Enter")
    page.run("document.querySelector('details.menu a').focus()")
    page.press("Enter")
    page.until("location.search.includes('DU2222222')")
    page.until_shown("PAPER · no real money")
    page.until_shown("No order was sent yet")
