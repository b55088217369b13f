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
    places = {row.session_date: place for place, row in enumerate(history.balances)}
    if not all(row.session_date in places for row in account_rows):
        raise ValueError(f"account {history.account_id}: expected daily P&L of the sessions that have a balance")
    days = np.array([places[row.session_date] for row in account_rows], dtype=np.int64)
    exact = _exact(history, origins)
    keys = tuple(dict.fromkeys(key for each in exact for key in each.keys))
    place, ranks = _by_name([_part(key, sectors) for key in keys])
    parts = tuple(_part(keys[old], sectors) for old in place)
    pieces = _joined(exact, {key: int(ranks[number]) for number, key in enumerate(keys)}, days)
    totals = [np.array([to_cents(getattr(row, name)) for row in account_rows], dtype=np.int64) for name in AMOUNTS]
    pieces, parts = _with_every_day(pieces, parts, days, totals)
    group = np.searchsorted(days, pieces.day)
    cents = [
        cents_of(values, group, total)
        for values, total in zip((pieces.realized, pieces.unrealized, pieces.dividends), totals, strict=True)
    ]
    told = np.flatnonzero((cents[0] != 0) | (cents[1] != 0) | (cents[2] != 0))
    return ContributionColumns(
        account_id=history.account_id,
        session_dates=history.session_dates,
        parts=parts,
        day=pieces.day[told],
        part=pieces.key[told],
        realized_pnl=cents[0][told],
        unrealized_pnl=cents[1][told],
        dividends=cents[2][told],
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


def _exact(history: AccountHistory, origins: Mapping[str, Origin]) -> list[_Pieces]:
    """All contributions, what is not explained among them."""
    closes = _Closes(history)
    moved = movements(history, origins, closes.before)
    held = _slot_days(moved, closes)
    found = [_of_holdings(held), _of_flows(moved), _unexplained_by_symbol(history, held, closes)]
    left = _equity_results(history) - sum(_totals(pieces, len(history.balances)) for pieces in found)
    days = np.flatnonzero(np.abs(left) >= CENT_UNITS // 2)
    nothing = np.zeros(len(days), dtype=np.int64)
    return [*found, _Pieces(((None, UNEXPLAINED),), nothing, days, left[days], nothing, nothing)]


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

    def of(self, symbol: Integers, day: Integers) -> Integers:
        """The closes of symbols, by their places, at days; 0 for place −1."""
        if not self.shape[1]:
            return np.zeros(len(symbol), dtype=np.int64)
        return np.where(symbol < 0, 0, self.closes[day, symbol])

    def before(self, symbol: str, day: int) -> int:
        """The close at the session before `day`."""
        place = self.places.get(symbol)
        return 0 if place is None or not day else int(self.closes[day - 1, place])


@dataclass(frozen=True, slots=True)
class _SlotDays:
    """Each slot at each close from its first change on, in order; `key` holds places in `keys`, `symbol` in the closes.

    `symbol` is −1 for a symbol that is in no position: held for no close.
    """

    keys: tuple[SlotKey, ...]
    key: Integers
    day: Integers
    symbol: Integers
    cost: Integers
    value: Integers


def _slot_days(moved: Movements, closes: _Closes) -> _SlotDays:
    sessions, keys = closes.shape[0], tuple(moved.states)
    rows = [(place, *state) for place, key in enumerate(keys) for state in moved.states[key]]
    key, day, quantity, cost = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    is_last = np.append(key[1:] != key[:-1], True)[: len(key)]
    following = np.where(is_last, sessions, np.append(day[1:], sessions)[: len(key)])
    lengths = np.where((quantity == 0) & (cost == 0), 1, following - day)
    source = np.repeat(np.arange(len(key)), lengths)
    days = day[source] + np.arange(len(source)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    symbol = np.array([closes.places.get(name or "", -1) for name, _ in keys], dtype=np.int64)[key[source]]
    value = notional_units(quantity[source], closes.of(symbol, days))
    return _SlotDays(keys, key[source], days, symbol, cost[source], value)


def _of_holdings(held: _SlotDays) -> _Pieces:
    """What slots gained by prices, and what became of their cost."""
    is_first = np.append(True, held.key[1:] != held.key[:-1])[: len(held.key)]
    realized = _change(held.cost, is_first)
    unrealized = _change(held.value - held.cost, is_first)
    return _Pieces(held.keys, held.key, held.day, realized, unrealized, np.zeros(len(realized), dtype=np.int64))


def _of_flows(moved: Movements) -> _Pieces:
    """What slots took in besides."""
    rows = [
        (day, flow.cash + flow.cost_out, flow.value_out - flow.cost_out, flow.dividends)
        for (_, day), flow in moved.flows.items()
    ]
    keys = tuple(dict.fromkeys(key for key, _ in moved.flows))
    places = {key: place for place, key in enumerate(keys)}
    key = np.array([places[key] for key, _ in moved.flows], dtype=np.int64)
    return _Pieces(keys, key, *np.array(rows, dtype=np.int64).reshape(-1, 4).T)


def _change(values: Integers, is_first: NDArray[np.bool_]) -> Integers:
    before = np.where(is_first, 0, np.append(0, values[:-1])[: len(values)])
    change: Integers = values - before
    return change


def gross_by_strategy(history: AccountHistory, origins: Mapping[str, Origin]) -> dict[str, NDArray[np.float64]]:
    """The absolute value of what each strategy's slots hold at every close, USD, by strategy or named group."""
    closes = _Closes(history)
    held = _slot_days(movements(history, origins, closes.before), closes)
    value = np.abs(held.value)
    names = [origin.strategy for _, origin in held.keys]
    gross = {}
    for name in sorted(set(names)):
        is_mine = np.array([each == name for each in names])[held.key]
        units = np.zeros(len(history.balances), dtype=np.int64)
        np.add.at(units, held.day[is_mine], value[is_mine])
        gross[name] = units / MILLION
    return gross


def _unexplained_by_symbol(history: AccountHistory, held: _SlotDays, closes: _Closes) -> _Pieces:
    """How far the recorded positions are from the slots: the change of what their value and gain are beyond them."""
    positions, known = history.positions, np.flatnonzero(held.symbol >= 0)
    beyond = []
    for recorded, told in ((positions.value, held.value), (positions.open_gain, held.value - held.cost)):
        table = np.zeros(closes.shape, dtype=np.int64)
        table[closes.day, positions.symbol] = recorded
        np.subtract.at(table, (held.day[known], held.symbol[known]), told[known])
        table[np.abs(table) < CENT_UNITS] = 0
        beyond.append(np.diff(table, axis=0, prepend=0))
    total, unrealized = beyond
    day, place = np.nonzero((total != 0) | (unrealized != 0))
    keys: tuple[SlotKey, ...] = tuple((name, UNEXPLAINED) for name in positions.symbols)
    gain = unrealized[day, place]
    return _Pieces(keys, place, day, total[day, place] - gain, gain, np.zeros(len(day), dtype=np.int64))


def _joined(all_pieces: Sequence[_Pieces], ranks: Mapping[SlotKey, int], days: Integers) -> _Pieces:
    """The pieces of `days` together, those of one day and key added up, by day and the key's rank, its new place."""
    is_wanted = np.zeros(int(max((each.day.max(initial=0) for each in all_pieces), default=0)) + 1, dtype=bool)
    is_wanted[days[days < len(is_wanted)]] = True
    kept = [np.flatnonzero(is_wanted[each.day]) for each in all_pieces]
    places = [
        each.day[rows] * len(ranks) + np.array([ranks[key] for key in each.keys], dtype=np.int64)[each.key[rows]]
        for each, rows in zip(all_pieces, kept, strict=True)
    ]
    place = np.concatenate(places)
    order = np.argsort(place)
    ordered = place[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
    sums = [
        _reduced(
            np.concatenate([getattr(each, name)[rows] for each, rows in zip(all_pieces, kept, strict=True)])[order],
            starts,
        )
        for name in ("realized", "unrealized", "dividends")
    ]
    day, key = np.divmod(ordered[starts], max(len(ranks), 1))
    return _Pieces(tuple(sorted(ranks, key=lambda each: ranks[each])), key, day, *sums)


def _reduced(values: Integers, starts: Integers) -> Integers:
    return np.add.reduceat(values, starts) if len(starts) else values


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


def _with_every_day(
    pieces: _Pieces, parts: tuple[Part, ...], days: Integers, totals: Sequence[Integers]
) -> tuple[_Pieces, tuple[Part, ...]]:
    """`pieces` with one of nothing, named as rounding, for each day that has none and yet a cent."""
    has_cents = np.any([total != 0 for total in totals], axis=0)
    bare = np.setdiff1d(days[has_cents], pieces.day)
    if not len(bare):
        return pieces, parts
    nothing = np.zeros(len(bare), dtype=np.int64)
    columns = ((pieces.realized, nothing), (pieces.unrealized, nothing), (pieces.dividends, nothing))
    key, day = np.concatenate((pieces.key, nothing + len(parts))), np.concatenate((pieces.day, bare))
    order = np.argsort(day, kind="stable")
    amounts = (np.concatenate(column)[order] for column in columns)
    rounding = Part(None, NO_SECTOR, ROUNDING)
    return _Pieces((*pieces.keys, (None, ROUNDING)), key[order], day[order], *amounts), (*parts, rounding)
