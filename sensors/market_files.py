"""Notices that the configured files of market data have changed and asks for them to be ingested."""

from typing import Final

import dagster as dg

from assets.partitions import MONTHS
from resources.market_files import MarketFiles


def market_files_sensor(job: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """A sensor whose cursor is the files' fingerprint; a change requests one run over all months of the files."""

    @dg.sensor(job=job, name="market_files_changed", minimum_interval_seconds=60)
    def market_files_changed(context: dg.SensorEvaluationContext, market_files: MarketFiles) -> dg.SensorResult:
        """Market data files changed: ingest them again. Rows that are unchanged stay as they are."""
        fingerprint = market_files.fingerprint()
        if context.cursor == fingerprint:
            return dg.SensorResult(skip_reason="the files of market data are unchanged")
        return dg.SensorResult(run_requests=[_request(market_files, fingerprint)], cursor=fingerprint)

    return market_files_changed


RANGE_START: Final = "dagster/asset_partition_range_start"
RANGE_END: Final = "dagster/asset_partition_range_end"


def _request(market_files: MarketFiles, fingerprint: str) -> dg.RunRequest:
    return dg.RunRequest(run_key=fingerprint, tags=month_range(market_files))


def month_range(market_files: MarketFiles) -> dict[str, str]:
    """The tags that make one run cover every month from the files' first bar to their last."""
    first, last = market_files.first_and_last_session()
    return {RANGE_START: MONTHS.get_partition_key_for_timestamp(first.timestamp()), RANGE_END: f"{last:%Y-%m-01}"}
