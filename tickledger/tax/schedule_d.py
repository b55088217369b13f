"""Schedule D (Form 1040), Capital Gains and Losses: lines 1a to 21 from the rows of Form 8949, and the carryover.

Instructions for Schedule D (2025); lines keep their numbers since 2013. Amounts are USD to the cent; lines 6,
14 and 21 are printed inside parentheses on the form and are positive numbers here. Lines 4, 5, 11, 12, 13, 18
and 19 come from forms that nothing here knows of and count as blank.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tickledger.domain.account import Mode
from tickledger.domain.money import CENT, round_cents
from tickledger.tax.form_8949 import WATERMARKS, FormLine
from tickledger.tax.whole_dollars import line_in_dollars, nearest_dollar

ZERO: Final = Decimal("0.00")

#: Which line of Schedule D the rows of a box are totalled on; rows entered directly go to 1a and 8a.
_LINE_OF_BOX: Final[Mapping[str, str]] = dict(
    zip("ABCGHIDEFJKL", ("1b", "2", "3", "1b", "2", "3", "8b", "9", "10", "8b", "9", "10"), strict=True)
)
#: Of short-term and of long-term boxes.
_DIRECT_LINE: Final = ("1a", "8a")
_ASSUMED_INCOME: Final = "taxable income (Form 1040, line 15) is not below zero"
SHORT_LINES: Final = ("1a", "1b", "2", "3")
LONG_LINES: Final = ("8a", "8b", "9", "10")


class FilingStatus(StrEnum):
    """What the yearly limit on a deductible loss depends on (IRC 1211(b))."""

    MARRIED_SEPARATELY = "married_separately"
    OTHER = "other"


LOSS_LIMIT: Final[Mapping[FilingStatus, Decimal]] = {
    FilingStatus.MARRIED_SEPARATELY: Decimal("1500.00"),
    FilingStatus.OTHER: Decimal("3000.00"),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a totals line: (d) proceeds, (e) basis, (g) adjustment, (h) gain or loss."""

    proceeds: Decimal = ZERO
    basis: Decimal = ZERO
    adjustment: Decimal = ZERO
    gain_loss: Decimal = ZERO

    def plus(self, other: "Columns") -> "Columns":
        """Both added up."""
        return Columns(
            proceeds=self.proceeds + other.proceeds,
            basis=self.basis + other.basis,
            adjustment=self.adjustment + other.adjustment,
            gain_loss=self.gain_loss + other.gain_loss,
        )


#: What rows add up to, by box and whether they may go straight to Schedule D.
Totals = Mapping[tuple[str, bool], Columns]


@dataclass(frozen=True, slots=True)
class Carryover:
    """Losses carried to the next year, positive, by their character (IRC 1212(b))."""

    short_term: Decimal = ZERO
    long_term: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Filing:
    """What a schedule rests on beside the rows; see `schedule_d`."""

    tax_year: int
    filing_status: FilingStatus = FilingStatus.OTHER
    carryover: Carryover = field(default_factory=Carryover)
    taxable_income: Decimal | None = None
    in_whole_dollars: bool = False


@dataclass(frozen=True, slots=True)
class ScheduleD:
    """The schedule of one taxpayer for one year.

    `lines` holds the totals lines 1a–3 and 8a–10; `results` the single amounts of lines 6, 7, 14, 15, 16 and
    21. `carryover` goes to the next year; `assumptions` say what it rests on; `line_ids` are the form rows.
    """

    tax_year: int
    lines: Mapping[str, Columns]
    results: Mapping[str, Decimal]
    carryover: Carryover
    watermark: str | None
    line_ids: tuple[str, ...]
    assumptions: tuple[str, ...] = field(default=())

    @property
    def questions(self) -> Mapping[str, bool | None]:
        """The answers to the questions on the form: None where it is skipped, or no sale tells the answer.

        Line 17 asks whether lines 15 and 16 are both gains and is reached only where line 16 is one. Qualified
        opportunity funds, collectibles, Form 4952 and dividends (top, lines 20 and 22) are the taxpayer's to know.
        """
        is_gain = self.results["16"] > 0
        return {"qof": None, "17": self.results["15"] > 0 if is_gain else None, "20": None, "22": None}

    def to_dict(self) -> dict[str, object]:
        """The schedule as JSON-ready data; amounts are numbers with at most two decimals."""
        lines: dict[str, object] = {
            name: {
                "d": float(line.proceeds),
                "e": float(line.basis),
                "g": float(line.adjustment),
                "h": float(line.gain_loss),
            }
            for name, line in self.lines.items()
        }
        lines |= {name: float(amount) for name, amount in self.results.items()}
        return {
            "tax_year": self.tax_year,
            "watermark": self.watermark,
            "lines": dict(sorted(lines.items(), key=lambda item: _line_order(item[0]))),
            "questions": dict(self.questions),
            "carryover": {
                "to_year": self.tax_year + 1,
                "short_term": float(self.carryover.short_term),
                "long_term": float(self.carryover.long_term),
            },
            "assumptions": list(self.assumptions),
        }


def _line_order(name: str) -> tuple[int, str]:
    digits = name.rstrip("ab")
    return int(digits), name


