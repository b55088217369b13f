"""What ``tickledger tax`` does: read the files, compute, write the tables, say what came of it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from tickledger.cli import tax_files
from tickledger.cli.console import err
from tickledger.cli.file_rows import a_decimal
from tickledger.cli.fills_file import read_fills
from tickledger.cli.tax_forms import FormWishes, write_forms
from tickledger.cli.tax_summary import TaxReport, print_summary, summary_of
from tickledger.domain.account import Account, Mode
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.errors import ConfigurationError, Problem
from tickledger.domain.lot import Lot
from tickledger.execution.clock import WallClock
from tickledger.reporting import tax_tables as tables
from tickledger.reporting.tax_columns import form_8949_columns_of, gains_columns, lots_columns, wash_sales_columns
from tickledger.tax.distributions import unreported_closings
from tickledger.tax.engine import collector_at_rest, compute
from tickledger.tax.fill_table import FillTable
from tickledger.tax.fills import Fill
from tickledger.tax.form_8949 import WATERMARKS
from tickledger.tax.form_columns import form_columns_of
from tickledger.tax.households import DEFAULT_OWNER, taxpayers, with_unlisted
from tickledger.tax.methods import Method, MethodSchedule
from tickledger.tax.policies import Policies
from tickledger.tax.schedule_d import Carryover, Filing, FilingStatus, added, schedule_of

if TYPE_CHECKING:
    import pyarrow as pa

_NEW_YORK: Final = ZoneInfo("America/New_York")
#: Real money first; forms never mix modes.
_MODES: Final = (Mode.LIVE, Mode.PAPER, Mode.SIMULATED)


_ROWS_AT_ONCE: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class TaxFiles:
    """Where the inputs are."""

    fills: Path
    corporate_actions: Path | None = None
    accounts: Path | None = None
    carryover: Path | None = None
    opening_lots: Path | None = None
    identity: Path | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller wants computed, and how; `policies` are ``NAME=VALUE``."""

    tax_year: int
    method: Method = Method.FIFO
    taxpayer: str | None = None
    filing_status: FilingStatus = FilingStatus.OTHER
    taxable_income: str | None = None
    policies: tuple[str, ...] = ()
    forms: FormWishes = field(default_factory=FormWishes)


@dataclass(slots=True)
class TaxInputs:
    """What the files say; `problems` are their defects, `left_out` the securities that are not complete."""

    fills: Sequence[Fill] = ()
    accounts: list[Account] = field(default_factory=list)
    methods: dict[str, list[tuple[date, Method]]] = field(default_factory=dict)
    actions: list[CorporateAction] = field(default_factory=list)
    opening_lots: list[Lot] = field(default_factory=list)
    identity: dict[str, str] = field(default_factory=dict)
    carryover: Carryover = field(default_factory=Carryover)
    problems: list[Problem] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    action_rows: dict[str, tuple[str, int]] = field(default_factory=dict)
    where: str = "fills"


def run_tax(files: TaxFiles, wishes: Wishes, *, out: Path, as_json: bool) -> bool:
    """Compute and write; returns whether all of the input could be used.

    Raises InputError for a file that cannot be used at all, ConfigurationError for a wish that cannot be met.
    """
    report = write_tax(files, wishes, out=out)
    for problem in report.problems:
        err.print(str(problem), style="red" if problem.severity == "error" else "yellow", markup=False)
    print_summary(summary_of(report, out), as_json=as_json)
    return not report.has_errors


def write_tax(files: TaxFiles, wishes: Wishes, *, out: Path) -> TaxReport:
    """Compute and write the tables and forms into `out`, and say nothing; raises as `run_tax` does."""
    policies = policies_of(wishes.policies)
    income = _taxable_income(wishes.taxable_income)
    with collector_at_rest():
        inputs = read_inputs(files, tax_year=wishes.tax_year)
        report = _report(inputs, wishes, policies=policies, taxable_income=income)
        _write(report, out)
    return replace(report, problems=(*report.problems, *write_forms(report, wishes.forms, out)))


