"""TXF, the Tax Exchange Format, version 042 (Intuit, 30 November 2011): sales that tax software reads.

A record is lines that begin with a letter, ended by ``^``; lines end with CR LF. Sales are detail records (``TD``)
of format 5: security, date acquired, date sold, cost FIRST, then net sales, then the disallowed wash sale amount,
whose line stays empty where there is none. The reference number says the copy of Form 8949 and the term; a wash
sale keeps it and adds its amount (section VIII, examples 2D, 2G and 2H; 682 and 718 tell no term). The format is
older than the boxes of digital assets and than any code but W, so such rows cannot be told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.tax.form_rows import FormRow, us_date

_REFERENCES: Final = {"A": 321, "B": 711, "C": 712, "D": 323, "E": 713, "F": 714}
_TOLD_CODES: Final = frozenset(("", "W"))
_LINE_END: Final = "\r\n"


@dataclass(frozen=True, slots=True)
class Txf:
    """The text of a TXF file, and the rows that the format cannot tell."""

    text: str
    left_out: tuple[FormRow, ...]


def txf(rows: Iterable[FormRow], *, exported: date, program: str) -> Txf:
    """All `rows`, also those that go straight to Schedule D: the software that imports them decides.

    `exported` is the day the file is made on and `program` what made it.
    """
    listed = list(rows)
    told = [row for row in listed if row.box in _REFERENCES and row.codes in _TOLD_CODES]
    left_out = tuple(row for row in listed if row.box not in _REFERENCES or row.codes not in _TOLD_CODES)
    header = ["V042", f"A{_plain(program)}", f"D{us_date(exported)}", "^"]
    lines = header + [line for row in told for line in _record(row)]
    return Txf("".join(line + _LINE_END for line in lines), left_out)


def _record(row: FormRow) -> list[str]:
    # An import into tax software must not look like real money.
    security = f"{row.description} {row.watermark}" if row.watermark else row.description
    return [
        "TD",
        f"N{_REFERENCES[row.box]}",
        "C1",
        "L1",
        f"P{_plain(security)}",
        f"D{row.date_acquired}",
        f"D{row.date_sold}",
        _amount(row.basis),
        _amount(row.proceeds),
        _amount(row.adjustment),
        "^",
    ]


def _amount(amount: Decimal | None) -> str:
    return "$" if amount is None else f"${amount:f}"


def _plain(text: str) -> str:
    """ASCII on one line, as the format is."""
    return " ".join(text.encode("ascii", "replace").decode("ascii").split())
