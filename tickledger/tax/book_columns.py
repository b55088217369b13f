"""The settled tables of one household's book as columns: lots, and what stands for what.

What belongs here: reading the tables of the kernel whatever is asked of them. Money is in cents, dates are ordinals,
shares are in units of `share_units` to the share.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from tickledger.domain.column_ids import Lanes, hashed, hashed_texts, ids_of
from tickledger.domain.instrument import AssetClass
from tickledger.tax.book import HouseholdBook
from tickledger.tax.column_values import Flags, Numbers, at, nearest_cents, table, taken, times_before
from tickledger.tax.kernel import columns as c

ASSET_CLASSES: Final = tuple(AssetClass)


@dataclass(frozen=True)
class BookColumns:
    """The settled tables of a book, and the columns of lots in them.

    `until` is the last day the data cover.
    """

    book: HouseholdBook
    until: int

    # Tables

    @cached_property
    def lots(self) -> Numbers:
        """Lots as the kernel has them."""
        return self._table("lots", c.LOTS)

    @cached_property
    def sublots(self) -> Numbers:
        """Sublots as the kernel has them."""
        return self._table("sublots", c.SUBLOTS)

    @cached_property
    def pieces(self) -> Numbers:
        """The journal as the kernel has it."""
        return self._table("pieces", c.PIECES)

    @cached_property
    def closings(self) -> Numbers:
        """Closings as the kernel has them."""
        return self._table("closings", c.CLOSINGS)

    @cached_property
    def washes(self) -> Numbers:
        """Wash sales as the kernel has them."""
        return self._table("washes", c.WASHES)

    @cached_property
    def positions(self) -> Numbers:
        """Positions as the kernel has them."""
        return table(self.book.book.positions, len(self.book.book.positions))

    def _table(self, name: str, number: int) -> Numbers:
        return table(getattr(self.book.book, name), int(self.book.book.counts[number]))

    # Names

    @cached_property
    def opening_texts(self) -> list[str]:
        """The executions that opened lots: the fills, then the opening lots."""
        return [*self.book.columns.execution_ids, *self.book.opening_ids]

    @cached_property
    def closing_texts(self) -> list[str]:
        """The events that closed lots: the fills, then the corporate actions."""
        return [*self.book.columns.execution_ids, *(name for name, _ in self.book.action_ids)]

    def place_of(self, fills: Numbers) -> Numbers:
        """Places in `opening_texts` or `closing_texts` of what LOT_FILL or CLOSING_FILL name."""
        count = len(self.book.columns.execution_ids)
        return np.where(fills >= 0, fills, count - 2 - fills).astype(np.int64, copy=False)

    @cached_property
    def position_lanes(self) -> Lanes:
        """The hash of each position: account, symbol, asset class and side."""
        names = [
            f"{account}\x1f{symbol}" for account, symbol in zip(self.book.account_ids, self.book.symbols, strict=True)
        ]
        classes = [self.asset_class(symbol) for symbol in self.book.symbols]
        rows = len(names)
        return hashed((hashed_texts(names), np.array(classes, dtype=np.int64), np.arange(rows) % 2), rows)

    def asset_class(self, symbol: str) -> int:
        """The place of a symbol's asset class in ASSET_CLASSES."""
        return ASSET_CLASSES.index(self.book.asset_classes.get(symbol, AssetClass.STOCK))

    @cached_property
    def is_left_out(self) -> Flags:
        """By position: whether its security could not be computed."""
        return np.array([self.book.is_left_out(symbol) for symbol in self.book.symbols], dtype=bool)

    # Lots

    @cached_property
    def sublot_position(self) -> Numbers:
        """The position of each sublot's lot."""
        lots = self.sublots[:, c.SUBLOT_LOT].astype(np.int64, copy=False)
        return at(self.lots, lots, c.LOT_POSITION).astype(np.int64, copy=False)

    def whole_basis(self, sublots: Numbers) -> tuple[Numbers, Numbers]:
        """Original and adjusted basis of sublots as they were when last whole, cents."""
        cost, carried = self.sublots[sublots, c.SUBLOT_WHOLE_COST], self.sublots[sublots, c.SUBLOT_WHOLE_CARRIED]
        signed = np.where(self.sublot_position[sublots] % 2 == 1, -carried, carried)
        returned = self.sublots[sublots, c.SUBLOT_WHOLE_RETURNED]
        return nearest_cents(cost + returned), nearest_cents(cost + signed)

    def lot_lanes(self, sublots: Numbers) -> Lanes:
        """The hash of sublots as they were when last whole."""
        lots = self.sublots[sublots, c.SUBLOT_LOT].astype(np.int64, copy=False)
        original, adjusted = self.whole_basis(sublots)
        return hashed(
            (
                taken(self._lot_lanes, lots),
                self.sublots[sublots, c.SUBLOT_ORDINAL],
                self.sublots[sublots, c.SUBLOT_START],
                *self.reduced(self.sublots[sublots, c.SUBLOT_WHOLE_UNITS]),
                original,
                adjusted,
            ),
            len(sublots),
        )

    @cached_property
    def _lot_lanes(self) -> Lanes:
        """The hash of what the sublots of each lot share: position, opening and date."""
        position = self.lots[:, c.LOT_POSITION].astype(np.int64, copy=False)
        place = self.place_of(self.lots[:, c.LOT_FILL])
        parts = (taken(self.position_lanes, position), taken(self.opening_lanes, place), self.lots[:, c.LOT_ACQUIRED])
        lanes = hashed(parts, len(self.lots))
        again = times_before(position * (len(self.opening_texts) + 1) + place)
        if again.any():
            # Shares of one purchase may come to a position in several parts, which may be alike in all they say.
            repeated = np.flatnonzero(again)
            for lane, of_repeated in zip(
                lanes, hashed((taken(lanes, repeated), again[repeated]), len(repeated)), strict=True
            ):
                lane[repeated] = of_repeated
        return lanes

    @cached_property
    def opening_lanes(self) -> Lanes:
        """The hash of each of `opening_texts`."""
        return hashed_texts(self.opening_texts)

    @cached_property
    def closing_lanes(self) -> Lanes:
        """The hash of each of `closing_texts`."""
        if not self.book.action_ids and not self.book.opening_ids:
            return self.opening_lanes
        events = (f"{name}\x1f{action_id or ''}" for name, action_id in self.book.action_ids)
        return hashed_texts([*self.book.columns.execution_ids, *events])

    def reduced(self, units: Numbers) -> tuple[Numbers, Numbers]:
        """Shares as a fraction in lowest terms, the same whatever `share_units` is."""
        if self.book.share_units == 1:
            return units, np.array(1, dtype=np.int64)
        divisor: Numbers = np.gcd(units, self.book.share_units)
        return units // divisor, self.book.share_units // divisor

    def lot_ids_of(self, sublots: Numbers) -> npt.NDArray[np.bytes_]:
        """The ids of sublots as they were when last whole."""
        return ids_of("lot", self.lot_lanes(sublots.astype(np.int64, copy=False)))

    @cached_property
    def held(self) -> Numbers:
        """Sublots that are still held, in order."""
        places = self.sublots[:, c.SUBLOT_PLACE]
        held = np.flatnonzero(places != c.NONE)
        held = held[~self.is_left_out[self.sublot_position[held]]]
        return held[np.argsort(places[held], kind="stable")]

    def of_held(self, place: int) -> Numbers:
        """A column of the sublots that are still held."""
        return at(self.sublots, self.held, place)

    @cached_property
    def held_basis(self) -> tuple[Numbers, Numbers]:
        """Original and adjusted basis of what is still held, cents."""
        carried, cost = self.of_held(c.SUBLOT_HELD_CARRIED), self.of_held(c.SUBLOT_HELD_COST)
        is_short = self.sublot_position[self.held] % 2 == 1
        returned = nearest_cents(self.of_held(c.SUBLOT_RETURNED))
        return cost + returned, np.where(is_short, cost - carried, cost + carried)
