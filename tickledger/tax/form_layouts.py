"""The facts of the printed forms, year by year, as data: boxes, rows a page, and which widget is which line.

What belongs here: what a look at the blank form tells. What does not: how a row comes about, how a PDF is
written. A widget is named by its page and the number in its name: text ``f1_07`` is (1, 7) whether the year pads
the number or not, and the check boxes ``c1_1[0]``, ``c1_1[1]``, … are group (1, 1) from top to bottom (or from
left to right).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Part = Literal["I", "II"]
Column = Literal["a", "b", "c", "d", "e", "f", "g", "h"]
#: (page, number in the name of the widget).
Place = tuple[int, int]

PARTS: Final[tuple[Part, Part]] = ("I", "II")
#: Digital assets have boxes of their own (G–L) from this tax year on, with Form 1099-DA.
FIRST_YEAR_OF_DIGITAL_BOXES: Final = 2025
#: Basis reported to the IRS, proceeds alone reported, no form: for each part, in this order.
SECURITY_BOXES: Final[Mapping[Part, str]] = {"I": "ABC", "II": "DEF"}
DIGITAL_BOXES: Final[Mapping[Part, str]] = {"I": "GHI", "II": "JKL"}

_COLUMNS: Final = "abcdefgh"
_FIRST_CELL: Final = 3


@dataclass(frozen=True, slots=True)
class FormLayout:
    """Form 8949 of `year`: Part I is page 1, Part II page 2, each with `rows_per_page` rows.

    `boxes` are the letters of each part's check boxes from top to bottom.
    """

    year: int
    rows_per_page: int
    boxes: Mapping[Part, str]

    def cell(self, row: int, column: Column) -> int:
        """The widget of `column` in `row` (from 0); widgets are numbered row by row."""
        return _FIRST_CELL + len(_COLUMNS) * row + _COLUMNS.index(column)

    def total(self, column: Column) -> int:
        """The widget of line 2 under `column` (d)–(h); the totals follow the last row."""
        return self.cell(self.rows_per_page, "a") + _COLUMNS.index(column) - _COLUMNS.index("d")


#: Name and taxpayer identification number are the first widgets of every page of both forms that has them.
NAME: Final = 1
TAXPAYER_NUMBER: Final = 2
#: The check boxes of a page of Form 8949 are one group.
BOX_GROUP: Final = 1

LAYOUTS: Final[Mapping[int, FormLayout]] = {
    2024: FormLayout(2024, rows_per_page=14, boxes=SECURITY_BOXES),
    2025: FormLayout(
        2025, rows_per_page=11, boxes={part: SECURITY_BOXES[part] + DIGITAL_BOXES[part] for part in PARTS}
    ),
}

#: Schedule D (the same in 2024 and 2025): the first of the four widgets (d), (e), (g), (h) of each totals line.
SCHEDULE_D_TOTALS: Final[Mapping[str, Place]] = {
    "1a": (1, 3),
    "1b": (1, 7),
    "2": (1, 11),
    "3": (1, 15),
    "8a": (1, 23),
    "8b": (1, 27),
    "9": (1, 31),
    "10": (1, 35),
}
#: The lines that hold one amount, of those that are computed here.
SCHEDULE_D_AMOUNTS: Final[Mapping[str, Place]] = {
    "6": (1, 21),
    "7": (1, 22),
    "14": (1, 42),
    "15": (1, 43),
    "16": (2, 1),
    "21": (2, 4),
}
#: Lines whose parentheses are printed: a loss is entered as a positive number.
PRINTED_PARENTHESES: Final = frozenset(("6", "14", "21"))
#: The questions as groups of two check boxes, Yes before No; "qof" is the one above Part I.
SCHEDULE_D_QUESTIONS: Final[Mapping[str, Place]] = {"qof": (1, 1), "17": (2, 1), "20": (2, 2), "22": (2, 3)}


def layout_for(tax_year: int) -> FormLayout:
    """The form of `tax_year`, or the latest one known that has the boxes of that year.

    A year that is not shipped yet is laid out like the newest form; one before digital assets had boxes of
    their own like the last form without these. The caller says so where `year` is not the tax year.
    """
    if tax_year >= FIRST_YEAR_OF_DIGITAL_BOXES:
        return LAYOUTS.get(tax_year) or LAYOUTS[max(LAYOUTS)]
    earlier = max(year for year in LAYOUTS if year < FIRST_YEAR_OF_DIGITAL_BOXES)
    return LAYOUTS.get(tax_year) or LAYOUTS[earlier]
