"""The monthly letter: what one account did in a month, for the person whose money it is.

Everything in it is worked out from the account's record up to the last day of the month, as `LetterRecord` has it; what
a symbol earned is the change of its market value plus the cash it gave, charges and dividends included, so that the
symbols and the rest add up to the change of net asset value to the cent.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from tickledger.backtest.daily_results import EXTERNAL_FLOWS
from tickledger.domain.account import Account
from tickledger.domain.errors import InputError, Problem
from tickledger.domain.execution import CashTransaction, Execution
from tickledger.domain.lot import RealizedGain, Term
from tickledger.domain.money import round_cents
from tickledger.domain.position import Balance, Position
from tickledger.execution.portfolio import cash_effect
from tickledger.reconciliation.breaks import BreakState, TrackedBreak
from tickledger.reporting.returns import DailyReturn, PeriodReturn, daily_returns, period_returns
from tickledger.tax.form_8949 import WATERMARKS

ZERO: Final = Decimal(0)
#: What no symbol earned: interest, fees of the account.
OTHER: Final = "interest, fees"
#: As many sessions as the charts show: about a year.
_CHARTED: Final = 252
#: How long after a loss sale a purchase replaces it (IRC 1091(a)).
_WINDOW: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class LetterRecord:
    """The record of one account up to the last day of the month: whole histories, `gains` of the tax year so far."""

    account: Account
    balances: Sequence[Balance]
    positions: Sequence[Position]
    executions: Sequence[Execution]
    cash_transactions: Sequence[CashTransaction]
    gains: Sequence[RealizedGain]
    breaks: Sequence[TrackedBreak]


@dataclass(frozen=True, slots=True)
class Earned:
    """What a symbol earned in the month, USD in cents: `traded` shares changed hands."""

    symbol: str
    amount: Decimal
    traded: Decimal


@dataclass(frozen=True, slots=True)
class HeldAtEnd:
    """A position at the last close of the month, USD; `weight` is its part of net asset value."""

    symbol: str
    quantity: Decimal
    average_cost: Decimal
    close: Decimal
    value: Decimal
    unrealized: Decimal
    weight: float


@dataclass(frozen=True, slots=True)
class TaxToDate:
    """Realized gains of the calendar year to the end of the month, USD; losses that wash sales put off are not in it.

    `windows` are sales at a loss whose window is still open: until the day, a purchase of the symbol replaces it.
    """

    tax_year: int
    short_term: Decimal
    long_term: Decimal
    disallowed: Decimal
    windows: tuple[tuple[str, date], ...]

    @property
    def net(self) -> Decimal:
        """Both terms together."""
        return self.short_term + self.long_term


@dataclass(frozen=True, slots=True)
class Letter:
    """All that the letter says; `curve` are the sessions that its charts show."""

    account: Account
    first_date: date
    last_date: date
    generated_at: datetime
    watermark: str | None
    opening: Decimal
    closing: Decimal
    cash: Decimal
    flows: Decimal
    pnl: Decimal
    periods: tuple[PeriodReturn, ...]
    curve: tuple[DailyReturn, ...]
    earned: tuple[Earned, ...]
    held: tuple[HeldAtEnd, ...]
    purchases: Decimal
    sales: Decimal
    charges: Decimal
    fills: int
    dividends: Decimal
    tax: TaxToDate
    breaks: tuple[TrackedBreak, ...]

    @property
    def month_return(self) -> PeriodReturn:
        """The month's own."""
        return next(row for row in self.periods if row.period == "MTD")

    def sentences(self) -> list[str]:
        """The month in words."""
        gained = f"{_gained(self.pnl)}{_percent(self.month_return.time_weighted)}"
        worth = f"it is worth {usd(self.closing)} USD, of which {usd(self.cash)} is cash"
        told = [f"In {self.last_date:%B %Y} account {self.account.account_id} {gained}; {worth}."]
        best = [row for row in self.earned if row.amount > 0][:1]
        worst = [row for row in reversed(self.earned) if row.amount < 0][:1]
        if best or worst:
            parts = [
                f"{row.symbol} {'earned' if row.amount > 0 else 'lost'} most ({usd(abs(row.amount))})"
                for row in (*best, *worst)
            ]
            told.append(" and ".join(parts) + ".")
        if self.flows:
            told.append(f"{usd(abs(self.flows))} USD was {'paid in' if self.flows > 0 else 'taken out'}.")
        told.append(
            f"{self.fills} fills bought {usd(self.purchases)} and sold {usd(self.sales)}; they cost "
            f"{usd(self.charges)} in commissions and fees."
        )
        told.append(
            f"Of {self.tax.tax_year} so far, {usd(self.tax.net)} USD is realized for tax "
            f"({usd(self.tax.short_term)} short-term, {usd(self.tax.long_term)} long-term); wash sales put off "
            f"{usd(self.tax.disallowed)} of losses."
        )
        waiting = [one for one in self.breaks if one.blocks_forms]
        told.append(
            f"{len(waiting)} differences with the broker are open and worth money."
            if waiting
            else "No difference with the broker waits to be settled."
        )
        return told


