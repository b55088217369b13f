"""Returns against published examples, and what linking and internal rates have to satisfy."""

from datetime import date, timedelta
from decimal import Decimal
from math import prod

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tickledger.domain.execution import CashKind, CashTransaction
from tickledger.domain.position import Balance
from tickledger.reporting.returns import (
    Benchmark,
    FlowTiming,
    annualized,
    daily_returns,
    period_returns,
    period_returns_table,
    time_weighted_return,
)
from tickledger.reporting.returns_money_weighted import CashFlow, money_weighted_return

DAY = date(2023, 1, 3)


def flows(*rows: tuple[str, str]) -> list[CashFlow]:
    return [CashFlow(date.fromisoformat(day), Decimal(amount)) for day, amount in rows]


def account(*rows: tuple[str, str, str]) -> tuple[list[Balance], list[CashTransaction]]:
    """Closes as (date, flow, equity)."""
    balances = [Balance("U1", date.fromisoformat(day), Decimal(0), Decimal(equity)) for day, _, equity in rows]
    moved = [
        CashTransaction(
            f"cash_{day}",
            "U1",
            CashKind.DEPOSIT if Decimal(flow) > 0 else CashKind.WITHDRAWAL,
            Decimal(flow),
            date.fromisoformat(day),
        )
        for day, flow, _ in rows
        if Decimal(flow)
    ]
    return balances, moved


def test_the_example_of_excels_xirr() -> None:
    """Microsoft, "XIRR function": 0.373362535."""
    found = money_weighted_return(
        flows(
            ("2008-01-01", "-10000"),
            ("2008-03-01", "2750"),
            ("2008-10-30", "4250"),
            ("2009-02-15", "3250"),
            ("2009-04-01", "2750"),
        )
    )
    assert found.rate == pytest.approx(0.373362535, abs=5e-9)
    assert (found.sign_changes, found.note) == (1, "")


def test_the_oil_pump_of_lorie_and_savage_has_two_rates_and_so_none() -> None:
    """J. H. Lorie, L. J. Savage, "Three Problems in Rationing Capital", Journal of Business 28, 1955."""
    found = money_weighted_return(flows(("2021-01-01", "-1600"), ("2022-01-01", "10000"), ("2023-01-01", "-10000")))
    assert found.rate is None
    assert found.roots == pytest.approx((0.25, 4.0))
    assert found.sign_changes == 2
    assert "0.25, 4 all fit" in found.note


def test_the_example_of_the_cfa_curriculum() -> None:
    """CFA Institute, Quantitative Methods, the dividend-paying share: 10.76 % time-weighted, 9.39 % money-weighted.

    Bought at 200; after a year, with a dividend of 5, another at 225; after two they are worth 470, with 10 in
    dividends.
    """
    at = [date(2021, 1, 1), date(2022, 1, 1), date(2023, 1, 1)]
    found = money_weighted_return(
        [CashFlow(at[0], Decimal(-200)), CashFlow(at[1], Decimal(-220)), CashFlow(at[2], Decimal(480))]
    )
    assert found.rate == pytest.approx(0.0939, abs=5e-5)
    balances, moved = account(
        ("2021-01-01", "200", "200"),
        ("2022-01-01", "0", "230"),
        ("2022-01-02", "220", "450"),
        ("2023-01-01", "0", "480"),
    )
    value = time_weighted_return(daily_returns(balances, moved))
    assert value is not None
    assert annualized(value, 730) == pytest.approx(0.1076, abs=1e-4)


def test_a_flow_counts_from_the_start_of_its_day_or_from_its_end() -> None:
    balances, moved = account(("2023-01-03", "100", "110"), ("2023-01-04", "100", "231"))
    at_start = [row.value for row in daily_returns(balances, moved)]
    at_end = [row.value for row in daily_returns(balances, moved, timing=FlowTiming.END)]
    assert at_start == pytest.approx([0.10, 0.10])
    assert at_end == pytest.approx([0.10, 21 / 110])


def test_money_lost_on_nothing_leaves_no_return_and_a_closed_account_earns_none() -> None:
    balances, moved = account(("2023-01-03", "100", "100"), ("2023-01-04", "-100", "0"), ("2023-01-05", "0", "0"))
    assert time_weighted_return(daily_returns(balances, moved)) == 0
    balances, moved = account(("2023-01-03", "100", "100"), ("2023-01-04", "-100", "-5"))
    assert time_weighted_return(daily_returns(balances, moved)) is None
    assert time_weighted_return([]) is None


