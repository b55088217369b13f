"""IB's algorithms as IB's page spells them, and refusals of what IB would refuse."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading import order
from tickledger.domain.errors import ConfigurationError, OrderError
from tickledger.execution.algos.broker_algos import (
    AdaptivePriority,
    BrokerAlgo,
    IbAdaptive,
    IbTwap,
    IbVwap,
    TwapStrategyType,
    algo_parameters,
    check_base_order,
    read_algo,
)

NEW_YORK = ZoneInfo("America/New_York")
FROM = datetime(2026, 11, 25, 10, tzinfo=NEW_YORK)
TO = datetime(2026, 11, 25, 12, 30, tzinfo=NEW_YORK)


def test_parameters_are_spelled_as_ib_spells_them() -> None:
    assert algo_parameters(IbAdaptive(AdaptivePriority.PATIENT)) == ("Adaptive", (("adaptivePriority", "Patient"),))
    twap = IbTwap(strategy_type=TwapStrategyType.MATCHING_SAME_SIDE, starts_at=FROM, ends_at=TO)
    assert algo_parameters(twap) == (
        "Twap",
        (
            ("strategyType", "Matching Same Side"),
            ("startTime", "20261125-15:00:00"),
            ("endTime", "20261125-17:30:00"),
            ("allowPastEndTime", "0"),
        ),
    )
    vwap = IbVwap(max_volume_part=Decimal("0.1"), ends_at=TO, is_allowed_past_end=True, is_never_taking=True)
    assert algo_parameters(vwap) == (
        "Vwap",
        (
            ("maxPctVol", "0.1"),
            ("endTime", "20261125-17:30:00"),
            ("allowPastEndTime", "1"),
            ("noTakeLiq", "1"),
            ("speedUp", "0"),
        ),
    )


@pytest.mark.parametrize("part", ["0.009", "0.51", "0", "10"])
def test_a_part_of_the_volume_that_ib_does_not_take_is_refused(part: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Vwap maxPctVol: expected 0.01 to 0.50, found"):
        IbVwap(max_volume_part=Decimal(part))


def test_a_window_has_time_zones_and_ends_after_it_starts() -> None:
    with pytest.raises(ConfigurationError, match="endTime: expected an instant after"):
        IbTwap(starts_at=TO, ends_at=FROM)
    with pytest.raises(ConfigurationError, match="startTime: expected an instant with its time zone"):
        IbTwap(starts_at=FROM.replace(tzinfo=None))


def test_ib_takes_its_algorithms_on_limit_orders_and_adaptive_on_market_orders_too() -> None:
    twap, vwap = IbTwap(), IbVwap(max_volume_part=Decimal("0.1"))
    for algo in (IbAdaptive(), twap, vwap):
        check_base_order(order("BUY 100 X LIMIT 9"), algo)
    check_base_order(order("BUY 100 X"), IbAdaptive())
    with pytest.raises(OrderError, match="IB's Twap needs a LIMIT order, found MARKET"):
        check_base_order(order("BUY 100 X"), twap)
    with pytest.raises(OrderError, match="IB's Adaptive needs a LIMIT or MARKET order, found STOP"):
        check_base_order(order("BUY 100 X STOP 9"), IbAdaptive())


@pytest.mark.parametrize(
    ("strategy", "parameters", "refusal"),
    [
        ("ArrivalPx", {}, "expected one of Adaptive, Twap, Vwap, found 'ArrivalPx'"),
        ("Adaptive", {"adaptivePriority": "Relaxed"}, "expected IB's values"),
        ("Adaptive", {}, "expected IB's values"),
        ("Twap", {"strategyType": "Marketable", "maxPctVol": "0.1"}, "expected strategyType, .*, found maxPctVol"),
        ("Vwap", {"maxPctVol": "a tenth"}, "expected IB's values"),
        ("Vwap", {"maxPctVol": "0.1", "speedUp": "yes"}, "expected IB's values"),
        ("Vwap", {"maxPctVol": "0.6"}, "maxPctVol: expected 0.01 to 0.50"),
        ("Twap", {"strategyType": "Marketable", "startTime": "15:00:00"}, "expected IB's values"),
    ],
)
def test_names_tags_and_values_that_ib_does_not_have_are_refused(
    strategy: str, parameters: dict[str, str], refusal: str
) -> None:
    with pytest.raises(ConfigurationError, match=refusal):
        read_algo(strategy, parameters)


instants = st.integers(0, 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
windows = st.fixed_dictionaries(
    {"starts_at": st.none() | instants, "ends_at": st.none(), "is_allowed_past_end": st.booleans()}
)
algos: st.SearchStrategy[BrokerAlgo] = st.one_of(
    st.builds(IbAdaptive, st.sampled_from(AdaptivePriority)),
    windows.flatmap(lambda window: st.builds(IbTwap, strategy_type=st.sampled_from(TwapStrategyType), **_just(window))),
    windows.flatmap(
        lambda window: st.builds(
            IbVwap,
            max_volume_part=st.integers(1, 50).map(lambda part: Decimal(part) / 100),
            is_never_taking=st.booleans(),
            is_sped_up=st.booleans(),
            **_just(window),
        )
    ),
)


def _just(window: Mapping[str, object]) -> dict[str, Any]:
    return {name: st.just(value) for name, value in window.items()}


@given(algos)
def test_what_is_written_reads_back_the_same(algo: BrokerAlgo) -> None:
    strategy, parameters = algo_parameters(algo)
    assert read_algo(strategy, dict(parameters)) == algo
