"""Sessions are written as a whole and read back as they were; the database refuses what has no parent."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine

from tests.integration.db.story import ACCOUNT, BUY_DAY, END, SOURCE, START, Story, at, bar_id, opinions, record
from tests.trading import NEW_ACCOUNT, actions, market, signal, trade
from tickledger.db import accounts, features, market_data, signals, trading
from tickledger.db.corporate_actions import ingest_corporate_actions, read_corporate_actions
from tickledger.domain.account import Account, AccountKind, Mode
from tickledger.domain.errors import ConfigurationError, LedgerError
from tickledger.domain.order import OrderType, RiskLimit
from tickledger.domain.position import PortfolioState
from tickledger.domain.session_record import SessionRecord
from tickledger.execution.replay import state_after

PARTS = ("risk_decisions", "orders", "order_events", "executions", "cash_transactions", "positions", "balances")


def read_record(ledger: Engine, **selection: Any) -> SessionRecord:
    """What the ledger holds of sessions; a fill of somebody else's order is no part of one."""
    found = SessionRecord(*(tuple(getattr(trading, f"read_{part}")(ledger, **selection)) for part in PARTS))
    return replace(found, executions=tuple(row for row in found.executions if row.order_id))


def as_sets(record: SessionRecord) -> dict[str, Any]:
    return {part: sorted(getattr(record, part), key=repr) for part in PARTS}


def test_a_session_comes_back_as_it_was_written(ledger: Engine, story: Story) -> None:
    assert as_sets(read_record(ledger)) == as_sets(story.record)


def test_rows_are_read_by_mode_account_and_dates(ledger: Engine, story: Story) -> None:
    assert read_record(ledger, mode=Mode.LIVE) == SessionRecord(*((),) * 7)
    assert read_record(ledger, account_id="OTHER") == SessionRecord(*((),) * 7)
    one_day = trading.read_executions(ledger, mode=Mode.SIMULATED, start=BUY_DAY, end=BUY_DAY)
    assert [row for row in one_day if row.order_id] == [story.record.executions[0]]


@pytest.mark.parametrize(
    ("part", "changed", "constraint"),
    [
        ("executions", {"order_id": "ord_none"}, "fk_executions_orders"),
        ("executions", {"symbol": "IBM", "bar_id": None}, "fk_executions_orders"),
        ("executions", {"bar_id": bar_id(date(2012, 1, 10))}, "fk_executions_market_data"),
        ("executions", {"bar_id": bar_id(BUY_DAY, version=2)}, "fk_executions_market_data"),
        ("executions", {"quantity": Decimal(0)}, "ck_executions_positive"),
        ("executions", {"price": Decimal("NaN")}, "ck_executions_positive"),
        ("orders", {"risk_decision_id": "risk_none"}, "fk_orders_risk_decisions"),
        ("orders", {"signal_id": "sig_none"}, "fk_orders_signals"),
        ("orders", {"symbol": "IBM"}, "fk_orders_"),
        ("orders", {"order_type": OrderType.LIMIT}, "ck_orders_limit_price"),
        ("orders", {"stop_price": Decimal(1)}, "ck_orders_stop_price"),
        ("orders", {"parent_order_id": "ord_none"}, "fk_orders_orders"),
        ("risk_decisions", {"signal_id": "sig_none"}, "fk_risk_decisions_signals"),
        ("risk_decisions", {"approved_quantity": Decimal(101)}, "ck_risk_decisions_approves"),
        ("order_events", {"order_id": "ord_none"}, "fk_order_events_orders"),
        ("order_events", {"sequence": -1}, "ck_order_events_sequence"),
        ("cash_transactions", {"corporate_action_id": "ca_none"}, "fk_cash_transactions_corporate_actions"),
        ("positions", {"bar_id": bar_id(date(2012, 1, 10))}, "fk_positions_market_data"),
        ("positions", {"opened_date": END}, "ck_positions_opened"),
        ("executions", {"bar_id": "bar_IBM_1day_20120104T0000Z_1"}, "expected a bar of AAPL"),
    ],
)
def test_a_row_without_its_parents_is_refused(
    told: Engine, part: str, changed: dict[str, Any], constraint: str
) -> None:
    whole = record()
    row = getattr(whole, part)[0]
    identity = next(name for name in row.__dataclass_fields__ if name.endswith("_id"))
    new = {} if part == "order_events" else {identity: "new"}
    orphaned = replace(whole, **{part: (replace(row, **new, **changed), *getattr(whole, part)[1:])})
    with pytest.raises(LedgerError, match=constraint):
        trading.replace_session(told, ACCOUNT, orphaned, start=START, end=END)
    assert as_sets(read_record(told)) == as_sets(whole)


