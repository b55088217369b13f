"""The rows of Form 8949 from columns of gains, as `form_8949.form_lines` makes them from rows: for long histories."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from tickledger.domain.account import Mode
from tickledger.domain.instrument import AssetClass
from tickledger.tax.book_columns import ASSET_CLASSES
from tickledger.tax.cents import as_decimal
from tickledger.tax.column_values import Flags, Numbers, day, nearest_dollars, shares
from tickledger.tax.form_8949 import (
    DIRECT_BOXES,
    WATERMARKS,
    BasisReporting,
    FormLine,
    FormRowParts,
    box_order,
    boxes_of,
    description_of,
    line_of,
)
from tickledger.tax.gains import text_list
from tickledger.tax.kernel import columns as c
from tickledger.tax.result_columns import HouseholdColumns
from tickledger.tax.schedule_d import Columns, Totals

#: Keys below this can be combined in 64 bits.
_WIDEST: Final = 1 << 62
_NO_DISTRIBUTIONS: Final[Collection[str]] = frozenset()


@dataclass(frozen=True, eq=False)
class FormColumns:
    """The rows of Form 8949 of one household and year, in the order of `form_8949.form_lines`.

    `box` is the place in `boxes` of each row's box and `first` that of its first gain among those of `household`;
    the gains of row r are at the places ``gains[offsets[r]:offsets[r + 1]]``. Amounts are cents.
    """

    household: HouseholdColumns
    boxes: Sequence[str]
    box: Numbers
    first: Numbers
    gains: Numbers
    offsets: Numbers
    units: Numbers
    proceeds: Numbers
    basis: Numbers
    disallowed: Numbers

    def __len__(self) -> int:
        return len(self.first)

    @property
    def is_coded(self) -> Flags:
        """Whether the row has a code, and so an adjustment."""
        return (self.disallowed > 0).astype(bool)

    @cached_property
    def is_direct(self) -> Flags:
        """Whether Schedule D lets the row be skipped (Exception 1)."""
        direct = np.array([box in DIRECT_BOXES for box in self.boxes], dtype=bool)
        return direct[self.box] & ~self.is_coded

    def of_first(self, column: Numbers) -> Numbers:
        """What a column of the gains says of each row."""
        return column[self.first]

    def descriptions(self) -> tuple[list[str], Numbers]:
        """Column (a): the texts, which repeat, and the place among them of each row's."""
        book, position = self.household.book, self.of_first(self.household.gain_position)
        (order, starts), texts = _groups(position, self.units), []
        for row in order[starts].tolist():
            symbol = book.symbols[position[row]]
            asset_class = ASSET_CLASSES[self.household.asset_class(symbol)]
            texts.append(description_of(shares(int(self.units[row]), book.share_units), symbol, asset_class))
        places = np.empty(len(order), dtype=np.int64)
        places[order] = np.repeat(np.arange(len(starts)), np.diff([*starts.tolist(), len(order)]))
        return texts, places

    def totals(self, *, in_whole_dollars: bool = False) -> Totals:
        """What the rows of each box add up to, as `schedule_d.totals_of` has it of rows."""
        amounts = np.array([self.proceeds, self.basis, self.disallowed]).reshape(3, len(self))
        if in_whole_dollars:
            amounts = np.where(self.is_direct, amounts, nearest_dollars(amounts))
        found: dict[tuple[str, bool], Columns] = {}
        for number, box in enumerate(self.boxes):
            for is_direct in (True, False):
                rows = (self.box == number) & (self.is_direct == is_direct)
                if rows.any():
                    proceeds, basis, adjustment = (as_decimal(int(total)) for total in amounts[:, rows].sum(axis=1))
                    found[box, is_direct] = Columns(proceeds, basis, adjustment, proceeds - basis + adjustment)
        return found

    def lines(self, *, mode: Mode) -> Iterator[FormLine]:
        """The rows one by one."""
        household = self.household
        ids, (texts, places) = text_list(household.gain_ids[self.gains]), self.descriptions()
        ends = self.offsets.tolist()
        table = zip(
            self.box.tolist(),
            places.tolist(),
            self.of_first(household.acquired).tolist(),
            self.of_first(household.sold).tolist(),
            self.proceeds.tolist(),
            self.basis.tolist(),
            self.disallowed.tolist(),
            ends,
            ends[1:],
            strict=False,
        )
        for box, text, acquired, sold, proceeds, basis, disallowed, start, end in table:
            parts = FormRowParts(
                description=texts[text],
                acquired_date=day(acquired),
                sold_date=day(sold),
                proceeds=as_decimal(proceeds),
                basis=as_decimal(basis),
                disallowed_loss=as_decimal(disallowed),
                codes="W" if disallowed else "",
                gain_ids=tuple(ids[start:end]),
            )
            yield line_of(parts, box=self.boxes[box], watermark=WATERMARKS[mode])


