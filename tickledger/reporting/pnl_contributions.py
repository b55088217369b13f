"""Daily P&L by symbol, sector, strategy and model version: what each contributed to the account's row, to the cent.

For the slot s of a symbol (see `pnl_slots`) with q shares that cost K and close at c:

    total      = Δ(q c) + cash of trades, charges and corporate actions + dividends + value that went to another symbol
    unrealized = Δ(q c − K) + gain that went to another symbol with the shares
    dividends  = cash dividends on its shares
    realized   = total − unrealized − dividends

These add up to the account's realized, unrealized, dividends and total exactly, and each column is told in whole
cents by largest remainder (`pnl_rounding`), so that every way to group the rows adds up to the account's row as well.

What balances and positions say beyond executions, cash and corporate actions is a row named `(unexplained)`: of a
symbol where its shares or their cost differ, of none where cash does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickledger.backtest.daily_results import EXTERNAL_FLOWS
from tickledger.domain.execution import CashTransaction
from tickledger.reporting.pnl import DailyPnl
from tickledger.reporting.pnl_columns import (
    CENT_UNITS,
    MILLION,
    AccountHistory,
    Dates,
    Integers,
    as_days,
    notional_units,
    of_cents,
    to_cents,
    to_units,
)
from tickledger.reporting.pnl_origins import ROUNDING, UNEXPLAINED, Origin
from tickledger.reporting.pnl_rounding import cents_of
from tickledger.reporting.pnl_slots import Movements, SlotKey, movements
from tickledger.risk.exposure import sector_of

#: The columns of money, in the order in which they are kept.
AMOUNTS: Final = ("realized_pnl", "unrealized_pnl", "dividends")
#: The sector of what no symbol earned.
NO_SECTOR: Final = "(account)"


@dataclass(frozen=True, slots=True)
class PnlContribution:
    """What a part of an account added to its P&L of a session, USD in whole cents; total = the other three.

    `symbol` is None for what no symbol earned; a `strategy` in parentheses is a group of `pnl_origins`.
    """

    account_id: str
    session_date: date
    symbol: str | None
    sector: str
    strategy: str
    model_version_id: str | None
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    dividends: Decimal
    total_pnl: Decimal


class Part(NamedTuple):
    """Whose contribution a row is."""

    symbol: str | None
    sector: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class ContributionColumns:
    """Contributions of one account in cents: `day` holds places in `session_dates`, `part` in `parts`."""

    account_id: str
    session_dates: Dates
    parts: tuple[Part, ...]
    day: Integers
    part: Integers
    realized_pnl: Integers
    unrealized_pnl: Integers
    dividends: Integers

    @property
    def total_pnl(self) -> Integers:
        """The sum of the other three."""
        return self.realized_pnl + self.unrealized_pnl + self.dividends

    def rows(self, start: date | None = None) -> list[PnlContribution]:
        """A value for each row of the sessions from `start` on, by session, symbol and origin."""
        first = (
            0 if start is None else np.searchsorted(self.day, np.searchsorted(self.session_dates, np.datetime64(start)))
        )
        columns = (self.day, self.part, self.realized_pnl, self.unrealized_pnl, self.dividends, self.total_pnl)
        dates: list[date] = self.session_dates.tolist()
        return [
            PnlContribution(self.account_id, dates[day], *_named(self.parts[part]), *map(of_cents, amounts))
            for day, part, *amounts in zip(*(column[first:].tolist() for column in columns), strict=True)
        ]


def _named(part: Part) -> tuple[str | None, str, str, str | None]:
    return part.symbol, part.sector, part.origin.strategy, part.origin.model_version_id or None


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Exact contributions before rounding, in millionths of a USD: a row for each `day` and place in `keys`."""

    keys: tuple[SlotKey, ...]
    key: Integers
    day: Integers
    realized: Integers
    unrealized: Integers
    dividends: Integers


