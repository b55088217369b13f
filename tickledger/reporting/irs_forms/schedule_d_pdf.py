"""Schedule D (Form 1040) filled in, as far as the sales tell it."""

from typing import Final

from tickledger.reporting.irs_forms.amounts import amount_text
from tickledger.reporting.irs_forms.blank_forms import blank_form
from tickledger.reporting.irs_forms.filled_form import Entries, FilledForm
from tickledger.reporting.irs_forms.form_8949_pdf import Head
from tickledger.reporting.irs_forms.overlay import Overlay
from tickledger.tax.form_layouts import (
    PRINTED_PARENTHESES,
    SCHEDULE_D_AMOUNTS,
    SCHEDULE_D_QUESTIONS,
    SCHEDULE_D_TOTALS,
    FormLayout,
    Place,
)
from tickledger.tax.schedule_d import LONG_LINES, SHORT_LINES, Columns, ScheduleD

_FORM: Final = "f1040sd"
_DIRECT_LINES: Final = frozenset(("1a", "8a"))
#: What each net amount adds up; where all of that is blank, so is it.
_ADDED_UP: Final = {"7": (*SHORT_LINES, "6"), "15": (*LONG_LINES, "14")}


def schedule_d_pdf(schedule: ScheduleD, *, layout: FormLayout, head: Head, overlay: Overlay) -> bytes:
    """The schedule; what no sale tells is left blank: `unanswered` says what that is."""
    form = FilledForm(blank_form(_FORM, layout.year), overlay)
    texts = _totals(schedule) | _amounts(schedule)
    checked = {
        (*place, 0 if answer else 1)
        for question, place in SCHEDULE_D_QUESTIONS.items()
        if (answer := schedule.questions[question]) is not None
    }
    for number in range(1, len(form.blank.pages) + 1):
        on_page = {place[1]: text for place, text in texts.items() if place[0] == number}
        heading = head.texts() if number == 1 else {}
        boxes = frozenset((group, index) for page, group, index in checked if page == number)
        form.add_page(number, Entries(heading | on_page, boxes))
    return form.content(title=f"Schedule D (Form 1040) ({layout.year})")


def unanswered(schedule: ScheduleD) -> tuple[str, ...]:
    """What is left blank though the form asks for it, because no sale tells it."""
    net = schedule.results["16"]
    remarks = [
        "The question on qualified opportunity funds above Part I",
        "Lines 4, 5, 11, 12 and 13, which come from other forms; an entry there changes lines 7, 15, 16 and on",
    ]
    if schedule.questions["17"]:
        remarks.append("Lines 18, 19 and 20 (collectibles, section 1250 gain, Form 4952), and line 22 after a No there")
    else:
        remarks.append("Line 22 (qualified dividends)")
    if net < 0 and schedule.assumptions:
        remarks.append(f"The carryover worksheet assumes that {'; '.join(schedule.assumptions)}")
    return tuple(remarks)


def _totals(schedule: ScheduleD) -> dict[Place, str]:
    texts: dict[Place, str] = {}
    for line, (page, first) in SCHEDULE_D_TOTALS.items():
        columns = schedule.lines[line]
        if columns != Columns():
            # Nothing may be adjusted on lines 1a and 8a: (g) is shaded.
            adjustment = "" if line in _DIRECT_LINES or not columns.adjustment else amount_text(columns.adjustment)
            amounts = (amount_text(columns.proceeds), amount_text(columns.basis))
            entries = (*amounts, adjustment, amount_text(columns.gain_loss))
            texts |= {(page, first + offset): text for offset, text in enumerate(entries)}
    return texts


def _amounts(schedule: ScheduleD) -> dict[Place, str]:
    return {
        place: amount_text(schedule.results[line])
        for line, place in SCHEDULE_D_AMOUNTS.items()
        if _has_entry(schedule, line)
    }


def _has_entry(schedule: ScheduleD, line: str) -> bool:
    if line in PRINTED_PARENTHESES:
        return bool(schedule.results[line])
    added_up = _ADDED_UP.get(line)
    if added_up is None:
        return True
    return any(
        schedule.results[name] if name in schedule.results else schedule.lines[name] != Columns() for name in added_up
    )
