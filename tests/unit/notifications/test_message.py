"""Messages before any channel: what a person reads first, and what stands for many."""

from datetime import UTC, datetime, timedelta

from hypothesis import given

from tests.alerts import NOON, alert, fill, message, messages
from tickledger.domain.account import Mode
from tickledger.domain.alert import AlertSeverity
from tickledger.notifications.message import HEADLINE_LIMIT, Message, composed, plain_text
from tickledger.notifications.text import printable, units
from tickledger.notifications.waiting import Losses, Waiting


def test_the_headline_begins_with_the_mode() -> None:
    live = message(fill("AAPL", mode=Mode.LIVE))
    assert live.headline == "LIVE · BUY 100 AAPL at 10"
    assert message(fill("AAPL", mode=Mode.SIMULATED)).headline.startswith("SIMULATED · ")
    assert "LIVE · account U1 · info" in plain_text(live)


def test_the_time_is_the_exchanges_and_utc() -> None:
    assert message(alert()).when == "2026-03-02 09:02:11 New York (14:02:11 UTC)"
    # Three weeks later New York is on summer time.
    assert message(alert(occurred_at=datetime(2026, 3, 23, 14, 0, tzinfo=UTC))).when.startswith("2026-03-23 10:00:00")


def test_several_fills_are_one_message_that_names_the_symbols_and_lists_the_latest() -> None:
    many = message(*(fill("AAPL", at=second) for second in range(25)), fill("MSFT", at=30))
    assert many.headline == "PAPER · 26 fills: AAPL (25), MSFT"
    lines = many.body.splitlines()
    assert lines[0] == "6 earlier ones, then:"
    assert lines[-1] == "09:02:41 BUY 100 MSFT at 10"
    assert len(lines) == 21


def test_a_digest_is_as_urgent_as_the_most_urgent_of_it() -> None:
    merged = message(alert(severity=AlertSeverity.ERROR), alert(severity=AlertSeverity.WARNING))
    assert merged.severity is AlertSeverity.ERROR


def test_repeats_and_losses_are_told() -> None:
    item = Waiting(alert("reject", "k"), alerts=3, repeats=3, since=NOON)
    told = composed([item], Losses({"fill": 1200, "stale_data": 2}, undelivered=4))
    assert told.notes == (
        "3 more like it since 14:02 UTC",
        "Left out because too much happened at once: 1,200 fills, 2 symbols stale",
        "Could not be delivered here before: 4 alerts",
    )
    assert all(note in plain_text(told) for note in told.notes)


def test_repeats_of_several_are_told_together() -> None:
    later = NOON + timedelta(minutes=5)
    items = [Waiting(alert("reject", key), 2, 2, since) for key, since in (("a", later), ("b", NOON))]
    assert composed(items).notes == ("4 more like these since 14:02 UTC",)


def test_facts_with_telling_names_are_hidden() -> None:
    told = message(
        alert(body="at postgresql://u:hunter2@h/db", facts={"password": "hunter2", "order": "ord_1", "x": ""})
    )
    assert told.facts == (("password", "***"), ("order", "ord_1"), ("x", "–"))
    assert "hunter2" not in plain_text(told)


def test_a_text_too_long_to_be_searched_is_cut_before_a_secret_and_not_within() -> None:
    for length in range(9_970, 10_010):
        body = "x " * (length // 2) + "postgresql://me:hunter2@db/ledger"
        assert "hunter2" not in message(alert(body=body, title=body, facts={"why": body})).body
    assert message(alert(body="x" * 20_000)).body == "(20,000 characters without a space are not shown)"
    secret = "x" * 9_000 + " password=" + "hunter2" * 10_000
    assert "hunter2" not in plain_text(message(alert(body=secret, title="password=" + "hunter2" * 1_000)))


@given(messages())
def test_any_message_is_printable_and_its_headline_short(made: Message) -> None:
    assert units(made.headline) <= HEADLINE_LIMIT
    assert "\n" not in made.headline
    assert made.headline.startswith(f"{made.mode.upper()} · ")
    whole = plain_text(made)
    assert printable(whole) == whole
    assert units(whole) < 30_000
