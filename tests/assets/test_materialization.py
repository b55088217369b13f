"""Every stage materialized on a real database, each held against something that was computed another way."""

import csv
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import text

from resources.market_files import MarketFiles
from resources.simulated_account import SimulatedAccount
from tests.assets.conftest import Lineage
from tickledger.backtest.performance import StrategyPerformance
from tickledger.bars.sample import SAMPLE_CORPORATE_ACTIONS, SAMPLE_SYMBOLS, SAMPLE_VENDOR_ADJ_CLOSE
from tickledger.db.counts import current_rows
from tickledger.db.market_data import read_bars
from tickledger.db.order_costs import read_order_costs
from tickledger.db.quarantine import read_quarantine
from tickledger.db.reports import read_daily_pnl, read_form_lines, read_reports
from tickledger.db.symbols import read_sectors
from tickledger.db.tax import read_gains, read_open_lots
from tickledger.db.trading import (
    read_balances,
    read_cash_transactions,
    read_executions,
    read_order_events,
    read_orders,
    read_positions,
)
from tickledger.domain.account import Mode
from tickledger.domain.execution import CashKind
from tickledger.domain.order import RISK_LIMIT_UNITS
from tickledger.reporting.attribution import AttributionEffect
from tickledger.reporting.pnl_contributions import PnlContribution
from tickledger.reporting.pnl_reports import sessions_that_do_not_add_up
from tickledger.reporting.returns import PeriodReturn
from tickledger.reporting.roll_forward import RollForward

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("assets")]


def test_every_bar_of_the_sample_is_in_the_record_once(lineage: Lineage) -> None:
    bars = read_bars(lineage.engine)
    assert bars.groupby("symbol").size().to_dict() == {"AAPL": 3270, "FB": 196, "GOOG": 2148, "IBM": 3270, "MSFT": 3270}
    assert read_quarantine(lineage.engine) == []


def test_the_adjusted_close_is_the_vendors(lineage: Lineage) -> None:
    adjusted = lineage.adjusted_bars()
    vendor = pd.read_csv(SAMPLE_VENDOR_ADJ_CLOSE, parse_dates=["timestamp"])
    both = adjusted.merge(vendor.astype({"timestamp": adjusted["timestamp"].dtype}), on=["symbol", "timestamp"])
    # The vendor's last row carries a constant from events after the file's end.
    constant = both.groupby("symbol").apply(lambda rows: (rows["adj_close"] / rows["close"]).iloc[-1])
    expected = both["adj_close"] / both["symbol"].map(constant)
    assert len(both) == 12_154
    assert ((both["close"] / expected - 1).abs() < 1e-9).all()


def test_positions_are_what_the_fills_add_up_to(lineage: Lineage) -> None:
    held: dict[str, Decimal] = defaultdict(Decimal)
    for execution in read_executions(lineage.engine):
        held[execution.symbol] += execution.side.sign * execution.quantity
    last = read_balances(lineage.engine)[-1].session_date
    positions = {row.symbol: row.quantity for row in read_positions(lineage.engine) if row.session_date == last}
    assert positions == {symbol: quantity for symbol, quantity in held.items() if quantity}


def test_cash_is_the_deposit_and_the_dividends_less_what_was_paid_for_shares(lineage: Lineage) -> None:
    moved = sum(row.amount for row in read_cash_transactions(lineage.engine))
    paid = sum(
        row.side.sign * row.quantity * row.price + row.commission + row.fees for row in read_executions(lineage.engine)
    )
    assert read_balances(lineage.engine)[-1].cash == moved - paid
    assert {row.kind for row in read_cash_transactions(lineage.engine)} == {CashKind.DEPOSIT, CashKind.DIVIDEND}


def test_lots_held_and_shares_sold_are_the_shares_bought(lineage: Lineage) -> None:
    bought = sum(row.quantity for row in read_executions(lineage.engine) if row.side.sign > 0)
    sold = sum(row.quantity for row in read_gains(lineage.engine))
    assert sold + sum(lot.quantity for lot in read_open_lots(lineage.engine)) == bought


