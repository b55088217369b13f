"""Limits of the moment: they keep from opening a position, never from leaving one."""

from decimal import Decimal

import pytest

from tests.trading import limits
from tests.unit.risk.orders import HELD, intent
from tickledger.exchange.fees import schedule
from tickledger.exchange.fill_models import FillModel
from tickledger.execution.replay import cost_estimate
from tickledger.risk.pre_trade import PreTradeRisk
from tickledger.risk.question import Moment

RISK = PreTradeRisk(limits(), cost_estimate(schedule("none"), FillModel(Decimal(0))))


def moment(value: str) -> Moment:
    return Moment("quote_age_seconds", Decimal(10), Decimal(value), "the last quote is old")


@pytest.mark.parametrize(("value", "is_approved"), [("0", True), ("10", True), ("10.001", False)])
def test_a_purchase_passes_up_to_the_limit(value: str, is_approved: bool) -> None:  # noqa: FBT001  a column of the table
    decision = RISK.check(intent("BUY 10 A @ 50"), HELD, moment=[moment(value)])
    assert decision.is_approved is is_approved
    [check] = [check for check in decision.checks if check.name == "quote_age_seconds"]
    assert (check.is_passed, check.limit, check.value) == (is_approved, Decimal(10), Decimal(value))
    assert is_approved or decision.reason == "quote_age_seconds: the last quote is old"


@pytest.mark.parametrize("text", ["SELL 10 A @ 50", "SELL 100 A @ 50", "BUY_TO_COVER 100 S @ 20"])
def test_what_only_reduces_a_position_passes_whatever_the_moment(text: str) -> None:
    assert RISK.check(intent(text), HELD, moment=[moment("99")]).is_approved


@pytest.mark.parametrize("text", ["SELL 101 A @ 50", "BUY_TO_COVER 101 S @ 20"])
def test_what_crosses_zero_opens_a_position(text: str) -> None:
    decision = RISK.check(intent(text), HELD, moment=[moment("99")])
    assert not decision.is_approved
    assert "the last quote is old" in decision.reason
