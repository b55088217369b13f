"""Stage `signals`: what each strategy would do after each close, with the feature row and the model it asked."""

from datetime import date

import dagster as dg
import pandas as pd

from assets.checks import Materialized, replace_metadata, schema_result, schema_spec
from assets.features import DAILY as FEATURES
from assets.models import direction
from assets.partitions import SINGLE_RUN, YEARS, dates_of, years_of
from ml.direction import direction_signals
from resources.exports import Exports
from resources.ledger import Ledger
from resources.model_registry import Models
from tickledger.db.features import write_feature_snapshots
from tickledger.db.models import read_champions
from tickledger.db.signals import read_signals, replace_signals
from tickledger.reporting.trade_tables import signals_table
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
    context: dg.AssetExecutionContext, features: pd.DataFrame, ledger: Ledger, models: Models, exports: Exports
) -> Materialized:
    start, end = dates_of(context)
    champions = read_champions(ledger.engine, "direction", years=years_of(context))
    signals = direction_signals(models.registry, features=features, champions=champions)
    write_feature_snapshots(ledger.engine, features)
    written = replace_signals(ledger.engine, signals, start=start, end=end)
    exports.write_tables({"signals.csv": signals_table(read_signals(ledger.engine, start=date.min, end=date.max))})
    frame = signals_frame(signals)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(frame),
            **replace_metadata(written),
            "by_strategy": dg.MetadataValue.md(pd.crosstab(frame["strategy"], frame["signal_type"]).to_markdown()),
        },
        check_results=[schema_result(DAILY, SignalsFrame, frame)],
    )
