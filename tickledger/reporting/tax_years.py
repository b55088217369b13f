"""The forms of tax years: for each taxpayer and mode, with losses carried over from the years before.

Simulated and paper accounts never share a form with live ones; the forms of accounts that are not live carry a
watermark.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tickledger.domain.account import Account, Mode
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.lot import RealizedGain
from tickledger.reporting.table import Table
from tickledger.reporting.tax_tables import form_8949_table
from tickledger.tax.distributions import unreported_closings
from tickledger.tax.form_8949 import FormLine, form_lines
from tickledger.tax.schedule_d import Carryover, FilingStatus, ScheduleD, schedule_d


@dataclass(frozen=True, slots=True)
class TaxForms:
    """Form 8949 and Schedule D of one taxpayer, mode and year."""

    taxpayer: str
    mode: Mode
    tax_year: int
    lines: tuple[FormLine, ...]
    schedule: ScheduleD


def tax_forms(
    gains: Sequence[RealizedGain],
    accounts: Iterable[Account],
    *,
    years: Collection[int],
    corporate_actions: Iterable[CorporateAction] = (),
    filing_status: FilingStatus = FilingStatus.OTHER,
    carried_into: Mapping[int, Carryover] | None = None,
) -> list[TaxForms]:
    """The forms of `years`, from every gain there is: what earlier years carried over must be known.

    `accounts` say whose a gain is and whether its money is real; gains of other accounts are left out.
    `corporate_actions` tell which gains no broker's form tells of. `carried_into` has the carryovers into a year that
    are known from a return; they take the place of what the years before leave.
    """
    unreported = unreported_closings(corporate_actions)
    by_owner = {account.account_id: (account.owner, account.mode) for account in accounts}
    return [
        forms
        for owner, mode in sorted(set(by_owner.values()))
        for forms in _forms_of(
            [gain for gain in gains if by_owner.get(gain.account_id) == (owner, mode)],
            owner=owner,
            mode=mode,
            years=years,
            unreported=unreported,
            filing_status=filing_status,
            carried_into=carried_into or {},
        )
    ]


def _forms_of(
    gains: Sequence[RealizedGain],
    *,
    owner: str,
    mode: Mode,
    years: Collection[int],
    unreported: Collection[str],
    filing_status: FilingStatus,
    carried_into: Mapping[int, Carryover],
) -> Iterable[TaxForms]:
    first = min((gain.tax_year for gain in gains), default=min(years))
    carried: Carryover | None = None
    for year in range(min([first, *years]), max(years) + 1):
        of_year = [gain for gain in gains if gain.tax_year == year]
        lines = form_lines(of_year, tax_year=year, mode=mode, distributions=unreported)
        carried = carried_into.get(year, carried)
        schedule = schedule_d(lines, tax_year=year, carryover=carried, filing_status=filing_status, mode=mode)
        carried = schedule.carryover
        if year in years:
            yield TaxForms(taxpayer=owner, mode=mode, tax_year=year, lines=tuple(lines), schedule=schedule)


def all_lines(forms: Iterable[TaxForms]) -> list[FormLine]:
    """The lines of all forms, in their order."""
    return [line for form in forms for line in form.lines]


def placed(name: str, forms: Sequence[TaxForms]) -> dict[str, TaxForms]:
    """Where each form's file `name` goes: a folder for each year and taxpayer, and one copy at the top.

    At the top is what a person looks for first: live before simulated, then the newest year.
    """
    files = {f"{form.tax_year}/{form.taxpayer}-{form.mode}/{name}": form for form in forms}
    if forms:
        files[name] = max(forms, key=lambda form: (form.mode is Mode.LIVE, form.tax_year))
    return files


def form_8949_tables(forms: Sequence[TaxForms]) -> dict[str, Table]:
    """Form 8949 as CSV tables by file name."""
    return {file: form_8949_table(form.lines) for file, form in placed("form_8949.csv", forms).items()}


def schedule_d_documents(forms: Sequence[TaxForms]) -> dict[str, Mapping[str, object]]:
    """Schedule D as JSON documents by file name."""
    return {file: form.schedule.to_dict() for file, form in placed("schedule_d.json", forms).items()}
