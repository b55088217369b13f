"""The columns of a household's result as the rows that leave the engine: gains, wash sales and lots."""

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from tickledger.domain.lot import Lot, RealizedGain, Term, WashSale
from tickledger.tax.book_columns import ASSET_CLASSES
from tickledger.tax.cents import as_decimal
from tickledger.tax.column_values import Numbers, day, shares
from tickledger.tax.kernel import columns as c
from tickledger.tax.result_columns import CLOSED_BY, HouseholdColumns
from tickledger.tax.wash_sales import RULES


def marked(marks: int) -> tuple[str, ...]:
    """The policies that bits name: ``("P1", "P7")``."""
    return tuple(f"P{number + 1}" for number in range(8) if marks >> number & 1)


def gain_rows(columns: HouseholdColumns) -> Iterator[RealizedGain]:
    """The gains, in the order in which they happened."""
    book = columns.book
    units, asset_class = book.share_units, [ASSET_CLASSES[columns.asset_class(symbol)] for symbol in book.symbols]
    table = zip(
        text_list(columns.gain_ids),
        columns.closing.tolist(),
        columns.opening.tolist(),
        text_list(columns.lot_ids_of(columns.gain_sublots)),
        columns.gain_position.tolist(),
        columns.of_gain(c.PIECE_UNITS).tolist(),
        columns.acquired.tolist(),
        columns.start.tolist(),
        columns.sold.tolist(),
        columns.of_gain(c.PIECE_PROCEEDS).tolist(),
        columns.of_gain(c.PIECE_BASIS).tolist(),
        columns.of_gain(c.PIECE_DISALLOWED).tolist(),
        columns.of_gain(c.PIECE_PERMANENT).tolist(),
        columns.is_long_term.tolist(),
        columns.open_until.tolist(),
        columns.of_closing(c.CLOSING_KIND).tolist(),
        columns.of_closing(c.CLOSING_FILL).tolist(),
        columns.of_gain(c.PIECE_MARKS).tolist(),
        strict=True,
    )
    for (
        gain_id, close, opening, lot_id, position, of_units, acquired, start, sold,
        proceeds, basis, disallowed, permanent, is_long, until, kind, event, marks,
    ) in table:  # fmt: skip
        yield RealizedGain(
            gain_id=gain_id,
            close_execution_id=columns.closing_texts[close],
            open_execution_id=columns.opening_texts[opening],
            lot_id=lot_id,
            account_id=book.account_ids[position],
            symbol=book.symbols[position],
            quantity=shares(of_units, units),
            acquired_date=day(acquired),
            holding_start=day(start),
            sold_date=day(sold),
            proceeds=as_decimal(proceeds),
            basis=as_decimal(basis),
            adjustment_code="W" if disallowed else "",
            disallowed_loss=as_decimal(disallowed),
            gain_loss=as_decimal(proceeds - basis + disallowed),
            term=Term.LONG if is_long else Term.SHORT,
            permanently_disallowed=as_decimal(permanent),
            tax_year=day(sold).year,
            is_provisional=until != 0,
            open_until_date=day(until) if until else None,
            asset_class=asset_class[position],
            is_short=position % 2 == 1,
            corporate_action_id=book.action_ids[-2 - event][1] if event < 0 else None,
            closed_by=CLOSED_BY[kind],
            policies=marked(marks),
        )


def wash_sale_rows(columns: HouseholdColumns) -> Iterator[WashSale]:
    """The wash sales by gain, in the order in which the replacements were found."""
    rows, gain_ids = columns.washes[columns.wash_rows], text_list(columns.gain_ids)
    carriers = _carriers(columns)
    table = zip(
        text_list(columns.wash_ids),
        columns.wash_gain.tolist(),
        columns.replacement.tolist(),
        rows[:, c.WASH_UNITS].tolist(),
        rows[:, c.WASH_CENTS].tolist(),
        rows[:, c.WASH_PERMANENT].tolist(),
        rows[:, c.WASH_RULE].tolist(),
        carriers,
        strict=True,
    )
    for wash_id, gain, replacement, units, cents, is_permanent, rule, carrier in table:
        is_sale = rule == c.SHORT_SALE
        yield WashSale(
            wash_sale_id=wash_id,
            gain_id=gain_ids[gain],
            replacement_execution_id=(columns.closing_texts if is_sale else columns.opening_texts)[replacement],
            quantity=shares(units, columns.book.share_units),
            disallowed_loss=as_decimal(cents),
            is_permanent=bool(is_permanent),
            rule=RULES[rule],
            replacement_lot_id=None if is_permanent else carrier,
        )


def _carriers(columns: HouseholdColumns) -> list[str | None]:
    """The lot that carries each wash sale's amount; none where a sale took over the loss of a short."""
    sublots = columns.washes[columns.wash_rows, c.WASH_SUBLOT]
    found = text_list(columns.lot_ids_of(np.maximum(sublots, 0)))
    return [lot_id if sublot >= 0 else None for lot_id, sublot in zip(found, sublots.tolist(), strict=True)]


def open_lot_rows(columns: HouseholdColumns) -> Iterator[Lot]:
    """What is still held, each under the id of the lot it is left of."""
    original, adjusted = columns.held_basis
    ids = text_list(columns.lot_ids_of(columns.held))
    units = columns.of_held(c.SUBLOT_UNITS).tolist()
    yield from _lots(columns, columns.held, ids, units, (original.tolist(), adjusted.tolist()))


def lot_rows(columns: HouseholdColumns) -> Iterator[Lot]:
    """Every lot that a gain, a wash sale or an open lot refers to, as it was when last whole."""
    original, adjusted = columns.whole_basis(columns.referred)
    units = columns.sublots[columns.referred, c.SUBLOT_WHOLE_UNITS].tolist()
    ids = text_list(columns.lot_ids_of(columns.referred))
    yield from _lots(columns, columns.referred, ids, units, (original.tolist(), adjusted.tolist()))


def _lots(
    columns: HouseholdColumns, sublots: Numbers, ids: list[str], units: list[int], basis: tuple[list[int], list[int]]
) -> Iterator[Lot]:
    book, rows = columns.book, columns.sublots[sublots]
    of_lots = columns.lots[rows[:, c.SUBLOT_LOT].astype(int)]
    table = zip(
        ids,
        columns.place_of(of_lots[:, c.LOT_FILL]).tolist(),
        columns.sublot_position[sublots].tolist(),
        units,
        of_lots[:, c.LOT_ACQUIRED].tolist(),
        rows[:, c.SUBLOT_START].tolist(),
        *basis,
        strict=True,
    )
    for lot_id, opening, position, of_units, acquired, start, original, adjusted in table:
        quantity: Decimal = shares(-of_units if position % 2 else of_units, book.share_units)
        yield Lot(
            lot_id=lot_id,
            open_execution_id=columns.opening_texts[opening],
            account_id=book.account_ids[position],
            symbol=book.symbols[position],
            quantity=quantity,
            acquired_date=day(acquired),
            holding_start=day(start),
            original_basis=as_decimal(original),
            adjusted_basis=as_decimal(adjusted),
            asset_class=ASSET_CLASSES[columns.asset_class(book.symbols[position])],
        )


def text_list(ids: Numbers) -> list[str]:
    """A column of ASCII ids as texts."""
    return ids.astype("U").tolist()  # type: ignore[no-any-return]  # numpy's lists are of anything
