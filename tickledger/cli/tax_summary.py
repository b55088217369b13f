"""What a run of ``tickledger tax`` concluded, in short: for a person, or as one JSON document."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from rich.table import Table

from tickledger.cli.console import out as stdout
from tickledger.domain.account import Mode
from tickledger.domain.errors import Problem
from tickledger.domain.lot import RealizedGain, Term
from tickledger.tax.form_8949 import FormLine
from tickledger.tax.result import TaxResult
from tickledger.tax.schedule_d import ScheduleD


@dataclass(frozen=True, slots=True)
class TaxReport:
    """Everything one run concluded, for one taxpayer and one mode; `gains` are those of the year's forms."""

    taxpayer: str
    mode: Mode
    result: TaxResult
    gains: tuple[RealizedGain, ...]
    lines: tuple[FormLine, ...]
    schedule: ScheduleD
    problems: tuple[Problem, ...]

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
    gains = report.gains
    return Summary(
        tax_year=report.schedule.tax_year,
        taxpayer=report.taxpayer,
        mode=str(report.mode),
        watermark=report.schedule.watermark,
        gains=len(gains),
        short_term=sum((gain.gain_loss for gain in gains if gain.term is Term.SHORT), Decimal(0)),
        long_term=sum((gain.gain_loss for gain in gains if gain.term is Term.LONG), Decimal(0)),
        disallowed_loss=sum((gain.disallowed_loss for gain in gains), Decimal(0)),
        permanently_disallowed=sum((gain.permanently_disallowed for gain in gains), Decimal(0)),
        form_rows=len(report.lines),
        open_lots=len(report.result.open_lots),
        provisional=sum(gain.is_provisional for gain in gains),
        open_until=max((gain.open_until_date for gain in gains if gain.open_until_date), default=None),
        schedule_d=report.schedule.to_dict(),
        policies=report.result.policies.described(),
        left_out=report.result.left_out,
        problems=report.problems,
        out=out,
    )


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
