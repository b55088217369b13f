"""The ledger's own history asked: ``tickledger what-if`` without files, and what a running session asks of it."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from tests.integration.db.story import ACCOUNT, AGAIN_DAY, Story
from tests.unit.risk.orders import intent, risk_of, rows
from tickledger.cli.app import app
from tickledger.db.kill_switch import RecordedKillSwitch
from tickledger.db.market_data import last_close
from tickledger.db.tax_history import read_tax_history
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind
from tickledger.domain.wash_sale import WashSalePolicy
from tickledger.execution.order_facts import AccountFacts
from tickledger.execution.wash_sale_awareness import WashSaleAwareness
from tickledger.risk.exposure import Exposure
from tickledger.risk.order_controls import OrderControls

RUN = CliRunner()
ROOM = Exposure(equity=Decimal(10**6), cash=Decimal(10**6))


@pytest.fixture
def told(ledger: Engine, story: Story, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A ledger with the story in it, which the commands of this test open."""
    assert story
    monkeypatch.setenv("TICKLEDGER_DATABASE_URL", ledger.url.render_as_string(hide_password=False))
    return ledger


def test_the_ledger_answers_with_its_own_fills_and_its_last_close(told: Engine) -> None:
    """40 of the 100 shares sold on 5 January were not bought back on the 6th: their loss is still open."""
    arguments = ["what-if", "--buy", "AAPL", "--quantity", "100", "--on", "2012-01-20", "--json"]
    result = RUN.invoke(app, arguments, catch_exceptions=False)
    answer = json.loads(result.stdout)
    close = last_close(told, "AAPL", until=AGAIN_DAY.replace(day=20))
    assert close is not None
    assert answer["trade"]["price"] == float(close[0])
    assert f"--price: taken from the close of {close[1]}" in result.stderr
    sale = read_tax_history(told).result().gains[0]
    still_open = sale.basis - sale.proceeds - sale.disallowed_loss
    assert still_open > 0
    assert answer["wash_sale"]["disallowed_loss"] == float(still_open)
    assert answer["change"][0]["short_term"] == float(still_open)


def test_a_session_s_purchase_is_blocked_for_the_dollars_that_the_ledger_would_lose(told: Engine) -> None:
    history = read_tax_history(told)
    sale = history.result().gains[0]
    facts = AccountFacts(RecordedKillSwitch(told).state, WashSaleAwareness(history))
    controls = OrderControls(
        facts=facts, average_daily_volumes={"AAPL": Decimal(10**6)}, wash_sale_policy=WashSalePolicy.BLOCK
    )
    rules = replace(risk_of(facts(intent("BUY 1 AAPL @ 420")), rows()), controls=controls)
    asked = replace(intent("BUY 100 AAPL @ 420"), account_id=ACCOUNT.account_id, session_date=AGAIN_DAY)
    # The story's switch is engaged.
    assert [check.name for check in rules.check(asked, ROOM).checks if not check.is_passed] == [
        "kill_switch",
        "wash_sale",
    ]
    RecordedKillSwitch(told).record(KillSwitchEvent(KillSwitchEventKind.RESUMED, "ann", "", asked.intended_at))
    later = replace(asked, intended_at=asked.intended_at + timedelta(seconds=1))
    refused = rules.check(later, ROOM)
    disallowed = sale.basis - sale.proceeds - sale.disallowed_loss
    assert refused.reason.startswith(f"wash_sale: disallows {disallowed.normalize():f} USD of loss")
    assert rules.check(replace(asked, session_date=AGAIN_DAY.replace(month=3)), ROOM).is_approved