def test_the_form_adds_up_to_the_gains_of_its_year(lineage: Lineage) -> None:
    gains = read_gains(lineage.engine, years=[2012])
    lines = read_form_lines(lineage.engine, taxpayer="taxpayer", mode=Mode.SIMULATED, tax_year=2012)
    assert len(lines) >= 10
    assert sum(line.gain_loss for line in lines) == sum(gain.gain_loss for gain in gains)
    assert {gain_id for line in lines for gain_id in line.gain_ids} == {gain.gain_id for gain in gains}
    assert any("W" in line.codes for line in lines)
    assert all(line.watermark for line in lines)


def test_taxable_gain_is_economic_gain_once_washed_losses_and_what_is_held_are_counted(lineage: Lineage) -> None:
    """reported + deferred = economic, over the account's whole life (no IRA: nothing is lost for good)."""
    executions = read_executions(lineage.engine)
    spent = sum(r.side.sign * r.quantity * r.price + r.commission + r.fees for r in executions)
    reported = sum(gain.gain_loss for gain in read_gains(lineage.engine))
    basis_held = sum(lot.adjusted_basis for lot in read_open_lots(lineage.engine))
    assert abs(Decimal(basis_held) - spent - reported) < Decimal("0.01") * len(executions)


def test_daily_pnl_adds_up_to_the_change_of_equity(lineage: Lineage) -> None:
    rows = read_daily_pnl(lineage.engine)
    assert len(rows) == 502
    assert sum(row.total_pnl for row in rows) == rows[-1].portfolio_value - 100_000


def test_what_contributed_adds_up_to_the_daily_pnl_and_names_the_models_of_their_years(lineage: Lineage) -> None:
    rows, parts = read_daily_pnl(lineage.engine), read_reports(lineage.engine, PnlContribution)
    assert sessions_that_do_not_add_up(rows, parts) == []
    assert {row.strategy for row in parts} <= {"composite", "(rounding)"}
    named = {row.model_version_id for row in parts if row.strategy == "composite"}
    assert None not in named
    assert len(named) == 2
    known = read_sectors(lineage.engine)
    assert {(row.symbol, row.sector) for row in parts if row.symbol} <= set(known.items())
    rolled = read_reports(lineage.engine, RollForward)
    assert [(row.session_date, row.closing_nav) for row in rolled] == [
        (row.session_date, row.portfolio_value) for row in rows
    ]
    assert all(row.ties for row in rolled)
    with (lineage.exports / "daily_pnl_by_symbol.csv").open(newline="") as file:
        exported = sum(Decimal(row["total_pnl"]) for row in csv.DictReader(file))
    assert exported == sum(row.total_pnl for row in rows)


def test_performance_is_that_of_the_balances_and_its_attribution_adds_up(lineage: Lineage) -> None:
    rows = {
        (row.strategy, row.start_date.year, row.session_date.year): row
        for row in read_reports(lineage.engine, StrategyPerformance)
    }
    years = [(2011, 2011), (2012, 2012), (2011, 2012)]
    assert sorted(rows) == sorted((name, *span) for name in ("(account)", "composite") for span in years)
    balances = [float(row.equity) for row in read_balances(lineage.engine)]
    whole = rows["composite", 2011, 2012]
    assert whole.total_return == pytest.approx(balances[-1] / balances[0] - 1, abs=1e-6)
    assert float(whole.pnl) == pytest.approx(balances[-1] - balances[0], abs=0.02)
    assert whole.num_trades == len(read_executions(lineage.engine))
    periods = {row.period: row for row in read_reports(lineage.engine, PeriodReturn)}
    assert set(periods) == {"MTD", "QTD", "YTD", "inception", "2011", "2012"}
    since = periods["inception"]
    effects = [row for row in read_reports(lineage.engine, AttributionEffect) if row.start_date == since.start_date]
    for kind, attributed in (("factor", since.time_weighted), ("sector", since.excess_return)):
        found = [row.value for row in effects if row.kind == kind and row.session_date == since.session_date]
        assert sum(found) == pytest.approx(attributed, abs=1e-5)


