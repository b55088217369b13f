"""What came of a reconciliation: for a person, as JSON, and as files."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tickledger.cli.breaks_output import break_as_json
from tickledger.cli.columns import aligned
from tickledger.cli.console import err, out
from tickledger.cli.problems import tell
from tickledger.cli.reconcile_run import Result
from tickledger.reconciliation.accounting import Accounted, summed
from tickledger.reconciliation.breaks import Comparison, ReconciliationBreak
from tickledger.reconciliation.statement import StatementFile
from tickledger.reporting.table import Table

_SHOWN = 50
_HEADING = ("break", "USD", "what", "cause", "symbol", "day", "ledger", "theirs")
_KINDS = (
    *("executions", "positions", "open_lots", "closed_lots", "wash_sales", "cash_balances", "cash_transactions"),
    *("corporate_actions", "transfers", "form_1099b"),
)


def print_result(result: Result) -> None:
    """Files, what agreed, every difference, and what could not be used."""
    for line in _lines(result):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    breaks = result.breaks
    if breaks:
        rows = [_row(found) for found in breaks[:_SHOWN]]
        out.print(aligned([_HEADING, *rows]), soft_wrap=True)
        if len(breaks) > _SHOWN:
            out.print(f"and {len(breaks) - _SHOWN} more; --out or --json has them all", highlight=False)
    tell(result.problems, elsewhere="--json has them all")


def _lines(result: Result) -> Iterator[str]:
    for file in result.files:
        for statement in file.statements:
            counts = ", ".join(f"{len(rows)} {_words(name)}" for name in _KINDS if (rows := getattr(statement, name)))
            period = f"{statement.start_date or '?'} to {statement.end_date or '?'}"
            torn = "" if statement.is_complete else ", ENDS TOO EARLY"
            name = statement.account_id or "no account"
            yield f"{file.source.name}: {file.source.kind}, {name}, {period}{torn}: {counts or 'nothing to compare'}"
    for comparison in result.comparisons:
        if not comparison.scope.subjects:
            yield f"{comparison.scope.account_id} against {comparison.scope.against}: nothing could be compared"
            continue
        agreed = ", ".join(_counted(count, str(subject)) for subject, count in comparison.matched.items() if count)
        yield f"{comparison.scope.account_id} against {comparison.scope.against}: {agreed or 'nothing'} agreed"
        yield _verdict(comparison.breaks)


def _verdict(breaks: Iterable[ReconciliationBreak]) -> str:
    found = list(breaks)
    if not found:
        return "no difference"
    causes = ", ".join(f"{count} {cause}" for cause, count in Counter(str(one.cause) for one in found).most_common())
    money = sum(one.money_at_stake for one in found if one.is_money_relevant)
    return f"{_counted(len(found), 'difference')} ({causes}), {money:,.2f} USD at stake"


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"


def _row(found: ReconciliationBreak) -> tuple[str, ...]:
    what = " ".join(filter(None, (found.subject, found.field)))
    ours, theirs = found.ours or "—", found.theirs or "—"
    money, day = f"{found.money_at_stake:,.2f}", found.session_date.isoformat()
    return (found.break_id, money, what, str(found.cause), found.symbol, day, ours, theirs)


def _words(name: str) -> str:
    return name.replace("_", " ")


def result_as_json(result: Result) -> dict[str, Any]:
    """All of it as one document."""
    return {
        "files": [_file_as_json(file) for file in result.files],
        "comparisons": [_comparison_as_json(comparison) for comparison in result.comparisons],
        "breaks": [break_as_json(found) | _state(result, found) for found in result.breaks],
        "problems": [str(problem) for problem in result.problems],
        "elements": [_element(line) for line in _elements(result)],
    }


def _file_as_json(file: StatementFile) -> dict[str, Any]:
    return {
        "file": file.source.name,
        "sha256": file.source.sha256,
        "kind": str(file.source.kind),
        "statements": [
            {
                "account": statement.account_id,
                "base_currency": statement.base_currency,
                "start_date": None if statement.start_date is None else statement.start_date.isoformat(),
                "end_date": None if statement.end_date is None else statement.end_date.isoformat(),
                "is_complete": statement.is_complete,
                "counts": {name: len(getattr(statement, name)) for name in _KINDS},
            }
            for statement in file.statements
        ],
    }


def _comparison_as_json(comparison: Comparison) -> dict[str, Any]:
    scope = comparison.scope
    return {
        "account": scope.account_id,
        "against": str(scope.against),
        "subjects": sorted(map(str, scope.subjects)),
        "start_date": scope.start_date.isoformat(),
        "end_date": scope.end_date.isoformat(),
        "matched": {str(subject): count for subject, count in comparison.matched.items()},
        "breaks": len(comparison.breaks),
    }


def _state(result: Result, found: ReconciliationBreak) -> dict[str, Any]:
    tracked = result.tracked.get(found.break_id)
    if tracked is None:
        return {"state": "open", "first_seen_date": None}
    return {"state": str(tracked.state), "first_seen_date": tracked.first_seen_date.isoformat()}


def _elements(result: Result) -> tuple[Accounted, ...]:
    tables = [file.accounting for file in result.files]
    return summed([*tables, *(one.accounting for file in result.files for one in file.statements)])


def _element(line: Accounted) -> Mapping[str, Any]:
    return {"element": line.place, "fate": str(line.fate), "count": line.count, "reason": line.reason}


def write_result(result: Result, folder: Path) -> None:
    """breaks.csv and elements.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    breaks = [break_as_json(found) | _state(result, found) for found in result.breaks]
    columns = [
        *("break_id", "state", "account", "subject", "field", "key", "symbol", "cause", "session_date", "against"),
        *("ours", "theirs", "difference", "unit", "money_at_stake", "detail", "where", "because_of"),
    ]
    _write(folder / "breaks.csv", columns, [row | {"because_of": ";".join(row["because_of"])} for row in breaks])
    _write(folder / "elements.csv", ["element", "fate", "count", "reason"], map(_element, _elements(result)))
    err.print(f"breaks.csv and elements.csv are in {folder}", markup=False, highlight=False)


def _write(path: Path, columns: list[str], rows: Iterable[Mapping[str, Any]]) -> None:
    told = Table(columns, [{name: row[name] for name in columns} for row in rows])
    path.write_text(told.as_csv(), encoding="utf-8", newline="")
