"""An id is a function of everything a row says, and of nothing else."""

from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from tickledger.domain.ids import deterministic_id, identified
from tickledger.domain.order import OrderSide, RiskCheck, RiskDecision

DECISION = RiskDecision(
    risk_decision_id="",
    account_id="SIM0001",
    signal_id="sig_1",
    symbol="IBM",
    side=OrderSide.BUY,
    requested_quantity=Decimal(97),
    approved_quantity=Decimal(97),
    is_approved=True,
    reason="",
    decided_at=datetime(2012, 1, 10, 21, tzinfo=UTC),
    session_date=date(2012, 1, 10),
    checks=(RiskCheck("max_position_size", is_passed=True, limit=Decimal(1000), value=Decimal(97)),),
)
OTHERS: dict[str, Any] = {
    "account_id": "SIM0002",
    "signal_id": "sig_2",
    "symbol": "AAPL",
    "side": OrderSide.SELL,
    "requested_quantity": Decimal(98),
    "approved_quantity": Decimal(0),
    "is_approved": False,
    "reason": "too much",
    "decided_at": datetime(2012, 1, 10, 21, 1, tzinfo=UTC),
    "session_date": date(2012, 1, 11),
    "checks": (*DECISION.checks, DECISION.checks[0]),
}


def test_equal_values_have_one_id_however_they_are_written() -> None:
    new_york = timezone(timedelta(hours=-5))
    at = datetime(2012, 1, 10, 21, tzinfo=UTC)
    assert deterministic_id("x", Decimal("1.50"), at) == deterministic_id("x", Decimal("1.5"), at.astimezone(new_york))
    assert deterministic_id("x", Decimal("1E+2")) == deterministic_id("x", Decimal(100))


def test_the_id_is_the_same_on_every_machine_and_in_every_year() -> None:
    """A literal: the day it changes, every ledger's ids change with it."""
    assert deterministic_id("gain", "lot_1", Decimal("10.00"), date(2012, 1, 10), None) == "gain_fbf75ce7b77b1cdc82ec"


def test_others_names_every_field_but_the_id() -> None:
    assert {field.name for field in fields(RiskDecision)} == {"risk_decision_id", *OTHERS}


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_a_row_that_differs_in_any_field_is_another_row(name: str) -> None:
    changed = replace(DECISION, **{name: OTHERS[name]})
    assert identified("risk", changed).risk_decision_id != identified("risk", DECISION).risk_decision_id


def test_the_id_itself_does_not_count() -> None:
    once = identified("risk", DECISION)
    assert identified("risk", once) == once


@dataclass(frozen=True)
class Pair:
    pair_id: str
    first: tuple[str, ...]
    second: tuple[str, ...]


def test_parts_cannot_move_from_one_field_to_the_next() -> None:
    assert (
        identified("p", Pair("", ("a", "b"), ("c",))).pair_id != identified("p", Pair("", ("a",), ("b", "c"))).pair_id
    )
