import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from tickledger.reconciliation.statements.csv_rows import csv_rows, csv_text
from tickledger.reconciliation.statements.csv_sections import SectionHeader, SectionRow, section_rows
from tickledger.reconciliation.statements.ofx_tags import OfxEnd, OfxStart, OfxValue, has_document_type, ofx_events

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"))


@given(st.lists(st.lists(CELL, min_size=1, max_size=5), max_size=6))
def test_rows_that_are_written_are_read_back(rows: list[list[str]]) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    assert [row.cells for row in csv_rows(written.getvalue())] == filled


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    assert all(row.cells for row in csv_rows(text))
    list(section_rows(text))
    list(ofx_events(text))


@given(st.binary(max_size=200))
def test_no_bytes_raise(content: bytes) -> None:
    list(csv_rows(csv_text(content)))


def test_rows_know_the_line_they_begin_on() -> None:
    text = 'a,b\r\n\r\n"two\nlines",c\rd,e'
    assert [(row.row, row.cells) for row in csv_rows(text)] == [
        (1, ["a", "b"]),
        (3, ["two\nlines", "c"]),
        (5, ["d", "e"]),
    ]


def test_a_quote_that_is_never_closed_tears_the_last_row_alone() -> None:
    assert [(row.cells, row.is_torn) for row in csv_rows('a,b\nc,"d\ne')] == [
        (["a", "b"], False),
        (["c", "d\ne"], True),
    ]


def test_what_windows_writes_is_read() -> None:
    assert csv_text("\ufeffMüller".encode()) == "Müller"
    assert csv_text("Müller €".encode("cp1252")) == "Müller €"


SECTIONS = """\
Trades,Header,Symbol,Quantity,,Symbol
Trades,Data,KITE,5,x,y
Trades,SubTotal,KITE,5
Trades,Header,Symbol,Comm in USD
Trades,Data,EUR.USD,-2,7
Trades,Data,EUR.USD
Fees,Data,1,2
alone
"""


def test_a_row_has_the_names_of_the_last_header_of_its_section() -> None:
    header, kite, total, again, forex, short, fees, alone = section_rows(SECTIONS)
    assert header == SectionHeader("Trades", ("Symbol", "Quantity", "column 3", "Symbol (column 4)"), 1)
    assert isinstance(kite, SectionRow)
    assert kite.cells == {"Symbol": "KITE", "Quantity": "5", "column 3": "x", "Symbol (column 4)": "y"}
    assert isinstance(total, SectionRow)
    assert (total.kind, total.row) == ("SubTotal", 3)
    assert isinstance(again, SectionHeader)
    assert isinstance(forex, SectionRow)
    assert forex.cells == {"Symbol": "EUR.USD", "Comm in USD": "-2", "column 3": "7"}
    assert isinstance(short, SectionRow)
    assert short.fault == "1 cells under 2 columns"
    assert isinstance(fees, SectionRow)
    assert fees.cells == {"column 1": "1", "column 2": "2"}
    assert alone == SectionRow("alone", "", {}, 8)


SGML = """OFXHEADER:100
DATA:OFXSGML

<OFX>
<TAX>
<SALE>
<NAME>Kite &amp; Co
<PRICE>10.50
</SALE>
<SALE><NAME>Other<PRICE>7</SALE>
</TAX>
</OFX>
"""
XML = (
    '<?xml version="1.0"?><?OFX OFXHEADER="200"?>\n<OFX><TAX>'
    "<SALE><NAME>Kite &amp; Co</NAME><PRICE>10.50</PRICE></SALE>"
    "<SALE><NAME>Other</NAME><PRICE>7</PRICE></SALE></TAX></OFX>"
)


def test_both_forms_of_ofx_tell_the_same() -> None:
    def plainly(text: str) -> list[tuple[str, ...]]:
        return [
            (event.name, event.text, event.parent)
            if isinstance(event, OfxValue)
            else (type(event).__name__, event.name)
            for event in ofx_events(text)
        ]

    assert plainly(SGML) == plainly(XML)
    assert ("NAME", "Kite & Co", "SALE") in plainly(SGML)


def test_what_is_open_at_the_end_of_an_ofx_file_is_cut() -> None:
    events = list(ofx_events("<OFX>\n<SALE>\n<PRICE>10"))
    assert events == [
        OfxStart("OFX", 1),
        OfxStart("SALE", 2),
        OfxValue("PRICE", "10", "SALE", 3),
        OfxEnd("SALE", 3, is_cut=True),
        OfxEnd("OFX", 3, is_cut=True),
    ]


def test_an_end_tag_that_is_missing_loses_nothing_but_itself() -> None:
    names = [
        event.name for event in ofx_events("<A><B><X>1<C><Y>2</A>") if isinstance(event, OfxEnd) and not event.is_cut
    ]
    assert names == ["C", "B", "A"]


def test_a_document_type_is_seen() -> None:
    assert has_document_type('<!DOCTYPE OFX [<!ENTITY a "b">]><OFX>')
    assert not has_document_type(XML)
