"""How events are worded as alerts."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tickledger.domain.account import Mode
from tickledger.domain.alert import Alert, AlertKind, AlertSeverity
from tickledger.domain.alert_wording import (
    SessionNews,
    fill_alert,
    kill_switch_alert,
    number,
    outage_alert,
    readiness_alert,
    reconciliation_break_alert,
    reject_alert,
    risk_stop_alert,
    run_failure_alert,
    session_alert,
    stale_data_alert,
)
from tickledger.domain.execution import Execution
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind
from tickledger.domain.order import Order, OrderSide, OrderType, TimeInForce

NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
EXECUTION = Execution(
    execution_id="0001f4e5.01",
    order_id="ord_1",
    account_id="U1",
    symbol="BRK B",
    side=OrderSide.SELL_SHORT,
    quantity=Decimal("1250.5000"),
    price=Decimal("480.1250"),
    commission=Decimal("6.25"),
    fees=Decimal("0.135"),
    executed_at=NOON,
    trade_date=date(2026, 3, 2),
)
ORDER = Order(
    order_id="ord_1",
    account_id="U1",
    symbol="AAPL",
    side=OrderSide.BUY,
    order_type=OrderType.LIMIT,
    quantity=Decimal(100),
    time_in_force=TimeInForce.DAY,
    signal_id="sig_1",
    risk_decision_id="rd_1",
    submitted_at=NOON,
    session_date=date(2026, 3, 2),
    limit_price=Decimal(150),
)


def test_a_fill_says_what_was_dealt_at_which_price_and_for_how_much() -> None:
    told = fill_alert(EXECUTION, mode=Mode.LIVE)
    assert told.title == "SELL SHORT 1,250.5 BRK B at 480.125, 600,396.31 USD"
    assert told.facts["charges"] == "6.39 USD"
    assert (told.mode, told.account_id, told.occurred_at) == (Mode.LIVE, "U1", NOON)
    assert told.dedup_key == ""


def test_the_same_refusal_of_the_same_symbol_is_the_same_alert() -> None:
    def told(reason: str) -> Alert:
        return reject_alert(ORDER, reason=reason, occurred_at=NOON, mode=Mode.PAPER)

    assert told("margin").title == "Rejected: BUY 100 AAPL"
    assert told("margin").body == "margin"
    assert told("margin").dedup_key == told("margin").dedup_key != told("halted").dedup_key


@pytest.mark.parametrize("kind", KillSwitchEventKind)
def test_every_step_of_the_kill_switch_is_critical_and_never_a_repeat(kind: KillSwitchEventKind) -> None:
    told = kill_switch_alert(KillSwitchEvent(kind, "ada", "panic", NOON), mode=Mode.LIVE)
    assert told.severity is AlertSeverity.CRITICAL
    assert told.dedup_key == ""
    assert "kill switch" in told.title.lower()
    assert told.facts["by"] == "ada"


def test_a_kill_switch_that_flattens_says_so() -> None:
    event = KillSwitchEvent(KillSwitchEventKind.ENGAGED, "ada", "", NOON, flattens=True)
    assert kill_switch_alert(event, mode=Mode.LIVE).body == "No reason was given. Positions are closed as well."


@pytest.mark.parametrize(
    ("news", "severity"),
    [
        (SessionNews.STARTED, AlertSeverity.INFO),
        (SessionNews.ENDED, AlertSeverity.INFO),
        (SessionNews.RESTARTED, AlertSeverity.WARNING),
        (SessionNews.FENCED, AlertSeverity.ERROR),
    ],
)
def test_news_of_a_session(news: SessionNews, severity: AlertSeverity) -> None:
    told = session_alert(news, account_id="U1", mode=Mode.PAPER, session_id="ses_1", reason="why", occurred_at=NOON)
    assert told.severity is severity
    assert told.title.endswith("account U1")


def test_outages_are_critical_and_their_end_is_not() -> None:
    def told(*, is_over: bool) -> Alert:
        return outage_alert(
            AlertKind.BROKER_DOWN, account_id="U1", mode=Mode.LIVE, reason="1100", occurred_at=NOON, is_over=is_over
        )

    down, over = told(is_over=False), told(is_over=True)
    assert (down.severity, over.severity) == (AlertSeverity.CRITICAL, AlertSeverity.WARNING)
    assert (down.title, over.title) == ("The broker does not answer", "The broker answers again")
    assert down.dedup_key != over.dedup_key


def test_readiness_lists_what_is_to_be_mended() -> None:
    told = readiness_alert(
        ["no bars since Friday", "no limits"],
        account_id="U1",
        mode=Mode.LIVE,
        session_day="2026-03-02",
        occurred_at=NOON,
    )
    assert told.title == "NOT ready for 2026-03-02: 2 to mend"
    assert told.body.splitlines() == ["- no bars since Friday", "- no limits"]
    ready = readiness_alert([], account_id="U1", mode=Mode.LIVE, session_day="2026-03-02", occurred_at=NOON)
    assert ready.severity is AlertSeverity.INFO


def test_every_title_leaves_room_for_the_mode_in_seventy_characters() -> None:
    told = [
        fill_alert(EXECUTION, mode=Mode.LIVE),
        reject_alert(ORDER, reason="", occurred_at=NOON, mode=Mode.LIVE),
        risk_stop_alert(
            account_id="U1",
            mode=Mode.LIVE,
            limit="max_single_name_exposure",
            reason="",
            occurred_at=NOON,
            symbol="GOOGL",
        ),
        stale_data_alert(account_id="U1", mode=Mode.LIVE, symbol="GOOGL", last_at=None, occurred_at=NOON),
        reconciliation_break_alert(
            account_id="U1", mode=Mode.LIVE, subject="GOOGL shares", expected="1,250.5", found="1,000", occurred_at=NOON
        ),
        run_failure_alert(
            job="end_of_day", partition="2026", step="lots", error="E", run_id="r", occurred_at=NOON, mode=Mode.LIVE
        ),
    ]
    assert [one.title for one in told if len(one.title) > 70 - len("SIMULATED · ")] == []


@pytest.mark.parametrize(
    ("value", "shown"), [("1250.5000", "1,250.5"), ("100", "100"), ("1E+3", "1,000"), ("0.10", "0.1")]
)
def test_numbers_have_no_trailing_zeros(value: str, shown: str) -> None:
    assert number(Decimal(value)) == shown
