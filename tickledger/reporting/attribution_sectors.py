"""An account as segments by sector, session by session, beside the equally weighted market of the record.

    base         the account's value at the start of the session, the owner's flow included
    weight       (value of the sector's positions at the close before + what is bought of it in the session) / base
    contribution P&L of the sector (`pnl_contributions`) / base

What is bought counts from the start of the session, what is sold until its end, so that a sector that is entered or
left has the weight on which it earned. What is left of the base is cash, a segment of its own: what the account
earned as such (interest, fees, what nothing explains) is its contribution, and the benchmark has none of it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from tickledger.domain.order import OrderSide
from tickledger.reporting.attribution import Floats, SegmentDays
from tickledger.reporting.pnl_columns import CENT_UNITS, MILLION, AccountHistory, as_days
from tickledger.reporting.pnl_contributions import NO_SECTOR, ContributionColumns
from tickledger.reporting.returns import DailyReturn, daily_returns
from tickledger.reporting.returns_market import MarketReturns, sectors_of_market
from tickledger.risk.exposure import sector_of

_OPENS: Final = frozenset({OrderSide.BUY, OrderSide.SELL_SHORT})


def segment_days(
    history: AccountHistory, columns: ContributionColumns, market: MarketReturns, sectors: Mapping[str, str]
) -> SegmentDays:
    """The sessions of `history` that start with some money; `columns` are all its contributions."""
    returns = daily_returns(history.balances, history.cash_transactions)
    base = np.array([float(row.opening + row.flow) for row in returns])
    is_in = base > 0
    named = {*(sector_of(symbol, sectors) for symbol in market.symbols), *(part.sector for part in columns.parts)}
    names = (*sorted(named - {NO_SECTOR}), NO_SECTOR)
    safe = np.where(is_in, base, 1.0)[:, None]
    earned = _earned(columns, names) / safe
    weights = _put_in(history, sectors, names) / safe
    weights[:, -1] = 1 - weights[:, :-1].sum(axis=1)
    of_market = [_on(returns, market, table) for table in sectors_of_market(market, sectors, names)]
    # On a session without a bar the benchmark is all cash.
    of_market[0][:, -1] = 1 - of_market[0][:, :-1].sum(axis=1)
    dates = tuple(row.session_date for row, wanted in zip(returns, is_in, strict=True) if wanted)
    return SegmentDays(dates, names, *(table[is_in] for table in (weights, earned, *of_market)))


def _earned(columns: ContributionColumns, names: Sequence[str]) -> Floats:
    """USD of P&L by session and sector."""
    places = {name: place for place, name in enumerate(names)}
    sector = np.array([places[part.sector] for part in columns.parts], dtype=np.int64)
    cents = np.zeros((len(columns.session_dates), len(names)), dtype=np.int64)
    np.add.at(cents, (columns.day, sector[columns.part]), columns.total_pnl)
    return cents * CENT_UNITS / MILLION


def _put_in(history: AccountHistory, sectors: Mapping[str, str], names: Sequence[str]) -> Floats:
    """USD at work by session and sector: the value at the close before and what was bought since."""
    places = {name: place for place, name in enumerate(names)}
    positions, sessions = history.positions, history.session_dates
    units = np.zeros((len(sessions) + 1, len(names)), dtype=np.int64)
    of_symbol = np.array([places[sector_of(symbol, sectors)] for symbol in positions.symbols], dtype=np.int64)
    following = np.searchsorted(sessions, positions.session_date) + 1
    np.add.at(units, (following, of_symbol[positions.symbol]), positions.value)
    table: Floats = units / MILLION
    bought = [fill for fill in history.executions if fill.side in _OPENS]
    days = np.searchsorted(sessions, as_days(fill.trade_date for fill in bought))
    for day, fill in zip(days.tolist(), bought, strict=True):
        table[day, places[sector_of(fill.symbol, sectors)]] += float(fill.side.sign * fill.quantity * fill.price)
    return table[:-1]


def _on(returns: Sequence[DailyReturn], market: MarketReturns, table: Floats) -> Floats:
    """The rows of a table of the market's sessions for those of an account, zero where it has none."""
    places = {day: place for place, day in enumerate(market.session_dates)}
    found = np.array([places.get(row.session_date, -1) for row in returns], dtype=np.int64)
    rows = np.zeros((len(returns), table.shape[1]))
    is_known = found >= 0
    rows[is_known] = table[found[is_known]]
    return rows
