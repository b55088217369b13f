"""The settled book as the rows that leave the engine: gains, wash sales and lots with their identifiers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from tickledger.domain.errors import Problem
from tickledger.domain.ids import text_id
from tickledger.domain.instrument import AssetClass
from tickledger.domain.lot import Lot, RealizedGain, WashSale
from tickledger.tax.book import Book
from tickledger.tax.cents import as_decimal, nearest_cent
from tickledger.tax.holding_period import term
from tickledger.tax.lots import Sublot, Wash
from tickledger.tax.settlement import Remaining, Settled
from tickledger.tax.wash_sales import WINDOW_DAYS, is_ira

_REMEMBERED: Final = 1 << 16


@dataclass(slots=True)
class Rows:
    """What one book adds to the result."""

    problems: list[Problem] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    gains: list[RealizedGain] = field(default_factory=list)
    wash_sales: list[WashSale] = field(default_factory=list)
    open_lots: list[Lot] = field(default_factory=list)
    lots: dict[str, Lot] = field(default_factory=dict)


def rows_of(book: Book, settled: Iterable[Settled], held: Sequence[Remaining], *, until: date) -> Rows:
    """The rows of every security that could be computed; gains and losses inside an IRA are nobody's.

    `until` is the last day the data cover: losses whose window reaches beyond it are provisional.
    """
    rows = Rows(book.problems)
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
    position = lot.position
    lot_id = sublot.lot_id or _lot_id(rows, book, sublot)
    # A short is held by the shares delivered, bought on the day it is closed.
    holding_start = closing.closed if position.is_short else sublot.holding_start
    held = term(holding_start, closing.closed)
    asset_class = book.asset_classes.get(position.symbol, AssetClass.STOCK)
    open_until = None
    if disposition.loss and disposition.matched < disposition.to_match and asset_class is not AssetClass.CRYPTO:
        open_until = closing.closed + WINDOW_DAYS if closing.closed + WINDOW_DAYS > until else None
    # The id hashes everything that the row says: what the lot says is in its id.
    gain_id = text_id(
        "gain",
        f"{lot_id} {closing.close_id} {closing.corporate_action_id} {closing.closed} {holding_start} {held}"
        f" {open_until} {disposition.units} {row.proceeds} {row.basis} {row.disallowed} {row.permanent}",
    )
    sold = day(closing.closed)
    rows.gains.append(
        RealizedGain(
            gain_id=gain_id,
            close_execution_id=closing.close_id,
            open_execution_id=lot.execution_id,
            lot_id=lot_id,
            account_id=position.account_id,
            symbol=position.symbol,
            quantity=shares(disposition.units, book.share_units),
            acquired_date=sold if position.is_short else day(lot.acquired),
            holding_start=day(holding_start),
            sold_date=sold,
            proceeds=as_decimal(row.proceeds),
            basis=as_decimal(row.basis),
            adjustment_code="W" if row.disallowed else "",
            disallowed_loss=as_decimal(row.disallowed),
            gain_loss=as_decimal(row.proceeds - row.basis + row.disallowed),
            term=held,
            permanently_disallowed=as_decimal(row.permanent),
            tax_year=sold.year,
            is_provisional=open_until is not None,
            open_until_date=day(open_until) if open_until else None,
            asset_class=asset_class,
            is_short=position.is_short,
            corporate_action_id=closing.corporate_action_id,
        )
    )
    for number, wash in enumerate(disposition.washes):
        if wash.cents:
            rows.wash_sales.append(_wash_sale(book, wash, gain_id=gain_id, number=number))


def _wash_sale(book: Book, wash: Wash, *, gain_id: str, number: int) -> WashSale:
    units = f"{wash.units}/{book.share_units}"
    content = f"{gain_id} {number} {wash.replacement_id} {units} {wash.cents} {wash.is_permanent} {wash.rule}"
    return WashSale(
        wash_sale_id=text_id("wash", content),
        gain_id=gain_id,
        replacement_execution_id=wash.replacement_id,
        quantity=shares(wash.units, book.share_units),
        disallowed_loss=as_decimal(wash.cents),
        is_permanent=wash.is_permanent,
        rule=wash.rule,
    )


def _open_lot(rows: Rows, book: Book, rest: Remaining) -> Lot:
    sublot = rest.sublot
    carried = -rest.carried if sublot.lot.position.is_short else rest.carried
    return _lot(
        book,
        sublot,
        lot_id=sublot.lot_id or _lot_id(rows, book, sublot),
        units=sublot.units,
        original=rest.cost + rest.returned,
        adjusted=rest.cost + carried,
    )


def _lot_id(rows: Rows, book: Book, sublot: Sublot) -> str:
    """The id of the lot that a sublot was when last whole, which joins the rows."""
    lot, position = sublot.lot, sublot.lot.position
    asset_class = book.asset_classes.get(position.symbol, AssetClass.STOCK)
    carried = -sublot.whole_carried if position.is_short else sublot.whole_carried
    original = nearest_cent(sublot.whole_cost + sublot.whole_returned)
    adjusted = nearest_cent(sublot.whole_cost + carried)
    place = f"{position.account_id} {position.symbol} {asset_class} {position.is_short} {lot.execution_id}"
    dates = f"{lot.acquired} {sublot.holding_start}"
    units = f"{sublot.whole_units}/{book.share_units}"
    sublot.lot_id = text_id("lot", f"{place} {sublot.ordinal} {dates} {units} {original} {adjusted}")
    rows.lots[sublot.lot_id] = _lot(
        book, sublot, lot_id=sublot.lot_id, units=sublot.whole_units, original=original, adjusted=adjusted
    )
    return sublot.lot_id


def _lot(book: Book, sublot: Sublot, *, lot_id: str, units: int, original: int, adjusted: int) -> Lot:
    lot, position = sublot.lot, sublot.lot.position
    return Lot(
        lot_id=lot_id,
        open_execution_id=lot.execution_id,
        account_id=position.account_id,
        symbol=position.symbol,
        quantity=shares(-units if position.is_short else units, book.share_units),
        acquired_date=day(lot.acquired),
        holding_start=day(sublot.holding_start),
        original_basis=as_decimal(original),
        adjusted_basis=as_decimal(adjusted),
        asset_class=book.asset_classes.get(position.symbol, AssetClass.STOCK),
    )


@lru_cache(maxsize=_REMEMBERED)
def day(ordinal: int) -> date:
    """The date of an ordinal; dates repeat by the thousand."""
    return date.fromordinal(ordinal)


@lru_cache(maxsize=_REMEMBERED)
def shares(units: int, share_units: int) -> Decimal:
    """Units as shares; exact unless a split by thirds leaves no decimal that is."""
    whole, rest = divmod(units, share_units)
    return (Decimal(units) / share_units).normalize() if rest else Decimal(whole)