def form_columns_of(
    columns: HouseholdColumns,
    *,
    tax_year: int,
    reporting: BasisReporting = BasisReporting.BASIS_REPORTED,
    distributions: Collection[str] = _NO_DISTRIBUTIONS,
) -> FormColumns:
    """The rows of `tax_year`, which the gains of `columns` are of."""
    boxes, box = _boxes(columns, tax_year=tax_year, reporting=reporting, distributions=distributions)
    disallowed = columns.of_gain(c.PIECE_DISALLOWED)
    keys = (box, columns.gain_position, columns.opening, columns.closing, columns.acquired, disallowed > 0)
    order, starts = _groups(*keys)
    # Rows are in the order of the form: by box, then by their first gain.
    rows = np.lexsort((order[starts], box[order[starts]]))
    counts = np.diff(np.concatenate((starts, [len(order)])))[rows]
    offsets = np.concatenate(([0], np.cumsum(counts)))
    gains = order[np.repeat(starts[rows] - offsets[:-1], counts) + np.arange(len(order))]
    first = gains[offsets[:-1]]
    return FormColumns(
        household=columns,
        boxes=boxes,
        box=box[first],
        first=first,
        gains=gains,
        offsets=offsets,
        units=_sums(columns.of_gain(c.PIECE_UNITS)[gains], offsets),
        proceeds=_sums(columns.of_gain(c.PIECE_PROCEEDS)[gains], offsets),
        basis=_sums(columns.of_gain(c.PIECE_BASIS)[gains], offsets),
        disallowed=_sums(disallowed[gains], offsets),
    )


def _sums(amounts: Numbers, offsets: Numbers) -> Numbers:
    """The sums of the parts that start at all but the last of the offsets."""
    return np.add.reduceat(amounts, offsets[:-1]) if len(amounts) else amounts


def _boxes(
    columns: HouseholdColumns, *, tax_year: int, reporting: BasisReporting, distributions: Collection[str]
) -> tuple[list[str], Numbers]:
    """The boxes in the order of the form, and the place among them of the box of each gain."""
    told, untold = boxes_of(tax_year, reporting), boxes_of(tax_year, BasisReporting.NO_FORM)
    boxes = sorted({box for of in (told, untold) for part in of for box in part}, key=box_order)
    table = np.array([[[boxes.index(box) for box in part] for part in of] for of in (told, untold)])
    is_untold = np.array([text in distributions for text in columns.closing_texts], dtype=np.int64)
    is_crypto = np.array(
        [columns.asset_class(symbol) == ASSET_CLASSES.index(AssetClass.CRYPTO) for symbol in columns.book.symbols],
        dtype=np.int64,
    )
    of_closing, of_position = is_untold[columns.closing], is_crypto[columns.gain_position]
    return boxes, table[of_closing, columns.is_long_term.astype(np.int64, copy=False), of_position]


def _groups(*keys: Numbers) -> tuple[Numbers, Numbers]:
    """An order that puts equal keys together, the earlier first, and where each group starts in it."""
    combined: Numbers = np.zeros(len(keys[0]), dtype=np.int64)
    size = 1
    for key in keys if len(combined) else ():
        lowest = int(key.min())
        width = int(key.max()) - lowest + 1
        size *= width
        if size > _WIDEST:
            # Numbers of what there is are as good as the numbers themselves, and smaller.
            combined = np.unique(combined, return_inverse=True)[1]
            size = (int(combined.max()) + 1) * width
        combined = combined * width + (key.astype(np.int64) - lowest)
    order = np.argsort(combined, kind="stable")
    ordered = combined[order]
    is_first = np.ones(len(ordered), dtype=bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return order, np.flatnonzero(is_first)