def test_a_session_of_another_mode_than_the_accounts_is_refused(ledger: Engine, story: Story) -> None:
    with pytest.raises(LedgerError, match="found 'live'"):
        trading.replace_session(ledger, replace(ACCOUNT, mode=Mode.LIVE), story.record, start=START, end=END)


def test_a_session_replayed_with_another_result_takes_the_place_of_the_first(ledger: Engine, story: Story) -> None:
    nothing = SessionRecord(*((),) * 7)
    changed = trading.replace_session(ledger, ACCOUNT, nothing, start=START, end=END)
    told = {part: len(getattr(story.record, part)) for part in PARTS}
    assert {name: result.superseded for name, result in changed.items()} == told
    # What a broker told of others' orders was made by no replay, and none takes it away: it is not counted here.
    assert read_record(ledger) == nothing
    again = trading.replace_session(ledger, ACCOUNT, story.record, start=START, end=END)
    assert all(result.superseded == 0 for result in again.values())
    assert as_sets(read_record(ledger)) == as_sets(story.record)


def test_an_account_stays_what_it_was_recorded_as(ledger: Engine) -> None:
    trading.ensure_account(ledger, ACCOUNT)
    trading.ensure_account(ledger, ACCOUNT)
    with pytest.raises(ConfigurationError, match=r"SIM0001: expected, as recorded, .* found"):
        trading.ensure_account(ledger, replace(ACCOUNT, kind=AccountKind.IRA))
    assert trading.read_accounts(ledger) == [ACCOUNT]


def test_limits_are_replaced_together_and_known_by_the_date_they_took_effect(ledger: Engine) -> None:
    trading.ensure_account(ledger, ACCOUNT)

    def limit(value: str, day: date) -> RiskLimit:
        return RiskLimit(ACCOUNT.account_id, "max_daily_loss", Decimal(value), day)

    trading.replace_risk_limits(ledger, ACCOUNT.account_id, [limit("5000", START), limit("2500.50", END)])
    assert accounts.read_risk_limits(ledger, ACCOUNT.account_id, effective=START) == [limit("5000", START)]
    trading.replace_risk_limits(ledger, ACCOUNT.account_id, [limit("1", START)])
    assert trading.read_risk_limits(ledger, ACCOUNT.account_id) == [limit("1", START)]
    bad = replace(limit("1", START), name="max_luck")
    with pytest.raises(LedgerError, match="ck_risk_limits_name_is_known"):
        trading.replace_risk_limits(ledger, ACCOUNT.account_id, [bad])
    with pytest.raises(LedgerError, match="account NOBODY is not recorded"):
        trading.replace_risk_limits(ledger, "NOBODY", [])


def test_an_account_without_a_past_has_no_opening_state(ledger: Engine, story: Story) -> None:
    assert trading.opening_state(ledger, ACCOUNT.account_id, START) is None
    assert trading.opening_state(ledger, "OTHER", END) is None
    assert story.record.balances[0].session_date == START


def test_an_order_that_was_never_heard_of_again_is_working(ledger: Engine, story: Story) -> None:
    first = story.record.order_events[0]
    for events, sequence in (((), 0), ((first,), 1)):
        orders = story.record.orders[:1]
        silent = replace(story.record, orders=orders, order_events=events, executions=(), positions=())
        trading.replace_session(ledger, ACCOUNT, silent, start=START, end=END)
        state = trading.opening_state(ledger, ACCOUNT.account_id, END + timedelta(days=1))
        assert state is not None
        assert state.working_orders == orders
        assert state.order_sequences == {orders[0].order_id: sequence}


PRICES: dict[str, list[str | None]] = {
    "AAPL": ["100 101", "101 99", "99 102", "102 104", "104 52", "52 53", "53 51", "51 54", "54 55", "55 56"],
    "IBM": ["50 50", "50 51", None, "51 52", "52 50", "50 49", "49 51", "51 50", "50 52", "52 53"],
}
SIGNALS = [
    *("BUY AAPL 2012-01-03", "BUY IBM 2012-01-03", "CLOSE_LONG AAPL 2012-01-06", "BUY AAPL 2012-01-09"),
    *("CLOSE_LONG IBM 2012-01-10", "CLOSE_LONG AAPL 2012-01-12", "BUY IBM 2012-01-12"),
]


