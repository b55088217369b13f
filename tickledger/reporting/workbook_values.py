"""The values of a workbook's formulas, written beside them.

openpyxl writes formulas without values and leaves calculating to whoever opens the file. Previews, readers of data
frames and phones do not calculate and would show nothing, so that the values, which are known, are put into the sheets'
XML.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Final
from xml.etree import ElementTree as ET
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

_SPREADSHEET: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATION: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
#: As openpyxl writes a cell with a formula.
_FORMULA: Final = re.compile(rb'(<c r="(?P<cell>[A-Z]+[0-9]+)"[^>]*><f>[^<]*</f>)<v\s*/?>(?:</v>)?')


def with_values(file: bytes, values: Mapping[str, Mapping[str, Decimal]], *, at: datetime) -> bytes:
    """The workbook with the value of each formula, given by the name of its sheet and its cell.

    `at` becomes the time of every part of the file. Raises ValueError for a formula whose value is not given.
    """
    made = BytesIO()
    stamp = (at.year, at.month, at.day, at.hour, at.minute, at.second)
    with ZipFile(BytesIO(file)) as old, ZipFile(made, "w", ZIP_DEFLATED) as new:
        sheets = _parts_of_sheets(old)
        for part in old.namelist():
            content = old.read(part)
            if part in sheets:
                content = _filled(content, values.get(sheets[part], {}), sheets[part])
            entry = ZipInfo(part, stamp)
            entry.compress_type = ZIP_DEFLATED
            new.writestr(entry, content)
    return made.getvalue()


def _filled(content: bytes, values: Mapping[str, Decimal], sheet: str) -> bytes:
    def filled(match: re.Match[bytes]) -> bytes:
        cell = match["cell"].decode()
        if cell not in values:
            raise ValueError(f"expected a value for the formula in {sheet}!{cell}, found none")
        return match[1] + f"<v>{values[cell]:f}</v>".encode()

    return _FORMULA.sub(filled, content)


def _parts_of_sheets(book: ZipFile) -> dict[str, str]:
    """The name of each sheet by the part of the file that holds it."""
    # The XML is our own, written a moment ago.
    relations = ET.fromstring(book.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    targets = {one.get("Id"): one.get("Target", "") for one in relations.iter(f"{{{_PACKAGE}}}Relationship")}
    root = ET.fromstring(book.read("xl/workbook.xml"))  # noqa: S314
    return {
        f"xl/{targets[sheet.get(f'{{{_RELATION}}}id')].removeprefix('/xl/')}": sheet.get("name", "")
        for sheet in root.iter(f"{{{_SPREADSHEET}}}sheet")
    }