def test_each_years_signals_come_from_a_model_that_saw_nothing_of_the_year(lineage: Lineage) -> None:
    """Asked of the ledger's foreign keys, not of the code that filled them."""
    query = text(
        "SELECT count(*), min(s.session_date - m.train_end_date) FROM signals s JOIN model_versions m"
        " USING (model_version_id) WHERE s.superseded_at IS NULL"
    )
    with lineage.engine.connect() as connection:
        signals, days = connection.execute(query).one()
    assert signals > 0
    assert days > 0


def test_every_order_was_let_out_by_risk_and_names_a_signal_of_the_same_close(lineage: Lineage) -> None:
    query = text(
        "SELECT count(*) FROM orders o JOIN signals s USING (signal_id) JOIN risk_decisions r USING (risk_decision_id)"
        " WHERE r.is_approved AND s.session_date = o.session_date AND s.symbol_id = o.symbol_id"
        " AND o.superseded_at IS NULL"
    )
    with lineage.engine.connect() as connection:
        found: int = connection.execute(query).scalar_one()
    assert found == len(read_orders(lineage.engine)) > 0


def test_the_exported_form_is_the_one_in_the_ledger(lineage: Lineage) -> None:
    lines = read_form_lines(lineage.engine, taxpayer="taxpayer", mode=Mode.SIMULATED, tax_year=2012)
    with (lineage.exports / "form_8949.csv").open(newline="") as file:
        exported = list(csv.DictReader(file))
    assert sorted((row["box"], row["gain_ids"], Decimal(row["gain_loss"])) for row in exported) == sorted(
        (line.box, ";".join(line.gain_ids), line.gain_loss) for line in lines
    )
    assert {row["watermark"] for row in exported} == {line.watermark for line in lines}


def test_two_years_in_one_run_leave_the_rows_that_two_runs_left(lineage: Lineage) -> None:
    before = ledger_of(lineage)
    assert lineage.run("end_of_day", "2011", "2012").success
    assert ledger_of(lineage) == before


def ledger_of(lineage: Lineage) -> tuple[object, ...]:
    readers = (
        read_orders,
        read_order_events,
        read_executions,
        read_positions,
        read_balances,
        read_gains,
        read_open_lots,
    )
    return tuple(read(lineage.engine) for read in readers)


def test_a_year_made_again_alone_takes_the_years_after_it_along(lineage: Lineage) -> None:
    """Under a tighter limit 2011 ends elsewhere; 2012 must start there, and its form with it."""
    before = ledger_of(lineage)
    tighter = SimulatedAccount(
        account_id="SIM0001",
        owner="taxpayer",
        opening_cash="100000",
        strategy="composite",
        risk_limits={**dict.fromkeys(RISK_LIMIT_UNITS, "1000000"), "max_position_size": "30"},
    )
    assert lineage.having(simulated=tighter).run("end_of_day", "2011", "2011").success
    assert ledger_of(lineage) != before
    rows = read_daily_pnl(lineage.engine)
    assert sum(row.total_pnl for row in rows) == rows[-1].portfolio_value - 100_000
    assert max(order.quantity for order in read_orders(lineage.engine)) <= 30
    assert len(read_balances(lineage.engine)) == 502
    lines = read_form_lines(lineage.engine, taxpayer="taxpayer", mode=Mode.SIMULATED, tax_year=2012)
    gains = read_gains(lineage.engine, years=[2012])
    assert {gain_id for line in lines for gain_id in line.gain_ids} == {gain.gain_id for gain in gains}

    assert lineage.run("end_of_day", "2011", "2011").success
    assert ledger_of(lineage) == before


