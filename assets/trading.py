"""Stages `orders`, `fills` and `positions`: one replay of the trading session.

Today's orders need yesterday's fills, so the three are one computation with its edges declared. It trades a simulated
account through the in-process broker; nothing here can reach a real one.
"""

from collections.abc import Sequence

import dagster as dg

from assets.checks import Materialized, materialized, replace_metadata, schema_spec
from assets.ledger_schemas import Executions, Orders, Positions
from assets.market_data import CORPORATE_ACTIONS, RAW_BARS
from assets.partitions import SINGLE_RUN, YEARS, dates_of
from assets.signals import DAILY as SIGNALS
from resources.exports import Exports
from resources.ledger import Ledger
from resources.simulated_account import SimulatedAccount
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.market_data import read_bars
from tickledger.db.signals import read_signals
from tickledger.db.symbols import read_sectors
from tickledger.db.trading import (
    ensure_account,
    last_session,
    opening_state,
    read_executions,
    read_order_events,
    read_orders,
    replace_risk_limits,
    replace_session,
)
from tickledger.domain.position import PortfolioState
from tickledger.execution.replay import replay
from tickledger.reporting.trade_tables import fills_table, orders_table

ORDERS = ["orders", "daily"]
FILLS = ["fills", "daily"]
POSITIONS = ["positions", "daily"]


def _spec(key: Sequence[str], deps: Sequence[Sequence[str]], description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        deps=[dg.AssetKey(dep) for dep in deps],
        group_name=key[0],
        owners=["team:trading"],
        kinds={"postgres"},
        description=description,
    )


@dg.multi_asset(
    name="trading_session",
    partitions_def=YEARS,
    backfill_policy=SINGLE_RUN,
    specs=[
        _spec(
            ORDERS,
            [SIGNALS, RAW_BARS, CORPORATE_ACTIONS],
            "Orders that risk accepted, decided after each close; each names its signal and its risk decision. "
            "Refused intents are kept as risk decisions with every limit asked.",
        ),
        _spec(
            FILLS,
            [ORDERS],
            "Executions at the next open with slippage, IBKR's fixed commission and the dated regulatory fees.",
        ),
        _spec(
            POSITIONS, [FILLS], "Holdings at each close, marked at the raw close, with the account's cash and equity."
        ),
    ],
    check_specs=[schema_spec(ORDERS, Orders), schema_spec(FILLS, Executions), schema_spec(POSITIONS, Positions)],
)
def trading_session(
    context: dg.AssetExecutionContext, ledger: Ledger, simulated: SimulatedAccount, exports: Exports
) -> tuple[Materialized, Materialized, Materialized]:
    # What follows rests on what is made again here, so it is made again too.
    start, end = dates_of(context, through=last_session(ledger.engine, simulated.account_id))
    ensure_account(ledger.engine, simulated.account)
    replace_risk_limits(ledger.engine, simulated.account_id, simulated.limits())
    record = replay(
        account=simulated.account,
        start=start,
        end=end,
        opening=opening_state(ledger.engine, simulated.account_id, start) or PortfolioState(cash=simulated.cash),
        bars=read_bars(ledger.engine, start=start, end=end),
        corporate_actions=read_corporate_actions(ledger.engine),
        signals=read_signals(ledger.engine, start=start, end=end, strategy=simulated.strategy),
        limits=simulated.limits(),
        strategy=simulated.strategy,
        sectors=read_sectors(ledger.engine),
    )
    written = replace_session(ledger.engine, simulated.account, record, start=start, end=end)
    orders, events = read_orders(ledger.engine), read_order_events(ledger.engine)
    fills = read_executions(ledger.engine)
    exports.write_tables({"orders.csv": orders_table(orders, events), "fills.csv": fills_table(fills)})
    return (
        materialized(ORDERS, Orders, record.orders, replace_metadata(written["orders"])),
        materialized(FILLS, Executions, record.executions, replace_metadata(written["executions"])),
        materialized(POSITIONS, Positions, record.positions, replace_metadata(written["positions"])),
    )
