"""A day played again from its journals of inputs: the same decisions, restarts within the day included."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from resources.session_replay import replayed
from tests.session_day import HALF_DAY, POLICY, SessionDay
from tickledger.bars.calendars import session_close, session_open
from tickledger.domain.errors import InputError
from tickledger.execution.live_market import LiveMarketSettings
from tickledger.execution.session_journal import BEGAN, SessionJournalWriter, read_session_journal

OPENS_AT, CLOSES_AT = session_open(HALF_DAY), session_close(HALF_DAY)
AFTER_THE_CLOSE = CLOSES_AT + timedelta(minutes=1)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> SessionDay:
    """A half day from its opening to its close, in three processes."""
    day = SessionDay(tmp_path_factory.mktemp("sessions"))
    for instant in (OPENS_AT + timedelta(minutes=47, seconds=25), OPENS_AT + timedelta(hours=2)):
        day.trade_until(instant)
        day.restart()
    day.trade_until(AFTER_THE_CLOSE)
    day.end()
    return day


def test_every_process_of_the_day_decides_the_same_again(played: SessionDay) -> None:
    replays = [replayed(path) for path in played.journals]
    assert [replay.differences for replay in replays] == [(), (), ()]
    assert all(replay.is_same for replay in replays)
    # It has to have done something for this to mean anything.
    assert all(len(replay.recorded) > 20 for replay in replays)
    assert {decision.is_approved for replay in replays for decision in replay.recorded} == {True}


def test_the_day_ends_flat_with_the_books_of_both_sides_agreeing(played: SessionDay) -> None:
    record = played.journal.session_record()
    [balance] = record.balances
    assert played.at_broker == played.account == {}
    assert balance.cash == balance.equity == played.venue.account("DU1234567").cash
    spent = sum(
        (fill.side.sign * fill.quantity * fill.price + fill.commission + fill.fees for fill in record.executions),
        Decimal(0),
    )
    assert balance.cash == 100_000 - spent
    assert len({order.order_id for order in record.orders}) == len(record.orders)
    assert len({fill.execution_id for fill in record.executions}) == len(record.executions)


def test_nothing_is_sold_that_was_not_held(played: SessionDay) -> None:
    held: dict[str, Decimal] = {}
    for fill in played.journal.session_record().executions:
        held[fill.symbol] = held.get(fill.symbol, Decimal(0)) + fill.side.sign * fill.quantity
        assert held[fill.symbol] >= 0


def test_a_torn_end_leaves_what_is_before_it_the_same(played: SessionDay, tmp_path: Path) -> None:
    whole = played.journals[0].read_bytes()
    agreed = whole.index(b"\n") + 1
    for part in (0.1, 0.5, 0.77, 0.999):
        path = tmp_path / f"{part}.jsonl"
        path.write_bytes(whole[: agreed + int((len(whole) - agreed) * part)])
        assert replayed(path).is_same, replayed(path).differences


@pytest.mark.parametrize(
    "changed",
    [
        {"policy": replace(POLICY, stop_loss=Decimal("0.004"))},
        {"policy": replace(POLICY, quote_limit=timedelta(seconds=1))},
        {"strategy": "momentum"},
    ],
    ids=["another stop", "fresher quotes", "another strategy"],
)
def test_another_rule_shows_as_differences(played: SessionDay, changed: dict[str, Any], tmp_path: Path) -> None:
    replay = replayed(rewritten(played.journals[1], tmp_path, lambda terms: replace(terms, **changed)))
    assert not replay.is_same
    assert replay.differences


def test_a_journal_that_does_not_say_what_was_agreed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    with pytest.raises(InputError, match="expected the terms of a session in its first line"):
        replayed(tmp_path / "a.jsonl")


def rewritten(path: Path, folder: Path, change: Callable[[Any], Any]) -> Path:
    """The journal of a session that had agreed on other terms."""
    writer = SessionJournalWriter(folder / path.name)
    for line in read_session_journal(path)[0]:
        writer.write(line.kind, change(line.value) if line.kind == BEGAN else line.value)
    writer.close()
    return writer.path


def test_a_session_driven_by_ticks_decides_by_seconds_and_plays_again_the_same(tmp_path: Path) -> None:
    settings = LiveMarketSettings(("1sec",), bar_patience=timedelta(seconds=0.25), is_tick_driven=True)
    starts_at: datetime = OPENS_AT + timedelta(minutes=30)
    day = SessionDay(tmp_path, starts_at=starts_at, settings=settings, step=timedelta(seconds=0.25), interval="1sec")
    day.trade_until(starts_at + timedelta(minutes=12))
    day.end()
    replay = replayed(day.journals[0])
    assert replay.is_same, replay.differences
    assert replay.recorded
    signals = [signal for news in day.news for signal in news.signals]
    assert signals
    # An opinion is the session's within a second of the bar it is of.
    assert all(news.event.occurred_at == signal.signalled_at for news in day.news for signal in news.signals)
