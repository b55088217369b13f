"""When the day of the exchange is over, and which day that was: by the wall's clock or a simulated market's."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import dagster as dg

from resources.ledger import Ledger
from resources.trading_session import LiveTrading
from sensors.session_runs import ACCOUNT, days_around
from sensors.supervision import TradingDay
from tickledger.db.trading_sessions import read_sessions
from tickledger.domain.errors import BrokerUnavailableError

if TYPE_CHECKING:
    # Dagster gives what it defines no public name.
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

#: How long after the close the books are made: late corrections of the day's fills have come by then.
AFTER_CLOSE: Final = timedelta(minutes=15)
_EVERY_SECONDS: Final = 15


def closed_day(days: Sequence[TradingDay], at: datetime, *, delay: timedelta = AFTER_CLOSE) -> date | None:
    """The last session whose close was at least `delay` before `at`; None where none of `days` is."""
    closed = [day.session_date for day in days if day.closes_at + delay <= at]
    return closed[-1] if closed else None


def why_not_evening(at: datetime, local_date: date, *, delay: timedelta = AFTER_CLOSE) -> str | None:
    """Why nothing is to be done yet at an instant of an exchange date, or None once its session is over."""
    day = next((day for day in days_around(at) if day.session_date == local_date), None)
    if day is None:
        return f"{local_date:%A %Y-%m-%d} is no session of the exchange"
    if at < day.closes_at + delay:
        return f"the session of {local_date} closes at {day.closes_at:%H:%M} UTC; its books are made {delay} later"
    return None


def simulated_evening_sensor(
    default_status: dg.DefaultSensorStatus, jobs: "Sequence[UnresolvedAssetJobDefinition]"
) -> dg.SensorDefinition:
    """The sensor that does in a simulated market what the nightly schedules do by the wall's clock.

    `jobs` are those of the evening by year (the books) and by session (the reconciliation), in this order.
    """
    books, reconciliation = jobs

    @dg.sensor(
        name="simulated_evening",
        jobs=list(jobs),
        minimum_interval_seconds=_EVERY_SECONDS,
        default_status=default_status,
        description="After each close of a simulated market: the books, and the ledger beside the broker.",
    )
    def simulated_evening(
        context: dg.SensorEvaluationContext, ledger: Ledger, live: dg.ResourceParam[LiveTrading]
    ) -> dg.SensorResult:
        if live.is_off or not live.has_simulated_market:
            return dg.SensorResult(skip_reason="the market is not simulated: the nightly schedules do this")
        try:
            at = live.market_now()
        except BrokerUnavailableError as error:
            return dg.SensorResult(skip_reason=str(error))
        account_id, day = live.account.account_id, closed_day(days_around(at), at)
        if day is None or not read_sessions(ledger.engine, session_date=day, account_id=account_id):
            return dg.SensorResult(skip_reason=f"no session of {account_id} was traded on {day}")
        key = f"{account_id}/{day}"
        if context.cursor == key:
            return dg.SensorResult(skip_reason=f"the evening of {day} has been asked for")
        tags = {ACCOUNT: account_id}
        requests = [
            dg.RunRequest(f"{key}/books", job_name=books.name, partition_key=f"{day:%Y}", tags=tags),
            dg.RunRequest(f"{key}/broker", job_name=reconciliation.name, partition_key=str(day), tags=tags),
        ]
        return dg.SensorResult(run_requests=requests, cursor=key)

    return simulated_evening
