"""Stage `signals`: what each strategy would do after each close, with the feature row and the model it asked."""

import dagster as dg
import pandas as pd

from assets.checks import schema_result, schema_spec
from assets.features import DAILY as FEATURES
from assets.models import direction
from assets.partitions import SINGLE_RUN, YEARS, dates_of
from ml.predictor import yearly_signals
from resources.ledger import Ledger
from resources.model_registry import Models
from tickledger.db.features import write_feature_snapshots
from tickledger.db.models import read_model_versions
from tickledger.db.signals import replace_signals
from tickledger.strategies.schemas import SignalsFrame, signals_frame

GROUP = "signals"
DAILY = [GROUP, "daily"]


@dg.asset(
    key=DAILY,
    group_name=GROUP,
    owners=["team:research"],
    kinds={"postgres"},
    partitions_def=YEARS,
    backfill_policy=SINGLE_RUN,
    ins={"features": dg.AssetIn(FEATURES)},
    deps=[direction],
    description="Signals of momentum, mean reversion, the model and their composite after each close. Each names the "
    "feature row it read (copied to the ledger) and the model version it asked.",
    check_specs=[schema_spec(DAILY, SignalsFrame)],
)
def daily_signals(
    context: dg.AssetExecutionContext, features: pd.DataFrame, ledger: Ledger, models: Models
) -> dg.MaterializeResult[None]:
    start, end = dates_of(context)
    versions = read_model_versions(ledger.engine, "direction")
    signals = yearly_signals(models.registry, versions=versions, features=features)
    write_feature_snapshots(ledger.engine, features)
    written = replace_signals(ledger.engine, signals, start=start, end=end)
    frame = signals_frame(signals)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(frame),
            "inserted": written.inserted,
            "unchanged": written.unchanged,
            "superseded": written.superseded,
            "by_strategy": dg.MetadataValue.md(pd.crosstab(frame["strategy"], frame["signal_type"]).to_markdown()),
        },
        check_results=[schema_result(DAILY, SignalsFrame, frame)],
    )
