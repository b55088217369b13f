"""Contributions to daily P&L: worked by hand, against a brute force in pandas, and that every grouping adds up."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.strategies import Scenario, scenarios
from tests.trading import actions, market, trade
from tickledger.bars.corporate_actions import domain_actions
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.order import OrderSide
from tickledger.domain.position import Balance, Position
from tickledger.domain.session_record import SessionRecord
from tickledger.execution.portfolio import Portfolio
from tickledger.reporting.pnl import DailyPnl, daily_pnl
from tickledger.reporting.pnl_breakdown import breakdown, by_model, by_sector, by_strategy, by_symbol
from tickledger.reporting.pnl_columns import AccountHistory, PositionColumns
from tickledger.reporting.pnl_contributions import PnlContribution, contributions
from tickledger.reporting.pnl_origins import Origin

#: Without shrinking, which replays whole scenarios for minutes.
FEW = settings(
    max_examples=examples(60),
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
A1, A2, B = Origin("alpha", "model_1"), Origin("alpha", "model_2"), Origin("beta")
ORIGINS = (A1, A2, B, None)
AMOUNTS = ("realized_pnl", "unrealized_pnl", "dividends", "total_pnl")
SECTORS = {"A": "Energy", "B": "Energy", "N": "Tech", "X": "Tech", "Y": "Energy"}


def history_of(record: SessionRecord, corporate_actions: Sequence[CorporateAction] = ()) -> AccountHistory:
    return AccountHistory(
        record.balances[0].account_id,
        record.balances,
        PositionColumns.of(record.positions),
        record.executions,
        record.cash_transactions,
        corporate_actions,
    )


def rows_of(record: SessionRecord, start: date | None = None) -> list[DailyPnl]:
    return daily_pnl(record.balances, record.positions, record.executions, record.cash_transactions, start=start)


def run(scenario: Scenario) -> SessionRecord:
    return trade(scenario.bars, scenario.signals, corporate_actions=scenario.corporate_actions, **scenario.settings)


def assigned(draw: st.DataObject, record: SessionRecord) -> dict[str, Origin]:
    """An origin for each order, none for those that count as by hand."""
    orders = sorted({execution.order_id for execution in record.executions})
    drawn = {order_id: draw.draw(st.sampled_from(ORIGINS)) for order_id in orders}
    return {order_id: origin for order_id, origin in drawn.items() if origin is not None}


@FEW
@given(scenarios(), st.data())
def test_every_breakdown_adds_up_to_the_account_in_every_column_to_the_cent(
    scenario: Scenario, data: st.DataObject
) -> None:
    record = run(scenario)
    rows, origins = rows_of(record), assigned(data, record)
    columns = contributions(history_of(record, domain_actions(scenario.corporate_actions)), rows, origins, SECTORS)
    for grouping in (by_symbol, by_strategy, by_sector, by_model):
        sums: dict[date, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
        for row in breakdown(columns, grouping).rows():
            sums[row.session_date] = [
                a + b for a, b in zip(sums[row.session_date], (getattr(row, name) for name in AMOUNTS), strict=True)
            ]
        for account_row in rows:
            assert sums[account_row.session_date] == [getattr(account_row, name) for name in AMOUNTS]
    # A simulated account is explained whole: only rounding may be left.
    assert {row.strategy for row in columns.rows()} <= {"alpha", "beta", "(by hand)", "(pooled cost)", "(rounding)"}


@FEW
@given(scenarios())
def test_symbols_earn_what_a_brute_force_in_pandas_says(scenario: Scenario) -> None:
    """Value by positions, cash by executions and transactions, shifted and added up in frames: no slots, no cents."""
    replaced = ("spinoff", "merger", "ticker_change")
    assume(not scenario.corporate_actions["kind"].isin(replaced).any())
    record = run(scenario)
    days = [row.session_date for row in record.balances]
    positions = pd.DataFrame(
        [
            (row.session_date, row.symbol, float(row.quantity * row.close), float(row.unrealized_pnl))
            for row in record.positions
        ],
        columns=["day", "symbol", "value", "gain"],
    )
    moved = [
        (
            fill.trade_date,
            fill.symbol,
            float(-fill.side.sign * fill.quantity * fill.price - fill.commission - fill.fees),
        )
        for fill in record.executions
    ]
    moved += [(row.session_date, row.symbol, float(row.amount)) for row in record.cash_transactions if row.symbol]
    cash = pd.DataFrame(moved, columns=["day", "symbol", "cash"])
    expected = {}
    for name, frame in (("value", positions), ("gain", positions), ("cash", cash)):
        wide = frame.pivot_table(index="day", columns="symbol", values=name, aggfunc="sum").reindex(days).fillna(0.0)
        expected[name] = wide if name == "cash" else wide.diff().fillna(wide)
    total = expected["value"].add(expected["cash"], fill_value=0.0)
    history = history_of(record, domain_actions(scenario.corporate_actions))
    found = breakdown(contributions(history, rows_of(record), {}, SECTORS), by_symbol).rows()
    for wanted, column in ((total, "total_pnl"), (expected["gain"], "unrealized_pnl")):
        cells = [(row.session_date, row.group, float(getattr(row, column))) for row in found]
        told = pd.DataFrame(cells, columns=["day", "symbol", "usd"]).pivot_table(
            index="day", columns="symbol", values="usd", aggfunc="sum"
        )
        of_symbols = told.reindex(index=wanted.index, columns=wanted.columns).fillna(0.0)
        # A cent of rounding, and another of the account's own.
        assert ((wanted - of_symbols).abs() < 0.021).all(axis=None)


DAYS = [date(2024, 3, 4), date(2024, 3, 5), date(2024, 3, 6), date(2024, 3, 7)]


def fill(name: str, side: OrderSide, quantity: str, price: str, day: int, charges: str = "0") -> Execution:  # noqa: PLR0917  reads as a line of a blotter
    at = datetime(2024, 3, 4 + day, 15, tzinfo=UTC)
    return Execution(
        f"exec_{name}_{day}",
        "" if name == "hand" else f"ord_{name}",
        "U1",
        "X",
        side,
        Decimal(quantity),
        Decimal(price),
        Decimal(charges),
        Decimal(0),
        at,
        DAYS[day],
    )


def told(
    fills: Sequence[Execution], closes: Sequence[str], *, cash: Sequence[CashTransaction] = (), extra: str = "0"
) -> list[PnlContribution]:
    """Contributions to an account that `Portfolio` keeps, X closing at `closes`; nothing tells of the `extra` cash."""
    book = Portfolio("U1", Decimal(10_000))
    balances: list[Balance] = []
    positions: list[Position] = []
    deposit = CashTransaction("cash_0", "U1", CashKind.DEPOSIT, Decimal(10_000), DAYS[0])
    for number, close in enumerate(closes):
        for each in fills:
            if each.trade_date == DAYS[number]:
                book.apply_execution(each)
        book.cash += sum((row.amount for row in cash if row.session_date == DAYS[number]), Decimal(0))
        value = book.quantity("X") * Decimal(close)
        held = book.holdings.get("X")
        if held is not None:
            gain = held.quantity * (Decimal(close) - held.average_cost)
            positions.append(
                Position(
                    "p", "U1", "X", DAYS[number], held.quantity, held.average_cost, Decimal(close), gain, DAYS[0], "b"
                )
            )
        beyond = Decimal(extra) if number == len(closes) - 1 else Decimal(0)
        balances.append(Balance("U1", DAYS[number], book.cash + beyond, book.cash + value + beyond))
    moved = [deposit, *cash]
    history = AccountHistory("U1", balances, PositionColumns.of(positions), fills, moved)
    origins = {"ord_a": A1, "ord_b": B}
    return contributions(history, daily_pnl(balances, positions, fills, moved), origins, {"X": "Tech"}).rows()


def summary(rows: Sequence[PnlContribution], day: int) -> dict[str, tuple[float, float, float]]:
    """(realized, unrealized, total) by strategy on a day."""
    return {
        row.strategy: (float(row.realized_pnl), float(row.unrealized_pnl), float(row.total_pnl))
        for row in rows
        if row.session_date == DAYS[day]
    }


def test_a_strategy_sells_its_own_shares_and_leaves_the_others_theirs() -> None:
    """alpha buys 100 at 10 and beta 100 at 20; alpha sells its own at 20. The account's average cost is 15."""
    rows = told(
        [
            fill("a", OrderSide.BUY, "100", "10", 0, "1"),
            fill("b", OrderSide.BUY, "100", "20", 1),
            fill("a", OrderSide.SELL, "100", "20", 2, "2"),
            fill("b", OrderSide.SELL, "100", "22", 3),
        ],
        ["10", "20", "20", "22"],
    )
    assert summary(rows, 0) == {"alpha": (-1, 0, -1)}
    assert summary(rows, 1) == {"alpha": (0, 1_000, 1_000)}
    # By the account's cost 500 is realized; alpha realizes 1,000 of its own, and nothing is earned on that day but
    # the charge.
    assert summary(rows, 2) == {"alpha": (998, -1_000, -2), "(pooled cost)": (-500, 500, 0)}
    assert summary(rows, 3) == {"beta": (200, 0, 200), "(pooled cost)": (500, -500, 0)}
    assert sum(row.total_pnl for row in rows if row.strategy == "beta") == 200
    assert {row.sector for row in rows} == {"Tech"}