def schedule_d(
    lines: Iterable[FormLine],
    *,
    tax_year: int,
    carryover: Carryover | None = None,
    filing_status: FilingStatus = FilingStatus.OTHER,
    taxable_income: Decimal | None = None,
    mode: Mode | None = None,
    in_whole_dollars: bool = False,
) -> ScheduleD:
    """The Schedule D that the rows of `tax_year` add up to.

    `carryover` is what the year before left. `taxable_income` (Form 1040, line 15, negative where deductions
    exceed income) decides how much of a loss is used up; it is taken as not below zero where unknown.
    `mode` is needed where there may be no rows to carry the watermark; rows of two modes raise ValueError.
    `lines` are to the cent also where the schedule is `in_whole_dollars`.
    """
    rows = [line for line in lines if line.tax_year == tax_year]
    return schedule_of(
        totals_of(rows, in_whole_dollars=in_whole_dollars),
        Filing(tax_year, filing_status, carryover or Carryover(), taxable_income, in_whole_dollars=in_whole_dollars),
        watermark=_watermark(rows, mode),
        line_ids=tuple(row.line_id for row in rows),
    )


def schedule_of(totals: Totals, filing: Filing, *, watermark: str | None, line_ids: tuple[str, ...] = ()) -> ScheduleD:
    """The Schedule D of what the rows of each box add up to; `line_ids` are the rows, where they are told."""
    rounded = nearest_dollar if filing.in_whole_dollars else round_cents
    carried = Carryover(rounded(filing.carryover.short_term), rounded(filing.carryover.long_term))
    lines = {name: Columns() for name in (*SHORT_LINES, *LONG_LINES)}
    for (box, is_direct), total in totals.items():
        name = _LINE_OF_BOX[box]
        name = _DIRECT_LINE[name in LONG_LINES] if is_direct else name
        lines[name] = lines[name].plus(total)
    if filing.in_whole_dollars:
        # Lines 1a and 8a add up cents and round the total (instructions, p. 9); the others add up rounded rows.
        lines = {name: _in_dollars(line) for name, line in lines.items()}
    results = {name: rounded(amount) for name, amount in _results(lines, carried, filing.filing_status).items()}
    # Line 15 of Form 1040 already has the loss of line 21 taken off, so zero uses all of it.
    income = rounded(ZERO if filing.taxable_income is None else filing.taxable_income)
    return ScheduleD(
        tax_year=filing.tax_year,
        lines=lines,
        results=results,
        carryover=carryover_worksheet(results, taxable_income=income),
        watermark=watermark,
        line_ids=line_ids,
        assumptions=(_ASSUMED_INCOME,) if filing.taxable_income is None and results["21"] else (),
    )


def totals_of(rows: Iterable[FormLine], *, in_whole_dollars: bool = False) -> Totals:
    """What the rows of each box add up to, rounded before where they are on the form and that is in whole dollars."""
    totals: defaultdict[tuple[str, bool], Columns] = defaultdict(Columns)
    for row in rows:
        line = line_in_dollars(row) if in_whole_dollars and not row.direct_entry else row
        key = row.box, row.direct_entry
        totals[key] = totals[key].plus(Columns(line.proceeds, line.basis, line.adjustment, line.gain_loss))
    return totals


def added(several: Iterable[Totals]) -> Totals:
    """The totals of several households' rows together."""
    totals: defaultdict[tuple[str, bool], Columns] = defaultdict(Columns)
    for of_one in several:
        for key, columns in of_one.items():
            totals[key] = totals[key].plus(columns)
    return totals


def _watermark(rows: Sequence[FormLine], mode: Mode | None) -> str | None:
    found = {row.watermark for row in rows} | ({WATERMARKS[mode]} if mode else set())
    if len(found) > 1:
        raise ValueError(f"expected the rows of accounts of one mode, found {sorted(map(str, found))}")
    return found.pop() if found else None


def _in_dollars(line: Columns) -> Columns:
    proceeds, basis, adjustment = (nearest_dollar(of) for of in (line.proceeds, line.basis, line.adjustment))
    return Columns(proceeds, basis, adjustment, proceeds - basis + adjustment)


def _results(totals: Mapping[str, Columns], carried: Carryover, status: FilingStatus) -> dict[str, Decimal]:
    short = sum((totals[name].gain_loss for name in SHORT_LINES), ZERO) - carried.short_term
    long = sum((totals[name].gain_loss for name in LONG_LINES), ZERO) - carried.long_term
    net = short + long
    return {
        "6": carried.short_term,
        "7": short,
        "14": carried.long_term,
        "15": long,
        "16": net,
        "21": min(-net, LOSS_LIMIT[status]) if net < 0 else ZERO,
    }


def carryover_worksheet(results: Mapping[str, Decimal], *, taxable_income: Decimal) -> Carryover:
    """The Capital Loss Carryover Worksheet (Pub. 550, Worksheet 4-1; the lines keep the worksheet's numbers).

    `results` are lines 7, 15 and 21 of Schedule D; `taxable_income` is Form 1040, line 15.
    """
    line_2 = results["21"]
    line_3 = max(taxable_income + line_2, ZERO)
    line_4 = min(line_2, line_3)
    line_5 = max(-results["7"], ZERO)
    line_6 = max(results["15"], ZERO)
    line_9 = max(-results["15"], ZERO)
    line_10 = max(results["7"], ZERO)
    line_11 = max(line_4 - line_5, ZERO)
    return Carryover(
        short_term=max(line_5 - (line_4 + line_6), ZERO).quantize(CENT),
        long_term=max(line_9 - (line_10 + line_11), ZERO).quantize(CENT),
    )
