"""Stage `market_data`: bars and corporate actions as the source gave them, recorded once.

Bad rows go to the quarantine and are reported; every good row goes in. Loading a month again changes nothing.
"""

from typing import Any

import dagster as dg

from assets.checks import SHOWN, Materialized, schema_result, schema_spec
from assets.partitions import MONTHS, SINGLE_RUN
from resources.data_quality import DataQuality
from resources.ledger import Ledger
from resources.market_files import Ingestible, MarketFiles
from tickledger.bars.schemas import CorporateActions, RawBars
from tickledger.db.corporate_actions import ingest_corporate_actions
from tickledger.db.ingestion import IngestionResult
from tickledger.db.market_data import ingest_bars
from tickledger.db.quarantine import read_quarantine
from tickledger.db.symbols import upsert_symbols

GROUP = "market_data"
RAW_BARS = [GROUP, "raw_bars"]
CORPORATE_ACTIONS = [GROUP, "corporate_actions"]
OWNERS = ["team:market-data"]


@dg.asset(
    key=RAW_BARS,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"postgres", "pandas"},
    partitions_def=MONTHS,
    backfill_policy=SINGLE_RUN,
    description="Raw daily bars (USD per share, not adjusted), one row for each symbol and session, with the ingestion "
    "that brought them. A restated bar adds a version; a row that cannot be right goes to the quarantine.",
    check_specs=[schema_spec(RAW_BARS, RawBars)],
)
def raw_bars(context: dg.AssetExecutionContext, ledger: Ledger, market_files: MarketFiles) -> Materialized:
    upsert_symbols(ledger.engine, market_files.read_symbols())
    bars = market_files.read_bars(context.partition_time_window)
    result = ingest_bars(ledger.engine, bars.frame, rejects=bars.rejects, source=bars.source)
    check = schema_result(RAW_BARS, RawBars, bars.frame)
    return dg.MaterializeResult(metadata=_metadata(result, bars), check_results=[check])


@dg.asset(
    key=CORPORATE_ACTIONS,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"postgres", "pandas"},
    partitions_def=MONTHS,
    backfill_policy=SINGLE_RUN,
    description="Splits, dividends and the other events that change what a share is, effective before the first trade "
    "of their ex-date. One record adjusts bars, orders, positions and lots.",
    check_specs=[schema_spec(CORPORATE_ACTIONS, CorporateActions)],
)
def corporate_actions(context: dg.AssetExecutionContext, ledger: Ledger, market_files: MarketFiles) -> Materialized:
    upsert_symbols(ledger.engine, market_files.read_symbols())
    actions = market_files.read_corporate_actions(context.partition_time_window)
    result = ingest_corporate_actions(ledger.engine, actions.frame, rejects=actions.rejects, source=actions.source)
    check = schema_result(CORPORATE_ACTIONS, CorporateActions, actions.frame)
    return dg.MaterializeResult(metadata=_metadata(result, actions), check_results=[check])


def _metadata(result: IngestionResult, ingested: Ingestible) -> dict[str, Any]:
    return {
        "ingestion_id": dg.MetadataValue.text(result.ingestion_id),
        "inserted": dg.MetadataValue.int(result.inserted),
        "unchanged": dg.MetadataValue.int(result.unchanged),
        "restated": dg.MetadataValue.int(result.restated),
        "quarantined": dg.MetadataValue.int(result.quarantined),
        "warnings": [str(problem) for problem in ingested.warnings],
    }


@dg.asset_check(asset=raw_bars, description="No row of the source was refused; the quarantine holds those that were.")
def no_rejected_rows(ledger: Ledger) -> dg.AssetCheckResult:
    quarantined = read_quarantine(ledger.engine)
    return dg.AssetCheckResult(
        passed=not quarantined,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"quarantined": len(quarantined), "reasons": [str(row.reject.problem) for row in quarantined[:SHOWN]]},
    )


@dg.asset_check(asset=raw_bars, description="The Great Expectations suite over the stored bars; writes Data Docs.")
def expectations(ledger: Ledger, data_quality: DataQuality) -> dg.AssetCheckResult:
    report = data_quality.validate_bars(ledger.url)
    return dg.AssetCheckResult(
        passed=report.success,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "evaluated": report.evaluated,
            "failed": list(report.failed),
            "warnings": list(report.warnings),
            "data_docs": dg.MetadataValue.path(report.index_page),
        },
    )
