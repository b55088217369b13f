"""What ``tickledger audit-packet`` does: write the inputs, compute from these files alone, compare, explain, zip."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tickledger.cli.audit_packet_texts import INPUTS, explained, read_me, rebuild_script, scope_table, statements_table
from tickledger.cli.ledger import opened_ledger
from tickledger.cli.tax_forms import FormWishes
from tickledger.cli.tax_run import TaxFiles, Wishes, write_tax
from tickledger.cli.tax_summary import TaxReport
from tickledger.domain.account import Account, Mode
from tickledger.reconciliation.beside import sole_account
from tickledger.reporting.break_tables import breaks_table
from tickledger.reporting.packet import packet
from tickledger.reporting.table import Table
from tickledger.reporting.tax_reports_basis import scope_of
from tickledger.reporting.tax_tables import FORM_8949_COLUMNS, form_8949_rows
from tickledger.reporting.trade_tables import accounts_table, corporate_actions_table, fills_table
from tickledger.tax.fills import LotChoice
from tickledger.tax.schedule_d import FilingStatus

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tickledger.db.report_record import ReportRecord
    from tickledger.db.statements import StoredStatement
    from tickledger.reconciliation.breaks import TrackedBreak
    from tickledger.tax.form_8949 import FormLine

_SHOWN: Final = 20
#: What the same rows may differ in: ids are hashes of the ids behind them.
_NOT_COMPARED: Final = frozenset({"gain_ids"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked, read from the options."""

    tax_year: int
    taxpayer: str | None = None
    as_of: datetime | None = None
    identity: Path | None = None
    filing_status: FilingStatus = FilingStatus.OTHER
    policies: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A written packet; `differences` are rows of the ledger's form that are not on the rebuilt one, or the reverse."""

    path: Path
    facts: Mapping[str, Any]
    files: Sequence[str]
    differences: tuple[str, ...]
    problems: tuple[str, ...]
    open_breaks: int
    has_errors: bool

    def as_json(self) -> dict[str, Any]:
        """The packet as JSON-ready data."""
        return {
            "packet": str(self.path),
            **self.facts,
            "files": list(self.files),
            "differences": list(self.differences),
            "problems": list(self.problems),
            "open_breaks": self.open_breaks,
        }

    def lines(self) -> Iterable[str]:
        """The packet for a person."""
        yield f"{self.path}: {len(self.files)} files, {self.facts['tax_year']}, {self.facts['taxpayer']}"
        yield from self.problems
        if self.open_breaks:
            yield f"warning: {self.open_breaks} breaks with a broker are open and worth money: tickledger breaks list"
        if self.differences:
            yield "error: the ledger's Form 8949 is not what its inputs give; compute it again, then make the packet:"
            yield from (f"  {line}" for line in self.differences[:_SHOWN])
            if len(self.differences) > _SHOWN:
                yield f"  and {len(self.differences) - _SHOWN} more"


@dataclass(frozen=True, slots=True)
class _Record:
    """All that the packet is made of, as the ledger has it."""

    record: "ReportRecord"
    lots: Mapping[str, tuple[LotChoice, ...]]
    lines: "Sequence[FormLine]"
    statements: "Sequence[tuple[StoredStatement, bytes]]"
    breaks: "Sequence[TrackedBreak]"
    taxpayer: str
    mode: Mode
    accounts: Sequence[Account]


def write_packet(wish: Wish, out: Path | None) -> Made:
    """Make the packet and write it; raises ConfigurationError for a wish that the ledger cannot meet."""
    with opened_ledger() as engine:
        found = _read(engine, wish)
    folder = Path(tempfile.mkdtemp(prefix="tickledger-packet-"))
    try:
        inputs = _write_inputs(folder, wish, found)
        report = _computed(folder, wish, found, inputs)
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    differences = _differences(found.lines, report)
    facts = _facts(wish, found, report)
    files |= _explanations(wish, found, report, differences, inputs)
    target = out or Path(f"audit-packet-{wish.tax_year}-{_safe(found.taxpayer)}.zip")
    _write_whole(target, packet(files, facts))
    return Made(
        path=target,
        facts=facts,
        files=sorted(files),
        differences=differences,
        problems=tuple(str(problem) for problem in report.problems),
        open_breaks=sum(one.blocks_forms for one in found.breaks),
        has_errors=report.has_errors,
    )


def _read(engine: "Engine", wish: Wish) -> _Record:
    from tickledger.db.breaks import read_breaks
    from tickledger.db.lot_choices import read_lot_choices
    from tickledger.db.report_record import read_report_record
    from tickledger.db.reports import read_form_lines
    from tickledger.db.statements import read_statement_content, read_statements

    record = read_report_record(engine, as_of=wish.as_of)
    scope = scope_of(record.accounts, taxpayer=wish.taxpayer)
    taxpayer, mode, names = scope.taxpayer, scope.mode, scope.kinds
    own = [account for account in record.accounts if account.account_id in names]
    statements = [
        (one, read_statement_content(engine, one.source.sha256) or b"")
        for one in read_statements(engine)
        if (one.broker_account or sole_account(record.accounts)) in names and _touches(one, wish.tax_year)
    ]
    lines = read_form_lines(engine, taxpayer=taxpayer, mode=mode, tax_year=wish.tax_year, as_of=wish.as_of)
    breaks = [one for name in sorted(names) for one in read_breaks(engine, account_id=name)]
    return _Record(record, read_lot_choices(engine), lines, statements, breaks, taxpayer, mode, own)


def _touches(statement: "StoredStatement", tax_year: int) -> bool:
    """Whether a statement is about a day of the year, or of the January whose purchases reach back into it."""
    start, end = statement.start_date, statement.end_date
    if start is None or end is None:
        return True
    return start.year <= tax_year + 1 and end.year >= tax_year


