"""The history of one account as a dashboard draws it: NAV, return, drawdown, exposure and P&L to date.

Everything comes from what `reports/daily_pnl` stored, a row a session, so that it costs the same however many
executions and positions an account has. Money is told in floats: this is for charts; whoever adds up reads the rows
themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Connection, Double, Engine, Table, cast, select

from tickledger.db.copying import query_frame
from tickledger.db.records import Selection, selected
from tickledger.db.tables import daily_pnl, roll_forwards

Floats = NDArray[np.float64]
_EXPOSURES: Final = ("gross_exposure", "net_exposure")
_COLUMNS: Final = (
    (daily_pnl, ("portfolio_value", "cash_balance", "realized_pnl", "dividends", "total_pnl")),
    (roll_forwards, _EXPOSURES),
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
    selection = Selection(account_id=account_id, start=start, end=end)
    with engine.connect() as connection:
        told, rolled = (_read(connection, table, selection, names) for table, names in _COLUMNS)
    days = told["day"]
    money = told | {name: _on(days, rolled["day"], rolled[name]) for name in _EXPOSURES}
    pnl, nav = money["total_pnl"], money["portfolio_value"]
    base = nav - pnl
    returns = np.divide(pnl, base, out=np.full(len(pnl), np.nan), where=base > 0)
    growth = np.cumprod(1 + np.nan_to_num(returns))
    highest = np.maximum.accumulate(np.maximum(growth, 1.0))
    return AccountSeries(
        account_id=account_id,
        session_dates=days.astype(np.int64).astype("datetime64[D]"),
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


def _read(connection: Connection, table: Table, selection: Selection, names: Sequence[str]) -> dict[str, Floats]:
    """The rows in force by session, each column as floats; `day` counts from 1970."""
    day = cast(table.c.session_date - _EPOCH, BigInteger).label("day")
    money = (cast(table.c[name], Double).label(name) for name in names)
    where = selected(table, table.c.session_date, selection)
    statement = select(day, *money).where(*where).order_by(table.c.session_date)
    frame = query_frame(connection, statement, dict.fromkeys(("day", *names), pa.float64()))
    return {name: frame[name].to_numpy(dtype=np.float64) for name in ("day", *names)}


def _on(days: Floats, known: Floats, values: Floats) -> Floats:
    """`values` of the days that are `known`, in order, for each of `days`; NaN where there is none."""
    if not len(known):
        return np.full(len(days), np.nan)
    place = np.minimum(np.searchsorted(known, days), len(known) - 1)
    return np.where(known[place] == days, values[place], np.nan)
