"""What a run of ``tickledger tax`` concluded, in short: for a person, or as one JSON document."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from rich.table import Table

from tickledger.cli.console import out as stdout
from tickledger.domain.account import Mode
from tickledger.domain.errors import Problem
from tickledger.domain.lot import RealizedGain
from tickledger.tax.cents import as_decimal
from tickledger.tax.form_8949 import FormLine
from tickledger.tax.form_columns import FormColumns
from tickledger.tax.gains import gain_rows
from tickledger.tax.kernel import columns as c
from tickledger.tax.result import TaxResult
from tickledger.tax.result_columns import HouseholdColumns
from tickledger.tax.schedule_d import ScheduleD
from tickledger.tax.whole_dollars import line_in_dollars


@dataclass(frozen=True)
class TaxReport:
    """Everything one run concluded, for one taxpayer and one mode.

    `forms` has the rows of Form 8949 as columns, one of each household; rows are made when they are asked for.
    """

    taxpayer: str
    mode: Mode
    result: TaxResult
    forms: tuple[FormColumns, ...]
    schedule: ScheduleD
    problems: tuple[Problem, ...]
    in_whole_dollars: bool = False

    @property
    def selected(self) -> tuple[HouseholdColumns, ...]:
        """The gains of the year's forms as columns."""
        return tuple(form.household for form in self.forms)

    @cached_property
    def lines(self) -> tuple[FormLine, ...]:
        """The rows of Form 8949 as they are printed, in whole dollars where these were wished for."""
        lines = (line for form in self.forms for line in form.lines(mode=self.mode))
        return tuple(map(line_in_dollars, lines) if self.in_whole_dollars else lines)

    @cached_property
    def gains(self) -> tuple[RealizedGain, ...]:
        """The gains of the year's forms, in the order in which they happened."""
        return tuple(gain for columns in self.selected for gain in gain_rows(columns))

    @property
    def has_errors(self) -> bool:
        """Whether anything was left out."""
        return any(problem.severity == "error" for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one run, USD; `open_until` is when the last loss stops being provisional."""

    tax_year: int
    taxpayer: str
    mode: str
    watermark: str | None
    gains: int
    short_term: Decimal
    long_term: Decimal
    disallowed_loss: Decimal
    permanently_disallowed: Decimal
    form_rows: int
    open_lots: int
    provisional: int
    open_until: date | None
    schedule_d: Mapping[str, object]
    policies: Mapping[str, str]
    left_out: tuple[str, ...]
    problems: tuple[Problem, ...]
    out: Path


def summary_of(report: TaxReport, out: Path) -> Summary:
    """The figures of a report whose files are in `out`."""
    sums = [_sums(columns) for columns in report.selected]

    def total(name: str) -> Decimal:
        return sum((as_decimal(of[name]) for of in sums), Decimal(0))

    last = max((of["open_until"] for of in sums), default=0)
    return Summary(
        tax_year=report.schedule.tax_year,
        taxpayer=report.taxpayer,
        mode=str(report.mode),
        watermark=report.schedule.watermark,
        gains=sum(len(columns.gain_pieces) for columns in report.selected),
        short_term=total("short_term"),
        long_term=total("long_term"),
        disallowed_loss=total("disallowed_loss"),
        permanently_disallowed=total("permanently_disallowed"),
        form_rows=sum(map(len, report.forms)),
        open_lots=sum(len(columns.held) for columns in report.result.households),
        provisional=sum(of["provisional"] for of in sums),
        open_until=date.fromordinal(last) if last else None,
        schedule_d=report.schedule.to_dict(),
        policies=report.result.policies.described(),
        left_out=report.result.left_out,
        problems=report.problems,
        out=out,
    )


def _sums(columns: HouseholdColumns) -> dict[str, int]:
    """What the columns add up to, cents, and until when any of it is provisional."""
    until, is_long = columns.open_until, columns.is_long_term
    return {
        "short_term": int(columns.gain_loss[~is_long].sum()),
        "long_term": int(columns.gain_loss[is_long].sum()),
        "disallowed_loss": int(columns.of_gain(c.PIECE_DISALLOWED).sum()),
        "permanently_disallowed": int(columns.of_gain(c.PIECE_PERMANENT).sum()),
        "provisional": int((until != 0).sum()),
        "open_until": int(until.max(initial=0)),
    }


def print_summary(summary: Summary, *, as_json: bool) -> None:
    """Print to standard output."""
    if as_json:
        document = asdict(summary) | {"problems": [str(problem) for problem in summary.problems]}
        stdout.print(json.dumps(document, default=_plain, ensure_ascii=False), markup=False, soft_wrap=True)
        return
    if summary.watermark:
        stdout.print(summary.watermark, style="bold")
    stdout.print(_figures(summary))
    for setting, meaning in summary.policies.items():
        stdout.print(f"{setting} = {meaning}", markup=False, style="dim")


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value)


def _figures(summary: Summary) -> Table:
    table = Table(title=f"Tax year {summary.tax_year}, {summary.taxpayer}", show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    table.add_row("Short-term gain or loss", f"{summary.short_term:,.2f}")
    table.add_row("Long-term gain or loss", f"{summary.long_term:,.2f}")
    table.add_row("Wash sale losses disallowed", f"{summary.disallowed_loss:,.2f}")
    table.add_row("  of these for good", f"{summary.permanently_disallowed:,.2f}")
    table.add_row("Rows of Form 8949", f"{summary.form_rows:,}")
    table.add_row("Lots still open", f"{summary.open_lots:,}")
    if summary.provisional:
        table.add_row(f"Losses provisional until {summary.open_until}", f"{summary.provisional:,}")
    if summary.left_out:
        table.add_row("Left out, see the messages", ", ".join(summary.left_out), style="red")
    table.add_row("Files", str(summary.out))
    return table