def test_who_sells_beyond_its_own_sells_what_others_built_and_they_bear_it() -> None:
    rows = told(
        [
            fill("a", OrderSide.BUY, "60", "10", 0),
            fill("hand", OrderSide.BUY, "20", "10", 0),
            fill("hand", OrderSide.SELL, "50", "12", 1, "5"),
        ],
        ["10", "12"],
    )
    # 20 of its own, 30 of alpha's: 2 a share, less the charge by shares; alpha's other 30 rose as well.
    assert summary(rows, 1) == {"(by hand)": (38, 0, 38), "alpha": (57, 60, 117)}


def test_across_zero_the_rest_is_the_sellers_short_position() -> None:
    rows = told([fill("a", OrderSide.BUY, "10", "10", 0), fill("b", OrderSide.SELL, "30", "12", 1)], ["10", "11"])
    assert summary(rows, 1) == {"alpha": (20, 0, 20), "beta": (0, 20, 20)}


def test_interest_is_the_accounts_and_a_dividend_theirs_who_last_held_the_shares() -> None:
    paid = [
        CashTransaction("c1", "U1", CashKind.INTEREST, Decimal("1.50"), DAYS[1]),
        CashTransaction("c2", "U1", CashKind.DIVIDEND, Decimal(10), DAYS[2], "X"),
    ]
    rows = told(
        [fill("a", OrderSide.BUY, "10", "10", 0), fill("a", OrderSide.SELL, "10", "10", 1)],
        ["10", "10", "10"],
        cash=paid,
    )
    assert summary(rows, 1) == {"(account)": (1.5, 0, 1.5)}
    assert summary(rows, 2) == {"alpha": (0, 0, 10)}
    assert [row.dividends for row in rows if row.session_date == DAYS[2]] == [10]


