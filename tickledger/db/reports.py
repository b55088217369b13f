"""Reports as they were made: daily P&L and where it comes from, returns, performance, Form 8949 and Schedule D."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Unpack

from sqlalchemy import ColumnElement, Engine, Table, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from tickledger.backtest.performance import StrategyPerformance
from tickledger.db import audit
from tickledger.db.records import Selection, Value, as_values, read_values, rows_of, select_fields, selected
from tickledger.db.tables import (
    attribution_effects,
    daily_pnl,
    form_line_gains,
    form_lines,
    period_returns,
    pnl_contributions,
    roll_forwards,
    schedule_d,
    schedule_d_lines,
    strategy_performance,
    symbols,
)
from tickledger.db.versions import ReplaceResult, Scope, current, insert_new, replace_scope, writing
from tickledger.domain.account import Account, Mode
from tickledger.domain.ids import deterministic_id
from tickledger.reporting.attribution import AttributionEffect
from tickledger.reporting.pnl import DailyPnl
from tickledger.reporting.pnl_contributions import PnlContribution
from tickledger.reporting.returns import PeriodReturn
from tickledger.reporting.roll_forward import RollForward
from tickledger.tax.form_8949 import FormLine
from tickledger.tax.schedule_d import Carryover, Columns, ScheduleD

_PREFIXES: Final = {
    "daily_pnl": "pnl",
    "strategy_performance": "perf",
    "pnl_contributions": "contribution",
    "roll_forwards": "roll",
    "period_returns": "return",
    "attribution_effects": "effect",
}

#: The reports of accounts by session, each with its table.
TABLES: Final[Mapping[type[Any], Table]] = {
    DailyPnl: daily_pnl,
    PnlContribution: pnl_contributions,
    RollForward: roll_forwards,
    PeriodReturn: period_returns,
    AttributionEffect: attribution_effects,
    StrategyPerformance: strategy_performance,
}
#: What rows of a session and account are sorted by, as far as a table has it.
_ORDER: Final = ("symbol_id", "strategy", "model_version_id", "start_date", "period", "kind", "segment", "effect")


def replace_daily_pnl(
    engine: Engine, account: Account, rows: Sequence[DailyPnl], *, start: date, end: date
) -> ReplaceResult:
    """Make `rows` the daily P&L of `account` from `start` to `end`."""
    return _replace_dated(engine, daily_pnl, account, rows, dates=(start, end))


def replace_daily_pnl_of_accounts(
    engine: Engine, accounts: Iterable[Account], rows: Mapping[str, Sequence[DailyPnl]], *, start: date, end: date
) -> ReplaceResult:
    """Make `rows`, by account, the daily P&L of each of `accounts` from `start` to `end`; what changed in all."""
    results = [
        replace_daily_pnl(engine, account, _within(rows.get(account.account_id, ()), end), start=start, end=end)
        for account in accounts
    ]
    counts = (sum(getattr(result, field.name) for result in results) for field in fields(ReplaceResult))
    return ReplaceResult(*counts)


def _within(rows: Sequence[DailyPnl], end: date) -> list[DailyPnl]:
    return [row for row in rows if row.session_date <= end]


def replace_strategy_performance(
    engine: Engine, account: Account, rows: Sequence[StrategyPerformance], *, start: date, end: date
) -> ReplaceResult:
    """Make `rows` the performances of `account` that end on a session from `start` to `end`."""
    return _replace_dated(engine, strategy_performance, account, rows, dates=(start, end))


def replace_reports_of_accounts(
    engine: Engine, kind: type[Any], accounts: Sequence[Account], rows: Iterable[Any], *, start: date, end: date
) -> ReplaceResult:
    """Make `rows`, values of `kind` (a key of `TABLES`), those of each of `accounts` from `start` to `end`.

    Rows of other dates are left out. What changed in all accounts together.
    """
    of_account: dict[str, list[Any]] = {account.account_id: [] for account in accounts}
    for row in rows:
        if start <= row.session_date <= end:
            of_account[row.account_id].append(row)
    results = [
        _replace_dated(engine, TABLES[kind], account, of_account[account.account_id], dates=(start, end))
        for account in accounts
    ]
    return ReplaceResult(*(sum(getattr(result, field.name) for result in results) for field in fields(ReplaceResult)))


def read_reports(engine: Engine, kind: type[Value], **selection: Unpack[Selection]) -> list[Value]:
    """Rows of `kind` (a key of `TABLES`) by session, account and what they are about."""
    table = TABLES[kind]
    about = [_about(table, name) for name in _ORDER if name in table.c]
    where = selected(table, table.c.session_date, selection)
    return read_values(engine, table, kind, where=where, order=(table.c.session_date, table.c.account_id, *about))


def _about(table: Table, name: str) -> ColumnElement[Any]:
    return symbols.c.ticker if name == "symbol_id" else table.c[name]


def replace_form_lines(
    engine: Engine, lines: Sequence[FormLine], *, taxpayer: str, mode: Mode, tax_year: int
) -> ReplaceResult:
    """Make `lines` the Form 8949 of a taxpayer's accounts of one mode for one year.

    Raises LedgerError where a line holds a gain that is not in the ledger, or is of another mode.
    """
    form = {"taxpayer": taxpayer, "mode": mode, "tax_year": tax_year}
    links = [
        {"line_id": line.line_id, "gain_id": gain_id, "mode": mode, "ordinal": ordinal}
        for line in lines
        for ordinal, gain_id in enumerate(line.gain_ids)
    ]
    with writing(engine, "reports") as (connection, at):
        rows = rows_of(connection, form_lines, lines, extra=lambda line: form | {"tax_year": line.tax_year})
        result = replace_scope(connection, form_lines, rows, scope=_form_scope(form), at=at)
        insert_new(connection, form_line_gains, links, at=at)
        audit.append_replacements(connection, {"form_lines": result}, subject=_form_name(form))
    return result


def replace_schedule_d(
    engine: Engine, schedule: ScheduleD, *, taxpayer: str, mode: Mode, tax_year: int
) -> ReplaceResult:
    """Make `schedule` the Schedule D of a taxpayer's accounts of one mode for one year.

    Raises LedgerError where it rests on a form line that is not in the ledger.
    """
    form = {"taxpayer": taxpayer, "mode": mode, "tax_year": tax_year}
    content = _plain({field.name: getattr(schedule, field.name) for field in fields(schedule)})
    schedule_id = deterministic_id("schd", taxpayer, mode, json.dumps(content, sort_keys=True))
    row = form | {name: cell for name, cell in content.items() if name in schedule_d.c} | {"schedule_d_id": schedule_id}
    links = [{"schedule_d_id": schedule_id, "line_id": line_id} for line_id in schedule.line_ids]
    with writing(engine, "reports") as (connection, at):
        result = replace_scope(connection, schedule_d, [row], scope=_form_scope(form), at=at)
        insert_new(connection, schedule_d_lines, links, at=at)
        audit.append_replacements(connection, {"schedule_d": result}, subject=_form_name(form))
    return result


def read_daily_pnl(engine: Engine, **selection: Unpack[Selection]) -> list[DailyPnl]:
    """Daily P&L by session and account."""
    where = selected(daily_pnl, daily_pnl.c.session_date, selection)
    return read_values(
        engine, daily_pnl, DailyPnl, where=where, order=(daily_pnl.c.session_date, daily_pnl.c.account_id)
    )


def read_strategy_performance(engine: Engine, **selection: Unpack[Selection]) -> list[StrategyPerformance]:
    """Performances by last session, account, strategy and first session."""
    table = strategy_performance
    where = selected(table, table.c.session_date, selection)
    order = (table.c.session_date, table.c.account_id, table.c.strategy, table.c.start_date)
    return read_values(engine, table, StrategyPerformance, where=where, order=order)


def read_form_lines(
    engine: Engine, *, taxpayer: str, mode: Mode, tax_year: int, as_of: datetime | None = None
) -> list[FormLine]:
    """The Form 8949 of a taxpayer's accounts of one mode for one year: by box, date sold and description."""
    form = {"taxpayer": taxpayer, "mode": mode, "tax_year": tax_year}
    gain_ids = (
        select(func.array_agg(aggregate_order_by(form_line_gains.c.gain_id, form_line_gains.c.ordinal)))
        .where(form_line_gains.c.line_id == form_lines.c.line_id)
        .scalar_subquery()
    )
    statement = (
        select_fields(form_lines, FormLine, gain_ids=gain_ids)
        .where(current(form_lines, as_of), _form_scope(form).holds(form_lines))
        .order_by(form_lines.c.box, form_lines.c.date_sold, form_lines.c.description, form_lines.c.line_id)
    )
    with engine.connect() as connection:
        return as_values(connection, statement, FormLine, decoders={"gain_ids": tuple})


