"""Stages `lots` and `gains`: what is still held and what was realized, as the tax law sees it.

Both come out of one pass over every fill, because a purchase in January can change a loss of December.
"""

from dataclasses import asdict
from typing import Any

import dagster as dg

from assets.checks import Materialized, materialized, replace_metadata, schema_spec
from assets.ledger_schemas import Gains, Lots
from assets.market_data import CORPORATE_ACTIONS
from assets.trading import FILLS
from resources.exports import Exports
from resources.ledger import Ledger
from tickledger.bars.corporate_actions import domain_actions
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.lot_choices import read_lot_choices
from tickledger.db.tax import replace_tax_result
from tickledger.db.trading import read_accounts, read_executions
from tickledger.reporting.tax_tables import gains_table, lots_table, wash_sales_table
from tickledger.tax.engine import compute
from tickledger.tax.fills import from_executions
from tickledger.tax.result import TaxResult

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
def tax_ledger(ledger: Ledger, exports: Exports) -> tuple[Materialized, Materialized]:
    accounts = read_accounts(ledger.engine)
    actions = domain_actions(read_corporate_actions(ledger.engine))
    fills = from_executions(read_executions(ledger.engine), lots=read_lot_choices(ledger.engine))
    result = compute(fills, accounts=accounts, corporate_actions=actions)
    written = replace_tax_result(ledger.engine, result, account_ids=[account.account_id for account in accounts])
    exports.write_tables(
        {
            "gains.csv": gains_table(result.gains),
            "lots.csv": lots_table(result.open_lots),
            "wash_sales.csv": wash_sales_table(result.wash_sales),
        }
    )
    return (
        materialized(
            OPEN_LOTS, Lots, result.open_lots, {**replace_metadata(written["open_lots"]), **_policies(result)}
        ),
        materialized(REALIZED, Gains, result.gains, {**replace_metadata(written["capital_gains"]), **_sums(result)}),
    )


def _policies(result: TaxResult) -> dict[str, Any]:
    """The positions taken where the law is unsettled, and what the engine could not judge."""
    return {
        "policies": dg.MetadataValue.json({name: str(value) for name, value in asdict(result.policies).items()}),
        "problems": [str(problem) for problem in result.problems],
    }


def _sums(result: TaxResult) -> dict[str, Any]:
    """The totals that a person compares first, USD."""
    return {
        "gain_loss": float(sum(gain.gain_loss for gain in result.gains)),
        "disallowed_loss": float(sum(gain.disallowed_loss for gain in result.gains)),
        "wash_sales": len(result.wash_sales),
        "provisional": sum(gain.is_provisional for gain in result.gains),
    }
