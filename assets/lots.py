"""Stages `lots` and `gains`: what is still held and what was realized, as the tax law sees it.

Both come out of one pass over every fill, because a purchase in January can change a loss of December.
"""

import dagster as dg

from assets.checks import frame_of, schema_result, schema_spec
from assets.ledger_schemas import Gains, Lots
from assets.market_data import CORPORATE_ACTIONS
from assets.trading import FILLS
from resources.ledger import Ledger
from tickledger.db.market_data import read_corporate_actions
from tickledger.db.tax import replace_tax_result
from tickledger.db.trading import read_accounts, read_executions
from tickledger.reporting.tax_inputs import tax_result

OPEN_LOTS = ["lots", "open"]
REALIZED = ["gains", "realized"]
OWNERS = ["team:tax"]


@dg.multi_asset(
    name="tax_ledger",
    specs=[
        dg.AssetSpec(
            OPEN_LOTS,
            deps=[dg.AssetKey(FILLS), dg.AssetKey(CORPORATE_ACTIONS)],
            group_name="lots",
            owners=OWNERS,
            kinds={"postgres"},
            description="Tax lots still held after the last fill, with original and adjusted basis and the holding "
            "period's start after tacking.",
        ),
        dg.AssetSpec(
            REALIZED,
            deps=[dg.AssetKey(OPEN_LOTS)],
            group_name="gains",
            owners=OWNERS,
            kinds={"postgres"},
            description="Every disposition by FIFO with its term; losses washed under IRC 1091 carry their basis and "
            "holding period to the replacement shares.",
        ),
    ],
    check_specs=[schema_spec(OPEN_LOTS, Lots), schema_spec(REALIZED, Gains)],
)
def tax_ledger(ledger: Ledger) -> tuple[dg.MaterializeResult[None], ...]:
    accounts = read_accounts(ledger.engine)
    result = tax_result(read_executions(ledger.engine), accounts, read_corporate_actions(ledger.engine))
    written = replace_tax_result(ledger.engine, result, account_ids=[account.account_id for account in accounts])
    return ()
