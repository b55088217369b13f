"""Publishing: the latest wins, nothing is lost but freshness, nobody waits, nothing is raised."""

import json
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cached import NOON, PAPER, a_print, beat, limits, minute_bar, position, quote, signal
from tests.unit.cache.stores import MoodySink, eventually
from tickledger.cache import latest, outgoing
from tickledger.cache.json_text import from_fields, from_json
from tickledger.cache.keys import LIFETIMES, Kind, Lifetime
from tickledger.cache.latest import LatestValues
from tickledger.cache.outgoing import OutgoingValues
from tickledger.cache.publisher import CachePublisher
from tickledger.domain.live_view import IntervalBar, MarketSnapshot
from tickledger.domain.trading_session import SessionState

SOON = 0.005


def publisher(sink: MoodySink, *, bars_kept: int = 390) -> CachePublisher:
    return CachePublisher(sink, PAPER, interval=SOON, bars_kept=bars_kept)


def snapshot_in(sink: MoodySink, symbol: str) -> MarketSnapshot | None:
    text = sink.text(PAPER.key(Kind.QUOTE, symbol))
    found = from_json(Kind.QUOTE, text) if text else None
    assert found is None or isinstance(found, MarketSnapshot)
    return found


def bars_in(sink: MoodySink, symbol: str) -> list[str]:
    text = sink.text(PAPER.key(Kind.BARS, symbol, "1min"))
    values = [from_fields(Kind.BARS, fields) for fields in json.loads(text or "[]")]
    return [value.bar.bar_id for value in values if isinstance(value, IntervalBar)]


def test_only_the_latest_of_many_quotes_is_written() -> None:
    sink = MoodySink()
    told = publisher(sink)
    for cents in range(10_000):
        told.publish_quote(quote("AAPL", "1.00", f"{2 + cents / 100:.2f}"))
    with told:
        assert eventually(lambda: snapshot_in(sink, "AAPL") is not None)
    snapshot = snapshot_in(sink, "AAPL")
    assert snapshot is not None
    assert snapshot.quote == quote("AAPL", "1.00", "101.99")
    assert sum(map(len, sink.batches)) == 1


def test_the_last_print_stands_beside_the_quote_and_prints_add_up_to_the_volume() -> None:
    sink = MoodySink()
    with publisher(sink) as told:
        told.publish_print(a_print("AAPL", "1.50", 30))
        told.publish_quote(quote("AAPL", "1.00", "2.00"))
        told.publish_print(a_print("AAPL", "1.60", 12))
    assert snapshot_in(sink, "AAPL") == MarketSnapshot(
        "AAPL", quote("AAPL", "1.00", "2.00"), a_print("AAPL", "1.60", 12), 42
    )


def test_a_volume_that_the_market_tells_is_taken_from_it_and_counted_on() -> None:
    sink = MoodySink()
    with publisher(sink) as told:
        told.publish_print(a_print("AAPL", "1.50", 30), volume=5_000)
        told.publish_print(a_print("AAPL", "1.60", 12))
    snapshot = snapshot_in(sink, "AAPL")
    assert snapshot is not None
    assert snapshot.volume == 5_012


def test_the_last_bars_are_kept_in_order_and_a_bar_that_comes_again_takes_its_own_place() -> None:
    sink = MoodySink()
    with publisher(sink, bars_kept=3) as told:
        for minute in range(5):
            told.publish_bar(minute_bar("AAPL", minute), interval="1min")
        told.publish_bar(minute_bar("AAPL", 4, close="12.00"), interval="1min")
    assert bars_in(sink, "AAPL") == [minute_bar("AAPL", minute).bar_id for minute in (2, 3, 4)]
    assert '"close":"12.00"' in str(sink.text(PAPER.key(Kind.BARS, "AAPL", "1min")))


