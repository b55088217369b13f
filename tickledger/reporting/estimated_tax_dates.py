"""When estimated tax is due: the dates of IRC 6654(c), moved to the next business day (IRC 7503).

Legal holidays are those of the District of Columbia (IRC 7503; Reg. 301.7503-1(b)): the federal ones and, in April,
Emancipation Day (D.C. Code 28-2701), which has moved the 15th several times.
"""

from datetime import date, timedelta
from typing import Final

_SATURDAY, _SUNDAY, _MONDAY = 5, 6, 0
_DATES: Final = ((0, 4, 15), (0, 6, 15), (0, 9, 15), (1, 1, 15))
_JANUARY, _THIRD = 1, 3
_PERIOD_ENDS: Final = ((3, 31), (5, 31), (8, 31), (12, 31))


def due_dates(tax_year: int) -> tuple[date, date, date, date]:
    """The four due dates of a calendar year's estimated tax."""
    first, second, third, fourth = (
        next_business_day(date(tax_year + later, month, day)) for later, month, day in _DATES
    )
    return first, second, third, fourth


def period_ends(tax_year: int) -> tuple[date, date, date, date]:
    """The ends of the periods that the annualized income method looks at (Form 2210, Schedule AI)."""
    first, second, third, fourth = (date(tax_year, month, day) for month, day in _PERIOD_ENDS)
    return first, second, third, fourth


def next_business_day(day: date) -> date:
    """The day, or the next that is neither on a weekend nor a legal holiday."""
    while day.weekday() >= _SATURDAY or is_legal_holiday(day):
        day += timedelta(days=1)
    return day


def is_legal_holiday(day: date) -> bool:
    """Whether a day near a due date is a legal holiday: Martin Luther King's birthday, or Emancipation Day.

    No other holiday falls on the 15th of January, April, June or September, or on the days that follow it until one
    is a business day, but Juneteenth (19 June), which these never reach.
    """
    return day in {_king_day(day.year), _observed(date(day.year, 4, 16))}


def _king_day(year: int) -> date:
    """The third Monday in January (5 U.S.C. 6103)."""
    first = date(year, _JANUARY, 1)
    return first + timedelta(days=(_MONDAY - first.weekday()) % 7 + 7 * (_THIRD - 1))


def _observed(holiday: date) -> date:
    """A Saturday's holiday is observed on the Friday before, a Sunday's on the Monday after."""
    return holiday + timedelta(days={_SATURDAY: -1, _SUNDAY: 1}.get(holiday.weekday(), 0))
