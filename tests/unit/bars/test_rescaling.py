"""A history told in the terms of an action: the factors of the adjustment rule, one action at a time."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pandas as pd
import pytest

from tickledger.bars.adjustment import adjust
from tickledger.bars.rescaling import history_factors
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind

DAY = date(2013, 3, 28)
CLOSE = Decimal(100)


def action(kind: str, **terms: object) -> CorporateAction:
    return CorporateAction("AAPL", DAY, CorporateActionKind(kind), **terms)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "price", "volume"),
    [
        (action("split", ratio=Fraction(2)), 0.5, 2.0),
        (action("split", ratio=Fraction(1, 10)), 10.0, 0.1),
        (action("dividend", amount=Decimal("2.65")), 0.9735, 1.0),
        (action("return_of_capital", amount=Decimal(10)), 0.9, 1.0),
        (action("spinoff", ratio=Fraction(1, 4), new_symbol="NEW", fmv_new=Decimal(40)), 0.9, 1.0),
    ],
)
def test_the_factors_of_an_action(one: CorporateAction, price: float, volume: float) -> None:
    factors = history_factors(one, CLOSE)
    assert factors is not None
    assert (factors.price, factors.volume) == pytest.approx((price, volume))


@pytest.mark.parametrize(
    "one",
    [
        action("ticker_change", new_symbol="APPL"),
        action("merger", amount=Decimal(110)),
        action("delisting"),
        action("spinoff", ratio=Fraction(1, 4), new_symbol="NEW"),
        action("dividend", amount=Decimal(100)),
        action("dividend", amount=Decimal(250)),
    ],
)
def test_what_leaves_the_history_as_it_is(one: CorporateAction) -> None:
    assert history_factors(one, CLOSE) is None


@pytest.mark.parametrize(
    ("one", "after"),
    [(action("split", ratio=Fraction(7)), 14.2), (action("dividend", amount=Decimal("3.05")), 96.95)],
)
def test_they_are_those_of_the_rule_where_the_day_closes_as_was_expected(one: CorporateAction, after: float) -> None:
    rows = [
        ("AAPL", pd.Timestamp("2013-03-27", tz="UTC"), 100.0, 100.0, 100.0, 100.0, 1000),
        ("AAPL", pd.Timestamp("2013-03-28", tz="UTC"), after, after, after, after, 1000),
    ]
    bars = pd.DataFrame(rows, columns=["symbol", "timestamp", "open", "high", "low", "close", "volume"])
    told = {
        "symbol": ["AAPL"],
        "ex_date": [pd.Timestamp(DAY)],
        "kind": [str(one.kind)],
        "ratio": [None if one.ratio is None else float(one.ratio)],
        "amount": [None if one.amount is None else float(one.amount)],
    }
    before = adjust(bars, pd.DataFrame(told)).iloc[0]
    factors = history_factors(one, CLOSE)
    assert factors is not None
    assert before["close"] == pytest.approx(100.0 * factors.price)
    assert before["volume"] == pytest.approx(1000 * factors.volume)
