"""What a bar fills, and at what price: one worked example a rule, then what must hold of all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading import bar, order
from tickledger.domain.order import Order
from tickledger.exchange.fill_models import FillModel
from tickledger.exchange.matching import match_at_open, match_in_session

BAR = bar("X", "2012-01-04", "10.00 12.00 9.00 11.00", volume=1_000)
FREE = FillModel(slippage_bps=Decimal(0))


def price(text: str, where: str, model: FillModel = FREE) -> Decimal | None:
    match = {"open": match_at_open, "session": match_in_session}[where]
    placed = order(text)
    fill = match(placed, remaining=placed.quantity, bar=BAR, model=model)
    return None if fill is None else fill.price


@pytest.mark.parametrize(
    ("text", "at_open", "in_session"),
    [
        ("BUY 5 X", "10.00", None),
        ("SELL 5 X", "10.00", None),
        ("BUY 5 X LIMIT 10.00", "10.00", "10.00"),
        ("BUY 5 X LIMIT 9.50", None, "9.50"),
        ("BUY 5 X LIMIT 9.00", None, None),  # touched, not traded through
        ("SELL 5 X LIMIT 9.50", "10.00", "9.50"),
        ("SELL 5 X LIMIT 11.50", None, "11.50"),
        ("SELL 5 X LIMIT 12.00", None, None),
        ("BUY 5 X STOP 9.50", "10.00", None),
        ("BUY 5 X STOP 12.00", None, "12.00"),
        ("BUY 5 X STOP 12.01", None, None),
        ("SELL 5 X STOP 9.00", None, "9.00"),
        ("SELL 5 X STOP 8.99", None, None),
        ("SELL 5 X STOP 10.50", "10.00", None),
        ("BUY 5 X STOP_LIMIT 11.00 11.50", None, "11.00"),
        ("BUY 5 X STOP_LIMIT 9.50 10.50", "10.00", "10.50"),
        ("BUY 5 X STOP_LIMIT 9.50 9.75", None, "9.75"),  # on at the open, filled when the price came down
        ("BUY 5 X STOP_LIMIT 11.00 10.50", None, None),  # it would have to come back after the stop
        ("SELL 5 X STOP_LIMIT 9.50 9.25", None, "9.50"),
    ],
)
def test_the_bar_10_12_9_11_fills(text: str, at_open: str | None, in_session: str | None) -> None:
    assert [price(text, "open"), price(text, "session")] == [
        None if expected is None else Decimal(expected) for expected in (at_open, in_session)
    ]


def test_slippage_goes_against_the_trader_to_a_hundredth_of_a_cent() -> None:
    model = FillModel(slippage_bps=Decimal("3.3"))
    assert price("BUY 5 X", "open", model) == Decimal("10.0033")
    assert price("SELL 5 X", "open", model) == Decimal("9.9967")


def test_a_cap_on_participation_fills_whole_shares_of_the_bar_s_volume() -> None:
    model = FillModel(max_participation=Decimal("0.0119"))
    placed = order("BUY 50 X")
    fill = match_at_open(placed, remaining=Decimal(50), bar=BAR, model=model)
    assert fill is not None
    assert fill.quantity == 11
    assert match_at_open(placed, remaining=Decimal(50), bar=bar("X", "2012-01-04", "1 1 1 1", 9), model=model) is None


def cents(low: int, high: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(lambda value: str(Decimal(value).scaleb(-2)))


@st.composite
def orders(draw: st.DrawFn) -> Order:
    kind = draw(st.sampled_from(["", " LIMIT {0}", " STOP {0}", " STOP_LIMIT {0} {1}"]))
    text = f"{draw(st.sampled_from(['BUY', 'SELL']))} {draw(st.integers(1, 5000))} X{kind}"
    return order(text.format(draw(cents(800, 1300)), draw(cents(800, 1300))))


@given(order=orders(), bps=st.integers(0, 500), participation=st.sampled_from([None, Decimal("0.1"), Decimal(1)]))
def test_no_fill_breaks_its_limit_or_takes_more_than_is_left(
    order: Order, bps: int, participation: Decimal | None
) -> None:
    model = FillModel(Decimal(bps), participation)
    for match in (match_at_open, match_in_session):
        fill = match(order, remaining=order.quantity, bar=BAR, model=model)
        if fill is None:
            continue
        assert 0 < fill.quantity <= order.quantity
        assert participation is None or fill.quantity <= participation * BAR.volume
        if order.limit_price is not None:
            assert order.side.sign * (order.limit_price - fill.price) >= 0


@given(order=orders(), bps=st.integers(1, 500))
def test_slippage_never_helps(order: Order, bps: int) -> None:
    for match in (match_at_open, match_in_session):
        free = match(order, remaining=order.quantity, bar=BAR, model=FREE)
        slipped = match(order, remaining=order.quantity, bar=BAR, model=FillModel(Decimal(bps)))
        assert (free is None) == (slipped is None)
        if free is not None and slipped is not None:
            assert order.side.sign * (slipped.price - free.price) >= 0
