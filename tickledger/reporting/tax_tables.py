"""The tables of the tax engine as rows of text: gains.csv, lots.csv, wash_sales.csv, form_8949.csv.

Columns and formats are a contract with the people and programs that read the files. Dates are ISO 8601, money
has two decimals, quantities are plain decimals.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from tickledger.domain.lot import Lot, RealizedGain, WashSale
from tickledger.reporting.table import Table
from tickledger.tax.form_8949 import FormLine

Row = tuple[str, ...]

GAIN_COLUMNS: Final = (
    "gain_id",
    "close_execution_id",
    "open_execution_id",
    "account",
    "symbol",
    "quantity",
    "acquired_date",
    "holding_start",
    "sold_date",
    "proceeds",
    "basis",
    "adjustment_code",
    "disallowed_loss",
    "gain_loss",
    "term",
    "permanently_disallowed",
    "tax_year",
    "open_until",
    "policies",
)
LOT_COLUMNS: Final = (
    "lot_id",
    "open_execution_id",
    "account",
    "symbol",
    "quantity",
    "acquired_date",
    "holding_start",
    "original_basis",
    "adjusted_basis",
)
WASH_SALE_COLUMNS: Final = (
    "gain_id",
    "replacement_execution_id",
    "quantity",
    "disallowed_loss",
    "permanent",
    "rule",
)
FORM_8949_COLUMNS: Final = (
    "box",
    "description",
    "date_acquired",
    "date_sold",
    "proceeds",
    "basis",
    "codes",
    "adjustment",
    "gain_loss",
    "direct_entry",
    "gain_ids",
)
#: A further column of form_8949.csv where the money was not real.
WATERMARK_COLUMN: Final = "watermark"


def gains_rows(gains: Iterable[RealizedGain], *, tax_year: int | None = None) -> Iterator[Row]:
    """The rows of gains.csv, of `tax_year` alone where it is given."""
    for gain in gains:
        if tax_year is None or gain.tax_year == tax_year:
            yield (
                gain.gain_id,
                gain.close_execution_id,
                gain.open_execution_id,
                gain.account_id,
                gain.symbol,
                plain(gain.quantity),
                gain.acquired_date.isoformat(),
                gain.holding_start.isoformat(),
                gain.sold_date.isoformat(),
                plain(gain.proceeds),
                plain(gain.basis),
                gain.adjustment_code,
                plain(gain.disallowed_loss),
                plain(gain.gain_loss),
                gain.term,
                plain(gain.permanently_disallowed),
                str(gain.tax_year),
                gain.open_until_date.isoformat() if gain.open_until_date else "",
                ";".join(gain.policies),
            )


def lots_rows(open_lots: Iterable[Lot]) -> Iterator[Row]:
    """The rows of lots.csv: what is still open."""
    for lot in open_lots:
        yield (
            lot.lot_id,
            lot.open_execution_id,
            lot.account_id,
            lot.symbol,
            plain(lot.quantity),
            lot.acquired_date.isoformat(),
            lot.holding_start.isoformat(),
            plain(lot.original_basis),
            plain(lot.adjusted_basis),
        )


def wash_sales_rows(wash_sales: Iterable[WashSale]) -> Iterator[Row]:
    """The rows of wash_sales.csv."""
    for wash in wash_sales:
        yield (
            wash.gain_id,
            wash.replacement_execution_id,
            plain(wash.quantity),
            plain(wash.disallowed_loss),
            truth(wash.is_permanent),
            wash.rule,
        )


def form_8949_rows(lines: Iterable[FormLine], *, with_watermark: bool = False) -> Iterator[Row]:
    """The rows of form_8949.csv; `with_watermark` adds the column of accounts whose money is not real."""
    for line in lines:
        row = (
            line.box,
            line.description,
            line.date_acquired.isoformat() if line.date_acquired else "VARIOUS",
            line.date_sold.isoformat(),
            plain(line.proceeds),
            plain(line.basis),
            line.codes,
            plain(line.adjustment),
            plain(line.gain_loss),
            truth(line.direct_entry),
            ";".join(line.gain_ids),
        )
        yield (*row, line.watermark or "") if with_watermark else row


def form_8949_columns(*, with_watermark: bool = False) -> Row:
    """The header that goes with `form_8949_rows`."""
    return (*FORM_8949_COLUMNS, WATERMARK_COLUMN) if with_watermark else FORM_8949_COLUMNS


def gains_table(gains: Iterable[RealizedGain], *, tax_year: int | None = None) -> Table:
    """gains.csv as a table."""
    return _table(GAIN_COLUMNS, gains_rows(gains, tax_year=tax_year))


def lots_table(open_lots: Iterable[Lot]) -> Table:
    """lots.csv as a table."""
    return _table(LOT_COLUMNS, lots_rows(open_lots))


def wash_sales_table(wash_sales: Iterable[WashSale]) -> Table:
    """wash_sales.csv as a table."""
    return _table(WASH_SALE_COLUMNS, wash_sales_rows(wash_sales))


def form_8949_table(lines: Sequence[FormLine]) -> Table:
    """form_8949.csv as a table, with the watermark's column where a line has one."""
    marked = any(line.watermark for line in lines)
    return _table(form_8949_columns(with_watermark=marked), form_8949_rows(lines, with_watermark=marked))


def _table(columns: Row, rows: Iterable[Row]) -> Table:
    return Table(columns=columns, rows=[dict(zip(columns, row, strict=True)) for row in rows])


def plain(number: Decimal) -> str:
    """A number without an exponent."""
    return format(number, "f")


def truth(value: bool) -> str:  # noqa: FBT001 - the value is the whole argument
    """How the files write yes and no."""
    return "true" if value else "false"
