"""Stage `bars`: prices made comparable across splits and dividends."""

import dagster as dg

from assets.checks import CheckedFrame, schema_result, schema_spec
from assets.market_data import corporate_actions, raw_bars
from resources.ledger import Ledger
from tickledger.bars.adjustment import ADJUSTMENT_RULE, adjust
from tickledger.bars.schemas import AdjustedBars
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.market_data import read_bars

GROUP = "bars"
ADJUSTED = [GROUP, "adjusted"]


@dg.asset(
    key=ADJUSTED,
    group_name=GROUP,
    owners=["team:market-data"],
    kinds={"parquet", "pandas"},
    deps=[raw_bars, corporate_actions],
    description=f"Daily bars adjusted for splits and dividends, whole history. Rule: {ADJUSTMENT_RULE}",
    check_specs=[schema_spec(ADJUSTED, AdjustedBars)],
)
def adjusted_bars(ledger: Ledger) -> CheckedFrame:
    adjusted = adjust(read_bars(ledger.engine), read_corporate_actions(ledger.engine))
    yield dg.Output(
        adjusted,
        metadata={
            "dagster/row_count": len(adjusted),
            "symbols": sorted(adjusted["symbol"].unique()),
            "first_session": str(adjusted["timestamp"].min().date()),
            "last_session": str(adjusted["timestamp"].max().date()),
            "rule": ADJUSTMENT_RULE,
        },
    )
    yield schema_result(ADJUSTED, AdjustedBars, adjusted)
