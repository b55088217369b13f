"""Time-weighted and money-weighted returns of an account over any period.

    daily return   start of day: (closing − opening − flow) / (opening + flow)       the convention of this system
                   end of day:   (closing − opening − flow) / opening
    time-weighted  Π (1 + daily return) − 1
    money-weighted the internal rate of return of the flows (`returns_money_weighted`), over the period, not a year

A flow counts from the start of its session: deposits and withdrawals are booked before the open, and what is paid in
can be traded that day. Every session is valued, so that no flow needs to be weighted within a period: this is the
true time-weighted return (GIPS 2020, 2.A.24 and 2.A.25 ask for valuation at large flows and either convention,
applied consistently). A session that starts with nothing earns nothing; one that earned or lost money on nothing, or
on less than nothing, makes the return undefined, which is None.

As GIPS asks (2.A.10), a period of less than a year is not annualized; `annualized` is (1 + return)^(365 / days) − 1.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from math import isnan, prod
from typing import Final

from tickledger.backtest.daily_results import daily_results
from tickledger.domain.execution import CashTransaction
from tickledger.domain.money import round_cents
from tickledger.domain.position import Balance
from tickledger.reporting.returns_money_weighted import CashFlow, money_weighted_return
from tickledger.reporting.table import Table

_YEAR: Final = 365
INCEPTION: Final = "inception"


class FlowTiming(StrEnum):
    """When in its session the owner's money counts as there."""

    START = "start of day"
    END = "end of day"


@dataclass(frozen=True, slots=True)
class DailyReturn:
    """A session: closing = opening + flow + pnl, USD; `value` is the return as a fraction, NaN where it has none."""

    session_date: date
    opening: Decimal
    flow: Decimal
    pnl: Decimal
    closing: Decimal
    value: float


@dataclass(frozen=True, slots=True)
class PeriodReturn:
    """An account over a period, from the close before `start_date` to that of `session_date`; USD in cents, fractions.

    closing_nav = opening_nav + net_flows + pnl. `annualized` is None for less than a year; `money_weighted` is over the
    period, None where `money_weighted_note` says why; `excess_return` is time_weighted − benchmark_return.
    """

    account_id: str
    period: str
    start_date: date
    session_date: date
    opening_nav: Decimal
    net_flows: Decimal
    pnl: Decimal
    closing_nav: Decimal
    time_weighted: float | None
    annualized: float | None
    money_weighted: float | None
    money_weighted_note: str
    benchmark: str
    benchmark_return: float | None
    excess_return: float | None


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What returns are held against: a name, and its return of each session, fractions."""

    name: str = ""
    returns: Mapping[date, float] | None = None

    def over(self, start: date, end: date) -> float | None:
        """Its return over the sessions from `start` to `end`, None where it has none."""
        values = [value for day, value in (self.returns or {}).items() if start <= day <= end and not isnan(value)]
        return prod(1 + value for value in values) - 1 if values else None


NO_BENCHMARK: Final = Benchmark()


def daily_returns(
    balances: Sequence[Balance], cash_transactions: Iterable[CashTransaction], *, timing: FlowTiming = FlowTiming.START
) -> list[DailyReturn]:
    """The return of each session of an account, whose whole history of balances is given, by session."""
    found = []
    opening = Decimal(0)
    for row in daily_results(balances, cash_transactions):
        # What comes in at the end of the first session has nothing to be measured on but itself.
        base = opening if timing is FlowTiming.END and opening else opening + row.flow
        value = float(row.pnl / base) if base > 0 else float("nan")
        found.append(DailyReturn(row.session_date, opening, row.flow, row.pnl, row.equity, value))
        opening = row.equity
    return found


def time_weighted_return(returns: Iterable[DailyReturn]) -> float | None:
    """The linked return of sessions; None without any return, or where a session earned on nothing or less."""
    rows = list(returns)
    if any(isnan(row.value) and row.pnl for row in rows):
        return None
    values = [row.value for row in rows if not isnan(row.value)]
    return prod(1 + value for value in values) - 1 if values else None


def period_return(
    account_id: str, returns: Sequence[DailyReturn], *, period: str, benchmark: Benchmark = NO_BENCHMARK
) -> PeriodReturn:
    """The return over the sessions `returns`, one at least, as they follow each other."""
    first, last = returns[0], returns[-1]
    # The opening value stands at the close before; without the date of that, at the eve of the first session.
    since = first.session_date - timedelta(days=1) if first.opening else first.session_date
    days = (last.session_date - since).days
    value = time_weighted_return(returns)
    weighted = money_weighted_return(_flows(returns, since))
    against = benchmark.over(first.session_date, last.session_date)
    opening, flows = round_cents(first.opening), round_cents(sum((row.flow for row in returns), Decimal(0)))
    closing = round_cents(last.closing)
    return PeriodReturn(
        account_id=account_id,
        period=period,
        start_date=first.session_date,
        session_date=last.session_date,
        opening_nav=opening,
        net_flows=flows,
        pnl=closing - opening - flows,
        closing_nav=closing,
        time_weighted=value,
        annualized=None if value is None or days < _YEAR else annualized(value, days),
        money_weighted=weighted.over(days),
        money_weighted_note=weighted.note,
        benchmark=benchmark.name,
        benchmark_return=against,
        excess_return=None if value is None or against is None else value - against,
    )


def annualized(value: float, days: int) -> float | None:
    """The yearly return of which `value` is what `days` gave; None where all was lost and more."""
    return float((1 + value) ** (_YEAR / days) - 1) if value > -1 else None


def _flows(returns: Sequence[DailyReturn], since: date) -> list[CashFlow]:
    """The flows as the owner sees them: the opening value and deposits paid in, the closing value got out."""
    paid_in = [CashFlow(row.session_date, -row.flow) for row in returns if row.flow]
    return [CashFlow(since, -returns[0].opening), *paid_in, CashFlow(returns[-1].session_date, returns[-1].closing)]


#: Where each period to date begins, by the last session.
TO_DATE: Final[Mapping[str, Callable[[date], date]]] = {
    "MTD": lambda day: day.replace(day=1),
    "QTD": lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
    "YTD": lambda day: day.replace(month=1, day=1),
    INCEPTION: lambda _: date.min,
}


def period_returns(
    account_id: str, returns: Sequence[DailyReturn], *, benchmark: Benchmark = NO_BENCHMARK
) -> list[PeriodReturn]:
    """The periods to date as of the last of `returns`, all sessions of an account, and its calendar years."""
    if not returns:
        return []
    last = returns[-1].session_date
    starts = {name: start(last) for name, start in TO_DATE.items()}
    periods = {name: [row for row in returns if row.session_date >= start] for name, start in starts.items()}
    for row in returns:
        periods.setdefault(str(row.session_date.year), []).append(row)
    return [period_return(account_id, rows, period=name, benchmark=benchmark) for name, rows in periods.items()]


def period_returns_table(rows: Iterable[PeriodReturn]) -> Table:
    """period_returns.csv: the fields of `PeriodReturn`; fractions to ten places, empty where not defined."""
    return Table(columns=[field.name for field in fields(PeriodReturn)], rows=[_cells(row) for row in rows])


def _cells(row: PeriodReturn) -> dict[str, object]:
    cells = asdict(row)
    return {name: f"{cell:.10f}" if isinstance(cell, float) else cell for name, cell in cells.items()}
