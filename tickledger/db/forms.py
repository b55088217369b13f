"""The forms of several taxpayers, modes and years at once; each is a scope of its own in `tickledger.db.reports`."""

from collections.abc import Iterable

from sqlalchemy import Engine

from tickledger.db.reports import replace_form_lines, replace_schedule_d
from tickledger.db.versions import ReplaceResult
from tickledger.reporting.tax_years import TaxForms


def replace_forms(engine: Engine, forms: Iterable[TaxForms]) -> ReplaceResult:
    """Make the lines of `forms` the Form 8949 of their taxpayers, modes and years; what changed in all of them."""
    return _total(
        replace_form_lines(engine, form.lines, taxpayer=form.taxpayer, mode=form.mode, tax_year=form.tax_year)
        for form in forms
    )


def replace_schedules(engine: Engine, forms: Iterable[TaxForms]) -> ReplaceResult:
    """Make the schedules of `forms` the Schedule D of their taxpayers, modes and years; what changed in all."""
    return _total(
        replace_schedule_d(engine, form.schedule, taxpayer=form.taxpayer, mode=form.mode, tax_year=form.tax_year)
        for form in forms
    )


def _total(results: Iterable[ReplaceResult]) -> ReplaceResult:
    parts = list(results)
    return ReplaceResult(
        inserted=sum(part.inserted for part in parts),
        unchanged=sum(part.unchanged for part in parts),
        superseded=sum(part.superseded for part in parts),
    )
