"""The history of one account as a dashboard draws it: NAV, return, drawdown, exposure and P&L to date, in one query.

Everything comes from what `reports/daily_pnl` stored, a row a session, so that it costs the same however many
executions and positions an account has. Money is told in floats: this is for charts; whoever adds up reads the rows
themselves.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Double, Engine, cast, select

from tickledger.db.copying import query_frame
from tickledger.db.records import Selection, selected
from tickledger.db.tables import daily_pnl, roll_forwards

Floats = NDArray[np.float64]
_MONEY = (
    *("portfolio_value", "cash_balance", "realized_pnl", "dividends", "total_pnl"),
    *("gross_exposure", "net_exposure"),
)
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class AccountSeries:
    """An account by session, arrays of one length; money in USD, returns and drawdowns as fractions.

    `daily_return` is NaN for a session that started with nothing (flows count from its start). `growth` is 1 at the
    start and then linked; `drawdown` is growth over its highest so far, the start included, less 1. `gross_exposure`
    and `net_exposure` are NaN for sessions that have no roll-forward.
    """

    account_id: str
    session_dates: NDArray[np.datetime64]
    nav: Floats
    cash: Floats
    pnl: Floats
    pnl_to_date: Floats
    realized_to_date: Floats
    dividends_to_date: Floats
    daily_return: Floats
    growth: Floats
    drawdown: Floats
    gross_exposure: Floats
    net_exposure: Floats


def read_account_series(
    engine: Engine, account_id: str, *, start: date | None = None, end: date | None = None
) -> AccountSeries:
    """The series of `account_id` from `start` to `end`; what is to date counts from the first session of these."""
    frame = _read(engine, Selection(account_id=account_id, start=start, end=end))
    money = {name: frame[name].to_numpy(dtype=np.float64) for name in _MONEY}
    pnl, nav = money["total_pnl"], money["portfolio_value"]
    base = nav - pnl
    returns = np.divide(pnl, base, out=np.full(len(pnl), np.nan), where=base > 0)
    growth = np.cumprod(1 + np.nan_to_num(returns))
    highest = np.maximum.accumulate(np.maximum(growth, 1.0))
    return AccountSeries(
        account_id=account_id,
        session_dates=frame["day"].to_numpy().astype("datetime64[D]"),
        nav=nav,
        cash=money["cash_balance"],
        pnl=pnl,
        pnl_to_date=np.cumsum(pnl),
        realized_to_date=np.cumsum(money["realized_pnl"]),
        dividends_to_date=np.cumsum(money["dividends"]),
        daily_return=returns,
        growth=growth,
        drawdown=growth / highest - 1,
        gross_exposure=money["gross_exposure"],
        net_exposure=money["net_exposure"],
    )


def _read(engine: Engine, selection: Selection) -> pd.DataFrame:
    rolled = roll_forwards
    day = cast(daily_pnl.c.session_date - _EPOCH, BigInteger).label("day")
    columns = [(daily_pnl.c if name in daily_pnl.c else rolled.c)[name] for name in _MONEY]
    same = (rolled.c.account_id == daily_pnl.c.account_id) & (rolled.c.session_date == daily_pnl.c.session_date)
    statement = (
        select(day, *(cast(column, Double).label(column.name) for column in columns))
        .outerjoin(rolled, same & rolled.c.superseded_at.is_(None))
        .where(*selected(daily_pnl, daily_pnl.c.session_date, selection))
        .order_by(daily_pnl.c.session_date)
    )
    with engine.connect() as connection:
        return query_frame(connection, statement, {"day": pa.int64(), **dict.fromkeys(_MONEY, pa.float64())})
