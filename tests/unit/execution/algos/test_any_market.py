"""What holds in every market and with every broker: never more than the parent, never beyond its limit, and an end."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.execution.algos.chaos import CALM, Chaos, Weather
from tests.unit.execution.algos.desk import DAY, START, parent
from tickledger.domain.order import OrderSide
from tickledger.execution.algos.adaptive import Adaptive, Patience
from tickledger.execution.algos.parent import Algorithm, DoneReason
from tickledger.execution.algos.schedule import CatchUp, planned
from tickledger.execution.algos.terms import AtEnd, Terms, Urgency
from tickledger.execution.algos.twap import PASSIVE_THEN_CROSS, Twap
from tickledger.execution.algos.volume_curve import even_curve
from tickledger.execution.algos.vwap import Vwap
from tickledger.execution.algos.working import finishing_at

LENGTH = timedelta(minutes=8)
CROSSING = ((Decimal(0), Urgency.CROSS),)
EVEN = even_curve(DAY)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    lot = draw(st.sampled_from([1, 10, 100]))
    minimum = draw(st.sampled_from([0, 1, 100, 150]))
    return Terms(
        at_end=draw(st.sampled_from(AtEnd)),
        finishing=timedelta(seconds=draw(st.integers(0, 60))),
        round_lot=Decimal(lot),
        minimum_child=Decimal(minimum),
        maximum_child=draw(st.sampled_from([None, Decimal(300)])),
        max_working_children=draw(st.integers(1, 4)),
        is_modifying=draw(st.booleans()),
        reprice_after=timedelta(seconds=draw(st.integers(0, 20))),
    )


@st.composite
def algorithms(draw: st.DrawFn) -> Algorithm:
    told = draw(terms())
    catch_up = draw(st.sampled_from(CatchUp))
    return draw(
        st.one_of(
            st.builds(
                Twap,
                slices=st.integers(1, 12),
                terms=st.just(told),
                steps=st.sampled_from([CROSSING, PASSIVE_THEN_CROSS]),
                catch_up=st.just(catch_up),
                size_variation=st.sampled_from([Decimal(0), Decimal("0.4")]),
                time_variation=st.sampled_from([Decimal(0), Decimal("0.4")]),
            ),
            st.builds(
                Vwap,
                curve=st.just(EVEN),
                terms=st.just(told),
                interval=st.sampled_from([timedelta(seconds=30), timedelta(minutes=3)]),
                tolerance=st.sampled_from([Decimal(0), Decimal("0.1")]),
                catch_up=st.just(catch_up),
            ),
            st.builds(Adaptive, patience=st.sampled_from(Patience), terms=st.just(told)),
        )
    )


weathers = st.builds(
    Weather,
    fill=st.sampled_from([0.1, 0.5, 0.9]),
    reject=st.sampled_from([0, 0.05, 0.3]),
    lose_cancel=st.sampled_from([0, 0.3]),
    delay=st.sampled_from([0, 0.5, 1.5]),
    tells_filled=st.booleans(),
)
orders = st.sampled_from(
    [
        "BUY 1000 X",
        "SELL 1537 X",
        "BUY 2250 X LIMIT 10.03",
        "SELL 1099 X LIMIT 9.98",
        "BUY 60 X",
        "SELL_SHORT 400 X",
        "BUY 900 X LIMIT 9.90",
    ]
)


@given(algorithm=algorithms(), order=orders, weather=weathers, seed=st.integers(0, 10_000))
@settings(max_examples=examples(80), deadline=None)
def test_never_more_than_the_parent_never_beyond_its_limit_and_nothing_works_when_it_is_over(
    algorithm: Algorithm, order: str, weather: Weather, seed: int
) -> None:
    run = Chaos(parent(order, length=LENGTH), algorithm, seed=seed, weather=weather).run()
    quantity, limit = run.parent.quantity, run.parent.order.limit_price
    assert all(step.exposed <= quantity for step in run.steps)
    assert all(step.filled <= quantity for step in run.steps)
    if limit is not None:
        sign = run.parent.order.side.sign
        prices = [placed.limit_price for placed in run.sent]
        prices += [change.limit_price for _, change in run.modified]
        assert all(sign * (price - limit) <= 0 for price in prices if price is not None)
    assert all(placed.submitted_at < run.parent.ends_at for placed in run.sent)
    assert run.state.done is not None
    if algorithm.terms.at_end is not AtEnd.LEAVE:
        assert run.live() == []
    assert run.state.filled == run.filled


@given(algorithm=algorithms(), order=orders, weather=weathers, seed=st.integers(0, 10_000))
@settings(max_examples=examples(25), deadline=None)
def test_children_are_round_lots_of_the_minimum_but_for_what_is_left(
    algorithm: Algorithm, order: str, weather: Weather, seed: int
) -> None:
    told = algorithm.terms
    run = Chaos(parent(order, length=LENGTH), algorithm, seed=seed, weather=weather).run()
    for placed in run.sent:
        is_rest = placed.quantity == run.before[placed.order_id]
        is_regular = placed.quantity % told.round_lot == 0 and placed.quantity >= told.minimum_child
        assert is_rest or is_regular
        assert told.maximum_child is None or placed.quantity <= told.maximum_child


@given(algorithm=algorithms(), order=orders, weather=weathers, seed=st.integers(0, 10_000))
@settings(max_examples=examples(10), deadline=None)
def test_the_same_seed_gives_the_same_orders(algorithm: Algorithm, order: str, weather: Weather, seed: int) -> None:
    one, other = (Chaos(parent(order, length=LENGTH), algorithm, seed=seed, weather=weather).run() for _ in range(2))
    assert one.sent == other.sent
    assert one.cancelled == other.cancelled


@given(
    algorithm=algorithms(),
    order=orders,
    weather=weathers,
    seed=st.integers(0, 10_000),
    when=st.integers(0, int(LENGTH.total_seconds())),
)
@settings(max_examples=examples(25), deadline=None)
def test_a_cancelled_parent_takes_its_children_back_and_sends_no_more(
    algorithm: Algorithm, order: str, weather: Weather, seed: int, when: int
) -> None:
    run = Chaos(parent(order, length=LENGTH), algorithm, seed=seed, weather=weather)
    run.cancel_at = START + timedelta(seconds=when)
    run.run()
    assert all(placed.submitted_at <= run.cancel_at for placed in run.sent)
    assert run.live() == [] or run.state.done is DoneReason.LEFT_WORKING
    assert run.filled <= run.parent.quantity
    if run.state.done is DoneReason.CANCELLED:
        assert run.live() == []


@pytest.mark.parametrize("side", [OrderSide.BUY, OrderSide.SELL])
@given(
    slices=st.integers(1, 12),
    seed=st.integers(0, 1000),
    shares=st.integers(1200, 5000),
    variation=st.sampled_from([Decimal(0), Decimal("0.3")]),
)
@settings(max_examples=examples(25), deadline=None)
def test_twap_strays_from_its_schedule_by_no_more_than_a_slice_where_all_that_crosses_fills(
    side: OrderSide, slices: int, seed: int, shares: int, variation: Decimal
) -> None:
    twap = Twap(slices=slices, steps=CROSSING, size_variation=variation, time_variation=variation, seed=seed)
    run = Chaos(parent(f"{side} {shares} X", length=LENGTH), twap, seed=seed, weather=CALM).run()
    parts = twap.schedule(run.parent)
    total = sum(part.weight for part in parts)
    # A slice, and a lot each: what is less than a lot waits for the next slice, so does what is less than one of that,
    # and the order of the slice before may still be on its way.
    largest = max(part.weight for part in parts) * shares / total + 3 * twap.terms.round_lot
    assert all(abs(planned(parts, Decimal(shares), step.now) - step.filled) <= largest for step in run.steps)
    assert run.state.done is DoneReason.FILLED
    assert run.filled == shares


@given(seed=st.integers(0, 1000), shares=st.integers(1200, 5000), tolerance=st.sampled_from(["0.05", "0.2"]))
@settings(max_examples=examples(12), deadline=None)
def test_vwap_stays_within_its_band_and_an_interval_where_all_that_crosses_fills(
    seed: int, shares: int, tolerance: str
) -> None:
    vwap = Vwap(curve=EVEN, interval=timedelta(seconds=30), tolerance=Decimal(tolerance))
    run = Chaos(parent(f"BUY {shares} X", length=LENGTH), vwap, seed=seed, weather=CALM).run()
    parts = vwap.schedule(run.parent)
    interval = Decimal(shares) / len(parts)
    # Passive children do not fill here, so progress may lag by the band, and by what is being moved meanwhile.
    room = vwap.band(run.parent) + interval + 2 * vwap.terms.round_lot
    assert all(abs(planned(parts, Decimal(shares), step.now) - step.filled) <= room for step in run.steps)
    assert run.state.done is DoneReason.FILLED


@given(seed=st.integers(0, 1000), weather=weathers, patience=st.sampled_from(Patience))
@settings(max_examples=examples(25), deadline=None)
def test_adaptive_never_takes_part_in_more_than_its_rate_allows(
    seed: int, weather: Weather, patience: Patience
) -> None:
    told = Terms(at_end=AtEnd.CANCEL, round_lot=Decimal(1), minimum_child=Decimal(10))
    adaptive = Adaptive(patience=patience, terms=told)
    run = Chaos(parent("BUY 100000 X", length=LENGTH / 2), adaptive, seed=seed, weather=weather).run()
    assert all(step.exposed <= adaptive.max_rate * step.observed_volume for step in run.steps)


@given(seed=st.integers(0, 1000), patience=st.sampled_from([Patience.NORMAL, Patience.URGENT]))
@settings(max_examples=examples(10), deadline=None)
def test_adaptive_keeps_to_its_least_rate_where_all_that_crosses_fills(seed: int, patience: Patience) -> None:
    told = Terms(round_lot=Decimal(1), minimum_child=Decimal(10), reprice_after=timedelta(seconds=1))
    adaptive = Adaptive(patience=patience, terms=told, wide_spread_bps=Decimal(1000))
    run = Chaos(parent("BUY 100000 X", length=LENGTH / 2), adaptive, seed=seed, weather=CALM).run()
    until = finishing_at(run.parent, told)
    room = 10 * run.volume_a_second * adaptive.max_rate
    assert all(step.filled >= adaptive.min_rate * step.observed_volume - room for step in run.steps if step.now < until)