def contributions(
    history: AccountHistory,
    account_rows: Sequence[DailyPnl],
    origins: Mapping[str, Origin],
    sectors: Mapping[str, str],
) -> ContributionColumns:
    """What made up `account_rows`, the daily P&L of `history`'s account from any session on.

    `origins` is by order id, `sectors` by symbol. Raises ValueError for a row of a session without a balance,
    InputError for a corporate action that cannot be applied.
    """
    days = np.searchsorted(history.session_dates, as_days(row.session_date for row in account_rows)).astype(np.int64)
    dates = [row.session_date for row in history.balances]
    if [dates[day] for day in days] != [row.session_date for row in account_rows]:
        raise ValueError(f"account {history.account_id}: expected daily P&L of the sessions that have a balance")
    pieces = _with_every_day(_of_days(_exact(history, origins), days), days, account_rows)
    totals = [np.array([to_cents(getattr(row, name)) for row in account_rows], dtype=np.int64) for name in AMOUNTS]
    group = np.searchsorted(days, pieces.day)
    exact = (pieces.realized, pieces.unrealized, pieces.dividends)
    cents = [cents_of(values, group, total) for values, total in zip(exact, totals, strict=True)]
    parts = tuple(_part(key, sectors) for key in pieces.keys)
    place, ranks = _by_name(parts)
    order = np.lexsort((ranks[pieces.key], pieces.day))
    order = order[(cents[0][order] != 0) | (cents[1][order] != 0) | (cents[2][order] != 0)]
    return ContributionColumns(
        account_id=history.account_id,
        session_dates=history.session_dates,
        parts=tuple(parts[old] for old in place),
        day=pieces.day[order],
        part=ranks[pieces.key[order]],
        realized_pnl=cents[0][order],
        unrealized_pnl=cents[1][order],
        dividends=cents[2][order],
    )


def _part(key: SlotKey, sectors: Mapping[str, str]) -> Part:
    symbol, origin = key
    return Part(symbol, NO_SECTOR if symbol is None else sector_of(symbol, sectors), origin)


def _by_name(parts: Sequence[Part]) -> tuple[list[int], Integers]:
    """The places of parts in the order of their names, and the rank of each."""
    place = sorted(range(len(parts)), key=lambda each: (parts[each].symbol or "", parts[each].origin))
    ranks = np.empty(len(parts), dtype=np.int64)
    ranks[place] = np.arange(len(parts))
    return place, ranks