@pytest.fixture
def traded(ledger: Engine) -> tuple[pd.DataFrame, pd.DataFrame, SessionRecord]:
    """Bars so thin that orders take several sessions, a split among them, and the replay of all of it."""
    bars = market("2012-01-03", PRICES, volume=3000)
    split = actions({"symbol": "AAPL", "ex_date": "2012-01-09", "kind": "split", "ratio": 2.0})
    market_data.ingest_bars(ledger, bars.drop(columns="bar_id"), rejects=[], source=SOURCE)
    ingest_corporate_actions(ledger, split, rejects=[], source=SOURCE)
    rows = bars[["bar_id", "symbol", "timestamp"]].assign(close=bars["close"])
    rows["feature_row_id"] = [f"feat_{row.symbol}_{row.timestamp:%Y-%m-%d}" for row in rows.itertuples()]
    features.write_feature_snapshots(ledger, rows)
    opinions = [signal(text) for text in SIGNALS]
    signals.replace_signals(ledger, opinions, start=date(2012, 1, 1), end=date(2012, 12, 31))
    trading.ensure_account(ledger, ACCOUNT)
    recorded = read_corporate_actions(ledger)
    return bars, recorded, replayed(bars, recorded, NEW_ACCOUNT)


def replayed(bars: pd.DataFrame, actions: pd.DataFrame, opening: PortfolioState, **dates: Any) -> SessionRecord:
    share = Decimal("0.1")
    return trade(bars, SIGNALS, corporate_actions=actions, opening=opening, max_participation=share, **dates)


def test_a_period_traded_in_two_parts_is_the_period_traded_at_once(
    ledger: Engine, traded: tuple[pd.DataFrame, pd.DataFrame, SessionRecord]
) -> None:
    bars, corporate_actions, whole = traded
    days = [balance.session_date for balance in whole.balances]
    working = 0
    for middle in days[1:]:
        before = replayed(bars, corporate_actions, NEW_ACCOUNT, end=middle - timedelta(days=1))
        trading.replace_session(ledger, ACCOUNT, before, start=days[0], end=middle - timedelta(days=1))
        opening = trading.opening_state(ledger, ACCOUNT.account_id, middle)
        assert opening is not None
        expected = state_after(before, opening=NEW_ACCOUNT)
        assert _ordered(opening) == _ordered(expected)
        after = replayed(bars, corporate_actions, opening, start=middle)
        trading.replace_session(ledger, ACCOUNT, after, start=middle, end=days[-1])
        assert as_sets(read_record(ledger)) == as_sets(whole)
        working += len(opening.working_orders)
    assert working > 0, "the story must leave orders working overnight"


def _ordered(state: PortfolioState) -> PortfolioState:
    orders = sorted(state.working_orders, key=lambda order: order.order_id)
    executions = sorted(state.working_executions, key=lambda execution: execution.execution_id)
    return replace(state, working_orders=tuple(orders), working_executions=tuple(executions))


def test_signals_come_back_with_their_parts(ledger: Engine, story: Story) -> None:
    def key(one: Any) -> str:
        return str(one.signal_id)

    found = signals.read_signals(ledger, start=START, end=END)
    assert sorted(found, key=key) == sorted(story.signals, key=key)
    composites = signals.read_signals(ledger, start=START, end=START, strategy="composite")
    assert [one.component_ids for one in composites] == [("sig_momentum_03", "sig_ml_03")]
    assert signals.read_signals(ledger, start=END, end=END) == []


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ({"feature_row_id": "feat_none"}, "fk_signals_feature_snapshots"),
        ({"symbol": "IBM"}, "fk_signals_feature_snapshots"),
        ({"model_version_id": "model_none"}, "fk_signals_model_versions"),
        ({"component_ids": ("sig_none",)}, "fk_signal_components_signals"),
        ({"confidence": 1.01}, "ck_signals_confidence"),
        ({"session_date": END + timedelta(days=1)}, "lies outside"),
    ],
)
def test_a_signal_without_its_parents_is_refused(told: Engine, changed: dict[str, Any], constraint: str) -> None:
    other = replace(opinions()[0], signal_id="sig_new", **changed)
    with pytest.raises(LedgerError, match=constraint):
        signals.replace_signals(told, [*opinions(), other], start=START, end=END)
    assert len(signals.read_signals(told, start=START, end=END)) == len(opinions())


def test_a_live_account_is_kept_apart_from_a_simulated_one(ledger: Engine, story: Story) -> None:
    live = Account("U1", Mode.LIVE)
    trading.ensure_account(ledger, live)
    deposit = replace(story.record.cash_transactions[0], cash_transaction_id="cash_live", account_id="U1")
    funded = replace(SessionRecord(*((),) * 7), cash_transactions=(deposit,))
    trading.replace_session(ledger, live, funded, start=START, end=END)
    assert trading.read_cash_transactions(ledger, mode=Mode.LIVE) == [deposit]
    assert as_sets(read_record(ledger, mode=Mode.SIMULATED)) == as_sets(story.record)
    assert at(START).tzinfo is not None
