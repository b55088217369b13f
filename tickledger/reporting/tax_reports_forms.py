"""Form 8949, Schedule D and the trade history as reports: what is filed, and the fills and cash behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from tickledger.domain.execution import CashTransaction
from tickledger.domain.money import round_cents
from tickledger.reporting import tax_reports as r
from tickledger.reporting.tax_reports import ColumnKind, Report, ReportKind, Section
from tickledger.reporting.tax_reports_basis import ReportBasis
from tickledger.reporting.tax_years import TaxForms
from tickledger.tax.fills import PAYS, Fill
from tickledger.tax.schedule_d import LONG_LINES, SHORT_LINES, Columns

_LINES: Final = {
    "1a": "Short-term, basis reported, no adjustments",
    "1b": "Short-term, Form 8949 box A or G",
    "2": "Short-term, Form 8949 box B or H",
    "3": "Short-term, Form 8949 box C or I",
    "6": "Short-term loss carryover",
    "7": "Net short-term gain or loss",
    "8a": "Long-term, basis reported, no adjustments",
    "8b": "Long-term, Form 8949 box D or J",
    "9": "Long-term, Form 8949 box E or K",
    "10": "Long-term, Form 8949 box F or L",
    "14": "Long-term loss carryover",
    "15": "Net long-term gain or loss",
    "16": "Lines 7 and 15 together",
    "21": "Loss deducted this year",
}
#: Printed inside parentheses on the form: amounts that are taken away.
_TAKEN_AWAY: Final = frozenset({"6", "14", "21"})


def form_8949_report(basis: ReportBasis) -> Report:
    """The rows of Form 8949; those that may go straight to Schedule D are among them, and marked."""
    lines = [(form.taxpayer, line) for form in basis.forms([basis.tax_year]) for line in form.lines]
    section = r.table(
        "form_8949",
        "Form 8949",
        lines,
        [
            (r.text("part", "Part"), lambda row: row[1].part),
            (r.text("box", "Box"), lambda row: row[1].box),
            (r.text("description", "(a) Description"), lambda row: row[1].description),
            (r.day("date_acquired", "(b) Acquired"), lambda row: row[1].date_acquired or "VARIOUS"),
            (r.day("date_sold", "(c) Sold"), lambda row: row[1].date_sold),
            (r.money("proceeds", "(d) Proceeds"), lambda row: row[1].proceeds),
            (r.money("basis", "(e) Basis"), lambda row: row[1].basis),
            (r.text("codes", "(f) Codes"), lambda row: row[1].codes),
            (r.money("adjustment", "(g) Adjustment"), lambda row: row[1].adjustment),
            (r.money("gain_loss", "(h) Gain or loss"), lambda row: row[1].gain_loss),
            (r.text("direct_entry", "Direct"), lambda row: "yes" if row[1].direct_entry else "no"),
            (r.detail("line_id", "Line"), lambda row: row[1].line_id),
        ],
        notes=(
            "'Direct' rows may be left off the form and added up on line 1a or 8a of Schedule D (Exception 1).",
            "Boxes are those of sales whose basis the broker reported to the IRS.",
        ),
    )
    return Report(ReportKind.FORM_8949, f"Form 8949, {basis.tax_year}", (section,), notes=_of_account(basis))


@dataclass(frozen=True, slots=True)
class _Line:
    number: str
    columns: Columns | None
    amount: Decimal


def schedule_d_report(basis: ReportBasis) -> Report:
    """Schedule D, line by line, and what is carried to the next year."""
    forms = basis.forms([basis.tax_year])
    sections = tuple(section for form in forms for section in _schedule(form, several=len(forms) > 1))
    return Report(ReportKind.SCHEDULE_D, f"Schedule D, {basis.tax_year}", sections, notes=_of_account(basis))


def _of_account(basis: ReportBasis) -> tuple[str, ...]:
    account = basis.scope.account_id
    return () if account is None else (f"Only account {account}: not the whole of the taxpayer's return.",)


def _schedule(form: TaxForms, *, several: bool) -> tuple[Section, Section]:
    name = f"_{form.taxpayer}" if several else ""
    schedule = form.schedule
    lines = [
        _Line(number, schedule.lines.get(number), _amount(form, number))
        for number in _LINES
        if number in schedule.results or number in {*SHORT_LINES, *LONG_LINES}
    ]
    carryover = [
        ("Short-term loss carried to the next year", schedule.carryover.short_term),
        ("Long-term loss carried to the next year", schedule.carryover.long_term),
    ]
    return (
        r.table(
            f"schedule_d{name}",
            f"Schedule D{name.replace('_', ' ')}",
            lines,
            [
                (r.text("line", "Line"), lambda line: line.number),
                (r.text("what", "What"), lambda line: _LINES[line.number]),
                (
                    r.money("proceeds", "(d) Proceeds", is_summed=False),
                    lambda line: None if line.columns is None else line.columns.proceeds,
                ),
                (
                    r.money("basis", "(e) Basis", is_summed=False),
                    lambda line: None if line.columns is None else line.columns.basis,
                ),
                (
                    r.money("adjustment", "(g) Adjustment", is_summed=False),
                    lambda line: None if line.columns is None else line.columns.adjustment,
                ),
                (r.money("gain_loss", "(h) Gain or loss", is_summed=False), lambda line: line.amount),
            ],
            notes=(
                (
                    "Lines 6, 14 and 21 are amounts that are taken away. Lines 4, 5, 11, 12, 13, 18 and 19 come from "
                    "forms that are not known here and count as blank."
                ),
                *(f"Assumed: {assumption}." for assumption in schedule.assumptions),
            ),
        ),
        r.table(
            f"carryover{name}",
            f"Carryover{name.replace('_', ' ')}",
            carryover,
            [
                (r.text("what", "What"), lambda row: row[0]),
                (r.money("amount", "Amount"), lambda row: row[1]),
            ],
        ),
    )


def _amount(form: TaxForms, number: str) -> Decimal:
    columns = form.schedule.lines.get(number)
    amount = form.schedule.results[number] if columns is None else columns.gain_loss
    # `or` takes the sign off a zero.
    return (-amount or amount) if number in _TAKEN_AWAY and amount else amount


@dataclass(frozen=True, slots=True)
class Movement:
    """A fill with the instant it was executed at, which the tax history does not keep."""

    fill: Fill
    executed_at: datetime | None


def trades_report(basis: ReportBasis, movements: Sequence[Movement], cash: Sequence[CashTransaction] = ()) -> Report:
    """The fills of the year and the cash that moved without one, in time, of the accounts that are asked for."""

    def is_asked_for(account_id: str, day: date) -> bool:
        return basis.scope.holds(account_id) and day.year == basis.tax_year and day <= basis.on

    fills = [row for row in movements if is_asked_for(row.fill.account_id, row.fill.trade_date)]
    moved = [row for row in cash if is_asked_for(row.account_id, row.session_date)]
    return Report(ReportKind.TRADES, f"Trade history {basis.tax_year}", (_trades(fills), _cash(moved)))


def _trades(rows: Sequence[Movement]) -> Section:
    return r.table(
        "trades",
        "Trades",
        rows,
        [
            (r.day("trade_date", "Trade date"), lambda row: row.fill.trade_date),
            (r.text("executed_at", "Time (UTC)"), lambda row: row.executed_at and f"{row.executed_at:%H:%M:%S}"),
            (r.text("account", "Account"), lambda row: row.fill.account_id),
            (r.text("side", "Side"), lambda row: row.fill.side),
            (r.number("quantity", "Shares"), lambda row: row.fill.quantity),
            (r.text("symbol", "Symbol"), lambda row: row.fill.symbol),
            (
                r.number("price", "Price", ColumnKind.PRICE),
                lambda row: (row.fill.gross_amount / row.fill.quantity).quantize(Decimal("0.000001")),
            ),
            (r.money("gross_amount", "Gross", is_summed=False), lambda row: round_cents(row.fill.gross_amount)),
            (r.money("costs", "Costs"), lambda row: round_cents(row.fill.commission)),
            (r.money("cash", "Cash"), lambda row: _cash_of(row.fill)),
            (r.detail("order_id", "Order"), lambda row: row.fill.order_id),
            (r.detail("execution_id", "Execution"), lambda row: row.fill.execution_id),
        ],
        notes=("Cash is what came in, less what went out, costs included; each amount is rounded to the cent.",),
    )


def _cash_of(fill: Fill) -> Decimal:
    return round_cents(-fill.net_amount if fill.side in PAYS else fill.net_amount)


def _cash(rows: Sequence[CashTransaction]) -> Section:
    return r.table(
        "cash",
        "Cash",
        sorted(rows, key=lambda row: (row.session_date, row.cash_transaction_id)),
        [
            (r.day("date", "Date"), lambda row: row.session_date),
            (r.text("account", "Account"), lambda row: row.account_id),
            (r.text("kind", "Kind"), lambda row: row.kind),
            (r.text("symbol", "Symbol"), lambda row: row.symbol),
            (r.money("amount", "Amount"), lambda row: row.amount),
            (r.text("description", "Description"), lambda row: row.description),
            (r.detail("cash_transaction_id", "Cash transaction"), lambda row: row.cash_transaction_id),
        ],
    )
