"""How long a lot was held: IRC 1222, 1223(3); Pub. 550, p. 81; Rev. Rul. 66-7.

The count starts on the day after the trade date and includes the day of sale; long-term is more than one year.
Dates are passed as ordinals (`date.toordinal`) because days are added and taken away all the time.
"""

from datetime import date
from functools import lru_cache
from typing import Final

from tickledger.domain.lot import Term
from tickledger.tax.policies import OverlappingDays

_DATES_REMEMBERED: Final = 1 << 16


@lru_cache(maxsize=_DATES_REMEMBERED)
def long_term_from(holding_start: int) -> int:
    """The first day whose sale is long-term: one day and one year after `holding_start`.

    A year after 29 February ends with 28 February, so the sale is long-term from 1 March.
    """
    counted_from = date.fromordinal(holding_start + 1)
    try:
        return counted_from.replace(year=counted_from.year + 1).toordinal()
    except ValueError:
        return date(counted_from.year + 1, 3, 1).toordinal()


def term(holding_start: int, sold: int) -> Term:
    """The term of shares held since `holding_start` and sold on `sold`."""
    return Term.LONG if sold >= long_term_from(holding_start) else Term.SHORT


def tacked_start(*, bought: int, sold: int, sold_holding_start: int, overlap: OverlappingDays) -> int:
    """Where the holding period of a replacement starts: the days the sold shares were held come before it.

    `bought` is the replacement's trade date; the days between a sale and a later purchase do not count.
    """
    held_until = sold
    if overlap is OverlappingDays.COUNT_ONCE:
        held_until = min(sold, bought)
    return bought - max(held_until - sold_holding_start, 0)
