"""What ``tickledger report`` does: read the record as of an instant, find whose reports, make them."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from tickledger.cli import tax_files
from tickledger.cli.console import err
from tickledger.cli.file_rows import a_date
from tickledger.cli.known_at import end_of_day
from tickledger.cli.ledger import opened_ledger
from tickledger.cli.report_profile import Profile, read_profile
from tickledger.cli.tax_run import policies_of
from tickledger.domain.account import Mode
from tickledger.domain.errors import ConfigurationError, Problem
from tickledger.domain.execution import CashKind
from tickledger.execution.clock import WallClock
from tickledger.execution.tax_history import TaxHistory
from tickledger.reporting.estimated_tax import estimated_tax
from tickledger.reporting.estimated_tax_report import estimated_tax_report, no_estimate
from tickledger.reporting.harvest import harvest, year_so_far
from tickledger.reporting.harvest_report import harvest_report, reinvested
from tickledger.reporting.open_lots import open_lots_report
from tickledger.reporting.open_lots_sold import PendingPurchase
from tickledger.reporting.tax_reports import Cover, Report, ReportKind
from tickledger.reporting.tax_reports_basis import Close, ReportBasis, Scope, scope_of
from tickledger.reporting.tax_reports_forms import Movement, form_8949_report, schedule_d_report, trades_report
from tickledger.reporting.tax_reports_gains import gains_report
from tickledger.reporting.tax_reports_wash_sales import wash_sales_report
from tickledger.reporting.year_end import year_end, year_end_report
from tickledger.tax.households import with_unlisted
from tickledger.tax.methods import Method, MethodSchedule

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tickledger.db.report_record import ReportRecord

NEW_YORK: Final = ZoneInfo("America/New_York")
_ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked, read from the options."""

    kinds: tuple[ReportKind, ...]
    account: str | None = None
    year: int | None = None
    as_of: date | None = None
    on: date | None = None
    taxpayer: str | None = None
    profile: Path | None = None
    lot: str | None = None
    by: date | None = None
    identity: Path | None = None
    method: Method = Method.FIFO
    policies: tuple[str, ...] = ()

    @classmethod
    def of_options(
        cls,
        *,
        kind: str,
        as_of: str | None,
        on: str | None,
        by: str | None,
        lot: str | None,
        **told: object,
    ) -> "Wish":
        """The wish that the options' texts stand for; raises ConfigurationError naming the option that does not."""
        if kind not in {ReportKind.YEAR_END, _ALL} and (lot is not None or by is not None):
            raise ConfigurationError(f"--lot, --by: expected with year-end, found with {kind}")
        kinds = tuple(ReportKind) if kind == _ALL else (ReportKind(kind),)
        dates = {name: _date(name, value) for name, value in (("as-of", as_of), ("on", on), ("by", by))}
        return cls(
            kinds=kinds, lot=lot, as_of=dates["as-of"], on=dates["on"], by=dates["by"],
            **told,  # type: ignore[arg-type]  # the options' own types
        )  # fmt: skip


def _date(name: str, value: str | None) -> date | None:
    try:
        return None if value is None else a_date(value)
    except ValueError:
        raise ConfigurationError(f"--{name}: expected a date such as 2025-12-31, found {value!r}") from None


@dataclass(frozen=True, slots=True)
class _Asked:
    """Everything that the reports of one run are made from."""

    basis: ReportBasis
    record: "ReportRecord"
    profile: Profile
    pending: tuple[PendingPurchase, ...]
    wish: Wish


def made(wish: Wish) -> tuple[Cover, list[Report], bool]:
    """The cover, the reports that are asked for, and whether anything was left out for an error."""
    now = WallClock().now()
    profile = Profile() if wish.profile is None else read_profile(wish.profile)
    with opened_ledger() as engine:
        asked = _asked(engine, wish, profile, now)
    basis = asked.basis
    reports = [_MAKERS[kind](asked) for kind in wish.kinds]
    problems = [problem for problem in basis.result.problems if _is_about(problem, basis)]
    for problem in problems:
        err.print(str(problem), style="red" if problem.severity == "error" else "yellow", markup=False)
    cover = Cover(
        taxpayer=basis.scope.taxpayer,
        mode=basis.scope.mode,
        tax_year=basis.tax_year,
        on=basis.on,
        generated_at=now.astimezone(UTC).replace(microsecond=0),
        account=wish.account,
        as_of=asked.record.as_of,
        watermark=basis.scope.watermark,
        inputs=_inputs(asked),
        policies=basis.history.policies.described(),
        problems=tuple(str(problem) for problem in problems),
    )
    return cover, reports, any(problem.severity == "error" for problem in problems)


