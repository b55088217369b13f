"""What one household's history came to, as columns; rows are made of them where somebody looks at rows.

What belongs here: reading the settled tables of the kernel. Money is in cents, dates are ordinals, shares are in
units of `share_units` to the share.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from tickledger.domain.column_ids import Lanes, hashed, ids_of
from tickledger.domain.lot import ClosedBy
from tickledger.tax.book_columns import BookColumns
from tickledger.tax.column_values import Flags, Numbers, at, long_term_from, taken
from tickledger.tax.kernel import columns as c
from tickledger.tax.wash_sales import WINDOW_DAYS

CLOSED_BY: Final = (ClosedBy.TRADE, ClosedBy.EXPIRY, ClosedBy.CORPORATE_ACTION)


@dataclass(frozen=True)
class HouseholdColumns(BookColumns):
    """The columns of gains and wash sales, beside those of the book.

    Losses whose window reaches beyond `until` are provisional. `tax_year` and `account_ids` limit gains and wash
    sales, where they are given.
    """

    tax_year: int | None = None
    account_ids: frozenset[str] | None = None

    def of(self, *, tax_year: int, account_ids: frozenset[str]) -> "HouseholdColumns":
        """The same of one year's gains in some accounts."""
        return replace(self, tax_year=tax_year, account_ids=account_ids)

    @cached_property
    def referred(self) -> Numbers:
        """Sublots that a gain, a wash sale or an open lot refers to."""
        carriers = self.washes[self.wash_rows, c.WASH_SUBLOT]
        kept = [self.gain_sublots, self.held, carriers[carriers != c.NONE]]
        return np.unique(np.concatenate([part.astype(np.int64, copy=False) for part in kept]))

    # Gains

    @cached_property
    def gain_pieces(self) -> Numbers:
        """The pieces of the journal that are gains or losses of somebody, in order."""
        is_realized = self.pieces[:, c.PIECE_KIND] <= c.PAID
        found = np.flatnonzero(is_realized.astype(bool))
        position = self.sublot_position[self.pieces[found, c.PIECE_SUBLOT].astype(np.int64, copy=False)]
        keep = (self.positions[position, c.POSITION_IRA] == 0).astype(bool) & ~self.is_left_out[position]
        if self.account_ids is not None:
            is_own = np.array([name in self.account_ids for name in self.book.account_ids], dtype=bool)
            keep &= is_own[position]
        if self.tax_year is not None:
            sold = self.closings[self.pieces[found, c.PIECE_CLOSING].astype(np.int64, copy=False), c.CLOSING_DATE]
            first, last = (date(self.tax_year, month, 1).toordinal() for month in (1, 12))
            keep &= ((sold >= first) & (sold < last + 31)).astype(bool)
        kept: Numbers = found[keep]
        return kept

    @cached_property
    def _of_gains(self) -> dict[int, Numbers]:
        """Columns that were asked for: each is gathered from rows that are far from each other."""
        return {}

    def of_gain(self, place: int) -> Numbers:
        """A column of the pieces that are gains."""
        if place not in self._of_gains:
            self._of_gains[place] = at(self.pieces, self.gain_pieces, place)
        return self._of_gains[place]

    def of_lot(self, place: int) -> Numbers:
        """A column of the lots that gains are of."""
        return at(self.lots, self._gain_lot, place)

    def of_closing(self, place: int) -> Numbers:
        """A column of the closings that gains are by."""
        return at(self.closings, self._gain_closing, place)

    @cached_property
    def _gain_lot(self) -> Numbers:
        return at(self.sublots, self.gain_sublots, c.SUBLOT_LOT).astype(np.int64, copy=False)

    @cached_property
    def _gain_closing(self) -> Numbers:
        return self.of_gain(c.PIECE_CLOSING).astype(np.int64, copy=False)

    @cached_property
    def gain_sublots(self) -> Numbers:
        """The sublot of each gain."""
        return self.of_gain(c.PIECE_SUBLOT).astype(np.int64, copy=False)

    @cached_property
    def gain_position(self) -> Numbers:
        """The position of each gain."""
        return self.sublot_position[self.gain_sublots]

    @cached_property
    def opening(self) -> Numbers:
        """Places in `opening_texts` of what opened the lot of each gain."""
        return self.place_of(self.of_lot(c.LOT_FILL))

    @cached_property
    def closing(self) -> Numbers:
        """Places in `closing_texts` of what closed each gain."""
        return self.place_of(self.of_closing(c.CLOSING_FILL))

    @cached_property
    def is_short(self) -> Flags:
        """Whether each gain is of a short."""
        is_short: Flags = self.gain_position % 2 == 1
        return is_short

    @cached_property
    def sold(self) -> Numbers:
        """The date of each gain."""
        return self.of_closing(c.CLOSING_DATE).astype(np.int64, copy=False)

    @cached_property
    def acquired(self) -> Numbers:
        """When the shares of each gain were bought: those that close a short on the day, unless they were delivered."""
        delivered = self.of_closing(c.CLOSING_ACQUIRED).astype(np.int64, copy=False)
        of_short = np.where(delivered != c.NONE, delivered, self.sold)
        return np.where(self.is_short, of_short, self.of_lot(c.LOT_ACQUIRED).astype(np.int64, copy=False))

    @cached_property
    def is_long_term(self) -> Flags:
        """Whether each gain is long-term."""
        start = self.of_gain(c.PIECE_START).astype(np.int64, copy=False)
        return np.where(start == c.LONG_TERM_LOSS, True, self.sold >= long_term_from(np.maximum(start, 1)))

    @cached_property
    def start(self) -> Numbers:
        """Since when the shares of each gain count as held."""
        start = self.of_gain(c.PIECE_START).astype(np.int64, copy=False)
        return np.where(start == c.LONG_TERM_LOSS, self.sold, start)

    @cached_property
    def open_until(self) -> Numbers:
        """Until when each gain may change: the end of an unmatched window that reaches beyond the data, or 0."""
        groups = self.positions[self.gain_position, c.POSITION_GROUP]
        waits = (
            (self.of_gain(c.PIECE_LOSS) > 0)
            & (self.of_gain(c.PIECE_MATCHED) < self.of_gain(c.PIECE_TO_MATCH))
            & (groups != c.NONE)
        )
        opened = self.of_lot(c.LOT_ACQUIRED).astype(np.int64, copy=False)
        is_from_box = self.is_short & (self.acquired <= opened)  # sold when it was opened: Reg. 1.1091-1(g)
        end = np.where(is_from_box, opened, self.sold) + WINDOW_DAYS
        return np.where(waits.astype(bool) & (end > self.until), end, 0)

    @cached_property
    def gain_loss(self) -> Numbers:
        """What is reported: proceeds − basis + disallowed."""
        return self.of_gain(c.PIECE_PROCEEDS) - self.of_gain(c.PIECE_BASIS) + self.of_gain(c.PIECE_DISALLOWED)

    @cached_property
    def gain_lanes(self) -> Lanes:
        """The hash of all that each gain says; what its lot says is in the lot's."""
        lanes = hashed(
            (
                self.lot_lanes(self.gain_sublots),
                taken(self.closing_lanes, self.closing),
                self.sold,
                self.acquired,
                self.start,
                self.is_long_term,
                self.open_until,
                *self.reduced(self.of_gain(c.PIECE_UNITS)),
                self.of_gain(c.PIECE_KIND),
                self.of_closing(c.CLOSING_KIND),
                self.of_gain(c.PIECE_PROCEEDS),
                self.of_gain(c.PIECE_BASIS),
                self.of_gain(c.PIECE_DISALLOWED),
                self.of_gain(c.PIECE_PERMANENT),
                self.of_gain(c.PIECE_MARKS),
            ),
            len(self.gain_pieces),
        )
        if self._times_before.any():
            repeated = np.flatnonzero(self._times_before)
            again = hashed((taken(lanes, repeated), self._times_before[repeated]), len(repeated))
            for lane, of_repeated in zip(lanes, again, strict=True):
                lane[repeated] = of_repeated
        return lanes

    @cached_property
    def _times_before(self) -> Numbers:
        """How often the same event closed shares of the same sublot before: such rows may be alike in all they say."""
        sublots, events, places = self.gain_sublots, self.closing, np.arange(len(self.gain_sublots))
        is_first = np.ones(len(places), dtype=bool)
        is_first[1:] = (sublots[1:] != sublots[:-1]) | (events[1:] != events[:-1])
        return places - np.maximum.accumulate(np.where(is_first, places, 0))

    @cached_property
    def gain_ids(self) -> npt.NDArray[np.bytes_]:
        """The ids of the gains."""
        return ids_of("gain", self.gain_lanes)

    # Wash sales

    @cached_property
    def gain_of_piece(self) -> Numbers:
        """The place among the gains of each piece of the journal, or −1."""
        places = np.full(len(self.pieces), c.NONE, dtype=np.int64)
        places[self.gain_pieces] = np.arange(len(self.gain_pieces))
        return places

    @cached_property
    def wash_rows(self) -> Numbers:
        """The wash sales of the gains that disallow a cent or more, by gain, in the order they were found."""
        piece = self.washes[:, c.WASH_PIECE].astype(np.int64, copy=False)
        keep = np.flatnonzero(
            ((self.washes[:, c.WASH_CENTS] != 0).astype(bool)) & (self.gain_of_piece[piece] != c.NONE)
        )
        return keep[np.argsort(piece[keep], kind="stable")]

    @cached_property
    def wash_gain(self) -> Numbers:
        """The place among the gains of each wash sale."""
        gains: Numbers = self.gain_of_piece[at(self.washes, self.wash_rows, c.WASH_PIECE).astype(np.int64, copy=False)]
        return gains

    @cached_property
    def replacement(self) -> Numbers:
        """Places of the replacing execution of each wash sale: in `opening_texts`, or `closing_texts` for a sale."""
        return self.place_of(self.washes[self.wash_rows, c.WASH_FILL])

    def _carrier_lanes(self, sublots: Numbers) -> Iterable[object]:
        """The hash of the lots that carry what wash sales disallow, and whether there is one."""
        if not len(self.sublots):
            return ()
        carriers = np.where(sublots == c.NONE, 0, sublots).astype(np.int64, copy=False)
        return (self.lot_lanes(carriers), sublots == c.NONE)

    @cached_property
    def wash_ids(self) -> npt.NDArray[np.bytes_]:
        """The ids of the wash sales."""
        rows = self.washes[self.wash_rows]
        first = np.searchsorted(self.wash_gain, self.wash_gain)
        lanes = hashed(
            (
                taken(self.gain_lanes, self.wash_gain),
                np.arange(len(rows)) - first,
                taken(self.opening_lanes, np.minimum(self.replacement, len(self.opening_texts) - 1)),
                *self.reduced(rows[:, c.WASH_UNITS]),
                rows[:, c.WASH_CENTS],
                rows[:, c.WASH_PERMANENT],
                rows[:, c.WASH_RULE],
                *self._carrier_lanes(rows[:, c.WASH_SUBLOT]),
            ),
            len(rows),
        )
        return ids_of("wash", lanes)
