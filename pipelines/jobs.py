"""The jobs: which stages run together, and how they are tagged for the run queue."""

from typing import TYPE_CHECKING, Final

import dagster as dg

from assets.live import READINESS
from assets.reconciliation import BREAKS, BROKER, DAILY, STATEMENT
from pipelines.controls import pause_trading, resume_trading
from sensors.session_runs import ACCOUNT, JOB

if TYPE_CHECKING:
    # Dagster gives what it defines no public name.
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

#: dagster.yaml limits each value of this tag, so that batch work can never hold the trading session's slot.
SLOT: Final = "tickledger/slot"
BATCH: Final = {SLOT: "batch", "dagster/priority": "-1"}
#: A run that fails is not tried again by Dagster: the sensor starts another, by the rules of `sensors.supervision`.
SESSION: Final = {SLOT: "session", "dagster/priority": "10", "dagster/max_retries": "0"}

#: The ledger beside the broker's statements: before the forms, which wait for breaks that are worth money.
_STATEMENTS: Final = dg.AssetSelection.assets(*map(dg.AssetKey, (STATEMENT, BREAKS, DAILY)))

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
    selection=dg.AssetSelection.groups("orders", "fills", "positions", "lots", "gains", "reports") | _STATEMENTS,
    tags=BATCH,
    description="Orders, fills and positions of the simulated account up to the last close, then tax lots, gains and "
    "the reports of the year.",
)

nightly_books = dg.define_asset_job(
    "nightly_books",
    selection=dg.AssetSelection.groups("lots", "gains", "reports") | _STATEMENTS,
    tags=BATCH,
    description="What the day's fills at the broker come to: tax lots, gains, P&L and the reports of the year, of "
    "every account in the ledger.",
)

nightly_reconciliation = dg.define_asset_job(
    "nightly_reconciliation",
    selection=dg.AssetSelection.assets(dg.AssetKey(BROKER)),
    tags=BATCH,
    description="The ledger beside the broker after the close; differences are breaks, and are told as alerts.",
)

morning_readiness = dg.define_asset_job(
    "morning_readiness",
    selection=dg.AssetSelection.assets(dg.AssetKey(READINESS)),
    tags=BATCH,
    description="Whether the day's session can start, early enough to mend what is missing.",
)

JOBS: Final = (
    ingest,
    research,
    end_of_day,
    nightly_books,
    nightly_reconciliation,
    morning_readiness,
    pause_trading,
    resume_trading,
)


def intraday(account_id: str | None) -> "UnresolvedAssetJobDefinition":
    """The job of the trading session; its runs name the account that they trade, also those a person launches."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.groups("live"),
        tags=SESSION if account_id is None else {**SESSION, ACCOUNT: account_id},
        executor_def=dg.in_process_executor,
        description="The trading session of a day: first whether it may start, then one process from before the open "
        "until after the close. The sensor trading_session starts it; a person may as well.",
    )
