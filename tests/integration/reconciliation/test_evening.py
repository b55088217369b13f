"""The evening in Dagster: statements are taken in, breaks open, forms wait, a person settles, forms come."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import Engine

from assets.lots import REALIZED, tax_ledger
from assets.reconciliation import BREAKS, DAILY, STATEMENT, statement_breaks, statement_files
from assets.reports import FORM_8949, form_8949_report
from resources.exports import Exports
from resources.ledger import Ledger
from resources.notifier import AlertNotifier
from resources.reconciliations import reconcile_statements
from resources.simulated_account import SimulatedAccount
from resources.statement_inbox import StatementInbox
from resources.trading_session import LiveTrading
from tests.integration.notifications.conftest import WebServer, web
from tests.integration.reconciliation.conftest import ACCOUNT, AGAIN, BOUGHT, SOLD, dearer, flex
from tickledger.db.breaks import read_breaks, step_break
from tickledger.db.corrections import apply_correction
from tickledger.db.reports import read_form_lines
from tickledger.db.statements import read_statements, record_statement_file
from tickledger.domain.account import Mode
from tickledger.execution.clock import WallClock
from tickledger.reconciliation.breaks import BreakCause, BreakState, Subject
from tickledger.reconciliation.statements.reading import read_statement
from tickledger.settings import Settings

ASSETS = [tax_ledger, statement_files, statement_breaks, form_8949_report]
__all__ = ["web"]


class Evening:
    """One ledger, one inbox, and the night's run over them."""

    def __init__(self, engine: Engine, home: Path) -> None:
        self.engine = engine
        self.inbox = home / "statements"
        self.inbox.mkdir(parents=True)
        self.exports = home / "exports"
        self._settings = Settings(home=home)

    def put(self, name: str, content: str) -> None:
        (self.inbox / name).write_text(content)

    def run(self) -> dg.ExecuteInProcessResult:
        resources: dict[str, Any] = {
            "ledger": Ledger(url=self.engine.url.render_as_string(hide_password=False)),
            "inbox": StatementInbox(folder=str(self.inbox)),
            "exports": Exports(folder=str(self.exports)),
            "live": LiveTrading(self._settings),
            "notifier": AlertNotifier(),
            "simulated": SimulatedAccount(
                account_id="SIM0001", owner="taxpayer", opening_cash="1", strategy="composite", risk_limits={}
            ),
        }
        return dg.materialize(ASSETS, partition_key="2024", resources=resources, raise_on_error=False)

    def lines(self) -> int:
        return len(read_form_lines(self.engine, taxpayer="taxpayer", mode=Mode.LIVE, tax_year=2024))


@pytest.fixture
def evening(traded: Engine, tmp_path: Path) -> Evening:
    return Evening(traded, tmp_path / "home")


def made(result: dg.ExecuteInProcessResult) -> set[tuple[str, ...]]:
    return {tuple(event.asset_key.path) for event in result.get_asset_materialization_events() if event.asset_key}


def check(result: dg.ExecuteInProcessResult, asset: list[str], name: str) -> bool:
    found = [
        one
        for one in result.get_asset_check_evaluations()
        if one.asset_key == dg.AssetKey(asset) and one.check_name == name
    ]
    return bool(found and found[-1].passed)


def test_a_statement_that_agrees_lets_the_forms_come_and_counts_once(evening: Evening) -> None:
    evening.put("july.xml", flex([BOUGHT, SOLD, AGAIN]))
    for _ in range(2):
        result = evening.run()
        assert result.success
        assert {tuple(key) for key in (REALIZED, STATEMENT, BREAKS, DAILY, FORM_8949)} <= made(result)
        assert check(result, BREAKS, "settled")
    assert len(read_statements(evening.engine, broker_account=ACCOUNT.account_id)) == 1
    assert read_breaks(evening.engine) == []
    assert evening.lines() == 1


