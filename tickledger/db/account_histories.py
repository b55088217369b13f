"""What reports of accounts are made of: histories by account, positions as columns, and who ordered what.

Positions are a row for each session and symbol, a million for ten years of five hundred symbols. They come as whole
numbers over COPY instead of a value each.
"""

from datetime import date, datetime

import numpy as np
import pyarrow as pa
from sqlalchemy import BigInteger, Engine, cast, func, select

from tickledger.bars.corporate_actions import domain_actions
from tickledger.db.copying import query_frame
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.records import Selection, selected
from tickledger.db.tables import orders, positions, signal_components, signals, symbols
from tickledger.db.trading import read_accounts, read_balances, read_cash_transactions, read_executions
from tickledger.db.versions import current
from tickledger.reporting.pnl_columns import MILLION, AccountHistory, PositionColumns
from tickledger.reporting.pnl_origins import Origin

_AMOUNTS = ("quantity", "close", "unrealized_pnl")
_COLUMNS = ("symbol_id", "day", *_AMOUNTS)
_EPOCH = date(1970, 1, 1)


def read_account_histories(
    engine: Engine, *, end: date | None = None, account_id: str | None = None, as_of: datetime | None = None
) -> list[AccountHistory]:
    """The whole history, to `end`, of each account that has a balance, by account; `as_of`: as it was known then."""
    actions = domain_actions(read_corporate_actions(engine, as_of=as_of))
    wanted = [each.account_id for each in read_accounts(engine) if account_id in (None, each.account_id)]
    histories = []
    for name in sorted(wanted):
        of_account = Selection(account_id=name, end=end, as_of=as_of)
        if balances := read_balances(engine, **of_account):
            history = AccountHistory(
                account_id=name,
                balances=balances,
                positions=read_position_columns(engine, of_account),
                executions=read_executions(engine, **of_account),
                cash_transactions=read_cash_transactions(engine, **of_account),
                corporate_actions=[action for action in actions if end is None or action.ex_date <= end],
            )
            histories.append(history)
    return histories


def read_position_columns(engine: Engine, selection: Selection) -> PositionColumns:
    """The positions of an account at its closes, as whole millionths."""
    amounts = [cast(func.round(positions.c[name] * MILLION), BigInteger).label(name) for name in _AMOUNTS]
    # As numbers of days: neither a date nor a ticker is made for each of a million rows.
    day = cast(positions.c.session_date - _EPOCH, BigInteger).label("day")
    where = selected(positions, positions.c.session_date, selection)
    statement = select(positions.c.symbol_id, day, *amounts).where(*where)
    with engine.connect() as connection:
        frame = query_frame(connection, statement, dict.fromkeys(_COLUMNS, pa.int64()))
        numbers, places = np.unique(frame["symbol_id"].to_numpy(), return_inverse=True)
        named = connection.execute(select(symbols.c.symbol_id, symbols.c.ticker))
        tickers: dict[int, str] = {row.symbol_id: row.ticker for row in named}
    quantity, close, gain = (frame[name].to_numpy() for name in _AMOUNTS)
    days = frame["day"].to_numpy().astype("datetime64[D]")
    return PositionColumns(
        tuple(tickers[number] for number in numbers.tolist()), days, places.astype(np.int64), quantity, close, gain
    )


def read_signal_counts(engine: Engine, *, end: date) -> dict[tuple[str, date], int]:
    """How many signals in force each strategy made for each session to `end`, by strategy and session."""
    count = func.count().label("signals")
    statement = (
        select(signals.c.strategy, signals.c.session_date, count)
        .where(current(signals), signals.c.session_date <= end)
        .group_by(signals.c.strategy, signals.c.session_date)
    )
    with engine.connect() as connection:
        return {(row.strategy, row.session_date): row.signals for row in connection.execute(statement)}


def read_origins(engine: Engine) -> dict[str, Origin]:
    """The strategy and model version behind each order, by order id, whether or not it is still in force.

    Where the signal's own strategy asked no model, the model is that of the first of its components that asked one.
    """
    part = signals.alias("parts")
    of_parts = (
        select(part.c.model_version_id)
        .join(signal_components, signal_components.c.component_id == part.c.signal_id)
        .where(signal_components.c.signal_id == signals.c.signal_id, part.c.model_version_id.is_not(None))
        .order_by(signal_components.c.ordinal)
        .limit(1)
        .correlate(signals)
        .scalar_subquery()
    )
    model = func.coalesce(signals.c.model_version_id, of_parts, "").label("model_version_id")
    statement = select(orders.c.order_id, signals.c.strategy, model).join(
        signals, orders.c.signal_id == signals.c.signal_id
    )
    with engine.connect() as connection:
        return {row.order_id: Origin(row.strategy, row.model_version_id) for row in connection.execute(statement)}