def _report(inputs: TaxInputs, wishes: Wishes, *, policies: Policies, taxable_income: Decimal | None) -> TaxReport:
    everyone = with_unlisted(inputs.accounts, _account_ids(inputs.fills))
    taxpayer = _taxpayer(wishes.taxpayer, everyone)
    mode, own, passed_over = _accounts_on_the_form(everyone, taxpayer)
    result = compute(
        inputs.fills,
        accounts=everyone,
        corporate_actions=inputs.actions,
        methods=MethodSchedule(wishes.method, inputs.methods),
        policies=policies,
        identity=inputs.identity,
        opening_lots=inputs.opening_lots,
        left_out=inputs.left_out,
        where=inputs.where,
    )
    selected = tuple(
        columns.of(tax_year=wishes.tax_year, account_ids=frozenset(own))
        for columns in result.households
        if own.intersection(columns.book.accounts)
    )
    paid_out = unreported_closings(inputs.actions)
    told = wishes.forms.reporting
    forms = tuple(
        form_columns_of(columns, tax_year=wishes.tax_year, reporting=told, distributions=paid_out)
        for columns in selected
    )
    in_whole_dollars = wishes.forms.in_whole_dollars
    filing = Filing(
        wishes.tax_year, wishes.filing_status, inputs.carryover, taxable_income, in_whole_dollars=in_whole_dollars
    )
    totals = added(form.totals(in_whole_dollars=in_whole_dollars) for form in forms)
    schedule = schedule_of(totals, filing, watermark=WATERMARKS[mode])
    problems = (*inputs.problems, *passed_over, *(_in_file(problem, inputs) for problem in result.problems))
    return TaxReport(taxpayer, mode, result, forms, schedule, problems, in_whole_dollars=in_whole_dollars)


def _account_ids(fills: Sequence[Fill]) -> Iterable[str]:
    return fills.account_ids if isinstance(fills, FillTable) else [fill.account_id for fill in fills]


def _in_file(problem: Problem, inputs: TaxInputs) -> Problem:
    """A problem of a corporate action with the file and the row that the action stands in."""
    place = inputs.action_rows.get(problem.where)
    return problem if place is None else replace(problem, where=place[0], row=place[1], column="symbol")


def read_inputs(files: TaxFiles, *, tax_year: int) -> TaxInputs:
    """What all files say; accounts that cannot be read leave out what was traded in them."""
    inputs = TaxInputs(where=files.fills.name)
    today = WallClock().now().astimezone(_NEW_YORK).date()
    of_fills = read_fills(files.fills, today=today)
    inputs.fills, inputs.left_out = of_fills.fills, of_fills.left_out
    inputs.problems += of_fills.problems
    if files.accounts is not None:
        of_accounts = tax_files.read_accounts(files.accounts)
        inputs.accounts, inputs.methods = of_accounts.accounts, of_accounts.methods
        inputs.problems += of_accounts.problems
        if of_accounts.left_out:
            inputs.left_out |= {fill.symbol for fill in inputs.fills if fill.account_id in of_accounts.left_out}
    if files.corporate_actions is not None:
        of_actions = tax_files.read_corporate_actions(files.corporate_actions)
        inputs.actions = of_actions.actions
        inputs.problems += of_actions.problems
        inputs.action_rows = {name: (files.corporate_actions.name, row) for name, row in of_actions.rows.items()}
        inputs.left_out |= of_actions.left_out
    if files.opening_lots is not None:
        of_lots = tax_files.read_opening_lots(files.opening_lots)
        inputs.opening_lots = of_lots.lots
        inputs.problems += of_lots.problems
        inputs.left_out |= of_lots.left_out
    if files.identity is not None:
        inputs.identity, problems = tax_files.read_identity(files.identity)
        inputs.problems += problems
    if files.carryover is not None:
        inputs.carryover, problems = tax_files.read_carryover(files.carryover, tax_year=tax_year)
        inputs.problems += problems
    return inputs