def _write_inputs(folder: Path, wish: Wish, found: _Record) -> TaxFiles:
    inputs = folder / INPUTS
    inputs.mkdir()
    record = found.record
    # All accounts of the mode: a purchase in another account of the household replaces shares sold in this one.
    accounts = [account for account in record.accounts if account.mode is found.mode]
    names = {account.account_id for account in accounts}
    executions = [row for row in record.executions if row.account_id in names]
    lots = {name: chosen for name, chosen in found.lots.items() if name in {row.execution_id for row in executions}}
    _write_table(inputs / "fills.csv", fills_table(executions, lots=lots or None))
    _write_table(inputs / "accounts.csv", accounts_table(accounts))
    _write_table(inputs / "corporate_actions.csv", corporate_actions_table(record.corporate_actions))
    if wish.identity is not None:
        shutil.copyfile(wish.identity, inputs / "identity.csv")
    for statement, content in found.statements:
        name = f"{statement.source.sha256[:12]}-{Path(statement.source.name).name}"
        (inputs / "statements").mkdir(exist_ok=True)
        (inputs / "statements" / name).write_bytes(content)
    return TaxFiles(
        fills=inputs / "fills.csv",
        accounts=inputs / "accounts.csv",
        corporate_actions=inputs / "corporate_actions.csv",
        identity=inputs / "identity.csv" if wish.identity is not None else None,
    )


def _computed(folder: Path, wish: Wish, found: _Record, inputs: TaxFiles) -> TaxReport:
    """The year's forms from the inputs alone, after the losses that the years before carry over."""
    carryover = folder / INPUTS / "carryover.json"
    first = min((row.trade_date.year for row in found.record.executions), default=wish.tax_year)
    for year in range(first, wish.tax_year):
        earlier = _wishes(wish, found, year)
        known = carryover if carryover.exists() else None
        before = Path(tempfile.mkdtemp(prefix="tickledger-packet-"))
        try:
            write_tax(_with_carryover(inputs, known), earlier, out=before)
            shutil.copyfile(before / "schedule_d.json", carryover)
        finally:
            shutil.rmtree(before, ignore_errors=True)
    forms = FormWishes(has_pdf=True, has_txf=True, name=wish.name)
    wishes = _wishes(wish, found, wish.tax_year, forms)
    known = carryover if carryover.exists() else None
    return write_tax(_with_carryover(inputs, known), wishes, out=folder / "forms")


def _wishes(wish: Wish, found: _Record, year: int, forms: FormWishes | None = None) -> Wishes:
    return Wishes(
        tax_year=year,
        taxpayer=found.taxpayer,
        filing_status=wish.filing_status,
        policies=wish.policies,
        forms=forms or FormWishes(),
    )


def _with_carryover(inputs: TaxFiles, carryover: Path | None) -> TaxFiles:
    return TaxFiles(
        fills=inputs.fills,
        accounts=inputs.accounts,
        corporate_actions=inputs.corporate_actions,
        identity=inputs.identity,
        carryover=carryover,
    )


def _differences(lines: "Sequence[FormLine]", report: TaxReport) -> tuple[str, ...]:
    """Rows of the ledger's form that the files do not give, and the reverse."""
    ledger, rebuilt = Counter(_told(lines)), Counter(_told(report.lines))
    return (
        *(f"in the ledger alone: {row}" for row in sorted((ledger - rebuilt).elements())),
        *(f"from the inputs alone: {row}" for row in sorted((rebuilt - ledger).elements())),
    )


def _told(lines: "Sequence[FormLine]") -> list[str]:
    kept = [place for place, name in enumerate(FORM_8949_COLUMNS) if name not in _NOT_COMPARED]
    return [", ".join(row[place] for place in kept) for row in form_8949_rows(lines)]


def _facts(wish: Wish, found: _Record, report: TaxReport) -> dict[str, Any]:
    schedule = report.schedule
    return {
        "made_by": f"tickledger {version('tickledger')}",
        "taxpayer": found.taxpayer,
        "tax_year": wish.tax_year,
        "mode": str(found.mode),
        "watermark": schedule.watermark,
        "accounts": [account.account_id for account in found.accounts],
        "as_of": None if wish.as_of is None else wish.as_of.isoformat(),
        "policies": dict(report.result.policies.described()),
        "rebuild": "sh rebuild.sh",
    }


def _explanations(
    wish: Wish, found: _Record, report: TaxReport, differences: Sequence[str], inputs: TaxFiles
) -> dict[str, bytes]:
    told = explained(report, found.record, found.lots)
    has_carryover = wish.tax_year > min((row.trade_date.year for row in found.record.executions), default=wish.tax_year)
    return {
        "README.txt": read_me(report, taxpayer=found.taxpayer, breaks=found.breaks, differences=differences).encode(),
        "rebuild.sh": rebuild_script(
            report,
            has_identity=inputs.identity is not None,
            has_carryover=has_carryover,
            filing_status=wish.filing_status,
            policies=wish.policies,
        ).encode(),
        "adjustments.csv": _encoded(told),
        "reconciliation/adjustments_to_1099b.csv": _encoded(
            scope_table(found.record, found.lots, found.accounts, tax_year=wish.tax_year)
        ),
        "reconciliation/breaks.csv": _encoded(breaks_table(found.breaks)),
        "reconciliation/statements.csv": _encoded(statements_table([one for one, _ in found.statements])),
    }


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _write_table(path: Path, table: Table) -> None:
    path.write_bytes(_encoded(table))


def _encoded(table: Table) -> bytes:
    return table.as_csv().encode()


def _write_whole(target: Path, content: bytes) -> None:
    """Write as one step, so that nobody sends half a packet."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    partial.write_bytes(content)
    partial.replace(target)


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
