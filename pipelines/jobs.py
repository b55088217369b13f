"""The jobs: which stages run together, and how they are tagged for the run queue."""

from typing import Final

import dagster as dg

#: dagster.yaml limits each value of this tag, so that batch work can never hold the trading session's slot.
SLOT: Final = "tickledger/slot"
BATCH: Final = {SLOT: "batch", "dagster/priority": "-1"}

ingest = dg.define_asset_job(
    "ingest",
    selection=dg.AssetSelection.groups("market_data", "bars"),
    tags=BATCH,
    description="Market data of the months into the record, and the adjusted bars made from it.",
)

research = dg.define_asset_job(
    "research",
    selection=dg.AssetSelection.groups("features", "models", "signals"),
    tags=BATCH,
    description="Features, the model trained on the years before, and the year's signals.",
)

end_of_day = dg.define_asset_job(
    "end_of_day",
    selection=dg.AssetSelection.groups("orders", "fills", "positions", "lots", "gains", "reports"),
    tags=BATCH,
    description="Orders, fills and positions up to the last close, then tax lots, gains and the reports of the year.",
)

JOBS: Final = (ingest, research, end_of_day)
