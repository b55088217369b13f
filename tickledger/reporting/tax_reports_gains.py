"""Realized gains of a year: every row, sums by term, symbol and account, and how they tie to the forms.

The rows are those of gains.csv. What does not tie to Form 8949 and Schedule D to the cent stops the report.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tickledger.domain.errors import LedgerError
from tickledger.domain.lot import RealizedGain, Term
from tickledger.reporting import tax_reports as r
from tickledger.reporting.tax_reports import ColumnKind, Report, ReportKind, Section
from tickledger.reporting.tax_reports_basis import ReportBasis
from tickledger.reporting.tax_years import TaxForms

TERM_WORDS: Final = {Term.SHORT: "short-term", Term.LONG: "long-term"}
_ZERO: Final = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class GainSum:
    """What the gains under one name add up to, USD."""

    name: str
    gains: tuple[RealizedGain, ...]

    def total(self, of: str) -> Decimal:
        """The sum of one field of the gains."""
        return sum((getattr(gain, of) for gain in self.gains), _ZERO)

    def of_term(self, term: Term) -> Decimal:
        """The gain of one term."""
        return sum((gain.gain_loss for gain in self.gains if gain.term is term), _ZERO)


def summed(gains: Iterable[RealizedGain], by: Callable[[RealizedGain], str]) -> list[GainSum]:
    """The gains by what `by` calls them, in the order of the names."""
    groups: defaultdict[str, list[RealizedGain]] = defaultdict(list)
    for gain in gains:
        groups[by(gain)].append(gain)
    return [GainSum(name, tuple(of_one)) for name, of_one in sorted(groups.items())]


def gains_report(basis: ReportBasis) -> Report:
    """The report of `basis.tax_year`; raises LedgerError where it does not tie to the forms."""
    gains = basis.gains
    forms = basis.forms([basis.tax_year])
    sums = (
        _sums("gains_by_term", "Gains by term", "Term", summed(gains, lambda gain: TERM_WORDS[gain.term])),
        _sums("gains_by_symbol", "Gains by symbol", "Symbol", summed(gains, lambda gain: gain.symbol)),
        _sums("gains_by_account", "Gains by account", "Account", summed(gains, lambda gain: gain.account_id)),
    )
    return Report(
        ReportKind.GAINS,
        f"Realized gains {basis.tax_year}",
        (_rows(gains), *sums, tie(gains, forms)),
        notes=tuple(_notes(gains)),
    )


def _rows(gains: Sequence[RealizedGain]) -> Section:
    return r.table(
        "gains",
        "Gains",
        gains,
        [
            (r.text("symbol", "Symbol"), lambda gain: gain.symbol),
            (r.text("account", "Account"), lambda gain: gain.account_id),
            (r.number("quantity", "Shares"), lambda gain: gain.quantity),
            (r.day("acquired_date", "Acquired"), lambda gain: gain.acquired_date),
            (r.day("holding_start", "Held since"), lambda gain: gain.holding_start),
            (r.day("sold_date", "Sold"), lambda gain: gain.sold_date),
            (r.text("term", "Term"), lambda gain: gain.term),
            (r.money("proceeds", "Proceeds"), lambda gain: gain.proceeds),
            (r.money("basis", "Basis"), lambda gain: gain.basis),
            (r.text("adjustment_code", "Code"), lambda gain: gain.adjustment_code),
            (r.money("disallowed_loss", "Disallowed"), lambda gain: gain.disallowed_loss),
            (r.money("gain_loss", "Gain or loss"), lambda gain: gain.gain_loss),
            (r.money("permanently_disallowed", "Lost for good"), lambda gain: gain.permanently_disallowed),
            (r.day("open_until", "Open until"), lambda gain: gain.open_until_date),
            (r.text("policies", "Policies"), lambda gain: " ".join(gain.policies)),
            (r.detail("close_execution_id", "Closed by"), lambda gain: gain.close_execution_id),
            (r.detail("open_execution_id", "Opened by"), lambda gain: gain.open_execution_id),
            (r.detail("gain_id", "Gain"), lambda gain: gain.gain_id),
        ],
    )


def _sums(name: str, title: str, key: str, rows: Sequence[GainSum]) -> Section:
    return r.table(
        name,
        title,
        rows,
        [
            (r.text(key.lower(), key), lambda row: row.name),
            (r.Column("rows", "Rows", ColumnKind.INTEGER, is_summed=True), lambda row: len(row.gains)),
            (r.money("proceeds", "Proceeds"), lambda row: row.total("proceeds")),
            (r.money("basis", "Basis"), lambda row: row.total("basis")),
            (r.money("disallowed_loss", "Disallowed"), lambda row: row.total("disallowed_loss")),
            (r.money("short_term", "Short-term"), lambda row: row.of_term(Term.SHORT)),
            (r.money("long_term", "Long-term"), lambda row: row.of_term(Term.LONG)),
            (r.money("gain_loss", "Gain or loss"), lambda row: row.total("gain_loss")),
        ],
    )


@dataclass(frozen=True, slots=True)
class _Tie:
    what: str
    of_gains: Decimal
    of_form_8949: Decimal
    of_schedule_d: Decimal

    @property
    def difference(self) -> Decimal:
        return max(abs(self.of_gains - self.of_form_8949), abs(self.of_gains - self.of_schedule_d))


#: Lines 7 and 15 of Schedule D less the carryovers of lines 6 and 14, which no row of Form 8949 is behind.
_RESULT: Final = {Term.SHORT: ("7", "6"), Term.LONG: ("15", "14")}
_PARTS: Final = {Term.SHORT: "I", Term.LONG: "II"}


def tie(gains: Sequence[RealizedGain], forms: Sequence[TaxForms]) -> Section:
    """Gains, Form 8949 and Schedule D side by side; raises LedgerError where they differ by a cent."""
    ties = [_tie(term, gains, forms) for term in Term]
    wrong = [of_term for of_term in ties if of_term.difference]
    if wrong:
        raise LedgerError(
            f"expected gains, Form 8949 and Schedule D to agree, found {wrong[0].what}: {wrong[0].of_gains}, "
            f"{wrong[0].of_form_8949} and {wrong[0].of_schedule_d}"
        )
    return r.table(
        "gains_tie",
        "Tie to the forms",
        ties,
        [
            (r.text("term", "Term"), lambda row: row.what),
            (r.money("of_gains", "Gains"), lambda row: row.of_gains),
            (r.money("of_form_8949", "Form 8949 (h)"), lambda row: row.of_form_8949),
            (r.money("of_schedule_d", "Schedule D"), lambda row: row.of_schedule_d),
            (r.money("difference", "Difference"), lambda row: row.difference),
        ],
        notes=("Schedule D is line 7 with line 6 added back, and line 15 with line 14: carryovers have no rows.",),
    )


def _tie(term: Term, gains: Iterable[RealizedGain], forms: Sequence[TaxForms]) -> _Tie:
    result, carried = _RESULT[term]
    lines = (line for form in forms for line in form.lines if line.part == _PARTS[term])
    schedules = (form.schedule.results for form in forms)
    return _Tie(
        TERM_WORDS[term],
        sum((gain.gain_loss for gain in gains if gain.term is term), _ZERO),
        sum((line.gain_loss for line in lines), _ZERO),
        sum((results[result] + results[carried] for results in schedules), _ZERO),
    )


def _notes(gains: Sequence[RealizedGain]) -> Iterable[str]:
    yield "Gain or loss = proceeds - basis + disallowed loss."
    last = max((gain.open_until_date for gain in gains if gain.open_until_date), default=None)
    if last is not None:
        yield f"Losses with a date under 'Open until' can still be disallowed by purchases, the last until {last}."
