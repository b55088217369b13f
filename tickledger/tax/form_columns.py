"""The rows of Form 8949 from columns of gains, as `form_8949.form_lines` makes them from rows: for long histories."""

from collections.abc import Collection
from typing import Final

import numpy as np

from tickledger.domain.account import Mode
from tickledger.domain.instrument import AssetClass
from tickledger.tax.cents import as_decimal
from tickledger.tax.column_values import Numbers, day, shares
from tickledger.tax.form_8949 import (
    WATERMARKS,
    BasisReporting,
    FormLine,
    FormRowParts,
    box_order,
    boxes_of,
    line_of,
)
from tickledger.tax.gains import text_list
from tickledger.tax.kernel import columns as c
from tickledger.tax.result_columns import ASSET_CLASSES, HouseholdColumns

#: Keys below this can be combined in 64 bits.
_WIDEST: Final = 1 << 62
_NO_DISTRIBUTIONS: Final[Collection[str]] = frozenset()


def form_lines_of(
    columns: HouseholdColumns,
    *,
    tax_year: int,
    mode: Mode,
    reporting: BasisReporting = BasisReporting.BASIS_REPORTED,
    distributions: Collection[str] = _NO_DISTRIBUTIONS,
) -> tuple[FormLine, ...]:
    """The rows of `tax_year`, which the gains of `columns` are of, in the order of `form_lines`."""
    if not len(columns.gain_pieces):
        return ()
    boxes, box = _boxes(columns, tax_year=tax_year, reporting=reporting, distributions=distributions)
    coded = columns.of_gain(c.PIECE_DISALLOWED) > 0
    order, starts = _groups(box, columns.gain_position, columns.opening, columns.closing, columns.acquired, coded)
    firsts = order[starts]
    sums = [
        np.add.reduceat(columns.of_gain(place)[order], starts).tolist()
        for place in (c.PIECE_UNITS, c.PIECE_PROCEEDS, c.PIECE_BASIS, c.PIECE_DISALLOWED)
    ]
    ends = [*starts.tolist()[1:], len(order)]
    ids = text_list(columns.gain_ids[order])
    book, units = columns.book, columns.book.share_units
    classes = [ASSET_CLASSES[columns.asset_class(symbol)] for symbol in book.symbols]
    found: list[tuple[tuple[int, int], FormLine]] = []
    table = zip(
        firsts.tolist(),
        box[firsts].tolist(),
        columns.gain_position[firsts].tolist(),
        columns.acquired[firsts].tolist(),
        columns.sold[firsts].tolist(),
        coded[firsts].tolist(),
        starts.tolist(),
        ends,
        *sums,
        strict=True,
    )
    for first, number, position, acquired, sold, has_code, start, end, of_units, proceeds, basis, disallowed in table:
        parts = FormRowParts(
            symbol=book.symbols[position],
            asset_class=classes[position],
            quantity=shares(of_units, units),
            acquired_date=day(acquired),
            sold_date=day(sold),
            proceeds=as_decimal(proceeds),
            basis=as_decimal(basis),
            disallowed_loss=as_decimal(disallowed),
            codes="W" if has_code else "",
            gain_ids=tuple(ids[start:end]),
        )
        found.append(((number, first), line_of(parts, box=boxes[number], watermark=WATERMARKS[mode])))
    found.sort(key=lambda row: row[0])
    return tuple(line for _, line in found)


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
    for key in keys:
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
    return order, np.concatenate(([0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1))
