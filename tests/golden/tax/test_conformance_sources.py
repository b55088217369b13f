"""Where the cases that the suite restates lie beside the checkout: the two agree, number by number."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.golden.tax.conformance.suite import CapitalLoss, FormRow, History, Row, read_cases
from tests.shared import SHARED, shared_path

CASES = "tax/cases.json"
#: What is one fill here and two there: a purchase, and its delivery to close a short.
DELIVERED = "DELIVER"
SIDES = {"SHORT": "SELL_SHORT", "COVER": "BUY_TO_COVER"}
ALL = {case.id: case for case in read_cases()}

Case = Mapping[str, Any]


def _shared() -> list[Case]:
    path = SHARED / CASES
    return list(json.loads(path.read_text())) if path.exists() else []


def _facts_of_trades(case: Case) -> list[tuple[Any, ...]]:
    trades, delivered = case["trades"], {}
    for trade in trades:
        if trade["side"] == DELIVERED:
            delivered[trade["lots"][0]["buy"]] = trade["id"]
    return [
        (
            delivered.get(trade["id"], trade["id"]),
            trade.get("order_id") or delivered.get(trade["id"], trade["id"]),
            _side(trade, is_delivered=trade["id"] in delivered),
            trade["account"],
            trade["symbol"],
            Decimal(trade["qty"]),
            Decimal(trade["amount"]),
            Decimal(trade["fee"]),
            (trade.get("time_utc") or trade["date"])[:10],
        )
        for trade in trades
        if trade["side"] != DELIVERED
    ]


def _side(trade: Case, *, is_delivered: bool) -> str:
    if is_delivered or (trade["side"] == "BUY" and trade.get("closes")):
        return "BUY_TO_COVER"
    return SIDES.get(trade["side"], str(trade["side"]))


def _facts_of_fills(fills: Iterable[Row]) -> list[tuple[Any, ...]]:
    return [
        (
            fill["execution_id"],
            fill.get("order_id", fill["execution_id"]),
            fill["side"],
            fill["account"],
            fill["symbol"],
            Decimal(fill["quantity"]),
            Decimal(fill["gross_amount"]),
            Decimal(fill.get("commission", "0")),
            fill["executed_at"][:10],
        )
        for fill in fills
    ]


def _chosen(trade: Case) -> str:
    return ";".join(f"{lot['buy']}:{Decimal(lot['qty']).normalize():f}" for lot in trade.get("lots", ()))


#: The names of the columns there, and here.
GAIN = {
    "sale": "close_execution_id",
    "lot": "open_execution_id",
    "symbol": "symbol",
    "qty": "quantity",
    "date_acquired": "acquired_date",
    "holding_start": "holding_start",
    "date_sold": "sold_date",
    "proceeds": "proceeds",
    "basis": "basis",
    "code": "adjustment_code",
    "disallowed": "disallowed_loss",
    "gain": "gain_loss",
    "term": "term",
}
LOT = {
    "lot": "open_execution_id",
    "account": "account",
    "symbol": "symbol",
    "qty": "quantity",
    "date_acquired": "acquired_date",
    "holding_start": "holding_start",
    "adjusted_basis": "adjusted_basis",
}
NUMBERS = {"qty", "proceeds", "basis", "disallowed", "gain", "adjusted_basis"}


def _shared_rows(rows: Iterable[Case], columns: Mapping[str, str]) -> list[tuple[Any, ...]]:
    return [tuple(Decimal(row[name]) if name in NUMBERS else row[name] for name in columns) for row in rows]


def _own_rows(rows: Iterable[Row], columns: Mapping[str, str]) -> list[tuple[Any, ...]]:
    return [
        tuple(Decimal(row[ours]) if name in NUMBERS else row[ours] for name, ours in columns.items()) for row in rows
    ]


def test_every_case_is_restated() -> None:
    shared_path(CASES)
    assert {case["id"] for case in _shared()} == set(ALL)


@pytest.mark.parametrize("case", _shared(), ids=lambda case: str(case["id"]))
def test_a_restated_case_has_the_same_numbers(case: Case) -> None:
    ours, expected = ALL[case["id"]], case["expected"]
    assert ours.is_disputed == case["disputed"]
    match ours.question:
        case History() as history:
            assert history.method == case["method"].lower()
            assert _facts_of_fills(history.fills) == _facts_of_trades(case)
            assert history.accounts == {trade["account"]: trade["account_type"] for trade in case["trades"]}
            assert len(history.corporate_actions) == len(case["corporate_actions"])
            gains, lots = _own_rows(history.gains, GAIN), _own_rows(history.open_lots, LOT)
            # Where the source has no rows, ours say in rows what it says otherwise.
            assert not expected["rows"] or gains == _shared_rows(expected["rows"], GAIN)
            assert lots[: len(expected["remaining"])] == _shared_rows(expected["remaining"], LOT)
            _check_other(history, expected.get("other") or {})
        case FormRow() as row:
            form = expected["other"]["form8949"]
            given = [row.proceeds, row.basis, row.expected_codes, row.adjustment, row.expected_gain_loss]
            assert given == list(form.values())
        case CapitalLoss() as loss:
            _check_loss(loss, expected["other"])


def _check_other(history: History, other: Case) -> None:
    gains = [Decimal(row["gain_loss"]) for row in history.gains]
    if "realised" in other:
        assert (gains, history.gains[0]["term"]) == ([Decimal(other["realised"])], other["term"])
    if "disallowed" in other:
        disallowed = sum(Decimal(row["disallowed_loss"]) for row in history.gains)
        assert (disallowed, -sum(gains)) == (other["disallowed"], other["allowed"])
    if "cash_in_lieu_row" in other:
        row = other["cash_in_lieu_row"]
        columns = {name: GAIN[name] for name in ("qty", "proceeds", "basis", "gain", "term")}
        assert _own_rows(history.gains, columns) == _shared_rows([row], columns)
    if "pairs" in other:
        columns = {"open": "open_execution_id", "close": "close_execution_id"}
        columns |= {name: GAIN[name] for name in ("qty", "proceeds", "basis", "gain")}
        assert _own_rows(history.gains, columns) == _shared_rows(other["pairs"], columns)
        assert sum(gains) == Decimal(other["total_gain"])
    if "remaining" in other:
        assert (Decimal(history.gains[0]["basis"]), gains[0]) == (other["basis"], other["gain"])
        left = [sum(Decimal(row[column]) for row in history.open_lots) for column in ("quantity", "adjusted_basis")]
        assert left == list(other["remaining"].values())


def _check_loss(loss: CapitalLoss, other: Case) -> None:
    if "net" in other:
        assert loss.net_short_term + loss.net_long_term == other["net"]
        assert loss.taxable_income == other["taxable_income"]
        assert loss.expected_short_term + loss.expected_long_term == other["carryover"]
    else:
        assert (loss.net_short_term, loss.net_long_term) == (other["net_st"], other["net_lt"])
        assert loss.taxable_income == other["taxable_income_line15"]
        assert (loss.expected_short_term, loss.expected_long_term) == (other["carry_st"], other["carry_lt"])
    assert loss.expected_deduction == other["deduct"]


@pytest.mark.parametrize(
    "case", [case for case in _shared() if case["method"] == "SPECIFIC"], ids=lambda case: str(case["id"])
)
def test_lots_that_are_named_there_are_named_here(case: Case) -> None:
    history = ALL[case["id"]].question
    if isinstance(history, History):
        theirs = [_chosen(trade) for trade in case["trades"] if trade["side"] != DELIVERED]
        assert [fill.get("lots", "") for fill in history.fills] == theirs


@pytest.mark.parametrize(
    "case", [case for case in _shared() if case["corporate_actions"]], ids=lambda case: str(case["id"])
)
def test_corporate_actions_have_the_same_terms(case: Case) -> None:
    history = ALL[case["id"]].question
    assert isinstance(history, History)
    for theirs, ours in zip(case["corporate_actions"], history.corporate_actions, strict=True):
        assert (ours["symbol"], ours["ex_date"]) == (theirs["symbol"], theirs["date"])
        if theirs["type"] == "SPLIT":
            assert Fraction(ours["ratio"]) == Fraction(theirs["ratio_new"]) / Fraction(theirs["ratio_old"])
            assert ours.get("cash_in_lieu") == theirs.get("cash_in_lieu")
        else:
            held = sum(Decimal(trade["qty"]) for trade in case["trades"])
            assert Decimal(ours["amount"]) * held == Decimal(theirs["cash"])