def _is_about(problem: Problem, basis: ReportBasis) -> bool:
    """Problems of accounts are about one; all others may be about any, and are told."""
    return not problem.where.startswith("account ") or problem.where.removeprefix("account ") in basis.scope.household


def _asked(engine: "Engine", wish: Wish, profile: Profile, now: datetime) -> _Asked:
    from tickledger.db.report_record import (
        first_recorded_at,
        last_balance_date,
        read_last_closes,
        read_report_record,
        read_working_purchases,
    )
    from tickledger.db.tax_history import read_tax_history

    until = None if wish.as_of is None else end_of_day(wish.as_of).astimezone(UTC)
    record = read_report_record(engine, as_of=until)
    if until is not None and not record.executions and (first := first_recorded_at(engine)) is not None:
        raise ConfigurationError(
            f"--as-of: expected a day on which something had been recorded, the first on "
            f"{first.astimezone(NEW_YORK):%Y-%m-%d}, found {wish.as_of}. --on says on which day the reports stand."
        )
    history = read_tax_history(
        engine,
        methods=MethodSchedule(wish.method),
        policies=policies_of(wish.policies),
        identity=_identity(wish),
        as_of=until,
    )
    accounts = with_unlisted(history.accounts, [fill.account_id for fill in history.fills])
    scope = scope_of(accounts, account_id=wish.account, taxpayer=wish.taxpayer)
    last_session = last_balance_date(engine, scope.kinds, as_of=until)
    on = wish.on or _standing_day(scope, history, wish.as_of, now, last_session)
    symbols = {fill.symbol for fill in history.fills} | {
        name for action in history.corporate_actions for name in (action.symbol, action.new_symbol) if name
    }
    found = read_last_closes(engine, symbols, until=on, as_of=until)
    closes = {symbol: Close(price, session) for symbol, (price, session) in found.items()}
    basis = ReportBasis.standing(
        history,
        scope,
        on=on,
        tax_year=wish.year,
        closes=closes,
        stated_carryover=profile.carryover,
        filing_status=profile.filing_status,
    )
    working = [
        PendingPurchase(one.account_id, one.symbol, one.quantity, on, f"working order {one.order_id}")
        for one in read_working_purchases(engine, on=on, as_of=until)
    ]
    return _Asked(basis, record, profile, tuple(_pending(basis, record, profile, working)), wish)


def _identity(wish: Wish) -> Mapping[str, str]:
    """What was declared identical; rows that cannot be used are told."""
    if wish.identity is None:
        return {}
    identity, problems = tax_files.read_identity(wish.identity)
    for problem in problems:
        err.print(str(problem), style="yellow", markup=False)
    return identity


def _standing_day(
    scope: Scope, history: TaxHistory, as_of: date | None, now: datetime, last_session: date | None
) -> date:
    """Simulated money lives in the time of its data; any other in ours."""
    if scope.mode is Mode.SIMULATED:
        days = [fill.trade_date for fill in history.fills] + ([] if last_session is None else [last_session])
        return max(days, default=as_of or now.astimezone(NEW_YORK).date())
    return as_of or now.astimezone(NEW_YORK).date()


def _pending(
    basis: ReportBasis, record: "ReportRecord", profile: Profile, working: Iterable[PendingPurchase]
) -> Iterable[PendingPurchase]:
    """Working orders, what was stated, and dividends to be reinvested, of the household's accounts."""
    bought = reinvested(
        profile.reinvestments,
        lots=basis.result.open_lots,
        dividends=record.corporate_actions,
        closes=basis.closes,
        on=basis.on,
    )
    known = basis.scope.household
    return (one for one in (*working, *profile.purchases, *bought) if one.account_id in known)


