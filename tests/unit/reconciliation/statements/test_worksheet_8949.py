from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.domain.lot import Term
from tickledger.reconciliation.accounting import Fate
from tickledger.reconciliation.statement import StatementFile
from tickledger.reconciliation.statements.worksheet_8949 import read_worksheet_8949

D = Decimal
HEADER = "Header,Description,Code,Date Acquired,Date Sold,Sales Price,Cost Basis,Adjustment,\n"
WHOLE = f"""\
Title,Worksheet for Form 8949,2025,
Account,U7654321,A Person,
Part,I,
Box,A,
{HEADER}Data,100 sh KITE WORKS INC,W,1/5/2025,3/10/2025,"2,550.00","2,805.25",55.25,
Data,40 sh WREN CO,,VARIOUS,VARIOUS,"1,000.00",900.00,,
Footer,,,,,"3,550.00","3,705.25",55.25,
Part,II,
Box,A,
{HEADER}Data,7 sh LARK,,2/12/2009,3/12/2025,70.00,50.00,,
Footer,,,,,70.00,50.00,,
"""


def read(text: str) -> StatementFile:
    return read_worksheet_8949(text.encode(), name="8949.csv")


def test_parts_and_boxes_tell_the_term_and_what_was_reported() -> None:
    (found,) = read(WHOLE).statements
    kite, wren, lark = found.form_1099b
    assert (found.account_id, found.start_date, found.end_date) == ("U7654321", date(2025, 1, 1), date(2025, 12, 31))
    assert (kite.form_8949_box, kite.term, kite.is_basis_reported, kite.disallowed_loss) == (
        "A",
        Term.SHORT,
        True,
        D("55.25"),
    )
    assert (kite.quantity, kite.adjustment_code, kite.acquired_date) == (D(100), "W", date(2025, 1, 5))
    assert (wren.acquired_text, wren.sold_text, wren.sold_date) == ("VARIOUS", "VARIOUS", None)
    assert (lark.form_8949_box, lark.term) == ("D", Term.LONG)
    assert not read(WHOLE).all_problems
    assert not [line for line in found.accounting if line.fate in {Fate.UNKNOWN, Fate.REFUSED}]


def test_a_footer_that_is_not_the_sum_is_named() -> None:
    (problem,) = read(WHOLE.replace('"3,550.00"', '"3,551.00"')).all_problems
    assert str(problem) == (
        "warning: 8949.csv, Footer, row 8, column Sales Price: "
        "expected 3550.00, the sum of the rows above, found 3551.00"
    )


@pytest.mark.parametrize(("good", "bad"), [("Part,II", "Part,III"), ("Box,A,\nHeader", "Box,Q,\nHeader")])
def test_a_part_or_a_box_that_does_not_exist_is_named_and_rows_are_used(good: str, bad: str) -> None:
    (found,) = read(WHOLE.replace(good, bad)).statements
    assert len(found.form_1099b) == 3
    assert found.problems


def test_a_row_that_is_refused_costs_no_other() -> None:
    (found,) = read(WHOLE.replace('"2,550.00"', "lots")).statements
    assert [sale.description for sale in found.form_1099b] == ["40 sh WREN CO", "7 sh LARK"]
    assert found.problems[0].row == 6


@given(st.integers(0, len(WHOLE)))
def test_a_file_cut_anywhere_keeps_its_whole_rows(length: int) -> None:
    cut = WHOLE[:length]
    (found,) = read(cut).statements
    assert len(found.form_1099b) >= sum(line.startswith("Data") for line in cut.split("\n")[:-1])


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    read(text)
    read(WHOLE + text)
