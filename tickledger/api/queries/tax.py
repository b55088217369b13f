"""Tax years: the form, its gains, the lots that are still open, wash sales and their windows.

Forms are of a taxpayer and a mode over all accounts; what is asked for here is so too. Sums are made by the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Select, case, func, select

from tickledger.db.tables import (
    accounts,
    balances,
    capital_gains,
    executions,
    form_lines,
    open_lots,
    positions,
    schedule_d,
    symbols,
    tax_lots,
    wash_sales,
)
from tickledger.db.versions import current
from tickledger.domain.account import Mode

#: Days on either side of a sale at a loss on which a purchase replaces it.
WINDOW: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Filer:
    """Whose forms: a taxpayer's accounts of one mode."""

    taxpayer: str
    mode: Mode


@dataclass(frozen=True, slots=True)
class BoxTotal:
    """What the rows of a box of Form 8949 add up to, USD."""

    box: str
    part: str
    lines: int
    proceeds: Decimal
    basis: Decimal
    adjustment: Decimal
    gain_loss: Decimal


@dataclass(frozen=True, slots=True)
class FormRow:
    """A row of Form 8949; `date_acquired` is None where the form says VARIOUS."""

    line_id: str
    box: str
    description: str
    date_acquired: date | None
    date_sold: date
    proceeds: Decimal
    basis: Decimal
    codes: str
    adjustment: Decimal
    gain_loss: Decimal


@dataclass(frozen=True, slots=True)
class GainRow:
    """A realized gain; `open_until` is the last day on which a purchase can still disallow a loss, where one can."""

    gain_id: str
    account_id: str
    symbol: str
    quantity: Decimal
    acquired_date: date
    sold_date: date
    proceeds: Decimal
    basis: Decimal
    disallowed: Decimal
    gain_loss: Decimal
    term: str
    open_until: date | None


@dataclass(frozen=True, slots=True)
class LotRow:
    """What is left of a lot, at its symbol's last close (None: not known); a short has negative shares."""

    lot_id: str
    account_id: str
    symbol: str
    quantity: Decimal
    acquired_date: date
    holding_start: date
    original_basis: Decimal
    adjusted_basis: Decimal
    price: Decimal | None
    priced_on: date | None


@dataclass(frozen=True, slots=True)
class WashRow:
    """A loss that a purchase disallowed: sold on one day, replaced on another within the window."""

    wash_sale_id: str
    gain_id: str
    symbol: str
    sold_date: date
    replaced_date: date
    quantity: Decimal
    disallowed: Decimal
    is_permanent: bool
    replacement_lot_id: str | None


@dataclass(frozen=True, slots=True)
class YearSchedule:
    """Schedule D of a year, its amounts by line."""

    schedule_d_id: str
    lines: Mapping[str, Mapping[str, str]]
    results: Mapping[str, str]
    carryover: Mapping[str, str]
    watermark: str | None
    assumptions: Sequence[str]


@dataclass(frozen=True, slots=True)
class GainSum:
    """What the gains of a term add up to, USD; `gain_loss` after what is disallowed."""

    term: str
    number: int
    gain_loss: Decimal
    disallowed: Decimal
    provisional: int


def tax_years(engine: Engine, filer: Filer) -> Sequence[int]:
    """The years with forms, the latest first."""
    s = schedule_d.c
    mine = (current(schedule_d), s.taxpayer == filer.taxpayer, s.mode == filer.mode)
    with engine.connect() as connection:
        return list(connection.execute(select(s.tax_year).where(*mine).order_by(s.tax_year.desc())).scalars())


def box_totals(engine: Engine, filer: Filer, year: int) -> Sequence[BoxTotal]:
    """The totals of Form 8949 by box."""
    f = form_lines.c
    sums = (func.sum(column) for column in (f.proceeds, f.basis, f.adjustment, f.gain_loss))
    statement = (
        select(f.box, f.part, func.count(), *sums)
        .where(*_form(filer, year))
        .group_by(f.box, f.part)
        .order_by(f.part, f.box)
    )
    with engine.connect() as connection:
        return [BoxTotal(*row) for row in connection.execute(statement)]


def form_rows(engine: Engine, filer: Filer, year: int, *, limit: int, offset: int = 0) -> Sequence[FormRow]:
    """A page of Form 8949, in its order."""
    f = form_lines.c
    figures = (f.proceeds, f.basis, f.codes, f.adjustment, f.gain_loss)
    statement = (
        select(f.line_id, f.box, f.description, f.date_acquired, f.date_sold, *figures)
        .where(*_form(filer, year))
        .order_by(f.box, f.date_sold, f.description, f.line_id)
        .limit(limit)
        .offset(offset)
    )
    with engine.connect() as connection:
        return [FormRow(*row) for row in connection.execute(statement)]


def gain_sums(engine: Engine, filer: Filer, year: int) -> Sequence[GainSum]:
    """The gains of a year by term."""
    g = capital_gains.c
    statement = (
        select(
            *(g.term, func.count(), func.sum(g.gain_loss), func.sum(g.disallowed_loss)),
            func.sum(case((g.is_provisional, 1), else_=0)),
        )
        .where(*_of(filer, capital_gains), g.tax_year == year)
        .group_by(g.term)
        .order_by(g.term)
    )
    with engine.connect() as connection:
        return [GainSum(*row) for row in connection.execute(statement)]


