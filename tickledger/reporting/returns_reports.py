"""How all accounts have done: returns of periods, performance of strategies, attribution; and their files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import isnan

from tickledger.backtest.performance import StrategyPerformance
from tickledger.reporting.attribution import (
    AttributionEffect,
    SegmentDays,
    attribution_table,
    sector_attribution,
    total,
)
from tickledger.reporting.attribution_factors import FactorFit, FactorReturns, factor_attribution, factor_returns
from tickledger.reporting.attribution_sectors import segment_days
from tickledger.reporting.pnl_columns import AccountHistory
from tickledger.reporting.pnl_origins import Origin
from tickledger.reporting.pnl_reports import pnl_reports
from tickledger.reporting.returns import (
    INCEPTION,
    DailyReturn,
    PeriodReturn,
    daily_returns,
    period_returns,
    period_returns_table,
)
from tickledger.reporting.returns_market import MarketReturns, benchmark_of, equal_weight_name
from tickledger.reporting.returns_of_strategies import performance_table, strategy_performances
from tickledger.reporting.shortfall import Shortfall, shortfall_table
from tickledger.reporting.table import Table

#: Effects are worked out of cents, returns of exact values: apart by less than this they are the same.
BASIS_POINT = 1e-4


@dataclass(frozen=True, slots=True)
class ReturnReports:
    """Rows of all accounts; `fits` are the regressions behind the factors, since inception, by account."""

    performances: tuple[StrategyPerformance, ...]
    period_returns: tuple[PeriodReturn, ...]
    effects: tuple[AttributionEffect, ...]
    fits: Mapping[str, FactorFit]


def return_reports(
    histories: Sequence[AccountHistory],
    origins: Mapping[str, Origin],
    sectors: Mapping[str, str],
    signal_counts: Mapping[tuple[str, date], int],
    market: MarketReturns,
    *,
    benchmark: str | None = None,
) -> ReturnReports:
    """The reports of `histories`; `benchmark` is a symbol, if the market has it (see `returns_market`).

    Attribution is since inception and for each calendar year. An account that lost all it had in a session has none.
    """
    against, factors = benchmark_of(market, benchmark), factor_returns(market)
    performances: list[StrategyPerformance] = []
    periods: list[PeriodReturn] = []
    effects: list[AttributionEffect] = []
    fits: dict[str, FactorFit] = {}
    all_columns = pnl_reports(histories, origins, sectors).contributions
    for history, columns in zip(histories, all_columns, strict=True):
        returns = daily_returns(history.balances, history.cash_transactions)
        own = period_returns(history.account_id, returns, benchmark=against)
        performances += strategy_performances(history, columns, origins, signal_counts)
        periods += own
        if all(row.value > -1 for row in returns if not isnan(row.value)):
            spans = list(dict.fromkeys((row.start_date, row.session_date) for row in own if _is_attributed(row)))
            effects += _by_sector(history.account_id, segment_days(history, columns, market, sectors), spans, market)
            found = [_by_factor(history.account_id, returns, factors, span) for span in spans]
            effects += [effect for of_span, _ in found for effect in of_span]
            fits[history.account_id] = found[0][1]
    return ReturnReports(tuple(performances), tuple(periods), tuple(effects), fits)


_Span = tuple[date, date]


def _by_sector(
    account_id: str, days: SegmentDays, spans: Sequence[_Span], market: MarketReturns
) -> list[AttributionEffect]:
    found = ((span, days.within(*span)) for span in spans)
    return [
        effect
        for span, within in found
        if within.session_dates
        for effect in _dated(sector_attribution(account_id, within, benchmark=equal_weight_name(market)), span)
    ]


def _by_factor(
    account_id: str, returns: Sequence[DailyReturn], factors: FactorReturns, span: _Span
) -> tuple[list[AttributionEffect], FactorFit]:
    effects, fit = factor_attribution(
        account_id, [row for row in returns if span[0] <= row.session_date <= span[1]], factors
    )
    return _dated(effects, span), fit


def _is_attributed(row: PeriodReturn) -> bool:
    return row.period == INCEPTION or row.period.isdigit()


def _dated(effects: Iterable[AttributionEffect], span: _Span) -> list[AttributionEffect]:
    """`effects` by the dates of their period, also where its first sessions started with nothing."""
    return [replace(effect, start_date=span[0], session_date=span[1]) for effect in effects]


def return_tables(reports: ReturnReports, shortfalls: Iterable[Shortfall]) -> dict[str, Table]:
    """strategy_performance.csv, period_returns.csv, attribution.csv and implementation_shortfall.csv, by file name."""
    return {
        "strategy_performance.csv": performance_table(reports.performances),
        "period_returns.csv": period_returns_table(reports.period_returns),
        "attribution.csv": attribution_table(reports.effects),
        "implementation_shortfall.csv": shortfall_table(shortfalls),
    }


def attributions_that_do_not_add_up(
    effects: Iterable[AttributionEffect], periods: Iterable[PeriodReturn]
) -> dict[str, float]:
    """By account and period: what the factor effects have beyond the return, where that is not nothing."""
    groups: dict[tuple[str, date, date], list[AttributionEffect]] = {}
    for effect in effects:
        if effect.kind == "factor":
            groups.setdefault((effect.account_id, effect.start_date, effect.session_date), []).append(effect)
    beyond = {}
    for row in periods:
        found = groups.get((row.account_id, row.start_date, row.session_date))
        if found is not None and row.time_weighted is not None:
            beyond[f"{row.account_id} {row.start_date}..{row.session_date}"] = total(found) - row.time_weighted
    return {name: value for name, value in beyond.items() if abs(value) > BASIS_POINT}