def test_forms_wait_for_an_open_break_until_a_person_has_it_recorded(evening: Evening) -> None:
    evening.put("july.xml", flex([BOUGHT, dearer(SOLD), AGAIN]))
    result = evening.run()
    assert not check(result, BREAKS, "settled")
    assert tuple(FORM_8949) not in made(result)
    assert tuple(DAILY) in made(result)
    assert "execution,price,1,100.00,0" in (evening.exports / "reconciliation/daily.csv").read_text()
    assert evening.lines() == 0
    (tracked,) = read_breaks(evening.engine, states=[BreakState.OPEN])
    assert (tracked.found.subject, tracked.found.cause) == (Subject.EXECUTION, BreakCause.PRICE)
    assert tracked.found.money_at_stake == 100
    # Tomorrow it is the same break, and the statement is no news.
    evening.run()
    (again,) = read_breaks(evening.engine)
    assert again.events == tracked.events
    apply_correction(
        evening.engine, tracked.found, actor="ann", note="as the statement has it", applied_at=WallClock().now()
    )
    result = evening.run()
    assert check(result, BREAKS, "settled")
    assert tuple(FORM_8949) in made(result)
    (settled,) = read_breaks(evening.engine)
    assert settled.state is BreakState.RESOLVED
    (line,) = read_form_lines(evening.engine, taxpayer="taxpayer", mode=Mode.LIVE, tax_year=2024)
    assert line.proceeds == 19_099


def test_a_break_that_a_person_accepts_holds_nothing_up_and_is_in_the_files(evening: Evening) -> None:
    evening.put("july.xml", flex([BOUGHT, SOLD]))
    evening.run()
    (tracked,) = read_breaks(evening.engine)
    assert tracked.found.cause is BreakCause.EXTRA
    step_break(
        evening.engine,
        tracked.found.break_id,
        BreakState.EXPLAINED,
        actor="ann",
        note="the broker books it in August",
        occurred_at=WallClock().now(),
    )
    result = evening.run()
    assert check(result, BREAKS, "settled")
    assert tuple(FORM_8949) in made(result)
    assert "the broker books it in August" in (evening.exports / "reconciliation/breaks.csv").read_text()
    assert "execution,extra,1,0.00,0" in (evening.exports / "reconciliation/daily.csv").read_text()


def test_files_that_cannot_be_used_are_named_and_cost_no_other(evening: Evening) -> None:
    evening.put("july.xml", flex([BOUGHT, SOLD, AGAIN]))
    evening.put("torn.xml", flex([BOUGHT])[:400])
    evening.put("notes.txt", "buy milk")
    evening.put("other.xml", flex([BOUGHT], account_id="U7654321"))
    result = evening.run()
    assert not check(result, STATEMENT, "usable")
    assert check(result, BREAKS, "settled")
    (event,) = (one for one in result.get_asset_materialization_events() if one.asset_key == dg.AssetKey(STATEMENT))
    problems = str(event.materialization.metadata["problems"].value)
    assert "notes.txt" in problems
    assert "torn.xml" in problems
    assert {one.broker_account for one in read_statements(evening.engine)} >= {"U7654321", ACCOUNT.account_id}


def test_a_file_that_names_no_account_is_that_of_the_only_one_at_a_broker(evening: Evening) -> None:
    evening.put("july.xml", flex([BOUGHT, dearer(SOLD), AGAIN]).replace(f' accountId="{ACCOUNT.account_id}"', ""))
    evening.run()
    assert [one.broker_account for one in read_statements(evening.engine)] == [""]
    assert [one.found.cause for one in read_breaks(evening.engine)] == [BreakCause.PRICE]


def test_a_new_break_is_told(evening: Evening, web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKLEDGER_ALERT_WEBHOOK_URL", web.url("/hook"))
    evening.put("july.xml", flex([BOUGHT, dearer(SOLD), AGAIN]))
    evening.run()
    document = web.next().document
    assert document["title"].startswith("LIVE · Break: AAPL execution: price, ledger sold 100 AAPL @ 190")


def test_a_break_that_stays_open_is_told_again_while_forms_wait_for_it(
    evening: Evening, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = flex([BOUGHT, dearer(SOLD), AGAIN]).encode()
    record_statement_file(evening.engine, read_statement([content], name="july.xml"), content)
    reconcile_statements(evening.engine, compared_at=WallClock().now() - timedelta(days=3))
    monkeypatch.setenv("TICKLEDGER_ALERT_WEBHOOK_URL", web.url("/hook"))
    evening.run()
    document = web.next().document
    assert document["title"].startswith("LIVE · Break open for 3 days: AAPL execution, 100")
