"""IB's algorithms: how they slice in market time, where they stand, and what ends them."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.exchange.venues import NEW_YORK, at, fills, minutes, order, steps, venue
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_orders import VenueFill, VenueStatus

OPEN = "2024-07-02 09:30"
WINDOW = {"startTime": "20240702-14:00:00", "endTime": "20240702-14:10:00"}  # 10:00 to 10:10 in New York
FLAT = minutes(OPEN, ["10.00 10.02 9.98 10.00"] * 60, volume=8_000)


def worked(text: str, algo: str, params: dict[str, str], **changed: Any) -> tuple[Venue, list[VenueFill]]:
    market = venue(FLAT, start=OPEN, **changed)
    market.submit(order(text, algo=algo, algo_params=params))
    market.advance(at("2024-07-02 10:29"))
    return market, market.fills()


def by_minute(told: list[VenueFill]) -> dict[str, Decimal]:
    shares: dict[str, Decimal] = defaultdict(Decimal)
    for fill in told:
        shares[f"{fill.executed_at.astimezone(NEW_YORK):%H:%M}"] += fill.quantity
    return dict(shares)


def test_twap_lets_out_an_equal_part_a_minute() -> None:
    market, told = worked("BUY 1000 X MKT", "Twap", WINDOW)
    assert by_minute(told) == {f"10:{minute:02}": Decimal(100) for minute in range(10)}
    assert market.update(1).status is VenueStatus.FILLED


def test_twap_rounds_slices_down_to_whole_shares_and_catches_up() -> None:
    _, told = worked("BUY 25 X MKT", "Twap", WINDOW)
    assert list(by_minute(told).values()) == [2, 3, 2, 3, 2, 3, 2, 3, 2, 3]


def test_times_can_be_told_in_new_york() -> None:
    times = {"startTime": "10:00:00 US/Eastern", "endTime": "20240702 10:10:00 US/Eastern"}
    _, told = worked("BUY 1000 X MKT", "Twap", times)
    assert set(by_minute(told)) == {f"10:{minute:02}" for minute in range(10)}


def test_what_a_limit_kept_from_filling_is_cancelled_at_the_end_or_goes_on_after_it() -> None:
    market, told = worked("BUY 1000 X LMT 9.50", "Twap", WINDOW)
    assert (told, steps([market.update(1)])) == ([], ["CANCELLED 202"])
    assert market.update(1).occurred_at == at("2024-07-02 10:10")
    market, _ = worked("BUY 1000 X LMT 9.50", "Twap", {**WINDOW, "allowPastEndTime": "1"})
    assert market.update(1).status is VenueStatus.WORKING
    assert steps(market.advance(at("2024-07-02 16:00"))) == ["CANCELLED 202"]


@pytest.mark.parametrize("strategy", ["Marketable", "Matching Midpoint", "Matching Same Side", "Matching Last"])
def test_twap_on_our_own_side_never_pays_the_ask(strategy: str) -> None:
    _, told = worked("BUY 1000 X LMT 10.50", "Twap", {**WINDOW, "strategyType": strategy})
    assert told
    if strategy == "Matching Same Side":
        assert all(fill.adds_liquidity for fill in told if fill.executed_at < at("2024-07-02 10:10"))


def test_vwap_follows_the_expected_volume_and_keeps_to_its_share() -> None:
    _, told = worked("BUY 100000 X MKT", "Vwap", {**WINDOW, "maxPctVol": "0.1"})
    taken = Decimal(0)
    for minute in range(10):
        taken += by_minute(told).get(f"10:{minute:02}", Decimal(0))
        assert taken <= Decimal("0.1") * 8_000 * minute


def test_vwap_over_the_day_is_busy_at_its_ends() -> None:
    bars = minutes(OPEN, ["10.00 10.02 9.98 10.00"] * 390)
    market = venue(bars, start="2024-07-02 09:00")
    market.submit(order("BUY 39000 X MKT", algo="Vwap"))
    market.advance(at("2024-07-02 16:00"))
    shares = by_minute(market.fills())
    assert sum(shares.values()) == 39_000
    assert shares["09:30"] > 1.5 * float(shares["12:45"])
    assert shares["15:59"] > 1.5 * float(shares["12:45"])


@pytest.mark.parametrize(
    ("priority", "latest"), [("Urgent", "09:31:05"), ("Normal", "09:31:30"), ("Patient", "09:34:00")]
)
def test_adaptive_waits_for_a_better_price_as_long_as_its_priority_says(priority: str, latest: str) -> None:
    # The market runs away: nobody sells at our side of the quote.
    bars = minutes(
        OPEN, [f"{10 + place / 10} {10.1 + place / 10} {10 + place / 10} {10.1 + place / 10}" for place in range(9)]
    )
    market = venue(bars, start="2024-07-02 09:31")
    market.submit(order("BUY 100 X MKT", algo="Adaptive", algo_params={"adaptivePriority": priority}))
    market.advance(at("2024-07-02 09:38"))
    (fill,) = market.fills()
    assert fill.executed_at == at(f"2024-07-02 {latest}")


def test_an_algorithm_waits_for_the_session_and_its_own_limit_always_holds() -> None:
    market = venue(FLAT, start="2024-07-02 08:00")
    params = {"adaptivePriority": "Urgent"}
    assert steps(market.submit(order("BUY 100 X LMT 10.00", algo="Adaptive", algo_params=params))) == ["HELD"]
    market.advance(at("2024-07-02 10:00"))
    assert all(fill.price <= 10 for fill in market.fills())


def test_a_modified_algorithm_is_planned_anew() -> None:
    market = venue(FLAT, start=OPEN)
    market.submit(order("BUY 1000 X MKT", algo="Twap", algo_params=WINDOW))
    market.advance(at("2024-07-02 10:05"))
    done = market.update(1).filled
    longer = {**WINDOW, "endTime": "20240702-14:25:00"}
    market.modify(order("BUY 1000 X MKT", algo="Twap", algo_params=longer))
    market.advance(at("2024-07-02 10:26"))
    late: list[datetime] = [fill.executed_at for fill in market.fills()]
    assert 0 < done < 1_000
    assert max(late) > at("2024-07-02 10:20")
    assert market.update(1).status is VenueStatus.FILLED


def test_an_order_until_cancelled_goes_on_with_what_is_left_the_next_session() -> None:
    frames = [minutes(f"2024-07-{day} 09:30", ["10.00 10.02 9.98 10.00"] * 390, volume=1_000) for day in ("01", "02")]
    market = venue(*frames, start="2024-07-01 09:30", max_participation=Decimal("0.1"))
    market.submit(order("BUY 60000 X MKT GTC", algo="Twap"))
    market.advance(at("2024-07-01 16:30"))
    done = market.update(1).filled
    assert 30_000 < done < 40_000
    market.advance(at("2024-07-02 10:30"))
    assert market.update(1).filled > done + 2_000


def test_bad_parameters_are_refused_with_what_was_expected() -> None:
    market = venue(FLAT, start=OPEN)
    bad = [
        ("Adaptive", {"adaptivePriority": "Soon"}),
        ("Twap", {"strategyType": "Guess"}),
        ("Twap", {"startTime": "noon"}),
        ("Twap", {"startTime": "20240702-15:00:00", "endTime": "20240702-14:00:00"}),
        ("Twap", {"endTime": "16:00:00 America"}),
        ("Vwap", {"maxPctVol": "much"}),
        ("Vwap", {"maxPctVol": "NaN"}),
        ("Vwap", {"noTakeLiq": "yes"}),
    ]
    for key, (algo, params) in enumerate(bad, start=1):
        assert steps(market.submit(order("BUY 1 X MKT", key=key, algo=algo, algo_params=params)), key) == [
            "REJECTED 441"
        ]
    assert fills(market.advance(at("2024-07-02 10:00"))) == []


@pytest.mark.parametrize(
    ("algo", "params"),
    [
        ("Adaptive", {"adaptivePriority": "Patient"}),
        ("Twap", {"strategyType": "Marketable"}),
        ("Vwap", {"maxPctVol": "0.01"}),
    ],
)
@pytest.mark.parametrize("kind", ["MKT", "LMT 10.50"])
def test_where_time_stands_an_algorithm_trades_at_once(algo: str, params: dict[str, str], kind: str) -> None:
    market = venue(FLAT, start="2024-07-02 10:00", stands=True)
    told = market.submit(order(f"BUY 1000 X {kind}", algo=algo, algo_params=params))
    assert fills(told) == ["10:00:00 1000 @ 10.00"]
    assert market.update(1).status is VenueStatus.FILLED


def test_where_time_stands_an_algorithm_keeps_its_limit_its_side_and_its_start() -> None:
    market = venue(FLAT, start="2024-07-02 10:00", stands=True)
    market.submit(order("BUY 100 X LMT 9.50", algo="Adaptive"))
    market.submit(order("BUY 100 X MKT", 2, algo="Vwap", algo_params={"noTakeLiq": "1"}))
    market.submit(order("BUY 100 X MKT", 3, algo="Twap", algo_params={"startTime": "20240702-15:00:00"}))
    assert fills(market.advance(market.now)) == []
    assert [market.update(key).status for key in (1, 2, 3)] == [VenueStatus.WORKING] * 3
