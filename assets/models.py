"""Stage `models`: which model may make a year's signals, trained on the years before it alone."""

import dagster as dg
import pandas as pd

from assets.bars import ADJUSTED
from assets.features import DAILY as FEATURES
from assets.partitions import SINGLE_RUN, YEARS, years_of
from ml.training import direction_models
from resources.ledger import Ledger
from resources.model_registry import Models
from tickledger.db.models import record_model_version

GROUP = "models"
DIRECTION = [GROUP, "direction"]

#: A model sees every earlier year that there is, and none later: leakage would be an edge that does not exist.
ALL_EARLIER_YEARS = dg.TimeWindowPartitionMapping(
    start_offset=-100, end_offset=-1, allow_nonexistent_upstream_partitions=True
)


@dg.asset(
    key=DIRECTION,
    group_name=GROUP,
    owners=["team:research"],
    kinds={"mlflow", "scikitlearn", "xgboost"},
    partitions_def=YEARS,
    backfill_policy=SINGLE_RUN,
    ins={
        "features": dg.AssetIn(FEATURES, partition_mapping=ALL_EARLIER_YEARS),
        "adjusted": dg.AssetIn(ADJUSTED),
    },
    description="Random forest and XGBoost on the direction of the forward return, a purged split of the years before "
    "the partition; logged to MLflow and registered, the better one as champion. The same data, parameters and code "
    "give the same version, so nothing is trained twice.",
)
def direction(
    context: dg.AssetExecutionContext, features: pd.DataFrame, adjusted: pd.DataFrame, ledger: Ledger, models: Models
) -> dg.MaterializeResult[None]:
    versions = direction_models(models.registry, features=features, adjusted=adjusted, years=years_of(context))
    record_model_versions(ledger.engine, versions)
    return dg.MaterializeResult(metadata=model_metadata(versions))
