"""What ``tickledger data check`` does: survey the bars in force and the quarantine, and report.

The report is on stdout: what there is, by symbol and interval, and how much of it is unusual. Each finding is told
on stderr; the JSON document holds both.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from tickledger.bars.survey import JUMP_FACTOR, Coverage, Finding, Kind, Survey, survey
from tickledger.cli.columns import aligned
from tickledger.cli.console import err, out
from tickledger.cli.ledger import opened_ledger
from tickledger.cli.problems import tell
from tickledger.domain.errors import Problem

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tickledger.db.quarantine import Refusals

#: The columns of the table after those of the coverage, and what each counts: dates.
_COUNTED: Final[dict[Kind, str]] = {
    "off_calendar": "no session",
    "missing_sessions": "missing",
    "jump": "jumps",
    "zero_volume": "no volume",
}


@dataclass(frozen=True, slots=True)
class _Report:
    """The surveys of all intervals, and what waits in the quarantine."""

    surveys: Sequence[Survey]
    refusals: Sequence["Refusals"]

    @property
    def coverage(self) -> list[Coverage]:
        return [one for surveyed in self.surveys for one in surveyed.coverage]

    @property
    def findings(self) -> list[Finding]:
        return [one for surveyed in self.surveys for one in surveyed.findings]

    @property
    def problems(self) -> list[Problem]:
        """Every problem, errors first."""
        problems = [finding.problem for finding in self.findings] + [_problem(one) for one in self.refusals]
        return sorted(problems, key=lambda problem: problem.severity != "error")

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)


def check_record(*, as_json: bool) -> bool:
    """Judge what is recorded and report it; returns whether there is no error."""
    with err.status("judging the record"), opened_ledger() as engine:
        report = _judge(engine)
    tell(report.problems, elsewhere="all of them listed by --json")
    if as_json:
        out.print_json(data=_document(report), ensure_ascii=False, default=str)
    else:
        _print(report)
    return not report.errors


def _judge(engine: "Engine") -> _Report:
    from tickledger.db.corporate_actions import read_corporate_actions
    from tickledger.db.market_data import read_bars, recorded_intervals
    from tickledger.db.quarantine import read_refusals

    actions = read_corporate_actions(engine)
    surveys = [
        survey(read_bars(engine, interval=interval), actions, interval=interval)
        for interval in recorded_intervals(engine)
    ]
    return _Report(surveys=surveys, refusals=read_refusals(engine))


def _problem(refusals: "Refusals") -> Problem:
    first = refusals.first
    place = ", ".join(
        part
        for part in (f"row {first.row}" if first.row else "", f"column {first.column}" if first.column else "")
        if part
    )
    return Problem(
        where=refusals.source,
        expected="no rows waiting in the quarantine",
        found=f"{refusals.rows:,} since {refusals.recorded_at:%Y-%m-%d}, the first at {place or 'no row'}: "
        f"expected {first.expected}, found {first.found}",
        severity="warning",
    )


def _document(report: _Report) -> dict[str, Any]:
    return {
        "ok": not report.errors,
        "errors": report.errors,
        "warnings": len(report.problems) - report.errors,
        "jump_factor": JUMP_FACTOR,
        "bars": [asdict(one) for one in report.coverage],
        "findings": [asdict(finding) for finding in report.findings],
        "quarantine": [asdict(refusals) for refusals in report.refusals],
    }


def _print(report: _Report) -> None:
    if report.coverage:
        out.print(_table(report))
    else:
        out.print("no bars are recorded; `tickledger data import` brings some", markup=False)
    out.print(_verdict(report), markup=False)


def _table(report: _Report) -> Text:
    dates: dict[tuple[str, str, Kind], int] = {}
    for finding in report.findings:
        key = (finding.symbol, finding.interval, finding.kind)
        dates[key] = dates.get(key, 0) + len(finding.dates)
    rows = [
        (
            one.symbol,
            one.interval,
            f"{one.bars:,}",
            str(one.first),
            str(one.last),
            *(f"{dates.get((one.symbol, one.interval, kind), 0):,}" for kind in _COUNTED),
        )
        for one in report.coverage
    ]
    return aligned([("symbol", "interval", "bars", "first", "last", *_COUNTED.values()), *rows])


def _verdict(report: _Report) -> str:
    warnings = len(report.problems) - report.errors
    if not report.problems:
        return f"nothing is wrong; no close moves by more than {JUMP_FACTOR:g} times without a split"
    return f"{_counted(report.errors, 'error')}, {_counted(warnings, 'warning')}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