def _inputs(asked: _Asked) -> Mapping[str, str]:
    """The SHA-256 of each part that the reports are a function of."""
    record, basis = asked.record, asked.basis
    digests = {
        "accounts": _digest(record.accounts),
        "executions": _digest(record.executions),
        "choices of lots": _digest((fill.execution_id, fill.lots) for fill in basis.history.fills if fill.lots),
        "corporate actions": _digest(record.corporate_actions),
        "cash transactions": _digest(record.cash),
        "closes": _digest(sorted(basis.closes.items())),
        "pending purchases": _digest(asked.pending),
    }
    if asked.wish.identity is not None:
        digests["identity"] = hashlib.sha256(asked.wish.identity.read_bytes()).hexdigest()
    return digests if not asked.profile.sha256 else digests | {"profile": asked.profile.sha256}


def _digest(values: Iterable[object]) -> str:
    """Of the values one a line, as Python writes them."""
    return hashlib.sha256("".join(f"{value!r}\n" for value in values).encode()).hexdigest()


def _estimated_tax(asked: _Asked) -> Report:
    stated, basis = asked.profile.tax, asked.basis
    if stated is None:
        reason = "No filing status and income were stated (--profile): nothing is estimated."
        return _unless_asked_for_alone(asked, no_estimate(basis.tax_year, reason), reason)
    if stated.tax_year > basis.on.year:
        reason = f"The profile is about {stated.tax_year} and the reports stand on {basis.on}: nothing is estimated."
        return _unless_asked_for_alone(asked, no_estimate(basis.tax_year, reason), reason)
    whole = basis.of_year(stated.tax_year)
    year = year_so_far(whole, tax_year=stated.tax_year)
    gains = whole.gains_of(stated.tax_year, whole_taxpayer=True)
    dividends = sum(
        (
            paid.amount
            for paid in asked.record.cash
            if paid.kind is CashKind.DIVIDEND
            and basis.scope.is_taxed(paid.account_id)
            and paid.session_date.year == stated.tax_year
            and paid.session_date <= basis.on
        ),
        Decimal(0),
    )
    return estimated_tax_report(estimated_tax(stated, year), gains, on=basis.on, dividends=dividends)


def _unless_asked_for_alone(asked: _Asked, report: Report, reason: str) -> Report:
    if len(asked.wish.kinds) == 1:
        raise ConfigurationError(f"estimated-tax: {reason[0].lower()}{reason[1:]}")
    return report


def _harvest(asked: _Asked) -> Report:
    profile = asked.profile
    return harvest_report(harvest(asked.basis, rates=profile.rates, pending=asked.pending))


def _year_end(asked: _Asked) -> Report:
    wish, profile = asked.wish, asked.profile
    found = year_end(asked.basis, rates=profile.rates, lot=wish.lot, by=wish.by)
    return year_end_report(found, on=asked.basis.on)


def _trades(asked: _Asked) -> Report:
    at = {execution.execution_id: execution.executed_at for execution in asked.record.executions}
    movements = [Movement(fill, at.get(fill.execution_id)) for fill in asked.basis.history.fills]
    return trades_report(asked.basis, movements, asked.record.cash)


_MAKERS: Final[Mapping[ReportKind, Callable[[_Asked], Report]]] = {
    ReportKind.GAINS: lambda asked: gains_report(asked.basis),
    ReportKind.OPEN_LOTS: lambda asked: open_lots_report(asked.basis),
    ReportKind.WASH_SALES: lambda asked: wash_sales_report(asked.basis),
    ReportKind.HARVEST: _harvest,
    ReportKind.ESTIMATED_TAX: _estimated_tax,
    ReportKind.YEAR_END: _year_end,
    ReportKind.FORM_8949: lambda asked: form_8949_report(asked.basis),
    ReportKind.SCHEDULE_D: lambda asked: schedule_d_report(asked.basis),
    ReportKind.TRADES: _trades,
}
