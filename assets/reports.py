"""Stage `reports`: what a person reads in the evening and signs in April."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

import dagster as dg
import pandas as pd

from assets.checks import SHOWN, Materialized, materialized, replace_metadata, schema_spec
from assets.ledger_schemas import FormLines
from assets.lots import REALIZED
from assets.partitions import SINGLE_RUN, YEARS, dates_of, years_of
from assets.reconciliation import BREAKS
from assets.signals import DAILY as SIGNALS
from assets.trading import POSITIONS
from resources.exports import Exports
from resources.ledger import Ledger
from resources.simulated_account import SimulatedAccount
from tickledger.backtest.performance import StrategyPerformance
from tickledger.bars.adjustment import adjust
from tickledger.bars.corporate_actions import domain_actions
from tickledger.db.account_histories import read_account_histories, read_origins, read_signal_counts
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.forms import replace_forms, replace_schedules
from tickledger.db.market_data import read_bars
from tickledger.db.order_costs import read_order_costs, record_order_costs
from tickledger.db.reports import (
    read_daily_pnl,
    read_reports,
    replace_daily_pnl_of_accounts,
    replace_reports_of_accounts,
)
from tickledger.db.symbols import read_sectors
from tickledger.db.tax import read_gains
from tickledger.db.trading import last_session, read_accounts, read_cash_transactions
from tickledger.reporting.attribution import AttributionEffect
from tickledger.reporting.pnl import unexplained_by_account
from tickledger.reporting.pnl_contributions import PnlContribution
from tickledger.reporting.pnl_reports import (
    differences_by_account,
    pnl_reports,
    pnl_tables,
    sessions_that_do_not_add_up,
)
from tickledger.reporting.returns import PeriodReturn
from tickledger.reporting.returns_market import market_returns
from tickledger.reporting.returns_reports import attributions_that_do_not_add_up, return_reports, return_tables
from tickledger.reporting.roll_forward import RollForward
from tickledger.reporting.shortfall import order_costs_table, shortfalls
from tickledger.reporting.tax_years import TaxForms, all_lines, form_8949_tables, schedule_d_documents, tax_forms

GROUP = "reports"
OWNERS = ["team:tax"]
DAILY_PNL = [GROUP, "daily_pnl"]
ORDER_COSTS = [GROUP, "order_costs"]
PERFORMANCE = [GROUP, "performance"]
FORM_8949 = [GROUP, "form_8949"]
SCHEDULE_D = [GROUP, "schedule_d"]
#: What returns are held against where the record has its bars.
BENCHMARK = "SPY"
WARN = dg.AssetCheckSeverity.WARN


@dg.asset(
    key=DAILY_PNL,
    deps=[dg.AssetKey(POSITIONS)],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"postgres", "csv"},
    partitions_def=YEARS,
    backfill_policy=SINGLE_RUN,
    description="Economic profit and loss of each session and account (average cost, after commissions and fees), "
    "what each symbol, sector, strategy and model version contributed, how cash and net asset value rolled forward; "
    "all of it adds up to the change of equity, to the cent.",
)
def daily_pnl_report(
    context: dg.AssetExecutionContext, ledger: Ledger, simulated: SimulatedAccount, exports: Exports
) -> Materialized:
    engine = ledger.engine
    start, end = dates_of(context, through=last_session(engine, simulated.account_id))
    accounts, histories = read_accounts(engine), read_account_histories(engine, end=end)
    reports = pnl_reports(histories, read_origins(engine), read_sectors(engine))
    parts = reports.contribution_rows(start)
    written = replace_daily_pnl_of_accounts(engine, accounts, reports.window(start), start=start, end=end)
    replace_reports_of_accounts(engine, PnlContribution, accounts, parts, start=start, end=end)
    replace_reports_of_accounts(engine, RollForward, accounts, reports.roll_forwards, start=start, end=end)
    exports.write_tables(pnl_tables(reports))
    tails = {f"last_sessions_of_{account_id}": _tail(days) for account_id, days in reports.daily_pnl.items()}
    told: dict[str, Any] = {"contributions": len(parts), "last_contributions": _tail(parts)}
    return dg.MaterializeResult(metadata={**replace_metadata(written), **told, **tails})


@dg.asset_check(
    asset=DAILY_PNL,
    blocking=True,
    description="Each account's total P&L adds up to the change of equity less deposits.",
)
def daily_pnl_adds_up(ledger: Ledger) -> dg.AssetCheckResult:
    rows, cash = read_daily_pnl(ledger.engine), read_cash_transactions(ledger.engine)
    unexplained = unexplained_by_account(rows, cash)
    told = {f"unexplained_usd_of_{account_id}": float(amount) for account_id, amount in unexplained.items()}
    return dg.AssetCheckResult(passed=not any(unexplained.values()), metadata=told)


@dg.asset_check(
    asset=DAILY_PNL,
    blocking=True,
    description="What symbols, strategies and model versions contributed adds up to each account's row.",
)
def contributions_add_up(ledger: Ledger) -> dg.AssetCheckResult:
    rows, parts = read_daily_pnl(ledger.engine), read_reports(ledger.engine, PnlContribution)
    wrong = sessions_that_do_not_add_up(rows, parts)
    told: dict[str, Any] = {
        "sessions": len(rows),
        "contributions": len(parts),
        "wrong": dg.MetadataValue.json(wrong[:SHOWN]),
    }
    return dg.AssetCheckResult(passed=not wrong, metadata=told)


@dg.asset_check(
    asset=DAILY_PNL,
    description="Cash and net asset value roll forward from each close to the next without a difference.",
)
def roll_forwards_tie(ledger: Ledger) -> dg.AssetCheckResult:
    rows = read_reports(ledger.engine, RollForward)
    untied = [row for row in rows if not row.ties]
    amounts = {f"difference_usd_of_{name}": float(usd) for name, usd in differences_by_account(rows).items()}
    told: dict[str, Any] = {"sessions": len(rows), "untied": len(untied), "last_untied": _tail(untied)}
    return dg.AssetCheckResult(passed=not untied, severity=WARN, metadata={**told, **amounts})


@dg.asset(
    key=ORDER_COSTS,
    deps=[dg.AssetKey(POSITIONS)],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"postgres", "csv"},
    partitions_def=YEARS,
    backfill_policy=SINGLE_RUN,
    description="What carrying out each order cost against the price at which it was decided: implementation "
    "shortfall, slippage against the market's average price, part of its volume, by the bars of the record.",
)
def order_costs_report(
    context: dg.AssetExecutionContext, ledger: Ledger, simulated: SimulatedAccount, exports: Exports
) -> Materialized:
    engine = ledger.engine
    start, end = dates_of(context, through=last_session(engine, simulated.account_id))
    recorded = record_order_costs(engine, read_accounts(engine), start=start, end=end)
    exports.write_tables({"order_costs.csv": order_costs_table(read_order_costs(engine, end=end))})
    told: dict[str, Any] = {
        "orders": recorded.orders,
        "without_a_cost": dg.MetadataValue.json(list(map(str, recorded.problems))),
    }
    return dg.MaterializeResult(metadata={**replace_metadata(recorded.written), **told})


@dg.asset(
    key=PERFORMANCE,
    deps=[dg.AssetKey(DAILY_PNL), dg.AssetKey(SIGNALS), dg.AssetKey(ORDER_COSTS)],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"postgres", "csv"},
    partitions_def=YEARS,
    backfill_policy=SINGLE_RUN,
    description="How each account and each of its strategies has done, by year and to date: returns, risk, win rate, "
    "turnover; returns of periods against a benchmark, attributed to sectors and factors; what working orders cost.",
)
def performance_report(
    context: dg.AssetExecutionContext, ledger: Ledger, simulated: SimulatedAccount, exports: Exports
) -> Materialized:
    engine = ledger.engine
    start, end = dates_of(context, through=last_session(engine, simulated.account_id))
    accounts, histories, origins = read_accounts(engine), read_account_histories(engine, end=end), read_origins(engine)
    market = market_returns(adjust(read_bars(engine, end=end), read_corporate_actions(engine)))
    counts, sectors = read_signal_counts(engine, end=end), read_sectors(engine)
    reports = return_reports(histories, origins, sectors, counts, market, benchmark=BENCHMARK)
    written = replace_reports_of_accounts(
        engine, StrategyPerformance, accounts, reports.performances, start=start, end=end
    )
    replace_reports_of_accounts(engine, PeriodReturn, accounts, reports.period_returns, start=start, end=end)
    replace_reports_of_accounts(engine, AttributionEffect, accounts, reports.effects, start=start, end=end)
    exports.write_tables(return_tables(reports, shortfalls(read_order_costs(engine, end=end), origins)))
    told = {
        "performances": _tail(reports.performances),
        "returns": _tail(reports.period_returns),
        "effects": _tail(reports.effects),
    }
    return dg.MaterializeResult(metadata={**replace_metadata(written), **told})


@dg.asset_check(
    asset=PERFORMANCE,
    description="The effects of factors and what is left add up to the time-weighted return of their period.",
)
def attribution_adds_up(ledger: Ledger) -> dg.AssetCheckResult:
    effects = read_reports(ledger.engine, AttributionEffect)
    beyond = attributions_that_do_not_add_up(effects, read_reports(ledger.engine, PeriodReturn))
    told: dict[str, Any] = {"effects": len(effects), "beyond": dg.MetadataValue.json(beyond)}
    return dg.AssetCheckResult(passed=not beyond, severity=WARN, metadata=told)


@dg.asset(
    key=FORM_8949,
    deps=[dg.AssetKey(REALIZED), dg.AssetKey(BREAKS)],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"postgres", "csv"},
    partitions_def=YEARS,
    backfill_policy=SINGLE_RUN,
    description="Rows of Form 8949 for each taxpayer and tax year. Those of accounts that are not live carry a "
    "watermark.",
    check_specs=[schema_spec(FORM_8949, FormLines)],
)
def form_8949_report(
    context: dg.AssetExecutionContext, ledger: Ledger, simulated: SimulatedAccount, exports: Exports
) -> Materialized:
    years = years_of(context, through=last_session(ledger.engine, simulated.account_id))
    forms = _forms(ledger, years)
    written = replace_forms(ledger.engine, forms)
    exports.write_tables(form_8949_tables(forms))
    return materialized(FORM_8949, FormLines, all_lines(forms), replace_metadata(written))


@dg.asset(
    key=SCHEDULE_D,
    deps=[dg.AssetKey(FORM_8949)],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"postgres", "json"},
    partitions_def=YEARS,
    backfill_policy=SINGLE_RUN,
    description="Schedule D of each taxpayer and tax year: totals by box, the loss limit of IRC 1211(b) and the "
    "carryover.",
)
def schedule_d_report(
    context: dg.AssetExecutionContext, ledger: Ledger, simulated: SimulatedAccount, exports: Exports
) -> Materialized:
    years = years_of(context, through=last_session(ledger.engine, simulated.account_id))
    forms = _forms(ledger, years)
    written = replace_schedules(ledger.engine, forms)
    documents = schedule_d_documents(forms)
    exports.write_documents(documents)
    return dg.MaterializeResult(
        metadata={**replace_metadata(written), "schedules": dg.MetadataValue.json(dict(documents))}
    )


def _forms(ledger: Ledger, years: Collection[int]) -> list[TaxForms]:
    actions = domain_actions(read_corporate_actions(ledger.engine))
    gains, accounts = read_gains(ledger.engine), read_accounts(ledger.engine)
    return tax_forms(gains, accounts, years=years, corporate_actions=actions)


def _tail(rows: Sequence[Any]) -> dg.MetadataValue:
    return dg.MetadataValue.md(pd.DataFrame(map(asdict, rows[-10:])).astype(str).to_markdown(index=False))