def _exact(history: AccountHistory, origins: Mapping[str, Origin]) -> _Pieces:
    """All contributions, what is not explained among them."""
    closes = _Closes(history)
    moved = movements(history, origins, closes.before)
    of_slots = _of_slots(moved, closes)
    of_symbols = _unexplained_by_symbol(history, moved, closes)
    pieces = _joined(of_slots, of_symbols)
    left = _equity_results(history) - _totals(pieces, len(history.balances))
    days = np.flatnonzero(np.abs(left) >= CENT_UNITS // 2)
    nothing = np.zeros(len(days), dtype=np.int64)
    of_account = _Pieces(((None, UNEXPLAINED),), nothing, days, left[days], nothing, nothing)
    return _joined(pieces, of_account)


class _Closes:
    """The closes of each symbol at each session, carried on where a session has none; 0 before the first."""

    def __init__(self, history: AccountHistory) -> None:
        positions, sessions = history.positions, history.session_dates
        self.places = {symbol: place for place, symbol in enumerate(positions.symbols)}
        self.shape = (len(sessions), len(positions.symbols))
        self.day = np.searchsorted(sessions, positions.session_date).astype(np.int64)
        known = np.zeros(self.shape, dtype=np.int64)
        known[self.day, positions.symbol] = positions.close
        last = np.maximum.accumulate(np.where(known > 0, np.arange(self.shape[0])[:, None], 0), axis=0)
        self.closes: Integers = np.take_along_axis(known, last, axis=0)

    def before(self, symbol: str, day: int) -> int:
        """The close at the session before `day`."""
        place = self.places.get(symbol)
        return 0 if place is None or not day else int(self.closes[day - 1, place])


@dataclass(frozen=True, slots=True)
class _SlotDays:
    """Each slot at each close from its first change on, in order; `key` holds places in `keys`."""

    keys: tuple[SlotKey, ...]
    key: Integers
    day: Integers
    quantity: Integers
    cost: Integers


def _slot_days(moved: Movements, sessions: int) -> _SlotDays:
    keys = tuple(moved.states)
    rows = [(place, *state) for place, key in enumerate(keys) for state in moved.states[key]]
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    key, day, quantity, cost = table.T
    is_last = np.append(key[1:] != key[:-1], True)[: len(key)]
    following = np.where(is_last, sessions, np.append(day[1:], sessions)[: len(key)])
    lengths = np.where((quantity == 0) & (cost == 0), 1, following - day)
    source = np.repeat(np.arange(len(key)), lengths)
    offset = np.arange(len(source)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return _SlotDays(keys, key[source], day[source] + offset, quantity[source], cost[source])


def _of_slots(moved: Movements, closes: _Closes) -> _Pieces:
    sessions = closes.shape[0]
    held = _slot_days(moved, sessions)
    gain = _value(held, closes) - held.cost
    is_first = np.append(True, held.key[1:] != held.key[:-1])[: len(held.key)]
    held_pieces = _Pieces(
        keys=held.keys,
        key=held.key,
        day=held.day,
        realized=_change(held.cost, is_first),
        unrealized=_change(gain, is_first),
        dividends=np.zeros(len(gain), dtype=np.int64),
    )
    rows = [
        (day, flow.cash + flow.cost_out, flow.value_out - flow.cost_out, flow.dividends)
        for (_, day), flow in moved.flows.items()
    ]
    keys = tuple(dict.fromkeys(key for key, _ in moved.flows))
    places = {key: place for place, key in enumerate(keys)}
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    key = np.array([places[key] for key, _ in moved.flows], dtype=np.int64)
    return _joined(held_pieces, _Pieces(keys, key, *table.T))


def _change(values: Integers, is_first: NDArray[np.bool_]) -> Integers:
    before = np.where(is_first, 0, np.append(0, values[:-1])[: len(values)])
    change: Integers = values - before
    return change


def _value(held: _SlotDays, closes: _Closes) -> Integers:
    places = np.array([closes.places.get(symbol or "", -1) for symbol, _ in held.keys], dtype=np.int64)
    symbol = places[held.key]
    if not closes.shape[1]:
        return np.zeros(len(symbol), dtype=np.int64)
    price = np.where(symbol < 0, 0, closes.closes[held.day, symbol])
    return notional_units(held.quantity, price)


def gross_by_strategy(history: AccountHistory, origins: Mapping[str, Origin]) -> dict[str, NDArray[np.float64]]:
    """The absolute value of what each strategy's slots hold at every close, USD, by strategy or named group."""
    closes = _Closes(history)
    held = _slot_days(movements(history, origins, closes.before), len(history.balances))
    value = np.abs(_value(held, closes))
    names = [origin.strategy for _, origin in held.keys]
    gross = {}
    for name in sorted(set(names)):
        is_mine = np.array([each == name for each in names])[held.key]
        units = np.zeros(len(history.balances), dtype=np.int64)
        np.add.at(units, held.day[is_mine], value[is_mine])
        gross[name] = units / MILLION
    return gross


def _unexplained_by_symbol(history: AccountHistory, moved: Movements, closes: _Closes) -> _Pieces:
    """How far the recorded positions are from the slots: the change of what their value and gain are beyond them."""
    positions, held = history.positions, _slot_days(moved, closes.shape[0])
    places = np.array([closes.places.get(symbol or "", -1) for symbol, _ in held.keys], dtype=np.int64)
    symbol, is_known = places[held.key], places[held.key] >= 0
    value = _value(held, closes)
    beyond = []
    for recorded, told in ((positions.value, value), (positions.open_gain, value - held.cost)):
        table = np.zeros(closes.shape, dtype=np.int64)
        np.add.at(table, (closes.day, positions.symbol), recorded)
        np.subtract.at(table, (held.day[is_known], symbol[is_known]), told[is_known])
        table[np.abs(table) < CENT_UNITS] = 0
        beyond.append(np.diff(table, axis=0, prepend=0))
    total, unrealized = beyond
    day, place = np.nonzero((total != 0) | (unrealized != 0))
    keys: tuple[SlotKey, ...] = tuple((name, UNEXPLAINED) for name in positions.symbols)
    gain = unrealized[day, place]
    return _Pieces(keys, place, day, total[day, place] - gain, gain, np.zeros(len(day), dtype=np.int64))


def _joined(one: _Pieces, other: _Pieces) -> _Pieces:
    """The pieces of both, those of one day and key added up."""
    keys = tuple(dict.fromkeys((*one.keys, *other.keys)))
    places = {key: place for place, key in enumerate(keys)}
    named = [np.array([places[key] for key in each.keys], dtype=np.int64)[each.key] for each in (one, other)]
    key, day = np.concatenate(named), np.concatenate((one.day, other.day))
    amounts = [
        np.concatenate((getattr(one, name), getattr(other, name))) for name in ("realized", "unrealized", "dividends")
    ]
    if not len(other.day):
        return _Pieces(keys, key, day, *amounts)
    return _added_up(keys, key, day, amounts)


def _added_up(keys: tuple[SlotKey, ...], key: Integers, day: Integers, amounts: Sequence[Integers]) -> _Pieces:
    span = int(day.max()) + 1
    place = key * span + day
    order = np.argsort(place, kind="stable")
    ordered = place[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
    sums = [np.add.reduceat(amount[order], starts) for amount in amounts]
    key, day = np.divmod(ordered[starts], span)
    return _Pieces(keys, key, day, *sums)


def _totals(pieces: _Pieces, sessions: int) -> Integers:
    totals = np.zeros(sessions, dtype=np.int64)
    np.add.at(totals, pieces.day, pieces.realized + pieces.unrealized + pieces.dividends)
    return totals


def _equity_results(history: AccountHistory) -> Integers:
    """The change of equity of each session less the owner's flows, in millionths of a USD."""
    equity = np.array([to_units(row.equity) for row in history.balances], dtype=np.int64)
    return np.diff(equity, prepend=0) - _flows(history.cash_transactions, history)


def _flows(transactions: Sequence[CashTransaction], history: AccountHistory) -> Integers:
    flows = np.zeros(len(history.balances) + 1, dtype=np.int64)
    external = [row for row in transactions if row.kind in EXTERNAL_FLOWS]
    places = np.searchsorted(history.session_dates, as_days(row.session_date for row in external))
    np.add.at(flows, places, np.array([to_units(row.amount) for row in external], dtype=np.int64))
    return flows[:-1]


def _of_days(pieces: _Pieces, days: Integers) -> _Pieces:
    is_wanted = np.isin(pieces.day, days)
    columns = (pieces.key, pieces.day, pieces.realized, pieces.unrealized, pieces.dividends)
    return _Pieces(pieces.keys, *(column[is_wanted] for column in columns))


def _with_every_day(pieces: _Pieces, days: Integers, rows: Sequence[DailyPnl]) -> _Pieces:
    """`pieces` with one of nothing, named as rounding, for each day that has none and yet a cent."""
    has_cents = np.array([any(getattr(row, name) for name in AMOUNTS) for row in rows], dtype=bool)
    bare = np.setdiff1d(days[has_cents], pieces.day)
    nothing = np.zeros(len(bare), dtype=np.int64)
    return _joined(pieces, _Pieces(((None, ROUNDING),), nothing, bare, nothing, nothing, nothing))