def letter(record: LetterRecord, *, year: int, month: int, generated_at: datetime) -> Letter:
    """The letter of a month; raises InputError where the account has no session in it."""
    first = date(year, month, 1)
    last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    balances = sorted((row for row in record.balances if row.session_date <= last), key=lambda row: row.session_date)
    returns = daily_returns(balances, [row for row in record.cash_transactions if row.session_date <= last])
    of_month = [row for row in returns if row.session_date >= first]
    if not of_month:
        days = f"sessions of {record.account.account_id} in {first:%B %Y}"
        known = sorted(row.session_date for row in record.balances)
        told = f"its sessions are {known[0]} to {known[-1]}" if known else "it has none at all"
        raise InputError([Problem("letter", days, told)])
    executions = [row for row in record.executions if first <= row.trade_date <= last]
    before = max((row.session_date for row in balances if row.session_date < first), default=None)
    opening, closing = round_cents(of_month[0].opening), round_cents(of_month[-1].closing)
    flows = round_cents(sum((row.flow for row in of_month), ZERO))
    moved = [row for row in record.cash_transactions if first <= row.session_date <= last]
    return Letter(
        account=record.account,
        first_date=first,
        last_date=last,
        generated_at=generated_at,
        watermark=WATERMARKS[record.account.mode],
        opening=opening,
        closing=closing,
        cash=round_cents(balances[-1].cash),
        flows=flows,
        pnl=closing - opening - flows,
        periods=tuple(row for row in period_returns(record.account.account_id, returns) if not row.period.isdigit()),
        curve=tuple(returns[-_CHARTED:]),
        earned=_earned(
            _values(record.positions, before),
            _values(record.positions, balances[-1].session_date),
            executions,
            moved,
            total=closing - opening - flows,
        ),
        held=_held(record.positions, balances[-1]),
        purchases=_volume(executions, sign=1),
        sales=_volume(executions, sign=-1),
        charges=round_cents(sum((row.commission + row.fees for row in executions), ZERO)),
        fills=len(executions),
        dividends=round_cents(sum((row.amount for row in moved if row.kind == "dividend"), ZERO)),
        tax=_tax(record.gains, year, last),
        breaks=tuple(one for one in record.breaks if one.state is BreakState.OPEN),
    )


def _values(positions: Iterable[Position], on: date | None) -> dict[str, Decimal]:
    """Market values at a close by symbol, USD; none before the first session."""
    return {row.symbol: row.quantity * row.close for row in positions if row.session_date == on}


def _earned(
    before: Mapping[str, Decimal],
    after: Mapping[str, Decimal],
    executions: Iterable[Execution],
    moved: Iterable[CashTransaction],
    *,
    total: Decimal,
) -> tuple[Earned, ...]:
    """By symbol, the most first. What rounding to cents leaves, and what no symbol earned, is a line of its own."""
    amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
    for symbol, value in before.items():
        amounts[symbol] -= value
    for symbol, value in after.items():
        amounts[symbol] += value
    traded: defaultdict[str, Decimal] = defaultdict(Decimal)
    for execution in executions:
        amounts[execution.symbol] += cash_effect(execution)
        traded[execution.symbol] += execution.quantity
    for cash in moved:
        if cash.symbol is not None and cash.kind not in EXTERNAL_FLOWS:
            amounts[cash.symbol] += cash.amount
    rows = [Earned(symbol, round_cents(amount), traded[symbol]) for symbol, amount in amounts.items()]
    rows = [row for row in rows if row.amount or row.traded]
    rest = total - sum((row.amount for row in rows), ZERO)
    if rest:
        rows.append(Earned(OTHER, rest, ZERO))
    return tuple(sorted(rows, key=lambda row: (-row.amount, row.symbol)))


def _held(positions: Iterable[Position], at_end: Balance) -> tuple[HeldAtEnd, ...]:
    rows = [
        HeldAtEnd(
            symbol=row.symbol,
            quantity=row.quantity,
            average_cost=row.average_cost,
            close=row.close,
            value=round_cents(row.quantity * row.close),
            unrealized=round_cents(row.unrealized_pnl),
            weight=float(row.quantity * row.close / at_end.equity) if at_end.equity > 0 else 0.0,
        )
        for row in positions
        if row.session_date == at_end.session_date and row.quantity
    ]
    return tuple(sorted(rows, key=lambda row: (-abs(row.value), row.symbol)))


def _volume(executions: Iterable[Execution], *, sign: int) -> Decimal:
    return round_cents(sum((row.quantity * row.price for row in executions if row.side.sign == sign), ZERO))


def _tax(gains: Iterable[RealizedGain], year: int, last: date) -> TaxToDate:
    so_far = [gain for gain in gains if gain.tax_year == year and gain.sold_date <= last]
    by_term: Mapping[Term, Decimal] = {
        term: sum((gain.gain_loss for gain in so_far if gain.term is term), ZERO) for term in Term
    }
    windows = {
        (gain.symbol, gain.sold_date + _WINDOW)
        for gain in so_far
        if gain.gain_loss < 0 and gain.sold_date + _WINDOW > last
    }
    return TaxToDate(
        tax_year=year,
        short_term=by_term[Term.SHORT],
        long_term=by_term[Term.LONG],
        disallowed=sum((gain.disallowed_loss for gain in so_far), ZERO),
        windows=tuple(sorted(windows, key=lambda window: (window[1], window[0]))),
    )


def usd(amount: Decimal) -> str:
    """Dollars and cents with thousands apart; a minus sign for a loss."""
    return f"{amount:,.2f}".replace("-", "−")


def _gained(amount: Decimal) -> str:
    return f"{'earned' if amount >= 0 else 'lost'} {usd(abs(amount))} USD"


def _percent(value: float | None) -> str:
    return "" if value is None else f" ({value:+.2%})".replace("-", "−")
