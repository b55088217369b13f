"""Notices that the configured files of market data have changed and asks for them to be ingested."""

from collections.abc import Mapping

import dagster as dg

from assets.partitions import MONTHS, RANGE_END, RANGE_START
from resources.market_files import MarketFiles


@dg.sensor(job_name="ingest", minimum_interval_seconds=60)
def market_files_changed(context: dg.SensorEvaluationContext, market_files: MarketFiles) -> dg.SensorResult:
    """Market data files changed: ingest all their months again. Rows that are unchanged stay as they are."""
    fingerprint = market_files.fingerprint()
    if context.cursor == fingerprint:
        return dg.SensorResult(skip_reason="the files of market data are unchanged")
    request = dg.RunRequest(run_key=fingerprint, tags=month_range(market_files))
    return dg.SensorResult(run_requests=[request], cursor=fingerprint)


def month_range(market_files: MarketFiles) -> Mapping[str, str]:
    """The tags that make one run cover every month from the files' first bar to their last."""
    first, last = (MONTHS.get_partition_key_for_timestamp(at.timestamp()) for at in market_files.first_and_last_bar())
    return {RANGE_START: first, RANGE_END: last}