def test_every_kind_is_written_with_its_time_to_live_and_told_on_its_channel() -> None:
    sink = MoodySink()
    with publisher(sink) as told:
        told.warm(
            quotes=[quote("AAPL", "1", "2")],
            positions=[position("AAPL", "5"), position("MSFT", "-5")],
            limits=limits(max_daily_loss="5000"),
            bars={"1min": [minute_bar("AAPL", 0)]},
        )
        told.publish_signal(signal("momentum", "AAPL"))
        told.publish_state(beat())
    lives = {entry.key: entry.seconds for batch in sink.batches for entry in batch}
    assert {key: round(seconds) for key, seconds in lives.items()} == {
        "market:quote:AAPL": 300,
        "market:ohlcv:AAPL:1min": 300,
        "position:current:paper:DU123:AAPL": 300,
        "position:current:paper:DU123:MSFT": 300,
        "signal:paper:DU123:momentum:AAPL": 900,
        "risk:limits:position:paper:DU123": 3600,
        "session:state:paper:DU123": 30,
    }
    told_of = {message.channel: len(json.loads(message.text)) for message in sink.messages}
    assert told_of[PAPER.channel(Kind.POSITION)] == 2
    assert set(told_of) == {PAPER.channel(kind) for kind in Kind} - {
        PAPER.channel(Kind.PORTFOLIO),
        PAPER.channel(Kind.EXPOSURE),
    }


def test_what_holds_is_renewed_before_it_ends_and_what_is_a_moments_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (Kind.LIMITS, Kind.SIGNAL):
        monkeypatch.setitem(LIFETIMES, kind, Lifetime(0.3, is_renewed=LIFETIMES[kind].is_renewed))
    sink = MoodySink()

    def times(kind: Kind) -> int:
        return sum(entry.key.startswith(kind) for batch in sink.batches for entry in batch)

    with publisher(sink) as told:
        told.publish_limits(limits(max_daily_loss="5000"))
        told.publish_signal(signal("momentum", "AAPL"))
        assert eventually(lambda: times(Kind.LIMITS) > 3)
    assert times(Kind.SIGNAL) == 1


def test_a_store_that_was_away_gets_everything_that_holds_and_only_the_latest_of_it() -> None:
    sink = MoodySink()
    with publisher(sink) as told:
        told.warm(quotes=[quote("AAPL", "1", "2"), quote("MSFT", "3", "4")], limits=limits(max_daily_loss="5000"))
        told.publish_bar(minute_bar("AAPL", 0), interval="1min")
        assert eventually(lambda: bars_in(sink, "AAPL") != [])
        sink.is_down = True
        assert eventually(lambda: not told.health().is_connected)
        assert "down" in told.health().problem
        for cents in range(1_000):
            told.publish_quote(quote("AAPL", "1", f"{2 + cents}"))
        told.publish_bar(minute_bar("AAPL", 1), interval="1min")
        sink.forget()
        sink.is_down = False
        assert eventually(lambda: snapshot_in(sink, "MSFT") is not None)
    assert snapshot_in(sink, "AAPL") == MarketSnapshot("AAPL", quote("AAPL", "1", "1001"))
    assert len(bars_in(sink, "AAPL")) == 2
    assert sink.text(PAPER.key(Kind.LIMITS)) is not None
    health = told.health()
    assert (health.is_connected, health.connections, health.waiting, health.problem) == (True, 2, 0, "")


def test_a_restart_that_nobody_wrote_through_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tickledger.cache.publisher._PING_SECONDS", SOON)
    sink = MoodySink()
    with publisher(sink) as told:
        told.publish_limits(limits(max_daily_loss="5000"))
        assert eventually(lambda: told.health().written == 1)
        sink.is_down = True
        assert eventually(lambda: not told.health().is_connected)
        sink.forget()
        sink.is_down = False
        assert eventually(lambda: sink.text(PAPER.key(Kind.LIMITS)) is not None)


