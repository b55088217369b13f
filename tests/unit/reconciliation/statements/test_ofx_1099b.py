from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.domain.lot import Term
from tickledger.reconciliation.accounting import Fate
from tickledger.reconciliation.statement import StatementFile
from tickledger.reconciliation.statements.ofx_1099b import read_ofx_1099b

D = Decimal
XML = """\
<?xml version="1.0" encoding="UTF-8"?>
<?OFX OFXHEADER="200" VERSION="203" SECURITY="NONE"?>
<OFX>
<SIGNONMSGSRSV1><SONRS><STATUS><CODE>0</CODE></STATUS><DTSERVER>20260201101003.000[-5:EST]</DTSERVER></SONRS></SIGNONMSGSRSV1>
<TAX1099MSGSRSV1><TAX1099TRNRS><TRNUID>1</TRNUID><STATUS><CODE>0</CODE></STATUS><TAX1099RS>
<TAX1099B_V100><SRVRTID>S1</SRVRTID><TAXYEAR>2025</TAXYEAR>
<EXTDBINFO_V100>
<PROCSUM_V100><FORM8949CODE>A</FORM8949CODE><SUMSALESPR>3550</SUMSALESPR></PROCSUM_V100>
<PROCDET_V100><FORM8949CODE>A</FORM8949CODE><DTAQD>20250105</DTAQD><DTSALE>20250310120000.000[-5:EST]</DTSALE>
<SECNAME>KITE &amp; CO</SECNAME><NUMSHRS>100</NUMSHRS><COSTBASIS>2805.25</COSTBASIS><SALESPR>2550.00</SALESPR>
<WASHSALE>Y</WASHSALE><WASHSALELOSSDISALLOWED>55.25</WASHSALELOSSDISALLOWED></PROCDET_V100>
<PROCDET_V100><DTVAR>Y</DTVAR><DTSALE>20250311</DTSALE><SALEDESCRIPTION>12.3 WREN FUND</SALEDESCRIPTION>
<COSTBASIS>900</COSTBASIS><SALESPR>1000</SALESPR><LONGSHORT>LONG</LONGSHORT><NONCOVEREDSECURITY>Y</NONCOVEREDSECURITY>
<STATECODE>CA</STATECODE></PROCDET_V100>
</EXTDBINFO_V100>
<PAYERADDR><PAYERNAME1>A Broker</PAYERNAME1></PAYERADDR><PAYERID>12</PAYERID>
<RECADDR><RECNAME1>A Person</RECNAME1></RECADDR><RECID>****1</RECID><RECACCT>U7654321</RECACCT>
</TAX1099B_V100>
</TAX1099RS></TAX1099TRNRS></TAX1099MSGSRSV1>
</OFX>
"""
_AGGREGATES = ("OFX", "SIGNON", "TAX1099", "EXTDB", "PROC", "PAYERADDR", "RECADDR", "SONRS", "STATUS")


def sgml() -> str:
    """The same file in the older form: headers as lines, and no end tags of values."""
    body = XML.partition("<OFX>")
    text = f"OFXHEADER:100\nDATA:OFXSGML\nVERSION:160\n\n<OFX>{body[2]}"
    parts = text.split("</")
    kept = [parts[0]]
    for part in parts[1:]:
        name, _, rest = part.partition(">")
        kept.append(f"</{name}>{rest}" if name.startswith(_AGGREGATES) and name != "PAYERNAME1" else rest)
    return "".join(kept)


def read(text: str) -> StatementFile:
    return read_ofx_1099b(text.encode(), name="1099b.ofx")


@pytest.mark.parametrize("text", [XML, sgml()], ids=["XML", "SGML"])
def test_both_forms_give_the_same_sales(text: str) -> None:
    (found,) = read(text).statements
    kite, wren = found.form_1099b
    assert (found.account_id, found.start_date, found.end_date) == ("U7654321", date(2025, 1, 1), date(2025, 12, 31))
    assert (kite.description, kite.quantity, kite.proceeds, kite.basis) == (
        "KITE & CO",
        D(100),
        D("2550.00"),
        D("2805.25"),
    )
    assert (kite.acquired_date, kite.sold_date, kite.term) == (date(2025, 1, 5), date(2025, 3, 10), Term.SHORT)
    assert (kite.disallowed_loss, kite.adjustment_code, kite.is_basis_reported) == (D("55.25"), "W", True)
    assert (wren.acquired_text, wren.term, wren.is_noncovered, wren.form_8949_box) == ("VARIOUS", Term.LONG, True, "E")
    assert wren.quantity == D("12.3")
    assert not read(text).all_problems


def test_everything_is_accounted_for() -> None:
    found = read(XML)
    table = {line.place: line for line in (*found.accounting, *found.statements[0].accounting)}
    assert not [place for place, line in table.items() if line.fate in {Fate.UNKNOWN, Fate.REFUSED}]
    assert table["PROCDET_V100"].count == 2
    assert table["PROCSUM_V100"].reason == "a sum of sales that are read"
    assert table["PAYERADDR"].reason == "personal data, which nothing here needs"


def test_tags_that_nobody_knows_are_named() -> None:
    (found,) = read(XML.replace("<STATECODE>CA</STATECODE>", "<MOON>full</MOON>")).statements
    assert [line.place for line in found.accounting if line.fate is Fate.UNKNOWN] == ["PROCDET_V100: MOON"]
    assert len(found.form_1099b) == 2


def test_a_sale_without_proceeds_costs_no_other() -> None:
    (found,) = read(XML.replace("<SALESPR>2550.00</SALESPR>", "")).statements
    assert [sale.description for sale in found.form_1099b] == ["12.3 WREN FUND"]
    assert [(problem.column, problem.row) for problem in found.problems] == [("SALESPR", 9)]


def test_a_sale_that_the_file_cuts_off_is_not_used() -> None:
    cut = sgml().partition("<SALESPR>1000")[0] + "<SALESPR>10"
    (found,) = read(cut).statements
    assert ([sale.description for sale in found.form_1099b], found.is_complete) == (["KITE & CO"], False)
    assert {problem.expected for problem in found.problems} == {"the end of PROCDET_V100", "the end of TAX1099B_V100"}


def test_a_document_type_is_refused() -> None:
    found = read('<!DOCTYPE OFX [<!ENTITY a "b">]>' + XML)
    assert not found.statements
    assert found.problems[0].found == "one, which is refused"


def test_an_answer_without_a_form_says_so() -> None:
    assert [problem.found for problem in read("<OFX></OFX>").problems] == ["none"]


@given(st.integers(0, len(XML)))
def test_a_file_cut_anywhere_keeps_its_whole_sales(length: int) -> None:
    cut = XML[:length]
    sales = sum(len(one.form_1099b) for one in read(cut).statements)
    assert sales == cut.count("</PROCDET_V100>")


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    read(text)
    read(XML[: len(XML) // 2] + text)
