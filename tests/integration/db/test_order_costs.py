"""Costs of parent orders come back as written, rest on recorded orders, add up, and are made of the record."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine

from tests.integration.db.story import ACCOUNT, BUY_DAY, END, SOURCE, START, Story, cost
from tests.trading import NEW_ACCOUNT, limits
from tickledger.bars.calendars import session_open
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.market_data import ingest_bars, read_bars
from tickledger.db.order_costs import read_order_costs, record_order_costs, replace_order_costs
from tickledger.db.signals import read_signals
from tickledger.db.trading import read_executions, read_orders, replace_session
from tickledger.domain.account import Mode
from tickledger.domain.errors import LedgerError
from tickledger.domain.order import OrderType
from tickledger.execution.replay import replay
from tickledger.execution.tape import bars_by_session


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


@pytest.fixture
def replayed(ledger: Engine, story: Story) -> Engine:
    """The story's ledger, with what a replay makes of its bars and signals as what the account did."""
    record = replay(
        account=ACCOUNT,
        start=START,
        end=END,
        opening=NEW_ACCOUNT,
        bars=read_bars(ledger),
        corporate_actions=read_corporate_actions(ledger),
        signals=read_signals(ledger, start=START, end=END, strategy=story.signals[-1].strategy),
        limits=limits(),
        sectors={},
    )
    replace_session(ledger, ACCOUNT, record, start=START, end=END)
    return ledger


def test_the_costs_of_a_replayed_period_are_stored(replayed: Engine) -> None:
    """An order is decided at a close and filled at the next open, which the story has 0.50 below its own close."""
    recorded = record_order_costs(replayed, [ACCOUNT], start=START, end=END)
    bars = {day: of_day["AAPL"] for day, of_day in bars_by_session(read_bars(replayed)).items()}
    fills = {fill.order_id: fill for fill in read_executions(replayed)}
    traded = [one for one in read_orders(replayed) if one.order_type is OrderType.MARKET and one.order_id in fills]
    costs = {one.parent_order_id: one for one in read_order_costs(replayed)}
    assert traded
    assert {one.order_id for one in traded} <= costs.keys()
    assert (recorded.orders, recorded.problems) == (len(costs), ())
    for one in traded:
        fill, found = fills[one.order_id], costs[one.order_id]
        close = bars[one.session_date].close
        assert (found.arrival_price, found.session_date) == (close, one.session_date)
        assert found.execution_cost == one.side.sign * fill.quantity * (fill.price - close)
        assert found.implementation_shortfall == found.execution_cost + fill.commission + fill.fees
        assert found.market_volume == bars[fill.trade_date].volume


def test_working_the_costs_out_again_changes_nothing(replayed: Engine) -> None:
    record_order_costs(replayed, [ACCOUNT], start=START, end=END)
    again = record_order_costs(replayed, [ACCOUNT], start=START, end=END)
    assert not again.written.is_change
    assert again.written.unchanged == again.orders > 0


def test_a_period_takes_the_orders_of_the_evening_before_along(replayed: Engine) -> None:
    """The story's first purchase was decided on the 3rd and filled on the 4th."""
    record_order_costs(replayed, [ACCOUNT], start=BUY_DAY, end=END)
    assert min(one.session_date for one in read_order_costs(replayed)) == START


def test_where_the_record_has_minutes_they_are_the_market_instead_of_the_day(replayed: Engine) -> None:
    """The first purchase was filled at the open of the 4th: of that day's minutes the first began by then."""
    opened, flat = session_open(BUY_DAY), dict.fromkeys(("open", "high", "low", "close"), 412.94)
    starts = [opened + timedelta(minutes=number) for number in range(3)]
    rows = [{"symbol": "AAPL", "timestamp": start, "volume": 700, **flat} for start in starts]
    minutes = pd.DataFrame(rows).astype({"timestamp": "datetime64[us, UTC]"})
    ingest_bars(replayed, minutes, rejects=[], source=SOURCE, interval="1min")
    record_order_costs(replayed, [ACCOUNT], start=START, end=END)
    first = read_order_costs(replayed)[0]
    assert (first.session_date, first.market_volume, first.interval_vwap) == (START, 700, Decimal("412.94"))
