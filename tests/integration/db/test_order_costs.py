"""Costs of parent orders come back as they were written, rest on recorded orders, and add up."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.integration.db.story import ACCOUNT, END, START, Story, cost
from tickledger.db.order_costs import read_order_costs, replace_order_costs
from tickledger.domain.account import Mode
from tickledger.domain.errors import LedgerError


def test_a_cost_comes_back_as_it_was_written(told: Engine) -> None:
    assert read_order_costs(told) == [cost()]
    assert read_order_costs(told, account_id=ACCOUNT.account_id, mode=Mode.SIMULATED, start=START, end=START) == [
        cost()
    ]
    assert read_order_costs(told, mode=Mode.LIVE) == read_order_costs(told, start=END) == []


@pytest.mark.usefixtures("story")
def test_a_cost_that_is_computed_anew_takes_the_others_place(ledger: Engine) -> None:
    assert not replace_order_costs(ledger, ACCOUNT, [cost()], start=START, end=END).is_change
    charged = replace(
        cost(),
        order_cost_id="tca_2",
        fees=cost().fees + 1,
        implementation_shortfall=cost().implementation_shortfall + 1,
        average_price=None,
        slippage_bps=None,
        filled_quantity=Decimal(0),
        first_filled_at=None,
    )
    changed = replace_order_costs(ledger, ACCOUNT, [charged], start=START, end=END)
    assert (changed.inserted, changed.superseded) == (1, 1)
    assert read_order_costs(ledger) == [charged]


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"parent_order_id": "ord_none"}, "fk_order_costs_orders_parent_order_id"),
        ({"fees": Decimal(7)}, "ck_order_costs_shortfall_adds_up"),
        ({"filled_quantity": Decimal(101)}, "ck_order_costs_fills_no_more_than_decided"),
        ({"average_price": None}, "ck_order_costs_average_where_it_filled"),
        ({"arrival_price": Decimal("NaN")}, "ck_order_costs_positive"),
        ({"session_date": END.replace(year=2013)}, "lies outside"),
    ],
)
def test_a_cost_that_cannot_be_is_refused(ledger: Engine, story: Story, changed: dict[str, Any], refusal: str) -> None:
    wrong = replace(cost(), order_cost_id="tca_wrong", **changed)
    with pytest.raises(LedgerError, match=refusal):
        replace_order_costs(ledger, ACCOUNT, [wrong], start=START, end=END)
    assert read_order_costs(ledger) == [cost()]
    assert story.record.orders[0].order_id == cost().parent_order_id
