"""Every kind of value of a session's journal comes back as what it was."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.market import SessionOpening
from tickledger.execution.plain_values import plain, restored

DAY = date(2013, 3, 28)
OPEN = datetime(2013, 3, 28, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize("kind", CorporateActionKind)
def test_an_opening_with_a_corporate_action(kind: CorporateActionKind) -> None:
    action = CorporateAction(
        "AAPL",
        DAY,
        kind,
        ratio=Fraction(1, 3),
        amount=Decimal("0.10"),
        new_symbol="NEW",
        fmv_old=Decimal(1),
        fmv_new=Decimal(2),
        cash_in_lieu=Decimal("3.33"),
        corporate_action_id="ca_1",
    )
    opening = SessionOpening(DAY, OPEN, (action,))
    assert restored(json.loads(json.dumps(plain(opening)))) == opening


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 1, 0.1, "AAPL", Decimal("1.10"), Fraction(2, 7), OPEN, DAY, timedelta(seconds=1.5)),
        ((1, "a"), {"AAPL": Decimal(1)}),
        frozenset({"AAPL", "MSFT"}),
    ],
)
def test_a_plain_one(value: object) -> None:
    assert restored(json.loads(json.dumps(plain(value)))) == value


def test_what_is_no_value_of_the_trading_core_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a value of the trading core"):
        plain(object())