def gain_rows(engine: Engine, filer: Filer, year: int, *, limit: int, offset: int = 0) -> Sequence[GainRow]:
    """A page of realized gains, the last sold first."""
    g = capital_gains.c
    statement = (
        _gains()
        .where(*_of(filer, capital_gains), g.tax_year == year)
        .order_by(g.sold_date.desc(), symbols.c.ticker, g.gain_id)
        .limit(limit)
        .offset(offset)
    )
    with engine.connect() as connection:
        return [GainRow(*row) for row in connection.execute(statement)]


def lot_rows(engine: Engine, filer: Filer, *, limit: int, offset: int = 0) -> Sequence[LotRow]:
    """A page of what is still open, by symbol and date."""
    left, lot = open_lots.c, tax_lots.c
    price, priced_on = (_last_close(name) for name in ("close", "session_date"))
    statement = (
        select(
            *(left.lot_id, left.account_id, symbols.c.ticker, left.quantity, lot.acquired_date, lot.holding_start),
            *(left.original_basis, left.adjusted_basis, price, priced_on),
        )
        .join(tax_lots, lot.lot_id == left.lot_id)
        .join(symbols, symbols.c.symbol_id == lot.symbol_id)
        .where(*_of(filer, open_lots))
        .order_by(symbols.c.ticker, lot.acquired_date, left.lot_id)
        .limit(limit)
        .offset(offset)
    )
    with engine.connect() as connection:
        return [LotRow(*row) for row in connection.execute(statement)]


def wash_rows(engine: Engine, filer: Filer, year: int, *, limit: int, offset: int = 0) -> Sequence[WashRow]:
    """A page of a year's wash sales, the last sold first."""
    w, g, e = wash_sales.c, capital_gains.c, executions.c
    statement = (
        select(
            *(w.wash_sale_id, w.gain_id, symbols.c.ticker, g.sold_date, e.trade_date, w.quantity),
            *(w.disallowed_loss, w.is_permanent, w.replacement_lot_id),
        )
        .join(capital_gains, g.gain_id == w.gain_id)
        .join(executions, e.execution_id == w.replacement_execution_id)
        .join(symbols, symbols.c.symbol_id == g.symbol_id)
        .where(*_of(filer, capital_gains), current(wash_sales), g.tax_year == year)
        .order_by(g.sold_date.desc(), symbols.c.ticker, w.wash_sale_id)
        .limit(limit)
        .offset(offset)
    )
    with engine.connect() as connection:
        return [WashRow(*row) for row in connection.execute(statement)]


def open_windows(engine: Engine, filer: Filer, on: date, *, limit: int) -> Sequence[GainRow]:
    """Losses of the last 30 days before a date: a purchase within 30 days of the sale would disallow them."""
    g = capital_gains.c
    statement = (
        _gains()
        .where(*_of(filer, capital_gains), g.tax_year.in_((on.year, (on - WINDOW).year)))
        .where(g.sold_date.between(on - WINDOW, on), g.gain_loss < 0)
        .order_by(g.sold_date, symbols.c.ticker, g.gain_id)
        .limit(limit)
    )
    with engine.connect() as connection:
        return [GainRow(*row) for row in connection.execute(statement)]


def year_schedule(engine: Engine, filer: Filer, year: int) -> YearSchedule | None:
    """Schedule D of a year, None where it was not made."""
    s = schedule_d.c
    mine = (current(schedule_d), s.taxpayer == filer.taxpayer, s.mode == filer.mode, s.tax_year == year)
    statement = select(s.schedule_d_id, s.lines, s.results, s.carryover, s.watermark, s.assumptions).where(*mine)
    with engine.connect() as connection:
        row = connection.execute(statement).first()
    return None if row is None else YearSchedule(*row)


def _gains() -> Select[Any]:
    """The columns of `GainRow`."""
    g = capital_gains.c
    figures = (g.proceeds, g.basis, g.disallowed_loss, g.gain_loss, g.term, g.open_until_date)
    columns = (g.gain_id, g.account_id, symbols.c.ticker, g.quantity, g.acquired_date, g.sold_date, *figures)
    return select(*columns).join(symbols, symbols.c.symbol_id == g.symbol_id)


def _form(filer: Filer, year: int) -> Sequence[ColumnElement[bool]]:
    f = form_lines.c
    return (current(form_lines), f.taxpayer == filer.taxpayer, f.mode == filer.mode, f.tax_year == year)


def _of(filer: Filer, table: Any) -> Sequence[ColumnElement[bool]]:  # noqa: ANN401  any table with accounts
    """The rows in force of the filer's accounts."""
    a = accounts.c
    mine = select(a.account_id).where(a.owner == filer.taxpayer, a.mode == filer.mode)
    return (current(table), table.c.account_id.in_(mine))


def _last_close(figure: str) -> Any:  # noqa: ANN401  a scalar subquery
    """Of the account's position in the symbol at its last recorded close."""
    p, b = positions.c, balances.c
    mine = (p.account_id == open_lots.c.account_id, p.symbol_id == tax_lots.c.symbol_id, current(positions))
    last = select(func.max(b.session_date)).where(b.account_id == open_lots.c.account_id, current(balances))
    found = select(p[figure]).where(*mine, p.session_date == last.correlate(open_lots).scalar_subquery())
    return found.correlate(open_lots, tax_lots).scalar_subquery()
