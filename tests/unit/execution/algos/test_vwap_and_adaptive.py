"""VWAP and participation against schedules computed by hand."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.unit.execution.algos.desk import DAY, START, Desk, at, parent
from tickledger.bars.calendars import session_open
from tickledger.domain.errors import ConfigurationError
from tickledger.domain.order import OrderStatus
from tickledger.execution.algos.adaptive import Adaptive, Patience
from tickledger.execution.algos.parent import DoneReason
from tickledger.execution.algos.terms import AtEnd, Terms
from tickledger.execution.algos.volume_curve import VolumeCurve
from tickledger.execution.algos.vwap import Vwap

D = Decimal
SMALL = Terms(round_lot=D(1), minimum_child=D(1), at_end=AtEnd.CANCEL)


def curve(*quarters: str) -> VolumeCurve:
    """A curve over the hour of the tests, each quarter of it with its weight; nothing trades outside."""
    before = int((START - session_open(DAY)) / timedelta(minutes=1))
    parts = [D(0)] * before + [D(weight) / 15 for weight in quarters for _ in range(15)]
    return VolumeCurve(session_open(DAY), tuple(parts))


def test_each_interval_gets_what_the_curve_expects_to_trade_in_it() -> None:
    """1,000 over 40 %, 10 %, 20 %, 30 % of the volume."""
    vwap = Vwap(curve=curve("0.4", "0.1", "0.2", "0.3"), interval=timedelta(minutes=15))
    desk = Desk(parent(), vwap).begin()
    for number in range(4):
        desk.go(at(f"{15 * number}:00"))
        desk.fill_whole(desk.sent[-1].order_id)
    assert desk.sizes == [400, 100, 200, 300]
    assert [placed.submitted_at for placed in desk.sent] == [at(f"{15 * number}:00") for number in range(4)]
    assert desk.state.done is DoneReason.FILLED


def test_an_interval_in_which_nothing_trades_waits() -> None:
    vwap = Vwap(curve=curve("0", "0.5", "0", "0.5"), interval=timedelta(minutes=15))
    desk = Desk(parent(), vwap).begin()
    desk.go(at("14:59"))
    assert desk.sizes == []
    desk.go(at("15:00"))
    assert desk.sizes == [500]


def test_a_window_outside_the_curves_session_is_worked_evenly() -> None:
    vwap = Vwap(curve=VolumeCurve(START - timedelta(days=3), (D(1),)), interval=timedelta(minutes=15))
    desk = Desk(parent(), vwap).begin()
    desk.go(at("45:00"))
    assert desk.sizes == [200, 300, 200, 300]  # 250, 500, 750 and 1,000, rounded down to lots


def test_prices_grow_urgent_as_progress_falls_behind_the_band() -> None:
    """Even, 600 a quarter of 2,400; band 5 % = 120: passive to 60 behind (1:30), middle to 120 (3:00), then across."""
    vwap = Vwap(curve=curve("0.25", "0.25", "0.25", "0.25"), interval=timedelta(minutes=15))
    desk = Desk(parent("BUY 2400 X"), vwap).begin()
    desk.tell("10.00 10.04")
    seen = [desk.sent[-1].limit_price]
    for inside, beyond in (("1:30", "1:31"), ("3:00", "3:01")):
        desk.go(at(inside))
        count = len(desk.cancelled)
        desk.go(at(beyond))
        assert len(desk.cancelled) == count + 1
        desk.report(desk.sent[-1].order_id, OrderStatus.CANCELLED, filled=0)
        seen.append(desk.sent[-1].limit_price)
    assert seen == [D("10.00"), D("10.02"), D("10.05")]


def test_participation_follows_the_volume_that_is_observed() -> None:
    """10 % of what has traded, own shares included: 300 of 3,000, 500 of 5,000."""
    adaptive = Adaptive(rate=D("0.1"), min_rate=D("0.1"), max_rate=D("0.1"), terms=replace(SMALL, round_lot=D(100)))
    desk = Desk(parent("BUY 10000 X"), adaptive).begin()
    assert desk.sizes == []
    desk.tell(volume=3_000)
    assert desk.sizes == [300]
    desk.tell(volume=5_000)
    assert desk.sizes == [300, 200]


def test_volume_before_the_window_and_counts_that_begin_anew_are_not_participated_in() -> None:
    adaptive = Adaptive(rate=D("0.1"), min_rate=D("0.1"), max_rate=D("0.1"), terms=SMALL)
    desk = Desk(parent("BUY 10000 X"), adaptive)
    desk.begin(replace(desk.market, volume=1_000_000))
    assert desk.sizes == []
    desk.tell(volume=1_001_000)
    desk.tell(volume=50)
    desk.tell(volume=1_050)
    assert desk.sizes == [100, 100]
    assert desk.state.observed_volume == 2_000


def test_a_rate_that_would_not_finish_in_time_rises_as_far_as_it_may() -> None:
    """Half the hour gone with 10,000 traded: 20,000 expected, so 3,000 need 15 %: 1,500 by now.

    4,000 would need 20 % of 20,000, and 6,000 30 %, of which 20 % are allowed: 2,000 by now.
    """
    for shares, expected in ((3_000, 1_500), (4_000, 2_000), (6_000, 2_000)):
        desk = Desk(parent(f"BUY {shares} X"), Adaptive(terms=SMALL)).begin()
        desk.clock.advance(at("30:00"))
        desk.tell(volume=10_000)
        assert desk.sizes == [expected]


@pytest.mark.parametrize(
    ("patience", "within", "behind"),
    [(Patience.PATIENT, "10.00", "10.02"), (Patience.NORMAL, "10.02", "10.05"), (Patience.URGENT, "10.05", "10.05")],
)
def test_patience_sets_the_price_and_falling_behind_the_least_rate_the_next_one(
    patience: Patience, within: str, behind: str
) -> None:
    """Of 1,000 traded 50 to 100 may be ours, none is yet. With 5,000 traded the least is 250: far behind."""
    adaptive = Adaptive(patience=patience, terms=replace(SMALL, round_lot=D(100)), wide_spread_bps=D(100))
    desk = Desk(parent("BUY 1000000 X"), adaptive).begin()
    desk.tell("10.00 10.04", volume=1_000)
    assert desk.sent[-1].limit_price == D(within)
    desk.tell(volume=5_000)
    assert desk.sent[-1].limit_price == D(behind)


def test_a_wide_spread_is_not_crossed_and_takes_the_rate_to_its_least() -> None:
    """10.00 to 10.10 is 99.5 basis points: 5 % of 2,000 at the middle, although the order is urgent."""
    desk = Desk(parent("BUY 10000 X"), Adaptive(patience=Patience.URGENT, terms=SMALL)).begin()
    desk.tell("10.00 10.10", volume=2_000)
    assert (desk.sizes, desk.sent[0].limit_price) == ([100], D("10.05"))


def test_finishing_breaks_the_rate_and_cancelling_keeps_it() -> None:
    """10 % of 1,000 at once, up to 20 % as time runs out without more; then all the rest, or nothing."""
    for at_end, expected in ((AtEnd.FINISH, [100, 100, 9_800]), (AtEnd.CANCEL, [100, 100])):
        adaptive = Adaptive(terms=Terms(at_end=at_end))
        desk = Desk(parent("BUY 10000 X"), adaptive).begin()
        desk.tell(volume=1_000)
        desk.fill_whole(desk.sent[0].order_id)
        desk.go(at("59:30"))
        assert desk.sizes == expected


@pytest.mark.parametrize(
    "rates", [("0.2", "0.1", "0.3"), ("0.1", "0.2", "0.15"), ("0", "0", "0"), ("-0.1", "0.1", "0.2")]
)
def test_rates_that_do_not_rise_are_refused(rates: tuple[str, str, str]) -> None:
    least, rate, most = map(D, rates)
    with pytest.raises(ConfigurationError, match="rates: expected 0 ≤ min_rate ≤ rate ≤ max_rate ≤ 1"):
        Adaptive(min_rate=least, rate=rate, max_rate=most)
