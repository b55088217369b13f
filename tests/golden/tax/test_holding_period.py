"""Long-term is more than one year: IRC 1222; Pub. 550, p. 81; Rev. Rul. 66-7."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tax import computed
from tickledger.domain.lot import Term
from tickledger.tax.holding_period import long_term_from, tacked_start, term
from tickledger.tax.policies import OverlappingDays


@pytest.mark.parametrize(
    ("acquired", "last_short_day", "first_long_day"),
    [
        ("2023-01-10", "2024-01-10", "2024-01-11"),  # exactly one year is short-term
        ("2023-02-27", "2024-02-27", "2024-02-28"),
        ("2023-02-28", "2024-02-29", "2024-03-01"),  # acquired on the last day of a month (Rev. Rul. 66-7)
        ("2024-02-28", "2025-02-28", "2025-03-01"),
        ("2024-02-29", "2025-02-28", "2025-03-01"),
        ("2023-12-31", "2024-12-31", "2025-01-01"),
        ("2024-04-30", "2025-04-30", "2025-05-01"),
    ],
)
def test_the_day_after_the_trade_date_starts_the_count(acquired: str, last_short_day: str, first_long_day: str) -> None:
    start = date.fromisoformat(acquired).toordinal()
    assert term(start, date.fromisoformat(last_short_day).toordinal()) is Term.SHORT
    assert term(start, date.fromisoformat(first_long_day).toordinal()) is Term.LONG


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_the_first_long_term_day_is_366_or_367_days_away_and_never_earlier_for_later_purchases(day: date) -> None:
    """365 days is what other programs count; it is a day or two too few."""
    start = day.toordinal()
    assert long_term_from(start) - start in {366, 367}
    assert long_term_from(start) <= long_term_from((day + timedelta(days=1)).toordinal())


def test_days_between_the_sale_and_the_purchase_do_not_count() -> None:
    """IRC 1223(3): the 878 days the sold shares were held, not the day out of the market."""
    result = computed("""
        B1 2023-01-06 buys 100 X @ 10
        S1 2025-06-02 sells 100 X @ 6
        B2 2025-06-03 buys 100 X @ 6
    """)
    assert result.open_lots[0].holding_start == date(2023, 1, 7)
    assert result.open_lots[0].acquired_date == date(2025, 6, 3)


def test_policy_p6_decides_on_days_when_both_were_held() -> None:
    bought, sold, since = (date(2025, 3, day).toordinal() for day in (10, 20, 1))
    twice = tacked_start(bought=bought, sold=sold, sold_holding_start=since, overlap=OverlappingDays.COUNT_TWICE)
    once = tacked_start(bought=bought, sold=sold, sold_holding_start=since, overlap=OverlappingDays.COUNT_ONCE)
    assert date.fromordinal(twice) == date(2025, 2, 19)
    assert date.fromordinal(once) == date(2025, 3, 1)
