"""What the pages ask the ledger, beside what the repositories read of the same ledger."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select

from tests.integration.db.story import ACCOUNT, tell
from tickledger.api.queries.accounts import account_choices
from tickledger.api.queries.orders import (
    WORKING,
    OrderFilter,
    cost_rows,
    cost_summary,
    fill_rows,
    neighbours,
    order_rows,
)
from tickledger.api.queries.overview import held_positions, nav_history, net_deposits
from tickledger.api.queries.strategies import known_strategies, model_rows, signal_counts, signal_rows
from tickledger.api.queries.tax import (
    Filer,
    box_totals,
    form_rows,
    gain_rows,
    gain_sums,
    lot_rows,
    tax_years,
    wash_rows,
)
from tickledger.db.effective_executions import EffectiveExecutions
from tickledger.db.order_costs import read_order_costs
from tickledger.db.reports import read_form_lines
from tickledger.db.signals import read_signals
from tickledger.db.tables import executions, order_events, orders
from tickledger.db.tax import read_gains, read_open_lots, read_wash_sales
from tickledger.db.trading import read_balances, read_cash_transactions, read_positions
from tickledger.domain.order import OrderStatus
from tickledger.execution.order_state import TERMINAL

ALL = OrderFilter(ACCOUNT.account_id)
FILER = Filer(ACCOUNT.owner, ACCOUNT.mode)


@pytest.fixture
def told(ledger: Engine) -> Engine:
    tell(ledger)
    return ledger


def last_statuses(ledger: Engine) -> dict[str, str]:
    """The status of each order in force, from its events one by one."""
    statement = (
        select(orders.c.order_id, order_events.c.status)
        .outerjoin(
            order_events,
            (order_events.c.order_id == orders.c.order_id) & order_events.c.superseded_at.is_(None),
        )
        .where(orders.c.account_id == ACCOUNT.account_id, orders.c.superseded_at.is_(None))
        .order_by(order_events.c.sequence)
    )
    with ledger.connect() as connection:
        return {row.order_id: row.status or OrderStatus.PENDING for row in connection.execute(statement)}


def test_orders_have_the_status_of_their_last_event(told: Engine) -> None:
    rows = order_rows(told, ALL, limit=100)
    assert {row.order_id: row.status for row in rows} == last_statuses(told)
    assert [row.submitted_at for row in rows] == sorted((row.submitted_at for row in rows), reverse=True)


def test_every_order_is_under_one_status_and_working_are_those_that_may_still_trade(told: Engine) -> None:
    by_status = {
        status: {row.order_id for row in order_rows(told, OrderFilter(ACCOUNT.account_id, status=status), limit=100)}
        for status in (*OrderStatus, WORKING)
    }
    expected = last_statuses(told)
    for status in OrderStatus:
        assert by_status[status] == {order for order, found in expected.items() if found == status}
    assert by_status[WORKING] == {order for order, found in expected.items() if found not in TERMINAL}


def test_fills_are_the_effective_executions(told: Engine) -> None:
    of_account = executions.c.account_id == ACCOUNT.account_id
    expected = EffectiveExecutions().read(told, where=[of_account, executions.c.superseded_at.is_(None)])
    shown = {row.execution_id: row for row in fill_rows(told, ALL, limit=100)}
    assert shown.keys() == {one.execution_id for one in expected}
    for one in expected:
        row = shown[one.execution_id]
        assert (row.quantity, row.price, row.executed_at) == (one.quantity, one.price, one.executed_at)
        assert (row.charges, row.is_estimated) == (one.commission + one.fees, one.commission_is_estimated)


def test_what_is_filled_of_an_order_is_what_its_executions_say(told: Engine) -> None:
    filled: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in fill_rows(told, ALL, limit=100):
        if row.order_id:
            filled[row.order_id] += row.quantity
    assert {row.order_id: row.filled for row in order_rows(told, ALL, limit=100) if row.filled} == dict(filled)


@pytest.mark.parametrize("rows_of", [order_rows, fill_rows, cost_rows])
def test_pages_follow_each_other_without_gap_or_repetition(told: Engine, rows_of) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    whole = list(rows_of(told, ALL, limit=100))
    one_by_one = [row for offset in range(len(whole)) for row in rows_of(told, ALL, limit=1, offset=offset)]
    assert one_by_one == whole
    assert whole


def test_filters_keep_what_they_say(told: Engine) -> None:
    day = order_rows(told, ALL, limit=1)[0].session_date
    of_day = order_rows(told, OrderFilter(ACCOUNT.account_id, day=day), limit=100)
    assert of_day
    assert {row.session_date for row in of_day} == {day}
    assert order_rows(told, OrderFilter(ACCOUNT.account_id, symbol="aapl"), limit=100)
    assert order_rows(told, OrderFilter(ACCOUNT.account_id, symbol="NOBODY"), limit=100) == []
    assert order_rows(told, OrderFilter("NOBODY"), limit=100) == []
    strategies = {row.strategy for row in order_rows(told, ALL, limit=100)}
    for strategy in strategies:
        found = order_rows(told, OrderFilter(ACCOUNT.account_id, strategy=strategy), limit=100)
        assert {row.strategy for row in found} == {strategy}


def test_the_days_beside_a_day_are_those_with_orders(told: Engine) -> None:
    days = sorted({row.session_date for row in order_rows(told, ALL, limit=100)})
    assert neighbours(told, ACCOUNT.account_id, days[0])[1] == (days[1] if len(days) > 1 else None)
    assert neighbours(told, ACCOUNT.account_id, date(1990, 1, 1)) == (None, days[0])


def test_costs_add_up(told: Engine) -> None:
    expected = read_order_costs(told, account_id=ACCOUNT.account_id)
    (summary,) = cost_summary(told, ALL)
    assert summary.orders == len(expected)
    assert summary.shortfall == sum(one.implementation_shortfall for one in expected)


def test_nav_is_the_balances_with_what_the_owner_brought(told: Engine) -> None:
    balances = read_balances(told, account_id=ACCOUNT.account_id)
    history = nav_history(told, ACCOUNT.account_id, sessions=100)
    assert [(one.session_date, one.equity, one.cash) for one in history] == [
        (one.session_date, one.equity, one.cash) for one in balances
    ]
    brought = [one for one in read_cash_transactions(told, account_id=ACCOUNT.account_id) if one.kind == "deposit"]
    assert net_deposits(told, ACCOUNT.account_id) == sum((one.amount for one in brought), Decimal(0))
    assert nav_history(told, ACCOUNT.account_id, sessions=2) == history[-2:]


def test_holdings_are_those_of_the_last_close(told: Engine) -> None:
    last = max(one.session_date for one in read_balances(told, account_id=ACCOUNT.account_id))
    expected = [one for one in read_positions(told, account_id=ACCOUNT.account_id) if one.session_date == last]
    held = held_positions(told, ACCOUNT.account_id)
    assert {(one.symbol, one.quantity, one.price) for one in held} == {
        (one.symbol, one.quantity, one.close) for one in expected
    }


def test_form_and_gains_add_up_to_what_the_record_has(told: Engine) -> None:
    assert 2012 in tax_years(told, FILER)
    lines = read_form_lines(told, taxpayer=ACCOUNT.owner, mode=ACCOUNT.mode, tax_year=2012)
    totals = box_totals(told, FILER, 2012)
    assert sum(one.lines for one in totals) == len(lines)
    assert sum(one.gain_loss for one in totals) == sum(line.gain_loss for line in lines)
    assert [one.line_id for one in form_rows(told, FILER, 2012, limit=100)] == [line.line_id for line in lines]
    gains = [one for one in read_gains(told) if one.tax_year == 2012 and one.account_id == ACCOUNT.account_id]
    sums = gain_sums(told, FILER, 2012)
    assert sum(one.number for one in sums) == len(gains)
    assert sum(one.disallowed for one in sums) == sum(one.disallowed_loss for one in gains)
    assert {one.gain_id for one in gain_rows(told, FILER, 2012, limit=100)} == {one.gain_id for one in gains}
    washes = {one.gain_id for one in read_wash_sales(told)} & {one.gain_id for one in gains}
    assert {one.gain_id for one in wash_rows(told, FILER, 2012, limit=100)} == washes


def test_lots_are_those_still_open_at_the_accounts_last_close(told: Engine) -> None:
    expected = {one.lot_id: one for one in read_open_lots(told) if one.account_id == ACCOUNT.account_id}
    rows = lot_rows(told, FILER, limit=100)
    assert {one.lot_id: (one.quantity, one.adjusted_basis) for one in rows} == {
        name: (one.quantity, one.adjusted_basis) for name, one in expected.items()
    }


def test_signals_and_models_are_those_of_the_record(told: Engine) -> None:
    expected = {one.signal_id for one in read_signals(told, start=date(2012, 1, 1), end=date(2012, 12, 31))}
    rows = signal_rows(told, limit=100)
    assert {one.signal_id for one in rows} == expected
    assert sum(one.number for one in signal_counts(told)) == len(expected)
    assert set(known_strategies(told)) == {one.strategy for one in rows}
    (model,) = model_rows(told, limit=10)
    assert model.is_champion


def test_the_account_that_trades_comes_first(told: Engine) -> None:
    choices = account_choices(told)
    assert {one.account_id for one in choices} >= {ACCOUNT.account_id}
    assert all(one.heartbeat_at is None or one.heartbeat_at.tzinfo for one in choices)