def test_a_store_that_hangs_holds_up_nobody_who_publishes_and_little_is_kept() -> None:
    sink = MoodySink()
    with publisher(sink) as told:
        told.publish_quote(quote("S0", "1", "2"))
        assert eventually(lambda: told.health().written == 1)
        sink.may_answer.clear()
        for number in range(50_000):
            told.publish_quote(quote(f"S{number % 100}", "1", f"{number + 2}"))
        assert told.health().waiting <= 100
        sink.may_answer.set()
        assert eventually(lambda: snapshot_in(sink, "S99") == MarketSnapshot("S99", quote("S99", "1", "50001")))


def test_what_the_store_refuses_is_told_and_written_when_it_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tickledger.cache.publisher._REFUSED_WAIT_SECONDS", SOON)
    sink = MoodySink(refused=lambda key: "AAPL" in key)
    with publisher(sink) as told:
        told.publish_quote(quote("AAPL", "1", "2"))
        told.publish_bar(minute_bar("AAPL", 0), interval="1min")
        told.publish_quote(quote("MSFT", "1", "2"))
        assert eventually(lambda: snapshot_in(sink, "MSFT") is not None)
        assert eventually(lambda: told.health().refused > 2)
        assert (told.health().is_connected, told.health().problem) == (True, "OOM")
        sink.refused = lambda _: False
        assert eventually(lambda: told.health().waiting == 0 and told.health().problem == "")
    assert snapshot_in(sink, "AAPL") is not None
    assert bars_in(sink, "AAPL") != []


def test_a_value_that_cannot_be_written_keeps_no_other_from_it() -> None:
    sink = MoodySink()
    with publisher(sink) as told:
        told.publish_quote(quote("BAD", "1", "2", at=datetime(2026, 3, 2)))  # noqa: DTZ001  that is what is bad
        told.publish_quote(quote("GOOD", "1", "2"))
        assert eventually(lambda: snapshot_in(sink, "GOOD") is not None)
        assert eventually(lambda: told.health().refused == 1)
        assert "aware instant" in told.health().problem
    assert snapshot_in(sink, "BAD") is None


def test_an_error_that_nobody_thought_of_ends_neither_the_thread_nor_the_caller() -> None:
    sink = MoodySink()

    def fail(_key: str) -> bool:
        raise RuntimeError("nobody thought of this")

    sink.refused = fail
    with publisher(sink) as told:
        told.publish_quote(quote("AAPL", "1", "2"))
        assert eventually(lambda: "nobody thought" in told.health().problem)
        sink.refused = lambda _: False
        assert eventually(lambda: snapshot_in(sink, "AAPL") is not None)


def test_what_is_waiting_is_written_at_the_end() -> None:
    sink = MoodySink()
    with CachePublisher(sink, PAPER, interval=60) as told:
        assert eventually(lambda: told.health().is_connected)
        told.publish_state(beat(SessionState.ENDED))
    assert '"ended"' in str(sink.text(PAPER.key(Kind.SESSION)))


def test_ending_does_not_wait_for_a_store_that_is_down() -> None:
    with publisher(MoodySink(is_down=True)) as told:
        told.publish_state(beat())
        assert eventually(lambda: told.health().problem == "it is down")
    assert not told.health().is_connected


def test_names_without_end_are_bounded_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "_MOST_NAMES", 10)
    told = publisher(MoodySink(is_down=True))
    for number in range(100):
        told.publish_quote(quote(f"S{number}", "1", "2"))
        told.publish_quote(quote("S0", "1", f"{number + 2}"))
    assert (told.health().waiting, told.health().dropped) == (10, 90)


# --- ages: nothing is passed off as fresher than it is


def values_at_ages(monkeypatch: pytest.MonkeyPatch, *ages: tuple[float, str]) -> dict[str, float]:
    """Quotes, signals and positions put so many seconds ago; the seconds that what is left of them lives."""
    clock = [0.0]
    monkeypatch.setattr(latest, "monotonic", lambda: clock[0])
    values = OutgoingValues(PAPER, bars_kept=10)
    end = max(age for age, _ in ages)
    for age, name in sorted(ages, reverse=True):
        clock[0] = end - age
        values.put_quote(quote(name, "1", "2"))
        values.put(Kind.SIGNAL, ("s", name), signal("s", name))
        values.put(Kind.POSITION, (name,), position(name, "1"))
    clock[0] = end
    return {one.entry.key: one.entry.seconds for one in values.batch()}


