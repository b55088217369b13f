"""Any statement, whatever its format: a look at how it begins tells the reader."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from tickledger.domain.errors import InputError, Problem
from tickledger.reconciliation.statement import StatementFile, StatementKind
from tickledger.reconciliation.statements import columns_1099b, columns_trades
from tickledger.reconciliation.statements.activity import read_activity
from tickledger.reconciliation.statements.columns_1099b import ColumnMapping, read_columns_1099b
from tickledger.reconciliation.statements.columns_trades import TransactionMapping, read_columns_trades
from tickledger.reconciliation.statements.csv_rows import csv_rows, csv_text
from tickledger.reconciliation.statements.flex import read_flex
from tickledger.reconciliation.statements.ofx_1099b import read_ofx_1099b
from tickledger.reconciliation.statements.terms import ReadingTerms
from tickledger.reconciliation.statements.transaction_history import read_transaction_history
from tickledger.reconciliation.statements.worksheet_8949 import TITLE as WORKSHEET_TITLE
from tickledger.reconciliation.statements.worksheet_8949 import read_worksheet_8949

#: How much of a file is looked at.
HEAD: Final = 1 << 16
#: How XML of two bytes a letter begins; no CSV of a broker does.
_UTF_16: Final = (b"\xff\xfe<\0", b"\xfe\xff\0<")
_EXPECTED: Final = (
    "a Flex query in XML, an activity statement, a transaction history or a worksheet for Form 8949 in CSV, "
    "a 1099-B in OFX, or a CSV with columns that a mapping knows"
)


@dataclass(frozen=True, slots=True)
class Recognized:
    """The format of a file, and the mapping of its columns where it is read by one."""

    kind: StatementKind
    mapping: ColumnMapping | TransactionMapping | None = None


def recognized(head: bytes) -> Recognized | None:
    """What a file is that begins with `head`; None where no reader knows it."""
    if head.startswith(_UTF_16):
        return Recognized(StatementKind.FLEX_XML)
    text = csv_text(head).lstrip()
    if text.startswith("OFXHEADER") or "<OFX>" in text[:2048].upper() or "<?OFX" in text[:2048].upper():
        return Recognized(StatementKind.OFX_1099B)
    if text.startswith("<"):
        return Recognized(StatementKind.FLEX_XML)
    return _recognized_csv(text)


def _recognized_csv(text: str) -> Recognized | None:
    rows = [[cell.strip() for cell in row.cells] for _, row in zip(range(40), csv_rows(text), strict=False)]
    if not rows:
        return None
    if any(row[:2] == ["Title", WORKSHEET_TITLE] for row in rows):
        return Recognized(StatementKind.WORKSHEET_8949_CSV)
    if any(row[0] == "Transaction History" or row[-1] == "Transaction History" for row in rows):
        return Recognized(StatementKind.TRANSACTION_HISTORY_CSV)
    if any(row[1:2] == ["Header"] for row in rows):
        return Recognized(StatementKind.ACTIVITY_CSV)
    trades = columns_trades.mapping_for(rows[0])
    if trades is not None:
        return Recognized(StatementKind.COLUMNS_TRADES_CSV, trades)
    sales = columns_1099b.mapping_for(rows[0])
    return None if sales is None else Recognized(StatementKind.COLUMNS_1099B_CSV, sales)


def read_statement(
    pieces: Iterable[bytes],
    *,
    name: str,
    terms: ReadingTerms | None = None,
    mapping: ColumnMapping | TransactionMapping | None = None,
) -> StatementFile:
    """The statements of a file that comes in pieces; Flex XML is never held whole, the others are.

    `name` is what Problems call the file; `mapping` tells the columns of a CSV that has none of the known forms. Raises
    InputError where no reader knows the format.
    """
    rest = iter(pieces)
    head = _head(rest)
    found = _told(mapping) or recognized(head[:HEAD])
    if found is None:
        raise InputError([Problem(name, _EXPECTED, repr(csv_text(head[:60])) if head else "an empty file")])
    if found.kind is StatementKind.FLEX_XML:
        return read_flex(chain((head,), rest), name=name, terms=terms)
    content = head + b"".join(rest)
    if isinstance(found.mapping, ColumnMapping):
        return read_columns_1099b(content, name=name, mapping=found.mapping, terms=terms)
    if isinstance(found.mapping, TransactionMapping):
        return read_columns_trades(content, name=name, mapping=found.mapping, terms=terms)
    return _READERS[found.kind](content, name=name, terms=terms)


def _head(pieces: Iterator[bytes]) -> bytes:
    head = b""
    while len(head) < HEAD and (piece := next(pieces, b"")):
        head += piece
    return head


def _told(mapping: ColumnMapping | TransactionMapping | None) -> Recognized | None:
    if mapping is None:
        return None
    is_sales = isinstance(mapping, ColumnMapping)
    return Recognized(StatementKind.COLUMNS_1099B_CSV if is_sales else StatementKind.COLUMNS_TRADES_CSV, mapping)


_READERS: Final = {
    StatementKind.ACTIVITY_CSV: read_activity,
    StatementKind.TRANSACTION_HISTORY_CSV: read_transaction_history,
    StatementKind.WORKSHEET_8949_CSV: read_worksheet_8949,
    StatementKind.OFX_1099B: read_ofx_1099b,
}
