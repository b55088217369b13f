"""Stages `orders`, `fills` and `positions`: one replay of the trading session.

Today's orders need yesterday's fills, so the three are one computation with its edges declared. It trades a simulated
account through the in-process broker; nothing here can reach a real one.
"""

from collections.abc import Sequence

import dagster as dg

from assets.checks import frame_of, schema_result, schema_spec
from assets.ledger_schemas import Executions, Orders, Positions
from assets.market_data import CORPORATE_ACTIONS, RAW_BARS
from assets.partitions import SINGLE_RUN, YEARS, dates_of
from assets.signals import DAILY as SIGNALS
from resources.ledger import Ledger
from resources.simulated_account import SimulatedAccount
from tickledger.db.market_data import read_bars, read_corporate_actions
from tickledger.db.signals import read_signals
from tickledger.db.symbols import read_symbols
from tickledger.db.trading import ensure_account, opening_state, replace_risk_limits, replace_session
from tickledger.domain.position import PortfolioState
from tickledger.execution.replay import replay

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
    context: dg.AssetExecutionContext, ledger: Ledger, simulated: SimulatedAccount
) -> tuple[dg.MaterializeResult[None], ...]:
    start, end = dates_of(context)
    ensure_account(ledger.engine, simulated.account)
    replace_risk_limits(ledger.engine, simulated.account_id, simulated.limits())
    record = replay(
        account=simulated.account,
        start=start,
        end=end,
        opening=opening_state(ledger.engine, simulated.account_id, start) or PortfolioState(cash=simulated.cash),
        bars=read_bars(ledger.engine, start=start, end=end),
        corporate_actions=read_corporate_actions(ledger.engine),
        signals=read_signals(ledger.engine, start=start, end=end, strategy="composite"),
        limits=simulated.limits(),
        sectors=read_symbols(ledger.engine).set_index("symbol")["sector"].to_dict(),
    )
    written = replace_session(ledger.engine, simulated.account, record, start=start, end=end)
    return (
        _result(ORDERS, Orders, record.orders, written["orders"]),
        _result(FILLS, Executions, record.executions, written["executions"]),
        _result(POSITIONS, Positions, record.positions, written["positions"]),
    )
