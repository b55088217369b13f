"""Signals of a frame: four a row, tied to it and to each other, the same wherever they are made."""

from datetime import UTC, datetime

import pandas as pd
import pandera.errors
import pytest

from tickledger.domain.signal import Signal
from tickledger.strategies.schemas import SignalsFrame, signals_frame
from tickledger.strategies.signals import STRATEGIES, daily_signals

#: A rise, a fall into the lower band, and a quiet day; 2011-11-25 is a half day.
FEATURES = pd.DataFrame(
    {
        "feature_row_id": ["feat_1", "feat_2", "feat_3", "feat_4"],
        "symbol": ["AAPL", "IBM", "AAPL", "IBM"],
        "timestamp": pd.DatetimeIndex(["2011-11-23", "2011-11-23", "2011-11-25", "2011-11-25"], tz="UTC").as_unit("us"),
        "log_return_63": [0.10, -0.05, 0.02, 0.0],
        "volatility_63": [0.20, 0.20, 0.20, 0.20],
        "sma_50_gap": [0.03, -0.02, 0.01, 0.0],
        "rsi_2": [60.0, 3.0, 50.0, 80.0],
        "bollinger_position_20": [0.8, 0.05, 0.5, 0.9],
    }
)
PROBABILITIES = [0.56, 0.51, 0.44, 0.50]


def signals(features: pd.DataFrame = FEATURES, *, model: str = "model_1") -> list[Signal]:
    probability = dict(zip(FEATURES["feature_row_id"], PROBABILITIES, strict=True))
    return daily_signals(
        features, probabilities=[probability[row] for row in features["feature_row_id"]], model_version_id=model
    )


def of(strategy: str, made: list[Signal]) -> list[Signal]:
    return [signal for signal in made if signal.strategy == strategy]


def test_every_row_gets_one_signal_of_each_strategy() -> None:
    made = signals()
    assert [signal.feature_row_id for signal in made] == [row for row in FEATURES["feature_row_id"] for _ in STRATEGIES]
    assert [signal.strategy for signal in made] == [*STRATEGIES] * 4


def test_the_strategies_say_what_their_rules_say() -> None:
    said = {strategy: [str(signal.signal_type) for signal in of(strategy, signals())] for strategy in STRATEGIES}
    assert said == {
        "momentum": ["BUY", "SELL", "HOLD", "HOLD"],
        "mean_reversion": ["HOLD", "BUY", "HOLD", "CLOSE_LONG"],
        "ml": ["BUY", "HOLD", "SELL", "HOLD"],
        "composite": ["BUY", "HOLD", "CLOSE_LONG", "CLOSE_LONG"],
    }


def test_a_signal_is_made_at_the_close_of_its_session_also_on_a_half_day() -> None:
    closes = {signal.session_date.isoformat(): signal.signalled_at for signal in signals()}
    assert closes == {
        "2011-11-23": datetime(2011, 11, 23, 21, 0, tzinfo=UTC),
        "2011-11-25": datetime(2011, 11, 25, 18, 0, tzinfo=UTC),
    }


def test_a_composite_names_the_signals_it_was_made_of() -> None:
    made = signals()
    by_id = {signal.signal_id: signal for signal in made}
    for verdict in of("composite", made):
        components = [by_id[component] for component in verdict.component_ids]
        assert [component.strategy for component in components] == ["momentum", "mean_reversion", "ml"]
        assert {component.feature_row_id for component in components} == {verdict.feature_row_id}


def test_only_signals_that_asked_a_model_name_one() -> None:
    asked = {strategy: {signal.model_version_id for signal in of(strategy, signals())} for strategy in STRATEGIES}
    assert asked == {"momentum": {None}, "mean_reversion": {None}, "ml": {"model_1"}, "composite": {"model_1"}}


def test_the_same_rows_give_the_same_signals_in_any_order() -> None:
    shuffled = FEATURES.sample(frac=1, random_state=3)
    assert sorted(signals(shuffled), key=lambda signal: signal.signal_id) == sorted(
        signals(), key=lambda signal: signal.signal_id
    )


def test_ids_are_unique_and_follow_from_the_model_asked() -> None:
    first, second = signals(), signals(model="model_2")
    ids = [signal.signal_id for signal in first]
    assert len(set(ids)) == len(ids)
    changed = {one.strategy for one, other in zip(first, second, strict=True) if one.signal_id != other.signal_id}
    assert changed == {"ml", "composite"}


def test_an_id_follows_from_what_the_signal_says() -> None:
    surer = daily_signals(FEATURES, probabilities=[0.57, 0.51, 0.44, 0.50], model_version_id="model_1")
    assert of("ml", surer)[0].signal_id != of("ml", signals())[0].signal_id
    assert of("composite", surer)[0].signal_id != of("composite", signals())[0].signal_id
    assert of("composite", surer)[1:] == of("composite", signals())[1:]


def test_a_probability_is_needed_for_every_row() -> None:
    with pytest.raises(ValueError, match="shorter"):
        daily_signals(FEATURES, probabilities=[0.5], model_version_id="model_1")


def test_a_day_without_a_session_has_no_close_to_signal_at() -> None:
    holiday = FEATURES.assign(timestamp=pd.Timestamp("2011-12-26", tz="UTC"))
    with pytest.raises(ValueError, match="expected an NYSE session, found Monday 2011-12-26"):
        signals(holiday)


def test_the_frame_of_any_signals_satisfies_its_schema() -> None:
    for made in (signals(), []):
        frame = signals_frame(made)
        SignalsFrame.validate(frame, lazy=True)
        assert frame["signal_id"].tolist() == [signal.signal_id for signal in made]


@pytest.mark.parametrize(
    ("column", "value", "complaint"),
    [
        ("confidence", 1.01, "confidence"),
        ("signal_type", "SHRUG", "signal_type"),
        ("strategy", "astrology", "strategy"),
        ("signal_id", "order_1", "signal_id"),
        ("feature_row_id", "", "feature_row_id"),
        ("component_ids", "", "components exactly where the strategy is the composite"),
        ("model_version", "", "a model version exactly where a model was asked"),
    ],
)
def test_the_schema_refuses_what_is_not_a_signal(column: str, value: str | float, complaint: str) -> None:
    frame = signals_frame(signals())
    frame.loc[3, column] = value  # a composite
    with pytest.raises(pandera.errors.SchemaErrors, match=complaint):
        SignalsFrame.validate(frame, lazy=True)


def test_the_schema_refuses_two_opinions_of_one_strategy() -> None:
    frame = signals_frame(signals())
    again = frame.assign(signal_id=frame["signal_id"] + "x")
    with pytest.raises(pandera.errors.SchemaErrors, match="one signal for each symbol, session and strategy"):
        SignalsFrame.validate(pd.concat([frame, again], ignore_index=True), lazy=True)
