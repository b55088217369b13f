"""How the lineage is cut in time.

Market data arrive by the month. From the features on, a partition is a calendar year: a model is trained for one, and
forms and wash sales are judged by it. What a live session does is cut by the exchange's sessions. What needs the whole
history (adjusted bars, tax lots) has no partitions.
"""

from datetime import date, datetime, timedelta
from typing import Final

import dagster as dg

from tickledger.bars.calendars import sessions

#: The tags with which one run covers a range of partitions.
RANGE_START: Final = "dagster/asset_partition_range_start"
RANGE_END: Final = "dagster/asset_partition_range_end"

MONTHS = dg.MonthlyPartitionsDefinition(start_date="2000-01-01", end_offset=1)
YEARS = dg.TimeWindowPartitionsDefinition(cron_schedule="0 0 1 1 *", start="2000", fmt="%Y", end_offset=1)

_FIRST_SESSION: Final = date(2000, 1, 3)
_FRIDAY: Final = 4


def _holidays() -> list[datetime]:
    """The weekdays on which the exchange is closed, as far as its calendar reaches."""
    known = sessions(_FIRST_SESSION, date.max)
    days = (_FIRST_SESSION + timedelta(count) for count in range((known[-1] - _FIRST_SESSION).days))
    is_open = set(known)
    return [datetime(*day.timetuple()[:3]) for day in days if day.weekday() <= _FRIDAY and day not in is_open]  # noqa: DTZ001  Dagster reads them in the partitions' own zone


#: A partition is a session of the exchange, from a market simulated on old bars to today's.
SESSIONS = dg.TimeWindowPartitionsDefinition(
    cron_schedule="0 0 * * 1-5",
    start=f"{_FIRST_SESSION}",
    fmt="%Y-%m-%d",
    timezone="America/New_York",
    end_offset=1,
    exclusions=_holidays(),
)

#: Assets with partitions run a range of them as one run; a year at a time would replay nothing differently.
SINGLE_RUN = dg.BackfillPolicy.single_run()


def years_of(context: dg.AssetExecutionContext, *, through: date | None = None) -> list[int]:
    """The calendar years that this run is to make, in order; with `through`, on to the year of that day."""
    years = [int(key) for key in context.partition_keys]
    last = years[-1] if through is None else max(years[-1], through.year)
    return list(range(years[0], last + 1))


def dates_of(context: dg.AssetExecutionContext, *, through: date | None = None) -> tuple[date, date]:
    """The first and the last day of `years_of`."""
    years = years_of(context, through=through)
    return date(years[0], 1, 1), date(years[-1], 12, 31)


def session_of(context: dg.AssetExecutionContext) -> date:
    """The session that this run is to make."""
    return date.fromisoformat(context.partition_key)