def test_cash_that_nothing_tells_of_is_unexplained_and_no_strategys() -> None:
    rows = told([fill("a", OrderSide.BUY, "10", "10", 0)], ["10", "11"], extra="7.25")
    assert summary(rows, 1) == {"alpha": (0, 10, 10), "(unexplained)": (7.25, 0, 7.25)}
    assert [row.symbol for row in rows if row.strategy == "(unexplained)"] == [None]


def test_shares_that_no_execution_bought_are_unexplained_by_symbol() -> None:
    balances = [Balance("U1", DAYS[0], Decimal(0), Decimal(500)), Balance("U1", DAYS[1], Decimal(0), Decimal(550))]
    positions = [
        Position(
            "p",
            "U1",
            "X",
            day,
            Decimal(50),
            Decimal(8),
            Decimal(close),
            Decimal(50) * (Decimal(close) - 8),
            DAYS[0],
            "b",
        )
        for day, close in zip(DAYS, ("10", "11"), strict=False)
    ]
    history = AccountHistory("U1", balances, PositionColumns.of(positions), [], [])
    rows = contributions(history, daily_pnl(balances, positions, [], []), {}, {}).rows()
    assert [(row.symbol, row.strategy) for row in rows] == [("X", "(unexplained)")] * 2
    assert summary(rows, 1) == {"(unexplained)": (0, 50, 50)}


def test_a_change_of_ticker_takes_value_and_cost_along_and_earns_nothing() -> None:
    bars = market("2012-01-03", {"X": ["10 10", "10 12", None, None], "Y": [None, None, "12 12", "13 13"]})
    events = actions({"symbol": "X", "ex_date": "2012-01-05", "kind": "ticker_change", "new_symbol": "Y"})
    record = trade(bars, ["BUY X 2012-01-03"], corporate_actions=events, slippage_bps=Decimal(0), fees="none")
    columns = contributions(history_of(record, domain_actions(events)), rows_of(record), {}, SECTORS)
    found = [
        (row.session_date.day, row.symbol, float(row.realized_pnl), float(row.unrealized_pnl)) for row in columns.rows()
    ]
    assert found == [(4, "X", 0, 10_000), (6, "Y", 0, 5_000)]


def test_rows_from_a_session_on_are_those_of_the_whole() -> None:
    bars = market("2012-01-03", {"X": ["10 10", "10 11", "12 12", "13 13", "13 13"]})
    record = trade(bars, ["BUY X 2012-01-03", "SELL X 2012-01-05"], slippage_bps=Decimal(0), fees="per_order:7")
    history, start = history_of(record), date(2012, 1, 5)
    whole = contributions(history, rows_of(record), {}, SECTORS)
    assert contributions(history, rows_of(record, start), {}, SECTORS).rows() == whole.rows(start)
    assert [row for row in whole.rows() if row.session_date >= start] == whole.rows(start)


def test_a_session_without_a_balance_cannot_be_broken_down() -> None:
    bars = market("2012-01-03", {"X": ["10 10", "10 11"]})
    record = trade(bars, [], slippage_bps=Decimal(0), fees="none")
    wrong = [replace(row, session_date=date(2012, 1, 7)) for row in rows_of(record)[:1]]
    with pytest.raises(ValueError, match="sessions that have a balance"):
        contributions(history_of(record), wrong, {}, SECTORS)