def test_every_order_that_was_filled_has_a_cost_and_costs_add_up_by_strategy(lineage: Lineage) -> None:
    """Also those decided at the last close of 2011, whose year was over before they were filled."""
    fills, costs = read_executions(lineage.engine), read_order_costs(lineage.engine)
    assert {fill.order_id for fill in fills} <= {cost.parent_order_id for cost in costs}
    assert sum(cost.fees for cost in costs) == sum(fill.commission + fill.fees for fill in fills)
    with (lineage.exports / "implementation_shortfall.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["num_orders"]) for row in rows) == len(costs)
    told = sum((Decimal(row["implementation_shortfall"]) for row in rows), Decimal(0))
    whole = sum((cost.implementation_shortfall for cost in costs), Decimal(0))
    assert abs(told - whole) < len(rows) * Decimal("0.01")
    with (lineage.exports / "order_costs.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(costs)


def test_a_purchase_in_january_reopens_the_form_of_december(lineage: Lineage) -> None:
    """2011 was first run alone; its form must follow the gains once the purchases of 2012 are known."""
    assert lineage.run("end_of_day", "2011", "2012").success
    lines = read_form_lines(lineage.engine, taxpayer="taxpayer", mode=Mode.SIMULATED, tax_year=2011)
    gains = read_gains(lineage.engine, years=[2011])
    assert sum(line.adjustment for line in lines) == sum(gain.disallowed_loss for gain in gains)
    assert {gain_id for line in lines for gain_id in line.gain_ids} == {gain.gain_id for gain in gains}


def test_ingesting_a_month_again_changes_nothing(lineage: Lineage) -> None:
    before = current_rows(lineage.engine)
    assert lineage.run("ingest", "2012-05-01", "2012-05-01").success
    after = current_rows(lineage.engine)
    assert (after["market_data"], after["corporate_actions"]) == (before["market_data"], before["corporate_actions"])


BAD_BARS = """\
symbol,timestamp,open,high,low,close,volume
AAPL,2012-05-18T00:00:00Z,533.96,543.41,522.18,530.38,26125200
AAPL,2012-05-19T00:00:00Z,533.96,543.41,522.18,530.38,26125200
IBM,2012-05-18T00:00:00Z,199.00,195.00,197.00,195.88,4000000
IBM,2012-05-21T00:00:00Z,195.73,198.15,195.27,197.76,3800000
IBM,2012-05-21T00:00:00Z,195.73,198.15,195.27,197.76,3800000
MSFT,2012-05-18T00:00:00Z,-29.79,29.87,29.24,29.27,56205300
"""


def test_bad_bars_go_to_the_quarantine_and_every_good_one_goes_in(
    fresh_lineage: Callable[..., Lineage], tmp_path: Path
) -> None:
    bars = tmp_path / "bars.csv"
    bars.write_text(BAD_BARS)
    files = MarketFiles(bars=str(bars), corporate_actions=str(SAMPLE_CORPORATE_ACTIONS), symbols=str(SAMPLE_SYMBOLS))
    lineage = fresh_lineage(market_files=files)

    result = lineage.run("ingest", "2012-05-01", "2012-05-01", ["market_data", "raw_bars"])

    assert result.success
    assert read_bars(lineage.engine)[["symbol", "close"]].to_numpy().tolist() == [["AAPL", 530.38], ["IBM", 197.76]]
    refused = {row.reject.problem.row: row.reject.problem.column for row in read_quarantine(lineage.engine)}
    assert set(refused) == {3, 4, 6, 7}
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert checks["no_rejected_rows"] is False
    assert checks["schema"] is True


def test_signals_without_a_champion_fail_and_name_the_year(lineage: Lineage) -> None:
    lineage.run("research", "2010", "2010", ["features", "daily"])
    result = lineage.run("research", "2010", "2010", ["signals", "daily"])
    failure = next(event for event in result.all_events if event.is_step_failure)
    assert not result.success
    assert "champion of model direction for 2010" in str(failure.step_failure_data.error)


def test_a_year_of_features_that_is_missing_is_named_and_trains_nothing(lineage: Lineage) -> None:
    stored = lineage.lake / "features" / "daily" / "2005.parquet"
    aside = stored.rename(stored.with_suffix(".aside"))
    result = lineage.run("research", "2011", "2011", ["models", "direction"])
    aside.rename(stored)
    failure = next(event for event in result.all_events if event.is_step_failure)
    assert not result.success
    assert "features/daily has no stored data for 2005" in str(failure.step_failure_data.error)