def test_a_value_that_waited_lives_as_much_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    lives = values_at_ages(monkeypatch, (0, "NEW"), (200, "OLD"), (299.5, "ENDING"), (301, "ENDED"), (1_000, "LONG"))
    quotes = {symbol: lives.get(PAPER.key(Kind.QUOTE, symbol)) for symbol in ("NEW", "OLD", "ENDING", "ENDED")}
    assert quotes == {"NEW": 300, "OLD": 100, "ENDING": 0.5, "ENDED": None}
    signals = {symbol: lives.get(PAPER.key(Kind.SIGNAL, "s", symbol)) for symbol in ("NEW", "ENDED", "LONG")}
    assert signals == {"NEW": 900, "ENDED": 599, "LONG": None}
    assert lives[PAPER.key(Kind.POSITION, "LONG")] == 300


def lives_after(monkeypatch: pytest.MonkeyPatch, *, beat_at: float | None) -> set[str]:
    """What is written again 400 seconds after a position, limits and a bar were told; the heartbeat was then."""
    clock = [0.0]
    monkeypatch.setattr(latest, "monotonic", lambda: clock[0])
    values = OutgoingValues(PAPER, bars_kept=10)
    values.put(Kind.POSITION, ("AAPL",), position("AAPL", "1"))
    values.put(Kind.LIMITS, (), limits(max_daily_loss="1"))
    values.put_bar(IntervalBar("1min", minute_bar("AAPL", 0)))
    list(values.batch())
    if beat_at is not None:
        clock[0] = beat_at
        values.put(Kind.SESSION, (), beat())
    clock[0] = 400
    values.mark_all()
    return {one.kind for one in values.batch()}


def test_a_session_vouches_for_what_it_told_only_while_its_heart_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lives_after(monkeypatch, beat_at=399) == {Kind.POSITION, Kind.LIMITS, Kind.BARS, Kind.SESSION}
    assert lives_after(monkeypatch, beat_at=300) == {Kind.LIMITS}
    assert lives_after(monkeypatch, beat_at=None) == {Kind.POSITION, Kind.LIMITS, Kind.BARS}


def test_an_old_quote_does_not_live_on_beside_a_new_print(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(latest, "monotonic", lambda: clock[0])
    values = OutgoingValues(PAPER, bars_kept=10)
    values.put_quote(quote("AAPL", "1", "2"))
    clock[0] = 400
    values.put_print(a_print("AAPL", "1.50", 10, at=NOON + timedelta(seconds=400)), None)
    (one,) = values.batch()
    snapshot = from_json(Kind.QUOTE, one.entry.text)
    assert isinstance(snapshot, MarketSnapshot)
    assert (snapshot.quote, snapshot.last and snapshot.last.price) == (None, Decimal("1.50"))
    assert one.entry.seconds == 300


# --- the hand-over against a model


_steps = st.tuples(st.sampled_from(["put", "put", "take", "mark_all"]), st.sampled_from("abcde"), st.integers())


@given(st.lists(_steps))
def test_what_is_taken_is_what_was_put_last_and_nothing_is_left_out(steps: list[tuple[str, str, int]]) -> None:
    values: LatestValues[str, int] = LatestValues(3)
    current: dict[str, int] = {}
    waiting: set[str] = set()
    for step, name, number in steps:
        match step:
            case "put":
                values.put(name, number)
                if name in current or len(current) < 3:
                    current[name] = number
                    waiting.add(name)
            case "take":
                taken = {one: found[0] for one in values.take() if (found := values.get(one))}
                assert taken == {one: current[one] for one in waiting}
                waiting.clear()
            case _:
                values.mark_all()
                waiting = set(current)
    assert len(values) == len(waiting)
