"""Roll-forwards of cash and NAV: a day of everything by hand, and that what is told ties to the cent."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.strategies import Scenario, scenarios
from tests.trading import trade
from tickledger.bars.corporate_actions import domain_actions
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.order import OrderSide
from tickledger.domain.position import Balance, Position
from tickledger.domain.session_record import SessionRecord
from tickledger.reporting.pnl import daily_pnl
from tickledger.reporting.pnl_columns import AccountHistory, PositionColumns
from tickledger.reporting.roll_forward import (
    CASH_COLUMNS,
    NAV_COLUMNS,
    RollForward,
    monthly,
    roll_forward_table,
    roll_forwards,
    rolled,
)

#: Without shrinking, which replays whole scenarios for minutes.
FEW = settings(
    max_examples=examples(40),
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
FIRST, SECOND = date(2024, 3, 1), date(2024, 3, 4)


def cash(kind: CashKind, amount: str, day: date, symbol: str | None = None) -> CashTransaction:
    return CashTransaction(f"cash_{kind}_{day}", "U1", kind, Decimal(amount), day, symbol)


def fill(side: OrderSide, quantity: str, price: str, day: date, charges: str = "1.25") -> Execution:
    at = datetime(day.year, day.month, day.day, 15, tzinfo=UTC)
    shares, paid = Decimal(quantity), Decimal(charges)
    return Execution(
        f"exec_{side}_{day}", "ord_1", "U1", "X", side, shares, Decimal(price), paid, Decimal("0.004"), at, day
    )


def position(quantity: str, cost: str, close: str, day: date) -> Position:
    shares, gain = Decimal(quantity), Decimal(quantity) * (Decimal(close) - Decimal(cost))
    return Position("pos", "U1", "X", day, shares, Decimal(cost), Decimal(close), gain, FIRST, "bar")


def two_days(last_cash: str = "5994.242", last_equity: str = "7194.242") -> AccountHistory:
    """A deposit and a purchase; then a sale, a dividend, interest, a fee, a withdrawal and cash in lieu."""
    return AccountHistory(
        "U1",
        [
            Balance("U1", FIRST, Decimal("7998.746"), Decimal("10098.746")),
            Balance("U1", SECOND, Decimal(last_cash), Decimal(last_equity)),
        ],
        PositionColumns.of([position("200", "10", "10.5", FIRST), position("100", "10", "12", SECOND)]),
        [fill(OrderSide.BUY, "200", "10", FIRST), fill(OrderSide.SELL, "100", "11", SECOND)],
        [
            cash(CashKind.DEPOSIT, "10000", FIRST),
            cash(CashKind.DIVIDEND, "20", SECOND, "X"),
            cash(CashKind.INTEREST, "1.50", SECOND),
            cash(CashKind.FEE, "-10", SECOND),
            cash(CashKind.WITHDRAWAL, "-3120", SECOND),
            cash(CashKind.CASH_IN_LIEU, "5.25", SECOND, "X"),
        ],
    )


def test_two_days_worked_out_by_hand() -> None:
    first, second = roll_forwards(two_days())
    assert [first.opening_cash, first.deposits, first.trades, first.charges] == [0, 10_000, -2_000, Decimal("-1.25")]
    assert (first.closing_cash, first.market_gain, first.closing_nav) == (
        Decimal("7998.75"),
        Decimal("100.00"),
        Decimal("10098.75"),
    )
    told = {name: getattr(second, name) for name in CASH_COLUMNS}
    assert told == {
        "trades": Decimal(1_100),
        "charges": Decimal("-1.26"),  # what rounding two balances leaves, at the one amount that is no whole cent
        "dividends": Decimal(20),
        "interest": Decimal("1.50"),
        "fees": Decimal(-10),
        "deposits": 0,
        "withdrawals": Decimal(-3_120),
        "corporate_action_cash": Decimal("5.25"),
    }
    # 100 shares from 10.50 to 12, 100 from 10.50 to the sale at 11, and what was paid for a fraction.
    assert second.market_gain == Decimal("205.25")
    assert [second.gross_exposure, second.net_exposure] == [1_200, 1_200]
    assert first.ties
    assert second.ties


def test_cash_that_nothing_explains_is_a_difference_of_its_own() -> None:
    _, second = roll_forwards(two_days(last_cash="6004.242", last_equity="7204.242"))
    assert [second.cash_difference, second.nav_difference] == [10, 10]
    assert second.trades == 1_100
    assert not second.ties


def test_equity_that_is_not_cash_and_positions_is_a_difference_of_nav_alone() -> None:
    _, second = roll_forwards(two_days(last_equity="7244.242"))
    assert [second.cash_difference, second.nav_difference] == [0, 50]


def history_of(record: SessionRecord, scenario: Scenario) -> AccountHistory:
    actions = domain_actions(scenario.corporate_actions)
    positions = PositionColumns.of(record.positions)
    return AccountHistory("SIM0001", record.balances, positions, record.executions, record.cash_transactions, actions)


def ties(row: RollForward) -> bool:
    moved: Decimal = sum((getattr(row, name) for name in CASH_COLUMNS), Decimal(0))
    of_nav: Decimal = sum((getattr(row, name) for name in NAV_COLUMNS), row.market_gain)
    return (
        row.closing_cash == row.opening_cash + moved + row.cash_difference
        and row.closing_nav == row.opening_nav + of_nav + row.nav_difference
    )


@FEW
@given(scenarios())
def test_a_simulated_account_ties_in_every_session_and_period_without_a_difference(scenario: Scenario) -> None:
    record = trade(scenario.bars, scenario.signals, corporate_actions=scenario.corporate_actions, **scenario.settings)
    rows = roll_forwards(history_of(record, scenario))
    assert len(rows) == len(record.balances)
    for row in (*rows, *monthly(rows), rolled(rows)):
        assert ties(row)
        assert row.ties
    daily = daily_pnl(record.balances, record.positions, record.executions, record.cash_transactions)
    for row, pnl in zip(rows, daily, strict=True):
        assert (row.closing_cash, row.closing_nav) == (pnl.cash_balance, pnl.portfolio_value)
        assert row.closing_nav - row.opening_nav - row.deposits - row.withdrawals == pnl.total_pnl


@FEW
@given(scenarios(), st.integers(-500_000, 500_000), st.data())
def test_money_that_goes_missing_is_told_to_the_cent_where_it_went(
    scenario: Scenario, cents: int, data: st.DataObject
) -> None:
    record = trade(scenario.bars, scenario.signals, corporate_actions=scenario.corporate_actions, **scenario.settings)
    place, amount = data.draw(st.integers(0, len(record.balances) - 1)), Decimal(cents).scaleb(-2)
    balances = [
        replace(row, cash=row.cash + amount, equity=row.equity + amount) if number >= place else row
        for number, row in enumerate(record.balances)
    ]
    rows = roll_forwards(replace(history_of(record, scenario), balances=balances))
    assert [row.cash_difference for row in rows] == [amount * (number == place) for number in range(len(rows))]
    assert all(ties(row) for row in rows)


def test_an_account_without_a_close_has_no_rows() -> None:
    empty = AccountHistory("U1", [], PositionColumns.of([]), [], [])
    assert roll_forwards(empty) == []
    assert roll_forward_table([]).rows == []