def _replace_dated(
    engine: Engine,
    table: Table,
    account: Account,
    values: Sequence[Any],
    *,
    dates: tuple[date, date],
) -> ReplaceResult:
    scope = Scope(among={"account_id": [account.account_id]}, within={"session_date": dates})
    with writing(engine, "reports") as (connection, at):
        rows = rows_of(connection, table, values, mode=account.mode, extra=lambda value: _identity(table, value))
        result = replace_scope(connection, table, rows, scope=scope, at=at)
        subject = f"account {account.account_id} {dates[0]}..{dates[1]}"
        audit.append_replacements(connection, {table.name: result}, subject=subject)
    return result


def _identity(table: Table, value: Any) -> dict[str, str]:  # noqa: ANN401  a value of any of these tables
    """The id of a row that has no identity but its content."""
    content = (getattr(value, field.name) for field in fields(value))
    parts = (repr(cell) if isinstance(cell, float) else cell for cell in content)
    return {next(iter(table.c)).name: deterministic_id(_PREFIXES[table.name], *parts)}


def _form_scope(form: Mapping[str, object]) -> Scope:
    return Scope(among={name: [value] for name, value in form.items()})


def _form_name(form: Mapping[str, object]) -> str:
    return f"{form['mode']} forms of {form['taxpayer']} for {form['tax_year']}"


def _plain(value: Any) -> Any:  # noqa: ANN401  JSON has no narrower type
    """`value` as JSON holds it: decimals as text, so that they stay exact."""
    match value:
        case Decimal():
            return str(value)
        case Mapping():
            return {name: _plain(part) for name, part in value.items()}
        case tuple() | list():
            return [_plain(part) for part in value]
        case Columns() | Carryover():
            return _plain(asdict(value))
        case _:
            return value
