"""Exact products and quotients of money and shares.

Python's integers need no care but to be Python's, and not an array's. Where the kernel is compiled, `wide` takes the
place of the functions whose products leave 64 bits.
"""

from typing import Final

from tickledger.tax.cents import CENT_UNITS

_HALF_CENT: Final = CENT_UNITS // 2
_DAYS_PER_YEAR: Final = 365


def mul_div(amount: int, part: int, whole: int) -> int:
    """`amount` × `part` / `whole`, rounded down; `part` ≥ 0, `whole` > 0, the result within the range of `amount`."""
    return int(amount) * int(part) // int(whole)


def is_product_greater(a: int, b: int, c: int, d: int) -> bool:
    """Whether a × b > c × d; b and d ≥ 0."""
    return int(a) * int(b) > int(c) * int(d)


def mul_rest(amount: int, part: int, whole: int) -> int:
    """What `mul_div` leaves over, 0 ≤ rest < `whole`; right also where the products wrap around in 64 bits."""
    return int(amount) * int(part) - int(mul_div(amount, part, whole)) * int(whole)


def nearest_cent(units: int) -> int:
    """Money units in whole cents, halves away from zero."""
    return (units + _HALF_CENT) // CENT_UNITS if units >= 0 else -((_HALF_CENT - units) // CENT_UNITS)


def is_leap(year: int) -> bool:
    """Whether the year has a 29 February."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_before_year(year: int) -> int:
    """The ordinal of 31 December of the year before."""
    before = year - 1
    return before * _DAYS_PER_YEAR + before // 4 - before // 100 + before // 400


def year_of(ordinal: int) -> int:
    """The year of a date."""
    year = (ordinal - 1) * 400 // 146097 + 1
    while days_before_year(year + 1) < ordinal:
        year += 1
    while days_before_year(year) >= ordinal:
        year -= 1
    return year


def long_term_from(holding_start: int) -> int:
    """As `holding_period.long_term_from`: the same day a year after the day after, 1 March for 29 February."""
    counted_from = holding_start + 1
    year = year_of(counted_from)
    day = counted_from - days_before_year(year)  # 1 for 1 January, 60 for 29 February or 1 March
    first_of_march = 61 if is_leap(year) else 60
    later = day
    if day >= first_of_march:
        later = day - first_of_march + (61 if is_leap(year + 1) else 60)
    return days_before_year(year + 1) + later
