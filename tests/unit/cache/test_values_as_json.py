"""What is written is what is read; money stays decimal, instants UTC, names those of the specification."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cached import NOON, VALUES, a_print, beat, limits, minute_bar, position, quote, signal
from tickledger.cache.json_text import from_json, to_json
from tickledger.cache.keys import Kind
from tickledger.domain.live_view import IntervalBar, LiveValue, MarketSnapshot


@given(st.sampled_from(Kind).flatmap(lambda kind: st.tuples(st.just(kind), VALUES[kind])))
def test_what_is_written_is_read_as_it_was(written: tuple[Kind, LiveValue]) -> None:
    kind, value = written
    assert from_json(kind, to_json(value)) == value


@given(st.sampled_from(Kind).flatmap(lambda kind: VALUES[kind]))
def test_money_is_never_a_number_of_json(value: LiveValue) -> None:
    floats: list[str] = []
    json.loads(to_json(value), parse_float=floats.append)
    assert floats == [] or "confidence" in to_json(value)


@given(st.sampled_from(Kind), st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_text_that_is_no_value_is_a_value_error_and_nothing_else(kind: Kind, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the kinds of it differ
        from_json(kind, text)


def written(value: LiveValue) -> dict[str, Any]:
    return dict(json.loads(to_json(value)))


def test_a_snapshot_has_the_names_of_the_specification() -> None:
    told = a_print("AAPL", "150.01", 30, at=NOON + timedelta(seconds=1))
    assert written(MarketSnapshot("AAPL", quote("AAPL", "150.00", "150.02"), told, 1_000)) == {
        "symbol": "AAPL",
        "bid": "150.00",
        "ask": "150.02",
        "bid_size": 100,
        "ask_size": 200,
        "quoted_at": "2026-03-02T17:00:00+00:00",
        "last": "150.01",
        "last_size": 30,
        "last_at": "2026-03-02T17:00:01+00:00",
        "volume": 1000,
        "timestamp": "2026-03-02T17:00:01+00:00",
    }


def test_the_other_kinds_have_the_names_of_the_specification_too() -> None:
    fields: list[tuple[LiveValue, set[str]]] = [
        (IntervalBar("1min", minute_bar("AAPL", 0)), {"timestamp", "open", "high", "low", "close", "volume"}),
        (position("AAPL", "-5"), {"quantity", "avg_cost", "unrealized_pnl"}),
        (signal("momentum", "AAPL"), {"signal_type", "confidence", "timestamp"}),
        (beat(), {"state", "session_id", "timestamp"}),
    ]
    for value, names in fields:
        assert names <= written(value).keys()
    told = written(limits(max_position_size="1000", max_portfolio_exposure="1.0", max_daily_loss="5000"))
    assert (told["max_position_size"], told["max_exposure"]) == ("1000", "1.0")
    assert told["limits"]["max_daily_loss"] == "5000"


def test_an_instant_of_any_zone_is_written_in_utc() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-5)))
    assert written(MarketSnapshot("A", quote("A", "1", "2", at=elsewhere)))["quoted_at"] == "2026-03-02T17:00:00+00:00"


@pytest.mark.parametrize(
    "value",
    [
        MarketSnapshot("A", quote("A", "1", "2", at=datetime(2026, 3, 2, 17))),  # noqa: DTZ001  that is the point
        MarketSnapshot("A", quote("A", "NaN", "2")),
        replace(position("A", "1"), unrealized_pnl=Decimal("Infinity")),
        replace(signal("s", "A"), confidence=float("nan")),
        IntervalBar("1min", replace(minute_bar("A", 0), bar_id="none of ours")),
    ],
    ids=["naive instant", "no price", "infinite money", "no confidence", "bar without an instant"],
)
def test_what_nobody_could_read_is_not_written(value: LiveValue) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  what it says is ours in three cases, Python's in two
        to_json(value)


def test_large_amounts_are_written_without_an_exponent() -> None:
    assert written(position("A", "1E+6"))["quantity"] == "1000000"
