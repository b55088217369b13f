"""Stage `models`: which model may make a year's signals, trained on the years before it alone."""

from collections.abc import Sequence

import dagster as dg
import pandas as pd

from assets.bars import ADJUSTED
from assets.checks import Materialized
from assets.features import DAILY as FEATURES
from assets.partitions import SINGLE_RUN, YEARS, years_of
from ml.direction import direction_models
from resources.ledger import Ledger
from resources.model_registry import Models
from tickledger.db.models import record_model_versions
from tickledger.domain.model import ModelVersion

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
    "the partition; logged to MLflow and registered, the better one as champion. The same data, parameters and recipe "
    "give the same version, so nothing is trained twice.",
)
def direction(
    context: dg.AssetExecutionContext, features: pd.DataFrame, adjusted: pd.DataFrame, ledger: Ledger, models: Models
) -> Materialized:
    versions = direction_models(models.registry, features=features, adjusted=adjusted, years=years_of(context))
    record_model_versions(ledger.engine, versions)
    return dg.MaterializeResult(metadata=_metadata(versions))


def _metadata(versions: Sequence[ModelVersion]) -> dict[str, dg.MetadataValue]:
    """What a person asks of a model first: how well it did on what it had not seen, and what it was trained on."""
    rows = pd.DataFrame(
        {
            "year": version.trained_for_year,
            "algorithm": version.algorithm,
            "version": version.version,
            "champion": version.is_champion,
            "trained through": version.train_end_date,
            **{name: round(value, 4) for name, value in version.metrics.items()},
        }
        for version in versions
    )
    champions = [version for version in versions if version.is_champion]
    return {
        "versions": dg.MetadataValue.md(rows.to_markdown(index=False)),
        "champions": dg.MetadataValue.json(
            {str(version.trained_for_year): version.model_version_id for version in champions}
        ),
        "features": dg.MetadataValue.int(len(champions[-1].feature_names)),
    }