def _taxpayer(named: str | None, accounts: Sequence[Account]) -> str:
    owners = taxpayers(accounts)
    everyone = list(dict.fromkeys([*owners, *(account.owner for account in accounts)]))
    if named is None and len(owners) > 1:
        raise ConfigurationError(f"--taxpayer: expected one of {', '.join(owners)}, found several owners and no choice")
    if named is not None and accounts and named not in everyone:
        raise ConfigurationError(f"--taxpayer: expected one of {', '.join(everyone)}, found {named!r}")
    return named or (owners[0] if owners else DEFAULT_OWNER)


def _accounts_on_the_form(accounts: Sequence[Account], taxpayer: str) -> tuple[Mode, set[str], list[Problem]]:
    """The mode of the forms, the accounts on them, and a warning for those of another mode."""
    owned = [account for account in accounts if account.owner == taxpayer]
    mode = next((mode for mode in _MODES if any(account.mode is mode for account in owned)), Mode.LIVE)
    others = [account for account in owned if account.mode is not mode]
    warnings = [
        Problem(
            where=f"account {account.account_id}",
            column="mode",
            expected=f"{mode}, as the accounts on the forms are",
            found=f"{account.mode}, so its gains are left off",
            severity="warning",
        )
        for account in others
    ]
    return mode, {account.account_id for account in owned if account.mode is mode}, warnings


def policies_of(wishes: Iterable[str]) -> Policies:
    """The defaults with each ``NAME=VALUE`` changed; raises ConfigurationError for what is not a setting."""
    policies = Policies()
    for wish in wishes:
        name, _, value = wish.partition("=")
        current: dict[str, StrEnum] = {setting.name: getattr(policies, setting.name) for setting in fields(policies)}
        if name not in current:
            raise ConfigurationError(f"--policy: expected one of {', '.join(current)}, found {name!r}")
        choices = [str(choice) for choice in type(current[name])]
        if value not in choices:
            raise ConfigurationError(f"--policy {name}: expected {' or '.join(choices)}, found {value!r}")
        changed: dict[str, Any] = {name: type(current[name])(value)}
        policies = replace(policies, **changed)
    return policies


def _taxable_income(text: str | None) -> Decimal | None:
    try:
        return None if text is None else a_decimal(text)
    except ValueError as error:
        raise ConfigurationError(f"--taxable-income: expected a number, found {text!r}") from error


def _write(report: TaxReport, out: Path) -> None:
    """The five files of the result."""
    out.mkdir(parents=True, exist_ok=True)
    _write_table(out / "gains.csv", tables.GAIN_COLUMNS, map(gains_columns, report.selected))
    _write_table(out / "wash_sales.csv", tables.WASH_SALE_COLUMNS, map(wash_sales_columns, report.selected))
    _write_table(out / "lots.csv", tables.LOT_COLUMNS, map(lots_columns, report.result.households))
    mark = report.schedule.watermark
    form = partial(form_8949_columns_of, in_whole_dollars=report.in_whole_dollars, watermark=mark)
    header = tables.form_8949_columns(with_watermark=mark is not None)
    _write_table(out / "form_8949.csv", header, map(form, report.forms))
    schedule = {
        "taxpayer": report.taxpayer,
        "mode": str(report.mode),
        **report.schedule.to_dict(),
        "policies": dict(report.result.policies.described()),
        "left_out": list(report.result.left_out),
    }
    (out / "schedule_d.json").write_text(json.dumps(schedule, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_table(path: Path, columns: Sequence[str], tables_of: Iterable["pa.Table"]) -> None:
    """Write tables below one header, as fast as a library can."""
    import polars as pl

    with path.open("wb") as file:
        file.write((",".join(columns) + "\n").encode())
        for table in tables_of:
            # Part by part, so that long tables are not in memory twice.
            for start in range(0, len(table), _ROWS_AT_ONCE):
                frame = pl.from_arrow(table.slice(start, _ROWS_AT_ONCE))
                if isinstance(frame, pl.DataFrame):
                    frame.write_csv(file, include_header=False)
