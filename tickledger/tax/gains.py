"""The settled book as the rows that leave the engine: gains, wash sales and lots with their identifiers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tickledger.domain.ids import deterministic_id
from tickledger.domain.instrument import AssetClass
from tickledger.domain.lot import Lot, RealizedGain, WashSale
from tickledger.tax.book import Book
from tickledger.tax.cents import as_decimal, nearest_cent
from tickledger.tax.holding_period import term
from tickledger.tax.lots import Sublot
from tickledger.tax.settlement import Remaining, Settled
from tickledger.tax.wash_sales import WINDOW_DAYS, is_ira


@dataclass(slots=True)
class Rows:
    """What one book adds to the result."""

    gains: list[RealizedGain] = field(default_factory=list)
    wash_sales: list[WashSale] = field(default_factory=list)
    open_lots: list[Lot] = field(default_factory=list)
    lots: dict[str, Lot] = field(default_factory=dict)


def rows_of(book: Book, settled: Iterable[Settled], held: Sequence[Remaining], *, until: date) -> Rows:
    """The rows of every security that could be computed; gains and losses inside an IRA are nobody's.

    `until` is the last day the data cover: losses whose window reaches beyond it are provisional.
    """
    rows = Rows()
    for row in settled:
        position = row.disposition.sublot.lot.position
        if not is_ira(position.kind) and not book.is_left_out(position.symbol):
            _add_gain(rows, book, row, until=until.toordinal())
    for rest in held:
        if not book.is_left_out(rest.sublot.lot.position.symbol):
            rows.open_lots.append(_open_lot(rows, book, rest))
    return rows


def _add_gain(rows: Rows, book: Book, row: Settled, *, until: int) -> None:
    disposition = row.disposition
    closing, sublot, lot = disposition.closing, disposition.sublot, disposition.sublot.lot
    lot_id = _lot_id(rows, book, sublot)
    quantity = _shares(book, disposition.units)
    proceeds, basis, disallowed = as_decimal(row.proceeds), as_decimal(row.basis), as_decimal(row.disallowed)
    amounts = f"{row.proceeds}\x1f{row.basis}\x1f{row.disallowed}\x1f{row.permanent}"
    gain_id = deterministic_id("gain", f"{lot_id}\x1f{closing.close_id}\x1f{disposition.units}\x1f{amounts}")
    is_short = lot.position.is_short
    acquired = closing.closed if is_short else lot.acquired
    holding_start = closing.closed if is_short else sublot.holding_start
    is_open = _is_window_open(book, row, until=until)
    sold = date.fromordinal(closing.closed)
    rows.gains.append(
        RealizedGain(
            gain_id=gain_id,
            close_execution_id=closing.close_id,
            open_execution_id=lot.execution_id,
            lot_id=lot_id,
            account_id=lot.position.account_id,
            symbol=lot.position.symbol,
            quantity=quantity,
            acquired_date=date.fromordinal(acquired),
            holding_start=date.fromordinal(holding_start),
            sold_date=sold,
            proceeds=proceeds,
            basis=basis,
            adjustment_code="W" if row.disallowed else "",
            disallowed_loss=disallowed,
            gain_loss=as_decimal(row.gain),
            term=term(holding_start, closing.closed),
            permanently_disallowed=as_decimal(row.permanent),
            tax_year=sold.year,
            is_provisional=is_open,
            open_until_date=date.fromordinal(closing.closed + WINDOW_DAYS) if is_open else None,
            asset_class=_asset_class(book, lot.position.symbol),
            is_short=is_short,
            corporate_action_id=closing.corporate_action_id,
        )
    )
    _add_wash_sales(rows, book, row, gain_id)


def _is_window_open(book: Book, row: Settled, *, until: int) -> bool:
    disposition = row.disposition
    if not disposition.loss or disposition.matched >= disposition.to_match:
        return False
    covered = _asset_class(book, disposition.sublot.lot.position.symbol) is not AssetClass.CRYPTO
    return covered and disposition.closing.closed + WINDOW_DAYS > until


def _add_wash_sales(rows: Rows, book: Book, row: Settled, gain_id: str) -> None:
    for number, wash in enumerate(row.disposition.washes):
        if not wash.cents:
            continue
        quantity, amount = _shares(book, wash.units), as_decimal(wash.cents)
        content = f"{gain_id}\x1f{number}\x1f{wash.replacement_id}\x1f{quantity}\x1f{wash.cents}\x1f{wash.rule}"
        rows.wash_sales.append(
            WashSale(
                wash_sale_id=deterministic_id("wash", content),
                gain_id=gain_id,
                replacement_execution_id=wash.replacement_id,
                quantity=quantity,
                disallowed_loss=amount,
                is_permanent=wash.is_permanent,
                rule=wash.rule,
            )
        )


def _open_lot(rows: Rows, book: Book, rest: Remaining) -> Lot:
    sublot = rest.sublot
    carried = -rest.carried if sublot.lot.position.is_short else rest.carried
    return _lot(
        book,
        sublot,
        lot_id=_lot_id(rows, book, sublot),
        units=sublot.units,
        original=rest.cost + rest.returned,
        adjusted=rest.cost + carried,
    )


def _lot_id(rows: Rows, book: Book, sublot: Sublot) -> str:
    """The id of the lot that a sublot was when last whole, which joins the rows."""
    if sublot.lot_id:
        return sublot.lot_id
    lot = sublot.lot
    carried = -sublot.whole_carried if lot.position.is_short else sublot.whole_carried
    original = nearest_cent(sublot.whole_cost + sublot.whole_returned)
    adjusted = nearest_cent(sublot.whole_cost + carried)
    sublot.lot_id = deterministic_id(
        "lot",
        lot.execution_id,
        lot.position.account_id,
        lot.position.symbol,
        sublot.ordinal,
        _shares(book, sublot.whole_units),
        sublot.holding_start,
        original,
        adjusted,
    )
    rows.lots[sublot.lot_id] = _lot(
        book, sublot, lot_id=sublot.lot_id, units=sublot.whole_units, original=original, adjusted=adjusted
    )
    return sublot.lot_id


def _lot(book: Book, sublot: Sublot, *, lot_id: str, units: int, original: int, adjusted: int) -> Lot:
    lot = sublot.lot
    quantity = _shares(book, units)
    return Lot(
        lot_id=lot_id,
        open_execution_id=lot.execution_id,
        account_id=lot.position.account_id,
        symbol=lot.position.symbol,
        quantity=-quantity if lot.position.is_short else quantity,
        acquired_date=date.fromordinal(lot.acquired),
        holding_start=date.fromordinal(sublot.holding_start),
        original_basis=as_decimal(original),
        adjusted_basis=as_decimal(adjusted),
        asset_class=_asset_class(book, lot.position.symbol),
    )


def _asset_class(book: Book, symbol: str) -> AssetClass:
    return book.asset_classes.get(symbol, AssetClass.STOCK)


def _shares(book: Book, units: int) -> Decimal:
    whole, rest = divmod(units, book.share_units)
    if not rest:
        return Decimal(whole)
    return (Decimal(units) / book.share_units).normalize()