def test_periods_to_date_and_years_with_a_benchmark() -> None:
    balances, moved = account(
        ("2022-12-30", "1000", "1000"),
        ("2023-01-03", "0", "1100"),
        ("2023-02-28", "0", "1210"),
        ("2023-03-31", "500", "1881"),
    )
    index = Benchmark("SPY", {date(2023, 1, 3): 0.05, date(2023, 2, 28): float("nan"), date(2023, 3, 31): 0.02})
    rows = {row.period: row for row in period_returns("U1", daily_returns(balances, moved), benchmark=index)}
    assert {name: round(row.time_weighted or 0, 6) for name, row in rows.items()} == {
        "MTD": 0.1,
        "QTD": 0.331,
        "YTD": 0.331,
        "inception": 0.331,
        "2022": 0.0,
        "2023": 0.331,
    }
    year = rows["YTD"]
    assert [year.opening_nav, year.net_flows, year.pnl, year.closing_nav] == [1_000, 500, 381, 1_881]
    assert year.annualized is None
    assert year.benchmark_return == pytest.approx(1.05 * 1.02 - 1)
    assert year.excess_return == pytest.approx(0.331 - 0.071)
    assert rows["2022"].money_weighted_note == "no money was in it from one day to another"
    assert rows["2022"].benchmark_return is None
    assert period_returns("U1", []) == []
    assert period_returns_table([year]).rows[0]["time_weighted"] == "0.3310000000"


@given(st.lists(st.tuples(st.integers(-2_000, 5_000), st.floats(-0.2, 0.2)), min_size=1, max_size=12))
def test_linking_gives_back_the_returns_that_made_the_values(steps: list[tuple[int, float]]) -> None:
    equity, rows = Decimal(10_000), [("2023-01-03", "10000", "10000")]
    expected = [0.0]
    for number, (flow, growth) in enumerate(steps):
        base = equity + flow
        assume(base > 100)
        equity = (base * Decimal(1 + growth)).quantize(Decimal("0.0001"))
        expected.append(float(equity / base) - 1)
        rows.append(((DAY + timedelta(days=number + 1)).isoformat(), str(flow), str(equity)))
    balances, moved = account(*rows)
    assert time_weighted_return(daily_returns(balances, moved)) == pytest.approx(prod(1 + g for g in expected) - 1)


@given(
    st.lists(st.tuples(st.integers(0, 2_000), st.integers(1, 100_000)), min_size=1, max_size=8),
    st.floats(-0.9, 3.0),
)
def test_deposits_that_grow_at_a_rate_have_that_rate(deposits: list[tuple[int, int]], rate: float) -> None:
    end = 2_200
    worth = sum(amount * (1 + rate) ** ((end - day) / 365) for day, amount in deposits)
    paid = [CashFlow(DAY + timedelta(days=day), Decimal(-amount)) for day, amount in deposits]
    found = money_weighted_return([*paid, CashFlow(DAY + timedelta(days=end), Decimal(repr(worth)))])
    assert found.rate == pytest.approx(rate, abs=1e-7)
    assert found.over(365) == pytest.approx(rate, abs=1e-7)


@given(st.lists(st.tuples(st.integers(0, 1_000), st.integers(-1_000, 1_000)), min_size=2, max_size=6))
def test_every_rate_that_is_named_makes_the_flows_worth_nothing(rows: list[tuple[int, int]]) -> None:
    found = money_weighted_return([CashFlow(DAY + timedelta(days=day), Decimal(amount)) for day, amount in rows])
    assert len(found.roots) <= found.sign_changes
    for root in found.roots:
        if 0 < 1 + root < 1e6:
            scale = sum(abs(amount) * (1 + root) ** (-day / 365) for day, amount in rows)
            assert abs(sum(amount * (1 + root) ** (-day / 365) for day, amount in rows)) <= 1e-6 * scale


@pytest.mark.parametrize(("days", "left"), [(2, "0.4"), (1, "0.01"), (365, "0.5"), (3650, "0.001")])
def test_what_was_lost_is_what_is_told_of_the_period_however_small_the_yearly_rate(days: int, left: str) -> None:
    paid, worth = CashFlow(DAY, Decimal(-1000)), CashFlow(DAY + timedelta(days=days), 1000 * Decimal(left))
    assert money_weighted_return([paid, worth]).over(days) == pytest.approx(float(left) - 1, rel=1e-9)


def test_money_that_only_went_in_has_no_rate() -> None:
    found = money_weighted_return(flows(("2023-01-01", "-5"), ("2023-02-01", "-5")))
    assert (found.rate, found.roots, found.note) == (None, (), "money went one way only")
    assert found.over(30) is None
