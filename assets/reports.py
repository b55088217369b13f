"""Stage `reports`: what a person reads in the evening and signs in April."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

import dagster as dg
import pandas as pd

from assets.checks import Materialized, materialized, replace_metadata, schema_spec
from assets.ledger_schemas import FormLines
from assets.lots import REALIZED
from assets.partitions import SINGLE_RUN, YEARS, dates_of, years_of
from assets.reconciliation import BREAKS
from assets.signals import DAILY as SIGNALS
from assets.trading import POSITIONS
from resources.exports import Exports
from resources.ledger import Ledger
from resources.simulated_account import SimulatedAccount
from tickledger.backtest.performance import yearly_performance
from tickledger.bars.corporate_actions import domain_actions
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.forms import replace_forms, replace_schedules
from tickledger.db.records import Selection
from tickledger.db.reports import read_daily_pnl, replace_daily_pnl_of_accounts, replace_strategy_performance
from tickledger.db.signals import read_signals
from tickledger.db.tax import read_gains
from tickledger.db.trading import (
    last_session,
    read_accounts,
    read_balances,
    read_cash_transactions,
    read_executions,
    read_positions,
)
from tickledger.reporting.pnl import daily_pnl_by_account, unexplained_by_account
from tickledger.reporting.tax_years import TaxForms, all_lines, form_8949_tables, schedule_d_documents, tax_forms
from tickledger.reporting.trade_tables import daily_pnl_table

GROUP = "reports"
OWNERS = ["team:tax"]
DAILY_PNL = [GROUP, "daily_pnl"]
PERFORMANCE = [GROUP, "performance"]
FORM_8949 = [GROUP, "form_8949"]
SCHEDULE_D = [GROUP, "schedule_d"]


@dg.asset(
    key=DAILY_PNL,
    deps=[dg.AssetKey(POSITIONS)],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"postgres"},
    partitions_def=YEARS,
    backfill_policy=SINGLE_RUN,
    description="Economic profit and loss of each session and account (average cost, after commissions and fees); the "
    "totals add up to the change of equity, to the cent.",
)
def daily_pnl_report(
    context: dg.AssetExecutionContext, ledger: Ledger, simulated: SimulatedAccount, exports: Exports
) -> Materialized:
    start, end = dates_of(context, through=last_session(ledger.engine, simulated.account_id))
    rows = daily_pnl_by_account(
        read_balances(ledger.engine, end=end),
        read_positions(ledger.engine, end=end),
        read_executions(ledger.engine, end=end),
        read_cash_transactions(ledger.engine, end=end),
        start=start,
    )
    written = replace_daily_pnl_of_accounts(ledger.engine, read_accounts(ledger.engine), rows, start=start, end=end)
    exports.write_tables({"daily_pnl.csv": daily_pnl_table(read_daily_pnl(ledger.engine))})
    tails = {f"last_sessions_of_{account_id}": _tail(days) for account_id, days in rows.items()}
    return dg.MaterializeResult(metadata={**replace_metadata(written), **tails})


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


@dg.asset(
    key=PERFORMANCE,
    deps=[dg.AssetKey(DAILY_PNL), dg.AssetKey(SIGNALS)],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"postgres"},
    partitions_def=YEARS,
    backfill_policy=SINGLE_RUN,
    description="Return, risk and win rate of the strategy that traded, one row for each year.",
)
def performance_report(context: dg.AssetExecutionContext, ledger: Ledger, simulated: SimulatedAccount) -> Materialized:
    last = last_session(ledger.engine, simulated.account_id)
    start, end = dates_of(context, through=last)
    account = Selection(account_id=simulated.account_id, end=end)
    rows = yearly_performance(
        years_of(context, through=last),
        strategy=simulated.strategy,
        balances=read_balances(ledger.engine, **account),
        executions=read_executions(ledger.engine, **account),
        cash_transactions=read_cash_transactions(ledger.engine, **account),
        signals=read_signals(ledger.engine, start=start, end=end, strategy=simulated.strategy),
        corporate_actions=domain_actions(read_corporate_actions(ledger.engine)),
    )
    written = replace_strategy_performance(ledger.engine, simulated.account, rows, start=start, end=end)
    return dg.MaterializeResult(metadata={**replace_metadata(written), "years": _tail(rows)})


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
