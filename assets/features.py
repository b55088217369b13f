"""Stage `features`: what was knowable about each symbol at each close."""

import dagster as dg
import pandas as pd

from assets.bars import adjusted_bars
from assets.checks import CheckedFrame, schema_result, schema_spec
from assets.partitions import SINGLE_RUN, YEARS
from tickledger.features.daily import FEATURE_NAMES, FEATURE_SET, daily_features
from tickledger.features.schemas import DailyFeatures

GROUP = "features"
DAILY = [GROUP, "daily"]


@dg.asset(
    key=DAILY,
    group_name=GROUP,
    owners=["team:research"],
    kinds={"parquet", "pandas", "talib"},
    partitions_def=YEARS,
    backfill_policy=SINGLE_RUN,
    ins={"adjusted": dg.AssetIn(adjusted_bars.key)},
    description=f"Point-in-time features, set {FEATURE_SET}: {len(FEATURE_NAMES)} returns and TA-Lib indicators, all "
    "scale-free, so that a later split or dividend changes none of them. A row at t uses nothing after t.",
    check_specs=[schema_spec(DAILY, DailyFeatures)],
)
def daily_features_by_year(context: dg.AssetExecutionContext, adjusted: pd.DataFrame) -> CheckedFrame:
    window = context.partition_time_window
    features = daily_features(adjusted)
    features = features[features["timestamp"].between(window.start, window.end, inclusive="left")]
    yield dg.Output(
        features,
        metadata={
            "dagster/row_count": len(features),
            "feature_set": FEATURE_SET,
            "features": list(FEATURE_NAMES),
            "summary": dg.MetadataValue.md(features[list(FEATURE_NAMES)].describe().T.round(4).to_markdown()),
        },
    )
    yield schema_result(DAILY, DailyFeatures, features)
